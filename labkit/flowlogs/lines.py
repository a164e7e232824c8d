"""Parse the text of records into a table: in one fast pass, or line by line where some lines do not fit.

`stream` and `explaining` call this.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.csv

from labkit.errors import FlowLogFormatError
from labkit.flowlogs.fields import DEFAULT_FORMAT, FIELDS, column
from labkit.flowlogs.format import Format
from labkit.flowlogs.sources import Block
from labkit.flowlogs.validation import fault, fits

_TYPES = {"int32": pa.int32(), "int64": pa.int64(), "string": pa.string()}
_TIME = pa.timestamp("s", tz="UTC")
_BOM = b"\xef\xbb\xbf"

#: How much text Arrow parses at once, in bytes: what fits a processor's cache or, for a line longer than that, all.
_PART, _WHOLE = 1 << 21, 1 << 30

#: The format with all fields up to each version, in AWS's order, as the console offers it.
_USUAL = [
    Format(tuple(name for name, field in FIELDS.items() if field.version <= version))
    for version in sorted({field.version for field in FIELDS.values()})
]


class BadLine(NamedTuple):
    """A line that is not a record of the format.

    Attributes:
        file: The name of its file.
        line: Its number in the file, from 1.
        reason: What is wrong with it, as part of a sentence.
        text: The line.
    """

    file: str
    line: int
    reason: str
    text: str

    def __str__(self) -> str:
        return f"{self.file}, line {self.line}: {self.reason}."


def format_error(lines: Sequence[BadLine], likely: Format | None, advice: str) -> FlowLogFormatError:
    """Return the error about lines that do not fit.

    Args:
        lines: The first of these lines.
        likely: The format that they seem to have, or None.
        advice: What to do if there is no such format.
    """
    hint = f"They fit this format: pass format={str(likely)!r}." if likely else advice
    return FlowLogFormatError("\n".join([*map(str, lines), hint]), tuple(lines), likely)


class Parsed(NamedTuple):
    """What a block of lines holds.

    Attributes:
        records: Its records.
        bad: The number (from 1 in this block), reason and text of each line that is not a record.
        lines: How many lines it has.
    """

    records: pa.Table
    bad: list[tuple[int, str, str]]
    lines: int


def names_of(format: str | Format | Mapping[str, Any]) -> tuple[str, ...]:
    """Return the fields of a format.

    Args:
        format: The text that AWS writes (`${…} ${…}`), a header line, or a flow log from describe_flow_logs.

    Raises:
        FlowLogFormatError: It is not a format.
        UnknownFieldError: AWS has no field of a name.

    >>> names_of({"FlowLogId": "fl-1", "LogFormat": "${version} ${srcaddr}"})
    ('version', 'srcaddr')
    """
    if isinstance(format, Mapping):
        format = format.get("LogFormat") or DEFAULT_FORMAT
    if isinstance(format, Format):
        return format.names
    return Format.parse(format).names if "$" in format else Format.of_header(format).names


def header(data: bytes) -> tuple[str, ...] | None:
    """Return the fields that the first line of a file names, or None if it is a record.

    AWS adds fields, so names that labkit does not know are kept. At least half of the names must be known.
    """
    first = data.removeprefix(_BOM).lstrip().split(b"\n", 1)[0].decode(errors="replace")
    names = tuple(first.split())
    known = sum(name in FIELDS for name in names)
    shaped = all(name.replace("-", "").isalnum() and name[0].isalpha() and name.islower() for name in names)
    return names if known and shaped and 2 * known >= len(names) == len(set(names)) else None


def without_header(data: bytes, names: Sequence[str]) -> tuple[bytes, int]:
    """Drop the byte order mark, the header line and empty lines before it from the start of a file.

    Returns:
        The rest, and how many lines were dropped.
    """
    data = data.removeprefix(_BOM)
    rest = data.lstrip()
    if header(rest) == tuple(names):
        rest = rest[rest.find(b"\n") + 1 :] if b"\n" in rest else b""
    return rest, data.count(b"\n", 0, len(data) - len(rest))


def schema(names: Iterable[str]) -> pa.Schema:
    """Return the columns of a table of these fields: AWS's Parquet types, and times for start and end."""
    return pa.schema([(column(name), _TIME if name in ("start", "end") else _type(name)) for name in names])


def parse(data: Block, names: Sequence[str], columns: Sequence[str]) -> Parsed:
    """Parse a block of whole lines.

    Args:
        data: The block.
        names: The fields of each line, in order.
        columns: The fields that are wanted. The others are not checked.
    """
    found = _table(data, names, columns)
    if found is not None:
        return Parsed(found, [], len(found))
    lines = bytes(data).removesuffix(b"\n").split(b"\n")
    # Several spaces between fields, as in one of AWS's examples, and empty lines need only a second pass.
    tidy = [b" ".join(words) for words in map(bytes.split, lines) if words]
    found = _table(b"\n".join(tidy), names, columns, _WHOLE)
    if found is not None:
        return Parsed(found, [], len(lines))
    good, bad = _sort(lines, names)
    found = _table("\n".join(good).encode(), names, columns, _WHOLE)
    assert found is not None  # each good line has passed the same rules
    return Parsed(found, bad, len(lines))


def likely(lines: Iterable[BadLine]) -> Format | None:
    """Return the usual format that all of these lines fit, or None."""
    words = [line.text.split() for line in lines]
    return next((each for each in _USUAL if words and not any(fault(line, each.names) for line in words)), None)


def advice(names: Sequence[str], others: int) -> str:
    """Say what to do about lines that fit no usual format.

    Args:
        names: The fields of the format with which they were read.
        others: How many lines were records of that format.
    """
    form = " ".join(f"${{{name}}}" for name in names)
    if others:
        return (
            f"Other lines are records of the format {form}. A log group or a file can hold records of more than one "
            "flow log, each with its own format. To read those of this format and collect the other lines in "
            "table.attrs['errors'], pass errors='report'."
        )
    return (
        f"They were read with the format {form}. If the flow log has another one, pass it as format=…: its LogFormat "
        "is in ec2.describe_flow_logs(). To read the other lines and collect these, pass errors='report'."
    )


def wrong_header(file: str, found: Sequence[str], wanted: Sequence[str]) -> FlowLogFormatError:
    """Return the error for a file whose header line names other fields than the format that was given."""
    odd = [name for name in found if name not in FIELDS]
    likely = None if odd else Format(tuple(found))
    same = sorted(found) == sorted(wanted)
    reason = "it names the format's fields in another order" if same else "it names other fields than the format"
    return format_error([BadLine(file, 1, reason, " ".join(found))], likely, "Leave format= out.")


def _type(name: str) -> pa.DataType:
    return _TYPES[FIELDS[name].type] if name in FIELDS else pa.string()


def _table(data: Block, names: Sequence[str], columns: Sequence[str], part: int = _PART) -> pa.Table | None:
    """Return the lines as a table, or None if one of them does not fit."""
    if not data:
        return schema(columns).empty_table()
    try:
        found = pyarrow.csv.read_csv(
            pa.BufferReader(data),
            # One thread each: several blocks are parsed at once.
            pyarrow.csv.ReadOptions(column_names=[*map(column, names)], use_threads=False, block_size=part),
            pyarrow.csv.ParseOptions(delimiter=" ", quote_char=False, ignore_empty_lines=False),
            pyarrow.csv.ConvertOptions(
                column_types={column(name): _type(name) for name in names},
                include_columns=[*map(column, columns)],
                null_values=["-"],
                strings_can_be_null=True,
                check_utf8=False,  # the rules of the fields notice it
            ),
        )
        if not fits(found, columns):
            return None
    except (pa.ArrowInvalid, UnicodeDecodeError):
        return None
    return found.cast(schema(columns))


def _sort(lines: Sequence[bytes], names: Sequence[str]) -> tuple[list[str], list[tuple[int, str, str]]]:
    """Separate the lines that are records, with single spaces now, from those that are not."""
    good: list[str] = []
    bad: list[tuple[int, str, str]] = []
    for number, line in enumerate(lines, 1):
        words = line.decode(errors="replace").split()
        # Files that were concatenated have header lines in between.
        if not words or words == list(names):
            continue
        reason = fault(words, names) if "\ufffd" not in "".join(words) else "it is not UTF-8 text"
        if reason is None:
            good.append(" ".join(words))
        else:
            bad.append((number, reason, line.decode(errors="replace").strip()))
    return good, bad
