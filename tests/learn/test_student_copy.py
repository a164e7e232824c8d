"""A student's copy of a chapter: no answers before anything runs, and the same lesson."""

from __future__ import annotations

import copy
import json
import re
from pathlib import Path
from typing import Any

import pytest

from labkit.learn.student_copy import fingerprint, student_copy

LESSON = sorted((Path(__file__).parents[2] / "notebooks").glob("*.ipynb"))


def code(source: str, *tags: str) -> dict[str, Any]:
    return {
        "cell_type": "code", "id": "a1", "execution_count": 3, "source": source.splitlines(keepends=True),
        "metadata": {"tags": list(tags), "execution": {"iopub.status.busy": "2025-12-04T12:00:00Z"}},
        "outputs": [{"output_type": "stream", "name": "stdout", "text": ["all right\n"]}],
    }  # fmt: skip


def notebook(*cells: dict[str, Any]) -> dict[str, Any]:
    metadata = {"kernelspec": {"name": "python3"}, "widgets": {"application/vnd.jupyter.widget-state+json": {}}}
    return {"cells": list(cells), "metadata": metadata, "nbformat": 4, "nbformat_minor": 5}


TEXT = {"cell_type": "markdown", "id": "t1", "metadata": {}, "source": ["# 01"], "attachments": {"a.png": {}}}
STEP = "# Your turn. Create vpc-2.\n# Its range is 10.2.0.0/16.\nvpc_2 = 1\n# a comment of the solution\n"


def test_nothing_has_run_in_a_copy_and_the_original_stays_as_it_is() -> None:
    original = notebook(TEXT, code("lab.check()\n", "build"))
    before = copy.deepcopy(original)
    made = student_copy(original)
    assert original == before
    assert made["metadata"] == {"kernelspec": {"name": "python3"}}
    text, cell = made["cells"]
    assert text == TEXT
    assert cell == {
        "cell_type": "code", "id": "a1", "execution_count": None, "source": ["lab.check()\n"],
        "metadata": {"tags": ["build"]}, "outputs": [],
    }  # fmt: skip


@pytest.mark.parametrize("source", [STEP, STEP.splitlines(keepends=True)], ids=["text", "lines"])
def test_a_step_of_the_student_keeps_only_what_says_what_to_write(source: str | list[str]) -> None:
    cell = code("", "your-turn:1.a", "build") | {"source": source}
    (made,) = student_copy(notebook(cell))["cells"]
    assert made["source"] == ["# Your turn. Create vpc-2.\n", "# Its range is 10.2.0.0/16.\n"]
    assert made["metadata"]["tags"] == ["your-turn:1.a", "build"] and made["id"] == "a1"


@pytest.mark.parametrize(
    ("work", "is_work"),
    [
        (lambda cells: cells[1].update(source="lab.check('vpcs')"), True),
        (lambda cells: cells[0].update(attachments={}), True),
        (lambda cells: cells[1].update(outputs=[{"output_type": "stream", "name": "stdout", "text": "1"}]), True),
        (lambda cells: cells.reverse(), True),
        (lambda cells: cells.append(code("")), True),
        (lambda cells: cells.pop(), True),
        (lambda cells: cells[0].update(cell_type="raw"), True),
        (lambda cells: cells[1]["metadata"].update(scrolled=True), False),
        (lambda cells: cells[1].update(execution_count=4), False),
        (lambda cells: cells[1].update(source="lab.check()\n"), False),
    ],
)
def test_work_is_told_from_what_a_front_end_writes(work: Any, is_work: bool) -> None:
    before = student_copy(notebook(TEXT, code("lab.check()\n")))
    after = copy.deepcopy(before)
    work(after["cells"])
    assert (fingerprint(after) != fingerprint(before)) is is_work


@pytest.mark.parametrize("path", LESSON, ids=lambda path: path.stem)
def test_each_chapter_s_copy_has_its_cells_no_answers_and_links_that_lead_somewhere(path: Path) -> None:
    original = json.loads(path.read_text(encoding="utf-8"))
    made = student_copy(original)
    assert [cell["id"] for cell in made["cells"]] == [cell["id"] for cell in original["cells"]]
    assert not any(cell.get("outputs") or cell.get("execution_count") for cell in made["cells"])
    # Seen from a folder beside the original's, with copies of the chapters and of nothing else.
    for target in re.findall(r"\]\(([^)#]+)\)", "\n".join("".join(cell["source"]) for cell in made["cells"])):
        is_beside = target.startswith("../") and (path.parent / target).exists()
        assert target.startswith("https://") or is_beside or target in {each.name for each in LESSON}, target
