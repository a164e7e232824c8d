"""`labkit run`: notebooks executed without a browser; the notebooks themselves stay as they are."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import Any

import nbformat
import pytest

from labkit.cli import run
from labkit.cli.run import Outcome
from labkit.errors import CommandError, LabError


def write(path: Path, *cells: str) -> Path:
    made = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source) for source in cells])
    nbformat.write(made, path)
    return path


@pytest.fixture
def chapters(root: Path) -> Path:
    folder = root / "notebooks"
    for name in ("00-start-here", "03-the-failed-ping", "10-clean-up"):
        write(folder / f"{name}.ipynb", "1 + 1")
    return folder


def names(wanted: list[str], chapters: Path) -> list[str]:
    return [path.stem for path in run.choose(wanted, chapters)]


def test_a_chapter_is_named_by_number_or_name_and_runs_once(chapters: Path) -> None:
    every = ["00-start-here", "03-the-failed-ping", "10-clean-up"]
    assert names([], chapters) == every
    for text in ("03", "3", "03-the-failed-ping"):
        assert names([text], chapters) == ["03-the-failed-ping"]
    assert names(["10", "3", "03", "notebooks/10-clean-up.ipynb"], chapters) == ["10-clean-up", "03-the-failed-ping"]
    with pytest.raises(CommandError, match=r"There is no chapter '7'.*the chapters are 00-start-here, 03"):
        run.choose(["7"], chapters)


def test_a_path_is_that_file_or_an_error_and_never_the_course_s_chapter_of_that_name(
    root: Path, chapters: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for text in ("my-notebooks/03-the-failed-ping.ipynb", "03-the-failed-ping.ipynb", "my-notebooks/03", "./03"):
        with pytest.raises(CommandError, match=r"is not there\. .*run 01' runs the course's own notebook"):
            run.choose([text], chapters)
    (root / "my-notebooks").mkdir()
    mine = write(root / "my-notebooks" / "03-the-failed-ping.ipynb", "2")
    assert run.choose(["my-notebooks/03-the-failed-ping.ipynb"], chapters) == [mine]
    monkeypatch.chdir(root / "my-notebooks")
    assert run.choose(["03-the-failed-ping.ipynb"], chapters) == [mine]
    with pytest.raises(CommandError, match="Two of these notebooks are called 03"):
        run.choose(["03", "03-the-failed-ping.ipynb"], chapters)
    with pytest.raises(CommandError, match="is not a notebook"):
        run.choose(["../notebooks"], chapters)
    with pytest.raises(CommandError, match="--update is for the course's own notebooks"):
        run.parse(["--update", "03-the-failed-ping.ipynb"])
    assert run.parse(["--update", str(chapters / "10-clean-up.ipynb")]).update


def test_a_file_that_is_no_notebook_is_said(root: Path) -> None:
    (root / "broken.ipynb").write_text("<<<<<<< HEAD")
    with pytest.raises(CommandError, match=r"broken.ipynb can't be read as a notebook"):
        run.run(run.parse(["broken.ipynb"]))


def test_no_notebooks_at_all_is_said(root: Path) -> None:
    with pytest.raises(CommandError, match="git restore notebooks"):
        run.choose([], root / "notebooks")


def test_it_never_writes_among_the_notebooks(root: Path, chapters: Path) -> None:
    for out in ("notebooks", "notebooks/built", "./notebooks/", "my-notebooks"):
        with pytest.raises(CommandError, match="holds notebooks, which 'run' never overwrites"):
            run.parse(["--out", out])
    write(root / "build.ipynb", "1")
    with pytest.raises(CommandError, match="holds notebooks"):
        run.parse(["build.ipynb", "--out", "."])


def test_the_table_says_which_cell_failed_and_why() -> None:
    text = run.table([Outcome("00-start-here", 12, 1.24), Outcome("03", 20, 3.5, 7, "ValueError: no route")])
    assert text.splitlines() == [
        "chapter        cells  seconds  result",
        "-" * 59,
        "00-start-here     12      1.2  ok",
        "03                20      3.5  cell 7: ValueError: no route",
    ]


def test_it_executes_writes_both_results_and_reports_the_failing_cell(
    root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    good = write(root / "notebooks" / "00-good.ipynb", "import os\nprint(os.getcwd(), os.environ['PYTHONHASHSEED'])")
    bad = write(root / "notebooks" / "01-bad.ipynb", "1", "", "raise ValueError('no route')", "print('never')")
    before = good.read_bytes(), bad.read_bytes()

    assert run.run(run.parse([])) == 1

    assert (good.read_bytes(), bad.read_bytes()) == before
    executed = nbformat.read(root / "build" / "00-good.ipynb", as_version=4)
    assert executed.cells[0].outputs[0].text == f"{root / 'notebooks'} 0\n"
    assert str(root / "notebooks") in (root / "build" / "00-good.html").read_text(encoding="utf-8")
    assert "no route" in (root / "build" / "01-bad.html").read_text(encoding="utf-8")
    printed = capsys.readouterr().out
    assert "cell 2: ValueError: no route" in printed
    assert "00-good: ok" in printed


def test_its_kernels_are_told_which_aws_to_use(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("LABKIT_AWS", raising=False)
    write(root / "notebooks" / "00-where.ipynb", "import os\nprint(os.environ.get('LABKIT_AWS'))")
    for arguments, where in (([], "None"), (["--aws", "contrary:throttling"], "contrary:throttling")):
        assert run.run(run.parse(arguments)) == 0
        executed = nbformat.read(root / "build" / "00-where.ipynb", as_version=4)
        assert executed.cells[0].outputs[0].text == f"{where}\n"


def test_a_behavior_that_does_not_exist_is_named_before_a_kernel_starts(
    chapters: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("LABKIT_AWS", raising=False)
    monkeypatch.setattr(run, "_execute_all", lambda *_: pytest.fail("kernels started"))
    with pytest.raises(LabError, match="There is no contrary behavior 'bogus'"):
        run.run(run.parse(["--aws", "contrary:throttling, bogus"]))
    monkeypatch.setenv("LABKIT_AWS", "contrary:bogus")
    with pytest.raises(LabError, match="There is no contrary behavior 'bogus'"):
        run.run(run.parse([]))


def test_it_uses_no_real_account_and_keeps_outputs_of_the_embedded_aws_only(
    chapters: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("LABKIT_AWS", raising=False)
    with pytest.raises(CommandError, match="nobody is there to confirm it: open them with '.*labkit start --aws'"):
        run.parse(["--aws", "aws"])
    with pytest.raises(CommandError, match="the outputs of the embedded AWS, not of contrary: leave --update out"):
        run.parse(["--aws", "contrary", "--update"])
    with pytest.raises(SystemExit):
        run.parse(["--aws", "moon"])
    assert (
        "'moon' is not an AWS; choose embedded, contrary, contrary:BEHAVIOR,BEHAVIOR or aws" in capsys.readouterr().err
    )
    monkeypatch.setenv("LABKIT_AWS", "contrary")
    with pytest.raises(CommandError, match="leave --update out"):
        run.parse(["--update"])
    assert run.parse(["--update", "--aws", "embedded"]).update


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Notebooks take no time: each has two cells."""

    async def execute(path: Path, notebook: Any, out: Path, on_cell: Any, variables: Any, goes_on: bool) -> Outcome:
        for _ in range(2):
            on_cell(path.stem)
        return Outcome(path.stem, 2, 0.5, error="" if path.stem.startswith("00") else "no route")

    monkeypatch.setattr(run, "_execute", execute)
    monkeypatch.setattr(run, "_count_cells", lambda notebook: 2)
    monkeypatch.setattr("labkit.status.PAUSE_SECONDS", 0)


@pytest.mark.usefixtures("quick")
def test_in_a_terminal_one_line_of_progress_updates_and_never_wraps(
    chapters: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    two = run.choose(["00", "03"], chapters)
    asyncio.run(run._execute_all(two, chapters, {}))
    before_done, _, after = capsys.readouterr().out.partition("00-start-here: ok, 0.5 s\n")
    assert "[######..................] cell 1 of 4  00-start-here" in before_done and "\n" not in before_done
    assert "[##################......] cell 3 of 4  03-the-failed-ping" in after
    monkeypatch.setenv("COLUMNS", "30")
    asyncio.run(run._execute_all(two, chapters, {}))
    assert "cell 1 of 4" not in capsys.readouterr().out


@pytest.mark.usefixtures("quick")
def test_elsewhere_there_is_a_line_for_each_notebook_that_is_done(
    chapters: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    asyncio.run(run._execute_all(run.choose(["00", "03"], chapters), chapters, {}))
    assert capsys.readouterr().out == "00-start-here: ok, 0.5 s\n03-the-failed-ping: failed, 0.5 s\n"
