"""The grammar of every text of the course's checks, exercises and quizzes, whatever is put into it."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from labkit import learn
from labkit.learn.chapters import CHAPTERS
from tests.learn.grammar import COUNTED, faults

FOLDER = Path(learn.__file__).parent


def strings(value: Any) -> Iterator[str]:
    """The sentences in a table of TOML: all texts but code and keys."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, list):
        for each in value:
            yield from strings(each)
    elif isinstance(value, dict):
        for name, each in value.items():
            if name not in ("key", "solution"):
                yield from strings(each)


def in_code() -> Iterator[str]:
    """The sentences in the code, with `{}` for what is put in."""
    for path in sorted(FOLDER.rglob("*.py")):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        for node in ast.walk(tree):
            if isinstance(node, ast.JoinedStr):
                text = "".join(str(part.value) if isinstance(part, ast.Constant) else "{}" for part in node.values)
                if len(re.findall("[a-z]{2,}", text)) > 2:
                    yield text


TEMPLATES = sorted({*in_code(), *(text for each in CHAPTERS.values() for text in strings(each.texts))})


def test_no_template_counts_or_names_what_it_can_t_know() -> None:
    """A number before a noun, or an article before a name, must be put in together with it.

    Bytes and seconds are left out: no packet has one byte, and no interval of a flow log is one second.
    """
    assert len(TEMPLATES) > 300
    for text in TEMPLATES:
        assert not re.search(r"\b[Aa]n? \{", text), text
        assert not re.search(rf"\{{[^}}]*\}} (?!bytes|seconds)(?:{COUNTED})(?:s|es)?\b", text), text


def test_templates_are_grammatical() -> None:
    for text in TEMPLATES:
        assert not faults(re.sub(r"\{[^}]*\}", "X", text)), text


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("give it to 1 digits after the point", "1 of several"), ("that is 2 packet", "several of one"),
        ("that is a address", "an, not a"), ("that is an source", "a, not an"),
        ("wanted: it running", "a name and no noun"), ("that is is wrong", "a word twice"),
        ("give one .", "a space before a mark"), ("give {} now", "an empty place"),
    ],
)  # fmt: skip
def test_the_faults_are_found(text: str, fault: str) -> None:
    assert faults(text) == [fault]
    assert not faults("It took 1 hour and 21 packets to a user in an hour; a one-way flow, a UDP packet.")
