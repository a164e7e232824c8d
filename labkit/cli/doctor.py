"""`labkit doctor`: what is right and wrong with this machine, and the fix for each."""

from __future__ import annotations

import argparse
import enum
import importlib.util
import json
import os
import platform
import shutil
import subprocess
import sys
import webbrowser
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from labkit.cli import environment, project, start
from labkit.cli.environment import State
from labkit.cli.errors import command

NEEDED_GB = 1.5  # the environment is about 0.9 GB; pip needs room beside it
# The variables and files in which an AWS account's keys, or the way to them, may stand.
KEY_VARIABLES = (
    "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_PROFILE", "AWS_DEFAULT_PROFILE",
    "AWS_ROLE_ARN", "AWS_WEB_IDENTITY_TOKEN_FILE",
    "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "AWS_CONTAINER_CREDENTIALS_FULL_URI",
)  # fmt: skip


class Mark(enum.Enum):
    OK = "ok"
    NOTE = "note"
    FIX = "FIX"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing looked at: how it is, and what to do about it, if anything."""

    mark: Mark
    what: str
    do: str = ""


def parse(arguments: list[str]) -> argparse.Namespace:
    return argparse.ArgumentParser(
        prog="labkit doctor",
        description="Says what is right and wrong with this machine, and the fix. Exit code 1: something to fix.",
    ).parse_args(arguments)


def run(options: argparse.Namespace) -> int:
    must_fix = 0
    for finding in examine(project.root()):
        print(f"{finding.mark.value:>4}  {finding.what}", flush=True)
        if finding.do:
            print(f"      -> {finding.do}", flush=True)
        must_fix += finding.mark is Mark.FIX
    print(f"\n{must_fix} {'thing' if must_fix == 1 else 'things'} to fix." if must_fix else "\nNothing to fix.")
    return 1 if must_fix else 0


def examine(root: Path) -> Iterator[Finding]:
    yield python()
    yield from the_environment(root)
    yield port()
    yield keys(os.environ, Path.home())
    yield browser()


def python() -> Finding:
    machine = f"{platform.system()} {platform.machine()}"
    return Finding(Mark.OK, f"Python {platform.python_version()} ({sys.executable}) on {machine}")


def the_environment(root: Path) -> Iterator[Finding]:
    """The environment that the other verbs would use, and if it stands, what is in it."""
    own = environment.has_labkit(root) and not environment.inside_venv(root)
    state = environment.state(root)
    if own:
        yield Finding(Mark.OK, f"environment: {sys.prefix}, which has labkit installed")
        yield from contents(Path(sys.executable), root, "run: python -m pip install -e '.[dev]' -c constraints.txt")
    elif state is State.READY:
        yield Finding(Mark.OK, "environment: .venv is ready")
        again = f"run: {command('clean')}, then {command('start')}"
        yield from contents(environment.python_in(environment.folder(root)), root, again)
    elif state is State.FOREIGN:
        yield Finding(
            Mark.FIX,
            "environment: there is a .venv that labkit did not make, and it is not active",
            "activate it and run: python -m pip install -e '.[dev]' -c constraints.txt; or remove the folder",
        )
    else:
        yield from can_set_up(root)
        yield Finding(Mark.NOTE, f"environment: .venv: {state.value}", f"'{command('start')}' makes it")


def can_set_up(root: Path) -> Iterator[Finding]:
    """What making .venv needs: the venv module (or pip in its stead), room, and leave to write."""
    has = {name: importlib.util.find_spec(name) is not None for name in ("venv", "ensurepip", "pip")}
    if has["venv"] and (has["ensurepip"] or has["pip"]):
        yield Finding(Mark.OK, "Python can make virtual environments")
    else:
        fix = "install it; on Debian and Ubuntu: sudo apt install python3-venv"
        yield Finding(Mark.FIX, "this Python can't make virtual environments: its venv module is missing", fix)
    free = shutil.disk_usage(root).free / 1e9
    room = f"disk: {free:.1f} GB free"
    enough = free >= NEEDED_GB
    yield Finding(Mark.OK, room) if enough else Finding(Mark.FIX, room, f"set-up needs {NEEDED_GB} GB: free some")
    if not os.access(root, os.W_OK):
        yield Finding(Mark.FIX, f"{root} can't be written", "put the project in a folder of your own")


def contents(interpreter: Path, root: Path, again: str) -> Iterator[Finding]:
    """Asks an environment about its packages and its kernel; `again` is the command that installs them anew."""
    asked = subprocess.run(
        [str(interpreter), "-m", "labkit.cli.inside"], cwd=root, capture_output=True, text=True, check=False
    )  # fmt: skip
    try:
        told = json.loads(asked.stdout.splitlines()[-1])
    except (IndexError, ValueError):
        last = (asked.stderr.strip().splitlines() or ["no reason given"])[-1]
        yield Finding(Mark.FIX, f"packages: the environment can't be looked into ({last})", again)
        return
    if told["unmet"]:
        yield Finding(Mark.FIX, f"packages: {'; '.join(told['unmet'])}", again)
    elif told["other"]:
        listed = ", ".join(told["other"])
        what = f"packages: other versions than constraints.txt: {listed}"
        yield Finding(Mark.NOTE, what, f"if outputs differ, {again}")
    else:
        yield Finding(Mark.OK, "packages: as in constraints.txt")
    if told["kernel_error"]:
        yield Finding(Mark.FIX, f"kernel: {told['kernel_error']}", again)
    else:
        yield Finding(Mark.OK, f"kernel: starts and imports labkit ({told['kernel_seconds']:.1f} s)")


def port() -> Finding:
    if start.is_free(start.PORT):
        return Finding(Mark.OK, f"port {start.PORT} is free")
    do = "nothing: 'start' takes the next free port, or the one that --port names"
    return Finding(Mark.NOTE, f"port {start.PORT} is in use", do)


def keys(variables: Mapping[str, str], home: Path) -> Finding:
    """Says that credentials of an AWS account lie about, never what they are."""
    found = [name for name in KEY_VARIABLES if variables.get(name)]
    places = (("AWS_SHARED_CREDENTIALS_FILE", "credentials"), ("AWS_CONFIG_FILE", "config"))
    for variable, name in places:
        path = Path(variables.get(variable) or home / ".aws" / name).expanduser()
        if path.is_file():
            found.append(str(path))
    if not found:
        return Finding(Mark.OK, "no AWS credentials about; the embedded AWS needs none")
    return Finding(
        Mark.NOTE,
        f"AWS credentials or settings found: {', '.join(found)}",
        "nothing: the embedded AWS does not use them; only labkit.connect('aws') would, and it asks first",
    )


def browser() -> Finding:
    try:
        found = webbrowser.get()
    except webbrowser.Error:
        fix = f"use '{command('start --no-browser')}' and open the URL it prints, from wherever you have a browser"
        return Finding(Mark.NOTE, "no browser found", fix)
    return Finding(Mark.OK, f"browser: {getattr(found, 'name', type(found).__name__)}")
