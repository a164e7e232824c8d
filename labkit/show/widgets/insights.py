"""A box for Logs Insights queries: run a query, read its rows, and copy it as boto3 calls or as SQL.

`lab.widgets.insights()` shows it.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from html import escape
from typing import Any

import pandas as pd

from labkit import insights
from labkit.errors import LabError, QueryError
from labkit.show.widgets import controls, parts
from labkit.show.widgets.base import Interactive
from labkit.show.widgets.insights_hints import hints

#: The most rows that are shown.
SHOWN = 50

_NOT_RUN = "Not asked yet."
_CHANGED = "Not asked yet. Below is the answer to what was asked before."
_CHANGED_FAULT = "Not asked yet. Below is what was wrong with what was asked before."
_CHOOSE = ("choose one", None)
_RANGES = {
    "the last 15 minutes": timedelta(minutes=15), "the last hour": timedelta(hours=1),
    "the last 3 hours": timedelta(hours=3), "the last 24 hours": timedelta(days=1),
    "the last 7 days": timedelta(days=7), "the last 30 days": timedelta(days=30),
}  # fmt: skip

_STYLE = """<style>
.labkit-insights textarea {
  font-family: var(--jp-code-font-family, monospace); font-size: var(--jp-code-font-size, 13px);
}
.labkit-insights pre.bad { white-space: pre; overflow-x: auto; color: inherit; background: none; }
.labkit-insights td { white-space: nowrap; }
</style>"""


class InsightsBox(Interactive):
    """A query, its rows, and the query as boto3 calls or as SQL.

    Args:
        lab: A connected lab.
        query: The query to begin with, which is run at once; None for a sample that is not run yet.
        log_group: The log group to search.

    Attributes:
        table: The rows of the last query; None before the first one, after an error, and when a sample is chosen.

    Raises:
        LabError: The query is not a text.
    """

    def __init__(self, lab: Any, query: str | None, log_group: str) -> None:
        if not isinstance(query, str | None):
            raise LabError(f"Give the query as text, and not {type(query).__name__}.")
        self._lab, self._log_group = lab, log_group
        self.table: pd.DataFrame | None = None
        self._said = _NOT_RUN
        self._hints: list[tuple[str, parts.Tone]] = []
        first = next(iter(insights.SAMPLES.values())) if query is None else query.strip("\n")
        self.sample = parts.dropdown("Samples", self._samples(), "Queries of AWS, and those saved in the account")
        self.sample.layout.width = "36em"
        self.query = controls.Textarea(
            first, description="Query", rows=max(4, first.count("\n") + 1),
            tooltip="In the query language of Logs Insights", style={"description_width": "initial"},
            layout={"width": "auto", "max_width": "60em"},
        )  # fmt: skip
        self.back = parts.dropdown("Time", _RANGES.items(), "Which records are searched", value=timedelta(days=1))
        self.run = parts.button("Run query", "Ask Logs Insights", self._ask)
        self.status, self.rows = parts.html(), parts.html()
        self.language = parts.toggles("The same question in", ["boto3", "SQL"])
        self.code = parts.code("Code")
        self.widget = parts.root(
            "insights", controls.HTML(_STYLE), self.sample, self.query, parts.row(self.back, self.run),
            parts.answer(self.status, self.rows), self.language, self.code,
        )  # fmt: skip
        self.sample.observe(self._take_sample, "value")
        for control in (self.query, self.back, self.language):
            control.observe(self._write_code, "value")
        for control in (self.query, self.back):
            control.observe(self._changed, "value")
        self._write_code()
        self._show()
        if query is not None:
            self._ask()

    def still(self) -> parts.Lines:
        """Return the query, and its rows or what is wrong with it."""
        if self.table is None:
            return parts.Lines(f"{self.query.value}\n\n{self._said}")
        rows = self.table.head(SHOWN).to_string(index=False) if self.table.size else "no values"
        said = "\n".join([self._said, *(sentence for sentence, _ in self._hints)])
        return parts.Lines(f"{self.query.value}\n\n{rows if len(self.table) else 'no rows'}\n\n{said}")

    def _samples(self) -> list[tuple[str, str | None]]:
        """The samples, and the query definitions that are saved in the account now."""
        saved: list[tuple[str, str | None]] = []
        more: dict[str, str] = {}
        try:
            logs = self._lab.client("logs")
            while True:
                page = logs.describe_query_definitions(**more)
                saved += [(f"Saved: {each['name']}", each["queryString"]) for each in page["queryDefinitions"]]
                if not page.get("nextToken"):
                    break
                more = {"nextToken": page["nextToken"]}
        except Exception as error:  # without permission, for example, the samples are still there
            saved = [(f"(no saved queries: {parts.refusal(error)})", None)]
        return [_CHOOSE, *insights.SAMPLES.items(), *saved]

    def _take_sample(self, change: dict[str, Any]) -> None:
        """Take the query of a sample; the answer to another query goes."""
        if change["new"] and change["new"] != self.query.value:
            self.query.value = change["new"]
            self.table, self._said, self._hints = None, _NOT_RUN, []
            self._show()

    def _ask(self) -> None:
        """Run the query; an error is shown in place of the rows."""
        self.table, self._hints = None, []
        until, query = self._lab.clock, self.query.value
        since = until - self.back.value
        try:
            found = self._lab.insights(query, since=since, log_group=self._log_group, hint=False)
            counted = {name: int(value) for name, value in found.attrs.get("statistics", {}).items()}
            self._hints = hints(query, found, counted, since, until, self._newest)
            self._said, self.table = _statistics(len(found), counted), found
        except Exception as error:  # the student sees every error here, and none in a log
            self._said = parts.refusal(error)
        self._show()

    def _newest(self) -> datetime | None:
        """Return when the newest record of the log group begins; None if it has no record."""
        streams = self._lab.client("logs").describe_log_streams(
            logGroupName=self._log_group, orderBy="LastEventTime", descending=True, limit=1
        )["logStreams"]
        latest = [stream["lastEventTimestamp"] for stream in streams if "lastEventTimestamp" in stream]
        return datetime.fromtimestamp(latest[0] / 1000, UTC) if latest else None

    def _changed(self, _: object) -> None:
        """Say that the query or the time is another than the one that was answered; a sample is one no more."""
        if self.sample.value not in (None, self.query.value):
            self.sample.value = None
        if self.table is not None:
            self.status.value = parts.sentence(_CHANGED, "quiet")
        elif self._said is not _NOT_RUN:
            self.status.value = parts.sentence(_CHANGED_FAULT, "quiet") + self._fault()

    def _show(self) -> None:
        self.rows.value = ""
        if self.table is not None:
            said: list[tuple[str, parts.Tone]] = [(self._said, "plain"), *self._hints]
            self.status.value = "".join(parts.sentence(*each) for each in said)
            cells = [[_word(cell) for cell in row] for row in self.table.head(SHOWN).to_numpy(object)]
            caption = f"The first {SHOWN} of {len(self.table):,} rows" if len(self.table) > SHOWN else ""
            rows = parts.table(list(map(str, self.table.columns)), cells, caption) if self.table.size else ""
            self.rows.value = rows and parts.scrolling(rows, "Rows")
        elif self._said is _NOT_RUN:
            self.status.value = parts.sentence(_NOT_RUN, "quiet")
        else:
            self.status.value = self._fault()

    def _fault(self) -> str:
        """Return in HTML what was wrong with the query that was asked."""
        if "\n" in self._said:  # the query with the wrong word underlined
            return f'<pre class="bad" role="status">✗\n{escape(self._said)}</pre>'
        return parts.sentence(self._said, "bad")

    def _write_code(self, _: object = None) -> None:
        """Write the query in the chosen language."""
        query, is_sql = self.query.value, self.language.value == "SQL"
        try:
            code = as_sql(query) if is_sql else _as_boto3(query, self._log_group, self.back.value)
        except QueryError as error:
            code = f"-- The query has a fault: {error}"
        parts.show_code(self.code, code)


def _as_boto3(query: str, log_group: str, back: timedelta) -> str:
    """The boto3 calls that run a query over the time `back` from lab.clock."""
    plain = '"""' not in query and "\\" not in query and not query.endswith('"')
    written = f'"""\n{query}\n"""' if plain and "\n" in query else repr(query)
    return f"""\
import time
from datetime import timedelta

import boto3

logs = boto3.client("logs")
since, until = lab.clock - timedelta(minutes={int(back.total_seconds()) // 60}), lab.clock
query = logs.start_query(
    logGroupName={log_group!r},
    startTime=int(since.timestamp()), endTime=int(until.timestamp()),
    queryString={written},
)
answer = logs.get_query_results(queryId=query["queryId"])
while answer["status"] in ("Scheduled", "Running"):
    time.sleep(1)
    answer = logs.get_query_results(queryId=query["queryId"])
answer["results"]"""


def as_sql(query: str) -> str:
    """Return the SQL that labkit runs in DuckDB for a query, over a table `events`.

    Args:
        query: The query of Logs Insights.

    Returns:
        The SQL, one clause a line, with a comment on its dialect.

    Raises:
        QueryError: The query is malformed.

    >>> print(as_sql("filter bytes > 100 | stats count(*) as n by srcAddr"))
    -- For DuckDB, over a table called events; words such as natural_key are macros in labkit/insights/macros.sql.
    WITH step_1 AS (SELECT *
      FROM events
      WHERE ("bytes" > 100)),
    step_2 AS (SELECT "srcAddr" AS "srcAddr", count(*) AS "n"
      FROM step_1
      GROUP BY 1 HAVING NOT ("srcAddr" IS NULL AND "n" IS NULL))
    SELECT "srcAddr", "n"
    FROM step_2
    ORDER BY "srcAddr"
    LIMIT 10000
    """
    sql = insights.compile(query, insights.EVENT_FIELDS).sql.replace(" AS NOT MATERIALIZED (", " AS (")
    note = "For DuckDB, over a table called events; words such as natural_key are macros in labkit/insights/macros.sql."
    return f"-- {note}\n{sql}"


def _statistics(count: int, counted: dict[str, int]) -> str:
    rows = f"{count:,} row{'' if count == 1 else 's'}."
    if not counted:
        return rows
    searched = f"{counted['recordsScanned']:,} records scanned ({counted['bytesScanned']:,} bytes)"
    return f"{rows} {counted['recordsMatched']:,} records matched of {searched}."


def _word(cell: object) -> str:
    if pd.isna(cell):
        return "-"
    return f"{cell:%Y-%m-%d %H:%M:%S}" if isinstance(cell, pd.Timestamp) else str(cell)
