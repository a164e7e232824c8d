"""Make questions about one flow log record from its own line, always the same in the same order.

The record decoder asks them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from labkit.flowlogs.explaining import says

#: By field, what its word says.
_WHICH = {
    "dstaddr": "says where the traffic went",
    "packets": "says how many packets there were",
    "bytes": "says how many bytes there were",
    "start": "says when the first packet was seen",
    "interface-id": "says which network interface saw it",
}
#: What a word can be mistaken for: 6 for a port, for example.
_MISTAKEN_FOR = ("protocol", "dstport", "packets", "bytes", "tcp-flags")
_MISREAD = {
    ("action", "ACCEPT"): ("The traffic arrived at its destination.", "The destination answered."),
    ("action", "REJECT"): ("There was no route to the destination.", "The destination was switched off."),
    ("log-status", "OK"): ("The traffic arrived at its destination.", "The traffic was accepted."),
    ("log-status", "NODATA"): ("The traffic was rejected.", "Records of this interval were lost."),
    ("log-status", "SKIPDATA"): ("The interface had no traffic in this interval.", "The traffic was rejected."),
}


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
    if (name, word) in _MISREAD:
        wrong = _MISREAD[name, word]
        yield Question(f"What does the {place}, say?", _in_order(meaning, *wrong), meaning, why)
    elif word == "-":
        if name == "srcaddr":
            wrong = ("The address is 0.0.0.0.", "The address was not on the internet.")
            yield Question(f"What does the {place}, mean?", _in_order(meaning, *wrong), meaning, why)
    elif name == "protocol":
        others = [says(other, {**values, other: word, "protocol": "6"}) for other in _MISTAKEN_FOR[1:4]]
        yield Question(f"What does the {place}, mean?", _in_order(meaning, *others), meaning, why)
    elif name in _WHICH:
        choices = _words(name, values)
        yield Question(f"Which word {_WHICH[name]}?", tuple(choices.values()), choices[name], why)


def _words(name: str, values: Mapping[str, str]) -> dict[str, str]:
    """Return the word that is asked for and three near it, by field."""
    names = [each for each in values if values[each] != "-"]
    at = names.index(name)
    first = max(0, min(at - at % 4, len(names) - 4))  # so that the right one is not always first
    places = list(values)
    return {each: f"the {_ordinal(places.index(each) + 1)}: {values[each]}" for each in names[first : first + 4]}


def _in_order(*choices: str) -> tuple[str, ...]:
    """Return choices in alphabetical order, so that their order tells nothing."""
    return tuple(sorted(dict.fromkeys(choices)))


def _ordinal(number: int) -> str:
    ending = "th" if 10 <= number % 100 <= 20 else {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return f"{number}{ending}"
