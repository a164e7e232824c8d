"""What a check found: lines marked ✓ or ✗, each ✗ with what to do next. Every check of the course makes these."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass
from html import escape
from typing import Protocol, TypeVar

from labkit.errors import CheckFailedError
from labkit.learn.blocks import html_block

#: The environment variable of a grader's run: what is not passed raises CheckFailedError, so that the run fails.
STRICT = "LABKIT_STRICT"


@dataclass(frozen=True, slots=True)
class Line:
    """One thing that a check looked at.

    Attributes:
        ok: Whether it is as wanted.
        text: What is right, or what the line is about if something is wrong.
        found: What is there, if it is wrong.
        wanted: What should be there, if it is wrong.
        next: The call or the cell that fixes it, if it is wrong.
        absent: Whether nothing is there yet, which is not a mistake.

    >>> print(Line(True, "vpc-1 has the range 10.1.0.0/16"))
    ✓ vpc-1 has the range 10.1.0.0/16
    >>> print(Line(False, "vpc-2", "the range 10.1.0.0/16", "10.2.0.0/16", "delete it, and make it again."))
    ✗ vpc-2
        found:  the range 10.1.0.0/16
        wanted: 10.2.0.0/16
        next:   delete it, and make it again.
    """

    ok: bool
    text: str
    found: str = ""
    wanted: str = ""
    next: str = ""
    absent: bool = False

    def __str__(self) -> str:
        details = [f"{label + ':':<7} {value}" for label, value in self._details()]
        return "\n    ".join([f"{'✓' if self.ok else '✗'} {self.text}", *details])

    def _details(self) -> list[tuple[str, str]]:
        details = (("found", self.found), ("wanted", self.wanted), ("next", self.next))
        return [] if self.ok else [(label, value) for label, value in details if value]

    def html(self) -> str:
        """Return the line as an HTML list item, with the mark also in words for screen readers."""
        mark = "<b role='img' aria-label='{}'>{}</b>".format(*(("right", "✓") if self.ok else ("not yet", "✗")))
        details = "".join(f"<div><b>{label}:</b> {escape(value)}</div>" for label, value in self._details())
        more = f"<div style='margin-left:1.6em'>{details}</div>" if details else ""
        return f"<li>{mark} {escape(self.text)}{more}</li>"


@dataclass(frozen=True)
class Result:
    """What a check found, line by line.

    Attributes:
        name: The check's name.
        lines: What it looked at.
        note: A sentence about something else, such as a progress file that can't be written.
    """

    name: str
    lines: tuple[Line, ...]
    note: str = ""

    @property
    def passed(self) -> bool:
        """Whether every line is right."""
        return bool(self.lines) and all(line.ok for line in self.lines)

    @property
    def begun(self) -> bool:
        """Whether there is anything to check yet."""
        return not all(line.absent for line in self.lines)

    @property
    def state(self) -> str:
        """How much of it is right, in words."""
        return "all right" if self.passed else f"{sum(line.ok for line in self.lines)} of {len(self.lines)}"

    @property
    def _heading(self) -> str:
        return f"{self.name}: {self.state}" + ("" if self.passed else " right")

    def __repr__(self) -> str:
        lines = [f"  {line}".replace("\n", "\n  ") for line in self.lines]
        return "\n".join([self._heading, *lines, *([self.note] if self.note else [])])

    def _repr_html_(self) -> str:
        return html_list(self._heading, (line.html() for line in self.lines), self.note)


def html_list(heading: str, items: Iterable[str], note: str = "") -> str:
    """Return a heading and a list in HTML; the items are HTML already."""
    after = f"<p><i>{escape(note)}</i></p>" if note else ""
    return html_block(
        "check",
        f"<p style='margin:0'><b>{escape(heading)}</b></p>"
        f"<ul style='list-style:none;margin:0;padding-left:1em'>{''.join(items)}</ul>{after}",
    )


class _Outcome(Protocol):
    @property
    def passed(self) -> bool: ...


Outcome = TypeVar("Outcome", bound=_Outcome)


def strict(outcome: Outcome) -> Outcome:
    """Return the outcome of a check, an exercise or a quiz, unless a grader wants an error for what is not passed.

    Raises:
        CheckFailedError: LABKIT_STRICT is set and the outcome is not passed.
    """
    if os.environ.get(STRICT) and not outcome.passed:
        raise CheckFailedError(repr(outcome))
    return outcome
