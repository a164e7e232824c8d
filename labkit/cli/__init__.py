"""The command line: `labkit VERB`, or `python3 -m labkit VERB` on a machine where nothing is installed yet.

`labkit.__main__` calls `main`. Everything here uses only the standard library until the
environment is ready; a verb that needs more runs inside it.
"""

from __future__ import annotations

import argparse
import difflib
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from labkit import __version__
from labkit.cli import clean, cleanup, doctor, environment, flows, progress, run, start, streams, testing
from labkit.cli.messages import command, explain_os_error
from labkit.errors import LabError
from labkit.status import printable


@dataclass(frozen=True, slots=True)
class Verb:
    """One verb of the command line.

    Attributes:
        help: What it does, in one line.
        run: Does the work for the parsed arguments, and returns the exit code.
        parse: Parses the arguments; None if the verb takes none.
        in_environment: Whether it runs inside the environment, which is set up first if needed.
    """

    help: str
    run: Callable[[Any], int]
    parse: Callable[[list[str]], Any] | None = None
    in_environment: bool = True


def _setup(options: argparse.Namespace) -> int:
    print(f"Everything is set up in {sys.prefix}. '{command('start')}' opens the course.")
    return 0


VERBS = {
    "start": Verb("set everything up (once) and open the course in JupyterLab", start.run, start.parse),
    "test": Verb("run every test, the notebooks included; further arguments go to pytest", testing.run, testing.parse),
    "run": Verb("execute notebooks without a browser; write them and an HTML page of each", run.run, run.parse),
    "flows": Verb("list who talks to whom in VPC flow logs, and what nothing answered", flows.run, flows.parse),
    "progress": Verb("show what you have passed of the course, and what is left", progress.run, progress.parse, False),
    "cleanup": Verb("delete the lab from a real account, after a kernel that is gone", cleanup.run, cleanup.parse),
    "doctor": Verb("show what is right and wrong with this machine, and the fix", doctor.run, in_environment=False),
    "clean": Verb(
        "remove the environment and caches; never a notebook, a result or a file of yours",
        clean.run,
        in_environment=False,
    ),
    "setup": Verb("set everything up and stop there (for a classroom, or CI)", _setup),
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one verb.

    Args:
        arguments: The verb and its arguments; those of the command line unless given.

    Returns:
        The exit code: 0 done, 1 something failed, 2 wrong usage; 130 and more come from `labkit.interruption`.
    """
    try:
        with streams.flushed():
            return _dispatch(list(sys.argv[1:] if arguments is None else arguments))
    except BrokenPipeError:
        pass  # the reader (a pager, head) went away
    except (LabError, OSError) as error:
        # A LabError that is an OSError, too, has a sentence of its own.
        text = str(error if isinstance(error, LabError) else explain_os_error(error))
        print(f"labkit: {printable(text)}", file=sys.stderr)
    return 1


def _dispatch(arguments: list[str]) -> int:
    if not arguments or arguments[0] in ("-h", "--help", "help"):
        print(_help())
        return 0 if arguments else 2
    if arguments[0] == "--version":
        print(f"labkit {__version__}")
        return 0
    name, *rest = arguments
    verb = VERBS.get(name)
    if verb is None:
        close = difflib.get_close_matches(name, VERBS, n=1)
        hint = f"Did you mean '{command(close[0])}'? " if close else ""
        print(f"labkit: There is no verb '{name}'. {hint}The verbs are {', '.join(VERBS)}.", file=sys.stderr)
        return 2
    # The arguments are parsed first, so that a typo costs no set-up.
    plain = argparse.ArgumentParser(prog=f"labkit {name}", description=f"labkit {name}: {verb.help}.")
    options = verb.parse(rest) if verb.parse else plain.parse_args(rest)
    if verb.in_environment:
        python = environment.ensure()
        if python is not None:
            return environment.run_in(python, arguments)
    return verb.run(options)


def _help() -> str:
    lines = [f"usage: {command('VERB')} [ARGUMENTS]", ""]
    lines += ["Two VPCs, a ping that fails, and the flow logs that show why.", ""]
    lines += [f"  {name:<8} {verb.help}" for name, verb in VERBS.items()]
    lines += ["", f"'{command('VERB --help')}' explains one of them."]
    return "\n".join(lines)
