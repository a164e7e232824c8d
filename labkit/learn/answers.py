"""What a student gives as an answer, before anything judges it: values of known kinds, and not too many of them.

A judge may look at what is admitted as it likes. Nothing in it runs code of the student's own, has no end, holds
itself, or is so large that judging takes long.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from labkit.status import printable

#: How many values an answer may hold, how many characters its texts may have together, how deep it may be nested, and
#: how large a whole number may be (in bits): some 600 digits, which Python always writes as text.
MOST_VALUES, MOST_CHARACTERS, DEEPEST, LARGEST = 30_000, 100_000, 20, 2_000

#: The modules whose classes are known. A class of the student's own is not: its methods may do anything.
_COLLECTIONS = {"builtins", "collections", "itertools", "array"}
_SINGLE = {"datetime", "decimal", "fractions", "ipaddress", "uuid", "pathlib", "zoneinfo", "labkit", "boto3"}


class Unfit(Exception):
    """An answer that no exercise is answered with; the text says why, as a sentence."""


def admitted(answer: Any) -> Any:
    """Return an answer as a judge may look at it: collections and iterators as plain lists, tuples, sets and dicts.

    Args:
        answer: Any object. An iterator is used up.

    Raises:
        Unfit: It is, or holds, something of an unknown kind, or is too large.

    >>> admitted({"a": map(str, range(2))})
    {'a': ['0', '1']}
    >>> from itertools import count
    >>> admitted(count())
    Traceback (most recent call last):
    labkit.learn.answers.Unfit: That holds too many values to judge; the limit is 30,000.
    """
    return _Gate().admit(answer, 0)


class _Gate:
    """Admits one answer, and counts what has been seen of it."""

    def __init__(self) -> None:
        self._values = self._characters = 0

    def admit(self, answer: Any, depth: int) -> Any:
        if depth > DEEPEST:
            raise Unfit("That is nested too deeply to be judged.")
        self._count(1)
        kind = type(answer)  # never isinstance, which asks the object itself for its class
        module = str(kind.__module__).partition(".")[0]
        if answer is None or answer is ... or kind in (bool, float, complex):
            return answer
        if kind is int:
            return self._number(answer, answer)
        if kind in (str, bytes, bytearray):
            self._read(len(answer))
            return answer
        if module == "pandas":
            return self._of_pandas(answer, depth)
        if module == "numpy":
            return self._of_numpy(answer, depth)
        if module == "pyarrow" and hasattr(answer, "to_pylist"):
            self._count(len(answer))
            return self.admit(answer.to_pylist(), depth)
        if kind.__name__ == "Fraction" and module == "fractions":
            return self._number(answer, answer.numerator, answer.denominator)
        if kind.__name__ == "Decimal" and module == "decimal" and answer.is_snan():
            raise Unfit("That is a number which raises an error when it is used.")
        if module in _SINGLE:
            return answer
        if module in _COLLECTIONS and issubclass(kind, Iterable) and not issubclass(kind, type):
            return self._collection(answer, depth)
        raise _unknown(answer, depth)

    def _collection(self, answer: Any, depth: int) -> Any:
        if hasattr(answer, "__len__") and len(answer) > MOST_VALUES:
            raise _too_many()  # before any is looked at
        mapped = isinstance(answer, Mapping)
        found = [self.admit(each, depth + 1) for each in (answer.items() if mapped else _drawn(answer))]
        kinds = (dict,) if mapped else (kind for kind in (tuple, set, frozenset) if isinstance(answer, kind))
        try:
            return next(iter(kinds), list)(found)
        except TypeError:  # a key was an iterator, and is a list now
            raise Unfit("That has keys which can't be judged.") from None

    def _of_pandas(self, answer: Any, depth: int) -> Any:
        import pandas as pd

        if isinstance(answer, pd.DataFrame):
            if answer.size > MOST_VALUES:
                raise _too_many()
            parts = [*(answer.iloc[:, at] for at in range(answer.shape[1])), answer.index, answer.columns]
        elif isinstance(answer, pd.Series):
            parts = [answer, answer.index]
        elif isinstance(answer, pd.Index | pd.api.extensions.ExtensionArray):
            parts = [answer]
        elif isinstance(answer, tuple):  # a row of itertuples
            return self._collection(answer, depth)
        elif isinstance(answer, Iterable):  # such as what groupby returns
            raise _unknown(answer, depth)
        else:
            return answer  # a time, or a missing value
        for part in parts:
            if len(part) > MOST_VALUES:
                raise _too_many()
            if part.dtype.kind == "O":
                for each in part:
                    self.admit(each, depth + 1)
            elif not isinstance(part, pd.Index):  # of which a table has one for all its columns
                self._count(len(part))
        return answer

    def _of_numpy(self, answer: Any, depth: int) -> Any:
        import numpy as np

        if isinstance(answer, np.ndarray):
            self._count(answer.size)
            if answer.dtype.kind not in "biufcmM":
                for each in answer.ravel():
                    self.admit(each, depth + 1)
        elif isinstance(answer, str | bytes):
            self._read(len(answer))
        elif not isinstance(answer, np.generic):
            raise _unknown(answer, depth)
        return answer

    def _number(self, answer: Any, *parts: int) -> Any:
        if any(part.bit_length() > LARGEST for part in parts):
            raise Unfit("That number has too many digits to be judged.")
        return answer

    def _count(self, values: int) -> None:
        self._values += values
        if self._values > MOST_VALUES:
            raise _too_many()

    def _read(self, characters: int) -> None:
        self._characters += characters
        if self._characters > MOST_CHARACTERS:
            raise Unfit(f"That has more than {MOST_CHARACTERS:,} characters, which is too much to judge.")


def _drawn(answer: Iterable[Any]) -> Iterator[Any]:
    """Yield what an iterator gives; what it raises is an error in the student's own code."""
    iterator = iter(answer)
    while True:
        try:
            each = next(iterator)
        except StopIteration:
            return
        except Exception as error:
            raise Unfit(f"That raised {type(error).__name__} when its values were read: {error}.") from error
        yield each


def _too_many() -> Unfit:
    return Unfit(f"That holds too many values to judge; the limit is {MOST_VALUES:,}.")


def _unknown(answer: object, depth: int) -> Unfit:
    return Unfit(f"That {'holds' if depth else 'is'} {_kind(answer)}, which can't be judged here.")


def _kind(answer: object) -> str:
    return with_article(printable(type(answer).__name__[:60]))


def shown(answer: object) -> str:
    """Return an answer as a message quotes it: in short, and of what is no answer only its kind.

    >>> shown("a" * 100), shown(print)
    ("'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa … aaaaaaaaa'", 'a builtin_function_or_method')
    """
    try:
        text = repr(admitted(answer))
    except Unfit:
        return _kind(answer)
    return text if len(text) <= 60 else f"{text[:40]} … {text[-10:]}"


def called(name: object) -> str:
    """Return how a chapter, an exercise or a check is called, if a name is a text or a number; else an empty text.

    >>> called("03"), called(3.2), called(object())
    ('03', '3.2', '')
    """
    if not issubclass(type(name), str | int | float):
        return ""
    try:
        return str(admitted(name))
    except Unfit:
        return ""


def with_article(noun: str) -> str:
    """Return a noun with its indefinite article.

    >>> with_article("address"), with_article("source address"), with_article("NoneType")
    ('an address', 'a source address', 'a NoneType')
    """
    return f"{'an' if noun[:1].lower() in tuple('aeiou') else 'a'} {noun}"
