"""Standard output and error that show what they can, whatever their encoding, and lose nothing in silence.

`labkit.__main__` calls `prepare` before a verb prints; `labkit.cli` holds `flushed` around each verb.
"""

from __future__ import annotations

import codecs
import io
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager

#: What stands for the characters of our texts where an encoding lacks them.
_PLAIN = {
    "✓": "ok", "✗": "x", "×": "x", "·": "-", "•": "-", "–": "-", "—": "-", "→": "->", "←": "<-", "↔": "<->",
    "…": "...", "‘": "'", "’": "'", "“": '"', "”": '"', "≥": ">=", "≤": "<=", "─": "-", "│": "|",
    "−": "-", "≈": "~", "½": "1/2",
}  # fmt: skip


def plainly(error: UnicodeError) -> tuple[str, int]:
    """Replace what an encoding lacks, as `codecs.register_error` wants it.

    >>> codecs.register_error("plainly", plainly)
    >>> "✓ 3 → 4 … 漢".encode("ascii", "plainly")
    b'ok 3 -> 4 ... ?'
    """
    if not isinstance(error, UnicodeEncodeError):
        raise error
    return "".join(_PLAIN.get(each, "?") for each in error.object[error.start : error.end]), error.end


def prepare() -> None:
    """Let standard output and error show any text, and open what was closed, so that no file takes its place."""
    codecs.register_error("labkit", plainly)
    for name in ("stdin", "stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:
            # The lowest free number is that of the closed stream.
            number = os.open(os.devnull, os.O_RDWR)
            setattr(sys, name, open(number, "r" if name == "stdin" else "w", encoding="utf-8"))  # noqa: SIM115
        elif isinstance(stream, io.TextIOWrapper) and name != "stdin":
            stream.reconfigure(errors="labkit")


@contextmanager
def flushed() -> Iterator[None]:
    """Write out what was printed in a `with` block.

    Raises:
        OSError: It can't be written, as on a full disk. What is left of it is given up.
    """
    try:
        yield
    finally:
        try:
            sys.stdout.flush()
        except OSError:
            # Python would try again when it ends, and complain.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            raise
