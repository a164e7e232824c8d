"""A progress bar: one line that updates in a terminal; elsewhere one line for each part that is done."""

from __future__ import annotations

import shutil
import sys
from types import TracebackType

WIDTH = 24


class Progress:
    """Counts steps up to a total, and shows them on standard output.

    >>> with Progress(2) as progress:
    ...     progress.step("03-the-failed-ping")
    ...     progress.done("03-the-failed-ping: ok")
    03-the-failed-ping: ok
    """

    def __init__(self, total: int) -> None:
        self._total = total
        self._count = 0
        self._live = sys.stdout.isatty()

    def __enter__(self) -> Progress:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._clear()

    def step(self, name: str) -> None:
        """One more step, in the part that bears this name."""
        self._count += 1
        if self._live:
            filled = WIDTH * self._count // max(self._total, 1)
            text = f"[{'#' * filled}{'.' * (WIDTH - filled)}] cell {self._count} of {self._total}  {name}"
            print(f"\r\x1b[2K{text[: shutil.get_terminal_size().columns - 1]}", end="", flush=True)

    def done(self, text: str) -> None:
        """A part is done: a line that stays."""
        self._clear()
        print(text, flush=True)

    def _clear(self) -> None:
        if self._live:
            print("\r\x1b[2K", end="", flush=True)
