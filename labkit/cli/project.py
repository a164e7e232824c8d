"""Where the project lies, and what stands in it."""

from __future__ import annotations

import re
from pathlib import Path

import labkit
from labkit.cli.errors import LabkitError


def root() -> Path:
    """The project's folder: the one that holds this labkit, or else the nearest one above the current folder."""
    here = Path(labkit.__file__).resolve().parent.parent
    cwd = Path.cwd()
    for folder in (here, cwd, *cwd.parents):
        if (folder / "labkit" / "__init__.py").is_file() and (folder / "constraints.txt").is_file():
            return folder
    raise LabkitError(
        "labkit is installed here, but the course's folder (with notebooks/ and constraints.txt) is not at hand: "
        "clone the project, go into its folder, and run the same command there."
    )


def chapters(folder: Path) -> list[Path]:
    """The notebooks of the course, in order.

    >>> chapters(Path("no such folder"))
    []
    """
    return sorted(path for path in folder.glob("*.ipynb") if re.match(r"\d\d-", path.name))
