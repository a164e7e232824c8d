"""`labkit progress`: the table, the JSON for graders, starting over, and what is wrong with a file."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from labkit.cli import main
from labkit.learn import progress
from labkit.learn.chapters import CHAPTERS


@pytest.fixture(autouse=True)
def file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    path = tmp_path / "progress.json"
    monkeypatch.setenv("LABKIT_PROGRESS", str(path))
    return path


def test_a_table_of_everything(capsys: pytest.CaptureFixture[str]) -> None:
    progress.record("check:vpcs", passed=True)
    progress.record("exercise:3.1", passed=False)
    progress.record("exercise:3.1", hint=True)
    assert main(["progress"]) == 0
    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert ["01", "check:vpcs", "✓", "1", *["two", "VPCs", "whose", "ranges", "do", "not", "overlap"]] in lines
    assert ["03", "exercise:3.1", "✗", "1", "1", "The", "wrong", "suspect"] in lines
    total = sum(len(list(chapter.items())) for chapter in CHAPTERS.values())
    assert lines[-1][:4] == ["1", "of", str(total), "passed"]


def test_json_has_a_score_for_every_item(capsys: pytest.CaptureFixture[str]) -> None:
    progress.record("quiz:03.1", passed=True, answer="c")
    assert main(["progress", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["schema"], found["score"], found["max_score"]) == (1, 1, len(found["items"]))
    for item in found["items"].values():
        assert item["score"] in (0, 1) and item["max_score"] == 1 and item["chapter"] and item["title"]
        assert {"attempts", "hints", "solution", "first", "last", "passed"} <= set(item)
    assert found["items"]["quiz:03.1"]["answer"] == "c"


def test_a_file_that_was_handed_in(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    progress.record("check:vpcs", passed=True)
    handed_in = file.rename(file.with_name("ada.json"))
    assert main(["progress", str(handed_in), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["score"] == 1


def test_starting_over_keeps_the_old_file(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["progress", "--reset"]) == 0
    assert capsys.readouterr().out == "There was nothing yet.\n"
    for n in (1, 2):
        progress.record("check:vpcs", passed=True)
        assert main(["progress", "--reset"]) == 0
        assert capsys.readouterr().out == f"Started over; the old progress is now in progress.{n}.json.\n"
        assert not file.exists() and file.with_name(f"progress.{n}.json").exists()


def test_a_file_that_is_not_there_is_a_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["progress", "absent.json"]) == 1
    assert "There is no file absent.json" in capsys.readouterr().err
