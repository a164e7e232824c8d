"""Judging an answer to an exercise or a quiz: any reasonable form is accepted, and a near miss is explained.

The judges in `labkit.learn.chapters` call `number`, `texts` and `yes_or_no` with the right answer.

>>> number(0.42, 420, "bytes", near={"That is in kilobytes; give bytes.": 0.42})
✗ That is in kilobytes; give bytes.
>>> texts({"10.1.15.80"}, {"10.1.15.80"})
✓ Right.
"""

from __future__ import annotations

import math
import numbers
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from html import escape
from ipaddress import IPv4Interface
from typing import Any

from labkit.learn import quantities
from labkit.learn.answers import shown, with_article
from labkit.learn.blocks import ABSENT_MARK, RIGHT_MARK, WRONG_MARK, html_block, mark_html
from labkit.status import printable

_YES, _NO = ("true", "yes", "y", "t", "1", "1.0", "yep"), ("false", "no", "n", "f", "0", "0.0", "nope")

#: Words in an answer that say nothing of their own.
_BESIDE = {
    "&", "a", "address", "addresses", "alone", "an", "and", "answer", "are", "at", "from", "id", "in", "interface",
    "is", "it", "its", "just", "name", "named", "of", "only", "or", "that", "the", "them", "these", "this", "those",
    "with",
}  # fmt: skip

#: A longer sentence quotes too much of an answer.
_LONGEST = 700

#: From here on, an int does not fit into a float.
_LARGEST = 2**1023

#: What a text is split at into words, and what is taken off both ends of each.
_BETWEEN, _AROUND = re.compile(r"[\s,;|→]+"), "\"'`‘’“”()[]{}<>.:!?*=✓✗"


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
        return RIGHT_MARK if self.passed else WRONG_MARK if self.attempted else (ABSENT_MARK[0], "not answered")

    def __repr__(self) -> str:
        return f"{self._mark[0]} {self.text}" + (f"\n{self.note}" if self.note else "")

    def _repr_html_(self) -> str:
        note = f"<p><i>{escape(self.note)}</i></p>" if self.note else ""
        return html_block("answer", f"<p style='margin:0'>{mark_html(self._mark)} {escape(self.text)}</p>{note}")


RIGHT = Judgment(True, "Right.")
UNATTEMPTED = Judgment(False, "Put your answer in place of None, then run the cell again.", attempted=False)


def wrong(text: str) -> Judgment:
    """Return the judgment that an answer is wrong, for the reason in `text`, which may quote any part of the answer.

    >>> wrong(f"{chr(27)}[2J does not belong there.").text
    '\\\\x1b[2J does not belong there.'
    """
    text = printable(text)
    return Judgment(False, text if len(text) <= _LONGEST else f"{text[: _LONGEST - 100]} … {text[-100:]}")


def plain(answer: Any) -> Any:
    """Reduce an answer to plain Python: a collection of any type becomes a list, anything but a number becomes text.

    Args:
        answer: Whatever a student gave; of a table, the first column counts, and of a thing of AWS its id.

    Returns:
        None, a bool, a number, a text, or a list of such values.

    >>> plain({"10.1.15.80"}), plain(range(2)), plain("a")
    (['10.1.15.80'], [0, 1], 'a')
    """
    if hasattr(answer, "iloc") and hasattr(answer, "columns"):
        answer = answer.iloc[:, 0] if len(answer.columns) else []
    if hasattr(answer, "tolist"):
        answer = answer.tolist()
    if type(answer).__name__ in ("NAType", "NaTType"):
        return math.nan  # the missing values of pandas
    if isinstance(answer, str | bool | int | float) or answer is None:
        return answer
    if isinstance(answer, numbers.Number):
        try:
            return float(answer)  # type: ignore[arg-type]  # of Decimal and Fraction
        except (TypeError, ValueError, OverflowError):  # complex, or not a number, or too large
            return str(answer)
    if isinstance(answer, bytes | bytearray):
        return answer.decode(errors="replace")
    if isinstance(id := getattr(answer, "id", None), str):
        return id  # a resource of boto3, or a part of a network
    # A network of ipaddress is iterable, too, and is one answer.
    if isinstance(answer, Iterable) and not hasattr(answer, "prefixlen"):
        return [plain(each) for each in answer]
    return str(answer)


def single(answer: Any) -> Any:
    """Reduce an answer as `plain` does, and a collection of one value to that value."""
    found = plain(answer)
    return single(found[0]) if isinstance(found, list) and len(found) == 1 else found


def number(
    answer: Any,
    right: float,
    unit: str = "",
    *,
    digits: int = 0,
    near: Mapping[str, float] | None = None,
    wanted: str = "",
) -> Judgment:
    """Judge a number.

    Args:
        answer: The answer, as a number, as text with or without a unit, or as a collection of one.
        right: The right number.
        unit: Its unit.
        digits: How many digits after the point must be right; 0 for what is counted, and so is whole.
        near: Sentences that each explain a wrong number.
        wanted: What to give, if not "a number of" the unit.

    Returns:
        The judgment; if the answer is wrong, with the sentence that fits best.
    """
    found = single(_column(answer, numeric=True))
    wanted = wanted or (f"a number of {unit}" if unit else "a number")
    if isinstance(found, list):
        return wrong(
            f"That holds more than one value ({len(found)}); give one number."
            if found
            else "That is empty; give a number."
        )
    if found is None or isinstance(found, bool):
        return wrong(f"That is {found}; give {wanted}.")
    if isinstance(found, str):
        written = quantities.read(found)
        if written is None:
            return wrong(f"{shown(found)} is text; give {wanted}.")
        converted = quantities.convert(written.value, written.words, unit)
        if converted is None:
            return wrong(f"Give {wanted}: {shown(found)} says {' '.join(written.words)}.")
        found = converted
    if abs(found) >= _LARGEST:
        return wrong("Too large." if found > 0 else "Too small.")
    if math.isnan(found):
        return wrong("That is nan, which is not a number: a missing value got into it.")
    return _compared(found, right, unit, digits, near or {})


def _compared(found: float, right: float, unit: str, digits: int, near: Mapping[str, float]) -> Judgment:
    """Judge a number that is one, in the right unit."""
    error, counts = abs(found - right), not digits
    # What is counted is exact, but for what converting it to the unit may have added.
    if error <= (1e-6 if counts else 0.5 * 10.0**-digits + 1e-9 * abs(right)):
        return RIGHT

    def explains(value: float) -> bool:
        # What is counted may be confused with its neighbor, so such a number must be met exactly.
        exact = counts and float(value).is_integer()
        return math.isclose(found, value, rel_tol=1e-9 if exact else 2e-3, abs_tol=1e-9)

    if close := [(abs(found - value), sentence) for sentence, value in near.items() if explains(value)]:
        return wrong(min(close)[1])
    if counts and not float(found).is_integer():
        return wrong(f"{found:.10g} is not a whole number, and {unit or 'these'} are counted.")
    if math.isclose(found, -right, rel_tol=1e-9):
        return wrong("The sign is wrong.")
    if any(found in (round(right, fewer), math.floor(right * 10**fewer) / 10**fewer) for fewer in range(digits)):
        return wrong(f"Nearly: give it to {digits} {'digit' if digits == 1 else 'digits'} after the point.")
    how = "Too large" if found > right else "Too small"
    return wrong(f"{how}, by less than 2 %." if error <= 0.02 * abs(right) else f"{how}.")


def _column(answer: Any, *, numeric: bool) -> Any:
    """Return what a table or a dictionary says: the numbers in it, or the words that it counts."""
    if isinstance(answer, Mapping):
        values = list(answer.values())
        counts = all(isinstance(value, numbers.Number) for value in values)
        return values if numeric else list(answer) if counts else answer
    if hasattr(answer, "iloc") and hasattr(answer, "columns"):
        fitting = [at for at, kind in enumerate(answer.dtypes) if (getattr(kind, "kind", "O") in "iuf") == numeric]
        if fitting and (len(fitting) == 1 or not numeric):
            return answer.iloc[:, fitting[0]]
        return answer if numeric else answer.index
    if (
        not numeric
        and hasattr(answer, "value_counts")
        and getattr(getattr(answer, "dtype", None), "kind", "O") in "iuf"
    ):
        return getattr(answer, "index", answer)  # a Series of counts or sums, by what was counted
    return answer


def texts(
    answer: Any,
    right: Iterable[str],
    what: str = "value",
    *,
    names: Mapping[str, str | Iterable[str]] | None = None,
    near: Mapping[str, Iterable[str]] | None = None,
) -> Judgment:
    """Judge one or several texts without spaces, such as addresses or names, in any order and with repetitions.

    Args:
        answer: The answer, as a text with one or several of them, a collection of texts, or a Series counted by text.
        right: The right texts.
        what: What one of them is, for messages.
        names: Texts by other names, such as an id by a name, or several by a word such as `both`; none by a word
            that says nothing of its own.
        near: Sentences that each explain wrong texts: all of the answer, or one in it that doesn't belong.

    Returns:
        The judgment; if the answer is wrong, with the sentence that fits best.
    """
    answer = _column(answer, numeric=False)
    if isinstance(answer, Mapping):
        return wrong(f"That is a dictionary; give the {what} alone.")
    found = plain(answer)
    if isinstance(found, bool | int | float):
        return wrong(f"That is {'True or False' if isinstance(found, bool) else 'a number'}; give the {what} as text.")
    meanings = {name.lower(): (each,) if isinstance(each, str) else tuple(each) for name, each in (names or {}).items()}
    wanted = {each.lower() for each in right}
    words = list(_words(found))
    explained = {sentence: {each.lower() for each in values} for sentence, values in (near or {}).items()}
    known = wanted.union(meanings, *explained.values())
    # In their order, each once; a list would be searched for each word.
    prose = dict.fromkeys(word for word in words if word not in known and not re.search(r"\d|\w-\w", word))
    given = {each.lower() for word in words if word not in prose for each in meanings.get(word, (word,))}
    if given == wanted and not prose:
        return RIGHT
    if not words:
        return wrong(f"That is empty; give {with_article(what)}.")
    if prose:
        more = "; leave out other words" if len(words) > 1 else ""
        return wrong(f"{next(iter(prose))!r} is not {with_article(what)}{more}.")
    if not given:
        return wrong(f"Give {with_article(what)}.")
    extra, missing = sorted(given - wanted), wanted - given
    fitting = [sentence for sentence, values in explained.items() if given == values]
    fitting += [sentence for sentence, values in explained.items() if not values.isdisjoint(extra)]
    if fitting:
        return wrong(fitting[0])
    if extra:
        more = f" and {len(extra) - 1} more do" if len(extra) > 1 else " does"
        return wrong(f"{extra[0]}{more} not belong there.")
    return wrong(f"All of these are right, and {len(missing)} {'is' if len(missing) == 1 else 'are'} missing.")


def _words(found: Any) -> Iterator[str]:
    """Yield the words of an answer that mean something, in lower case; an address without `/32`."""
    if isinstance(found, list):
        for each in found:
            yield from _words(each)
    elif found is not None:
        for word in _BETWEEN.split(str(found)):
            word = re.sub("['’]s$", "", word.strip(_AROUND).lower())
            if word and word not in _BESIDE:
                yield _host(word)


def _host(word: str) -> str:
    try:
        return str(IPv4Interface(word).ip) if word.endswith("/32") else word
    except ValueError:
        return word


def yes_or_no(answer: Any, right: bool) -> Judgment:
    """Judge a yes or no, given as a boolean or as a word, perhaps with a reason after it."""
    found = single(answer)
    first, *reason = re.split(r"[,.;:!–—](?:\s|$)", str(found).strip(_AROUND + " \n").lower())
    word, others = first.strip(_AROUND + " "), re.findall(r"\w+", " ".join(reason))
    if isinstance(found, list) or word not in _YES + _NO or not {"yes", "no", "true", "false"}.isdisjoint(others):
        return wrong(f"Answer True or False; that is {shown(found)}.")
    return RIGHT if (word in _YES) == right else wrong("It is the other way round.")
