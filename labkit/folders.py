"""Where the course is on this computer: the folder with `notebooks/` and `data/`."""

from __future__ import annotations

from pathlib import Path

from labkit.errors import LabError


def notebook_files() -> list[Path]:
    """Find the notebooks in the current folder or, if it has none, in the project that labkit is part of.

    Returns:
        The files, sorted by number.

    Raises:
        LabError: Neither folder has any.
    """
    for folder in (Path.cwd(), Path(__file__).parents[1] / "notebooks"):
        if found := sorted(folder.glob("[0-9][0-9]-*.ipynb")):
            return found
    raise LabError(f"The course's notebooks are not here ({Path.cwd()}). Work in the project's folder notebooks/.")


def course_folder() -> Path:
    """Return the folder that holds `notebooks/` and `data/`."""
    return notebook_files()[0].resolve().parent.parent
