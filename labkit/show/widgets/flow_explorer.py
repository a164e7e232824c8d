"""The flow explorer, `lab.widgets.flow_explorer`: search a table of flow log records with a slider and lists.

It shows what matches, when that was, and who sent the most.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from labkit.errors import LabError, QuestionError
from labkit.flowlogs.enrich import PROTOCOLS
from labkit.flowlogs.selection import NONE, Columns, Mask, Selection
from labkit.show.timeline import Timeline, step_for
from labkit.show.widgets import controls, parts
from labkit.show.widgets.base import Interactive

#: The most records, and pairs of addresses, that are shown.
SHOWN, TALKERS = 20, 10

#: The most places of the slider of times, and how far apart they may be, in seconds.
_MOST_PLACES = 300
_APART = (1, 5, 10, 30, 60, 300, 600, 1800, 3600, 6 * 3600, 86400, 7 * 86400, 28 * 86400)

_COLUMNS = (
    "start", "action", "srcaddr", "srcport", "dstaddr", "dstport", "protocol", "packets", "bytes", "interface_id",
    "log_status",
)  # fmt: skip

#: A table that is shown: its caption, its header and its rows.
_Shown = tuple[str, list[str], list[list[object]]]


class FlowExplorer(Interactive):
    """Records that match what is chosen, a timeline of them, and the pairs of addresses that moved the most bytes.

    Attributes:
        selection: What is chosen.

    >>> from labkit.flowlogs.examples import knocks
    >>> explorer = FlowExplorer(knocks)
    >>> explorer.port.value = "22"
    >>> len(explorer.found), explorer.selection.port
    (2, 22)
    """

    def __init__(self, table: pd.DataFrame) -> None:
        """Show all records of a table.

        Args:
            table: Records as `flowlogs.read` returns them. A control whose column is missing is disabled.

        Raises:
            LabError: It is something else, or a table whose columns hold something else than records have.
        """
        if not isinstance(table, pd.DataFrame):
            raise LabError(f"Give a table of records, such as flowlogs.read(…) makes, and not {type(table).__name__}.")
        self._columns = Columns(table)
        self._table = table.copy(deep=False)  # a cell may change the student's own
        self._shown = pa.table({each: self._columns.arrow(each) for each in _COLUMNS if each in table.columns})
        dated = self._columns.start != NONE
        self._verdicts = [dated & self._columns.is_action(action) for action in ("ACCEPT", "REJECT")]
        self._mask: Mask = np.ones(len(table), bool)
        self.selection = Selection()
        self._places = _places(self._columns)
        self._last = max(len(self._places) - 1, 0)
        self._controls()
        self.problem, self.count, self.when, self.talkers, self.records = (parts.html() for _ in range(5))
        self.code = parts.code("The same in pandas")
        answer = parts.answer(self.problem, self.count, self.when, self.talkers, self.records)
        times = parts.row(self.since, self.until, self.reset)
        choices = parts.row(self.verdict, self.protocol, self.address, self.port)
        self.widget = parts.root("flow-explorer", self.time, times, choices, answer, self.code)
        self._slid()

    @property
    def found(self) -> pd.DataFrame:
        """The records that match."""
        return self._table[self._mask]

    def still(self) -> parts.Lines:
        """Return the same answer as text."""
        words = [self._counted(), self._described()]
        for caption, columns, rows in (self._top_talkers(), self._first_records()):
            if rows:
                words.append(f"{caption}:\n{pd.DataFrame(rows, columns=columns).to_string(index=False)}")
        return parts.Lines("\n\n".join(words))

    # The controls

    def _controls(self) -> None:
        def off(*columns: str) -> bool:
            return not {*columns}.isdisjoint(self._columns.missing)

        still = not self._last
        options: list[Any] = [(_label(each), each) for each in self._places]
        self.time = controls.SelectionRangeSlider(
            options=options or ["no times"], index=(0, self._last), description="Time", disabled=still,
            tooltip="Records that begin in this time (UTC)", readout=False,
            style={"description_width": "initial"}, layout={"width": "auto", "max_width": "60em"},
        )  # fmt: skip
        # JupyterLab keeps the arrow keys from sliders, so the times can be typed, too.
        self.since = parts.text("From", tooltip="The left end of the time, to type (UTC)", width="15em", disabled=still)
        self.until = parts.text(
            "until", tooltip="The right end of the time, to type (UTC)", width="15em", disabled=still
        )
        verdicts = [("any", None), ("ACCEPT", "ACCEPT"), ("REJECT", "REJECT")]
        tip = "What security groups and network ACLs said at the interface"
        self.verdict = parts.dropdown("Verdict", verdicts, tip, disabled=off("action"))
        protocols = [("any", None), *_protocols(self._columns)]
        tip = "The protocols of these records"
        self.protocol = parts.dropdown("Protocol", protocols, tip, disabled=off("protocol"))
        tip = "Source or destination; of a CIDR, every address in it"
        self.address = parts.text("Address", "", "10.1.15.80 or 10.1.0.0/16", tip, disabled=off("srcaddr", "dstaddr"))
        tip = "Of source or destination"
        self.port = parts.text("Port", "", "443", tip, "9em", disabled=off("srcport", "dstport"))
        self.reset = parts.button("Show all", "Forget every choice", self._reset)
        self._moves = parts.Moves()
        self._moves.watch(self._slid, self.time)
        self._moves.watch(self._typed, self.since, self.until)
        self._moves.watch(self._answer, self.verdict, self.protocol, self.address, self.port)

    def _slid(self) -> None:
        """Write the slider's ends into the fields beside it, and answer."""
        if self._places:
            with self._moves.quiet():
                self.since.value, self.until.value = (_label(self._places[at]) for at in self.time.index)
        self._answer()

    def _typed(self) -> None:
        """Move the slider to the typed times, or to the next places outside of them."""
        places = self._places
        try:
            since, until = _read(self.since.value, places[0]), _read(self.until.value, places[0])
        except QuestionError as error:
            self._refuse(str(error))
            return
        first = max(bisect_right(places, since) - 1, 0) if since else 0
        last = min(bisect_left(places, until), self._last) if until else self._last
        if since and until and since >= until:
            self._refuse("That time ends before it begins.")
        else:
            with self._moves.quiet():
                self.time.index = (first, max(last, first))
            self._slid()

    def _reset(self) -> None:
        with self._moves.quiet():
            self.verdict.value = self.protocol.value = None
            self.address.value = self.port.value = ""
            self.time.index = (0, self._last)
        self._slid()

    def _chosen(self) -> Selection:
        """Return what the controls say; raise QuestionError if what is typed makes no sense."""
        first, last = self.time.index
        port = self.port.value.strip()
        if port and not port.isdecimal():
            raise QuestionError(f"{port!r} is no port: it is a whole number from 0 to 65535.")
        return Selection(
            since=self._places[first] if first else None,
            until=self._places[last] if last < self._last else None,
            action=self.verdict.value,
            protocol=self.protocol.value,
            address=self.address.value.strip() or None,
            port=int(port) if port else None,
        )

    # The answer

    def _answer(self) -> None:
        try:
            self.selection = self._chosen()
            self._mask = self._columns.mask(self.selection)
        except QuestionError as error:
            self._refuse(str(error))
            return
        self.problem.value = ""
        self.count.value = parts.sentence(self._counted())
        timeline = self._timeline()
        self.when.value = timeline.svg() if timeline else parts.sentence(self._described(), "quiet")
        shown = (self.talkers, self._top_talkers()), (self.records, self._first_records())
        for place, (caption, columns, rows) in shown:
            place.value = parts.scrolling(parts.table(columns, rows, caption), caption) if rows else ""
        parts.show_code(self.code, f"{self.selection.pandas()}\nflowlogs.top_talkers(found, {TALKERS})")

    def _refuse(self, sentence: str) -> None:
        self.problem.value = parts.sentence(f"{sentence} The answer below is the one before.", "bad")

    def _counted(self) -> str:
        count, size = int(self._mask.sum()), len(self._table)
        silent = int((self._columns.without_verdict & self._mask).sum())
        more = f" {silent:,} of them say nothing of traffic (NODATA or SKIPDATA)." if silent else ""
        return f"{count:,} of {size:,} record{'' if size == 1 else 's'} match.{more}"

    def _timeline(self) -> Timeline | None:
        """Return the timeline, or None where there is nothing to draw."""
        if not self._places or "action" in self._columns.missing:
            return None
        first, last = (int(self._places[at].timestamp()) for at in self.time.index)
        step = step_for(max(last - first, 1))
        begin = first // step * step
        bars = max(-(-(last - begin) // step), 1)
        starts = [self._columns.start[self._mask & of_action] for of_action in self._verdicts]
        counts = [np.bincount((each - begin) // step, minlength=bars).tolist() for each in starts]
        return Timeline(begin, step, *counts)

    def _described(self) -> str:
        timeline = self._timeline()
        lacking = [each for each in ("start", "action") if each in self._columns.missing]
        why = f": the table has no column {lacking[0]}" if lacking else ""
        return str(timeline) if timeline else f"There is no timeline{why}."

    def _top_talkers(self) -> _Shown:
        rows = self._columns.top_talkers(self._mask, TALKERS)
        caption = "Who sent the most bytes to whom (what both ends recorded counts once)"
        return caption, ["srcaddr", "dstaddr", "packets", "bytes"], [
            [source, target, f"{packets:,}", f"{octets:,}"] for source, target, packets, octets in rows
        ]  # fmt: skip

    def _first_records(self) -> _Shown:
        found = np.flatnonzero(self._mask)
        rows = self._shown.take(found[:SHOWN]).to_pylist()
        caption = f"The first {SHOWN} of {len(found):,} records" if len(found) > SHOWN else "These records"
        return caption, self._shown.column_names, [[_word(value) for value in row.values()] for row in rows]


def _places(columns: Columns) -> list[datetime]:
    """Return the places of the slider: round times around all records."""
    starts = columns.start[columns.start != NONE]
    if not len(starts):
        return []
    first, last = int(starts.min()), int(starts.max()) + 1
    apart = next((each for each in _APART if last - first <= each * (_MOST_PLACES - 2)), _APART[-1])
    seconds = range(first // apart * apart, -(-last // apart) * apart + apart, apart)
    return [datetime.fromtimestamp(each, UTC) for each in seconds]


def _protocols(columns: Columns) -> list[tuple[str, int]]:
    """Return the protocols in the table as (label, number), the most frequent first."""
    numbers, counts = np.unique(columns.protocol[columns.protocol != NONE], return_counts=True)
    ordered = [int(numbers[at]) for at in np.argsort(-counts, kind="stable")]
    return [(f"{PROTOCOLS.get(each, '?')} ({each})", each) for each in ordered]


def _read(typed: str, day: datetime) -> datetime | None:
    """Return a moment as it is typed; a time of day alone is the first after `day`."""
    typed = typed.strip()
    if not typed:
        return None
    try:
        moment = datetime.fromisoformat(typed if "-" in typed else f"{day:%Y-%m-%d} {typed}")
        if "-" not in typed and moment.replace(tzinfo=UTC) < day:
            moment += timedelta(days=1)
    except ValueError:
        raise QuestionError(f"{typed!r} is no time. Write one such as {_label(day)}, in UTC.") from None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _label(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M:%S}" if moment.second else f"{moment:%Y-%m-%d %H:%M}"


def _word(value: object) -> str:
    if value is None:
        return "-"
    return f"{value:%Y-%m-%d %H:%M:%S}" if isinstance(value, datetime) else str(value)
