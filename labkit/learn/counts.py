"""Judging a table of numbers, one for each key: the answer to a `groupby` or to a query with `stats … by`."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from labkit.learn.judging import RIGHT, Judgment, wrong


def counts(answer: Any, right: Mapping[str, float], what: str, of: str) -> Judgment:
    """Judge a table of numbers, one for each key, such as packets for each port.

    Args:
        answer: A Series by key, a table with the keys in its index or in a column, a dictionary, or a list of pairs.
        right: The right number for each key. Not all are wanted: a table may be cut off after the largest ones.
        what: What a key is, for messages.
        of: What is counted or added up, for messages.

    Returns:
        The judgment; if the answer is wrong, the first thing that is.

    >>> counts({22: 3, "443": 5.0}, {"443": 5, "22": 3, "8080": 1}, "port", "packets")
    ✓ Right.
    >>> counts({443: 4}, {"443": 5}, "port", "packets")
    ✗ For the port 443 you have 4 packets; it is 5.
    """
    pairs = _pairs(answer, right)
    if pairs is None:
        return wrong(f"Give a table with the {of} of each {what}.")
    if not pairs:
        return wrong("That table is empty: look at the filter.")
    given = dict(pairs)
    foreign = next((key for key in given if key not in right), None)
    if foreign is not None:
        return wrong(f"{foreign!r} does not belong there: give the {of} of each {what}.")
    if len(given) < len(pairs):
        return wrong(f"Each {what} must have one row: group by it alone.")
    for key, value in given.items():
        if not math.isclose(value, right[key], rel_tol=1e-9):
            return wrong(f"For the {what} {key} you have {value:g} {of}; it is {right[key]:g}.")
    left_out = max((right[key] for key in right if key not in given), default=0)
    if left_out > min(given.values()):
        return wrong(f"A {what} with more {of} is missing: put the most first, then cut off.")
    return RIGHT


def _pairs(answer: Any, right: Mapping[str, float]) -> list[tuple[str, float]] | None:
    """Return the keys and numbers of a table, or None if it is none: the keys are in the column that fits best."""
    if isinstance(answer, Mapping):
        answer = list(answer.items())
    if hasattr(answer, "reset_index"):  # a Series or a DataFrame
        answer = [tuple(row) for row in answer.reset_index().itertuples(index=False)]
    if not isinstance(answer, list | tuple) or not all(isinstance(row, list | tuple) for row in answer):
        return None
    if not answer:
        return []
    rows = [[_key(value) for value in row] for row in answer]
    width = min(map(len, rows))
    keys = max(range(width), key=lambda column: sum(row[column] in right for row in rows), default=0)
    try:
        numbers = [float(row[-1]) for row in answer]
    except (TypeError, ValueError):
        return None
    return [(row[keys], value) for row, value in zip(rows, numbers, strict=True)] if width > 1 else None


def _key(value: Any) -> str:
    """Return a key of a table as text: a time to the minute, a number without its point."""
    if hasattr(value, "strftime"):
        return str(value.strftime("%Y-%m-%d %H:%M"))
    text = str(value).strip()
    return text.removesuffix(".0")
