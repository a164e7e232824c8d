"""A number as a person writes it, with or without its unit: `65,536`, `about 1.008 kB`, `$7.30`.

`labkit.learn.judging` reads answers with this.

>>> read("1,008 bytes in total")
Quantity(value=1008.0, words=('bytes',))
>>> convert(100_800, ["bytes"], "kB")
100.8
>>> print(read("more than that"), convert(5, ["hours"], "packets"))
None None
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import NamedTuple

#: How much each unit of a kind is, in the first one. A word that only says what is counted is 1. Case does not matter,
#: nor does a plural.
_KINDS: tuple[dict[str, float], ...] = (
    {
        "byte": 1, "b": 1, "octet": 1, "kb": 1e3, "kilobyte": 1e3, "mb": 1e6, "megabyte": 1e6, "gb": 1e9,
        "gigabyte": 1e9, "tb": 1e12, "terabyte": 1e12, "kib": 2**10, "kibibyte": 2**10, "mib": 2**20, "mebibyte": 2**20,
        "gib": 2**30, "gibibyte": 2**30,
    },
    {"packet": 1, "pkt": 1, "reply": 1, "echo": 1, "lost": 1, "missing": 1},
    {"address": 1, "ip": 1},
    {"usd": 1, "dollar": 1, "$": 1, "us": 1, "per": 1, "month": 1, "cent": 0.01, "ct": 0.01, "¢": 0.01},
    {"hour": 1, "h": 1, "hr": 1, "utc": 1},
)  # fmt: skip

#: Words beside a number that do not change it.
_BESIDE = {
    "=", "a", "about", "all", "altogether", "an", "answer", "approx", "approximately", "are", "around", "ca", "circa",
    "exactly", "in", "is", "it", "just", "of", "only", "roughly", "s", "the", "there", "total", "was", "were", "~", "≈",
}  # fmt: skip

#: Digits in groups of three (English, then European), in one row with a decimal comma, or as Python writes them.
_NUMBER = re.compile(
    r"""(?P<before>\D*?)
    (?P<number>[-+]?(?:
        (?P<grouped>\d{1,3}(?:(?P<mark>[,_'’ ])\d{3})(?:(?P=mark)\d{3})*(?:\.\d+)?)
      | (?P<european>\d{1,3}(?:\.\d{3})+,\d+ | \d+,\d+)
      | (?P<simple>\d[\d_]*(?:\.\d*)?(?:[eE][-+]?\d+)? | \.\d+(?:[eE][-+]?\d+)?)
    ))
    (?P<after>\D*)""",
    re.VERBOSE | re.ASCII,
)
#: A letter, a hyphen and a digit, as in a name; in 1e-6 the letter follows a digit.
_NAME = re.compile(r"(?<![\d.])[^\W\d_]-\d")
_SPACES = re.compile(r"\s+")
_WORD = re.compile(r"[^\W\d_]+\d?|[^\w\s.,;:!?()\[\]{}*\"'’`]")


class Quantity(NamedTuple):
    """A number, and the words beside it that may change its meaning."""

    value: float
    words: tuple[str, ...]


def read(text: str) -> Quantity | None:
    """Return the one number in a text, or None if there is none, or more than one.

    The number of a name, such as `db-1`, is part of the name.
    """
    plain = re.sub("ipv4", "IP", text.replace("−", "-"), flags=re.IGNORECASE)  # its digit counts nothing
    found = _NUMBER.fullmatch(_SPACES.sub(" ", plain).strip(" '\"`"))
    if found is None or _NAME.search(plain):
        return None
    number = found["number"]
    if found["grouped"]:
        number = number.replace(found["mark"], "")
    elif found["european"]:
        number = number.replace(".", "").replace(",", ".")
    words = _WORD.findall(f"{found['before']} {found['after']}")
    return Quantity(float(number), tuple(word for word in words if word.lower() not in _BESIDE))


def convert(value: float, words: Iterable[str], unit: str) -> float | None:
    """Return a number in a unit.

    Args:
        value: The number.
        words: The words beside it, such as `["kB"]`; none if it is in the unit already.
        unit: The unit.

    Returns:
        The number, or None if one of the words is no unit of the same kind, or if they contradict each other.
    """
    itself = dict.fromkeys([unit.lower(), unit.lower().removesuffix("s")], 1.0)
    kind = next((kind for kind in _KINDS if _size(unit, kind)), itself)
    sizes = {_size(word, kind) for word in words}
    if not sizes:
        return value
    said = sizes - {1} or {1.0}
    size = said.pop()
    return None if size is None or said else value * size / (_size(unit, kind) or 1)


def _size(word: str, kind: dict[str, float]) -> float | None:
    """Return how much a unit of a kind is, or None if it is none; in the plural it may end in s, es or ies."""
    word = word.lower()
    forms = (word, word.removesuffix("s"), word.removesuffix("es"), re.sub("ies$", "y", word))
    return next((float(kind[form]) for form in forms if form in kind), None)
