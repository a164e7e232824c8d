"""A lab for what is learned in it, and nobody's progress touched."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from labkit.lab import Lab
from tests.lab.conftest import Built, fresh_lab
from tests.lab.conftest import settled as settled


@pytest.fixture(autouse=True)
def no_progress(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> None:
    """No test writes into the progress of whoever runs it."""
    monkeypatch.delenv("LABKIT_STRICT", raising=False)
    monkeypatch.setenv("LABKIT_PROGRESS", str(tmp_path_factory.mktemp("progress") / "progress.json"))


@pytest.fixture
def lab() -> Iterator[Lab]:
    with fresh_lab() as made:
        yield made


@pytest.fixture
def until(lab: Lab) -> Callable[[str], Built]:
    """The lab with the build cells of the chapters before the one named."""
    return lambda chapter: Built(lab, chapter)
