"""Say why the answer to a Logs Insights query is empty or lacks a column. The Insights box shows it above the rows."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime

import pandas as pd

from labkit import insights
from labkit.errors import QueryError
from labkit.flowlogs import DEFAULT_FORMAT, FIELDS, Format
from labkit.show.widgets.parts import Tone

#: Returns when the newest record of the log group begins, or None if there is none.
Newest = Callable[[], datetime | None]

_BAD: Tone = "bad"


def hints(
    query: str, table: pd.DataFrame, counted: Mapping[str, int], since: datetime, until: datetime, newest: Newest
) -> list[tuple[str, Tone]]:
    """Return what a person should know about an answer, as sentences with their tones.

    Args:
        query: The query, which Logs Insights has accepted.
        table: Its rows.
        counted: Its statistics by their names in GetQueryResults.
        since: The first moment that was searched.
        until: The last moment that was searched.
        newest: Asked only where nothing was found.
    """
    try:
        compiled = insights.compile(query, insights.EVENT_FIELDS)
    except QueryError:  # AWS accepts more than labkit knows
        return []
    shown = set(map(str, table.columns))
    if unknown := insights.unknown_fields(query, shown):
        names = ", ".join(FIELDS[name].insights_name for name in Format.parse(DEFAULT_FORMAT).names)
        return [*((each, _BAD) for each in unknown), (f"The fields of a record are {names}.", "quiet")]
    if not len(table):
        return [(reason, "plain") for reason in _why_no_rows(query, counted, since, until, newest)]
    lacking = [name for name, _ in compiled.fields if name not in shown and name != "@ptr"]
    why = f"No record that was found has a value for {', '.join(lacking)}: the flow log's format may lack it."
    return [(why, "plain")] if lacking else []


def _why_no_rows(
    query: str, counted: Mapping[str, int], since: datetime, until: datetime, newest: Newest
) -> Iterator[str]:
    commands = insights.parse(query).commands
    stats = [place for place, command in enumerate(commands) if command.data == "stats"]
    first, last = (stats[0], stats[-1]) if stats else (len(commands), len(commands))
    filters = {
        place: " ".join(query[command.meta.start_pos : command.meta.end_pos].split())
        for place, command in enumerate(commands)
        if command.data == "filter"
    }
    if not counted.get("recordsScanned"):
        yield f"No record begins from {since:%Y-%m-%d %H:%M} to {until:%Y-%m-%d %H:%M} UTC, the time that was searched."
        latest = newest()
        if latest is None:
            yield "The log group has no records yet: flow logs deliver them minutes after the traffic."
        elif latest < since:
            yield f"Its newest record is of {latest:%Y-%m-%d %H:%M} UTC: choose a longer time."
    elif not counted.get("recordsMatched"):
        before = [text for place, text in filters.items() if place < first]
        yield f"None of the records of this time passes: {' | '.join(before)}"
        yield "Ask for something else in the filter, or choose a longer time."
    elif after := [text for place, text in filters.items() if place > last]:
        yield f"None of the rows that stats makes passes: {' | '.join(after)}"
