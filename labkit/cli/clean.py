"""`labkit clean`: removes what labkit and its tools made in the project's folder, and nothing else."""

from __future__ import annotations

import argparse
import os
import shutil
from pathlib import Path

from labkit.cli import environment
from labkit.cli.errors import explain_os_error
from labkit.errors import CommandError

MADE = ("build", ".hypothesis", ".mypy_cache", ".pytest_cache", ".ruff_cache")
PARTS = ("labkit", "tests", "notebooks")


def run(options: argparse.Namespace) -> int:
    root = environment.root()
    if environment.inside_venv(root) and os.name == "nt":
        raise CommandError(
            "Windows can't remove the Python that is running: type 'deactivate', then 'py -m labkit clean' in the "
            "project's folder."
        )
    # Jupyter's checkpoints stay: they may be somebody's rescue.
    made = [root / name for name in MADE]
    made += [path for part in PARTS for path in sorted((root / part).rglob("__pycache__"))]
    if environment.state(root) is environment.State.FOREIGN:
        print(".venv stays: it was not made by labkit.")
    else:
        made.insert(0, environment.folder(root))
    for path in made:
        if path.is_dir():
            _remove(root, path)
    print("Clean. The notebooks and your own files are as they were.")
    return 0


def _remove(root: Path, path: Path) -> None:
    try:
        if path == environment.folder(root):
            environment.empty(path)  # the stamp goes last: a removal that is interrupted is still seen as ours
        shutil.rmtree(path)
    except OSError as error:
        raise explain_os_error(error, f"removing {path.name}") from error
    print(f"removed {path.relative_to(root)}")
