"""The command line: `labkit VERB`, or `python3 -m labkit VERB` on a machine where nothing is installed yet.

Everything here uses only the standard library until the environment stands; a verb that needs more runs inside it.
"""

from __future__ import annotations

import argparse
import difflib
import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from labkit import __version__
from labkit.cli import clean, doctor, environment, flows, progress, run, start, testing
from labkit.cli.errors import command
from labkit.errors import LabError


@dataclass(frozen=True, slots=True)
class Verb:
    """One verb: a line of help, the work, how its arguments are read, and whether it runs inside the environment."""

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
    "progress": Verb("say what you have passed of the course, and what is left", progress.run, progress.parse, False),
    "doctor": Verb("say what is right and wrong with this machine, and the fix", doctor.run, in_environment=False),
    "clean": Verb("remove what set-up made; never a notebook or a file of yours", clean.run, in_environment=False),
    "setup": Verb("set everything up and stop there (for a class room, or CI)", _setup),
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one verb; returns the exit code: 0 done, 1 something failed, 2 wrong usage, 130 interrupted."""
    try:
        return _dispatch(list(sys.argv[1:] if arguments is None else arguments))
    except LabError as error:
        print(f"labkit: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nlabkit: Interrupted. Nothing is lost: run the same command again.", file=sys.stderr)
        return 130
    except BrokenPipeError:
        # The reader (a pager, head) went away: stop quietly, and keep Python from complaining when it closes stdout.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
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
    # The arguments are read first, so that a typo costs no set-up.
    plain = argparse.ArgumentParser(prog=f"labkit {name}", description=f"labkit {name}: {verb.help}.")
    options = verb.parse(rest) if verb.parse else plain.parse_args(rest)
    if verb.in_environment:
        python = environment.ensure()
        if python is not None:
            return environment.run_in(python, arguments)
    return verb.run(options)


def _help() -> str:
    lines = [f"usage: {command('VERB')} [ARGUMENTS]", ""]
    lines += ["Two VPCs, a ping that fails, and the flow logs that tell why.", ""]
    lines += [f"  {name:<8} {verb.help}" for name, verb in VERBS.items()]
    lines += ["", f"'{command('VERB --help')}' says more about one of them."]
    return "\n".join(lines)
