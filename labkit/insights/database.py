"""The DuckDB in memory that runs compiled queries and checks their regular expressions, within limits.

What DuckDB itself does not limit is bounded before: `patterns` and the compiler refuse what would take too long for a
single event, and keep the texts that a query makes short.
"""

from __future__ import annotations

import re
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from time import monotonic

import duckdb
import pyarrow as pa

from labkit.errors import QueryRunError
from labkit.flowlogs import open_duckdb
from labkit.machine import cores

SECONDS = 30.0
"""How long a query may run; on AWS it is an hour.

https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_StartQuery.html
"""

_MEMORY, _MOST_THREADS = "500MB", 4

#: How often it is looked whether a query is to stop, in seconds.
_PAUSE = 0.05

#: The largest answer, in bytes, and how many of its rows are read at once.
_MOST_BYTES, _ROWS = 128_000_000, 10_000


def cursor(heavy: bool = False) -> duckdb.DuckDBPyConnection:
    """Return a cursor of a database, which has the macros of macros.sql; cursors can run side by side.

    Args:
        heavy: Whether a single event can take long: then a query can be interrupted between few of them.
    """
    return _database(heavy).cursor()


def rows(cursor: duckdb.DuckDBPyConnection, sql: str, length: int, stop: threading.Event) -> pa.Table:
    """Return the rows of a compiled query.

    Args:
        cursor: A cursor that has the table `events`.
        sql: The SQL.
        length: The length of the query, in characters.
        stop: Ends the query as soon as it is set.

    Raises:
        QueryRunError: The query takes too long, or more memory than it may, or a value of it cannot be computed.
    """
    found: list[pa.RecordBatch] = []
    size = 0
    # cursor.sql would plan each query twice. For good: catch_warnings is not for threads.
    warnings.filterwarnings("ignore", "Arrow output on a DB-API result")
    with _in_time(cursor, stop):
        try:
            reader: pa.RecordBatchReader = cursor.execute(sql).to_arrow_reader(_ROWS)
            for batch in reader:
                size += batch.nbytes
                if size > _MOST_BYTES:
                    raise QueryRunError(_TOO_LARGE, "Failed", length)
                found.append(batch)
        except duckdb.InterruptException:
            raise QueryRunError(_TOO_LONG, "Timeout", length) from None
        except duckdb.OutOfMemoryException:
            raise QueryRunError(_TOO_MUCH, "Failed", length) from None
        except (duckdb.OutOfRangeException, duckdb.ConversionException, duckdb.InvalidInputException) as error:
            reason = _OWN.sub(r"\1", str(error).partition("Error: ")[2].splitlines()[0])
            raise QueryRunError(f"A value of this query cannot be computed: {reason}", "Failed", length) from None
    return pa.Table.from_batches(found, reader.schema)


#: A reason that the SQL itself gives, in DuckDB's words about a text that is no number.
_OWN = re.compile(r".*'(a text that a function makes [^']*)'.*")

_ADVICE = "Search a shorter time range, filter first, or ask for fewer fields."
_TOO_LONG = f"The query took longer than {SECONDS:g} seconds, and was stopped. {_ADVICE}"
_TOO_LARGE = f"The answer is larger than {_MOST_BYTES // 1_000_000} MB. {_ADVICE}"
_TOO_MUCH = f"The query needs more than {_MEMORY} of memory. {_ADVICE}"


@contextmanager
def _in_time(cursor: duckdb.DuckDBPyConnection, stop: threading.Event) -> Iterator[None]:
    """Interrupt what a cursor runs when it is to stop, or has run too long."""
    over = threading.Event()
    until = monotonic() + SECONDS

    def watch() -> None:
        while not over.wait(_PAUSE):
            # Again and again: an interruption that comes before the query begins is lost.
            if stop.is_set() or monotonic() > until:
                cursor.interrupt()

    watching = threading.Thread(target=watch, daemon=True)
    watching.start()
    try:
        yield
    finally:
        over.set()
        watching.join()


@cache
def _database(heavy: bool) -> duckdb.DuckDBPyConnection:
    connection = open_duckdb(_MEMORY, threads=min(cores(), _MOST_THREADS), gather=not heavy)
    connection.execute(Path(__file__).with_name("macros.sql").read_text(encoding="utf-8"))
    return connection
