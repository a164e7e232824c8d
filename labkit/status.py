"""A line that shows the progress of long work, who is there to see it, and texts that are safe to show.

In a terminal and in JupyterLab the line is replaced as the work goes on; elsewhere one plain line is printed. All rooms
use it, so it belongs to none and needs only the standard library.
"""

from __future__ import annotations

import shutil
import sys
import time
from typing import Any, TextIO

#: Work that takes no longer than this prints nothing.
QUIET_SECONDS = 1.0
#: A line that is replaced is written no more often than this.
PAUSE_SECONDS = 0.1


def is_live() -> bool:
    """Return whether this cell was run from a front end such as JupyterLab, by somebody who can move a widget.

    Such front ends can ask the person for input (`allow_stdin`). nbconvert, nbclient and nbval, which run notebooks
    without a person, cannot, and a script has no kernel at all.
    https://jupyter-client.readthedocs.io/en/stable/messaging.html#execute

    >>> is_live()
    False
    """
    return bool(getattr(_kernel(), "_allow_stdin", False))


def shell() -> Any:
    """Return the IPython that runs this code, in a notebook or a terminal, or None in a plain script."""
    ipython = sys.modules.get("IPython")
    return ipython.get_ipython() if ipython else None


def _kernel() -> object | None:
    return getattr(shell(), "kernel", None)


class Status:
    """A line of progress, shown during a `with` block.

    In a terminal and in JupyterLab each text replaces the one before it, and the last disappears at the end of the
    block. Where nothing can be replaced, as in CI, the first text after the quiet seconds stays as a plain line. In a
    notebook that is run without a front end, whose outputs are kept and compared, nothing is written.

    Args:
        quiet: The seconds during which nothing is shown; QUIET_SECONDS unless given.
        stream: Where to write. Unless given, that is standard error or, in a notebook, standard output, since
            JupyterLab shows standard error as an alarm.
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
        self.clear()

    def say(self, text: str, plain: str | None = None) -> None:
        """Show a text, unless another was shown a moment ago.

        Args:
            text: The text where it is replaced.
            plain: The text where it is not; it should name the work, not the moment. If it is empty, nothing is shown
                there. Unless given, it is `text`.
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

    def clear(self) -> None:
        """Remove the text that is shown, if any, so that a line can be printed in its place."""
        if self._width:
            self._write("")

    def _write(self, text: str) -> None:
        # Spaces wipe what was longer: an escape sequence for it would show in a notebook.
        back = "" if text else "\r"
        print(f"\r{text:{self._width}}{back}", end="", file=self._stream, flush=True)
        self._width = len(text)


def bar(done: float, total: float) -> str:
    """Return a progress bar, 24 characters wide between its brackets.

    Args:
        done: How much is done.
        total: How much there is to do, in the same unit; a bar of 0 is empty.

    >>> bar(1, 4)
    '[######..................]'
    """
    share = min(done / total, 1) if total else 0
    return f"[{'#' * int(24 * share):.<24}]"


def printable(text: str) -> str:
    """Return a text with an escape for each character that a terminal obeys or can't show; lines stay lines.

    >>> print(printable(f"a{chr(0x1B)}[2J {chr(0xD800)} {chr(0x202E)}").replace(chr(92), "/"))
    a/x1b[2J /ud800 /u202e
    """
    return "".join(each if each.isprintable() or each == "\n" else repr(each)[1:-1] for each in text)


def quoted(value: object) -> str:
    """Return any value as a message quotes it: in short, and of what Python can't write only the type.

    >>> quoted(5), quoted(10**5000)
    ('5', 'a value of the type int')
    """
    try:
        text = repr(value)
    except Exception:  # of the value's own class, or a number with more digits than Python writes
        text = f"a value of the type {type(value).__name__}"
    return printable(text if len(text) <= 80 else f"{text[:80]}…")
