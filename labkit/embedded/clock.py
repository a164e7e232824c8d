"""The virtual clock of the embedded AWS: time moves only when an action, an echo or a wait takes time."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import UTC, datetime, timedelta

START = datetime(2025, 12, 3, 14, 41, tzinfo=UTC)
"""The moment at which a fresh embedded AWS begins: the minute of the original lab."""

Listener = Callable[[datetime, datetime], None]


class Clock:
    """A clock that stops until it is told to move, and never runs backwards.

    Args:
        start: The first moment, an aware datetime.
        lock: A reentrant lock that is held while the time moves and the listeners run. The embedded AWS passes its own,
            so that time and API actions can't overtake each other.

    >>> clock = Clock(START)
    >>> clock.advance(1.5)
    >>> clock.now().isoformat()
    '2025-12-03T14:41:01.500000+00:00'
    """

    def __init__(self, start: datetime = START, lock: AbstractContextManager[bool] | None = None) -> None:
        self._now = _utc(start)
        self._lock = lock if lock is not None else threading.RLock()
        self._telling = False
        self.listeners: list[Listener] = []
        """Called with (old, new), both aware, each time the clock has moved, in the order in which they were added."""

    def now(self) -> datetime:
        """Return the present moment, as an aware datetime in UTC."""
        return self._now

    def time(self) -> float:
        """Return the present moment in seconds since the epoch, as time.time() does."""
        return self._now.timestamp()

    def advance(self, seconds: float) -> None:
        """Let time pass, then tell the listeners.

        Args:
            seconds: How much, zero or more.

        Raises:
            ValueError: `seconds` is negative.
        """
        if not seconds >= 0:
            raise ValueError(f"The clock can't go back: {seconds} seconds is less than zero. Give zero or more.")
        with self._lock:
            self._move(self._now + timedelta(seconds=seconds))

    def jump_to(self, moment: datetime) -> None:
        """Let time pass until a moment, then tell the listeners.

        Args:
            moment: An aware datetime.

        Raises:
            ValueError: The moment is past.
        """
        with self._lock:
            target = _utc(moment)
            if target < self._now:
                raise ValueError(
                    f"The clock can't go back: {target.isoformat()} is before now, {self._now.isoformat()}. "
                    "Give a later moment, or stop the embedded AWS and start it again for a fresh one."
                )
            self._move(target)

    def _move(self, new: datetime) -> None:
        if self._telling:
            raise RuntimeError("The clock is moving already: what listens to it must not move it itself.")
        old = self._now
        if new == old:
            return
        self._now = new
        self._telling = True
        try:
            for listener in tuple(self.listeners):
                listener(old, new)
        finally:
            self._telling = False


def _utc(moment: datetime) -> datetime:
    if moment.tzinfo is None:
        raise ValueError(
            f"{moment.isoformat()} has no time zone. Give an aware datetime, such as datetime(…, tzinfo=timezone.utc)."
        )
    return moment.astimezone(UTC)
