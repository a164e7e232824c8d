"""Judging a table of numbers, one for each key: the answer to a `groupby` or to a query with `stats … by`."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from typing import Any

from labkit.learn.answers import with_article
from labkit.learn.judging import RIGHT, Judgment, wrong


def counts(
    answer: Any,
    right: Mapping[str, float],
    what: str,
    of: str,
    *,
    most: int | None = None,
    names: Mapping[str, str] | None = None,
    foreign: Callable[[str], str],
) -> Judgment:
    """Judge a table of numbers, one for each key, such as packets for each port.

    Args:
        answer: A Series by key, a table with the keys in its index or in a column, a dictionary, a list of pairs, or
            the results of get_query_results.
        right: The right number for each key.
        what: What a key is, for messages.
        of: What is counted or added up, for messages.
        most: How many rows are wanted: those with the largest numbers, the largest first; fewer if there are fewer
            keys. None if all keys are wanted, in any order.
        names: Keys by other names, in lower case, such as the number of a protocol by its name.
        foreign: Returns a sentence that explains a key that does not belong there.

    Returns:
        The judgment; if the answer is wrong, the first thing that is.

    >>> right, foreign = {"443": 5000, "22": 3, "8080": 1}, "No packet came to the port {}.".format
    >>> counts({443: 5000, "22": 3.0}, right, "port", "packets", most=2, foreign=foreign)
    ✓ Right.
    >>> counts({22: 3, 443: 5000}, right, "port", "packets", most=2, foreign=foreign)
    ✗ Right numbers, but not the most first: sort them from most to least.
    >>> counts({443: 4, 22: 3}, right, "port", "packets", most=2, foreign=foreign)
    ✗ The number of packets is wrong for the port 443: you have 4, and it is 5,000.
    >>> counts({0: 4, 22: 3}, right, "port", "packets", most=2, foreign=foreign)
    ✗ No packet came to the port 0.
    """
    pairs = _pairs(answer, right, names or {})
    if pairs is None:
        return wrong(f"Give a table with the number of {of} for each {what}.")
    if not pairs:
        return wrong("That table is empty: look at the filter.")
    given = dict(pairs)
    if unknown := [key for key in given if key not in right]:
        return wrong(foreign(unknown[0]))
    if len(given) < len(pairs):
        return wrong(f"Each {what} must have one row: group by it alone.")
    for key, value in given.items():
        if not math.isclose(value, right[key], rel_tol=1e-9):
            numbers = f"you have {_written(value)}, and it is {_written(right[key])}"
            return wrong(f"The number of {of} is wrong for the {what} {key}: {numbers}.")
    return _rows_judged(list(given.values()), [right[key] for key in right if key not in given], what, of, most)


def _rows_judged(given: list[float], left_out: list[float], what: str, of: str, most: int | None) -> Judgment:
    """Judge which rows a table of right numbers has, and in which order."""
    rows = len(given) + len(left_out) if most is None else min(most, len(given) + len(left_out))
    if most is not None:
        if max(left_out, default=0) > min(given):
            return wrong(
                f"There is {with_article(what)} with more {of}, which is missing: put the most first, then cut off."
            )
        cut = f" Then keep the first {rows}." if len(given) > rows else ""
        if given != sorted(given, reverse=True):
            return wrong(f"Right numbers, but not the most first: sort them from most to least.{cut}")
        if cut:
            return wrong(f"Right numbers, but {len(given):,} rows: keep the first {rows}.")
    if len(given) < rows:
        return wrong(f"That table is too short: it has {len(given)} of {rows} rows.")
    return RIGHT


def _written(value: float) -> str:
    return f"{value:,.0f}" if float(value).is_integer() else f"{value:,.12g}"


def _pairs(answer: Any, right: Mapping[str, float], names: Mapping[str, str]) -> list[tuple[str, float]] | None:
    """Return the keys and numbers of a table, or None if it is none: the keys are in the column that fits best."""
    if isinstance(answer, Mapping):
        answer = list(answer.items())
    if hasattr(answer, "reset_index"):  # a Series or a DataFrame, whose index may hold the keys
        table = answer.to_frame() if hasattr(answer, "to_frame") else answer
        is_numbered = type(table.index).__name__ == "RangeIndex"
        # The keys may be a column that is added up, too, and then has the same name twice.
        table = table.reset_index(drop=is_numbered, **({} if is_numbered else {"allow_duplicates": True}))
        answer = list(table.itertuples(index=False))
    if not isinstance(answer, list | tuple):
        return None
    rows = [_row(each) for each in answer]
    if not rows:
        return []
    width = min(map(len, rows))
    if width < 2:
        return None
    keys = [[_key(value, names) for value in row] for row in rows]
    at = max(range(width), key=lambda column: sum(row[column] in right for row in keys))
    numbers = width - 1 if at < width - 1 else width - 2
    try:
        return [(key[at], float(row[numbers])) for key, row in zip(keys, rows, strict=True)]
    except (TypeError, ValueError, ArithmeticError):  # too large, or a Decimal that is no number
        return None


def _row(row: Any) -> list[Any]:
    """Return the values of a row, which may be a list of fields as get_query_results gives it."""
    if isinstance(row, Mapping):
        return list(row.values())
    if not isinstance(row, list | tuple):
        return []
    fields = [each for each in row if isinstance(each, Mapping) and {"field", "value"} <= set(each)]
    return [each["value"] for each in fields if each["field"] != "@ptr"] if fields else list(row)


def _key(value: Any, names: Mapping[str, str]) -> str:
    """Return a key of a table as text: a time to the minute, a number without its point."""
    text = str(value).strip()
    text = re.sub(r"^(\d{4}-\d\d-\d\d)[ T](\d\d:\d\d)(:\d\d)?(\.\d+)?(\+00:00|Z)?$", r"\1 \2", text)
    text = text.removesuffix(".0")
    return names.get(text.lower(), text)
