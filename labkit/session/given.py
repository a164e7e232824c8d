"""Checks what a person gives to `lab`, before anything is done with it: each says what to give instead."""

from __future__ import annotations

from datetime import datetime

from labkit.errors import LabError
from labkit.status import quoted


def require_text(value: object, what: str, example: str) -> None:
    """Check that a value is a text that can be sent.

    Args:
        value: The value.
        what: What it is meant to be, such as `a name`.
        example: A call that gives one.

    Raises:
        LabError: It is not.

    >>> require_text(5, "a command", "lab.shell('instance-1', 'hostname')")
    Traceback (most recent call last):
    labkit.errors.LabError: 5 is not a command. Give one as text, such as lab.shell('instance-1', 'hostname').
    """
    if not isinstance(value, str) or "\0" in value or not _is_whole(value):
        raise LabError(f"{quoted(value)} is not {what}. Give one as text, such as {example}.")


def _is_whole(text: str) -> bool:
    """Return whether no character of a text is half of one, which cannot be sent."""
    return not any("\ud800" <= letter <= "\udfff" for letter in text)


def require_moment(value: object) -> None:
    """Check that a value is a moment with a time zone.

    Raises:
        LabError: It is not.
    """
    if not isinstance(value, datetime) or value.tzinfo is None:
        raise LabError(
            f"{quoted(value)} is not a moment with a time zone. Take one from lab.clock, before the traffic."
        )
