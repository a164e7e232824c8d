"""How far a kernel has come in its chapter, and what to say if a cell needs what an earlier cell makes.

IPython calls `Visit.begins` and `Visit.ends` around each cell. A kernel that is restarted begins a new visit, in an
embedded AWS on an empty account; the bookmark says where the visit before it was.
"""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from functools import cache
from typing import Any
from weakref import WeakKeyDictionary

from botocore.exceptions import ClientError

from labkit.errors import LabError
from labkit.learn import bookmark
from labkit.learn.answers import called
from labkit.learn.notebooks import BUILD, RERUN, Cell, notebook, notebooks
from labkit.learn.student_copy import CELL_ID, YOUR_TURN
from labkit.status import is_live

#: The error codes, or their ends, with which AWS says that it does not have a thing.
_NOT_THERE = ("NotFound", "NoSuchEntity", "ResourceNotFoundException")


class Visit:
    """The work of one kernel on one chapter.

    A bookmark is read and kept only where a person is, so a run without one, as in a test, is the same each time.

    Attributes:
        chapter: The chapter's number, once `lab.catch_up("04")` has said it or, where a person is, one of its cells has
            run.
        lasts: Whether the AWS account outlives the kernel, as a real one does.
        started: Whether `lab.catch_up("04")` has run, which builds the chapters before.
    """

    def __init__(self) -> None:
        self.chapter: str | None = None
        self.lasts = False
        self.started = False
        self._cells: list[Cell] = []
        self._first = 0  # the cell that says the chapter
        self._starting = False  # whether that is the one that is running
        self._furthest = 0
        self._earlier = 0  # where an earlier kernel was
        self._running: int | None = None

    def start(self, chapter: str) -> Cell | None:
        """Note which chapter this is.

        Args:
            chapter: The chapter's number, such as `"04"`.

        Returns:
            The cell at which an earlier kernel was, if that had come further than this one; None otherwise.
        """
        self._open(chapter)
        self.started = self._starting = True
        return self._cells[self._earlier] if self._earlier > max(self._furthest, self._first) else None

    def _open(self, chapter: str) -> None:
        """Take a chapter for the one that is worked on, and read where an earlier kernel was in it."""
        if called(chapter) != self.chapter:
            self.chapter, self._cells = chapter, notebook(chapter).code_cells()
            self._furthest = self._earlier = 0
            self.started = False
        if is_live():
            was = bookmark.read(chapter)
            self._earlier = max([self._earlier, *(place for place, cell in enumerate(self._cells) if cell.id == was)])

    def begins(self, info: Any) -> None:
        """Note that a cell begins to run; IPython calls it with its `ExecutionInfo`."""
        self._running = self._place(info.cell_id, info.raw_cell)

    def ends(self, result: Any) -> None:
        """Note that a cell has ended; IPython calls it with its `ExecutionResult`."""
        if self.chapter is None and is_live() and (chapter := _chapter_of(result.info.cell_id, result.info.raw_cell)):
            self._open(chapter)
        place = self._place(result.info.cell_id, result.info.raw_cell)
        self._running = None
        if self._starting:
            self._first, self._starting = place or 0, False
        elif place is not None and result.success:
            self.reach(place)

    def reach(self, place: int) -> None:
        """Note that the cell at a place has run, or what it needs has been made again; keep the furthest such place."""
        if place > max(self._furthest, self._first):
            self._furthest = place
            if is_live() and self.chapter:
                bookmark.keep(self.chapter, self._cells[place].id)

    def behind(self) -> list[Cell]:
        """Return the cells of the chapter that the student has behind them, in order.

        Those are the cells above the one that is running, if it is one of the chapter's below the first. If it is the
        first cell, or a cell of the student's own, whose place the kernel cannot know, they are the cells up to the
        furthest one that has run, in this kernel or in the one before.

        Raises:
            LabError: The chapter is not known, or no cell of it has run.
        """
        if self.chapter is None:
            raise LabError(
                "lab.catch_up() does not know yet which chapter this is. Run the notebook's first cells, down to the "
                "first heading, then this one again."
            )
        if self._running is not None and self._running > self._first:
            return self._cells[: self._running]
        furthest = max(self._furthest, self._earlier)
        if furthest <= self._first:
            raise LabError(
                f"No cell of {self.chapter} below the first has run yet, so there is nothing to run again. Go on with "
                "the next cell."
            )
        return self._cells[: furthest + 1]

    def hint(self, error: BaseException) -> str | None:
        """Return a sentence on an error of a cell that was run too early, or after a restart; None for other errors."""
        if isinstance(error, NameError):
            return self._unset(str(error.name))
        if not isinstance(error, ClientError) or not error.response["Error"]["Code"].endswith(_NOT_THERE):
            return None
        if self.lasts or self._earlier <= self._furthest:
            return None
        return (
            "This AWS began empty with this kernel. Before, you were at "
            f"'{self._cells[self._earlier].section}'. lab.catch_up() in a new cell rebuilds the lab up to there."
        )

    def _unset(self, name: str) -> str | None:
        place = next((i for i, cell in enumerate(self._cells) if name in _names(cell.source)), None)
        if place is None:
            return None
        cell = self._cells[place]
        if place <= self._first:
            return f"{name!r} is set by the notebook's first cell. Run it, then this cell again."
        where = f"in the section '{cell.section}', by the cell that begins: {cell.source.splitlines()[0]}"
        step = next((tag.removeprefix(YOUR_TURN) for tag in cell.tags if tag.startswith(YOUR_TURN)), None)
        first = f"Write and run it first; lab.exercise({step!r}).hint() helps." if step else "Run it first."
        again = " After a restart, lab.catch_up() runs it for you." if cell.tags & {BUILD, RERUN} else ""
        return f"{name!r} is set {where}\n{first}{again}"

    def _place(self, id: str | None, source: str) -> int | None:
        """Return the place of a cell, or None if it is not one of the chapter's.

        JupyterLab sends the cell's id. Other front ends send none, or a name of their own: then it is the one cell with
        this source.
        """
        if id and CELL_ID.fullmatch(id):
            return next((place for place, cell in enumerate(self._cells) if cell.id == id), None)
        same = [place for place, cell in enumerate(self._cells) if cell.source == source]
        return same[0] if len(same) == 1 else None


def _chapter_of(id: str | None, source: str) -> str | None:
    """Return the chapter that a cell is of, by its id or, where the front end sends none, by its source."""
    ids, sources = _all_cells()
    return ids.get(id) if id and CELL_ID.fullmatch(id) else sources.get(source)


@cache
def _all_cells() -> tuple[dict[str, str], dict[str, str]]:
    """Return the chapter of each cell of the course, by the cell's id and by its source if no other cell has it."""
    cells = []
    with suppress(LabError):  # the notebooks are not here, or one is damaged
        cells += [(cell, each.number) for each in notebooks() for cell in each.code_cells()]
    count = Counter(cell.source for cell, _ in cells)
    ids = {cell.id: number for cell, number in cells}
    return ids, {cell.source: number for cell, number in cells if count[cell.source] == 1}


_visits: WeakKeyDictionary[Any, Visit] = WeakKeyDictionary()


def visit_of(shell: Any) -> Visit:
    """Return the visit of a kernel, always the same one.

    Args:
        shell: The kernel's IPython, or None in a plain script, of which nothing is remembered.
    """
    return _visits.setdefault(shell, Visit()) if shell is not None else Visit()


def _names(source: str) -> set[str]:
    """Return the names that a cell sets; none for a cell magic, which is not Python.

    >>> sorted(_names("import json\\nec2, _ = f()\\ndef launch(name): x = 1\\nfor a in b: c = 2"))
    ['_', 'a', 'c', 'ec2', 'json', 'launch']
    """
    # The others: null bytes, and brackets in brackets in brackets, of which no course's own cell has any.
    with suppress(SyntaxError, ValueError, RecursionError, MemoryError):
        return set(_set_by(ast.parse(source)))
    return set()


def _set_by(node: ast.AST) -> Iterator[str]:
    if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
        yield node.id
    elif isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
        yield node.name
        return
    elif isinstance(node, (ast.Lambda, ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)):
        return
    elif isinstance(node, (ast.Import, ast.ImportFrom)):
        yield from (alias.asname or alias.name.partition(".")[0] for alias in node.names)
    for child in ast.iter_child_nodes(node):
        yield from _set_by(child)
