"""A kernel that is restarted at a heading of a notebook is an empty account; with the first cell and `lab.catch_up()`
the lesson goes on there.

One heading of each notebook is tried, or all with LABKIT_RESTARTS=all in the environment.
"""

from __future__ import annotations

import os
import random
from itertools import groupby
from pathlib import Path
from typing import Any

import pytest

from tests.course.kernels import Ran, started
from tests.course.notebooks import NOTEBOOKS, code_cells

#: A restart rebuilds what notebook 10 has deleted, so these sections need its deletions again.
AFTER_DELETIONS = ["## Prove that nothing is left", "## Exercises", "## What you have learned"]


@pytest.fixture
def progress(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The student's progress file, beside which their bookmark is."""
    monkeypatch.setenv("LABKIT_PROGRESS", str(tmp_path / "progress.json"))
    return tmp_path / "progress.json"


def outcome(ran: Ran) -> Any:
    """What must be the same after a restart: the error, whether a check passed, whether there are rows or records."""
    if ran.error is not None:
        return str(ran.error)
    if hasattr(ran.value, "passed"):
        return ran.value.passed
    return type(ran.value), bool(len(ran.value)) if hasattr(ran.value, "__len__") else None


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_lesson_goes_on_after_a_restart_at_a_heading(path: Path, progress: Path) -> None:
    cells = code_cells(path)
    begins = f'lab.catch_up("{path.name[:2]}")'
    above = next(place for place, cell in enumerate(cells) if begins in cell["source"]) + 1
    bookmark = progress.with_name(".progress.bookmark")
    sections = [list(section) for _, section in groupby(cells, key=lambda cell: cell["heading"])]
    sections = [section for section in sections if cells.index(section[0]) > above]
    if path.name.startswith("10"):
        sections = [section for section in sections if section[0]["heading"] not in AFTER_DELETIONS]
    if os.environ.get("LABKIT_RESTARTS") != "all":
        sections = [random.Random(path.stem).choice(sections)]
    before, undisturbed = {}, {}
    with started(live=True) as kernel:
        for cell in cells[: 1 + max(cells.index(section[-1]) for section in sections)]:
            before[cell["id"]] = bookmark.read_text() if bookmark.exists() else ""
            undisturbed[cell["id"]] = outcome(kernel.run(cell["source"], cell["id"]))
    for section in sections:
        bookmark.write_text(before[section[0]["id"]])
        with started(live=True) as kernel:
            for cell in cells[:above]:
                ran = kernel.run(cell["source"], cell["id"])
            assert "Before, you were at" in ran.shown
            again = kernel.run("lab.catch_up()", "of-the-student")
            assert again.error is None, again.shown
            after = {cell["id"]: outcome(kernel.run(cell["source"], cell["id"])) for cell in section}
            assert after == {id: undisturbed[id] for id in after}, f"{section[0]['heading']}: {again.shown}"
