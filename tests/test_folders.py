"""Where the course's own notebooks are, wherever a student works."""

from __future__ import annotations

from pathlib import Path

import pytest

from labkit.errors import LabError
from labkit.folders import course_folder, notebook_files

ROOT = Path(__file__).parents[1]


def course(folder: Path, *names: str) -> Path:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()
    return folder


def test_a_student_s_own_copies_are_never_taken_for_the_course(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    folder = course(tmp_path, "notebooks/00-start-here.ipynb", "my-notebooks/00-start-here.ipynb")
    monkeypatch.chdir(folder / "my-notebooks")
    assert notebook_files()[0].parent == ROOT / "notebooks"
    monkeypatch.setattr("labkit.folders.__file__", "/installed/without/notebooks/labkit/folders.py")
    assert notebook_files() == [folder / "notebooks" / "00-start-here.ipynb"]
    assert course_folder() == folder


def test_without_the_course_it_is_said_where_to_work(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("labkit.folders.__file__", "/installed/without/notebooks/labkit/folders.py")
    monkeypatch.chdir(course(tmp_path, "06-alone.ipynb"))
    assert notebook_files() == [tmp_path / "06-alone.ipynb"]
    (tmp_path / "06-alone.ipynb").unlink()
    with pytest.raises(LabError, match="Work in the project's folder my-notebooks/"):
        notebook_files()
