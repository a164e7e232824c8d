"""`labkit run --score`: a run goes on after what fails, and says what was passed of what."""

from __future__ import annotations

import json
from pathlib import Path

import nbformat
import pytest

from labkit.cli import run
from labkit.errors import CommandError
from labkit.learn.chapters import CHAPTERS


def write(path: Path, *cells: str) -> None:
    made = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source) for source in cells])
    for cell in made.cells:
        if cell.source.startswith("# meant to fail"):
            cell.metadata["tags"] = ["raises-exception"]
    nbformat.write(made, path)


CONNECT = 'import labkit\nlab = labkit.connect()\nlab.catch_up("00")'
LOOK_AHEAD = 'lab.check("vpcs")\nlab.check()'
UNANSWERED = 'answer = None\nlab.exercise("0.1").check(answer)'


KINDS = [item.kind for item in CHAPTERS["00"].items()]

#: How much there is to pass in the chapter: of its exercises, of its quiz, and in all.
OF = (KINDS.count("exercise"), KINDS.count("quiz"), len(KINDS))


def row(printed: str, name: str) -> list[str]:
    """The words of a chapter's line in the table of the score."""
    return next(line.split()[1:] for line in printed.splitlines() if line.split()[:1] == [name])


def counts(*passed: int) -> list[str]:
    return " ".join(f"{n} of {of}" for n, of in zip(passed, OF, strict=True)).split()


def scored(root: Path, *cells: str) -> int:
    write(root / "notebooks" / "00-start-here.ipynb", CONNECT, LOOK_AHEAD, UNANSWERED, *cells)
    return run.run(run.parse(["--score"]))


@pytest.fixture(autouse=True)
def alone(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("LABKIT_AWS", raising=False)
    monkeypatch.setenv("LABKIT_PROGRESS", str(root / "mine.json"))
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[2]))


def test_what_is_not_begun_not_answered_or_meant_to_fail_fails_nothing_and_scores_nothing(
    root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert scored(root, "# meant to fail\n1 / 0", 'lab.quiz("00").answer(1, "b")') == 0
    printed = capsys.readouterr().out
    assert "given by clicking are not in a notebook" in printed
    assert row(printed, "00") == counts(0, 1, 1)
    assert json.loads((root / "build" / "score.json").read_text())["items"]["quiz:00.1"]["answer"] == "b"
    assert not (root / "mine.json").exists()


def test_it_goes_on_after_what_fails_and_an_earlier_score_is_gone(
    root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (root / "build").mkdir()
    (root / "build" / "score.json").write_text("{")
    assert scored(root, 'lab.quiz("00").answer(1, "a")', "", "1 / 0", 'lab.exercise("0.1").check(65536)') == 1
    printed = capsys.readouterr().out
    assert "cell 4: CheckFailedError: ✗ No." in printed and "(and 1 more)" in printed
    assert row(printed, "total") == counts(1, 0, 1)


def test_the_notebooks_keep_no_outputs_of_a_scored_run(root: Path) -> None:
    write(root / "notebooks" / "00-start-here.ipynb", "1")
    with pytest.raises(CommandError, match="leave --update or --score out"):
        run.parse(["--score", "--update"])
