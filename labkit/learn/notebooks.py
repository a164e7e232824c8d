"""The course's notebooks on disk, in order, for `lab.catch_up`."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from labkit.errors import LabError
from labkit.folders import notebook_files


@dataclass(frozen=True, slots=True)
class Notebook:
    """One notebook of the course.

    Attributes:
        number: Its chapter, as two digits.
        path: The file.
    """

    number: str
    path: Path

    def build_cells(self) -> Iterator[str]:
        """Yield the source of each code cell tagged `build`, in order; together they make the lab.

        Raises:
            LabError: The file is not a notebook.
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


def notebooks() -> list[Notebook]:
    """Return the notebooks, sorted by number; `LabError` if they are not here."""
    return [Notebook(path.name[:2], path) for path in notebook_files()]
