"""Waiting for a real AWS: ask again until the answer is there, and say meanwhile what is awaited."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from typing import TypeVar

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
    deadline, shown = time.monotonic() + patience, 0
    try:
        while not (answer := ask()):
            if time.monotonic() >= deadline:
                return None
            text = f"waiting for {awaited()}"
            print(f"\r{text:{shown}}", end="", file=sys.stderr, flush=True)
            shown = len(text)
            time.sleep(every)
        return answer
    finally:
        if shown:
            print(f"\r{'':{shown}}\r", end="", file=sys.stderr, flush=True)
