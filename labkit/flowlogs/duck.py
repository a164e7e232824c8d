"""Open DuckDB for questions whose text may come from anyone: it reaches no file, no network and no extension.

Every DuckDB of labkit is opened here, for the questions of this room and for Insights. Records reach it as tables and
streams of Arrow. Source: https://duckdb.org/docs/stable/operations_manual/securing_duckdb/overview
"""

from __future__ import annotations

import atexit
import tempfile

import duckdb

from labkit import interruption


def open_duckdb(
    memory: str = "1GB", threads: int | None = None, spill: bool = False, gather: bool = True
) -> duckdb.DuckDBPyConnection:
    """Open a database in memory, in UTC, that cannot leave it.

    It stays open until Python ends: opening one takes longer than many a question, so keep it and take a cursor for
    each question.

    Args:
        memory: The most memory that its queries take together, as DuckDB writes a size.
        threads: How many threads work; one per processor if None.
        spill: Whether queries that need more memory go on in a temporary folder, which is removed when Python ends.
            Without it, they end with `duckdb.OutOfMemoryException`.
        gather: Whether rows that come in small batches are gathered into larger ones. A query can be interrupted
            between two batches.

    >>> open_duckdb().execute("SELECT current_setting('enable_external_access')").fetchone()
    (False,)
    """
    config: dict[str, str | bool | int | float | list[str]] = {
        "memory_limit": memory,
        "temp_directory": "",  # DuckDB's own default is a folder .tmp in the working directory
        "autoinstall_known_extensions": False,
        "autoload_known_extensions": False,
        "allow_community_extensions": False,
        "python_enable_replacements": False,  # a name in a query is a table, never a variable of Python
    }
    if not gather:
        config["enable_caching_operators"] = False
    if threads is not None:
        config["threads"] = threads
    if spill:
        folder = tempfile.TemporaryDirectory()
        interruption.at_end(folder.cleanup)
        config["temp_directory"] = folder.name
    connection = duckdb.connect(config=config)
    # In this order: each of these forbids what stands before it.
    connection.execute("SET GLOBAL TimeZone = 'UTC'; SET enable_external_access = false; SET lock_configuration = true")
    # Python reports a connection that is still open when it ends as a leak, on standard error.
    atexit.register(connection.close)
    return connection
