"""Questions asked of flow logs, each a function of records that returns a table.

`records` is a table from `read`, or a part of one, or the stream of `scan`, which is never held whole. The questions
are SQL, so that one text serves both, and can be tried on any other engine, too.
"""

from __future__ import annotations

import atexit
import re
import tempfile
from functools import cache
from typing import Any

import duckdb
import pandas as pd
import pyarrow as pa

from labkit.flowlogs.lines import schema
from labkit.flowlogs.records import Records

#: Fields that a question can do without: where the format lacks them, they are null.
_OPTIONAL = schema(["interface-id", "packets", "tcp-flags"])

#: What DuckDB may hold of a stream, however long: what is more goes to a temporary folder. Each thread wants its share.
_LIMITS = "SET memory_limit = '200MB'; SET threads = 2"

#: Each flow at each interface with all its windows added up, and beside it what came back. The request is the flow that
#: began first, and didn't answer a SYN; of two that began in the same second, the one to the lower port.
_EXCHANGES = """
WITH flows AS MATERIALIZED (
    SELECT interface_id, protocol, srcaddr, srcport, dstaddr, dstport, max(action) AS action, min(start) AS first,
           max("end") AS last, sum(packets)::BIGINT AS packets,
           sum(bytes)::BIGINT AS bytes,
           (coalesce(bit_or(tcp_flags), 0) & 18 = 18, min(start), -srcport, srcaddr) AS turn
    FROM records WHERE srcaddr IS NOT NULL GROUP BY interface_id, protocol, srcaddr, srcport, dstaddr, dstport
), exchanges AS (
    SELECT request.*, coalesce(reply.packets, 0) AS reply_packets, coalesce(reply.bytes, 0) AS reply_bytes,
           greatest(request.last, reply.last) AS last_of_both
    FROM flows AS request LEFT JOIN flows AS reply
      ON reply.interface_id IS NOT DISTINCT FROM request.interface_id AND reply.protocol = request.protocol
     AND reply.srcaddr = request.dstaddr AND reply.srcport = request.dstport
     AND reply.dstaddr = request.srcaddr AND reply.dstport = request.srcport
    WHERE reply.turn IS NULL OR request.turn <= reply.turn
)"""


def ask(records: pd.DataFrame | Records, sql: str, **parameters: Any) -> pd.DataFrame:
    """The answer to any question in SQL, asked of the table `records`.

    Parameters: `sql` in DuckDB's dialect (`end` is a word of SQL: put it in double quotes); `parameters` are the
    values of `$names` in it. Raises ValueError where DuckDB can't make sense of it.

    >>> from labkit.flowlogs.examples import ping
    >>> ask(ping, 'SELECT srcaddr, bytes / packets AS size FROM records WHERE action = $action', action="ACCEPT")
          srcaddr  size
    0  10.1.15.80  84.0
    1  10.1.15.80  84.0
    2  10.2.0.126  84.0
    """
    with _database(isinstance(records, Records)).cursor() as duck:
        found = (
            records.reader() if isinstance(records, Records) else pa.Table.from_pandas(records, preserve_index=False)
        )
        duck.register("found", found)
        absent = [
            f"NULL::{'VARCHAR' if field.type == pa.string() else 'BIGINT'} AS {field.name}"
            for field in _OPTIONAL
            if field.name not in found.schema.names
        ]
        try:
            duck.execute(f"CREATE TEMP VIEW records AS SELECT {', '.join(['*', *absent])} FROM found")
            answer = duck.sql(sql, params=parameters).to_arrow_table()
        except duckdb.Error as error:
            if isinstance(records, Records) and records.failure is not None:
                raise records.failure from None
            raise ValueError(_plainly(error, list(records.columns))) from error
    return answer.to_pandas(types_mapper=pd.ArrowDtype)


def top_talkers(
    records: pd.DataFrame | Records, n: int = 10, where: str = "true", each_side: bool = False
) -> pd.DataFrame:
    """Who sent the most bytes to whom.

    An exchange between two interfaces that are both logged stands in both their records, and counts once: what each
    interface saw of a pair is added up, and the larger sum taken (with `each_side`, all of it is added up).

    Parameters: `n` pairs; `where`, a condition in SQL on the records.

    >>> from labkit.flowlogs.examples import ping
    >>> top_talkers(ping)
          srcaddr     dstaddr  packets  bytes
    0  10.1.15.80  10.2.0.126       10    840
    1  10.2.0.126  10.1.15.80        5    420
    """
    seen = f"FROM records WHERE srcaddr IS NOT NULL AND ({where})"
    if not each_side:
        # A number stands for the interface: to compare it is quicker than its id.
        seen = f"""FROM (SELECT srcaddr, dstaddr, hash(interface_id) AS interface,
              sum(packets)::BIGINT AS packets, sum(bytes)::BIGINT AS bytes {seen} GROUP BY ALL)"""
    total = "sum" if each_side else "max"
    return _question(
        records,
        f"""
        SELECT srcaddr, dstaddr, {total}(packets)::BIGINT AS packets, {total}(bytes)::BIGINT AS bytes
        {seen} GROUP BY srcaddr, dstaddr ORDER BY bytes DESC, srcaddr, dstaddr LIMIT $n""",
        n=n,
    )


def bytes_over_time(records: pd.DataFrame | Records, every: str = "5 minutes", by: str = "action") -> pd.DataFrame:
    """How many bytes in each stretch of time, by the start of their records; exchanges count once, as in top_talkers.

    Parameters: `every`, the length of a stretch, such as '1 hour'; `by`, a column to tell apart.

    >>> from labkit.flowlogs.examples import ping
    >>> bytes_over_time(ping, every="1 minute")
                            time  action  bytes
    0  2025-12-03 15:05:00+00:00  ACCEPT    420
    1  2025-12-03 15:15:00+00:00  ACCEPT    840
    """
    return _question(
        records,
        f"""
        SELECT time, {by}, sum(bytes)::BIGINT AS bytes
        FROM (SELECT time, {by}, srcaddr, dstaddr, max(bytes) AS bytes
              FROM (SELECT time_bucket(CAST($every AS INTERVAL), start) AS time, {by}, srcaddr, dstaddr,
                           interface_id, sum(bytes) AS bytes FROM records WHERE srcaddr IS NOT NULL GROUP BY ALL)
              GROUP BY ALL)
        GROUP BY ALL ORDER BY ALL""",
        every=every,
    )


def rejected_by_port(records: pd.DataFrame | Records, n: int = 10) -> pd.DataFrame:
    """The ports at which most packets were rejected, and how many addresses knocked there.

    >>> from labkit.flowlogs.examples import knocks
    >>> rejected_by_port(knocks)
       protocol  dstport  packets  sources
    0         6       22        3        2
    1         6      443        1        1
    """
    return _question(
        records,
        """
        SELECT protocol, dstport, sum(packets)::BIGINT AS packets, count(DISTINCT srcaddr) AS sources
        FROM records WHERE action = 'REJECT' GROUP BY ALL ORDER BY packets DESC, protocol, dstport LIMIT $n""",
        n=n,
    )


def rejected_by_source(records: pd.DataFrame | Records, n: int = 10) -> pd.DataFrame:
    """Whose packets were rejected most, at how many ports and addresses.

    >>> from labkit.flowlogs.examples import knocks
    >>> rejected_by_source(knocks)
             srcaddr  packets  ports  targets
    0  198.51.100.99        2      1        1
    1   20.65.136.10        2      2        1
    """
    return _question(
        records,
        """
        SELECT srcaddr, sum(packets)::BIGINT AS packets, count(DISTINCT dstport) AS ports,
               count(DISTINCT dstaddr) AS targets
        FROM records WHERE action = 'REJECT' GROUP BY ALL ORDER BY packets DESC, srcaddr LIMIT $n""",
        n=n,
    )


def first_and_last_seen(records: pd.DataFrame | Records) -> pd.DataFrame:
    """When each address first and last took part in traffic, as source or destination.

    >>> from labkit.flowlogs.examples import ping
    >>> first_and_last_seen(ping)[["address", "first", "records"]]
          address                      first  records
    0  10.1.15.80  2025-12-03 15:05:16+00:00        3
    1  10.2.0.126  2025-12-03 15:05:16+00:00        3
    """
    return _question(
        records,
        """
        SELECT address, min(start) AS first, max("end") AS last, count(*) AS records
        FROM (SELECT unnest([srcaddr, dstaddr]) AS address, start, "end" FROM records WHERE srcaddr IS NOT NULL)
        GROUP BY ALL ORDER BY first, address""",
    )


def conversations(records: pd.DataFrame | Records) -> pd.DataFrame:
    """Requests with their replies: one row for two ends, their ports and protocol, however many records it took.

    Where both ends are logged, the fuller account counts. ICMP has no ports (they are 0), so all echoes between two
    addresses are one conversation. `action` is REJECT if any of the request was rejected.

    >>> from labkit.flowlogs.examples import ping
    >>> conversations(ping)[["srcaddr", "dstaddr", "protocol", "packets", "reply_packets"]]
          srcaddr     dstaddr  protocol  packets  reply_packets
    0  10.1.15.80  10.2.0.126         1       10              5
    """
    return _question(
        records,
        _EXCHANGES
        + """
        SELECT srcaddr, srcport, dstaddr, dstport, protocol, max(action) AS action,
               max(packets)::BIGINT AS packets, max(bytes)::BIGINT AS bytes,
               max(reply_packets)::BIGINT AS reply_packets, max(reply_bytes)::BIGINT AS reply_bytes,
               min(first) AS first, max(last_of_both) AS last
        FROM exchanges GROUP BY ALL ORDER BY first, srcaddr, srcport, dstaddr, dstport, protocol""",
    )


def accepted_but_never_answered(
    records: pd.DataFrame | Records, patience: str = "60 seconds", where: str = "true", n: int | None = None
) -> pd.DataFrame:
    """Traffic that an interface's security groups and network ACLs accepted, and to which it saw no accepted reply.

    That is what a missing route looks like: ACCEPT is their verdict, not a receipt. A reply goes the other way between
    the same addresses and ports, at the same interface, in a record no further than `patience` before or after: one
    window of 60 seconds by default, as a reply may fall into the next. Traffic that wants no answer (much of UDP), and
    replies whose request came before the first record, are found, too.

    Parameters: `where`, a condition in SQL on the traffic in question; `n`, the most rows, those with most packets.

    >>> from labkit.flowlogs.examples import ping
    >>> accepted_but_never_answered(ping)[["interface_id", "srcaddr", "dstaddr", "packets", "first"]]
      interface_id     srcaddr     dstaddr  packets                      first
    0        eni-1  10.1.15.80  10.2.0.126        5  2025-12-03 15:05:16+00:00
    """
    return _question(
        records,
        f"""
        WITH events AS (  -- each record as what waits for a reply until `time`, and as a reply from `time` on
            SELECT interface_id, if(reply, dstaddr, srcaddr) AS srcaddr, if(reply, dstport, srcport) AS srcport,
                   if(reply, srcaddr, dstaddr) AS dstaddr, if(reply, srcport, dstport) AS dstport, protocol,
                   packets, bytes, start, "end", if(reply, start, "end" + CAST($patience AS INTERVAL)) AS time, reply
            FROM records, (VALUES (false), (true)) AS way(reply) WHERE action = 'ACCEPT' AND (reply OR ({where}))
        ), requests AS (
            SELECT *, max("end") FILTER (reply) OVER (
                PARTITION BY interface_id, protocol, srcaddr, srcport, dstaddr, dstport ORDER BY time) AS answered
            FROM events QUALIFY NOT reply
        )
        SELECT interface_id, srcaddr, srcport, dstaddr, dstport, protocol,
               sum(packets)::BIGINT AS packets, sum(bytes)::BIGINT AS bytes, min(start) AS first, max("end") AS last
        FROM requests WHERE coalesce(answered < start - CAST($patience AS INTERVAL), true)
        GROUP BY ALL ORDER BY packets DESC, first, interface_id, srcaddr, srcport, dstaddr, dstport, protocol
        {"" if n is None else f"LIMIT {int(n)}"}""",
        patience=patience,
    )


def exchanges(records: pd.DataFrame | Records) -> pd.DataFrame:
    """As conversations, for each interface by itself."""
    return _question(records, _EXCHANGES + "SELECT * EXCLUDE (turn) FROM exchanges ORDER BY ALL")


def _question(records: pd.DataFrame | Records, sql: str, **parameters: Any) -> pd.DataFrame:
    """A question that says which columns it needs: of a stream, the others aren't even read."""
    if isinstance(records, Records):
        records.only([name for name in records.schema.names if re.search(rf"\b{name}\b", sql)])
    return ask(records, sql, **parameters)


@cache
def _database(limited: bool) -> duckdb.DuckDBPyConnection:
    """A database for the questions to meet their tables in; made once, as it takes longer than many a question."""
    spill = tempfile.TemporaryDirectory()
    connection = duckdb.connect(config={"temp_directory": spill.name})
    connection.execute("SET GLOBAL TimeZone = 'UTC'")
    if limited:
        connection.execute(_LIMITS)
    atexit.register(spill.cleanup)
    # A connection that outlives the interpreter is reported as a leak, on the screen of whoever leaves.
    atexit.register(_database.cache_clear)
    return connection


def _plainly(error: duckdb.Error, columns: list[str]) -> str:
    text = str(error).split("\n")[0]
    missing = re.search(r'Referenced column "(\w+)" not found', text)
    if missing:
        return f"The records have no column {missing[1]}, which the question needs; they have {', '.join(columns)}."
    return f"DuckDB can't answer that: {text}"
