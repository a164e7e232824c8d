"""A project's folder for each test, with what set-up looks at and nothing else."""

from __future__ import annotations

from pathlib import Path

import pytest

from labkit.cli import environment


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "the course"
    (folder / "labkit").mkdir(parents=True)
    (folder / "labkit" / "__init__.py").touch()
    (folder / "notebooks").mkdir()
    (folder / "pyproject.toml").write_text("[project]\n")
    (folder / "constraints.txt").write_text("moto==5.2.5\n")
    monkeypatch.setattr(environment, "root", lambda: folder)
    monkeypatch.chdir(folder)
    return folder


@pytest.fixture
def bare(monkeypatch: pytest.MonkeyPatch) -> None:
    """A Python in which labkit is not installed."""
    monkeypatch.setattr(environment, "has_labkit", lambda root: False)
