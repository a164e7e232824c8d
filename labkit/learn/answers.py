"""Judging an answer generously and precisely: in whatever shape it comes, and with a sentence where it is nearly right.

>>> number(0.42, 420, "bytes", near={"That is in kilobytes; give bytes.": 0.42})
✗ That is in kilobytes; give bytes.
>>> texts({"10.1.15.80"}, {"10.1.15.80"})
✓ Right.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from html import escape
from typing import Any

_YES, _NO = ("true", "yes", "y", "1"), ("false", "no", "n", "0")


@dataclass(frozen=True)
class Verdict:
    """What is said of an answer: `passed`, and a `text` that says why or what is off.

    Parameters: `attempted` is False where there was no answer yet; `note` says something of the progress file.
    """

    passed: bool
    text: str
    attempted: bool = True
    note: str = ""

    @property
    def score(self) -> int:
        return int(self.passed)

    @property
    def mark(self) -> str:
        return "✓" if self.passed else "✗" if self.attempted else "·"

    def explained(self, why: str) -> Verdict:
        """The same with what there is to learn from it."""
        return replace(self, text=f"{self.text} {why}".strip())

    def __repr__(self) -> str:
        return f"{self.mark} {self.text}" + (f"\n{self.note}" if self.note else "")

    def _repr_html_(self) -> str:
        note = f"<p><i>{escape(self.note)}</i></p>" if self.note else ""
        label = "right" if self.passed else "not right" if self.attempted else "not answered"
        mark = f"<b role='img' aria-label='{label}'>{self.mark}</b>"
        return f"<div class='labkit-answer'><p style='margin:0'>{mark} {escape(self.text)}</p>{note}</div>"


RIGHT = Verdict(True, "Right.")
UNATTEMPTED = Verdict(False, "Put your answer in place of None, then run the cell again.", attempted=False)


def wrong(text: str) -> Verdict:
    return Verdict(False, text)


def plain(answer: Any) -> Any:
    """An answer without its clothes: a Series, an Index, an array, a set or a column becomes a list, an address text.

    >>> plain({"10.1.15.80"}), plain(range(2)), plain("a")
    (['10.1.15.80'], [0, 1], 'a')
    """
    if isinstance(answer, str | bool | int | float) or answer is None:
        return answer
    if hasattr(answer, "iloc") and hasattr(answer, "columns"):  # a table: its first column
        answer = answer.iloc[:, 0] if len(answer.columns) else []
    if hasattr(answer, "tolist"):
        answer = answer.tolist()
    if isinstance(answer, Mapping):
        answer = list(answer)
    if not isinstance(answer, str | bool | int | float) and _is_many(answer):
        return [plain(each) for each in answer]
    return answer if isinstance(answer, bool | int | float) or answer is None else str(answer)


def _is_many(answer: Any) -> bool:
    # A network of ipaddress is iterable, too, and means itself.
    return isinstance(answer, Iterable) and not hasattr(answer, "prefixlen")


def number(
    answer: Any, right: float, unit: str = "", *, digits: int = 0, near: Mapping[str, float] | None = None
) -> Verdict:
    """Judge a number: right to the last of `digits` after the point.

    Parameters: `near` gives for sentences the wrong values that they explain.
    """
    found = plain(answer)
    if isinstance(found, list):
        if len(found) != 1:
            return wrong(f"That is a list of {len(found)}; give one number.")
        (found,) = found
    if isinstance(found, bool):
        return wrong(f"That is {found}; give a number{f' of {unit}' if unit else ''}.")
    if isinstance(found, str):
        match = re.fullmatch(r"\s*([-+]?[\d,_ ]*\.?\d+(?:[eE][-+]?\d+)?)\s*([A-Za-z]*)\s*", found)
        if match is None:
            return wrong(f"{found!r} is text; give a number{f' of {unit}' if unit else ''}.")
        if match[2] and unit and match[2].lower() not in (unit.lower(), unit.lower().removesuffix("s")):
            return wrong(f"Give it in {unit}, as a number: {found!r} says {match[2]}.")
        found = float(re.sub("[,_ ]", "", match[1]))
    if not isinstance(found, int | float):
        return wrong(f"Give a number{f' of {unit}' if unit else ''}; that is a {type(answer).__name__}.")
    if not math.isfinite(found):
        return wrong("That is not a number (nan or infinite): a missing value got into it.")
    step = 10.0**-digits
    if abs(found - right) <= 0.5 * step + 1e-9 * abs(right):
        return RIGHT
    explained = [(abs(found - value), sentence) for sentence, value in (near or {}).items() if _close(found, value)]
    if explained:
        return wrong(min(explained)[1])
    if abs(found - right) <= max(1.0, 0.02 * abs(right)) and digits:
        return wrong(f"Nearly: give it to {digits} digits after the point.")
    if right and math.isclose(abs(found), abs(right), rel_tol=1e-9):
        return wrong("The sign is wrong.")
    return wrong(f"Too {'large' if found > right else 'small'}.")


def _close(found: float, value: float) -> bool:
    return math.isclose(found, value, rel_tol=2e-3, abs_tol=1e-9)


def texts(
    answer: Any,
    right: Iterable[str],
    what: str = "value",
    *,
    names: Mapping[str, str] | None = None,
    near: Mapping[str, Iterable[str]] | None = None,
) -> Verdict:
    """Judge one or several texts, in any order and any number of times.

    Parameters: `what` one of them is; `names` translates other ways to say one, such as a name for an id; `near` gives
    for sentences the texts that they explain: all of the answer, or one in it that doesn't belong.
    """
    if hasattr(answer, "value_counts") and getattr(getattr(answer, "dtype", None), "kind", "") in ("i", "u", "f"):
        answer = getattr(answer, "index", answer)  # a Series of counts or sums, by what was counted
    found = plain(answer)
    if isinstance(found, bool | int | float):
        return wrong(f"That is {'True or False' if isinstance(found, bool) else 'a number'}; give the {what} as text.")
    parts = found if isinstance(found, list) else re.split(r"[,;\s]+", found.strip())
    said = [str(part).strip().strip("'\"") for part in parts if not isinstance(part, list)]
    given = {(names or {}).get(part, part) for part in said if part}
    wanted = set(right)
    if given == wanted:
        return RIGHT
    if not given:
        return wrong(f"That is empty; give {'one ' + what if len(wanted) == 1 else f'several: each a {what}'}.")
    for sentence, values in (near or {}).items():
        if given == set(values):
            return wrong(sentence)
    extra, missing = sorted(given - wanted), wanted - given
    for sentence, values in (near or {}).items():
        if set(extra) & set(values):
            return wrong(sentence)
    if extra:
        more = f" (and {len(extra) - 1} more)" if len(extra) > 1 else ""
        return wrong(f"{extra[0]}{more} does not belong there.")
    return wrong(f"All of these are right, and {len(missing)} {'is' if len(missing) == 1 else 'are'} missing.")


def yes_or_no(answer: Any, right: bool) -> Verdict:
    """Judge a yes or no, as a boolean or as a word."""
    found = plain(answer)
    if isinstance(found, list) and len(found) == 1:
        (found,) = found
    word = str(found).strip().rstrip(".").lower()
    if word not in _YES + _NO:
        return wrong(f"Answer True or False; that is {found!r}.")
    return RIGHT if (word in _YES) == right else wrong("No, the other way round." if right else "No.")
