"""Waits for a real AWS: asks again until the answer is there, and shows meanwhile what it waits for."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

from labkit.session.sleeping import is_virtual
from labkit.status import Status

T = TypeVar("T")


def poll(ask: Callable[[], T | None], *, patience: float, every: float, awaited: Callable[[], str]) -> T | None:
    """Call a function until it returns something true.

    Args:
        ask: The function.
        patience: How long to go on, in seconds.
        every: The pause between two calls, in seconds.
        awaited: Returns what is being waited for, to be shown in the line of progress.

    Returns:
        What the function returned last, or None if the patience ended first.

    >>> poll(lambda: "there", patience=0, every=1, awaited=lambda: "it")
    'there'
    """
    started = time.monotonic()
    if answer := ask():
        return answer
    with Status(quiet=None if is_virtual() else 0) as status:
        while (waited := time.monotonic() - started) < patience:
            status.say(f"{waited:3.0f} s, waiting for {awaited()}", plain=f"waiting for {awaited()}")
            time.sleep(every)
            if answer := ask():
                return answer
    return None
