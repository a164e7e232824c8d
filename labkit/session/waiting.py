"""Waiting for a real AWS: ask again until the answer is there, and say meanwhile what is awaited."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

from labkit.status import Status

Answer = TypeVar("Answer")


def poll(
    ask: Callable[[], Answer | None], *, patience: float, every: float, awaited: Callable[[], str]
) -> Answer | None:
    """Call `ask` until it gives something true, and give that; None once `patience` is over.

    Parameters: `patience` and `every`, the pause between two calls, are in seconds; `awaited` says what is being
    waited for, in a line that is gone when the waiting is.

    >>> poll(lambda: "there", patience=0, every=1, awaited=lambda: "it")
    'there'
    """
    started = time.monotonic()
    if answer := ask():
        return answer
    with Status(quiet=0) as status:
        while (waited := time.monotonic() - started) < patience:
            status.say(f"{waited:3.0f} s, waiting for {awaited()}", plain=f"waiting for {awaited()}")
            time.sleep(every)
            if answer := ask():
                return answer
    return None
