"""What this computer offers to labkit: the number of its cores, and a lock that processes share.

The commands use it to set up one environment at a time, and readers of large files to use all cores. It needs only the
standard library.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


def cores() -> int:
    """Return the number of processor cores that this process may use."""
    if sys.platform == "linux":
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


@contextmanager
def locked(path: Path, wait: bool = True) -> Iterator[None]:
    """Hold a lock for the duration of a `with` block, so that one process at a time is in it.

    The operating system releases the lock when the process ends, however it ends.

    Args:
        path: The file to lock. It is created if needed, and stays.
        wait: Whether to wait until another process releases the lock.

    Raises:
        BlockingIOError: If another process holds the lock, and `wait` is false.
    """
    with open(path, "a", encoding="utf-8") as file:
        try:
            if sys.platform == "win32":
                import msvcrt

                file.seek(0)
                msvcrt.locking(file.fileno(), msvcrt.LK_LOCK if wait else msvcrt.LK_NBLCK, 1)
            else:
                import fcntl

                fcntl.flock(file, fcntl.LOCK_EX if wait else fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise BlockingIOError(error.errno, error.strerror, str(path)) from None
        yield
