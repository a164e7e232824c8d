"""Records as a stream: files are cut into blocks of lines, and threads parse the blocks at the same time.

`reading` makes streams, and the questions read them.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from itertools import chain, islice

import pyarrow as pa

from labkit.flowlogs import lines, parquet
from labkit.flowlogs.fields import DEFAULT_FORMAT, column
from labkit.flowlogs.lines import BadLine, Parsed, parse, schema
from labkit.flowlogs.sources import BLOCK, BROKEN, Advance, Input
from labkit.machine import cores

#: How many lines that do not fit an error lists.
_SHOWN = 5


def find_fields(file: Input, given: tuple[str, ...] | None, advance: Advance) -> None:
    """Find out the fields of an input.

    Args:
        file: The input, whose `names` are set.
        given: The fields for an input without a header line, in order; the default format's if None.
        advance: Called with the number of bytes that are read of an input that works only once.

    Raises:
        FlowLogFormatError: The header line names other fields than the given ones, or the input cannot be read.
    """
    if file.parquet:
        with suppress(*BROKEN):  # the reading reports it
            file.names = parquet.fields_of(file.parquet)
        return
    text = file.blocks(BLOCK, advance if file.once else lambda count: None)
    try:
        first = bytes(next(text, b""))
    except BROKEN as error:
        if file.once:
            bad = [BadLine(file.name, 1, str(error), "")]
            raise lines.format_error(bad, None, "Nothing of it can be read.") from error
        first = b""  # the reading reports it
    named = lines.header(first)
    if named and given and named != given:
        raise lines.wrong_header(file.name, named, given)
    file.names = named or given or lines.names_of(DEFAULT_FORMAT)
    if file.once:
        file.blocks = lambda size, advance: chain([first], text)


class RecordStream:
    """Records that are read as they are asked for: an iterable of Arrow batches, for one use.

    Attributes:
        schema: The columns that are read, with their types.
        columns: The names of all columns that the records have.
        block: How much text is read at once, in bytes. More is faster and takes more memory.
        failure: The error that ended the reading early, for a library in between that reports it differently.
    """

    def __init__(self, schema: pa.Schema, files: list[Input], bad: list[BadLine] | None, advance: Advance) -> None:
        self.schema = schema
        self.columns: list[str] = schema.names
        self.block = BLOCK
        self.failure: Exception | None = None
        self._files = files
        self._bad = bad
        self._advance = advance

    def __iter__(self) -> Iterator[pa.RecordBatch]:
        threads = cores()
        waiting: deque[tuple[Input, Future[Parsed]]] = deque()
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

    def _jobs(self) -> Iterator[tuple[Input, Callable[[], Parsed]]]:
        """Cut the reading into jobs for threads."""
        for file in self._files:
            # The first block is checked in all its fields: a wrong format shows, whichever columns are wanted.
            wanted = file.names
            try:
                if file.parquet:
                    present = [
                        name for name in map(column, parquet.fields_of(file.parquet)) if name in self.schema.names
                    ]
                    for batch in parquet.batches(file.parquet, present):
                        yield file, partial(parquet.rows, batch)
                    continue
                for number, block in enumerate(file.blocks(self.block, self._advance)):
                    if number == 0:
                        block, file.lines = lines.without_header(bytes(block), file.names)
                    yield file, partial(parse, block, file.names, wanted)
                    wanted = tuple(name for name in file.names if column(name) in self.schema.names)
            except BROKEN as error:
                yield file, partial(Parsed, schema(file.names).empty_table(), 0, damage=str(error))

    def _batches(self, file: Input, job: Future[Parsed]) -> list[pa.RecordBatch]:
        found = job.result()
        if found.bad:
            told = lines.bad_lines(found, file.name, file.lines, file.names)
            first = [*islice(told, _SHOWN)]
            guess = None if file.rows + len(found.records) else lines.likely(first)
            if self._bad is None or guess:
                advice = lines.advice(file.names, others=file.rows + len(found.records))
                raise lines.format_error(first, guess, advice)
            self._bad.extend(chain(first, told))
        if found.damage:
            last = BadLine(file.name, file.lines + 1, found.damage, "")
            if self._bad is None:
                raise lines.format_error([last], None, "To read what comes before it, pass errors='report'.")
            self._bad.append(last)
        file.lines += found.lines
        file.rows += len(found.records)
        batches: list[pa.RecordBatch] = self._conform(found.records, file).to_batches()
        return batches

    def _conform(self, found: pa.Table, file: Input) -> pa.Table:
        """Give a table this stream's columns: add those of the path, and fill those of other files with nulls."""
        if found.schema.equals(self.schema):
            return found
        for field in self.schema:
            if field.name not in found.column_names:
                value = pa.scalar(file.place.get(field.name), field.type)
                found = found.append_column(field, pa.repeat(value, len(found)))
        return found.select(self.schema.names).cast(self.schema)
