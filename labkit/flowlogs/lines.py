"""Parse the text of records into a table: in one fast pass, or line by line where some lines do not fit.

`stream` and `explaining` call this.
"""

from __future__ import annotations

import re
from array import array
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.csv

from labkit.errors import FlowLogFormatError
from labkit.flowlogs.fields import DEFAULT_FORMAT, FIELDS, column
from labkit.flowlogs.format import Format
from labkit.flowlogs.sources import Block
from labkit.flowlogs.validation import fault, fits
from labkit.status import quoted

_TIME = pa.timestamp("s", tz="UTC")
_TYPES = {"int32": pa.int32(), "int64": pa.int64(), "string": pa.string()}
#: As what the columns are read: Arrow reads -0 as a signed number, and as no other.
_UNSIGNED = {pa.int32(): pa.uint32(), pa.int64(): pa.uint64(), _TIME: pa.uint64()}
_BOM = b"\xef\xbb\xbf"

#: Arrow reads 0x1ff as 511.
_HEXADECIMAL = re.compile(rb"(?<!\S)0[xX]")
_CACHED = 1 << 16
#: How many characters of a line are explained, or kept if it does not fit: a record with all fields has about 700.
LONGEST_SHOWN = 4096
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
        lines: How many lines it has.
        bad: The number (from 1 in this block) of each line that is not a record.
        text: The block, if it has such lines.
        damage: Why nothing comes after this block, where a file is damaged.
    """

    records: pa.Table
    lines: int
    bad: Sequence[int] = ()
    text: bytes = b""
    damage: str | None = None


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
    if not isinstance(format, str):
        raise FlowLogFormatError(f"A flow log format is text such as {DEFAULT_FORMAT!r}, and not {quoted(format)}.")
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
    odd = _has_hexadecimal(data)
    found = None if odd else _table(data, names, columns)
    if found is not None:
        return Parsed(found, len(found))
    text = bytes(data)
    lines = text.splitlines()
    if not odd:
        # Several spaces between fields, as in one of AWS's examples, and empty lines need only a second pass.
        tidy = [b" ".join(words) for words in map(bytes.split, lines) if words]
        found = _table(b"\n".join(tidy), names, columns, _WHOLE)
    if found is not None:
        return Parsed(found, len(lines))
    good, bad = _sort(lines, names)
    found = _table(b"\n".join(good), names, columns, _WHOLE)
    assert found is not None  # each good line has passed the same rules
    return Parsed(found, len(lines), bad, text if bad else b"")


def bad_lines(found: Parsed, file: str, before: int, names: Sequence[str]) -> Iterator[BadLine]:
    """Yield the lines of a block that are not records, each when it is asked for: there may be millions.

    Args:
        found: What the block holds.
        file: The name of its file.
        before: How many lines of the file come before the block.
        names: The fields of each line, in order.
    """
    lines = found.text.splitlines()
    for number in found.bad:
        line = lines[number - 1]
        text = line.decode(errors="replace").strip()
        yield BadLine(file, before + number, _fault(line.split(), names) or "", text[:LONGEST_SHOWN])


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


def _has_hexadecimal(data: Block) -> bool:
    """Return whether a word begins like a hexadecimal number.

    Hardly a block has an x. To see that, parts are copied that fit a processor's cache.
    """
    parts = (bytes(data[at : at + _CACHED]) for at in range(0, len(data), _CACHED))
    return any(b"x" in part or b"X" in part for part in parts) and _HEXADECIMAL.search(data) is not None


def _table(data: Block, names: Sequence[str], columns: Sequence[str], part: int = _PART) -> pa.Table | None:
    """Return the lines as a table, or None if one of them does not fit."""
    wanted = schema(columns)
    if not data:
        return wanted.empty_table()
    try:
        found = pyarrow.csv.read_csv(
            pa.BufferReader(data),
            # One thread each: several blocks are parsed at once.
            pyarrow.csv.ReadOptions(column_names=[*map(column, names)], use_threads=False, block_size=part),
            pyarrow.csv.ParseOptions(delimiter=" ", quote_char=False, ignore_empty_lines=False),
            pyarrow.csv.ConvertOptions(
                column_types={field.name: _UNSIGNED.get(field.type, field.type) for field in schema(names)},
                include_columns=wanted.names,
                null_values=["-"],
                strings_can_be_null=True,
                check_utf8=False,  # the rules of the fields notice it
            ),
        )
        if not fits(found, columns):
            return None
    except (pa.ArrowInvalid, UnicodeDecodeError):
        return None
    # The numbers are in the range of the signed types, so the same bytes are one of these.
    return pa.Table.from_arrays(
        [
            pa.chunked_array([chunk.view(field.type) for chunk in column.chunks], field.type)
            for field, column in zip(wanted, found.columns, strict=True)
        ],
        schema=wanted,
    )


def _sort(lines: Sequence[bytes], names: Sequence[str]) -> tuple[list[bytes], Sequence[int]]:
    """Separate the lines that are records, with single spaces now, from the numbers of those that are not."""
    good: list[bytes] = []
    bad = array("L")
    header = [name.encode() for name in names]
    for number, line in enumerate(lines, 1):
        words = line.split()
        # Files that were concatenated have header lines in between.
        if not words or words == header:
            continue
        if _fault(words, names) is None:
            good.append(b" ".join(words))
        else:
            bad.append(number)
    return good, bad


def _fault(words: Sequence[bytes], names: Sequence[str]) -> str | None:
    """Say what is wrong with a line, or return None if it is a record."""
    try:
        return fault([word.decode() for word in words], names)
    except UnicodeDecodeError:
        return "it is not UTF-8 text"
