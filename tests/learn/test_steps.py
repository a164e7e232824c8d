"""The steps that a student writes: task and solution are cells of the notebook, and a check or a judge decides."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from labkit.errors import CheckFailedError, LabError
from labkit.lab import Lab
from labkit.learn import exercises
from labkit.learn.chapters import CHAPTERS
from labkit.learn.notebooks import Notebook
from labkit.learn.result import Result
from tests.learn.checking import Until

CHAPTER = CHAPTERS["01"]

BUILT = {"id": "1.y", "title": "The second VPC", "hints": ["Look above."], "check": ["vpcs", "vpc-2"]}
ANSWERED = {
    "id": "1.z", "title": "Overlap", "hints": ["Count."], "answer": "True or False", "right": "It is the upper half.",
}  # fmt: skip

CELLS = [
    ("build", 'vpc_1 = lab.find("vpc-1")'),
    (
        "your-turn:1.y",
        "# Your turn (1.y). Create vpc-2\n# with the range 10.2.0.0/16.\n\n"
        'vpc_2 = lab.find("vpc-2")  # or make it\nprint(vpc_2)\n',
    ),
    ("your-turn:1.z", "# Your turn (1.z). May it be peered?\nanswer = False"),
]


@pytest.fixture(autouse=True)
def chapter(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A chapter 01 with two steps in a notebook of its own."""
    path = tmp_path / "01-steps.ipynb"
    cells: list[dict[str, Any]] = [
        {"cell_type": "code", "metadata": {"tags": [tag]}, "source": source.splitlines(keepends=True)}
        for tag, source in CELLS
    ]
    path.write_text(json.dumps({"metadata": {}, "cells": cells}), encoding="utf-8")
    monkeypatch.setattr(exercises, "notebooks", lambda: [Notebook("01", path)])
    monkeypatch.setitem(CHAPTER.texts, "exercise", [*CHAPTER.texts["exercise"], BUILT, ANSWERED])
    monkeypatch.setitem(CHAPTER.judges, "1.z", CHAPTER.judges["1.1"])  # type: ignore[arg-type]


def test_its_task_and_its_solution_are_the_notebook_s_cell(lab: Lab) -> None:
    step = lab.exercise("1.y")
    assert repr(step) == (
        "Exercise 1.y: The second VPC\nCreate vpc-2 with the range 10.2.0.0/16.\n"
        "When it is built: lab.check('vpcs', 'vpc-2'). Stuck? .hint(), then .solution()."
    )
    assert repr(step.hint()) == "Hint 1 of 1: Look above."
    assert repr(step.solution()) == 'One way to do it:\nvpc_2 = lab.find("vpc-2")  # or make it\nprint(vpc_2)'
    assert "May it be peered?\nAnswer with True or False: lab.exercise('1.z').check(answer)" in repr(
        lab.exercise("1.z")
    )


def test_a_built_step_is_judged_by_its_check(until: Until) -> None:
    lab = until("02").lab
    for answer in ((), ("anything",)):
        result = lab.exercise("1.y").check(*answer)
        assert isinstance(result, Result) and result.passed
        assert repr(result) == repr(lab.check("vpcs", "vpc-2"))
    lab.client("ec2").delete_tags(Resources=[lab.find("vpc-2")], Tags=[{"Key": "Name"}])
    assert not lab.exercise("1.y").check().passed


def test_a_step_with_a_value_is_judged_as_an_exercise_is(until: Until) -> None:
    step = until("02").lab.exercise("1.z")
    assert repr(step.check(False)) == "✓ Right. It is the upper half."
    assert not step.check(True).passed


def test_only_what_no_check_judges_is_an_item_of_its_own() -> None:
    ids = [item.id for item in CHAPTER.items()]
    assert "exercise:1.z" in ids and "exercise:1.y" not in ids and ids.count("check:vpcs") == 1


def test_a_grader_s_run_fails_where_a_step_is_not_built(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    lab.client("ec2").create_vpc(CidrBlock="10.9.0.0/16", TagSpecifications=lab.tags("vpc", "vpc-2"))
    monkeypatch.setenv("LABKIT_STRICT", "1")
    with pytest.raises(CheckFailedError):
        lab.exercise("1.y").check()


def test_a_notebook_that_lost_the_cell_says_how_to_get_it_back(lab: Lab, tmp_path: Path) -> None:
    (tmp_path / "01-steps.ipynb").write_text('{"metadata": {}, "cells": []}', encoding="utf-8")
    with pytest.raises(LabError, match=r"01-steps\.ipynb has no step 1\.y\. Get it back .*git restore [^ ]+/01-steps"):
        lab.exercise("1.y").solution()
