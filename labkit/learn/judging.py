"""Judging an answer to an exercise or a quiz: any reasonable form is accepted, and a near miss is explained.

The judges in `labkit.learn.chapters` call `number`, `texts` and `yes_or_no` with the right answer.

>>> number(0.42, 420, "bytes", near={"That is in kilobytes; give bytes.": 0.42})
✗ That is in kilobytes; give bytes.
>>> texts({"10.1.15.80"}, {"10.1.15.80"})
✓ Right.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from html import escape
from typing import Any

_YES, _NO = ("true", "yes", "y", "1"), ("false", "no", "n", "0")


@dataclass(frozen=True)
class Judgment:
    """What is said of an answer.

    Attributes:
        passed: Whether it is right.
        text: Why, or what is off.
        attempted: Whether there was an answer to judge.
        note: A sentence about the progress file.
    """

    passed: bool
    text: str
    attempted: bool = True
    note: str = ""

    @property
    def _mark(self) -> tuple[str, str]:
        """The mark, and the same in words."""
        return ("✓", "right") if self.passed else ("✗", "not right") if self.attempted else ("·", "not answered")

    def __repr__(self) -> str:
        return f"{self._mark[0]} {self.text}" + (f"\n{self.note}" if self.note else "")

    def _repr_html_(self) -> str:
        note = f"<p><i>{escape(self.note)}</i></p>" if self.note else ""
        mark = "<b role='img' aria-label='{1}'>{0}</b>".format(*self._mark)
        return f"<div class='labkit-answer'><p style='margin:0'>{mark} {escape(self.text)}</p>{note}</div>"


RIGHT = Judgment(True, "Right.")
UNATTEMPTED = Judgment(False, "Put your answer in place of None, then run the cell again.", attempted=False)


def wrong(text: str) -> Judgment:
    """Return the judgment that an answer is wrong, for the reason in `text`."""
    return Judgment(False, text)


def plain(answer: Any) -> Any:
    """Reduce an answer to plain Python: a collection of any type becomes a list, anything but a number becomes text.

    Args:
        answer: Whatever a student gave; of a table, the first column counts.

    Returns:
        None, a bool, a number, a text, or a list of such values.

    >>> plain({"10.1.15.80"}), plain(range(2)), plain("a")
    (['10.1.15.80'], [0, 1], 'a')
    """
    if hasattr(answer, "iloc") and hasattr(answer, "columns"):
        answer = answer.iloc[:, 0] if len(answer.columns) else []
    if hasattr(answer, "tolist"):
        answer = answer.tolist()
    if isinstance(answer, str | bool | int | float) or answer is None:
        return answer
    # A network of ipaddress is iterable, too, and is one answer.
    if isinstance(answer, Iterable) and not hasattr(answer, "prefixlen"):
        return [plain(each) for each in answer]
    return str(answer)


def single(answer: Any) -> Any:
    """Reduce an answer as `plain` does, and a collection of one value to that value."""
    found = plain(answer)
    return single(found[0]) if isinstance(found, list) and len(found) == 1 else found


def number(
    answer: Any, right: float, unit: str = "", *, digits: int = 0, near: Mapping[str, float] | None = None
) -> Judgment:
    """Judge a number.

    Args:
        answer: The answer, as a number, as text with or without the unit, or as a collection of one.
        right: The right number.
        unit: Its unit, for messages.
        digits: How many digits after the point must be right.
        near: Sentences that each explain a wrong number.

    Returns:
        The judgment; if the answer is wrong, with the sentence that fits best.
    """
    found = single(answer)
    of_unit = f" of {unit}" if unit else ""
    if isinstance(found, list):
        return wrong(f"That is a list of {len(found)}; give one number.")
    if isinstance(found, bool):
        return wrong(f"That is {found}; give a number{of_unit}.")
    if isinstance(found, str):
        match = re.fullmatch(r"\s*([-+]?[\d,_ ]*\.?\d+(?:[eE][-+]?\d+)?)\s*([A-Za-z]*)\s*", found)
        if match is None:
            return wrong(f"{found!r} is text; give a number{of_unit}.")
        if match[2] and unit and match[2].lower() not in (unit.lower(), unit.lower().removesuffix("s")):
            return wrong(f"Give it in {unit}, as a number: {found!r} says {match[2]}.")
        found = float(re.sub("[,_ ]", "", match[1]))
    if not isinstance(found, int | float):
        return wrong(f"Give a number{of_unit}; that is a {type(answer).__name__}.")
    if not math.isfinite(found):
        return wrong("That is not a number (nan or infinite): a missing value got into it.")
    if abs(found - right) <= 0.5 * 10.0**-digits + 1e-9 * abs(right):
        return RIGHT
    close = [
        (abs(found - value), sentence)
        for sentence, value in (near or {}).items()
        if math.isclose(found, value, rel_tol=2e-3, abs_tol=1e-9)
    ]
    if close:
        return wrong(min(close)[1])
    if digits and abs(found - right) <= max(1.0, 0.02 * abs(right)):
        return wrong(f"Nearly: give it to {digits} digits after the point.")
    if right and math.isclose(abs(found), abs(right), rel_tol=1e-9):
        return wrong("The sign is wrong.")
    return wrong(f"Too {'large' if found > right else 'small'}.")


def texts(
    answer: Any,
    right: Iterable[str],
    what: str = "value",
    *,
    names: Mapping[str, str] | None = None,
    near: Mapping[str, Iterable[str]] | None = None,
) -> Judgment:
    """Judge one or several texts, in any order and with repetitions.

    Args:
        answer: The answer, as a text, a collection of texts, or a Series counted by text.
        right: The right texts.
        what: What one of them is, for messages.
        names: The right texts by other names such as an id by a name.
        near: Sentences that each explain wrong texts: all of the answer, or one in it that doesn't belong.

    Returns:
        The judgment; if the answer is wrong, with the sentence that fits best.
    """
    if hasattr(answer, "value_counts") and getattr(getattr(answer, "dtype", None), "kind", "") in ("i", "u", "f"):
        answer = getattr(answer, "index", answer)  # a Series of counts or sums, by what was counted
    found = plain(answer)
    if isinstance(found, bool | int | float):
        return wrong(f"That is {'True or False' if isinstance(found, bool) else 'a number'}; give the {what} as text.")
    parts = found if isinstance(found, list) else re.split(r"[,;\s]+", found.strip())
    words = [str(part).strip().strip("'\"") for part in parts if not isinstance(part, list)]
    given, wanted = {(names or {}).get(word, word) for word in words if word}, set(right)
    if given == wanted:
        return RIGHT
    if not given:
        return wrong(f"That is empty; give {'one ' + what if len(wanted) == 1 else f'several: each a {what}'}.")
    extra, missing = sorted(given - wanted), wanted - given
    explained = {sentence: set(values) for sentence, values in (near or {}).items()}
    fitting = [sentence for sentence, values in explained.items() if given == values]
    fitting += [sentence for sentence, values in explained.items() if not values.isdisjoint(extra)]
    if fitting:
        return wrong(fitting[0])
    if extra:
        more = f" (and {len(extra) - 1} more)" if len(extra) > 1 else ""
        return wrong(f"{extra[0]}{more} does not belong there.")
    return wrong(f"All of these are right, and {len(missing)} {'is' if len(missing) == 1 else 'are'} missing.")


def yes_or_no(answer: Any, right: bool) -> Judgment:
    """Judge a yes or no, given as a boolean or as a word."""
    found = single(answer)
    word = str(found).strip().rstrip(".").lower()
    if word not in _YES + _NO:
        return wrong(f"Answer True or False; that is {found!r}.")
    return RIGHT if (word in _YES) == right else wrong("No, the other way round." if right else "No.")


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
