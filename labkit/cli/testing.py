"""`labkit test`: runs every test, and every notebook cell by cell against its committed output, with pytest."""

from __future__ import annotations

import importlib.util
import sys

from labkit import interruption
from labkit.cli import environment
from labkit.errors import CommandError
from labkit.machine import cores

MOST_WORKERS = 8


def parse(arguments: list[str]) -> list[str]:
    """Return the arguments for pytest, after printing the help if that is asked for."""
    if arguments in (["-h"], ["--help"]):
        print(
            "usage: labkit test [PYTEST ARGUMENTS]\n\n"
            "Sets everything up (the first time), then runs every test, and executes the notebooks and compares each\n"
            "output with the committed one. Arguments go to pytest: labkit test -k peering, labkit test tests/cli,\n"
            "-n 0 for one process; 'labkit test -- --help' shows pytest's own help. For a debugger, run pytest itself."
        )
        raise SystemExit(0)
    return arguments[1:] if arguments[:1] == ["--"] else arguments


def run(options: list[str]) -> int:
    """Run pytest with these arguments; return its exit code."""
    missing = [name for name in ("pytest", "nbval", "xdist") if importlib.util.find_spec(name) is None]
    if missing:
        raise CommandError(
            f"This environment has labkit but not the tools for tests ({', '.join(missing)}): in the project's folder "
            f"run {environment.INSTALL}"
        )
    # Notebooks are compared strictly; one worker per core, each with whole files to itself.
    settings = ["--nbval", "-n", str(min(cores(), MOST_WORKERS)), "--dist", "loadfile"]
    line = [sys.executable, "-m", "pytest", *settings, *options]
    # pytest takes its settings, and what to test, from the folder it runs in. It and its workers must not see Ctrl-C,
    # of which each would print a traceback.
    with interruption.child(line, cwd=environment.root(), env=environment.variables()) as pytest:
        return pytest.wait()
