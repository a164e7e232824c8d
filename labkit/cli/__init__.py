"""The command line: `labkit VERB`, or `python3 -m labkit VERB` on a machine where nothing is installed yet.

Everything here uses only the standard library until the environment stands; a verb that needs more runs inside it.
"""

from __future__ import annotations

import difflib
import importlib
import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, cast

from labkit import __version__
from labkit.cli.errors import LabkitError, command


class VerbModule(Protocol):
    """What the module of a verb offers: its arguments read first, so that a typo costs no set-up, then the work."""

    def parse(self, arguments: list[str]) -> Any: ...

    def run(self, options: Any) -> int: ...


@dataclass(frozen=True, slots=True)
class Verb:
    """One verb: the module in labkit.cli that does it, a line of help, and whether it runs inside the environment."""

    module: str
    help: str
    in_environment: bool = True

    def load(self) -> VerbModule:
        module: Any = importlib.import_module(f"labkit.cli.{self.module}")
        return cast(VerbModule, module)


VERBS = {
    "start": Verb("start", "set everything up (once) and open the course in JupyterLab"),
    "test": Verb("testing", "run every test, the notebooks included; further arguments go to pytest"),
    "run": Verb("run", "execute notebooks without a browser; write them and an HTML page of each"),
    "doctor": Verb("doctor", "say what is right and wrong with this machine, and the fix", in_environment=False),
    "clean": Verb("clean", "remove what set-up made; never a notebook or a file of yours", in_environment=False),
    "setup": Verb("setup", "set everything up and stop there (for a class room, or CI)"),
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one verb; returns the exit code: 0 done, 1 something failed, 2 wrong usage, 130 interrupted."""
    try:
        return _dispatch(list(sys.argv[1:] if arguments is None else arguments))
    except LabkitError as error:
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
    module = verb.load()
    options = module.parse(rest)
    if verb.in_environment:
        from labkit.cli import environment

        python = environment.ensure()
        if python is not None:
            return _run_there(python, arguments)
    return module.run(options)


def _run_there(python: Path, arguments: list[str]) -> int:
    """The same command in the environment's Python: in this process's place, or on Windows, which can't, as a child."""
    line = [str(python), "-m", "labkit", *arguments]
    sys.stdout.flush()
    if os.name == "posix":
        os.execv(python, line)
    try:
        return subprocess.call(line)
    except KeyboardInterrupt:  # Ctrl-C reached the child too, which has said what there is to say
        return 130


def _help() -> str:
    lines = [f"usage: {command('VERB')} [ARGUMENTS]", ""]
    lines += ["Two VPCs, a ping that fails, and the flow logs that tell why.", ""]
    lines += [f"  {name:<8} {verb.help}" for name, verb in VERBS.items()]
    lines += ["", f"'{command('VERB --help')}' says more about one of them."]
    return "\n".join(lines)
