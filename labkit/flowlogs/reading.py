"""Read flow log records from anywhere: all of them into a table with `read`, or as a stream with `scan`.

Notebooks, `labkit flows` and the quizzes call this.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Literal

import pandas as pd
import pyarrow as pa

from labkit.errors import QuestionError
from labkit.flowlogs.fields import DEFAULT_FORMAT
from labkit.flowlogs.format import Format
from labkit.flowlogs.lines import BadLine, names_of, schema
from labkit.flowlogs.sources import Advance, Source, inputs
from labkit.flowlogs.stream import RecordStream, find_fields
from labkit.status import Status, quoted

#: What S3's folders say about a file's records.
PLACE = pa.schema([("account", pa.string()), ("region", pa.string()), ("day", pa.date32())])

#: How much text is read at once, in bytes, where all of it is kept.
_BLOCK = 1 << 24


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

    Whatever a file holds, reading it takes little memory beside the table: JSON is read an event at a time, and a file
    ends where a line or an event is longer than 1 MiB, or a column of a Parquet row group than 128 MiB.

    Args:
        source: A path, a pattern such as `logs/*.gz`, a folder, `-` for standard input, or several of these; or
            CloudWatch Logs events, as filter_log_events and get_log_events return them (a page, or a list of events);
            or any iterable of lines. Files may be plain, gzip, zstd, Parquet, or JSON exported from CloudWatch Logs.
        format: `${…} ${…}`, a Format, or a flow log as describe_flow_logs describes it. Not needed where a file has a
            header line. Without either, it is the default format.
        errors: With "raise", a line that does not fit is an error. With "report", such lines are collected in
            `table.attrs["errors"]`, each a BadLine.

    Returns:
        A table whose columns have AWS's field names with underscores and AWS's Parquet types, backed by Arrow; `start`
        and `end` are UTC times, and `-` is null. Files in S3's folder layout also get `account`, `region` and `day`
        from their path, unless the records have such a column.

    Raises:
        NoFileError: A path leads to no file that can be read; it is a FileNotFoundError, too.
        FlowLogFormatError: A line does not fit, or a file has another format altogether.

    >>> lines = ["2 123456789012 eni-1 10.1.15.80 10.2.0.126 0 0 1 5 420 1764774316 1764774376 ACCEPT OK"]
    >>> read(lines)[["srcaddr", "bytes", "start"]]
          srcaddr  bytes                      start
    0  10.1.15.80    420  2025-12-03 15:05:16+00:00

    Source: https://docs.aws.amazon.com/vpc/latest/userguide/flow-log-records.html
    """
    if errors not in ("raise", "report"):
        raise QuestionError(f"errors is 'raise' or 'report', not {quoted(errors)}.")
    bad: list[BadLine] = []
    stream = scan(source, format, bad=bad if errors == "report" else None)
    stream.block = _BLOCK
    frame = pa.Table.from_batches(_counted(stream), stream.schema).to_pandas(types_mapper=pd.ArrowDtype)
    if errors == "report":
        frame.attrs["errors"] = BadLines(bad)
    return frame


def _counted(stream: RecordStream) -> Iterator[pa.RecordBatch]:
    """Pass the batches on, and show how many records there are so far."""
    rows = 0
    with Status() as status:
        for batch in stream:
            rows += len(batch)
            status.say(f"reading flow logs: {rows:,} records", plain="")
            yield batch


def scan(
    source: Source,
    format: str | Format | Mapping[str, Any] | None = None,
    columns: Sequence[str] | None = None,
    bad: list[BadLine] | None = None,
    advance: Advance = lambda count: None,
) -> RecordStream:
    """Open flow log records as a stream, for more of them than memory holds. Every question takes it like a table.

    Args:
        source: As in `read`.
        format: As in `read`.
        columns: The columns to read, if not all: reading few takes half the time.
        bad: A list to which lines that do not fit are added. Without it, such a line is an error.
        advance: Called with the number of bytes each time some of a file were read, for a progress bar.

    Returns:
        The stream, which can be iterated once.

    Raises:
        NoFileError: A path leads to no file that can be read; it is a FileNotFoundError, too.
        FlowLogFormatError: A header line contradicts the format.
        QuestionError: The records lack a column.

    >>> sum(len(batch) for batch in scan(["version srcaddr", "2 10.1.15.80", "2 10.2.0.126"]))
    2
    """
    given = None if format is None else names_of(format)
    files = [*inputs(source)]
    for file in files:
        find_fields(file, given, advance)
    fields = dict.fromkeys(name for file in files for name in file.names) or dict.fromkeys(names_of(DEFAULT_FORMAT))
    found = schema(fields)
    for place in PLACE:
        if place.name not in found.names and any(file.place for file in files):
            found = found.append(place)
    stream = RecordStream(found, files, bad, advance)
    if columns is not None:
        if missing := [name for name in columns if name not in found.names]:
            raise QuestionError(f"The records have no column {missing[0]}; they have {', '.join(found.names)}.")
        stream.only(columns)
    return stream
