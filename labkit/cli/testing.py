"""`labkit test`: every test, and every notebook cell by cell against its committed output, in one pytest run."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys

from labkit.cli import environment
from labkit.errors import CommandError

MOST_WORKERS = 8


def parse(arguments: list[str]) -> list[str]:
    if arguments in (["-h"], ["--help"]):
        print(
            "usage: labkit test [PYTEST ARGUMENTS]\n\n"
            "Sets everything up (the first time), then runs every test, and executes the notebooks and compares each\n"
            "output with the committed one. Arguments go to pytest: labkit test -k peering, labkit test tests/cli,\n"
            "-n 0 for one process; 'labkit test -- --help' shows pytest's own help."
        )
        raise SystemExit(0)
    return arguments[1:] if arguments[:1] == ["--"] else arguments


def run(options: list[str]) -> int:
    missing = [name for name in ("pytest", "nbval", "xdist") if importlib.util.find_spec(name) is None]
    if missing:
        raise CommandError(
            f"This environment has labkit but not the tools for tests ({', '.join(missing)}): in the project's folder "
            f"run {environment.INSTALL}"
        )
    # Notebooks are compared strictly; one worker per core, each with whole files to itself.
    settings = ["--nbval", "-n", str(min(cores(), MOST_WORKERS)), "--dist", "loadfile"]
    # pytest takes its settings, and what to test, from the folder it runs in.
    return subprocess.call(
        [sys.executable, "-m", "pytest", *settings, *options],
        cwd=environment.root(),
        env={**os.environ, "PYTHONHASHSEED": "0"},
    )


def cores() -> int:
    """The cores that this process may use."""
    if sys.platform == "linux":
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
