"""Questions that records answer, each a function that returns a table.

A question takes a table from `read`, a part of one, or the stream from `scan`, which is never held in memory as a
whole. The questions are SQL for DuckDB, so one text serves both. Notebooks, `labkit flows` and the flow explorer ask
them.
"""

from __future__ import annotations

import re
from functools import cache
from operator import index
from typing import Any, TypeAlias

import duckdb
import pandas as pd
import pyarrow as pa

from labkit.errors import QuestionError
from labkit.flowlogs import conditions
from labkit.flowlogs.duck import open_duckdb
from labkit.flowlogs.stream import RecordStream
from labkit.status import quoted

#: What a question can be asked of.
Records: TypeAlias = pd.DataFrame | RecordStream

#: Columns that a question can do without, and their types: where the format lacks them, they are null.
_OPTIONAL = {"interface_id": "VARCHAR", "packets": "BIGINT"}


def ask(records: Records, sql: str, **parameters: Any) -> pd.DataFrame:
    """Ask any question in SQL.

    Args:
        records: A table from `read`, or a stream from `scan`. The question calls it `records`.
        sql: The question in DuckDB's dialect. `end` is a word of SQL: put it in double quotes.
        **parameters: The values of `$name` in the question.

    Returns:
        The rows of the answer, with Arrow types.

    Raises:
        QuestionError: The records lack a column, or DuckDB does not accept the question.
        FlowLogFormatError: The stream has lines that are not records.

    >>> from labkit.flowlogs.examples import ping
    >>> ask(ping, 'SELECT srcaddr, bytes / packets AS size FROM records WHERE action = $action', action="ACCEPT")
          srcaddr  size
    0  10.1.15.80  84.0
    1  10.1.15.80  84.0
    2  10.2.0.126  84.0
    """
    if isinstance(records, RecordStream):
        stream, found = records, records.reader()
    else:
        stream, found = None, pa.Table.from_pandas(records, preserve_index=False)
    with _database(limited=stream is not None).cursor() as duck:
        duck.register("found", found)
        absent = [f"NULL::{type} AS {name}" for name, type in _OPTIONAL.items() if name not in found.schema.names]
        try:
            duck.execute(f"CREATE TEMP VIEW records AS SELECT {', '.join(['*', *absent])} FROM found")
            # DuckDB plans a question with parameters twice.
            answer = duck.sql(sql, params=parameters or None)
            if answer is None:
                raise QuestionError("The question is empty: write one such as SELECT count(*) FROM records.")
            found = answer.to_arrow_table()
        except duckdb.Error as error:
            if stream and stream.failure:
                raise stream.failure from None
            raise QuestionError(_reason(error, stream.columns if stream else found.schema.names)) from error
    return found.to_pandas(types_mapper=pd.ArrowDtype)


def top_talkers(records: Records, n: int = 10, where: str = "true", each_side: bool = False) -> pd.DataFrame:
    """Find the pairs of addresses with the most bytes.

    Where both ends of an exchange are logged, both have records of it. It counts once: the question adds up what each
    interface saw of a pair, and takes the largest sum.

    Args:
        records: A table from `read`, or a stream from `scan`.
        n: The most pairs to return.
        where: A condition in SQL on the records.
        each_side: Add up the records of all interfaces instead.

    Returns:
        A row per pair, the one with the most bytes first: srcaddr, dstaddr, packets, bytes.

    Raises:
        QuestionError: As in `ask`.

    >>> from labkit.flowlogs.examples import ping
    >>> top_talkers(ping)
          srcaddr     dstaddr  packets  bytes
    0  10.1.15.80  10.2.0.126       10    840
    1  10.2.0.126  10.1.15.80        5    420
    """
    where = _checked(records, where)
    seen = f"FROM records WHERE srcaddr IS NOT NULL AND {where}"
    if not each_side:
        # Grouping by a number is faster than grouping by the interface's id.
        seen = f"""FROM (SELECT srcaddr, dstaddr, hash(interface_id) AS interface,
              sum(packets)::BIGINT AS packets, sum(bytes)::BIGINT AS bytes {seen} GROUP BY ALL)"""
    total = "sum" if each_side else "max"
    return _question(
        records,
        f"""
        SELECT srcaddr, dstaddr, {total}(packets)::BIGINT AS packets, {total}(bytes)::BIGINT AS bytes
        {seen} GROUP BY srcaddr, dstaddr ORDER BY bytes DESC, srcaddr, dstaddr {_limit(n)}""",
    )


def accepted_but_never_answered(
    records: Records, patience: str = "60 seconds", where: str = "true", n: int | None = None
) -> pd.DataFrame:
    """Find traffic that an interface's security groups and network ACLs accepted, without an accepted reply there.

    A missing route looks like this: ACCEPT is a verdict, not a receipt. A reply goes the other way between the same
    addresses and ports, at the same interface. Records don't say when in their interval a packet came, so any reply in
    the same interval counts, and one in the interval before or after. The answer also includes traffic that expects no
    reply, such as much of UDP, and replies whose request came before the first record.

    Args:
        records: A table from `read`, or a stream from `scan`.
        patience: The time between a request's record and its reply's must be shorter than this, as SQL writes an
            interval. The default reaches the intervals before and after a record's own, and none further away.
        where: A condition in SQL on the traffic in question. It does not apply to replies.
        n: The most rows to return, those with the most packets.

    Returns:
        A row per interface, addresses, ports and protocol, with packets, bytes, and from when to when its records
        reach (`first`, `last`).

    Raises:
        QuestionError: As in `ask`.

    >>> from labkit.flowlogs.examples import ping
    >>> accepted_but_never_answered(ping)[["interface_id", "srcaddr", "dstaddr", "packets", "first"]]
      interface_id     srcaddr     dstaddr  packets                      first
    0        eni-1  10.1.15.80  10.2.0.126        5  2025-12-03 15:05:16+00:00
    """
    where = _checked(records, where)
    return _question(
        records,
        f"""
        WITH events AS (  -- each record as what waits for a reply until `time`, and as a reply from `time` on
            -- A microsecond less, so that a reply doesn't count that begins when patience ends: sorting by `reply` as
            -- well takes twice the time.
            SELECT interface_id, if(reply, dstaddr, srcaddr) AS srcaddr, if(reply, dstport, srcport) AS srcport,
                   if(reply, srcaddr, dstaddr) AS dstaddr, if(reply, srcport, dstport) AS dstport, protocol,
                   packets, bytes, start, "end", reply,
                   if(reply, start, "end" + CAST($patience AS INTERVAL) - INTERVAL '1 microsecond') AS time
            FROM records, (VALUES (false), (true)) AS roles(reply) WHERE action = 'ACCEPT' AND (reply OR {where})
        ), requests AS (
            SELECT *, max("end") FILTER (reply) OVER (
                PARTITION BY interface_id, protocol, srcaddr, srcport, dstaddr, dstport ORDER BY time) AS answered
            FROM events QUALIFY NOT reply
        )
        SELECT interface_id, srcaddr, srcport, dstaddr, dstport, protocol,
               sum(packets)::BIGINT AS packets, sum(bytes)::BIGINT AS bytes, min(start) AS first, max("end") AS last
        FROM requests WHERE coalesce(answered <= start - CAST($patience AS INTERVAL), true)
        GROUP BY ALL ORDER BY packets DESC, first, interface_id, srcaddr, srcport, dstaddr, dstport, protocol
        {_limit(n)}""",
        patience=patience,
    )


def _limit(n: int | None) -> str:
    if n is None:
        return ""
    try:
        rows = index(n)
    except TypeError:
        rows = -1
    if not 0 <= rows < 2**63:
        raise QuestionError(f"n is the most rows to return, a whole number, and not {quoted(n)}.")
    return f"LIMIT {rows}"


def _checked(records: Records, where: str) -> str:
    """Check a condition on records, and return it as a part of a question."""
    if where != "true":
        if isinstance(records, RecordStream):
            found, streams = records.schema, True
        else:
            found, streams = pa.Schema.from_pandas(records.head(0), preserve_index=False), False
        absent = [pa.field(name, pa.null()) for name in _OPTIONAL if name not in found.names]
        conditions.check(where, pa.schema([*found, *absent]), _database(limited=streams).cursor())
    return f"({where}\n)"  # the end of a line ends a comment


def _question(records: Records, sql: str, **parameters: Any) -> pd.DataFrame:
    """Ask a question; of a stream, read only the columns that the question names."""
    if isinstance(records, RecordStream):
        names = records.schema.names
        # DuckDB reads no table without columns.
        records.only([name for name in names if re.search(rf"\b{re.escape(name)}\b", sql)] or names[:1])
    return ask(records, sql, **parameters)


@cache
def _database(limited: bool) -> duckdb.DuckDBPyConnection:
    """Return the database in which all questions are asked; a long stream takes little memory and few threads."""
    return open_duckdb("200MB", threads=2, spill=True) if limited else open_duckdb(spill=True)


def _reason(error: duckdb.Error, columns: list[str]) -> str:
    text = str(error).split("\n")[0]
    if missing := re.search(r'Referenced column "(\w+)" not found', text):
        return f"The records have no column {missing[1]}, which the question needs; they have {', '.join(columns)}."
    return f"DuckDB can't answer that: {text}"
