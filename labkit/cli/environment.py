"""The Python environment in which everything runs: the current one if it has labkit, or else .venv in the project.

The commands call `ensure` before they run a verb that needs the environment; `labkit doctor` and `labkit clean` look at
it. The file `.venv/labkit-setup.json` records how far set-up got. It says "unfinished" from before the first file until
pip has succeeded, and then what the environment was made from, so the next run sees an interruption at any point.
"""

from __future__ import annotations

import enum
import hashlib
import importlib.util
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Sequence
from importlib import metadata
from pathlib import Path

import labkit
from labkit import interruption
from labkit.cli import pip
from labkit.cli.messages import INSTALL_VENV, explain_output
from labkit.errors import CommandError
from labkit.machine import locked, write_whole

STAMP = "labkit-setup.json"
LOCK = "labkit-setup.lock"

#: Prints the processes that were started with the Python that runs this, but for itself and the one that started it.
#: How that Python was called depends on the shell: by its path, by a path from some folder, or by its name alone.
#: https://psutil.readthedocs.io/latest/#psutil.process_iter
_LIST_PROCESSES = """
import os, psutil, shutil, sys
def folder(program): return os.path.realpath(os.path.dirname(program))
for each in psutil.process_iter():
    try:
        program, *line = each.cmdline() or [""]
        if os.path.basename(program) == program:
            program = shutil.which(program, path=each.environ().get("PATH")) or ""
        program = os.path.join(each.cwd(), program)
    except psutil.Error:
        continue
    if folder(program) == folder(sys.executable) and each.pid not in (os.getpid(), os.getppid()):
        words = [word for word in line if not word.startswith("-")]
        print(os.path.basename((words or [program])[0]), f"(process {each.pid})")
"""

#: How a person installs the project into an environment of their own.
INSTALL = "python -m pip install -e '.[dev]' -c constraints.txt"


class State(enum.Enum):
    """What there is in .venv."""

    ABSENT = "there is none yet"
    READY = "ready"
    STALE = "made from an earlier pyproject.toml or constraints.txt"
    OTHER_PYTHON = "made with another Python, or in another folder"
    UNFINISHED = "an earlier set-up did not end"
    FOREIGN = "not made by labkit"


def root() -> Path:
    """Return the project's folder: the one that holds this labkit, or else the nearest one above the current folder.

    Raises:
        CommandError: If there is no such folder.
    """
    here = Path(labkit.__file__).resolve().parent.parent
    cwd = Path.cwd()
    for folder in (here, cwd, *cwd.parents):
        if (folder / "labkit" / "__init__.py").is_file() and (folder / "constraints.txt").is_file():
            return folder
    raise CommandError(
        "labkit is installed here, but the course's folder (with notebooks/ and constraints.txt) is not at hand: "
        "clone the project, go into its folder, and run the same command there."
    )


def folder(root: Path) -> Path:
    """Return where the project's own environment is, or would be."""
    return root / ".venv"


def python_in(venv: Path) -> Path:
    """Return the path of the Python in a virtual environment."""
    return venv / "Scripts" / "python.exe" if os.name == "nt" else venv / "bin" / "python"


def has_labkit(root: Path) -> bool:
    """Return whether labkit and its libraries are installed in this Python, and not merely found in the folder."""
    installed = [entry for entry in sys.path if Path(entry or ".").resolve() != root]
    found = any(True for _ in metadata.distributions(name="labkit", path=installed))
    return found and all(importlib.util.find_spec(name) for name in ("moto", "jupyterlab"))


def inside_venv(root: Path) -> bool:
    """Return whether this Python is that of the project's own environment."""
    return Path(sys.prefix).resolve() == folder(root).resolve()


def is_here(root: Path) -> bool:
    """Return whether this Python is the one that the verbs use, whatever may be missing in it."""
    return has_labkit(root) or inside_venv(root)


def state(root: Path) -> State:
    """Read the stamp in .venv, and compare it with what the environment would be made from today."""
    venv = folder(root)
    if venv.is_symlink():  # to somebody's environment, which is not ours to empty
        return State.FOREIGN
    if not venv.exists():
        return State.ABSENT
    try:
        stamp = json.loads((venv / STAMP).read_text(encoding="utf-8"))
    except FileNotFoundError:
        # A set-up that was killed at once leaves its lock, or a draft of the stamp.
        other = [entry for entry in venv.iterdir() if entry.name != LOCK and STAMP not in entry.name]
        return State.FOREIGN if other else State.ABSENT
    except (OSError, ValueError):
        return State.UNFINISHED
    if not isinstance(stamp, dict) or stamp.get("state") != "ready" or not python_in(venv).exists():
        return State.UNFINISHED
    if stamp.get("maker") != _maker(root):
        return State.OTHER_PYTHON
    return State.READY if stamp.get("sources") == _sources(root) else State.STALE


def ensure() -> Path | None:
    """Make sure that there is an environment, and set up .venv if there is none.

    Returns:
        The environment's Python, or None if it is the one that is running.

    Raises:
        CommandError: If the environment can't be made.
    """
    here = root()
    if has_labkit(here) and not (inside_venv(here) and (folder(here) / STAMP).exists()):
        return None
    now = state(here)
    if now is State.FOREIGN:
        raise CommandError(
            f"{folder(here)} was not made by labkit, so it stays as it is. Activate it, install the project there "
            f"({INSTALL}) and use 'labkit' in it, or remove the folder."
        )
    if now is not State.READY:
        _make(here)
    return None if inside_venv(here) else python_in(folder(here))


def variables() -> dict[str, str]:
    """Return the environment variables for notebooks and tests: sets print in the order of the committed outputs."""
    return {**os.environ, "PYTHONHASHSEED": "0"}


def running_in(venv: Path) -> list[str]:
    """Return what was started from a virtual environment and still runs, such as `jupyterlab (process 4242)`.

    This process does not count. Of an environment that can't be asked, nothing is known.
    """
    try:
        answer = subprocess.run(
            [python_in(venv), "-c", _LIST_PROCESSES], capture_output=True, text=True, timeout=60, check=True
        )
    except (OSError, subprocess.SubprocessError):
        return []
    return answer.stdout.splitlines()


def run_in(python: Path, arguments: list[str]) -> int:
    """Run a verb in another Python: in place of this process, or as a child on Windows, which can't do that.

    Returns:
        The exit code.
    """
    line = [str(python), "-m", "labkit", *arguments]
    sys.stdout.flush()
    interruption.hold()
    if os.name == "posix":
        os.execv(python, line)
    return subprocess.call(line)


def _make(root: Path) -> None:
    venv = folder(root)
    venv.mkdir(exist_ok=True)
    try:
        with locked(venv / LOCK, wait=False) as lock:
            return _make_alone(root, lock)
    except BlockingIOError:
        print("Another labkit is at work in .venv. This one waits until that has ended.", flush=True)
    with locked(venv / LOCK) as lock:
        _make_alone(root, lock)


def _make_alone(root: Path, lock: int) -> None:
    """Make the environment while no other process does.

    Args:
        root: The project's folder.
        lock: The number of the file that is locked. The tools inherit it: what a killed set-up leaves running must end
            before the next begins.
    """
    started = time.monotonic()
    venv, found = folder(root), state(root)
    if found is State.READY:  # made by another process while this one waited
        return
    first = found is State.ABSENT
    what = "Setting up .venv (two minutes or so, once)." if first else f"Setting up .venv again: {found.value}."
    print(what, flush=True)
    pass_fds = (lock,) if os.name == "posix" else ()
    mark_unfinished(venv)
    if found is not State.STALE:
        empty(venv)
        _create(venv, pass_fds)
    pip.install(python_in(venv), ["-e", f"{root}[dev]", "-c", str(root / "constraints.txt")], pass_fds=pass_fds)
    _write_stamp(venv, {"state": "ready", "maker": _maker(root), "sources": _sources(root)})
    print(f"Ready after {time.monotonic() - started:.0f} seconds.", flush=True)


def can_make() -> bool:
    """Return whether this Python can make virtual environments, with ensurepip or with its own pip."""
    has_pip = importlib.util.find_spec("ensurepip") or importlib.util.find_spec("pip")
    return bool(importlib.util.find_spec("venv") and has_pip)


def _create(venv: Path, pass_fds: Sequence[int]) -> None:
    """Make a virtual environment with pip; without ensurepip, as on Debian, the system's pip installs it there."""
    python = getattr(sys, "_base_executable", sys.executable)
    missing = not importlib.util.find_spec("ensurepip")
    if not can_make():
        raise CommandError(
            "This Python can't make virtual environments, because its venv module is missing: "
            f"{INSTALL_VENV}, then run the same command again."
        )
    line = [python, "-m", "venv", *(["--without-pip"] if missing else []), str(venv)]
    with interruption.child(line, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, pass_fds=pass_fds) as made:
        output, _ = made.communicate()
    if made.returncode:
        raise explain_output(output, "python -m venv")
    if missing:
        pip.install(python, ["pip"], target=python_in(venv), pass_fds=pass_fds)


def mark_unfinished(venv: Path) -> None:
    """Note that a virtual environment is not whole, before anything in it changes."""
    _write_stamp(venv, {"state": "unfinished"})


def empty(venv: Path) -> None:
    """Remove all but the stamp and the lock, so that an interrupted removal is still known to be labkit's."""
    for entry in venv.iterdir():
        if entry.name in (STAMP, LOCK):
            continue
        if entry.is_dir() and not entry.is_symlink():
            shutil.rmtree(entry)
        else:
            entry.unlink()


def _maker(root: Path) -> str:
    """Return what must not change under an environment: the Python, and the folder, which scripts and links name."""
    return f"Python {sys.version_info.major}.{sys.version_info.minor} in {root}"


def _sources(root: Path) -> str:
    digest = hashlib.sha256()
    for name in ("pyproject.toml", "constraints.txt"):
        digest.update((root / name).read_bytes().replace(b"\r\n", b"\n") + b"\0")
    return digest.hexdigest()


def _write_stamp(venv: Path, stamp: dict[str, str]) -> None:
    write_whole(venv / STAMP, json.dumps(stamp, indent=1) + "\n")
