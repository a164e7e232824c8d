"""The small JSON files in a student's folder, which others may have written: read as a whole or refused, and locked.

The progress file, the bookmark, the notebooks and `labkit start`'s list of copies are read with this. Each caller says
in its own words what is lost if a file is refused.
"""

from __future__ import annotations

import errno
import json
import os
import re
import stat
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from itertools import accumulate
from pathlib import Path
from typing import Any

from labkit.errors import LabError
from labkit.machine import locked
from labkit.status import Status

#: How many brackets may be open at once. A notebook opens about a dozen, a progress file four.
DEEPEST = 100

#: A text in JSON, also one that never ends, or a bracket outside of one.
_TEXT_OR_BRACKET = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*"?|[\[\]{}]', re.DOTALL)
_STEPS = {"[": 1, "{": 1, "]": -1, "}": -1}

#: What a system says where another process holds a lock; other errors do not go away by waiting.
_HELD = {errno.EAGAIN, errno.EACCES, errno.EDEADLK}
_PAUSE_SECONDS = 0.02

#: The locks that other processes held for too long. Nobody waits for one of them again.
_stuck: set[Path] = set()

#: No number in these files is nearly as long.
_MOST_DIGITS = 100


def read_json(path: Path, most: int) -> Any:
    """Read a JSON file strictly: UTF-8, no key twice in an object, no NaN or Infinity.

    Args:
        path: The file.
        most: How many bytes it may have.

    Raises:
        OSError: It is not there, is no regular file, such as a pipe, or can't be read.
        ValueError: It is not such JSON, is larger, or is nested more deeply than DEEPEST; the text says what is wrong.

    Source: https://www.rfc-editor.org/rfc/rfc8259 (sections 4, 6, 8.1 and 9)
    """
    # Opening a pipe waits for who writes to it, unless it is opened so.
    with open(path, "rb", opener=lambda name, flags: os.open(name, flags | getattr(os, "O_NONBLOCK", 0))) as file:
        if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            raise OSError(errno.EINVAL, "it is not a regular file", str(path))
        data = file.read(most + 1)
    if len(data) > most:
        raise ValueError(f"it is larger than {most:,} bytes")
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        raise ValueError("it is not text in UTF-8") from None
    if max(accumulate(_steps(text)), default=0) > DEEPEST:
        raise ValueError(f"its brackets are nested more than {DEEPEST} deep")
    try:
        return json.loads(text, object_pairs_hook=_object, parse_constant=_no_number, parse_int=_whole)
    except json.JSONDecodeError as error:
        raise ValueError(f"it is not JSON in line {error.lineno}") from None


def _steps(text: str) -> Iterator[int]:
    """Yield 1 for each bracket that opens, and -1 for each that closes."""
    return (_STEPS[found[0]] for found in _TEXT_OR_BRACKET.finditer(text) if found[0] in _STEPS)


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("it has a key twice in one object")
    return found


def _whole(digits: str) -> int:
    if len(digits) > _MOST_DIGITS:
        raise ValueError(f"it has a number that is {len(digits):,} characters long")
    return int(digits)


def _no_number(name: str) -> None:
    raise ValueError(f"{name} is not a number of JSON")


@contextmanager
def held(path: Path, patience: float, what: str) -> Iterator[None]:
    """Hold a lock for the duration of a `with` block, and wait for it only so long.

    A system releases the lock of a process that has ended; one that is only stopped keeps it. After the first time that
    it does so for too long, nobody waits for this lock again.

    Args:
        path: The file to lock. It is created if needed, and stays.
        patience: How long to wait, in seconds.
        what: Who else may hold it, and why; what is waited for is shown after a second.

    Raises:
        LabError: Another process still holds the lock.
        OSError: There can be no lock in this place.
    """
    if path.exists() and not path.is_file():
        raise OSError(errno.EINVAL, f"{path.name} is not a regular file", str(path))
    with ExitStack() as stack:
        _enter(stack, path, patience, what)
        yield


def _enter(stack: ExitStack, path: Path, patience: float, what: str) -> None:
    until = time.monotonic() + (0 if path in _stuck else patience)
    with Status() as status:
        while True:
            try:
                stack.enter_context(locked(path, wait=False))
                _stuck.discard(path)
                return
            except BlockingIOError as error:
                if error.errno not in _HELD:
                    raise OSError(error.errno, error.strerror, str(path)) from None
            if time.monotonic() >= until:
                _stuck.add(path)
                raise LabError(
                    f"Waited for {what}, and it has not finished. Shut down the kernel, or end the program, that "
                    "hangs; then try again."
                )
            status.say(f"waiting for {what}")
            time.sleep(_PAUSE_SECONDS)
