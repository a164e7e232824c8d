"""Records as a stream: files are cut into blocks of lines, and the blocks read side by side, in order."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from itertools import chain

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from labkit.flowlogs.fields import DEFAULT_FORMAT, FIELDS, column
from labkit.flowlogs.lines import (
    BadLine,
    Parsed,
    advice,
    format_error,
    header,
    likely,
    names_of,
    parse,
    schema,
    without_header,
    wrong_header,
)
from labkit.flowlogs.sources import BLOCK, BROKEN, Block, Input

_SHOWN = 5


@dataclass(slots=True)
class Opened:
    """An input whose fields are known; how many lines and records of it have been read so far.

    `text` is all of it, of an input that can't be opened twice.
    """

    input: Input
    names: tuple[str, ...]
    text: Iterator[Block] | None = None
    lines: int = 0
    rows: int = 0


def opened(file: Input, given: tuple[str, ...] | None) -> Opened:
    """Find out the fields of an input: from its header line, or else those that are given, or the default ones.

    Raises FlowLogFormatError where the header line names other fields than the given ones.
    """
    if file.parquet:
        known = {field.column: name for name, field in FIELDS.items()}
        return Opened(file, tuple(known.get(name, name) for name in pq.read_schema(file.parquet).names))
    text = file.blocks(BLOCK, file.once)
    try:
        first = bytes(next(text, b""))
    except BROKEN as error:
        if file.once:
            raise format_error([BadLine(file.name, 1, str(error), "")], None, "Nothing of it can be read.") from error
        first = b""  # what is wrong with it is said when it is read
    named = header(first)
    if named and given and named != given:
        raise wrong_header(file.name, named, given)
    return Opened(file, named or given or names_of(DEFAULT_FORMAT), chain([first], text) if file.once else None)


class Records:
    """Records that are read as they are asked for: iterable once, in Arrow batches of the given `schema`.

    `columns` are all those that there are, `schema` has those that are read. `block` is how much text is read at once,
    in bytes: more of it is quicker and takes more memory. `failure` is what ended the reading too early, for a reader
    in between that reports it in its own words.
    """

    def __init__(self, schema: pa.Schema, files: Sequence[Opened], bad: list[BadLine] | None) -> None:
        self.schema = schema
        self.columns: list[str] = schema.names
        self.block = BLOCK
        self.failure: Exception | None = None
        self._files = files
        self._bad = bad

    def __iter__(self) -> Iterator[pa.RecordBatch]:
        waiting: deque[tuple[Opened, Future[Parsed]]] = deque()
        try:
            with ThreadPoolExecutor(_cores()) as pool:
                for file, job in self._jobs():
                    waiting.append((file, pool.submit(job)))
                    if len(waiting) > 2 * _cores():
                        yield from self._batches(*waiting.popleft())
                while waiting:
                    yield from self._batches(*waiting.popleft())
        except Exception as error:
            self.failure = error
            raise

    def only(self, columns: Sequence[str]) -> None:
        """Read no other columns than these, which takes half the time."""
        self.schema = pa.schema([self.schema.field(name) for name in columns])

    def reader(self) -> pa.RecordBatchReader:
        """The same batches for libraries that read Arrow streams, such as DuckDB."""
        return pa.RecordBatchReader.from_batches(self.schema, iter(self))

    def _jobs(self) -> Iterator[tuple[Opened, Callable[[], Parsed]]]:
        """The reading, cut into pieces that can be done side by side."""
        for file in self._files:
            if file.input.parquet:
                present = [name for name in pq.read_schema(file.input.parquet).names if name in self.schema.names]
                for batch in pq.ParquetFile(file.input.parquet).iter_batches(columns=present):
                    yield file, partial(_rows, batch)
                continue
            # The first block is checked in all its fields: a wrong format shows, whichever columns are wanted.
            wanted = file.names
            for block in _blocks(file, self.block):
                yield file, block if callable(block) else partial(parse, block, file.names, wanted)
                wanted = tuple(name for name in file.names if column(name) in self.schema.names)

    def _batches(self, file: Opened, job: Future[Parsed]) -> list[pa.RecordBatch]:
        found, bad, lines = job.result()
        if bad:
            told = [BadLine(file.input.name, file.lines + number, *rest) for number, *rest in bad]
            guess = likely(told[:_SHOWN])
            if self._bad is None or (guess and not file.rows + len(found)):
                raise format_error(told[:_SHOWN], guess, advice(file.names))
            self._bad.extend(told)
        file.lines += lines
        file.rows += len(found)
        batches: list[pa.RecordBatch] = self._conform(found, file).to_batches()
        return batches

    def _conform(self, found: pa.Table, file: Opened) -> pa.Table:
        """The table with this scan's columns: those of the path added, those of other files null."""
        if found.schema.equals(self.schema):
            return found
        columns = []
        for field in self.schema:
            if field.name in found.column_names:
                columns.append(found[field.name].cast(field.type))
            else:
                value = pa.scalar(file.input.place.get(field.name), field.type)
                columns.append(pa.repeat(value, len(found)))
        return pa.Table.from_arrays(columns, schema=self.schema)


def _rows(batch: pa.RecordBatch) -> Parsed:
    """Rows of a Parquet file; a dash in a column of words is a null there, too."""
    found = pa.Table.from_batches([batch])
    for at, field in enumerate(found.schema):
        if pa.types.is_string(field.type):
            words = found[field.name]
            found = found.set_column(at, field.name, pc.if_else(pc.equal(words, "-"), None, words))
    return Parsed(found, [], len(found))


def _blocks(file: Opened, size: int) -> Iterator[Block | Callable[[], Parsed]]:
    """The text in blocks of whole lines; at the end of a damaged file, what is wrong with it."""
    blocks = file.text or file.input.blocks(size, True)
    started = False
    try:
        for block in blocks:
            if not started:
                block, file.lines = without_header(bytes(block), file.names)
                started = True
            yield block
    except BROKEN as error:
        bad = [(1, str(error), "")]
        yield lambda: Parsed(schema(file.names).empty_table(), bad, 0)


def _cores() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
