"""Noticing, without asking AWS, that a call from here may have changed the network."""

from __future__ import annotations

from typing import Any

#: Operations whose names begin so only look.
_LOOKS = ("Describe", "Get", "List", "Search", "Export")

_made = 0


def changes() -> int:
    """How many calls to EC2 so far may have changed something, of clients made since `watch`."""
    return _made


def watch() -> None:
    """Count the changing calls of every client that boto3 makes from now on.

    Other sessions, other programs and the console are not seen: what shows the network offers to read it again.
    """
    import boto3

    if boto3.DEFAULT_SESSION is None:
        boto3.setup_default_session()
    boto3.DEFAULT_SESSION.events.register("after-call.ec2", _note, unique_id="labkit-changes")


def _note(model: Any, **_: Any) -> None:
    global _made
    if not model.name.startswith(_LOOKS):
        _made += 1
