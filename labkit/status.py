"""A line that says how far long work is: replaced in a terminal and in a notebook, one plain line elsewhere.

It uses only the standard library, and belongs to no room, so that every one of them can use it.
"""

from __future__ import annotations

import shutil
import sys
import time
from typing import Any, TextIO

#: Work that takes no longer than this says nothing.
QUIET_SECONDS = 1.0
#: A line that is replaced is written no more often than this.
PAUSE_SECONDS = 0.1


def is_live() -> bool:
    """Whether this cell was run from a front end such as JupyterLab, by somebody who can move a widget.

    Such front ends offer to ask the person (`allow_stdin`); nbconvert, nbclient and nbval, which run notebooks without
    one, do not, and a script has no kernel at all.
    https://jupyter-client.readthedocs.io/en/stable/messaging.html#execute

    >>> is_live()
    False
    """
    return bool(getattr(_kernel(), "_allow_stdin", False))


def shell() -> Any:
    """The IPython that runs this, in a notebook or a terminal, or None in a plain script."""
    ipython = sys.modules.get("IPython")
    return ipython.get_ipython() if ipython else None


def _kernel() -> object | None:
    return getattr(shell(), "kernel", None)


class Status:
    """The line, for the time of a `with` block.

    In a terminal and in a front end it is replaced by what is said last, and gone in the end; where nobody can see it
    replaced, as in CI, the first thing that is said after a second stays as a plain line; in a notebook that is run
    without a front end, whose outputs are kept and compared, nothing is written.

    Parameters: `quiet`, the seconds for which nothing is said, QUIET_SECONDS unless given; `stream`, where it is
    written, standard error unless given (in a notebook standard output: JupyterLab shows the other as an alarm).
    """

    def __init__(self, quiet: float | None = None, stream: TextIO | None = None) -> None:
        self._next = time.monotonic() + (QUIET_SECONDS if quiet is None else quiet)
        self._width = 0
        self._plain = False
        notebook = _kernel() is not None
        self._stream = stream or (sys.stdout if notebook else sys.stderr)
        self._replaced = is_live() if notebook else self._stream.isatty()
        self._silent = notebook and not self._replaced
        self._room = shutil.get_terminal_size().columns - 1 if not notebook else 100

    def __enter__(self) -> Status:
        return self

    def __exit__(self, *what: Any) -> None:
        if self._width:
            self._write("")

    def say(self, text: str, plain: str | None = None) -> None:
        """Show a text, if it is time to.

        Parameters: `plain` is the text where it can't be replaced, so should name the work, not the moment; an empty
        one means that nothing is said there.
        """
        if self._silent or self._plain or time.monotonic() < self._next:
            return
        if self._replaced:
            self._next = time.monotonic() + PAUSE_SECONDS
            self._write(text[: self._room])
        else:
            self._plain = True
            if plain != "":
                print(plain or text, file=self._stream, flush=True)

    def _write(self, text: str) -> None:
        # Spaces wipe what was longer: an escape sequence for it would show in a notebook.
        back = "" if text else "\r"
        print(f"\r{text:{self._width}}{back}", end="", file=self._stream, flush=True)
        self._width = len(text)


def bar(done: float, total: float) -> str:
    """A bar of 24 characters.

    >>> bar(1, 4)
    '[######..................]'
    """
    share = min(done / total, 1) if total else 0
    return f"[{'#' * int(24 * share):.<24}]"
