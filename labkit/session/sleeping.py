"""By which clock pauses pass: this computer's or, in a contrary embedded AWS, the virtual one.

There, what AWS takes minutes for takes minutes of virtual time: whoever waits for it must let that time pass, and
nobody must sit through it. `accounts` chooses the clock.
"""

from __future__ import annotations

import importlib
import time
from typing import Any

#: The modules that pause, by the name `time`: labkit's loops, and boto3's waiters and repetitions.
_MODULES = (
    "labkit.session.waiting", "labkit.session.shell", "labkit.session.consistency",
    "botocore.waiter", "botocore.endpoint",
)  # fmt: skip

_current: Any = time


class VirtualTime:
    """What these modules need of Python's `time`, on a virtual clock.

    Args:
        clock: The clock of an embedded AWS.
    """

    def __init__(self, clock: Any) -> None:
        self._clock = clock

    def sleep(self, seconds: float) -> None:
        """Let virtual time pass."""
        self._clock.advance(seconds)

    def monotonic(self) -> float:
        """Return the virtual time, in seconds."""
        return float(self._clock.time())


def current() -> Any:
    """Return the `time` by which pauses pass now."""
    return _current


def is_virtual() -> bool:
    """Return whether pauses pass in virtual time, so that nobody waits for their end."""
    return isinstance(_current, VirtualTime)


def pause_by(clock: Any = time) -> None:
    """Let pauses pass by another clock from now on.

    Args:
        clock: A `VirtualTime`; Python's `time` unless given.
    """
    global _current
    if clock is not _current:
        for name in _MODULES:
            vars(importlib.import_module(name))["time"] = clock
        _current = clock
