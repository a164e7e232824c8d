"""Run queries in DuckDB: `query` gives a DataFrame, `run` gives rows of text as the API does.

Engineers and notebooks call `query`; the embedded AWS calls `run`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from math import isfinite
from threading import Event
from typing import Any

import duckdb
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from labkit.insights import database
from labkit.insights.compiler import CompiledQuery, compile
from labkit.insights.parser import ParsedQuery
from labkit.insights.values import ValueKind

#: How many events are read at once where each takes long.
_FEW = 32


@dataclass(frozen=True, slots=True)
class QueryResults:
    """What GetQueryResults answers.

    Attributes:
        cells: For each field the value of each row as text, null where it is absent; kept so, since lists of rows would
            take many times the memory.
        matched: How many events passed the filters.
        scanned: How many events the table has.
        compiled: The query that was run.
    """

    cells: tuple[pa.Array, ...]
    matched: int
    scanned: int
    compiled: CompiledQuery

    def __len__(self) -> int:
        return len(self.cells[0])

    def __getitem__(self, places: slice) -> list[list[tuple[str, str]]]:
        """Return some of the rows: the name and the value of each field that is present."""
        columns = [column[places].to_pylist() for column in self.cells]
        names = [name for name, _ in self.compiled.fields]
        return [
            [(name, value) for name, value in zip(names, row, strict=True) if value is not None]
            for row in zip(*columns, strict=True)
        ]

    @property
    def nbytes(self) -> int:
        """How much memory the cells take, in bytes."""
        return sum(column.nbytes for column in self.cells)

    @property
    def rows(self) -> list[list[tuple[str, str]]]:
        """All rows."""
        return self[:]


def query(table: Any, text: str, *, now: float | None = None, limit: int | None = None) -> pd.DataFrame:
    """Query a table in CloudWatch Logs Insights QL.

    Args:
        table: A pandas DataFrame, an Arrow table or a DuckDB relation, whose columns are the fields.
        text: The query.
        now: What now() gives, in epoch seconds; None for the computer's clock.
        limit: The largest number of rows, 1 to 100,000; None for the limit of the query, or else 10,000.

    Returns:
        The rows, with numbers as numbers and times in UTC; the columns are backed by Arrow.

    Raises:
        QueryError: The query is malformed, or names a field that the table does not have.
        QueryRunError: As `execute`.

    >>> flows = pd.DataFrame({"srcAddr": ["10.1.15.80", "10.2.0.126", "10.1.15.80"], "bytes": [84, 84, 610]})
    >>> query(flows, "stats sum(bytes) as total by srcAddr | sort total desc")
          srcAddr  total
    0  10.1.15.80    694
    1  10.2.0.126     84

    Source: https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/CWL_QuerySyntax.html
    """
    events = _arrow(table)
    compiled = compile(text, kinds(events.schema), now=now, limit=limit)
    if compiled.absent:
        raise compiled.absent[0]
    with database.cursor(compiled.is_heavy) as cursor:
        rows = _rows(cursor, events, compiled, Event())
    columns = [
        column.cast(pa.timestamp(column.type.unit, "UTC")) if pa.types.is_timestamp(column.type) else column
        for column in rows.columns
    ]
    named = pa.table(columns, names=[name for name, _ in compiled.fields])
    return named.to_pandas(types_mapper=pd.ArrowDtype)


def run(table: Any, query: str | ParsedQuery, *, now: float | None = None, limit: int | None = None) -> QueryResults:
    """Run a query as the API does: every value is a text, and absent ones are left out.

    Args:
        table: As for `query`. A field that it lacks is absent from each event.
        query: The query, as text or as `parse` gives it.
        now: As for `query`.
        limit: As for `query`.

    Returns:
        The rows, and how much was searched.

    Raises:
        QueryError: The query is malformed.
        QueryRunError: As `execute`.

    >>> run(pa.table({"bytes": [84, 610]}), "stats avg(bytes), max(bytes)").rows
    [[('avg(bytes)', '347'), ('max(bytes)', '610')]]
    """
    events = _arrow(table)
    return execute(events, compile(query, kinds(events.schema), now=now, limit=limit))


def execute(table: Any, compiled: CompiledQuery, stop: Event | None = None) -> QueryResults:
    """Run a query that has been compiled for a table, as the API does.

    Args:
        table: As for `query`.
        compiled: The query.
        stop: Ends the query when another thread sets it.

    Returns:
        The rows, and how much was searched.

    Raises:
        QueryRunError: The query takes too long, or more memory than it may, or a value of it cannot be computed.
    """
    events, stop = _arrow(table), stop or Event()
    with database.cursor(compiled.is_heavy) as cursor:
        found = _rows(cursor, events, compiled, stop)
        cells = tuple(pa.array(formatted(column), pa.large_string()) for column in found.columns)
        matched = database.rows(cursor, compiled.matched_sql, len(compiled.text), stop)[0][0].as_py()
    return QueryResults(cells, matched, len(events), compiled)


def formatted(column: pa.ChunkedArray) -> list[str | None]:
    """Write the values of a column as the API does.

    Times are in UTC with milliseconds, yes and no are 1 and 0, whole numbers have no point, and other numbers have at
    most 4 decimals, or 4 significant digits below 1.

    >>> formatted(pa.chunked_array([[1220.0, 3.14159265, 0.000123456, None]]))
    ['1220', '3.1416', '0.0001235', None]
    """
    if pa.types.is_timestamp(column.type):
        return pc.strftime(column.cast(pa.timestamp("ms"), safe=False), format="%Y-%m-%d %H:%M:%S").to_pylist()  # type: ignore[no-any-return]
    if pa.types.is_boolean(column.type):
        column = column.cast(pa.int8())
    if pa.types.is_floating(column.type):
        return [None if value is None else _decimal(value) for value in column.to_pylist()]
    return column.cast(pa.string()).to_pylist()  # type: ignore[no-any-return]


def _decimal(value: float) -> str | None:
    if not isfinite(value):
        return None
    written = format(Decimal(f"{value:.4f}" if abs(value) >= 1 else f"{value:.4g}"), "f")
    return written.rstrip("0").rstrip(".") if "." in written else written.removeprefix("-") if not value else written


def kinds(schema: pa.Schema) -> Mapping[str, ValueKind]:
    """Return the kind of each column of a table with this schema, for `compile`."""
    return {field.name: _kind(field.type) for field in schema}


def _kind(type: pa.DataType) -> ValueKind:
    if pa.types.is_integer(type):
        return "integer"
    if pa.types.is_floating(type):
        return "number"
    if pa.types.is_boolean(type):
        return "bool"
    return "time" if pa.types.is_timestamp(type) else "text"


def _arrow(table: Any) -> pa.Table:
    """Return any table as an Arrow table with the types that the language has."""
    if isinstance(table, pd.DataFrame):
        table = pa.Table.from_pandas(table, preserve_index=False)
    elif isinstance(table, duckdb.DuckDBPyRelation):
        table = table.to_arrow_table()
    return pa.table([_plain(column) for column in table.columns], names=table.column_names)


def _plain(column: pa.ChunkedArray) -> pa.ChunkedArray:
    type = column.type
    if pa.types.is_timestamp(type) or pa.types.is_date(type):
        return column.cast(pa.timestamp("us"), safe=False) if type != pa.timestamp("us") else column
    if pa.types.is_decimal(type) or pa.types.is_uint64(type) or pa.types.is_float16(type):
        return column.cast(pa.float64(), safe=False)
    words = type.value_type if pa.types.is_dictionary(type) else type
    texts = pa.types.is_string(words) or pa.types.is_large_string(words) or pa.types.is_string_view(words)
    return column if texts or _kind(type) != "text" else column.cast(pa.string())


def _rows(cursor: duckdb.DuckDBPyConnection, events: pa.Table, compiled: CompiledQuery, stop: Event) -> pa.Table:
    """Give a cursor the table, and return the rows of the query."""
    columns, names = list(events.columns), list(compiled.columns)
    if compiled.row is not None:
        columns.append(pa.array(np.arange(len(events))))
        names.append(compiled.row)
    table = pa.table(columns, names)
    if compiled.is_heavy:
        # Between two batches a query can be stopped.
        table = pa.Table.from_batches(table.to_batches(_FEW), table.schema)
    cursor.register("events", table)
    if compiled.first is not None:
        sql, enough = compiled.first
        rows = database.rows(cursor, sql, len(compiled.text), stop)
        if len(rows) == enough:
            return rows
    return database.rows(cursor, compiled.sql, len(compiled.text), stop)
