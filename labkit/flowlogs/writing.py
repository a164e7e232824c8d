"""Write a table of records as AWS would deliver it.

The script that makes data/nimbus-day calls this, and so can engineers who need records to try something with.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from typing import Any, Literal

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from labkit.flowlogs.fields import FIELDS, column
from labkit.flowlogs.format import Format
from labkit.flowlogs.lines import names_of

#: The kinds of files that flow logs deliver to S3.
Kind = Literal["log.gz", "log.parquet"]

_NAMES = {field.column: name for name, field in FIELDS.items()}


def write(
    table: pd.DataFrame,
    path: str | Path,
    format: str | Format | Mapping[str, Any] | None = None,
    header: bool = True,
) -> None:
    """Write records to one file. `read` makes the same table of it again.

    The same table gives the same bytes on every machine with the same pyarrow.

    Args:
        table: The records.
        path: The file: Parquet if its name ends in .parquet, and text otherwise, packed if it ends in .gz.
        format: The fields to write, in order; all columns of the table if None.
        header: Whether text begins with a line of names. CloudWatch Logs has none.

    Raises:
        ValueError: A column cannot be part of text, which holds one word or whole number per record.

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
        _write_parquet(found, path)
    else:
        data = _text(found, header)
        path.write_bytes(_gzip(data) if path.name.endswith(".gz") else data)


def s3_key(account: str, region: str, flow_log_id: str, begin: datetime, hive: bool, kind: Kind) -> str:
    """Return where a flow log puts a file in its S3 bucket.

    Args:
        account: The account id, of 12 digits.
        region: The Region, such as us-east-1.
        flow_log_id: The id of the flow log.
        begin: The day and hour of its records.
        hive: Whether folders have Hive-compatible names such as `year=2025`.
        kind: Text or Parquet.

    Source: https://docs.aws.amazon.com/vpc/latest/userguide/flow-logs-s3-path.html
    """
    marks = ("aws-account-id=", "aws-service=", "aws-region=", "year=", "month=", "day=") if hive else ("",) * 6
    parts = (account, "vpcflowlogs", region, f"{begin:%Y}", f"{begin:%m}", f"{begin:%d}")
    folders = "/".join(mark + part for mark, part in zip(marks, parts, strict=True))
    unique = sha256(f"{flow_log_id}/{begin.hour}".encode()).hexdigest()[:8]
    return f"AWSLogs/{folders}/{account}_vpcflowlogs_{region}_{flow_log_id}_{begin:%Y%m%dT%H}00Z_{unique}.{kind}"


def _arrow(table: pd.DataFrame, names: tuple[str, ...] | None) -> pa.Table:
    """Return the fields as AWS's Parquet files have them: times in seconds."""
    found = pa.Table.from_pandas(table, preserve_index=False).replace_schema_metadata()
    if names is not None:
        found = found.select([column(name) for name in names])
    for at, field in enumerate(found.schema):
        if pa.types.is_timestamp(field.type):
            seconds = found[at].cast(pa.timestamp("s", field.type.tz)).cast(pa.int64())
            found = found.set_column(at, field.name, seconds)
    return found.combine_chunks()


def _write_parquet(found: pa.Table, path: Path) -> None:
    times = [name for name in ("start", "end") if name in found.column_names]
    # A dictionary of ports would be longer than the ports.
    repeated = [name for name in found.column_names if name not in (*times, "srcport", "dstport")]
    packing = {"compression": "gzip", "compression_level": 9, "store_schema": False, "row_group_size": 1 << 20}
    encoding = dict.fromkeys(times, "DELTA_BINARY_PACKED")
    pq.write_table(found, path, use_dictionary=repeated, column_encoding=encoding, **packing)


def _gzip(data: bytes) -> bytes:
    """Pack text as AWS does, without the time or system in gzip's header.

    It uses pyarrow's zlib: on some systems Python's is another one, which packs into other bytes.
    """
    packed = bytearray(pa.Codec("gzip", compression_level=9).compress(data, asbytes=True))
    packed[4:8], packed[9] = bytes(4), 255
    return bytes(packed)


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
            raise ValueError(f"The column {name} is no field, nor words: choose fields with format=, or write Parquet.")
        columns.append(pc.fill_null(words.cast(pa.string()), "-"))
    names = " ".join(_NAMES.get(name, name.replace("_", "-")) for name in found.column_names) + "\n" if header else ""
    lines = pc.binary_join_element_wise(pc.binary_join_element_wise(*columns, " "), "", "\n")
    return "".join([names, *lines.to_pylist()]).encode()
