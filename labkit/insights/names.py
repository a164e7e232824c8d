"""The names of columns in SQL, where case doesn't matter, for fields, where it does."""

from __future__ import annotations

from collections.abc import Iterable


def sql_names(columns: Iterable[str]) -> dict[str, str]:
    """The name in SQL of each column: its own, unless SQL, to which case doesn't matter, has it already.

    >>> sql_names(["srcAddr", "srcaddr"])
    {'srcAddr': 'srcAddr', 'srcaddr': 'srcaddr~2'}
    """
    taken: set[str] = set()
    return {each: untaken(each, taken) for each in columns}


def untaken(wanted: str, taken: set[str]) -> str:
    """A name that isn't taken, as near to the wanted one as can be, and taken from now on."""
    number = 1
    free = wanted or "~"
    while free.lower() in taken:
        number += 1
        free = f"{wanted}~{number}"
    taken.add(free.lower())
    return free
