"""Notes, without asking AWS, which calls from here may have changed the network.

The map and the widgets ask `lab.changes` whether they are out of date.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

#: How the names of operations begin that change nothing.
_LOOKS = ("Describe", "Get", "List", "Search", "Export")

_made: list[str] = []


def changes() -> Sequence[str]:
    """Return the EC2 operations that may have changed something, by clients made since `watch`, in order."""
    return _made


def watch() -> None:
    """Note the changing calls of every client that boto3 makes from now on.

    Calls of other sessions, other programs and the console go unnoticed, so what shows the network offers to read it
    again.
    """
    import boto3

    if boto3.DEFAULT_SESSION is None:
        boto3.setup_default_session()
    boto3.DEFAULT_SESSION.events.register("after-call.ec2", _note, unique_id="labkit-changes")


def _note(model: Any, **_: Any) -> None:
    if not model.name.startswith(_LOOKS):
        _made.append(model.name)
