"""Where records come from: files in every shape that AWS delivers, CloudWatch events, lines, standard input."""

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

#: What `read` and `scan` accept; see there.
Source = str | PathLike[str] | Iterable[Any]

#: A block of text.
Block = bytes | memoryview

CHUNK = 1 << 18
#: How much text is read at once, in bytes; less at first, as the first line says what the others hold.
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
    """One file, or what stands for one.

    Parameters: `name` for messages; `blocks` gives its text in blocks of whole lines (of about so many bytes; with
    False, without counting them for the progress bar); `once`, if that works only once; `place`, what S3's folders say
    of every record in it (account, region and day); `parquet`, the file's path if it is Parquet, which isn't text.
    """

    name: str
    blocks: Callable[[int, bool], Iterator[Block]]
    once: bool = True
    place: Mapping[str, Any] = field(default_factory=dict)
    parquet: Path | None = None


def inputs(source: Source, advance: Callable[[int], object]) -> Iterator[Input]:
    """Each file of a source, in order.

    Parameters: `advance` is called with the number of bytes of a file (as they lie on the disk) that were read.
    Raises FileNotFoundError, with the names in question, where a path, pattern or folder leads to no file.
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
        yield Input("the events", lambda size, counted: _whole_lines(_joined(event["message"] for event in rest), size))
    else:
        yield Input("the lines", lambda size, counted: _whole_lines(_joined(rest), size))


def _is_path(text: str) -> bool:
    """Whether a text among several is a path, and not a line: a line of one word doesn't look like a path."""
    return os.path.exists(text) or (
        len(text.split()) == 1 and (text == "-" or text.endswith(_SUFFIXES) or not {"/", "\\", "*"}.isdisjoint(text))
    )


def paths(path: Path) -> list[Path]:
    """The files that a path, a pattern such as `logs/*.gz`, or a folder stands for, in the order of their names."""
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
        lambda size, counted: _read(path, advance if counted else _nothing, size),
        once=False,
        place=place,
        parquet=path if is_parquet else None,
    )


def _nothing(count: int) -> None:
    return


class _Counted(io.RawIOBase):
    """A file that tells how much of it was read."""

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
    """The text of a file in whole lines, whatever it is packed in: its first bytes say that, not its name."""
    packed = io.BufferedReader(_Counted(file, advance), CHUNK)
    unpacked: Any = packed
    kind = packed.peek(4)[:4]
    if kind.startswith(_GZIP):
        unpacked = _Gunzipped(packed)
    elif kind == _ZSTD:
        unpacked = pa.CompressedInputStream(packed, "zstd")
    blocks = _blocks(unpacked, size)
    first = bytes(next(blocks, b""))  # bytes can be searched
    blocks = chain([first], blocks)
    if first.lstrip(b"\xef\xbb\xbf \t\r\n")[:1] in (b"[", b"{"):
        text = b"".join(blocks)
        try:
            data = json.loads(text)
        except ValueError:  # a record may begin so, too, with a tag
            return _whole_lines([text], size)
        return _whole_lines(_joined(event["message"] for event in _events(data)), size)
    return blocks


def _blocks(file: Any, size: int) -> Iterator[Block]:
    """The text of a file in blocks that end where a line ends, read to where it stays."""
    rest: bytes | memoryview = b""
    wanted = FIRST
    while True:
        block = memoryview(pa.allocate_buffer(max(wanted, 2 * len(rest)))).cast("B")  # its pages are used again
        wanted = size
        block[: len(rest)] = rest
        end = len(rest)
        try:
            while end < len(block) and (count := file.readinto(block[end : end + CHUNK])):
                end += count
        except BROKEN:
            yield block[: _cut(block[:end])]  # its last line may not be whole
            raise
        if end < len(block):
            yield block[:end]
            return
        cut = _cut(block)
        if cut:
            yield block[:cut]
        rest = block[cut:]


def _cut(text: memoryview) -> int:
    """Where the last whole line ends."""
    step = 1 << 12
    for start in range(len(text) - step, -step, -step):
        start = max(start, 0)
        if cut := bytes(text[start : start + step]).rfind(b"\n") + 1:
            return start + cut
    return 0


def _whole_lines(pieces: Iterable[bytes], size: int) -> Iterator[Block]:
    """Text in blocks that end where a line ends; what precedes an error comes before it."""
    parts: list[bytes | memoryview] = []
    count, wanted = 0, FIRST
    broken: Exception | None = None
    try:
        for piece in pieces:
            parts.append(piece)
            count += len(piece)
            if count >= wanted and (cut := piece.rfind(b"\n") + 1):
                parts[-1] = memoryview(piece)[:cut]
                yield b"".join(parts)
                parts, count, wanted = [piece[cut:]], len(piece) - cut, size
    except BROKEN as error:
        broken = error
    text = b"".join(parts)
    # The last line of a damaged file may not be whole.
    yield text if broken is None else text[: text.rfind(b"\n") + 1]
    if broken is not None:
        raise broken


class _Gunzipped(io.RawIOBase):
    """What a gzip file holds, one member after the other; reading past its last byte, where it ends too early, raises
    EOFError."""

    def __init__(self, file: Any) -> None:
        self._file, self._rest = file, b""
        self._member = isal_zlib.decompressobj(31)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        data = b""
        while not data:
            packed = self._rest or self._file.read(CHUNK // 2)
            if self._member.eof:
                self._rest = packed.lstrip(b"\0")  # some writers pad the end of a file
                if not packed:
                    return 0
                if self._rest:
                    self._member = isal_zlib.decompressobj(31)
                continue
            data = self._member.decompress(packed, len(buffer))
            self._rest = self._member.unused_data or self._member.unconsumed_tail
            if not (data or packed or self._member.eof):
                raise EOFError("the file is not whole: its gzip data ends too early; fetch it again")
        buffer[: len(data)] = data
        return len(data)


def _events(data: Any) -> Iterable[Mapping[str, Any]]:
    """The events in what CloudWatch Logs answers: a list of them, or a page or export that holds such a list."""
    if isinstance(data, Mapping):
        for key in ("events", "logEvents"):
            if key in data:
                return list(data[key])
        raise ValueError("This JSON has no 'events': give what filter_log_events or get_log_events returned.")
    return list(data)


def _joined(lines: Iterable[str | bytes]) -> Iterator[bytes]:
    """Lines, with or without their ends, as text in pieces."""
    piece = io.BytesIO()
    for line in lines:
        data = line.encode() if isinstance(line, str) else line
        piece.write(data if data.endswith(b"\n") else data + b"\n")
        if piece.tell() >= CHUNK:
            yield piece.getvalue()
            piece = io.BytesIO()
    yield piece.getvalue()
