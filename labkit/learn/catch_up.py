"""Runs cells of the course again: `lab.catch_up("04")` those before a chapter, `lab.catch_up()` those of this one."""

from __future__ import annotations

import io
from collections.abc import Iterable
from contextlib import redirect_stdout
from typing import Any

import boto3

from labkit.errors import LabError
from labkit.learn.notebooks import BUILD, RERUN, Notebook, notebook, notebooks
from labkit.learn.visit import Visit
from labkit.status import Status


def catch_up(chapter: str, namespace: dict[str, Any]) -> list[str]:
    """Run the build cells of every notebook before a chapter.

    Args:
        chapter: Its number as two digits, such as `"03"`.
        namespace: Where the names that the cells define are kept.

    Returns:
        The names of these notebooks, without `.ipynb`.

    Raises:
        LabError: There is no such chapter, or a cell fails; the error names the cell.
    """
    until = notebook(chapter).number
    before = [each for each in notebooks() if each.number < until]
    for each in before:
        _run(each, each.build_cells(), namespace)
    return [each.path.stem for each in before]


def catch_up_here(visit: Visit, namespace: dict[str, Any]) -> str:
    """Run the build cells of the chapter itself up to where the student is or, in an earlier kernel, was.

    Cells tagged `rerun` run too: later cells of the chapter need a name that they set, or their traffic. Where the
    account began empty with the kernel, and nothing has built the chapters before, their build cells run first.

    Args:
        visit: Knows the chapter, and the cells that are behind the student.
        namespace: Where the names that the cells define are kept.

    Returns:
        A sentence that says what was run.

    Raises:
        LabError: Nothing is behind the student, or a cell fails; the error names the cell.
    """
    behind = visit.behind()
    before: list[str] = []
    if not visit.lasts and not visit.started:
        before = catch_up(str(visit.chapter), namespace)
        visit.started = True
    again = [cell for cell in behind if cell.tags & {BUILD, RERUN}]
    _run(notebook(str(visit.chapter)), [cell.source for cell in again], namespace)
    visit.reach(len(behind) - 1)
    built = sum(BUILD in cell.tags for cell in again)
    others = f" and {len(again) - built} whose names or traffic later cells need" if len(again) > built else ""
    cells = "build cell" if built == 1 else "build cells"
    first = f"Caught up: {', '.join(before)}\n" if before else ""
    return f"{first}Ran {built} {cells} of {visit.chapter}{others}, up to '{behind[-1].section}'."


def _run(source: Notebook, cells: Iterable[str], namespace: dict[str, Any]) -> None:
    """Run cells of a notebook without what they print."""
    namespace.setdefault("boto3", boto3)  # a notebook's first cell, which is no build cell, imports it
    with Status() as status:
        for number, cell in enumerate(cells, start=1):
            status.say(f"catching up: {source.path.stem}, cell {number}", plain=f"catching up: {source.path.stem}")
            try:
                with redirect_stdout(io.StringIO()):
                    exec(compile(cell, f"{source.path.name}, build cell {number}", "exec"), namespace)
            except Exception as error:
                raise LabError(
                    f"Build cell {number} of {source.path.name} failed: {type(error).__name__}: {error} "
                    "Open that notebook, run it to see where, then come back."
                ) from error
