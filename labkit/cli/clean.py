"""`labkit clean`: removes what set-up and tools made in the project's folder, by a list, and nothing else."""

from __future__ import annotations

import argparse
import os
import shutil
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from labkit.cli import environment, start
from labkit.cli.messages import command
from labkit.errors import CommandError
from labkit.machine import locked

#: The folders that only tools write. Of build/, that is the one of the browser tests: the rest are results of `run`,
#: and whatever a person put there.
CACHES = (".hypothesis", ".mypy_cache", ".pytest_cache", ".ruff_cache", "build/browser")
PARTS = ("labkit", "tests", "notebooks")


def run(options: argparse.Namespace) -> int:
    """Remove the environment and caches, and print each; return 1 if something could not be removed, else 0.

    A student's copies of the notebooks, the progress, Jupyter's checkpoints and the results of `run` stay.

    Raises:
        CommandError: If the environment is in use, or JupyterLab runs.
    """
    root = environment.root()
    venv = environment.folder(root)
    if environment.inside_venv(root) and os.name == "nt":
        raise CommandError(
            "Windows can't remove the Python that is running: type 'deactivate', then 'py -m labkit clean' in the "
            "project's folder."
        )
    is_foreign = environment.state(root) is environment.State.FOREIGN
    running = [f"JupyterLab on port {port}" for port in start.serving(root)]
    if running or (not is_foreign and (running := environment.running_in(venv))):
        raise CommandError(
            f"Nothing was removed, because this is in use by {', '.join(running)}. Save your notebooks, end JupyterLab "
            f"with Ctrl-C in its terminal, then run '{command('clean')}' again."
        )
    left: dict[Path, OSError] = {}
    if is_foreign:
        print(".venv stays: it was not made by labkit.")
    elif venv.exists():
        left |= _remove_environment(venv)
    for path in _caches(root):
        failed = _remove(path)
        left |= failed
        if not failed:
            print(f"removed {path.relative_to(root)}")
    with suppress(OSError):
        (root / "build").rmdir()  # if it is empty
    if (root / "build").exists():
        print("build/ stays: the results of 'run' are in it. Remove it yourself if nobody needs them.")
    for path, error in left.items():
        print(f"labkit: {path} could not be removed: {error}.", file=sys.stderr)
    if not left:
        print("Clean. The notebooks and your own files are as they were.")
    return 1 if left else 0


def _remove_environment(venv: Path) -> dict[Path, OSError]:
    """Remove the environment, unless a set-up is at work in it; return why what is left could not be removed."""
    lock, stamp = venv / environment.LOCK, venv / environment.STAMP
    try:
        with locked(lock, wait=False):
            # Until the end, what is left is known to be labkit's, and not to be whole.
            environment.mark_unfinished(venv)
            entries = [entry for entry in venv.iterdir() if entry not in (lock, stamp)]
            left = {path: error for entry in entries for path, error in _remove(entry).items()}
            if not left:
                stamp.unlink()
                if os.name == "posix":
                    lock.unlink()
    except BlockingIOError:
        raise CommandError(
            f"Nothing was removed, because a set-up is at work in .venv. When it has ended, run '{command('clean')}' "
            "again."
        ) from None
    if not left:
        if os.name == "nt":  # which removes no open file
            lock.unlink()
        with suppress(OSError):  # another set-up has begun
            venv.rmdir()
        print(f"removed {venv.name}")
    return left


def _caches(root: Path) -> Iterator[Path]:
    """Yield what there is of the caches, without following links."""
    made = [root / name for name in CACHES]
    made += [path for part in PARTS for path in sorted((root / part).rglob("__pycache__"))]
    for path in made:
        reached = path.parent.resolve() == root.resolve() / path.parent.relative_to(root)
        if reached and (path.is_symlink() or path.is_dir()):
            yield path


def _remove(path: Path) -> dict[Path, OSError]:
    """Remove a file, a link or a folder as far as possible; return why it is still there, if it is."""
    try:
        if path.is_symlink() or not path.is_dir():
            path.unlink()
        else:
            shutil.rmtree(path)
    except OSError as error:
        shutil.rmtree(path, ignore_errors=True)  # the rest of it
        return {path: error} if os.path.lexists(path) else {}
    return {}
