"""What this computer offers to labkit: the number of its cores, a lock that processes share, and whole files.

The commands use it to set up one environment at a time, and readers of large files to use all cores. It needs only the
standard library.
"""

from __future__ import annotations

import os
import stat
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from labkit import interruption


def cores() -> int:
    """Return the number of processor cores that this process may use."""
    if sys.platform == "linux":
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


@contextmanager
def locked(path: Path, wait: bool = True) -> Iterator[int]:
    """Hold a lock for the duration of a `with` block, so that one process at a time is in it.

    The operating system releases the lock when the process ends, however it ends. On POSIX systems, a process that
    inherits the open file holds the lock, too.

    Args:
        path: The file to lock. It is created if needed, and stays. Only who holds the lock may remove it.
        wait: Whether to wait until another process releases the lock.

    Yields:
        The number of the open file.

    Raises:
        BlockingIOError: If another process holds the lock, and `wait` is false.
    """
    while True:
        with open(path, "a", encoding="utf-8") as file:
            _lock(file, wait)
            # Who held it before may have removed the file; then another process may lock the next one.
            if path.exists() and os.path.samefile(file.fileno(), path):
                yield file.fileno()
                return


def _lock(file: TextIO, wait: bool) -> None:
    try:
        if sys.platform == "win32":
            import msvcrt

            file.seek(0)
            msvcrt.locking(file.fileno(), msvcrt.LK_LOCK if wait else msvcrt.LK_NBLCK, 1)
        else:
            import fcntl

            fcntl.flock(file, fcntl.LOCK_EX if wait else fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        raise BlockingIOError(error.errno, error.strerror, file.name) from None


def write_whole(path: Path, text: str) -> None:
    """Write all of a text file, or leave it as it is.

    A file that is there keeps its mode, and a link still leads to it. The text is first written beside the file, so one
    process at a time may do this for a file: hold a lock.

    Args:
        path: The file. It is replaced if it is there.
        text: Its text.
    """
    path = Path(os.path.realpath(path))
    draft = path.with_name(f".{path.name.removeprefix('.')}.new")
    mode = stat.S_IMODE(path.stat().st_mode) if path.exists() else None
    with interruption.deferred():
        try:
            draft.unlink(missing_ok=True)  # of a process that was killed
            # Who may not read the file may not read the draft either, not even for a moment.
            private = _private if mode is not None else None
            with open(draft, "x", encoding="utf-8", newline="\n", opener=private) as file:
                if mode is not None:
                    draft.chmod(mode)
                file.write(text)
            draft.replace(path)
        finally:
            draft.unlink(missing_ok=True)


def _private(name: str, flags: int) -> int:
    return os.open(name, flags, 0o600)
