"""The DuckDB in memory that runs compiled queries and checks their regular expressions."""

from __future__ import annotations

import atexit
from functools import cache
from pathlib import Path

import duckdb


def cursor() -> duckdb.DuckDBPyConnection:
    """Return a cursor of the one database, which has the macros of macros.sql; cursors can run side by side."""
    return _database().cursor()


@cache
def _database() -> duckdb.DuckDBPyConnection:
    connection = duckdb.connect()
    connection.execute(Path(__file__).with_name("macros.sql").read_text(encoding="utf-8"))
    # DuckDB reports a connection that outlives the interpreter as a leak, on the user's screen.
    atexit.register(_database.cache_clear)
    return connection
