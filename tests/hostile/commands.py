"""Commands of labkit in processes of their own, on a small project, as a terminal or a killer treats them."""

from __future__ import annotations

import os
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil

ROOT = Path(__file__).parents[2]

#: `labkit` on the project in the current folder, with the Python that runs the tests as its environment. It says with a
#: byte on standard output that signals are watched from here on: before that, they are Python's own affair.
_PROGRAM = """
import os, sys
import signal
from pathlib import Path
signal.signal(signal.SIGHUP, signal.SIG_DFL)  # the tests may run under nohup
from labkit import interruption
interruption.watch()
os.write(1, b".")
from labkit.cli import environment
environment.root = Path.cwd
if os.environ.get("LABKIT_TEST_BARE") is None:
    environment.has_labkit = lambda root: True
from labkit.__main__ import main
sys.exit(main())
"""


class Command:
    """A running command.

    Args:
        project: The folder that it works in.
        arguments: The verb and its arguments.
        options: Further arguments of `subprocess.Popen`.
        variables: Environment variables.
    """

    def __init__(self, project: Path, *arguments: str, variables: dict[str, str] | None = None, **options: Any) -> None:
        known = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "", **(variables or {})}
        # A terminal gives each command a process group of its own.
        self.process = subprocess.Popen(
            [sys.executable, "-c", _PROGRAM, *arguments],
            cwd=project,
            env=known,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
            **options,
        )
        assert self.process.stdout is not None and self.process.stdout.read(1) == b"."

    def started(self) -> list[psutil.Process]:
        """Return the processes that it has started and that run now."""
        with suppress(psutil.NoSuchProcess):
            return psutil.Process(self.process.pid).children(recursive=True)
        return []

    def end(self, number: int, group: bool) -> tuple[int, str]:
        """Send it a signal, and wait; return its exit code and what it wrote to standard error.

        Args:
            number: The signal.
            group: Whether its whole process group gets the signal, as at Ctrl-C in a terminal.
        """
        (os.killpg if group else os.kill)(self.process.pid, number)
        try:
            _, error = self.process.communicate(timeout=30)
        finally:
            self.process.kill()
        return self.process.returncode, error.decode()


def still_running(processes: list[psutil.Process], seconds: float = 0) -> list[str]:
    """Return those of these processes that run after some seconds, and kill them."""
    _, alive = psutil.wait_procs(processes, timeout=seconds)
    left = [process for process in alive if process.is_running() and process.status() != psutil.STATUS_ZOMBIE]
    names = [f"{process.pid} {process.name()}" for process in left]
    for process in left:
        with suppress(psutil.Error):
            process.kill()
    return names
