"""`labkit clean`: what set-up made goes; notebooks, checkpoints and people's own files stay."""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import venv
from pathlib import Path

import pytest

from labkit.cli import clean, environment
from labkit.cli.environment import STAMP
from labkit.errors import CommandError

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
    }
    made = {
        ".venv/lib/x.py", "build/03.html", ".pytest_cache/x", ".mypy_cache/x", ".ruff_cache/x",
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
    for name in (".venv", "build", ".pytest_cache", str(Path("labkit/cli/__pycache__"))):
        assert f"removed {name}\n" in printed


@pytest.mark.skipif(os.name != "posix", reason="a link makes an environment of this Python's own libraries")
def test_while_something_runs_from_the_environment_nothing_is_removed(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    venv.create(root / ".venv", system_site_packages=True)
    (root / ".venv" / STAMP).write_text(json.dumps({"state": "unfinished"}))
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(sys.path))
    python = environment.python_in(root / ".venv")
    before = files(root)
    # As JupyterLab does, it starts, and then waits.
    with subprocess.Popen([python, "-m", "http.server", "0", "--bind", "127.0.0.1"], stderr=subprocess.DEVNULL) as it:
        try:
            with pytest.raises(CommandError, match=rf"Nothing was removed.* http.server \(process {it.pid}\)\. Save"):
                clean.run(NOTHING)
            assert files(root) == before
        finally:
            it.kill()
    assert clean.run(NOTHING) == 0
    assert not (root / ".venv").exists()


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
