"""Begins a chapter where the ones before it end: `lab.catch_up` runs their build cells."""

from __future__ import annotations

import io
from contextlib import redirect_stdout
from typing import Any

import boto3

from labkit.errors import LabError
from labkit.learn.notebooks import notebooks
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
    known = notebooks()
    numbers = [each.number for each in known]
    if chapter not in numbers:
        raise LabError(f"There is no chapter {chapter!r}; the chapters are {', '.join(numbers)}.")
    before = known[: numbers.index(chapter)]
    namespace.setdefault("boto3", boto3)  # a notebook's first cell, which is no build cell, imports it
    with Status() as status:
        for each in before:
            for number, source in enumerate(each.build_cells(), start=1):
                status.say(f"catching up: {each.path.stem}, cell {number}", plain=f"catching up with chapter {chapter}")
                try:
                    with redirect_stdout(io.StringIO()):
                        exec(compile(source, f"{each.path.name}, build cell {number}", "exec"), namespace)
                except Exception as error:
                    raise LabError(
                        f"Build cell {number} of {each.path.name} failed: {type(error).__name__}: {error} "
                        "Open that notebook, run it to see where, then come back."
                    ) from error
    return [each.path.stem for each in before]
