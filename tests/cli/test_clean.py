"""`labkit clean`: what set-up made goes; notebooks, checkpoints and people's own files stay."""

from __future__ import annotations

import argparse
import errno
import json
import os
import re
import subprocess
import sys
import venv
from pathlib import Path
from typing import Any

import pytest

from labkit.cli import clean, environment, start
from labkit.cli.environment import STAMP
from labkit.errors import CommandError
from labkit.machine import locked

NOTHING = argparse.Namespace()


def files(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


def test_it_removes_what_set_up_made_and_says_so(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    mine = {
        "my-notebooks/03.ipynb",
        "my-notebooks/.given.json",
        "progress.json",
        "notebooks/03.ipynb",
        "notebooks/.ipynb_checkpoints/03.ipynb",
        "my notes.txt",
        "dist/x.whl",
        "build/my notes.txt",
        "build/03.ipynb",
        "build/03.html",
    }
    made = {
        ".venv/lib/x.py", "build/browser/report.json", ".pytest_cache/x", ".mypy_cache/x", ".ruff_cache/x",
        "labkit/cli/__pycache__/x.pyc", "tests/__pycache__/x.pyc",
    }  # fmt: skip
    before = files(root)
    for name in mine | made:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).touch()
    (root / ".venv" / STAMP).write_text(json.dumps({"state": "unfinished"}))

    assert clean.run(NOTHING) == 0

    assert files(root) == before | mine
    printed = capsys.readouterr().out
    for name in (".venv", ".pytest_cache", str(Path("labkit/cli/__pycache__"))):
        assert f"removed {name}\n" in printed
    assert "build/ stays" in printed


@pytest.mark.skipif(os.name != "posix", reason="a link makes an environment of this Python's own libraries")
@pytest.mark.parametrize("called", ["by its path", "by a path from here", "by its name"])
def test_while_something_runs_from_the_environment_nothing_is_removed(
    root: Path, monkeypatch: pytest.MonkeyPatch, called: str
) -> None:
    venv.create(root / ".venv", system_site_packages=True)
    (root / ".venv" / STAMP).write_text(json.dumps({"state": "unfinished"}))
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(sys.path))
    python = environment.python_in(root / ".venv")
    before = files(root)
    # As JupyterLab does, it starts, and then waits.
    program = {"by its path": python, "by a path from here": python.relative_to(root)}.get(called, Path(python.name))
    activated = {**os.environ, "PATH": f"{python.parent}{os.pathsep}{os.environ['PATH']}"}
    line = [program, "-m", "http.server", "0", "--bind", "127.0.0.1"]
    with subprocess.Popen(line, stderr=subprocess.DEVNULL, env=activated) as it:
        try:
            with pytest.raises(CommandError, match=rf"Nothing was removed.* http.server \(process {it.pid}\)\. Save"):
                clean.run(NOTHING)
            assert files(root) == before
        finally:
            it.kill()
    assert clean.run(NOTHING) == 0
    assert not (root / ".venv").exists()


def test_while_jupyterlab_serves_the_project_nothing_is_removed(root: Path) -> None:
    """From whatever environment it runs."""
    (root / ".pytest_cache").mkdir()
    (root / "my-notebooks").mkdir()
    held, refused = (
        locked(root / "my-notebooks" / start.LOCK.format(8888)),
        pytest.raises(CommandError, match="port 8888"),
    )
    with held, refused:
        clean.run(NOTHING)
    assert clean.run(NOTHING) == 0
    assert not (root / ".pytest_cache").exists()


def test_while_a_set_up_is_at_work_nothing_is_removed(root: Path) -> None:
    for name in (".venv", ".pytest_cache"):
        (root / name).mkdir()
    with locked(root / ".venv" / environment.LOCK):
        environment.mark_unfinished(root / ".venv")
        before = files(root)
        with pytest.raises(CommandError, match="Nothing was removed, because a set-up is at work"):
            clean.run(NOTHING)
        assert files(root) == before and (root / ".pytest_cache").is_dir()


@pytest.mark.skipif(os.name != "posix", reason="on Windows, links need a right that most accounts lack")
def test_links_are_removed_and_what_they_lead_to_stays(root: Path, tmp_path: Path) -> None:
    theirs = tmp_path / "theirs"
    (theirs / "browser").mkdir(parents=True)
    (theirs / "__pycache__").mkdir()
    made = [root / name for name in (".venv/lib64", ".hypothesis", ".pytest_cache", "labkit/__pycache__")]
    made[0].parent.mkdir()
    environment.mark_unfinished(root / ".venv")
    for path in (*made, root / "build", root / "tests"):
        path.symlink_to(theirs)
    assert clean.run(NOTHING) == 0
    assert not any(map(os.path.lexists, made))
    assert (root / "build").is_symlink() and (root / "tests").is_symlink()
    assert sorted(os.listdir(theirs)) == ["__pycache__", "browser"]


@pytest.mark.parametrize("where", [".venv", ".hypothesis"])
def test_what_cannot_be_removed_is_said_the_rest_goes_and_the_next_turn_goes_on(
    root: Path, where: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in (where, ".venv", ".mypy_cache"):
        for file in ("a", "held", "z"):
            (root / name).mkdir(exist_ok=True)
            (root / name / f"{file}-{name}").touch()
    (root / ".venv" / STAMP).write_text(json.dumps({"state": "ready"}))
    unlink = os.unlink

    def refuse(path: str | Path, **options: Any) -> None:
        if Path(path).name == f"held-{where}":
            raise PermissionError(errno.EACCES, "Permission denied", str(path))
        unlink(path, **options)

    with monkeypatch.context() as patch:
        patch.setattr(os, "unlink", refuse)
        assert clean.run(NOTHING) == 1
    assert re.search(rf"{where}.* could not be removed: .*Permission denied.*held-{where}", capsys.readouterr().err)
    assert {path.name for path in root.rglob("*-.*")} == {f"held-{where}"}
    if where == ".venv":
        assert environment.state(root) is environment.State.UNFINISHED, "half of it must not be taken for whole"
    assert clean.run(NOTHING) == 0
    assert not (root / where).exists()


def test_somebody_elses_venv_stays_and_with_nothing_to_remove_nothing_is_removed(
    root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    nothing = "Clean. The notebooks and your own files are as they were.\n"
    assert clean.run(NOTHING) == 0
    assert capsys.readouterr().out == nothing
    (root / ".venv").mkdir()
    (root / ".venv" / "pyvenv.cfg").touch()
    clean.run(NOTHING)
    assert (root / ".venv" / "pyvenv.cfg").exists()
    assert capsys.readouterr().out == f".venv stays: it was not made by labkit.\n{nothing}"
