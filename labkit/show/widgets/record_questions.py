"""Make questions about one flow log record from its own line, always the same in the same order.

The record decoder asks them.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from labkit.flowlogs.explaining import says

_TEXTS = tomllib.loads(Path(__file__).with_name("record_questions.toml").read_text(encoding="utf-8"))


@dataclass(frozen=True, slots=True)
class Question:
    """A question about a record.

    Attributes:
        text: The question.
        choices: The answers to choose from.
        right: The right one of them.
        why: Why it is right.
    """

    text: str
    choices: tuple[str, ...]
    right: str
    why: str


def questions(values: Mapping[str, str]) -> list[Question]:
    """Return the questions about a record, in the order of its fields, none about what it lacks.

    Args:
        values: The words of the record by AWS's names of the fields, in the record's order.

    >>> asked = questions({"srcport": "0", "dstport": "0", "protocol": "6", "packets": "1", "bytes": "52"})
    >>> asked[0].text
    'What does the 3rd word, 6, mean?'
    >>> for choice in asked[0].choices:
    ...     print(choice)
    6 bytes in the interval, IP headers included.
    6 packets in the interval.
    Port 6, at which no common service listens.
    Protocol 6 is TCP.
    """
    return [question for name in values for question in _about(name, values)]


def _about(name: str, values: Mapping[str, str]) -> Iterator[Question]:
    word = values[name]
    place = f"{_ordinal(list(values).index(name) + 1)} word, {word}"
    meaning = says(name, values)
    why = f"The {place}, is {name}. {meaning}"
    wrong = _TEXTS["misread"].get(name, {}).get(word, [])
    if name == "protocol" and word != "-":
        wrong = [says(other, {**values, other: word, "protocol": "6"}) for other in _TEXTS["mistaken_for"]]
    if wrong:
        choices = tuple(sorted({meaning, *wrong}))  # in alphabetical order, which tells nothing
        yield Question(f"What does the {place}, mean?", choices, meaning, why)
    elif word != "-" and name in _TEXTS["which"]:
        words = _words(name, values)
        yield Question(f"Which word {_TEXTS['which'][name]}?", tuple(words.values()), words[name], why)


def _words(name: str, values: Mapping[str, str]) -> dict[str, str]:
    """Return the word that is asked for and three near it, by field."""
    names = [each for each in values if values[each] != "-"]
    at = names.index(name)
    first = max(0, min(at - at % 4, len(names) - 4))  # so that the right one is not always first
    places = list(values)
    return {each: f"the {_ordinal(places.index(each) + 1)}: {values[each]}" for each in names[first : first + 4]}


def _ordinal(number: int) -> str:
    ending = "th" if 10 <= number % 100 <= 20 else {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return f"{number}{ending}"
