"""What a check found, in lines: ✓ is right, ✗ is wrong, · is not there yet. Every check of the course makes these.

What is not there yet is not wrong: a check is wrong, and a failed try, only if one of its lines is. A check of which
nothing is there yet is not begun.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from html import escape
from typing import Protocol, TypeVar

from labkit.errors import CheckFailedError
from labkit.learn.blocks import ABSENT_MARK, RIGHT_MARK, WRONG_MARK, html_block, mark_html
from labkit.learn.judging import UNATTEMPTED

#: The environment variable of a grader's run. What is wrong raises CheckFailedError there, so that the cell fails; an
#: exercise without an answer does not.
STRICT = "LABKIT_STRICT"


@dataclass(frozen=True, slots=True)
class Line:
    """One thing that a check looked at.

    Attributes:
        ok: Whether it is as wanted.
        text: What is right, or what the line is about if something is wrong.
        found: What is there, if it is wrong.
        wanted: What should be there, if it is wrong.
        next: The call or the cell that fixes it, if it is wrong; empty if there is nothing to do.
        absent: Whether nothing is there yet, which is not a mistake.

    >>> print(Line(True, "vpc-1 has the range 10.1.0.0/16"))
    ✓ vpc-1 has the range 10.1.0.0/16
    >>> print(Line(False, "vpc-2", "the range 10.1.0.0/16", "10.2.0.0/16", "delete it, and make it again."))
    ✗ vpc-2
        found:  the range 10.1.0.0/16
        wanted: 10.2.0.0/16
        next:   delete it, and make it again.
    >>> print(Line(False, "vpc-2", "nothing of this name", "one", "run its cell.", absent=True))
    · vpc-2
        found:  nothing of this name
        wanted: one
        next:   run its cell.
    """

    ok: bool
    text: str
    found: str = ""
    wanted: str = ""
    next: str = ""
    absent: bool = False

    def __str__(self) -> str:
        details = [f"{label + ':':<7} {value}" for label, value in self._details()]
        return "\n    ".join([f"{self._mark[0]} {self.text}", *details])

    @property
    def _mark(self) -> tuple[str, str]:
        return RIGHT_MARK if self.ok else ABSENT_MARK if self.absent else WRONG_MARK

    def _details(self) -> list[tuple[str, str]]:
        details = (("found", self.found), ("wanted", self.wanted), ("next", self.next))
        return [] if self.ok else [(label, value) for label, value in details if value]

    def html(self) -> str:
        """Return the line as an HTML list item."""
        details = "".join(f"<div><b>{label}:</b> {escape(value)}</div>" for label, value in self._details())
        more = f"<div style='margin-left:1.6em'>{details}</div>" if details else ""
        return f"<li>{mark_html(self._mark)} {escape(self.text)}{more}</li>"


@dataclass(frozen=True, slots=True)
class Unseen(Line):
    """What AWS gave no answer about, so that nothing can be said of it."""


@dataclass(frozen=True)
class Result:
    """What a check found, line by line.

    Attributes:
        name: The check's name.
        lines: What it looked at.
        note: A sentence about something else, such as a progress file that can't be written.
        half: The VPC, if only its half was looked at.
        known: Whether there is such a check; if not, the only line says which there are.
        before: Whether it is known to have been passed before.

    A result counts as a try if there is such a check, it is right or wrong, and AWS answered.
    """

    name: str
    lines: tuple[Line, ...]
    note: str = ""
    half: str = ""
    known: bool = True
    before: bool = False

    @property
    def passed(self) -> bool:
        """Whether every line is right."""
        return bool(self.lines) and all(line.ok for line in self.lines)

    @property
    def begun(self) -> bool:
        """Whether there is anything to check yet."""
        return not all(line.absent for line in self.lines)

    @property
    def counts(self) -> bool:
        """Whether it counts as a try."""
        return self.known and (self.passed or self.wrong) and not any(isinstance(line, Unseen) for line in self.lines)

    @property
    def wrong(self) -> bool:
        """Whether a line is wrong; what is not there yet is not."""
        return any(not line.ok and not line.absent for line in self.lines)

    @property
    def left(self) -> bool:
        """Whether there is something left to do."""
        return self.wrong or any(line.next for line in self.lines if not line.ok)

    @property
    def mark(self) -> tuple[str, str]:
        """The mark of the whole, and the same in words."""
        return RIGHT_MARK if self.passed else WRONG_MARK if self.wrong else ABSENT_MARK

    @property
    def state(self) -> str:
        """How much of it is right, in words."""
        if not self.begun:
            return "nothing to do" if not self.left else "not there now, but was before" if self.before else "not begun"
        return "all right" if self.passed else f"{sum(line.ok for line in self.lines)} of {len(self.lines)} right"

    @property
    def _heading(self) -> str:
        return f"{', '.join(filter(None, (self.name, self.half)))}: {self.state}"

    def _shown(self) -> Iterator[Line]:
        """Yield the lines as they are shown: of several that say to do the same next, the last one says it."""
        for number, line in enumerate(self.lines, start=1):
            again = any(line.next == later.next for later in self.lines[number:])
            yield replace(line, next="") if again else line

    def __repr__(self) -> str:
        lines = [f"  {line}".replace("\n", "\n  ") for line in self._shown()]
        return "\n".join([self._heading, *lines, *([self.note] if self.note else [])])

    def _repr_html_(self) -> str:
        return html_list(self._heading, (line.html() for line in self._shown()), self.note)


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
        CheckFailedError: LABKIT_STRICT is set and the outcome is not passed. No answer at all is no error.
    """
    if os.environ.get(STRICT) and not outcome.passed and outcome is not UNATTEMPTED:
        raise CheckFailedError(repr(outcome))
    return outcome
