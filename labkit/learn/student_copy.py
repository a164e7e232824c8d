"""A chapter as a student gets it: nothing has run, and the steps that are theirs to write are empty.

`labkit start` makes such copies of the course's notebooks. Everything here is a function of a notebook's JSON, as
`json.loads` reads it (https://nbformat.readthedocs.io/en/latest/format_description.html), and needs only the standard
library.
"""

from __future__ import annotations

import hashlib
import json
from itertools import takewhile
from typing import Any

#: Begins the tag of a step that a student writes; its id follows, as in `your-turn:1.a`.
YOUR_TURN = "your-turn:"


def student_copy(notebook: dict[str, Any]) -> dict[str, Any]:
    """Return a notebook without outputs, numbers of runs and solutions; the notebook given stays as it is.

    Each cell keeps its id, its tags and its place. A cell with a tag `your-turn:…` keeps the comments that it begins
    with, which say what to write.

    Args:
        notebook: The JSON of one of the course's notebooks.

    Raises:
        KeyError, TypeError: It is not the JSON of a notebook.
    """
    metadata = {key: value for key, value in notebook["metadata"].items() if key != "widgets"}
    return {**notebook, "metadata": metadata, "cells": [_student_cell(cell) for cell in notebook["cells"]]}


def comments_of(source: str) -> str:
    """Return the lines of comments that a cell begins with: in a student's step, what to write.

    >>> comments_of('# Your turn. Create vpc-2.\\nvpc_2 = ec2.create_vpc(…)\\n# done')
    '# Your turn. Create vpc-2.\\n'
    """
    return "".join(takewhile(lambda line: line.startswith("#"), source.splitlines(keepends=True)))


def fingerprint(notebook: dict[str, Any]) -> str:
    """Return a short text that differs when somebody has worked in a notebook.

    It comes from the kinds, sources, attachments and outputs of the cells, in their order. It does not come from
    metadata, which front ends write when a notebook is only opened, or from the numbers of runs.

    Args:
        notebook: The JSON of a notebook.

    Raises:
        KeyError, TypeError: It is not the JSON of a notebook.
    """
    work = [
        (cell["cell_type"], "".join(cell["source"]), cell.get("attachments") or {}, cell.get("outputs") or [])
        for cell in notebook["cells"]
    ]
    return hashlib.sha256(json.dumps(work, sort_keys=True).encode()).hexdigest()


def _student_cell(cell: dict[str, Any]) -> dict[str, Any]:
    metadata = {key: value for key, value in cell["metadata"].items() if key != "execution"}
    copy = {**cell, "metadata": metadata}
    if cell["cell_type"] != "code":
        return copy
    if any(tag.startswith(YOUR_TURN) for tag in metadata.get("tags", ())):
        copy["source"] = comments_of("".join(cell["source"])).splitlines(keepends=True)
    return {**copy, "execution_count": None, "outputs": []}
