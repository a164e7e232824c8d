"""The course's notebooks on disk, in order."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from labkit.errors import LabError


@dataclass(frozen=True, slots=True)
class Chapter:
    """One notebook: its two-digit `number` and where it is."""

    number: str
    path: Path

    def build_cells(self) -> Iterator[str]:
        """The source of the code cells tagged `build`, which make the lab, in order.

        Raises LabError where the file is no notebook.
        """
        try:
            cells = json.loads(self.path.read_text(encoding="utf-8"))["cells"]
        except (ValueError, KeyError, TypeError):
            raise LabError(
                f"{self.path.name} cannot be read as a notebook. Get it back as it was: git checkout {self.path.name}"
            ) from None
        for cell in cells:
            if cell["cell_type"] == "code" and "build" in cell["metadata"].get("tags", ()):
                yield "".join(cell["source"])


def chapters(folder: Path | None = None) -> list[Chapter]:
    """The notebooks, by number: those in `folder`, else in the current folder, else in the project that labkit is
    part of.

    Raises LabError where none is found.
    """
    project = Path(__file__).parents[2] / "notebooks"
    for place in [folder] if folder else [Path.cwd(), project]:
        found = sorted(place.glob("[0-9][0-9]-*.ipynb"))
        if found:
            return [Chapter(path.name[:2], path) for path in found]
    raise LabError(f"The course's notebooks are not here ({Path.cwd()}). Work in the project's folder notebooks/.")
