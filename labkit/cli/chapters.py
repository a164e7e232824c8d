"""The course's chapters as a person names them on the command line, by number or by name."""

from __future__ import annotations

from pathlib import Path

from labkit.errors import CommandError
from labkit.folders import notebooks_in


def named(text: str, folder: Path) -> Path:
    """Return the notebook of a chapter.

    Args:
        text: Its number or its name, with or without `.ipynb`.
        folder: The folder of the notebooks.

    Raises:
        CommandError: If there is no such chapter, or the folder has no notebooks.
    """
    name = text.removesuffix(".ipynb")
    notebooks = all_of(folder)
    for path in notebooks:
        if path.stem == name or path.stem[:2] == name.zfill(2):
            return path
    raise CommandError(
        f"There is no chapter '{text}'. Name one by its number or its name; the chapters are "
        f"{', '.join(path.stem for path in notebooks)}."
    )


def all_of(folder: Path) -> list[Path]:
    """Return the notebooks of all chapters, sorted by number.

    Raises:
        CommandError: If the folder has none.
    """
    if found := notebooks_in(folder):
        return found
    raise CommandError(f"There are no notebooks in {folder}: 'git restore notebooks' brings them back.")
