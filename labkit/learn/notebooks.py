"""The course's notebooks on disk, in order: their code cells, and what these are for."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from labkit.errors import LabError
from labkit.folders import notebook_files
from labkit.learn.answers import called, shown
from labkit.learn.files import read_json
from labkit.learn.student_copy import LARGEST, YOUR_TURN, cells_of, comments_of
from labkit.status import printable

#: Tags a cell that makes a part of the lab; together they make it.
BUILD = "build"
#: Tags a cell that later cells of its notebook need though it makes nothing that lasts: a name, or traffic.
RERUN = "rerun"


@dataclass(frozen=True, slots=True)
class Cell:
    """A code cell of a notebook.

    Attributes:
        id: Its id, which it keeps.
        source: Its code.
        tags: Its tags, such as `build`.
        section: The heading above it, without its number signs.
    """

    id: str
    source: str
    tags: frozenset[str]
    section: str


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

    def code_cells(self) -> list[Cell]:
        """Return the code cells, in order.

        Raises:
            LabError: The file is not a notebook.
        """
        try:
            return list(_code_cells(read_json(self.path, LARGEST)))
        except OSError as error:
            why = error.strerror
        except ValueError as error:
            why = str(error)
        raise LabError(
            f"{printable(self.path.name)} cannot be read as a notebook. Get it back as it was: {self._restore} What is "
            f"wrong: {why}."
        )

    def build_cells(self) -> Iterator[str]:
        """Yield the source of each code cell tagged `build`, in order; together they make the lab.

        Raises:
            LabError: The file is not a notebook.
        """
        return (cell.source for cell in self.code_cells() if BUILD in cell.tags)

    def your_turn(self, id: str) -> YourTurn:
        """Return the step that a student writes, with its solution: the code cell tagged `your-turn:` and its id.

        Args:
            id: The step's id, such as `"1.a"`.

        Raises:
            LabError: The file is not a notebook, or has no such cell.
        """
        source = next((cell.source for cell in self.code_cells() if f"{YOUR_TURN}{id}" in cell.tags), None)
        if source is None:
            raise LabError(f"{printable(self.path.name)} has no step {id}. Get it back as it was: {self._restore}")
        comments = comments_of(source)
        task = " ".join(line.removeprefix("#").strip() for line in comments.splitlines())
        return YourTurn(task.removeprefix(f"Your turn ({id}).").strip(), source.removeprefix(comments).strip())

    @property
    def _restore(self) -> str:
        file = printable(f"{self.path.parent.name}/{self.path.name}")
        return f"git restore {file}, in the project's folder."


def _code_cells(found: Any) -> Iterator[Cell]:
    section = ""
    for cell in cells_of(found):
        source = "".join(cell["source"])
        if cell["cell_type"] == "code":
            yield Cell(cell.get("id", ""), source, frozenset(cell["metadata"].get("tags", ())), section)
        elif source.startswith("#"):
            section = source.splitlines()[0].lstrip("#").strip()


def notebooks() -> list[Notebook]:
    """Return the notebooks, sorted by number; `LabError` if they are not here."""
    return [Notebook(path.name[:2], path) for path in notebook_files()]


def notebook(chapter: str) -> Notebook:
    """Return the notebook of a chapter.

    Args:
        chapter: Its number as two digits, such as `"03"`.

    Raises:
        LabError: There is no such chapter.
    """
    known = {each.number: each for each in notebooks()}
    if called(chapter) not in known:
        raise LabError(f"There is no chapter {shown(chapter)}; the chapters are {', '.join(known)}.")
    return known[called(chapter)]
