"""A kernel that is restarted anywhere in a notebook is an empty account; with the first cell and `lab.catch_up()`, the
lesson goes on where it was.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby
from pathlib import Path
from typing import Any

import pytest

from tests.course.kernels import NOTEBOOKS, Ran, code_cells, started


@pytest.fixture(autouse=True)
def progress(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The student's progress file, beside which their bookmark is."""
    monkeypatch.setenv("LABKIT_PROGRESS", str(tmp_path / "progress.json"))
    return tmp_path / "progress.json"


def outcome(ran: Ran) -> Any:
    """What must be the same after a restart: the error, whether a check passed, whether there are rows or records."""
    if ran.error is not None:
        return type(ran.error), str(ran.error)
    if hasattr(ran.value, "passed"):
        return ran.value.passed, ran.shown
    return type(ran.value), bool(len(ran.value)) if hasattr(ran.value, "__len__") else None


def sections(cells: list[dict[str, Any]]) -> Iterator[tuple[int, str]]:
    """The place of the first code cell under each heading, and the heading."""
    for heading, under in groupby(enumerate(cells), key=lambda each: each[1]["heading"]):
        yield next(under)[0], heading


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_lesson_goes_on_after_a_restart_at_any_heading(path: Path, progress: Path) -> None:
    cells = code_cells(path)
    begun = next(place for place, cell in enumerate(cells) if f'lab.catch_up("{path.name[:2]}")' in cell["source"])
    bookmark = progress.with_name(".progress.bookmark")
    bookmarks, undisturbed = [], []
    with started(live=True) as kernel:
        for cell in cells:
            bookmarks.append(bookmark.read_text() if bookmark.exists() else "{}")
            undisturbed.append(outcome(kernel.run(cell["source"], cell["id"])))
    wrong = []
    for place, heading in sections(cells):
        if place <= begun + 1:
            continue
        bookmark.write_text(bookmarks[place])
        with started(live=True) as kernel:
            for cell in cells[: begun + 1]:
                assert kernel.run(cell["source"], cell["id"]).error is None
            again = kernel.run("lab.catch_up()", "of-the-student")
            assert again.error is None, again.shown
            print(heading, again.shown.strip())
            for cell, was in zip(cells[place:], undisturbed[place:], strict=True):
                ran = kernel.run(cell["source"], cell["id"])
                if outcome(ran) != was:
                    wrong.append(f"{heading}: {cell['id']}: {outcome(ran)} {was} {ran.shown[-300:]}")
    assert not wrong, "\n".join(wrong)
