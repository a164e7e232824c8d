"""The events of log groups as tables; `logs_insights` runs its queries on them.

Logs Insights discovers the fields of flow log records of the default format only. A record of a custom format is a
message, which a query takes apart with `parse`.
https://repost.aws/knowledge-center/cloudwatch-vpc-flow-logs
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Any
from weakref import WeakKeyDictionary

import pyarrow as pa
import pyarrow.compute as pc

from labkit.embedded.api.scope import ACCOUNT_ID
from labkit.embedded.api.stored_events import log_groups
from labkit.insights import event_table


class LogEvents:
    """The tables of one embedded AWS's log groups, kept until a group gets more events.

    Args:
        region: The region of the log groups.
    """

    def __init__(self, region: str) -> None:
        self._region = region
        self._tables: WeakKeyDictionary[Any, tuple[int, pa.Table]] = WeakKeyDictionary()

    @property
    def groups(self) -> Mapping[str, Any]:
        """moto's log groups, by name."""
        return log_groups(self._region)

    def within(self, names: Sequence[str], start: int, end: int) -> Callable[[], pa.Table]:
        """Return what makes the table of the events that some log groups hold now, in a time range.

        This is quick, and what it returns takes no lock.

        Args:
            names: The groups' names.
            start: The first time, in milliseconds since 1970.
            end: The last time, included, in milliseconds since 1970.
        """
        groups = [self._group(name) for name in names]
        return lambda: _within([make() for make in groups] or [_table([], "")], start, end)

    def event(self, pointer: str) -> pa.Table | None:
        """Return the event that an @ptr points to, as a table of one row; None where there is none."""
        for name in self.groups:
            table = self._group(name)()
            found = table.filter(pc.equal(table["@ptr"], pointer))
            if len(found):
                return found
        return None

    def _group(self, name: str) -> Callable[[], pa.Table]:
        """Return what makes the table of the events that a group holds now, once for as long as it has no others."""
        group = self.groups[name]
        count = sum(len(stream.events) for stream in group.streams.values())
        known = self._tables.get(group)
        if known is not None and known[0] == count:
            return lambda: known[1]
        events = [(stream_name, event) for stream_name, stream in group.streams.items() for event in stream.events]

        def make() -> pa.Table:
            table = _table(events, name)
            pa.default_memory_pool().release_unused()  # making the table takes as much again
            self._tables[group] = count, table
            return table

        return make


def _within(tables: Sequence[pa.Table], start: int, end: int) -> pa.Table:
    """Return the events of a time range, whose ends are in milliseconds since 1970."""
    events = pa.concat_tables(tables, promote_options="default").unify_dictionaries()
    first, last = (pa.scalar(each * 1000, pa.timestamp("us")) for each in (start, end))
    times = events["@timestamp"]
    span = pc.min_max(times)
    if span["min"].is_valid and span["min"].value >= first.value and span["max"].value <= last.value:
        return events
    return events.filter(pc.and_(pc.greater_equal(times, first), pc.less_equal(times, last)))


@cache
def schema() -> pa.Schema:
    """Return the columns of every table of events: those of the default format."""
    return _table([], "").schema


def size(events: pa.Table) -> int:
    """Return the size of the messages of some events, in bytes."""
    return int(pc.sum(pc.binary_length(events["@message"])).as_py() or 0)


def _table(events: Sequence[tuple[str, Any]], log_group: str) -> pa.Table:
    return event_table(
        [event.message for _, event in events],
        [event.timestamp for _, event in events],
        [event.ingestion_time for _, event in events],
        [stream for stream, _ in events],
        [event.event_id for _, event in events],
        log=f"{ACCOUNT_ID}:{log_group}",
    )
