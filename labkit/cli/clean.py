"""`labkit clean`: removes what labkit and its tools made in the project's folder, and nothing else."""

from __future__ import annotations

import argparse
import os
import shutil
from pathlib import Path

from labkit.cli import environment, project
from labkit.cli.errors import LabkitError, explain_os_error

CACHES = (".hypothesis", ".mypy_cache", ".pytest_cache", ".ruff_cache")
PARTS = ("labkit", "tests", "notebooks")


def parse(arguments: list[str]) -> argparse.Namespace:
    return argparse.ArgumentParser(
        prog="labkit clean",
        description="Removes .venv (if labkit made it), build/ and the caches. Notebooks and your own files stay.",
    ).parse_args(arguments)


def run(options: argparse.Namespace) -> int:
    root = project.root()
    venv = environment.folder(root)
    if environment.inside_venv(root) and os.name == "nt":
        raise LabkitError(
            "Windows can't remove the Python that is running: type 'deactivate', then 'py -m labkit clean' in the "
            "project's folder."
        )
    if environment.state(root) is environment.State.FOREIGN:
        print(".venv stays: it was not made by labkit.")
    else:
        _remove(root, venv)
    for path in found(root):
        _remove(root, path)
    print("Clean. The notebooks and your own files are as they were.")
    return 0


def found(root: Path) -> list[Path]:
    """What tools left behind besides .venv: results, caches, compiled Python.

    Jupyter's checkpoints stay: they may be somebody's rescue.
    """
    here = [root / name for name in ("build", *CACHES)]
    for part in PARTS:
        here += sorted((root / part).rglob("__pycache__"))
    return [path for path in here if path.is_dir()]


def _remove(root: Path, path: Path) -> None:
    if not path.is_dir():
        return
    try:
        if path == environment.folder(root):
            environment.empty(path)  # the stamp goes last: a removal that is interrupted is still seen as ours
        shutil.rmtree(path)
    except FileNotFoundError:
        return  # it lay in a folder that has gone
    except OSError as error:
        raise explain_os_error(error, f"removing {path.name}") from error
    print(f"removed {path.relative_to(root)}")
