"""What each field of a record can hold, and what is wrong with a line that holds something else.

Each rule is applied twice: to whole columns, so that reading stays fast, and to the words of a line that doesn't fit,
so that the reason can be given. Source: https://docs.aws.amazon.com/vpc/latest/userguide/flow-log-records.html
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Protocol

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from labkit.flowlogs.fields import FIELDS


class Rule(Protocol):
    """What the values of a field are: in words, of one word, and of a whole column without its nulls."""

    @property
    def what(self) -> str: ...

    def fits(self, word: str) -> bool: ...

    def fits_all(self, column: pa.ChunkedArray) -> bool: ...


@dataclass(frozen=True, slots=True)
class Whole:
    """A whole number within bounds, both included."""

    low: int
    high: int

    @property
    def what(self) -> str:
        return f"a whole number from {self.low} to {self.high}"

    def fits(self, word: str) -> bool:
        return word.isascii() and word.isdigit() and len(word) < 20 and self.low <= int(word) <= self.high

    def fits_all(self, column: pa.ChunkedArray) -> bool:
        parts = map(_numbers, filter(len, column.chunks))
        if all(self.low <= numbers.min() and numbers.max() <= self.high for numbers in parts):
            return True
        ends = pc.min_max(column).as_py()
        return ends["min"] is None or (self.low <= ends["min"] and ends["max"] <= self.high)


@dataclass(frozen=True, slots=True)
class Word:
    """One of a few words, or of the words of one shape; `what` says which."""

    pattern: re.Pattern[str]
    what: str

    def fits(self, word: str) -> bool:
        return self.pattern.fullmatch(word) is not None

    def fits_all(self, column: pa.ChunkedArray) -> bool:
        return all(map(self._few, column.chunks)) or self._others_fit(column)

    def _few(self, chunk: pa.Array) -> bool:
        """Whether all are one of two words of the same length, such as ACCEPT and REJECT, that fit."""
        text, length = _text(chunk), _length(chunk)
        if length == 0:
            return False
        left = np.ones(len(text) // length, bool)
        for _ in range(2):
            first = int(left.argmax()) * length
            word = text[first : first + length].tobytes()
            if not self.fits(word.decode(errors="replace")):
                return False
            left &= ~_begin(text, length, word)
            if not left.any():
                return True
        return False

    def _others_fit(self, column: pa.ChunkedArray) -> bool:
        """The same of any words; most lines hold the same one, and to compare is quicker than to count."""
        first = pc.first(column)
        others = pc.unique(column.filter(pc.not_equal(column, first)))
        return all(value is None or self.fits(value) for value in [first.as_py(), *others.to_pylist()])


@dataclass(frozen=True, slots=True)
class Id:
    """An id of AWS's: a prefix, a hyphen, and some more."""

    prefix: str

    @property
    def what(self) -> str:
        return f"an id such as {self.prefix}-0123456789abcdef0"

    def fits(self, word: str) -> bool:
        return re.fullmatch(rf"{self.prefix}-\S+", word) is not None

    def fits_all(self, column: pa.ChunkedArray) -> bool:
        return all(map(self._plain, column.chunks)) or all(
            value is None or self.fits(value) for value in pc.unique(column).to_pylist()
        )

    def _plain(self, chunk: pa.Array) -> bool:
        """Whether all have one length, begin with the prefix, and hold no white space, told without a look at each."""
        if chunk.null_count == len(chunk):
            return True
        text, length, begin = _text(chunk), _length(chunk), f"{self.prefix}-".encode()
        return bool(
            length > len(begin)
            and _begin(text, length, begin).all()
            and ord(" ") < text.view(np.int8).min()  # what isn't ASCII is below 0
        )


@dataclass(frozen=True, slots=True)
class Text:
    """Any word."""

    what: str = "a word"

    def fits(self, word: str) -> bool:
        return word != ""

    def fits_all(self, column: pa.ChunkedArray) -> bool:
        return bool(pc.min(pc.binary_length(column)).as_py() != 0)


@dataclass(frozen=True, slots=True)
class Address:
    """An IPv4 or IPv6 address.

    In a whole column, numbers above 255 in IPv4 addresses are not looked for: that would cost a third of the reading.
    """

    what: str = "an IP address"

    def fits(self, word: str) -> bool:
        try:
            ipaddress.ip_address(word)
        except ValueError:
            return False
        return True

    def fits_all(self, column: pa.ChunkedArray) -> bool:
        return all(map(_only_ipv4, column.chunks)) or all(
            value is None or self.fits(value) for value in pc.unique(column).to_pylist()
        )


def _only_ipv4(chunk: pa.Array) -> bool:
    """Whether a column can hold IPv4 addresses only, told from its bytes alone: digits, and three dots a value."""
    count = len(chunk) - chunk.null_count
    if count == 0:
        return True
    text, dot = _text(chunk), ord(".")
    return bool(
        np.count_nonzero(_lengths(chunk) >= len("0.0.0.0")) == count
        and text.max() <= ord("9")
        and np.count_nonzero(text < ord("0")) == np.count_nonzero(text == dot) == 3 * count
    )


def _text(chunk: pa.Array) -> np.ndarray[tuple[int], np.dtype[np.uint8]]:
    """The bytes of all values of a column of words, without a copy."""
    ends = _ends(chunk)
    return np.frombuffer(chunk.buffers()[2], np.uint8)[ends[0] : ends[-1]]


def _numbers(chunk: pa.Array) -> np.ndarray[Any, Any]:
    """The values of a column of numbers, without a copy; any number stands where one is null, so that they may seem not
    to fit where they do."""
    return np.frombuffer(
        chunk.buffers()[1], chunk.type.to_pandas_dtype(), len(chunk), chunk.offset * chunk.type.byte_width
    )


def _lengths(chunk: pa.Array) -> np.ndarray[tuple[int], np.dtype[np.int32]]:
    """How many bytes each value of a column of words has; 0 where it is null."""
    return np.diff(_ends(chunk))


def _ends(chunk: pa.Array) -> np.ndarray[tuple[int], np.dtype[np.int32]]:
    """Where each value begins in the bytes of a column of words, and where the last one ends."""
    return np.frombuffer(chunk.buffers()[1], np.int32, len(chunk) + 1, chunk.offset * 4)


def _length(chunk: pa.Array) -> int:
    """How many bytes each value of a column of words has, nulls apart; 0 where they differ, or there is none."""
    count, size = len(chunk) - chunk.null_count, len(_text(chunk))
    longest = int(_lengths(chunk).max(initial=0))
    return longest if count * longest == size else 0


def _begin(text: np.ndarray[tuple[int], np.dtype[np.uint8]], length: int, word: bytes) -> np.ndarray[Any, Any]:
    """Which values, all of one length, begin with a word.

    Four bytes are compared at once, as one number; that takes a quarter of the time of comparing words.
    """
    count, width = len(text) // length, 4 if len(word) >= 4 else 1
    places = {*range(0, len(word) - width + 1, width), len(word) - width}
    parts = [
        np.ndarray(count, f"<u{width}", text, at, length) == int.from_bytes(word[at : at + width], "little")
        for at in places
    ]
    begin: np.ndarray[Any, Any] = np.logical_and.reduce(parts)
    return begin


def _one_of(*words: str) -> Word:
    return Word(re.compile("|".join(words)), f"{', '.join(words[:-1])} or {words[-1]}")


def _rules() -> dict[str, Rule]:
    rules: dict[str, Rule] = {name: Text() for name in FIELDS}
    rules["version"] = Whole(2, 99)
    rules["account-id"] = Word(re.compile(r"[0-9]{12}|[a-z][a-z-]*"), "an account id of 12 digits")
    rules |= {name: Address() for name in ("srcaddr", "dstaddr", "pkt-srcaddr", "pkt-dstaddr")}
    rules |= {name: Whole(0, 65535) for name in ("srcport", "dstport")}
    rules |= {name: Whole(0, 255) for name in ("protocol", "tcp-flags", "traffic-path")}
    rules |= {name: Whole(0, 2**63 - 1) for name in ("packets", "bytes")}
    # Ten digits, which are the years 2001 to 2286: a number of bytes or packets in their place stands out.
    rules |= {name: Whole(10**9, 10**10 - 1) for name in ("start", "end")}
    rules["action"] = _one_of("ACCEPT", "REJECT")
    rules["log-status"] = _one_of("OK", "NODATA", "SKIPDATA")
    rules["type"] = _one_of("IPv4", "IPv6", "EFA")
    rules["flow-direction"] = _one_of("ingress", "egress")
    rules["instance-id"] = Id("i")
    for name, prefix in (("interface-id", "eni"), ("subnet-id", "subnet"), ("vpc-id", "vpc")):
        rules[name] = rules[f"next-hop-{name}"] = Id(prefix)
    return rules


_ANY = Text()
#: What each field holds, by AWS's name.
RULES: Mapping[str, Rule] = MappingProxyType(_rules())

#: (less, more): one field never exceeds the other, so exchanged columns show.
ORDERED = (("packets", "bytes"), ("start", "end"))


def rule(name: str) -> Rule:
    """The rule of a field; of one that labkit doesn't know, that it is a word."""
    return RULES.get(name, _ANY)


def fits(table: pa.Table, names: Sequence[str]) -> bool:
    """Whether each column holds what its field can hold. Parameters: `names`, the fields of the columns, in order."""
    at = {name: index for index, name in enumerate(names)}
    return all(rule(name).fits_all(table.column(index)) for name, index in at.items()) and all(
        _never_above(table.column(at[less]), table.column(at[more]))
        for less, more in ORDERED
        if less in at and more in at
    )


def _never_above(less: pa.ChunkedArray, more: pa.ChunkedArray) -> bool:
    pairs = zip(less.chunks, more.chunks, strict=True)
    return all((_numbers(a) <= _numbers(b)).all() for a, b in pairs) or (
        pc.min(pc.less_equal(less, more)).as_py() is not False
    )


def fault(words: Sequence[str], names: Sequence[str]) -> str | None:
    """What is wrong with the words of a line, given the fields that it should have; None if nothing is.

    >>> fault(["10.1.15.80", "DENY"], ["srcaddr", "action"])
    "action is 'DENY', not ACCEPT or REJECT"
    >>> fault(["10.1.15.80"], ["srcaddr", "action"])
    'it has 1 field, and the format has 2'
    """
    if len(words) != len(names):
        return f"it has {len(words)} field{'' if len(words) == 1 else 's'}, and the format has {len(names)}"
    values = {name: word for name, word in zip(names, words, strict=True) if word != "-"}
    for name, word in values.items():
        if not rule(name).fits(word):
            return f"{name} is {word!r}, not {rule(name).what}"
    for less, more in ORDERED:
        if less in values and more in values and int(values[less]) > int(values[more]):
            return f"{less} is {values[less]}, more than {more}, which is {values[more]}"
    return None
