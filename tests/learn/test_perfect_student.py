"""A student who does all of the course right has passed all of it, and has failed nothing on the way."""

from __future__ import annotations

import contextlib
import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest

from labkit.cli import main
from labkit.learn import progress
from labkit.learn.chapters import CHAPTERS
from labkit.learn.grader import Grader
from labkit.learn.notebooks import Notebook, notebooks
from tests.lab.conftest import fresh_lab

#: What marks a cell that only a front end can run, and that passes nothing.
NOTEBOOK_ONLY = ("%%", "lab.map", "lab.widgets", "figure")


def cells(notebook: Notebook) -> Iterator[str]:
    """The code of a notebook in order, without what is meant to fail, and without its connection."""
    for cell in json.loads(notebook.path.read_text(encoding="utf-8"))["cells"]:
        source = "".join(cell["source"])
        runs = cell["cell_type"] == "code" and "raises-exception" not in cell["metadata"].get("tags", [])
        if runs and not any(word in source for word in NOTEBOOK_ONLY):
            yield source.replace("lab = labkit.connect()", "")


def solved(source: str) -> str:
    """A cell that asks for an answer, with the solution in place of `None`."""
    for chapter in CHAPTERS.values():
        for texts in chapter.texts["exercise"]:
            if source.startswith("answer = None") and f'lab.exercise("{texts["id"]}")' in source:
                return source.replace("answer = None", texts["solution"])
    return source


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The progress of the whole course, each notebook in an account of its own; whatever fails is an error."""
    path = tmp_path_factory.mktemp("perfect") / "progress.json"
    with pytest.MonkeyPatch.context() as patch, contextlib.redirect_stdout(io.StringIO()):
        patch.setattr("labkit.lab.is_live", lambda: True)
        patch.setenv("LABKIT_PROGRESS", str(path))
        patch.setenv("LABKIT_STRICT", "1")
        for notebook in notebooks():
            with fresh_lab() as lab:
                names: dict[str, Any] = {"lab": lab, "boto3": boto3}
                for source in cells(notebook):
                    exec(solved(source), names)
                for question in Grader(lab, lambda: False).quiz(notebook.number).questions:
                    right = next(option.letter for option in question.options if option.right)
                    names["lab"].quiz(notebook.number).answer(question.number, right)
        yield path


def test_everything_is_passed(file: Path) -> None:
    done = progress.read(file)
    expected = {item.id for chapter in CHAPTERS.values() for item in chapter.items()}
    assert {id for id, item in done.items() if item["score"]} == expected == set(done)


def test_the_command_says_so(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["progress", str(file)]) == 0
    shown = capsys.readouterr().out.splitlines()
    total = sum(len(list(chapter.items())) for chapter in CHAPTERS.values())
    assert shown[-1].startswith(f"{total} of {total} passed")
    assert {line.split()[2] for line in shown[1:-2]} == {"✓"}
