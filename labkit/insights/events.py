"""Log events as a table: their own fields, and those that Logs Insights discovers in flow log records.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/CWL_AnalyzeLogData-discoverable-fields.html
"""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence

import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import csv

#: The fields of the default format, by their place in the record.
DEFAULT_FORMAT: Mapping[int, str] = {
    0: "version",
    1: "accountId",
    2: "interfaceId",
    3: "srcAddr",
    4: "dstAddr",
    5: "srcPort",
    6: "dstPort",
    7: "protocol",
    8: "packets",
    9: "bytes",
    10: "startTime",
    11: "endTime",
    12: "action",
    13: "logStatus",
}

#: The fields that are numbers; all else is text, and still compared as a number with numbers.
NUMBERS = {*(DEFAULT_FORMAT[place] for place in (0, 5, 6, 7, 8, 9, 10, 11)), "tcpFlags", "trafficPath"}


def event_table(
    messages: Sequence[str],
    timestamps: Sequence[int],
    ingestion_times: Sequence[int],
    log_streams: Sequence[str],
    ids: Sequence[int],
    *,
    log: str,
    formats: Sequence[Mapping[int, str]] = (DEFAULT_FORMAT,),
) -> pa.Table:
    """The events of a log group as a table for run().

    Parameters: one value for each event of `messages`, of `timestamps` and `ingestion_times` in epoch milliseconds, of
    `log_streams`, and of `ids`, of which @ptr is made; `log`, the @log of all, "account:group"; `formats` of the flow
    logs that write to the group: for each place in a record, counted from 0, the name of its field. An event is read by
    the first format that it fits, and one that fits none has no fields but its own. `-` means that a field is absent.

    >>> line = "2 123456789012 eni-01 10.1.15.80 10.2.0.126 0 0 1 4 336 1764774316 1764774376 ACCEPT OK"
    >>> event_table([line], [1764774316000], [1764774676000], ["eni-01-all"], [0], log="1:flows")["bytes"].to_pylist()
    [336]
    """
    lines = pa.chunked_array([pa.array(messages, pa.large_string())])
    columns: dict[str, pa.ChunkedArray | pa.Array] = {
        "@timestamp": _times(timestamps),
        "@message": lines,
        "@logStream": pa.array(log_streams, pa.string()).dictionary_encode(),
        "@log": pa.repeat(log, len(lines)).dictionary_encode(),
        "@ingestionTime": _times(ingestion_times),
        "@ptr": _pointers(log, ids),
    }
    unread = pa.chunked_array([pa.repeat(True, len(lines))])
    for format in formats:
        records, fits = _records(lines, unread, format)
        for name, values in records.items():
            columns[name] = pc.coalesce(columns[name], values) if name in columns else values
        unread = pc.and_not(unread, fits)
    return pa.table(columns)


def _times(milliseconds: Sequence[int]) -> pa.Array:
    return pa.array(milliseconds, pa.int64()).cast(pa.timestamp("ms")).cast(pa.timestamp("us"))


def _pointers(log: str, ids: Sequence[int]) -> pa.Array:
    """An opaque text for each event, as AWS's are."""
    prefix = base64.urlsafe_b64encode(log.encode()).decode()
    return pc.binary_join_element_wise(prefix, pa.array(ids, pa.int64()).cast(pa.string()), ".")


def _records(
    lines: pa.ChunkedArray, wanted: pa.ChunkedArray, format: Mapping[int, str]
) -> tuple[dict[str, pa.Array], pa.ChunkedArray]:
    """The fields of the wanted lines that fit a format, absent for all others; and which lines fit."""
    width = len(format)
    # AWS's own examples have double spaces, so any run of spaces separates.
    spaced = lines
    if pc.any(pc.match_substring(lines, "  ")).as_py():
        spaced = pc.replace_substring_regex(lines, " +", " ")
    fits = pc.and_(wanted, pc.equal(pc.count_substring(spaced, " "), width - 1))
    types = {name: pa.int64() if name in NUMBERS else pa.string() for name in format.values()}
    try:
        return _spread(_read(spaced, fits, format, types), fits), fits
    except pa.ArrowInvalid:
        # Some line of the right length holds a word where a number belongs, and so isn't a record.
        shape = " ".join(r"(?:-|\d{1,18})" if format[place] in NUMBERS else r"\S+" for place in range(width))
        fits = pc.and_(fits, pc.match_substring_regex(spaced, f"^{shape}$"))
        return _spread(_read(spaced, fits, format, types), fits), fits


def _read(
    lines: pa.ChunkedArray, fits: pa.ChunkedArray, format: Mapping[int, str], types: Mapping[str, pa.DataType]
) -> pa.Table:
    names = [format[place] for place in range(len(format))]
    fitting = lines.filter(fits).combine_chunks()
    if not len(fitting):
        return pa.table({name: pa.array([], types[name]) for name in names})
    joined = pc.binary_join(pa.ListArray.from_arrays([0, len(fitting)], fitting), pa.scalar("\n", pa.large_string()))[0]
    return csv.read_csv(
        pa.BufferReader(joined.as_buffer()),
        csv.ReadOptions(column_names=names, block_size=1 << 24),
        csv.ParseOptions(delimiter=" ", quote_char=False),
        csv.ConvertOptions(column_types=types, null_values=["-"], strings_can_be_null=True),
    )


def _spread(records: pa.Table, fits: pa.ChunkedArray) -> dict[str, pa.ChunkedArray]:
    """The records' columns with an absent value for each line that isn't a record."""
    if len(records) == len(fits):
        return dict(zip(records.column_names, records.columns, strict=True))
    places = pc.if_else(fits, pc.subtract(pc.cumulative_sum(fits.cast(pa.int64())), 1), None)
    return {name: records[name].take(places) for name in records.column_names}
