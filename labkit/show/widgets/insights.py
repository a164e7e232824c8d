"""A box for Logs Insights queries: ask, read the answer, and see the same question in other languages."""

from __future__ import annotations

from datetime import timedelta
from html import escape
from typing import Any

import ipywidgets as ipw
import pandas as pd

from labkit.errors import LabError, QueryError
from labkit.insights.samples import SAMPLES
from labkit.show.widgets import parts
from labkit.show.widgets.base import Interactive
from labkit.show.widgets.same_question import as_boto3, as_pandas_code, as_sql

#: The most rows that are shown.
SHOWN = 50

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
    """A query, its answer, and the same question as boto3 calls, as SQL and as pandas.

    Parameters: `lab`, a connected lab; `query` to begin with, which is asked at once; `log_group` to ask.
    Raises LabError where the query is not a text.
    """

    def __init__(self, lab: Any, query: str | None, log_group: str) -> None:
        if not isinstance(query, str | None):
            raise LabError(f"Give the query as text, and not {type(query).__name__}.")
        self._lab, self._log_group = lab, log_group
        #: The last answer; None before the first, and after an error.
        self.table: pd.DataFrame | None = None
        self._said = "Not asked yet."
        first = next(iter(SAMPLES.values())) if query is None else query.strip("\n")
        self.sample = parts.dropdown("Samples", [_CHOOSE], "Queries of AWS, and those saved in the account")
        self.sample.layout.width = "36em"
        self.query = ipw.Textarea(
            first, description="Query", rows=max(4, first.count("\n") + 1),
            tooltip="In the query language of Logs Insights", style={"description_width": "initial"},
            layout={"width": "100%", "max_width": "60em"},
        )  # fmt: skip
        self.back = parts.dropdown("Time", _RANGES.items(), "Which records are searched", value=timedelta(days=1))
        self.run = parts.button("Run query", "Ask Logs Insights", self._ask)
        self.status, self.rows = parts.html(), parts.html()
        self.language = parts.toggles("The same question in", ["boto3", "SQL", "pandas"])
        self.code = parts.code("Code")
        self.widget = parts.root(
            "insights", ipw.HTML(_STYLE), self.sample, self.query, parts.row(self.back, self.run),
            parts.answer(self.status, self.rows), self.language, self.code,
        )  # fmt: skip
        self.sample.observe(self._take_sample, "value")
        self.query.observe(self._translate, "value")
        self.back.observe(self._translate, "value")
        self.language.observe(self._translate, "value")
        self._load_samples()
        self._translate()
        self._show()
        if query is not None:
            self._ask()

    def still(self) -> parts.Lines:
        """The query, and its answer or what is wrong with it."""
        if self.table is None:
            return parts.Lines(f"{self.query.value}\n\n{self._said}")
        answer = self.table.head(SHOWN).to_string(index=False) if len(self.table) else "no rows"
        return parts.Lines(f"{self.query.value}\n\n{answer}\n\n{self._said}")

    def _load_samples(self) -> None:
        """AWS's samples, and the query definitions that are saved in the account now."""
        try:
            saved = {f"Saved: {each['name']}": each["queryString"] for each in _definitions(self._lab.client("logs"))}
        except Exception as error:  # without permission, say: the samples are there all the same
            saved = {f"(no saved queries: {parts.refusal(error)})": None}
        self.sample.options = [_CHOOSE, *SAMPLES.items(), *saved.items()]

    def _take_sample(self, change: dict[str, Any]) -> None:
        if change["new"]:
            self.query.value = change["new"]

    def _ask(self) -> None:
        """Run the query; an error is shown as the answer."""
        self.table = None
        try:
            since = self._lab.clock - self.back.value
            self.table = self._lab.insights(self.query.value, since=since, log_group=self._log_group)
            self._said = _statistics(self.table)
        except Exception as error:  # whatever it is, it belongs before the person, and not into a log
            self._said = parts.refusal(error)
        self._show()

    def _show(self) -> None:
        if self.table is None:
            good = self._said == "Not asked yet."
            marked = "\n" in self._said
            pre = f'<pre class="bad" role="status">✗\n{escape(self._said)}</pre>'
            self.status.value = pre if marked else parts.sentence(self._said, "quiet" if good else "bad")
            self.rows.value = ""
            return
        self.status.value = parts.sentence(self._said)
        cells = [[_word(cell) for cell in row] for row in self.table.head(SHOWN).to_numpy(object)]
        caption = f"The first {SHOWN} of {len(self.table):,} rows" if len(self.table) > SHOWN else ""
        self.rows.value = parts.table(list(map(str, self.table.columns)), cells, caption) if cells else ""

    def _translate(self, _: object = None) -> None:
        """Say the same question in the chosen language."""
        query, back = self.query.value, self.back.value
        try:
            if self.language.value == "boto3":
                code = as_boto3(query, self._log_group, back)
            elif self.language.value == "SQL":
                code = as_sql(query)
            else:
                code = as_pandas_code(query, self._log_group, back)
        except QueryError as error:
            code = f"{'--' if self.language.value == 'SQL' else '#'} The query has a fault: {error}"
        parts.show_code(self.code, code)


def _definitions(logs: Any) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    more: dict[str, str] = {}
    while True:
        page = logs.describe_query_definitions(**more)
        found += page["queryDefinitions"]
        if not page.get("nextToken"):
            return found
        more = {"nextToken": page["nextToken"]}


def _statistics(table: pd.DataFrame) -> str:
    counted = {name: int(value) for name, value in table.attrs.get("statistics", {}).items()}
    rows = f"{len(table):,} row{'' if len(table) == 1 else 's'}."
    matched, scanned = counted.get("recordsMatched"), counted.get("recordsScanned")
    if matched is None or scanned is None:
        return rows
    size = f" ({counted['bytesScanned']:,} bytes)" if "bytesScanned" in counted else ""
    return f"{rows} {matched:,} records matched of {scanned:,} records scanned{size}."


def _word(cell: object) -> str:
    if pd.isna(cell):
        return "-"
    return f"{cell:%Y-%m-%d %H:%M:%S}" if isinstance(cell, pd.Timestamp) else str(cell)
