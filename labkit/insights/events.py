"""Log events as a table: the fields of every event, and those of flow log records.

The embedded AWS makes the table of a log group with this. `labkit.flowlogs` reads the records.

Logs Insights itself discovers the fields of records of the default format only. Who knows of a custom format can have
its fields here, too.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/CWL_AnalyzeLogData-discoverable-fields.html
https://repost.aws/knowledge-center/cloudwatch-vpc-flow-logs
"""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from itertools import chain, compress
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from labkit.flowlogs import DEFAULT_FORMAT, FIELDS, Format, scan
from labkit.insights.values import ValueKind

if TYPE_CHECKING:
    from labkit.flowlogs import BadLine

EVENT_FIELDS: Mapping[str, ValueKind] = {
    **{"@timestamp": "time", "@message": "text", "@logStream": "text", "@log": "text", "@ingestionTime": "time"},
    **{field.insights_name: "text" if field.type == "string" else "integer" for field in FIELDS.values()},
}
"""The kind of each field that an event can have whose message is a flow log record of any format."""

# Words of records have no control characters and no white space in them.
_WORD = r"[^\pZ\pC]+"


def event_table(
    messages: Sequence[str],
    timestamps: Sequence[int],
    ingestion_times: Sequence[int],
    log_streams: Sequence[str],
    ids: Sequence[int],
    *,
    log: str,
    formats: Sequence[str] = (DEFAULT_FORMAT,),
) -> pa.Table:
    """Return the events of a log group as a table for `run`.

    A message is read by the first format in which it is a flow log record. One that is no record has only the fields
    of every event. `-` means that a field is absent.

    Args:
        messages: The message of each event.
        timestamps: The time of each event, in epoch milliseconds.
        ingestion_times: When each event arrived, in epoch milliseconds.
        log_streams: The log stream of each event.
        ids: A number for each event, of which its @ptr is made.
        log: The @log of all events, "account:group".
        formats: The formats of the records, as AWS writes them: `${srcaddr} ${action}`. Unless given, the one that
            Logs Insights discovers.

    Returns:
        One row an event. The fields of records have the names that Insights gives them, such as srcAddr.

    >>> line = "2 123456789012 eni-01 10.1.15.80 10.2.0.126 0 0 1 4 336 1764774316 1764774376 ACCEPT OK"
    >>> event_table([line], [1764774316000], [1764774676000], ["eni-01-all"], [0], log="1:flows")["bytes"].to_pylist()
    [336]
    """
    columns: dict[str, pa.ChunkedArray | pa.Array] = {
        "@timestamp": _times(timestamps),
        "@message": pa.chunked_array([pa.array(messages, pa.large_string())]),
        "@logStream": pa.array(log_streams, pa.string()).dictionary_encode(),
        "@log": pa.repeat(log, len(messages)).dictionary_encode(),
        "@ingestionTime": _times(ingestion_times),
        "@ptr": _pointers(log, ids),
    }
    unread = np.ones(len(messages), bool)
    for format in map(Format.parse, formats):
        records, places = _records(messages, columns["@message"], unread, format)
        unread[places] = False
        # For each event the row of its record; -1 where it is none.
        rows = np.full(len(messages), -1)
        rows[places] = np.arange(len(places))
        take = None if len(places) == len(messages) else pa.array(rows, mask=rows < 0)
        for field, values in zip(map(FIELDS.__getitem__, format.names), records.columns, strict=True):
            if pa.types.is_timestamp(values.type):
                values = values.cast(pa.int64())
            values = values if take is None else values.take(take)
            name = field.insights_name
            columns[name] = pc.coalesce(columns[name], values) if name in columns else values
    return pa.table(columns)


def _records(
    messages: Sequence[str], lines: pa.ChunkedArray, unread: np.ndarray, format: Format
) -> tuple[pa.Table, np.ndarray]:
    """Return the unread messages that are records of a format, as a table; and their places among all messages."""
    shape = f"^ *{_WORD}(?: +{_WORD}){{{len(format.names) - 1}}} *$"
    shaped = unread & pc.match_substring_regex(lines, shape).to_numpy()
    # The reader passes over the names of the fields, as the first line of a file.
    if pc.any(headers := pc.match_substring_regex(lines, f"^ *{' +'.join(format.names)} *$")).as_py():
        shaped &= ~headers.to_numpy()
    bad: list[BadLine] = []
    # A record of dashes comes first: it is one in every format, so that the reader guesses neither header nor format.
    candidates = (line.encode() for line in chain([format.line({})], compress(messages, shaped)))
    records = pa.Table.from_batches(scan(candidates, format, bad=bad))[1:]
    places = np.delete(np.flatnonzero(shaped), [line.line - 2 for line in bad])
    return records, places


def _times(milliseconds: Sequence[int]) -> pa.Array:
    return pa.array(milliseconds, pa.int64()).cast(pa.timestamp("ms")).cast(pa.timestamp("us"))


def _pointers(log: str, ids: Sequence[int]) -> pa.Array:
    """Return an opaque text for each event, as AWS's are."""
    prefix = base64.urlsafe_b64encode(log.encode()).decode()
    return pc.binary_join_element_wise(prefix, pa.array(ids, pa.int64()).cast(pa.string()), ".")
