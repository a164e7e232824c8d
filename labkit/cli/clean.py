"""`labkit clean`: removes what labkit and its tools made in the project's folder, and nothing else."""

from __future__ import annotations

import argparse
import os
import shutil

from labkit.cli import environment
from labkit.cli.messages import command
from labkit.errors import CommandError

MADE = ("build", ".hypothesis", ".mypy_cache", ".pytest_cache", ".ruff_cache")
PARTS = ("labkit", "tests", "notebooks")


def run(options: argparse.Namespace) -> int:
    """Remove the environment, caches and builds, and print each; return the exit code.

    A student's copies of the notebooks, the progress and Jupyter's checkpoints stay.

    Raises:
        CommandError: If the environment is in use.
    """
    root = environment.root()
    if environment.inside_venv(root) and os.name == "nt":
        raise CommandError(
            "Windows can't remove the Python that is running: type 'deactivate', then 'py -m labkit clean' in the "
            "project's folder."
        )
    # Jupyter's checkpoints stay: they may be the only copy of somebody's work.
    made = [root / name for name in MADE]
    made += [path for part in PARTS for path in sorted((root / part).rglob("__pycache__"))]
    venv = environment.folder(root)
    if environment.state(root) is environment.State.FOREIGN:
        print(".venv stays: it was not made by labkit.")
    else:
        made.insert(0, venv)
        if running := environment.running_in(venv):
            raise CommandError(
                f"Nothing was removed, because .venv is in use by {', '.join(running)}. Save your notebooks, end "
                f"JupyterLab with Ctrl-C in its terminal, then run '{command('clean')}' again."
            )
    for path in filter(os.path.isdir, made):
        if path == venv:
            environment.empty(path)  # the stamp goes last: after an interruption the rest is still known to be labkit's
        shutil.rmtree(path)
        print(f"removed {path.relative_to(root)}")
    print("Clean. The notebooks and your own files are as they were.")
    return 0
