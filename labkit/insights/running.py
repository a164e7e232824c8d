"""Queries run on DuckDB: as a DataFrame, or as the API's rows of text."""

from __future__ import annotations

import atexit
import warnings
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from math import isfinite
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from labkit.errors import QueryError
from labkit.insights.compiled import Compiled
from labkit.insights.compiler import compile
from labkit.insights.names import sql_names
from labkit.insights.values import Kind


@dataclass(frozen=True, slots=True)
class Answer:
    """What the API answers: `rows` of (field, value) pairs without the absent ones, and how many events came through
    the filters and were looked at.
    """

    rows: list[list[tuple[str, str]]]
    matched: int
    scanned: int
    compiled: Compiled


def query(table: Any, text: str, *, now: float | None = None, limit: int | None = None) -> pd.DataFrame:
    """Ask a table a question in CloudWatch Logs Insights QL: numbers come back as numbers, times as times in UTC.

    Parameters: `table`, a pandas DataFrame, an Arrow table or a DuckDB relation, whose columns are the fields; `text`,
    the query; `now`, what now() gives, in epoch seconds; `limit`, the most rows, 1 to 100,000 (default 10,000, as in
    the language). Raises QueryError, also for a field that the table doesn't have.

    >>> flows = pd.DataFrame({"srcAddr": ["10.1.15.80", "10.2.0.126", "10.1.15.80"], "bytes": [84, 84, 610]})
    >>> query(flows, "stats sum(bytes) as total by srcAddr | sort total desc")
          srcAddr  total
    0  10.1.15.80    694
    1  10.2.0.126     84

    Source: https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/CWL_QuerySyntax.html
    """
    events = _arrow(table)
    compiled = compile(text, kinds(events), now=now, limit=limit)
    if compiled.absent:
        raise compiled.absent[0]
    answer = _answer(events, compiled, text)
    columns = [
        column.cast(pa.timestamp(column.type.unit, "UTC")) if pa.types.is_timestamp(column.type) else column
        for column in answer.columns
    ]
    named = pa.table(columns, names=[field.name for field in compiled.fields])
    return named.to_pandas(types_mapper=pd.ArrowDtype)


def run(table: Any, text: str, *, now: float | None = None, limit: int | None = None) -> Answer:
    """Run a query as `get_query_results` would answer it: every value a text, absent ones left out.

    Parameters as for query(), but a field that the table doesn't have is absent from each event. Raises QueryError.

    >>> run(pa.table({"bytes": [84, 610]}), "stats avg(bytes), max(bytes)").rows
    [[('avg(bytes)', '347'), ('max(bytes)', '610')]]
    """
    events = _arrow(table)
    compiled = compile(text, kinds(events), now=now, limit=limit)
    answer = _answer(events, compiled, text)
    matched = _execute(events, compiled.matched_sql, compiled, text)[0][0].as_py()
    columns = [formatted(column) for column in answer.columns]
    names = [field.name for field in compiled.fields]
    rows = [
        [(name, value) for name, value in zip(names, row, strict=True) if value is not None]
        for row in zip(*columns, strict=True)
    ]
    return Answer(rows, matched, len(events), compiled)


def kinds(events: pa.Table) -> dict[str, Kind]:
    """The kind of each column, as compile() wants it."""
    return {field.name: _kind(field.type) for field in events.schema}


def formatted(column: pa.ChunkedArray) -> list[str | None]:
    """Values as the API writes them: times in UTC with milliseconds, yes and no as 1 and 0, whole numbers without a
    point, other numbers with at most 4 decimals, or 4 significant digits below 1.

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


def _kind(type: pa.DataType) -> Kind:
    if pa.types.is_integer(type):
        return "integer"
    if pa.types.is_floating(type):
        return "number"
    if pa.types.is_boolean(type):
        return "bool"
    if pa.types.is_timestamp(type):
        return "time"
    return "text"


def _arrow(table: Any) -> pa.Table:
    """Any table as an Arrow table of the kinds that the language has."""
    if isinstance(table, pd.DataFrame):
        table = pa.Table.from_pandas(table, preserve_index=False)
    elif isinstance(table, duckdb.DuckDBPyRelation):
        table = table.to_arrow_table()
    return pa.table([_plain(column) for column in table.columns], names=table.column_names)


def _plain(column: pa.ChunkedArray) -> pa.ChunkedArray:
    type = column.type
    if pa.types.is_timestamp(type):
        return column.cast(pa.timestamp("us"), safe=False) if type != pa.timestamp("us") else column
    if pa.types.is_date(type):
        return column.cast(pa.timestamp("us"))
    if pa.types.is_decimal(type) or pa.types.is_uint64(type) or pa.types.is_float16(type):
        return column.cast(pa.float64(), safe=False)
    known = pa.types.is_integer(type) or pa.types.is_floating(type) or pa.types.is_boolean(type)
    words = type.value_type if pa.types.is_dictionary(type) else type
    texts = pa.types.is_string(words) or pa.types.is_large_string(words) or pa.types.is_string_view(words)
    return column if known or texts else column.cast(pa.string())


@cache
def _database() -> duckdb.DuckDBPyConnection:
    connection = duckdb.connect()
    connection.execute(Path(__file__).with_name("macros.sql").read_text(encoding="utf-8"))
    # A connection that outlives the interpreter is reported as a leak, on the screen of whoever leaves.
    atexit.register(_database.cache_clear)
    return connection


def _answer(events: pa.Table, compiled: Compiled, text: str) -> pa.Table:
    if compiled.first is not None:
        sql, enough = compiled.first
        answer = _execute(events, sql, compiled, text)
        if len(answer) == enough:
            return answer
    return _execute(events, compiled.sql, compiled, text)


def _execute(events: pa.Table, sql: str, compiled: Compiled, text: str) -> pa.Table:
    columns, names = list(events.columns), list(sql_names(events.column_names).values())
    if compiled.row is not None:
        columns.append(pa.array(np.arange(len(events))))
        names.append(compiled.row)
    # DuckDB finds the table by this variable's name, which is quicker than to register it.
    events = pa.table(columns, names)
    # A cursor has the database's macros, and runs beside others.
    with _database().cursor() as cursor:
        try:
            with warnings.catch_warnings():
                # Its answers are small, and cursor.sql, which copies them once less, plans each query twice.
                warnings.filterwarnings("ignore", "Arrow output on a DB-API result")
                return cursor.execute(sql).to_arrow_table()
        except (duckdb.OutOfRangeException, duckdb.ConversionException) as error:
            reason = str(error).partition("Error: ")[2].splitlines()[0]
            raise QueryError(f"A value of this query is out of range: {reason}", 0, len(text)) from None
