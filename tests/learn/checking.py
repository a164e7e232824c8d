"""What the tests of checks share: a lab with a mistake in it, and the lines in which the check says so."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, NamedTuple

from labkit.learn.result import Line, Result
from tests.lab.conftest import Built

Until = Callable[[str], Built]

ANYWHERE = [{"CidrIp": "0.0.0.0/0"}]


def wrong(result: Any) -> list[Line]:
    assert isinstance(result, Result)
    return [line for line in result.lines if not line.ok]


def only(result: Any) -> Line:
    """The one line that is not right, which says what was found, what was wanted, and what to do."""
    (line,) = wrong(result)
    assert line.found and line.wanted and line.next
    return line


class Said(NamedTuple):
    """What a line that is not right says, where a test looks at it.

    A text that ends in `…` is the beginning of what is said; `{b.vpc_1}` stands for a name that the build cells define.
    """

    found: str
    wanted: str = "…"
    next: str = "…"
    text: str = "…"


class Mistake(NamedTuple):
    """A mistake that a student is likely to make, the check that finds it, and whether doing what it says helps."""

    check: str
    make: Callable[[Built], Any]
    said: tuple[Said, ...]
    fixes: bool = False


def find(built: Built, mistake: Mistake) -> None:
    """Make the mistake, and assert that the check says so."""
    mistake.make(built)
    lines = wrong(built.lab.check(mistake.check))
    for line, said in zip(lines, mistake.said, strict=True):
        assert line.found and line.wanted and line.next
        assert not any(id in other.next for other in lines if other.next != line.next for id in doomed(line))
        for name, text in said._asdict().items():
            expected = text.format(b=built)
            shown = getattr(line, name)
            assert shown.startswith(expected[:-1]) if expected.endswith("…") else shown == expected
    if mistake.fixes:
        for line in lines:
            follow(built, line)
        assert built.lab.check(mistake.check).passed


def doomed(line: Line) -> list[str]:
    """The ids of what a line says to delete; no other line may say to change it as well."""
    return re.findall(r"(?:delete|terminate)_\w+\(\w+=\[?'([^']+)'", line.next)


def follow(built: Built, line: Line) -> None:
    """Do what a line says to do next, in a notebook with the names of the build cells."""
    exec(line.next.removesuffix("."), dict(built.names))
