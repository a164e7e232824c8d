"""Write a table of records as AWS would have delivered it."""

from __future__ import annotations

import gzip
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from labkit.flowlogs.fields import FIELDS, column
from labkit.flowlogs.format import Format
from labkit.flowlogs.lines import names_of

_NAMES = {field.column: name for name, field in FIELDS.items()}


def write(
    table: pd.DataFrame,
    path: str | Path,
    format: str | Format | Mapping[str, Any] | None = None,
    header: bool = True,
) -> None:
    """Write records to one file: Parquet for a name that ends in .parquet, text otherwise, packed for .gz.

    Parameters: `format`, the fields to write, in order (default: all columns of the table); `header=False` leaves out
    the line of names, which CloudWatch Logs lacks, too. What `read` makes of the file is the same table again.

    Raises ValueError where a column can't be part of text: it must hold one word or whole number per record, and a
    column that is no field of AWS's comes back as words.

    >>> import tempfile
    >>> from labkit.flowlogs.reading import read
    >>> from labkit.flowlogs.examples import ping
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write(ping, Path(folder, "ping.log.gz"))
    ...     read(Path(folder, "ping.log.gz")).equals(ping)
    True
    """
    path = Path(path)
    found = _arrow(table, None if format is None else names_of(format))
    if path.name.endswith(".parquet"):
        pq.write_table(found, path, compression="gzip")
        return
    data = _text(found, header)
    path.write_bytes(gzip.compress(data, mtime=0) if path.name.endswith(".gz") else data)


def write_s3(
    table: pd.DataFrame,
    folder: str | Path,
    account: str,
    region: str,
    flow_log_id: str = "fl-00000000000000000",
    hive: bool = False,
    kind: Literal["log.gz", "log.parquet"] = "log.gz",
) -> list[Path]:
    """Write records as a flow log delivers them to an S3 bucket: in folders by account, Region and day.

    Parameters: `folder` stands for the bucket; `hive`, for folders with names such as `year=2025`; `kind`, text or
    Parquet. A file holds a day, by the records' start; its columns account and day become the folders' names. Returns
    the files. Reading the folder gives the records again, by day, with account, region and day.

    Source: https://docs.aws.amazon.com/vpc/latest/userguide/flow-logs-s3-path.html
    """
    marks = ("aws-account-id=", "aws-service=", "aws-region=", "year=", "month=", "day=") if hive else ("",) * 6
    start = table["start"].dt
    files = []
    for day, records in table.groupby(start.floor("D")):
        parts = (account, "vpcflowlogs", region, f"{day:%Y}", f"{day:%m}", f"{day:%d}")
        place = Path(folder, "AWSLogs", *(mark + part for mark, part in zip(marks, parts, strict=True)))
        place.mkdir(parents=True, exist_ok=True)
        files.append(place / f"{account}_vpcflowlogs_{region}_{flow_log_id}_{day:%Y%m%d}T0000Z_00000000.{kind}")
        write(records.drop(columns=["account", "day"], errors="ignore"), files[-1])
    return files


def _arrow(table: pd.DataFrame, names: tuple[str, ...] | None) -> pa.Table:
    """The fields as AWS's Parquet files have them: times in seconds."""
    found = pa.Table.from_pandas(table, preserve_index=False).replace_schema_metadata()
    if names is not None:
        found = found.select([column(name) for name in names])
    for at, name in enumerate(found.column_names):
        if pa.types.is_timestamp(found.schema.field(name).type):
            seconds = found[name].cast(pa.timestamp("s", found.schema.field(name).type.tz)).cast(pa.int64())
            found = found.set_column(at, name, seconds)
    return found


def _text(found: pa.Table, header: bool) -> bytes:
    columns = []
    for name in found.column_names:
        words = found[name]
        if pa.types.is_string(words.type) or pa.types.is_large_string(words.type):
            if pc.any(pc.match_substring_regex(words, r"^-?$|\s")).as_py():
                raise ValueError(
                    f"The column {name} holds texts that aren't one word, which a line of text can't hold."
                )
        elif name not in _NAMES:
            raise ValueError(
                f"The column {name} is no field, nor words: choose the fields with format=, or write Parquet."
            )
        columns.append(pc.fill_null(words.cast(pa.string()), "-"))
    names = " ".join(_NAMES.get(name, name.replace("_", "-")) for name in found.column_names) + "\n" if header else ""
    lines = pc.binary_join_element_wise(pc.binary_join_element_wise(*columns, " "), "", "\n")
    return "".join([names, *lines.to_pylist()]).encode()
