"""A chapter as a student gets it: nothing has run, and the steps that are theirs to write are empty.

`labkit start` makes such copies of the course's notebooks. Everything here is a function of a notebook's JSON, as
`json.loads` reads it (https://nbformat.readthedocs.io/en/latest/format_description.html), and needs only the standard
library.
"""

from __future__ import annotations

import hashlib
import json
import re
from itertools import takewhile
from typing import Any

#: Begins the tag of a step that a student writes; its id follows, as in `your-turn:1.a`.
YOUR_TURN = "your-turn:"

#: The id of a cell. https://nbformat.readthedocs.io/en/latest/format_description.html#cell-ids
CELL_ID = re.compile(r"[a-zA-Z0-9-_]{1,64}")

#: How many bytes a notebook's file may have; the course's largest one has 0.5 MB.
LARGEST = 100_000_000


def student_copy(notebook: dict[str, Any]) -> dict[str, Any]:
    """Return a notebook without outputs, numbers of runs and solutions; the notebook given stays as it is.

    Each cell keeps its id, its tags and its place. A cell with a tag `your-turn:…` keeps the comments that it begins
    with, which say what to write.

    Args:
        notebook: The JSON of one of the course's notebooks.

    Raises:
        ValueError: It is not the JSON of a notebook.
    """
    cells = [_student_cell(cell) for cell in cells_of(notebook)]
    metadata = {key: value for key, value in notebook["metadata"].items() if key != "widgets"}
    return {**notebook, "metadata": metadata, "cells": cells}


def cells_of(notebook: Any) -> list[dict[str, Any]]:
    """Return the cells of a notebook.

    Args:
        notebook: Any JSON.

    Raises:
        ValueError: It is not the JSON of a notebook; the text says what is wrong.
    """
    if not isinstance(notebook, dict) or not isinstance(notebook.get("metadata"), dict):
        raise ValueError("it has no metadata")
    if not _is_list_of(dict, notebook.get("cells")):
        raise ValueError("it has no cells")
    for number, cell in enumerate(notebook["cells"], start=1):
        source, metadata = cell.get("source"), cell.get("metadata")
        if not (
            isinstance(cell.get("cell_type"), str)
            and isinstance(cell.get("id", ""), str)
            and (isinstance(source, str) or _is_list_of(str, source))
            and isinstance(metadata, dict)
            and _is_list_of(str, metadata.get("tags", []))
        ):
            raise ValueError(f"its cell {number} is not one of a notebook")
    return list(notebook["cells"])


def _is_list_of(kind: type, value: object) -> bool:
    return isinstance(value, list) and all(isinstance(each, kind) for each in value)


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
        ValueError: It is not the JSON of a notebook.
    """
    work = [
        (cell["cell_type"], "".join(cell["source"]), cell.get("attachments") or {}, cell.get("outputs") or [])
        for cell in cells_of(notebook)
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
