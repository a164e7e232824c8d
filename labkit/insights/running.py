"""Run queries in DuckDB: `query` gives a DataFrame, `run` gives rows of text as the API does.

Engineers and notebooks call `query`; the embedded AWS calls `run`.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from math import isfinite
from typing import Any

import duckdb
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from labkit.errors import QueryError
from labkit.insights import database
from labkit.insights.compiler import CompiledQuery, compile
from labkit.insights.parser import ParsedQuery
from labkit.insights.values import ValueKind


@dataclass(frozen=True, slots=True)
class QueryResults:
    """What GetQueryResults answers.

    Attributes:
        rows: For each row the name and the value of each field that is present.
        matched: How many events passed the filters.
        scanned: How many events the table has.
        compiled: The query that was run.
    """

    rows: list[list[tuple[str, str]]]
    matched: int
    scanned: int
    compiled: CompiledQuery


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

    >>> flows = pd.DataFrame({"srcAddr": ["10.1.15.80", "10.2.0.126", "10.1.15.80"], "bytes": [84, 84, 610]})
    >>> query(flows, "stats sum(bytes) as total by srcAddr | sort total desc")
          srcAddr  total
    0  10.1.15.80    694
    1  10.2.0.126     84

    Source: https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/CWL_QuerySyntax.html
    """
    events = _arrow(table)
    compiled = compile(text, _kinds(events), now=now, limit=limit)
    if compiled.absent:
        raise compiled.absent[0]
    rows = _rows(events, compiled)
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

    >>> run(pa.table({"bytes": [84, 610]}), "stats avg(bytes), max(bytes)").rows
    [[('avg(bytes)', '347'), ('max(bytes)', '610')]]
    """
    events = _arrow(table)
    compiled = compile(query, _kinds(events), now=now, limit=limit)
    columns = [formatted(column) for column in _rows(events, compiled).columns]
    matched = _execute(events, compiled.matched_sql, compiled)[0][0].as_py()
    names = [name for name, _ in compiled.fields]
    rows = [
        [(name, value) for name, value in zip(names, row, strict=True) if value is not None]
        for row in zip(*columns, strict=True)
    ]
    return QueryResults(rows, matched, len(events), compiled)


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


def _kinds(events: pa.Table) -> Mapping[str, ValueKind]:
    """Return the kind of each column of a table that `_arrow` made."""
    return {field.name: _kind(field.type) for field in events.schema}


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


def _rows(events: pa.Table, compiled: CompiledQuery) -> pa.Table:
    if compiled.first is not None:
        sql, enough = compiled.first
        rows = _execute(events, sql, compiled)
        if len(rows) == enough:
            return rows
    return _execute(events, compiled.sql, compiled)


def _execute(events: pa.Table, sql: str, compiled: CompiledQuery) -> pa.Table:
    columns, names = list(events.columns), list(compiled.columns)
    if compiled.row is not None:
        columns.append(pa.array(np.arange(len(events))))
        names.append(compiled.row)
    # DuckDB finds the table by the name of this variable, which is quicker than registering it.
    events = pa.table(columns, names)
    with database.cursor() as cursor:
        try:
            with warnings.catch_warnings():
                # The rows are few, and cursor.sql, which copies them once less, plans each query twice.
                warnings.filterwarnings("ignore", "Arrow output on a DB-API result")
                return cursor.execute(sql).to_arrow_table()
        except (duckdb.OutOfRangeException, duckdb.ConversionException) as error:
            reason = str(error).partition("Error: ")[2].splitlines()[0]
            raise QueryError(f"A value of this query is out of range: {reason}", 0, len(compiled.text)) from None
