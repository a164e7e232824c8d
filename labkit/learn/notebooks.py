"""The course's notebooks on disk, in order: their cells that build the lab, and those that a student writes."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import takewhile
from pathlib import Path

from labkit.errors import LabError
from labkit.folders import notebook_files


@dataclass(frozen=True, slots=True)
class YourTurn:
    """A step that a student writes.

    Attributes:
        task: What to do, as text: the comment lines that the cell begins with.
        solution: The code after them.
    """

    task: str
    solution: str


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
        yield from self._tagged("build")

    def your_turn(self, id: str) -> YourTurn:
        """Return the step that a student writes, with its solution: the code cell tagged `your-turn:` and its id.

        Args:
            id: The step's id, such as `"1.a"`.

        Raises:
            LabError: The file is not a notebook, or has no such cell.
        """
        source = next(self._tagged(f"your-turn:{id}"), None)
        if source is None:
            raise LabError(f"{self.path.name} has no step {id}. Get it back as it was: git checkout {self.path.name}")
        lines = source.splitlines()
        comments = list(takewhile(lambda line: line.startswith("#"), lines))
        task = " ".join(line.removeprefix("#").strip() for line in comments)
        return YourTurn(task.removeprefix(f"Your turn ({id}).").strip(), "\n".join(lines[len(comments) :]).strip())

    def _tagged(self, tag: str) -> Iterator[str]:
        """Yield the source of each code cell with a tag, in order."""
        try:
            cells = json.loads(self.path.read_text(encoding="utf-8"))["cells"]
        except (ValueError, KeyError, TypeError):
            raise LabError(
                f"{self.path.name} cannot be read as a notebook. Get it back as it was: git checkout {self.path.name}"
            ) from None
        for cell in cells:
            if cell["cell_type"] == "code" and tag in cell["metadata"].get("tags", ()):
                yield "".join(cell["source"])


def notebooks() -> list[Notebook]:
    """Return the notebooks, sorted by number; `LabError` if they are not here."""
    return [Notebook(path.name[:2], path) for path in notebook_files()]
