"""What a chapter is made of: its checks, the judges of its exercises and the facts of its quiz, with texts from TOML.

Each module of `labkit.learn.chapters` makes one `Chapter`.
"""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from labkit.learn.judging import Judgment
from labkit.learn.result import Line
from labkit.learn.view import View

_FOLDER = Path(__file__).parent / "toml"

#: Judges an answer to an exercise by what the student's own lab holds.
Judge = Callable[[View, Any], Judgment]

#: What is true of a lab, by the names that the texts of a quiz use.
Facts = dict[str, str]


@dataclass(frozen=True, slots=True)
class Finding:
    """What a check found out about one thing; a line is made of it with the check's texts.

    Attributes:
        key: The line's table under the check's in TOML.
        ok: Whether the thing is as wanted.
        values: What the texts mention, by the names that they use.
        absent: Whether it is not there yet, which is not a mistake.
    """

    key: str
    ok: bool
    values: Mapping[str, Any]
    absent: bool = False


def finding(key: str, ok: bool = False, *, absent: bool = False, **values: Any) -> Finding:
    """Return what a check found out; the arguments are the attributes of a Finding."""
    return Finding(key, ok, values, absent)


#: What a check yields: findings, or a line that another room's decision has made.
Findings = Iterator[Finding | Line]


@dataclass(frozen=True, slots=True)
class Check:
    """One step of building, and what looks at it.

    Attributes:
        name: What `lab.check` calls it; its texts are in TOML under `check` and this name.
        look: Yields the findings for a view or, if `sided`, for a view and one of the two sides.
        sided: Whether each of the two VPCs is looked at separately.
    """

    name: str
    look: Callable[..., Findings]
    sided: bool = False


@dataclass(frozen=True, slots=True)
class Item:
    """One thing that can be passed: its id in the progress file, and what it is about.

    >>> print(Item("quiz:03.1", "Where it stops").call)
    lab.quiz('03')
    """

    id: str
    title: str

    @property
    def kind(self) -> str:
        """What it is: `check`, `exercise` or `quiz`."""
        return self.id.partition(":")[0]

    @property
    def call(self) -> str:
        """The call with which a student passes it."""
        name = self.id.partition(":")[2]
        return f"lab.{self.kind}({name.partition('.')[0] if self.kind == 'quiz' else name!r})"


@dataclass(frozen=True)
class Chapter:
    """The part of a chapter that looks at the student's lab.

    Attributes:
        number: The notebook's number, as two digits.
        checks: Its checks, in the order in which the notebook calls them.
        judges: The judge of each exercise, by the exercise's id, such as "3.2".
        quiz_facts: Finds in a lab the facts that the quiz asks about or mentions.
    """

    number: str
    checks: tuple[Check, ...]
    judges: Mapping[str, Judge]
    quiz_facts: Callable[[View], Facts]

    @cached_property
    def texts(self) -> dict[str, Any]:
        """The texts: tables of the checks under `check`, lists of tables under `exercise` and `quiz`."""
        return tomllib.loads((_FOLDER / f"{self.number}.toml").read_text(encoding="utf-8"))

    def items(self) -> Iterator[Item]:
        """Yield what `labkit progress` counts: all checks and questions, and all exercises that no check judges."""
        for check in self.checks:
            yield Item(f"check:{check.name}", self.texts["check"][check.name]["title"])
        for exercise in self.texts["exercise"]:
            if "check" not in exercise:
                yield Item(f"exercise:{exercise['id']}", exercise["title"])
        for number, question in enumerate(self.texts["quiz"], 1):
            yield Item(f"quiz:{self.number}.{number}", question["title"])
