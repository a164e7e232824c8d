"""Open the sources of records: files in every form that AWS delivers, CloudWatch events, lines, standard input.

`reading` calls this, and `stream` reads the text.
"""

from __future__ import annotations

import datetime
import glob
import io
import json
import os
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import chain
from os import PathLike
from pathlib import Path
from typing import Any, cast

import pyarrow as pa
from isal import isal_zlib

from labkit.errors import FlowLogFormatError

#: What `read` and `scan` accept; see there.
Source = str | PathLike[str] | Iterable[Any]

#: A block of text.
Block = bytes | memoryview
#: Read bytes into a buffer; return how many, or 0 at the end.
Fill = Callable[[memoryview], int]

CHUNK = 1 << 18
#: How much text is read at once, in bytes. The first block is small, as all of its fields are checked.
BLOCK, FIRST = 1 << 21, 1 << 16
#: What a damaged file raises.
BROKEN = (EOFError, OSError, cast(type[Exception], isal_zlib.error))
_GZIP, _ZSTD, _PARQUET = b"\x1f\x8b", b"\x28\xb5\x2f\xfd", b"PAR1"
_SUFFIXES = (".log", ".txt", ".gz", ".zst", ".parquet", ".json")

# https://docs.aws.amazon.com/vpc/latest/userguide/flow-logs-s3-path.html
_S3_FOLDERS = re.compile(
    r"(?:^|/)(?:aws-account-id=)?(?P<account>\d{12})/(?:aws-service=)?vpcflowlogs/(?:aws-region=)?(?P<region>[a-z0-9-]+)"
    r"/(?:year=)?(?P<year>\d{4})/(?:month=)?(?P<month>\d\d)/(?:day=)?(?P<day>\d\d)/"
)


@dataclass(frozen=True, slots=True)
class Input:
    """A file, or another source of text.

    Attributes:
        name: The name for messages.
        blocks: Returns its text in blocks of whole lines. It takes the size of a block in bytes, and whether to count
            the bytes for a progress bar.
        once: Whether `blocks` works only once.
        place: What S3's folders say about its records: account, region and day.
        parquet: The file's path if it is Parquet, which is not text.
    """

    name: str
    blocks: Callable[[int, bool], Iterator[Block]]
    once: bool = True
    place: Mapping[str, Any] = field(default_factory=dict)
    parquet: Path | None = None


def inputs(source: Source, advance: Callable[[int], object]) -> Iterator[Input]:
    """Yield each file of a source, in order.

    Args:
        source: What `read` accepts.
        advance: Called with the number of bytes each time some of a file were read, as they are on the disk.

    Raises:
        FileNotFoundError: A path, pattern or folder leads to no file.
    """
    if isinstance(source, str | PathLike):
        if source == "-":
            yield Input("standard input", lambda size, counted: _text(sys.stdin.buffer, advance, size))
        else:
            yield from (_file(path, advance) for path in paths(Path(source)))
        return
    items = iter(_events(source) if isinstance(source, Mapping) else source)
    first = next(items, None)
    rest = () if first is None else chain([first], items)
    if isinstance(first, PathLike) or (isinstance(first, str) and _is_path(first)):
        yield from chain.from_iterable(inputs(path, advance) for path in rest)
    elif isinstance(first, Mapping):
        yield Input("the events", lambda size, counted: _whole_lines((event["message"] for event in rest), size))
    else:
        yield Input("the lines", lambda size, counted: _whole_lines(rest, size))


def _is_path(text: str) -> bool:
    """Return whether a text among several is a path, and not a line of one word."""
    return os.path.exists(text) or (
        len(text.split()) == 1 and (text == "-" or text.endswith(_SUFFIXES) or not {"/", "\\", "*"}.isdisjoint(text))
    )


def paths(path: Path) -> list[Path]:
    """Return the files of a path, a pattern such as `logs/*.gz`, or a folder, in the order of their names.

    Raises:
        FileNotFoundError: There is none.
    """
    if path.is_dir():
        found = sorted(p for p in path.rglob("*") if p.is_file() and p.name.endswith(_SUFFIXES))
        if not found:
            raise FileNotFoundError(f"The folder {path} holds no file that ends in {', '.join(_SUFFIXES)}.")
        return found
    if path.exists():
        return [path]
    found = [p for name in sorted(glob.glob(str(path), recursive=True)) for p in paths(Path(name))]
    if not found:
        raise FileNotFoundError(f"There is no file {path}. Give the path of a file or folder, or a pattern in quotes.")
    return found


def _file(path: Path, advance: Callable[[int], object]) -> Input:
    with path.open("rb") as file:
        is_parquet = file.read(4) == _PARQUET
    found = _S3_FOLDERS.search(path.as_posix())
    place: dict[str, Any] = {}
    if found:
        day = datetime.date(int(found["year"]), int(found["month"]), int(found["day"]))
        place = {"account": found["account"], "region": found["region"], "day": day}
    return Input(
        str(path),
        lambda size, counted: _read(path, advance if counted else lambda count: None, size),
        once=False,
        place=place,
        parquet=path if is_parquet else None,
    )


class _Counted(io.RawIOBase):
    """A file that reports how many bytes of it are read."""

    def __init__(self, file: Any, advance: Callable[[int], object]) -> None:
        self._file, self._advance = file, advance

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        count: int = self._file.readinto(buffer) or 0
        self._advance(count)
        return count


def _read(path: Path, advance: Callable[[int], object], size: int) -> Iterator[Block]:
    with path.open("rb", buffering=0) as file:
        yield from _text(file, advance, size)


def _text(file: Any, advance: Callable[[int], object], size: int) -> Iterator[Block]:
    """Unpack a file, whose first bytes say how it is packed, and yield its text in whole lines."""
    packed = io.BufferedReader(_Counted(file, advance), CHUNK)
    kind = packed.peek(4)[:4]
    fill: Fill = packed.readinto
    if kind.startswith(_GZIP):
        fill = _gunzipped(packed)
    elif kind == _ZSTD:
        fill = pa.CompressedInputStream(packed, "zstd").readinto
    blocks = _blocks(fill, size)
    first = bytes(next(blocks, b""))  # bytes can be searched
    blocks = chain([first], blocks)
    if first.lstrip(b"\xef\xbb\xbf \t\r\n")[:1] in (b"[", b"{"):
        text = b"".join(blocks)
        try:
            data = json.loads(text)
        except ValueError:  # a record may begin like JSON, with a tag
            return _whole_lines([text], size)
        return _whole_lines((event["message"] for event in _events(data)), size)
    return blocks


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


def _whole_lines(lines: Iterable[str | bytes], size: int) -> Iterator[Block]:
    """Yield lines, with or without their ends, in blocks."""
    data = (line.encode() if isinstance(line, str) else line for line in lines)
    ended = (line if line.endswith(b"\n") else line + b"\n" for line in data)
    rest = memoryview(b"")

    def fill(buffer: memoryview) -> int:
        nonlocal rest
        parts: list[bytes | memoryview] = [rest]
        count = len(rest)
        while count < len(buffer) and (line := next(ended, b"")):
            parts.append(line)
            count += len(line)
        text = memoryview(b"".join(parts)) if len(parts) > 1 else rest
        count = min(count, len(buffer))
        buffer[:count], rest = text[:count], text[count:]
        return count

    return _blocks(fill, size)


def _blocks(fill: Fill, size: int) -> Iterator[Block]:
    """Yield text in blocks that end where a line ends, read to where it stays in memory.

    Raises what is in BROKEN where a file is damaged, after all whole lines before the damage.
    """
    rest: bytes | memoryview = b""
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


def _cut(text: memoryview) -> int:
    """Return where the last whole line ends."""
    step = 1 << 12
    for start in range(len(text) - step, -step, -step):
        start = max(start, 0)
        if cut := bytes(text[start : start + step]).rfind(b"\n") + 1:
            return start + cut
    return 0


def _events(data: Any) -> Iterable[Mapping[str, Any]]:
    """Return the events in what CloudWatch Logs answers: a list of them, or a page or export that holds a list."""
    if isinstance(data, Mapping):
        for key in ("events", "logEvents"):
            if key in data:
                return list(data[key])
        raise FlowLogFormatError("This JSON has no 'events': give what filter_log_events or get_log_events returned.")
    return list(data)
