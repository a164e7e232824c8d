"""The student's copies of the chapters: what a student has done is never overwritten, whatever happens."""

from __future__ import annotations

import errno
import json
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest

from labkit import cli
from labkit.cli import environment, my_notebooks
from labkit.cli.my_notebooks import FOLDER, Change
from labkit.errors import CommandError

ROOT = Path(__file__).parents[2]
NAMES = ("00-start-here.ipynb", "03-the-failed-ping.ipynb")


def write(path: Path, *sources: str) -> Path:
    """Write a notebook with these cells, and an output under each."""
    cells = []
    for index, source in enumerate(sources):
        output = nbformat.v4.new_output("stream", name="stdout", text="all right\n")
        cells.append(nbformat.v4.new_code_cell(source, id=f"c{index}", outputs=[output], execution_count=1))
    nbformat.write(nbformat.v4.new_notebook(cells=cells), path)
    return path


@pytest.fixture
def lesson(root: Path) -> Path:
    for name in NAMES:
        write(root / "notebooks" / name, "import boto3", "lab.check()")
    return root / "notebooks"


@pytest.fixture
def mine(root: Path) -> Path:
    return root / FOLDER


def update(lesson: Path, *fresh: str) -> list[tuple[str, Change]]:
    folder = lesson.parent / FOLDER
    done = my_notebooks.update(sorted(lesson.glob("*.ipynb")), folder, fresh)
    return [(each.name[:2], each.change) for each in done]


def work_in(path: Path, source: str = "my own") -> str:
    """Add a cell, as a student does, and return the file's text."""
    notebook = nbformat.read(path, as_version=4)
    notebook.cells.append(nbformat.v4.new_code_cell(source))
    nbformat.write(notebook, path)
    return path.read_text(encoding="utf-8")


def sources(path: Path) -> list[str]:
    return [cell.source for cell in nbformat.read(path, as_version=4).cells]


def test_the_first_time_every_chapter_is_copied_without_its_outputs_and_then_nothing_is_said(
    lesson: Path, mine: Path
) -> None:
    assert update(lesson) == [("00", Change.ADDED), ("03", Change.ADDED)]
    for name in NAMES:
        made = nbformat.read(mine / name, as_version=4)
        nbformat.validate(made)
        assert not any(cell.outputs or cell.execution_count for cell in made.cells)
    assert update(lesson) == []
    (mine / NAMES[0]).unlink()
    assert update(lesson) == [("00", Change.ADDED)]


def test_git_ignores_the_folder_so_that_an_update_of_the_course_never_collides_with_work_in_it() -> None:
    assert f"/{FOLDER}/" in (ROOT / ".gitignore").read_text(encoding="utf-8").splitlines()


def test_a_copy_that_was_only_opened_follows_the_course(lesson: Path, mine: Path) -> None:
    update(lesson)
    opened = nbformat.read(mine / NAMES[1], as_version=4)
    opened.metadata.language_info = {"name": "python", "version": "3.13.1"}
    nbformat.write(opened, mine / NAMES[1])
    write(lesson / NAMES[1], "import boto3", "lab.check('vpcs')")
    assert update(lesson) == [("03", Change.REFRESHED)]
    assert sources(mine / NAMES[1]) == ["import boto3", "lab.check('vpcs')"]
    assert update(lesson) == []


def test_a_chapter_with_work_in_it_is_never_overwritten_and_a_new_version_is_told_each_time(
    lesson: Path, mine: Path
) -> None:
    update(lesson)
    kept = work_in(mine / NAMES[1])
    assert update(lesson) == []
    write(lesson / NAMES[1], "import boto3", "lab.check('vpcs')")
    assert update(lesson) == update(lesson) == [("03", Change.KEPT)]
    assert (mine / NAMES[1]).read_text(encoding="utf-8") == kept


def test_a_new_copy_on_demand_keeps_each_old_one_beside_it_and_no_pattern_takes_it_for_a_chapter(
    lesson: Path, mine: Path
) -> None:
    update(lesson)
    first = work_in(mine / NAMES[1], "one")
    write(lesson / NAMES[1], "the new version")
    assert update(lesson, NAMES[1]) == [("03", Change.RENEWED)]
    second = work_in(mine / NAMES[1], "two")
    (done,) = my_notebooks.update([lesson / NAMES[1]], mine, [NAMES[1]])
    assert sources(mine / NAMES[1]) == ["the new version"]
    assert (mine / "old-03-the-failed-ping-1.ipynb").read_text(encoding="utf-8") == first
    assert done.aside is not None and done.aside.read_text(encoding="utf-8") == second
    assert done.aside.name == "old-03-the-failed-ping-2.ipynb"
    assert sorted(path.name for path in mine.glob("[0-9]*")) == list(NAMES)
    # Of a copy in which nobody has worked there is nothing to keep.
    (done,) = my_notebooks.update([lesson / NAMES[1]], mine, [NAMES[1]])
    assert (done.change, done.aside) == (Change.RENEWED, None)
    assert update(lesson) == []


@pytest.mark.parametrize("text", ["<<<<<<< HEAD", "{}", "[]", '{"cells": 3}', '{"cells": [{}]}', "\xff"])
def test_a_file_that_is_no_notebook_is_said_and_stays_until_a_new_copy_is_asked_for(
    lesson: Path, mine: Path, text: str
) -> None:
    update(lesson)
    (mine / NAMES[1]).write_text(text, encoding="latin-1")
    assert update(lesson) == [("03", Change.UNREADABLE)]
    assert update(lesson, NAMES[1]) == [("03", Change.RENEWED)]
    assert (mine / "old-03-the-failed-ping-1.ipynb").read_text(encoding="latin-1") == text
    (lesson / NAMES[1]).write_text(text, encoding="latin-1")
    assert update(lesson) == [("03", Change.ORIGINAL_UNREADABLE)]


@pytest.mark.parametrize("text", [None, "{", "[]", '{"03-the-failed-ping.ipynb": 3}'])
def test_without_its_notes_it_takes_no_work_for_a_copy_as_it_was_given(
    lesson: Path, mine: Path, text: str | None
) -> None:
    update(lesson)
    kept = work_in(mine / NAMES[1])
    (mine / my_notebooks.MANIFEST).unlink()
    if text is not None:
        (mine / my_notebooks.MANIFEST).write_text(text)
    assert update(lesson) == []
    write(lesson / NAMES[0], "new")
    write(lesson / NAMES[1], "new")
    assert update(lesson) == [("00", Change.REFRESHED), ("03", Change.KEPT)]
    assert (mine / NAMES[1]).read_text(encoding="utf-8") == kept


@pytest.mark.parametrize("killed_at", [NAMES[1], my_notebooks.MANIFEST])
def test_killed_at_any_moment_the_next_call_completes_it(
    lesson: Path, mine: Path, monkeypatch: pytest.MonkeyPatch, killed_at: str
) -> None:
    update(lesson)
    kept = work_in(mine / NAMES[0])
    write(lesson / NAMES[1], "new")
    write_file = my_notebooks.write_whole

    def write_or_die(path: Path, text: str) -> None:
        if path.name == killed_at:
            raise KeyboardInterrupt
        write_file(path, text)

    with monkeypatch.context() as patch:
        patch.setattr(my_notebooks, "write_whole", write_or_die)
        with pytest.raises(KeyboardInterrupt):
            update(lesson)
    assert update(lesson) == [("03", Change.REFRESHED)]
    assert sources(mine / NAMES[1]) == ["new"] and (mine / NAMES[0]).read_text(encoding="utf-8") == kept
    assert update(lesson) == []


def test_a_link_or_a_file_in_the_folder_s_place_is_said(lesson: Path, mine: Path, tmp_path: Path) -> None:
    mine.write_text("notes")
    with pytest.raises(CommandError, match=r"my-notebooks is a file, .* Rename the file"):
        update(lesson)
    mine.unlink()
    (tmp_path / "elsewhere").mkdir()
    mine.symlink_to(tmp_path / "elsewhere", target_is_directory=True)
    with pytest.raises(CommandError, match=r"my-notebooks is a link, .*\.\./data"):
        update(lesson)
    assert not list((tmp_path / "elsewhere").iterdir())


def test_nothing_is_written_through_a_chapter_that_is_a_link(lesson: Path, mine: Path, tmp_path: Path) -> None:
    update(lesson)
    linked = (mine / NAMES[1]).rename(tmp_path / "synced.ipynb")
    (mine / NAMES[1]).symlink_to(linked)
    before = linked.read_bytes()
    write(lesson / NAMES[1], "new")
    assert update(lesson) == [("03", Change.KEPT)]
    assert update(lesson, NAMES[1]) == [("03", Change.RENEWED)]
    assert linked.read_bytes() == before and (mine / "old-03-the-failed-ping-1.ipynb").is_symlink()
    (mine / NAMES[0]).unlink()
    (mine / NAMES[0]).symlink_to(tmp_path / "gone")
    assert update(lesson) == [("00", Change.UNREADABLE)]
    assert not (tmp_path / "gone").exists()


def test_several_at_once_end_with_one_whole_set(lesson: Path, mine: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from labkit.cli import my_notebooks as m; lesson = Path(sys.argv[1]);"
        "m.update(sorted(lesson.glob('*.ipynb')), lesson.parent / m.FOLDER)"
    )
    line = [sys.executable, "-c", code, str(lesson)]
    running = [subprocess.Popen(line, cwd=ROOT) for _ in range(4)]
    assert [each.wait() for each in running] == [0] * 4
    assert update(lesson) == []
    assert not list(mine.glob("*.new")) and set(json.loads((mine / my_notebooks.MANIFEST).read_text())) == set(NAMES)


def test_a_folder_that_can_t_be_written_is_said_and_nothing_is_opened(
    lesson: Path, mine: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def refuse(path: Path, text: str) -> None:
        raise PermissionError(errno.EACCES, "Permission denied", str(path))

    monkeypatch.setattr(environment, "ensure", lambda: None)
    monkeypatch.setattr(my_notebooks, "write_whole", refuse)
    monkeypatch.setattr(subprocess, "Popen", lambda *_, **__: pytest.fail("JupyterLab was opened"))
    assert cli.main(["start"]) == 1
    said = capsys.readouterr().err
    assert "can't be written" in said and "put the project in a folder of your own" in said
    assert str(mine / NAMES[0]) in said


def test_each_change_is_told_in_a_sentence_that_names_what_to_do(lesson: Path, mine: Path) -> None:
    def told(*fresh: str) -> str:
        return my_notebooks.tell(my_notebooks.update(sorted(lesson.glob("*.ipynb")), mine, fresh))

    assert told() == "Added to my-notebooks/, where your own copies are: 00-start-here, 03-the-failed-ping."
    assert told() == ""
    work_in(mine / NAMES[1])
    for name in NAMES:
        write(lesson / name, "new")
    refreshed, kept = told().splitlines()
    assert refreshed == "Updated as the course was, since you had not worked in them: 00-start-here."
    assert kept.startswith("The course has a new version of 03") and kept.endswith("labkit start --fresh 03")
    assert "yours is then kept as old-03-" in kept
    renewed = told(NAMES[1])
    assert "What you had saved is in my-notebooks/old-03-the-failed-ping-1.ipynb." in renewed and "Revert" in renewed
    (mine / NAMES[0]).write_text("{")
    assert told().endswith("labkit start --fresh 00")
    (lesson / NAMES[0]).write_text("{")
    assert "'git restore notebooks/00-start-here.ipynb' brings it back" in told()
