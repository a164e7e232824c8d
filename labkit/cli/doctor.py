"""`labkit doctor`: shows what is right and wrong with this machine, and the fix for each."""

from __future__ import annotations

import argparse
import enum
import os
import platform
import re
import shutil
import sys
import time
import webbrowser
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

from labkit.cli import environment, start
from labkit.cli.environment import State
from labkit.cli.messages import INSTALL_VENV, command

if TYPE_CHECKING:
    from packaging.requirements import Requirement

#: The names of browsers on Linux: of those that are Chromium in some dress, which the project's own tests need, then of
#: others. https://playwright.dev/python/docs/browsers
CHROMIUMS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome", "microsoft-edge")
BROWSERS = (*CHROMIUMS, "firefox", "firefox-esr", "brave-browser", "epiphany", "konqueror")
#: Where they may be beside the folders of PATH.
PLACES = ("/usr/bin", "/usr/local/bin", "/snap/bin", "/opt/google/chrome", "/usr/lib/chromium", "/usr/lib/firefox")

NEEDED_GB = 1.5  # the environment is about 0.9 GB; pip needs room beside it
# The variables that may hold the keys of an AWS account, or say where they are.
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
    """What one look at the machine found.

    Attributes:
        mark: Whether it must be fixed.
        what: The state it is in.
        do: What to do about it, if anything.
    """

    mark: Mark
    what: str
    do: str = ""


def run(options: argparse.Namespace) -> int:
    """Print each finding; return 1 if something must be fixed, else 0."""
    root = environment.root()
    if environment.state(root) is State.READY and not environment.is_here(root):
        return environment.run_in(environment.python_in(environment.folder(root)), ["doctor"])
    must_fix = 0
    for finding in examine(root):
        print(f"{finding.mark.value:>4}  {finding.what}", flush=True)
        if finding.do:
            print(f"      -> {finding.do}", flush=True)
        must_fix += finding.mark is Mark.FIX
    print(f"\n{must_fix} {'thing' if must_fix == 1 else 'things'} to fix." if must_fix else "\nNothing to fix.")
    return 1 if must_fix else 0


def examine(root: Path) -> Iterator[Finding]:
    """Look at everything that the course needs of this machine."""
    machine = f"{platform.system()} {platform.machine()}"
    yield Finding(Mark.OK, f"Python {platform.python_version()} ({sys.executable}) on {machine}")
    yield from the_environment(root)
    yield port()
    yield keys(os.environ, Path.home())
    yield browser()


def the_environment(root: Path) -> Iterator[Finding]:
    """Look at the environment that the other verbs would use and, if it is ready, at what is in it."""
    state = environment.state(root)
    if environment.is_here(root):
        yield Finding(Mark.OK, f"environment: {sys.prefix}")
        is_ours = environment.inside_venv(root)
        again = f"run: {command('clean')}, then {command('start')}" if is_ours else f"run: {environment.INSTALL}"
        found = packages((root / "constraints.txt").read_text(encoding="utf-8"), again)
        yield found
        if found.mark is not Mark.FIX:
            yield kernel(again)
    elif state is State.FOREIGN:
        yield Finding(
            Mark.FIX,
            "environment: there is a .venv that labkit did not make, and it is not active",
            f"activate it and run: {environment.INSTALL}; or remove the folder",
        )
    else:
        yield from can_set_up(root)
        yield Finding(Mark.NOTE, f"environment: .venv: {state.value}", f"'{command('start')}' makes it")


def can_set_up(root: Path) -> Iterator[Finding]:
    """Look at what making .venv needs: the venv module (or pip in its place), room, and permission to write."""
    if environment.can_make():
        yield Finding(Mark.OK, "Python can make virtual environments")
    else:
        what = "this Python can't make virtual environments: its venv module is missing"
        yield Finding(Mark.FIX, what, INSTALL_VENV)
    free = shutil.disk_usage(root).free / 1e9
    room = f"disk: {free:.1f} GB free"
    enough = free >= NEEDED_GB
    yield Finding(Mark.OK, room) if enough else Finding(Mark.FIX, room, f"set-up needs {NEEDED_GB} GB: free some")
    if not os.access(root, os.W_OK):
        yield Finding(Mark.FIX, f"{root} can't be written", "put the project in a folder of your own")


def packages(constraints: str, again: str) -> Finding:
    """Compare what is installed here with what labkit requires, and with constraints.txt.

    Args:
        constraints: The text of constraints.txt.
        again: The command that installs the packages again.
    """
    try:
        from packaging.requirements import Requirement

        required = map(Requirement, metadata.requires("labkit") or [])
    except (ImportError, metadata.PackageNotFoundError) as error:
        return Finding(Mark.FIX, f"packages: the environment can't be examined ({error})", again)
    unmet = "; ".join(
        f"{needed.name} is {here}, labkit needs {needed.specifier}" if here else f"{needed.name} is missing"
        for needed, here in _unmet(required)
    )
    if unmet:
        return Finding(Mark.FIX, f"packages: {unmet}", again)
    pins = (Requirement(line) for line in constraints.splitlines() if not re.match(r"\s*(#|$)", line))
    other = [f"{pin.name} {here} ({str(pin.specifier).removeprefix('==')})" for pin, here in _unmet(pins) if here]
    if other:
        what = f"packages: other versions than constraints.txt: {', '.join(other)}"
        return Finding(Mark.NOTE, what, f"if outputs differ, {again}")
    return Finding(Mark.OK, "packages: as in constraints.txt")


def _unmet(requirements: Iterable[Requirement]) -> Iterator[tuple[Requirement, str | None]]:
    """Yield those that apply here and are not met, each with the version that is installed."""
    for needed in requirements:
        here = _installed(needed.name)
        applies = needed.marker is None or needed.marker.evaluate({"extra": ""})
        if applies and (here is None or not needed.specifier.contains(here, prereleases=True)):
            yield needed, here


def _installed(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


def kernel(again: str) -> Finding:
    """Start the kernel of a notebook and let it import labkit."""
    started = time.monotonic()
    try:
        from jupyter_client.manager import run_kernel

        with run_kernel(kernel_name="python3", extra_arguments=["--log-level=ERROR"]) as client:
            blocking: Any = client  # its declared type lacks the method
            answer = blocking.execute_interactive("from labkit import connect", store_history=False, timeout=60)
        reply = answer["content"]
        wrong = "" if reply["status"] == "ok" else f"{reply['ename']}: {reply['evalue']}"
    except Exception as error:  # whatever it is, the person must see it
        wrong = f"{type(error).__name__}: {error}"
    if wrong:
        return Finding(Mark.FIX, f"kernel: {wrong}", again)
    return Finding(Mark.OK, f"kernel: starts and imports labkit ({time.monotonic() - started:.1f} s)")


def port() -> Finding:
    """Look whether the usual port is free."""
    if start.is_free(start.PORT):
        return Finding(Mark.OK, f"port {start.PORT} is free")
    do = "nothing: 'start' takes the next free port, or the one that --port names"
    return Finding(Mark.NOTE, f"port {start.PORT} is in use", do)


def keys(variables: Mapping[str, str], home: Path) -> Finding:
    """Say which credentials of an AWS account there are, never what they contain.

    Args:
        variables: The environment variables.
        home: The person's home folder.
    """
    found = [name for name in KEY_VARIABLES if variables.get(name)]
    places = (("AWS_SHARED_CREDENTIALS_FILE", "credentials"), ("AWS_CONFIG_FILE", "config"))
    for variable, name in places:
        path = Path(variables.get(variable) or home / ".aws" / name).expanduser()
        if path.is_file():
            found.append(str(path))
    if not found:
        return Finding(Mark.OK, "no AWS credentials found; the embedded AWS needs none")
    return Finding(
        Mark.NOTE,
        f"AWS credentials or settings found: {', '.join(found)}",
        "nothing: the embedded AWS does not use them; only labkit.connect('aws') would, and it asks first",
    )


def browser() -> Finding:
    """Look for a browser, and whether it can be opened from here.

    Python's own search finds none on Linux where there is no display, as in a container or over ssh.
    https://docs.python.org/3/library/webbrowser.html
    """
    path = find_browser(BROWSERS)
    fix = f"use '{command('start --no-browser')}' and open the URL it prints, from wherever you have a browser"
    try:
        opener = webbrowser.get()
    except webbrowser.Error:
        if path is None:
            return Finding(Mark.NOTE, "no browser found", fix)
        return Finding(Mark.NOTE, f"browser: {path}, but there is no display to open it on", fix)
    return Finding(Mark.OK, f"browser: {path or getattr(opener, 'name', type(opener).__name__)}")


def find_browser(names: Iterable[str]) -> str | None:
    """Return the path of the first of these browsers that is on PATH or in a usual place, or None."""
    folders = os.pathsep.join([os.environ.get("PATH", os.defpath), *PLACES])
    return next(filter(None, (shutil.which(name, path=folders) for name in names)), None)
