"""Read flow log records from anywhere: all of them into a DataFrame, or piece by piece."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Literal

import pandas as pd
import pyarrow as pa

from labkit.flowlogs.fields import DEFAULT_FORMAT
from labkit.flowlogs.format import Format
from labkit.flowlogs.lines import BadLine, names_of, schema
from labkit.flowlogs.records import Records, opened
from labkit.flowlogs.sources import Source, inputs
from labkit.status import Status

#: What S3's folders say of a file's records.
PLACE = pa.schema([("account", pa.string()), ("region", pa.string()), ("day", pa.date32())])

#: How much text is read at once, in bytes, where all of it is kept.
_BLOCK = 1 << 23


class BadLines(tuple[BadLine, ...]):
    """The lines that were left out of a table."""

    def __deepcopy__(self, memo: object) -> BadLines:
        # pandas copies a table's attrs with every step, and nothing here can change.
        return self


def read(
    source: Source,
    format: str | Format | Mapping[str, Any] | None = None,
    errors: Literal["raise", "report"] = "raise",
) -> pd.DataFrame:
    """Read flow log records into a table: one row per record, NODATA and SKIPDATA included, in the order of the source.

    The columns bear AWS's field names with underscores and have AWS's Parquet types, backed by Arrow; `start` and `end`
    are UTC times; `-` becomes null. Files in S3's folder layout also get `account`, `region` and `day` from
    their path (if the records have a region field, that one stays).

    Parameters:
        source: a path, a pattern such as `logs/*.gz`, a folder, `-` for standard input, or several of these; or
            CloudWatch Logs events, as filter_log_events and get_log_events return them (a page, or a list of events);
            or any iterable of lines. Files may be plain, gzip, zstd, Parquet, or JSON exported from CloudWatch Logs.
        format: `${…} ${…}`, a Format, or a flow log as describe_flow_logs describes it. A header line says it,
            too; without either, it is the default format.
        errors: with "raise", a line that doesn't fit raises FlowLogFormatError; with "report", such lines are collected
            in `table.attrs["errors"]`, each with its file, line, reason and text.

    Raises FileNotFoundError, and FlowLogFormatError where a file has another format altogether.

    >>> lines = ["2 123456789012 eni-1 10.1.15.80 10.2.0.126 0 0 1 5 420 1764774316 1764774376 ACCEPT OK"]
    >>> read(lines)[["srcaddr", "bytes", "start"]]
          srcaddr  bytes                      start
    0  10.1.15.80    420  2025-12-03 15:05:16+00:00

    Source: https://docs.aws.amazon.com/vpc/latest/userguide/flow-log-records.html
    """
    if errors not in ("raise", "report"):
        raise ValueError(f"errors is 'raise' or 'report', not {errors!r}.")
    bad: list[BadLine] = []
    records = scan(source, format, bad=bad if errors == "report" else None)
    records.block = _BLOCK
    frame = pa.Table.from_batches(_counted(records), records.schema).to_pandas(types_mapper=pd.ArrowDtype)
    if errors == "report":
        frame.attrs["errors"] = BadLines(bad)
    return frame


def _counted(records: Records) -> Iterator[pa.RecordBatch]:
    """The same batches; where they take long, somebody who can see it is told how many records there are so far."""
    rows = 0
    with Status() as status:
        for batch in records:
            rows += len(batch)
            status.say(f"reading flow logs: {rows:,} records", plain="")
            yield batch


def scan(
    source: Source,
    format: str | Format | Mapping[str, Any] | None = None,
    columns: Sequence[str] | None = None,
    bad: list[BadLine] | None = None,
    advance: Callable[[int], object] = lambda count: None,
) -> Records:
    """Records piece by piece, for more of them than memory holds; every question takes them in place of a table.

    Parameters: `source` and `format` as in `read`; `columns`, those wanted (the others are passed over, which is twice
    as fast); `bad`, a list to which lines that don't fit are added (without it, they raise); `advance` is called with
    each number of bytes that was read from a file, for a progress bar.

    >>> sum(len(batch) for batch in scan(["version srcaddr", "2 10.1.15.80", "2 10.2.0.126"]))
    2
    """
    given = None if format is None else names_of(format)
    files = [opened(file, given) for file in inputs(source, advance)]
    fields = dict.fromkeys(name for file in files for name in file.names) or dict.fromkeys(names_of(DEFAULT_FORMAT))
    found = schema(fields)
    for place in PLACE:
        if place.name not in found.names and any(file.input.place for file in files):
            found = found.append(place)
    records = Records(found, files, bad)
    if columns is not None:
        missing = [name for name in columns if name not in found.names]
        if missing:
            raise ValueError(f"The records have no column {missing[0]}; they have {', '.join(found.names)}.")
        records.only(columns)
    return records
