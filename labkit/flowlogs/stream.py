"""Records as a stream: files are cut into blocks of lines, and threads parse the blocks at the same time.

`reading` makes streams, and the questions read them.
"""

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

#: How many lines that do not fit an error lists.
_SHOWN = 5


@dataclass(slots=True)
class Opened:
    """An input whose fields are known.

    Attributes:
        input: The input.
        names: The fields of its records, in order.
        text: All of its text, if the input cannot be opened twice.
        lines: How many lines have been read so far.
        rows: How many records have been read so far.
    """

    input: Input
    names: tuple[str, ...]
    text: Iterator[Block] | None = None
    lines: int = 0
    rows: int = 0


def opened(file: Input, given: tuple[str, ...] | None) -> Opened:
    """Find out the fields of an input.

    Args:
        file: The input.
        given: The fields for an input without a header line, in order; the default format's if None.

    Raises:
        FlowLogFormatError: The header line names other fields than the given ones, or the input cannot be read.
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
        first = b""  # the reading reports it
    named = header(first)
    if named and given and named != given:
        raise wrong_header(file.name, named, given)
    return Opened(file, named or given or names_of(DEFAULT_FORMAT), chain([first], text) if file.once else None)


class RecordStream:
    """Records that are read as they are asked for: an iterable of Arrow batches, for one use.

    Attributes:
        schema: The columns that are read, with their types.
        columns: The names of all columns that the records have.
        block: How much text is read at once, in bytes. More is faster and takes more memory.
        failure: The error that ended the reading early, for a library in between that reports it differently.
    """

    def __init__(self, schema: pa.Schema, files: Sequence[Opened], bad: list[BadLine] | None) -> None:
        self.schema = schema
        self.columns: list[str] = schema.names
        self.block = BLOCK
        self.failure: Exception | None = None
        self._files = files
        self._bad = bad

    def __iter__(self) -> Iterator[pa.RecordBatch]:
        threads = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
        waiting: deque[tuple[Opened, Future[Parsed]]] = deque()
        try:
            with ThreadPoolExecutor(threads) as pool:
                for file, job in self._jobs():
                    waiting.append((file, pool.submit(job)))
                    if len(waiting) > 2 * threads:
                        yield from self._batches(*waiting.popleft())
                while waiting:
                    yield from self._batches(*waiting.popleft())
        except Exception as error:
            self.failure = error
            raise

    def only(self, columns: Sequence[str]) -> None:
        """Read no other columns than these."""
        self.schema = pa.schema([self.schema.field(name) for name in columns])

    def reader(self) -> pa.RecordBatchReader:
        """Return the batches as a reader for libraries that take Arrow streams, such as DuckDB."""
        return pa.RecordBatchReader.from_batches(self.schema, iter(self))

    def _jobs(self) -> Iterator[tuple[Opened, Callable[[], Parsed]]]:
        """Cut the reading into jobs for threads."""
        for file in self._files:
            if file.input.parquet:
                present = [name for name in pq.read_schema(file.input.parquet).names if name in self.schema.names]
                for batch in pq.ParquetFile(file.input.parquet).iter_batches(columns=present):
                    yield file, partial(_parquet_rows, batch)
                continue
            # The first block is checked in all its fields: a wrong format shows, whichever columns are wanted.
            wanted = file.names
            blocks = file.text or file.input.blocks(self.block, True)
            try:
                for number, block in enumerate(blocks):
                    if number == 0:
                        block, file.lines = without_header(bytes(block), file.names)
                    yield file, partial(parse, block, file.names, wanted)
                    wanted = tuple(name for name in file.names if column(name) in self.schema.names)
            except BROKEN as error:
                damage = [(1, str(error), "")]
                yield file, partial(Parsed, schema(file.names).empty_table(), damage, 0)

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
        """Give a table this stream's columns: add those of the path, and fill those of other files with nulls."""
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


def _parquet_rows(batch: pa.RecordBatch) -> Parsed:
    """Return the rows of a Parquet file, with null for a dash in a column of words."""
    found = pa.Table.from_batches([batch])
    for at, field in enumerate(found.schema):
        if pa.types.is_string(field.type):
            words = found[field.name]
            found = found.set_column(at, field.name, pc.if_else(pc.equal(words, "-"), None, words))
    return Parsed(found, [], len(found))
