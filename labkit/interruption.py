"""Ends a command when a person or the system asks for it: Ctrl-C, SIGTERM, a closed terminal.

`labkit.__main__` calls `watch` before anything else. The first signal ends the process from within its handler, and
the processes that it started, with one sentence. An exception could not do that: it would surface anywhere, also inside
a library that goes on after it, or that shows it as an error of its own. What must not be cut in half is inside
`deferred`. It needs only the standard library, so it works while set-up runs.
"""

from __future__ import annotations

import atexit
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any, NoReturn

#: The signals that ask a process to end, as far as this system has them.
SIGNALS = [
    getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP", "SIGBREAK") if hasattr(signal, name)
]  # fmt: skip

#: How long to wait for processes that were killed, in seconds.
_KILL_SECONDS = 1.0

_children: set[subprocess.Popen[str]] = set()
_cleanings: list[Callable[[], object]] = []
_unfinished: set[object] = set()
_asked: int | None = None


def watch(ending: Callable[[int], object] | None = None) -> None:
    """End the process at the first of SIGNALS from now on, except those that it was started to ignore, as by nohup.

    Args:
        ending: What ends it, given the signal; `end` unless given.
    """
    global _ending
    _ending = ending or end
    for number in SIGNALS:
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, _on_signal)
    # At the very end, Python takes the handlers away: a signal that comes then finds the work done.
    atexit.register(hold)
    if sys.platform != "win32":
        signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS)  # `hold` may have blocked them


def hold() -> None:
    """Leave signals to the program that takes the place of this process, or that this process now only waits for.

    They wait until that program calls `watch`: while its Python starts, one would end it with a traceback. On Windows,
    Ctrl-C reaches both processes, and this one waits for the other.
    """
    if sys.platform == "win32":
        for number in SIGNALS:
            signal.signal(number, signal.SIG_IGN)
    else:
        signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)


@contextmanager
def deferred() -> Iterator[None]:
    """Let a `with` block, which should take no longer than writing a file, finish before a signal ends the process."""
    block = object()
    _unfinished.add(block)
    try:
        yield
    finally:
        _unfinished.discard(block)
        if _asked is not None and not _unfinished:
            _ending(_asked)


@contextmanager
def child(line: Sequence[str], **options: Any) -> Iterator[subprocess.Popen[str]]:
    """Start a process that ends with this one, and wait for it at the end of a `with` block.

    It is in a process group of its own: a terminal's Ctrl-C does not reach it, and what it starts is killed with it.

    Args:
        line: The program and its arguments.
        options: Further arguments of `subprocess.Popen`.
    """
    if sys.platform == "win32":
        options["creationflags"] = subprocess.CREATE_NEW_PROCESS_GROUP
    else:
        options["process_group"] = 0
    with deferred():
        process = subprocess.Popen(line, stdin=subprocess.DEVNULL, text=True, **options)
        _children.add(process)
    try:
        with process:
            yield process
    finally:
        _children.discard(process)


def at_end(cleaning: Callable[[], object]) -> None:
    """Call a function when the process ends, also when a signal ends it, such as to remove a temporary folder."""
    atexit.register(cleaning)
    _cleanings.append(cleaning)


def kill_children() -> None:
    """Kill all that this process started, and what that started."""
    for process in [each for each in _children if each.returncode is None]:
        with suppress(OSError):
            process.kill() if sys.platform == "win32" else os.killpg(process.pid, signal.SIGKILL)
    try:
        import psutil
    except ImportError:  # the environment is not ready: all that was started are those above
        return
    # Kernels have sessions of their own, so no group has them all.
    started = psutil.Process().children(recursive=True)
    for process in started:
        with suppress(psutil.Error):
            process.kill()
    psutil.wait_procs(started, timeout=_KILL_SECONDS)


def end(number: int, sentence: str = "") -> NoReturn:
    """End this process and those that it started, and say so.

    Args:
        number: The signal that asked for it. The exit code is 128 more, as in a shell: 130 for SIGINT.
        sentence: What to say; that the command was interrupted, unless given.
    """
    what = "Interrupted" if number == signal.SIGINT else f"Ended by {signal.Signals(number).name}"
    said = sentence or f"labkit: {what}. Nothing is lost: run the same command again."
    new_line = "\n" if os.isatty(2) else ""
    try:
        kill_children()
        for cleaning in _cleanings:
            with suppress(OSError):
                cleaning()
        os.write(2, f"{new_line}{said}\n".encode())
    finally:
        os._exit(128 + number)


_ending: Callable[[int], object] = end


def _on_signal(number: int, frame: object) -> None:
    global _asked
    for each in SIGNALS:
        if signal.getsignal(each) is _on_signal:
            signal.signal(each, signal.SIG_DFL)  # a second one ends the process whatever it does
    _asked = number
    if not _unfinished:
        _ending(number)
