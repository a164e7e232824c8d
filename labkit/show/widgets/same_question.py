"""A Logs Insights query said in other languages: as calls of boto3, as SQL, as pandas."""

from __future__ import annotations

import re
from datetime import timedelta

from labkit import insights
from labkit.flowlogs import FIELDS
from labkit.insights.as_pandas import NotInPandas, as_pandas
from labkit.insights.values import Kind

_OF_TYPE: dict[str, Kind] = {"int32": "integer", "int64": "integer", "string": "text"}
_KINDS: dict[str, Kind] = {field.insights_name: _OF_TYPE[field.type] for field in FIELDS.values()}
_EVENT: dict[str, Kind] = {
    "@timestamp": "time", "@message": "text", "@logStream": "text", "@log": "text", "@ingestionTime": "time"
}  # fmt: skip
#: What flowlogs.read calls them; an event's time is the start of its record, and start and end are times there.
_COLUMNS = {field.insights_name: field.column for field in FIELDS.values()} | {"@timestamp": "start"}
_IN_TABLE: dict[str, Kind] = {each: kind for each, kind in _KINDS.items() if each not in ("startTime", "endTime")}
_IN_TABLE["@timestamp"] = "time"

_QUOTED = re.compile(r"""('(?:[^']|'')*'|"(?:[^"]|"")*")""")
_CLAUSE = re.compile(r" (?=(?:FROM|WHERE|GROUP BY|HAVING|QUALIFY)\b)")


def as_boto3(query: str, log_group: str, back: timedelta) -> str:
    """The calls that ask it. Parameters: `back`, how far back from lab.clock it looks."""
    return f"""\
import time
from datetime import timedelta

import boto3

logs = boto3.client("logs")
since, until = lab.clock - {_delta(back)}, lab.clock
query = logs.start_query(
    logGroupName={log_group!r},
    startTime=int(since.timestamp()), endTime=int(until.timestamp()),
    queryString={_text(query)},
)
answer = logs.get_query_results(queryId=query["queryId"])
while answer["status"] in ("Scheduled", "Running"):
    time.sleep(1)
    answer = logs.get_query_results(queryId=query["queryId"])
answer["results"]"""


def as_sql(query: str) -> str:
    """What labkit makes of it for DuckDB, over a table `events`. Raises QueryError.

    >>> print(as_sql("filter bytes > 100 | stats count(*) as n by srcAddr"))
    -- For DuckDB, over a table called events; words such as natural_key are macros in labkit/insights/macros.sql.
    WITH step_1 AS (SELECT *
      FROM events
      WHERE ("bytes" > 100)),
    step_2 AS (SELECT "srcAddr" AS "srcAddr", count(*) AS "n"
      FROM step_1
      GROUP BY 1
      HAVING NOT ("srcAddr" IS NULL AND "n" IS NULL))
    SELECT "srcAddr", "n"
    FROM step_2
    ORDER BY "srcAddr"
    LIMIT 10000
    """
    sql = insights.compile(query, _EVENT | _KINDS).sql.replace(" AS NOT MATERIALIZED (", " AS (")
    parts = _QUOTED.split(sql)
    parts[::2] = [_CLAUSE.sub("\n  ", part) for part in parts[::2]]
    note = "For DuckDB, over a table called events; words such as natural_key are macros in labkit/insights/macros.sql."
    return f"-- {note}\n{''.join(parts)}"


def as_pandas_code(query: str, log_group: str, back: timedelta) -> str:
    """Reading the records and answering it with pandas; where pandas would answer something else, a comment that says
    so. Raises QueryError."""
    try:
        code = as_pandas(query, _IN_TABLE, "table", _COLUMNS)
    except NotInPandas as reason:
        return f"# {reason}"
    return f"""\
from datetime import timedelta

import boto3
import pandas as pd
from labkit import flowlogs

since = lab.clock - {_delta(back)}
pages = boto3.client("logs").get_paginator("filter_log_events").paginate(
    logGroupName={log_group!r}, startTime=int(since.timestamp()) * 1000
)
table = flowlogs.read([event for page in pages for event in page["events"]])

{code}
answer"""


def _delta(back: timedelta) -> str:
    return f"timedelta(minutes={int(back.total_seconds()) // 60})"


def _text(query: str) -> str:
    plain = '"""' not in query and "\\" not in query and not query.endswith('"')
    return f'"""\n{query}\n"""' if plain and "\n" in query else repr(query)
