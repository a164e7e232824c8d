"""What a check says of the student's own cloud: lines with ✓ and ✗, and after each ✗ what to do next."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass
from html import escape
from typing import Protocol, TypeVar

from labkit.errors import CheckFailedError

#: The environment variable of a grader's run: what is not passed raises CheckFailedError, so that the run fails.
STRICT = "LABKIT_STRICT"


@dataclass(frozen=True, slots=True)
class Line:
    """One thing that was looked at.

    Parameters: `ok`, whether it is as wanted; `text`, what is right, or what it is about; where it isn't right, `found`
    and `wanted` say what is there and what should be, and `next` which call or cell mends it. `absent` says that there
    is nothing yet, which is no mistake.

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
        said = [f"{word + ':':<7} {value}" for word, value in self._said()]
        return "\n    ".join([f"{'✓' if self.ok else '✗'} {self.text}", *said])

    def _said(self) -> list[tuple[str, str]]:
        said = (("found", self.found), ("wanted", self.wanted), ("next", self.next))
        return [] if self.ok else [(word, value) for word, value in said if value]

    def html(self) -> str:
        """The same as an item of a list, the mark also in words for those who hear it."""
        mark = "<b role='img' aria-label='{}'>{}</b>".format(*(("right", "✓") if self.ok else ("not yet", "✗")))
        said = "".join(f"<div><b>{word}:</b> {escape(value)}</div>" for word, value in self._said())
        more = f"<div style='margin-left:1.6em'>{said}</div>" if said else ""
        return f"<li>{mark} {escape(self.text)}{more}</li>"


@dataclass(frozen=True)
class Result:
    """What a check found, line by line; `passed` where every line is right.

    Parameters: `name` is the check's; `lines` what it looked at; `note` a sentence about something else, such as a
    progress file that can't be written.
    """

    name: str
    lines: tuple[Line, ...]
    note: str = ""

    @property
    def passed(self) -> bool:
        return bool(self.lines) and all(line.ok for line in self.lines)

    @property
    def begun(self) -> bool:
        """Whether there is anything yet to be checked."""
        return not all(line.absent for line in self.lines)

    @property
    def score(self) -> int:
        return int(self.passed)

    @property
    def heading(self) -> str:
        right = sum(line.ok for line in self.lines)
        return f"{self.name}: " + ("all right" if self.passed else f"{right} of {len(self.lines)} right")

    def __repr__(self) -> str:
        lines = [f"  {line}".replace("\n", "\n  ") for line in self.lines]
        return "\n".join([self.heading, *lines, *([self.note] if self.note else [])])

    def _repr_html_(self) -> str:
        return listed(self.heading, (line.html() for line in self.lines), self.note)


def listed(heading: str, items: Iterable[str], note: str = "") -> str:
    """A heading and a list, in HTML; the items are HTML already."""
    after = f"<p><i>{escape(note)}</i></p>" if note else ""
    return (
        f"<div class='labkit-check'><p style='margin:0'><b>{escape(heading)}</b></p>"
        f"<ul style='list-style:none;margin:0;padding-left:1em'>{''.join(items)}</ul>{after}</div>"
    )


class _Outcome(Protocol):
    @property
    def passed(self) -> bool: ...


Outcome = TypeVar("Outcome", bound=_Outcome)


def strictly(outcome: Outcome) -> Outcome:
    """What was found; raises CheckFailedError in its place where LABKIT_STRICT is set and it is not passed."""
    if os.environ.get(STRICT) and not outcome.passed:
        raise CheckFailedError(repr(outcome))
    return outcome
