"""Open the sources of records: files in every form that AWS delivers, CloudWatch events, lines, standard input.

`reading` calls this, and `stream` reads the text.
"""

from __future__ import annotations

import datetime
import glob
import io
import os
import re
import stat
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import nullcontext
from dataclasses import dataclass, field
from functools import partial
from itertools import chain
from os import PathLike
from pathlib import Path
from typing import Any, cast

import pyarrow as pa
from isal import isal_zlib

from labkit.errors import FlowLogFormatError, NoFileError
from labkit.flowlogs import events
from labkit.status import quoted

#: What `read` and `scan` accept; see there.
Source = str | PathLike[str] | Iterable[Any]

#: A block of text.
Block = bytes | memoryview
#: Called with the number of bytes each time some of a file were read, as they are on the disk.
Advance = Callable[[int], object]
#: Read bytes into a buffer; return how many, or 0 at the end.
Fill = Callable[[memoryview], int]

CHUNK = 1 << 18
#: How much text is read at once, in bytes: each block costs some time whatever its size, and five or more are held.
#: The first block is small, as all of its fields are checked.
BLOCK, FIRST = 1 << 22, 1 << 16
#: How much text is enough to see whether it is JSON, in bytes.
_HEAD = 1 << 10
#: The longest line, in bytes: a record with all fields has about 700. A longer one may be read where it fits a block.
LONGEST = 1 << 20
#: What a damaged file raises.
BROKEN = (
    EOFError,
    OSError,
    UnicodeDecodeError,
    pa.ArrowException,
    cast(type[Exception], isal_zlib.error),
    FlowLogFormatError,
)
_GZIP, _ZSTD, _PARQUET = b"\x1f\x8b", b"\x28\xb5\x2f\xfd", b"PAR1"
_SUFFIXES = (".log", ".txt", ".gz", ".zst", ".parquet", ".json")

# https://docs.aws.amazon.com/vpc/latest/userguide/flow-logs-s3-path.html
_S3_FOLDERS = re.compile(
    r"(?:^|/)(?:aws-account-id=)?(?P<account>\d{12})/(?:aws-service=)?vpcflowlogs/(?:aws-region=)?(?P<region>[a-z0-9-]+)"
    r"/(?:year=)?(?P<year>\d{4})/(?:month=)?(?P<month>\d\d)/(?:day=)?(?P<day>\d\d)/"
)


@dataclass(slots=True)
class Input:
    """A file, or another source of text.

    Attributes:
        name: The name for messages.
        blocks: Returns its text in blocks of whole lines. It takes the size of a block in bytes, and a function to call
            with the number of bytes each time some of a file were read, as they are on the disk.
        once: Whether `blocks` works only once.
        place: What S3's folders say about its records: account, region and day.
        parquet: The file's path if it is Parquet, which is not text.
        names: The fields of its records, in order, once they are known.
        lines: How many lines have been read so far.
        rows: How many records have been read so far.
    """

    name: str
    blocks: Callable[[int, Advance], Iterator[Block]]
    once: bool = True
    place: Mapping[str, Any] = field(default_factory=dict)
    parquet: Path | None = None
    names: tuple[str, ...] = ()
    lines: int = 0
    rows: int = 0


def inputs(source: Source) -> Iterator[Input]:
    """Yield each file of a source, in order.

    Args:
        source: What `read` accepts.

    Raises:
        NoFileError: A path, pattern or folder leads to no file that can be read.
        FlowLogFormatError: It is no source of records.
    """
    if isinstance(source, str | PathLike):
        if source == "":  # which pathlib takes for the working directory
            raise NoFileError("The path is empty. Give the path of a file or folder, or a pattern.")
        yield from [Input("standard input", partial(_text, None))] if source == "-" else map(_file, paths(Path(source)))
        return
    if isinstance(source, bytes) or not isinstance(source, Iterable):
        raise FlowLogFormatError(
            f"{quoted(source)} holds no records: give the path of a file or folder, lines, or events of "
            "CloudWatch Logs."
        )
    items = iter(source if not isinstance(source, Mapping) else events.of_python(source))
    first = next(items, None)
    rest = () if first is None else chain([first], items)
    if isinstance(first, PathLike) or (isinstance(first, str) and _is_path(first)):
        yield from chain.from_iterable(map(inputs, rest))
    elif isinstance(first, Mapping):
        yield Input("the events", partial(_whole_lines, events.of_python(rest)))
    else:
        yield Input("the events" if isinstance(source, Mapping) else "the lines", partial(_whole_lines, rest))


def _is_path(text: str) -> bool:
    """Return whether a text among several is a path, and not a line of one word."""
    return os.path.exists(text) or (
        len(text.split()) == 1 and (text == "-" or text.endswith(_SUFFIXES) or not {"/", "\\", "*"}.isdisjoint(text))
    )


def paths(path: Path) -> list[Path]:
    """Return the files of a path, a pattern such as `logs/*.gz`, or a folder, in the order of their names.

    Raises:
        NoFileError: There is none, or it is a device or a pipe, which may never end.
    """
    try:
        kind = path.stat().st_mode
    except (OSError, ValueError):  # there is nothing, or a pattern
        kind = 0
    if stat.S_ISDIR(kind):
        found = sorted(p for p in path.rglob("*") if p.is_file() and p.name.endswith(_SUFFIXES))
        if not found:
            raise NoFileError(f"The folder {path} holds no file that ends in {', '.join(_SUFFIXES)}.")
        return found
    if stat.S_ISREG(kind):
        return [path]
    if kind:
        raise NoFileError(
            f"{path} is a device or a pipe, which may never end. To read a pipe, redirect it to standard input, and "
            "give - as the path."
        )
    # A link that leads nowhere is found, too.
    names = [name for name in sorted(glob.glob(str(path), recursive=True)) if os.path.exists(name)]
    found = [p for name in names for p in paths(Path(name))]
    if not found:
        raise NoFileError(f"There is no file {path}. Give the path of a file or folder, or a pattern in quotes.")
    return found


def _file(path: Path) -> Input:
    try:
        with path.open("rb") as file:
            is_parquet = file.read(4) == _PARQUET
    except OSError as error:
        raise NoFileError(f"The file {path} can't be read: {error.strerror}.") from error
    return Input(str(path), partial(_text, path), once=False, place=_place(path), parquet=path if is_parquet else None)


def _place(path: Path) -> Mapping[str, Any]:
    """Return what S3's folders say about a file's records, if it is in such folders."""
    found = _S3_FOLDERS.search(path.as_posix())
    try:
        day = datetime.date(*map(int, found.group("year", "month", "day"))) if found else None
    except ValueError:  # 99 is no month
        day = None
    return {"account": found["account"], "region": found["region"], "day": day} if found and day else {}


class _Counted(io.RawIOBase):
    """A file that reports how many bytes of it are read."""

    def __init__(self, file: Any, advance: Advance) -> None:
        self._file, self._advance = file, advance

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        count: int = self._file.readinto(buffer) or 0
        self._advance(count)
        return count


def _text(path: Path | None, size: int, advance: Advance) -> Iterator[Block]:
    """Yield the text of a file, or of standard input, whose first bytes say how it is packed."""
    standard = getattr(sys.stdin, "buffer", None)  # a notebook has none
    if path is None and not hasattr(standard, "readinto"):
        raise FlowLogFormatError("Python has no standard input here: give the path of a file.")
    with path.open("rb", buffering=0) if path else nullcontext(standard) as file:
        packed = io.BufferedReader(_Counted(file, advance), CHUNK)
        kind = packed.peek(4)[:4]
        fill: Fill = packed.readinto
        if kind.startswith(_GZIP):
            fill = _gunzipped(packed)
        elif kind == _ZSTD:
            fill = pa.CompressedInputStream(packed, "zstd").readinto
        head = _piece(fill, _HEAD)
        if events.is_json(head):
            pieces = chain([head], iter(partial(_piece, fill, CHUNK), b""))
            yield from _whole_lines(events.of_json(pieces), size)
        else:
            yield from _blocks(fill, size, head)


def _piece(fill: Fill, size: int) -> bytes:
    """Return up to some bytes of text, and nothing at the end."""
    piece = memoryview(bytearray(size))
    return bytes(piece[: fill(piece)])


def _gunzipped(file: Any) -> Fill:
    """Return what unpacks a gzip file, one member after the other, up to its last byte.

    isal's own reader drops what it has unpacked when it meets the end of a damaged file.
    """
    member, rest = isal_zlib.decompressobj(31), b""

    def fill(buffer: memoryview) -> int:
        nonlocal member, rest
        data = b""
        while not data:
            packed = rest or file.read(CHUNK // 2)
            if member.eof:
                rest = packed.lstrip(b"\0")  # some writers pad the end of a file
                if not packed:
                    return 0
                if rest:
                    member = isal_zlib.decompressobj(31)
                continue
            data = member.decompress(packed, len(buffer))
            rest = member.unused_data or member.unconsumed_tail
            if not (data or packed or member.eof):
                raise EOFError("the file is not whole: its gzip data ends too early; fetch it again")
        buffer[: len(data)] = data
        return len(data)

    return fill


def _whole_lines(lines: Iterable[str | bytes], size: int, advance: Advance | None = None) -> Iterator[Block]:
    """Yield lines, with or without their ends, in blocks. There are no bytes of a file to count."""
    data = map(_encoded, lines)
    ended = (line if line.endswith(b"\n") else line + b"\n" for line in data)
    rest = bytearray()
    failure: Exception | None = None

    def fill(buffer: memoryview) -> int:
        nonlocal failure
        try:
            while len(rest) < len(buffer) and (line := next(ended, b"")):
                rest.extend(line)
        except BROKEN as error:
            failure = error
        if failure and not rest:
            raise failure
        count = min(len(rest), len(buffer))
        buffer[:count] = rest[:count]
        del rest[:count]
        return count

    return _blocks(fill, size)


def _encoded(line: Any) -> bytes:
    if isinstance(line, str):
        return line.encode(errors="surrogatepass")  # which is no UTF-8, and told as such
    if not isinstance(line, bytes):
        raise FlowLogFormatError(f"A line is text, and not {quoted(line)}.")
    return line


def _blocks(fill: Fill, size: int, head: bytes = b"") -> Iterator[Block]:
    """Yield text in blocks that end where a line ends, read to where it stays in memory.

    Raises what is in BROKEN where a file is damaged, after all whole lines before the damage.

    Args:
        fill: Reads the text.
        size: The size of a block in bytes.
        head: The beginning of the text, if it has been read.
    """
    rest: bytes | memoryview = head
    wanted = FIRST
    while True:
        block = memoryview(pa.allocate_buffer(max(wanted, 2 * len(rest)))).cast("B")  # Arrow reuses its pages
        wanted = size
        block[: len(rest)] = rest
        end = len(rest)
        try:
            while end < len(block) and (count := fill(block[end : end + CHUNK])):
                end += count
        except BROKEN:
            yield block[: _cut(block[:end])]
            raise
        if end < len(block):
            yield block[:end]
            return
        cut = _cut(block)
        if cut:
            yield block[:cut]
        rest = block[cut:]
        if len(rest) > LONGEST:
            raise FlowLogFormatError(f"a line is longer than {LONGEST:,} bytes, so this is not a file of records")


def _cut(text: memoryview) -> int:
    """Return where the last whole line ends."""
    tail = max(len(text) - 4096, 0)  # few lines are longer
    cut = bytes(text[tail:]).rfind(b"\n") + 1
    return tail + cut if cut else bytes(text).rfind(b"\n") + 1
