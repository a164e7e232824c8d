"""Where the course is on this computer: the folder with `notebooks/` and `data/`."""

from __future__ import annotations

from pathlib import Path

from labkit.errors import LabError


def notebooks_in(folder: Path) -> list[Path]:
    """Return the notebooks of the chapters in a folder, sorted by number; none if there is no such folder."""
    return sorted(folder.glob("[0-9][0-9]-*.ipynb"))


def notebook_files() -> list[Path]:
    """Find the course's own notebooks, also from a student's copies of them, which lack solutions.

    They are those of the project that labkit is part of. If labkit is installed without them, they are in `notebooks/`
    beside the current folder, as seen from `my-notebooks/`, or in the current folder.

    Returns:
        The files, sorted by number.

    Raises:
        LabError: No such folder has any.
    """
    here = Path.cwd()
    for folder in (Path(__file__).parents[1] / "notebooks", here.parent / "notebooks", here):
        if found := notebooks_in(folder):
            return found
    raise LabError(f"The course's notebooks are not here ({here}). Work in the project's folder my-notebooks/.")


def course_folder() -> Path:
    """Return the folder that holds `notebooks/` and `data/`."""
    return notebook_files()[0].resolve().parent.parent
