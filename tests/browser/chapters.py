"""What must hold for every notebook of the course when a student runs it in JupyterLab.

The files test_chapters_* each take half of the notebooks, so that two test processes have about the same work.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.browser.jupyter import BUILD, DARK, ROOT
from tests.browser.notebook import Notebook
from tests.browser.widget import Measured

NAMES = sorted(path.name for path in (ROOT / "notebooks").glob("[0-9][0-9]-*.ipynb"))

#: What JupyterLab shows in place of a widget that it cannot draw.
NO_WIDGET = ("Error displaying widget", "model not found", "Loading widget...")


def cells(path: Path) -> list[dict[str, Any]]:
    return list(json.loads(path.read_text(encoding="utf-8"))["cells"])


def fails_on_purpose(cell: dict[str, Any]) -> bool:
    return "raises-exception" in cell["metadata"].get("tags", ())


def test_of(names: list[str]) -> Callable[..., None]:
    """Return a test of each of these notebooks."""

    @pytest.mark.parametrize("name", names)
    def test_a_student_runs_it(name: str, opened: Callable[..., Notebook], measured: Measured) -> None:
        check(name, opened, measured)

    return test_a_student_runs_it


def check(name: str, opened: Callable[..., Notebook], measured: Measured) -> None:
    """Open a notebook, run all of it, look at everything, save it."""
    notebook = opened(name)
    meant_to_fail = [index for index, cell in enumerate(cells(notebook.path)) if fails_on_purpose(cell)]

    started = time.monotonic()
    notebook.run_all()
    measured(f"{name}: all cells run", time.monotonic() - started, "s")

    assert notebook.failed_cells() == meant_to_fail
    assert not [words for words in NO_WIDGET if words in notebook.text()]
    assert notebook.broken_pictures() == []
    assert notebook.problems == [], "the browser's console must be quiet"
    assert notebook.abroad == [], "nothing may leave this machine"

    notebook.screenshot(BUILD / f"{name.removesuffix('.ipynb')}-light.png")
    notebook.theme(DARK)
    notebook.screenshot(BUILD / f"{name.removesuffix('.ipynb')}-dark.png")

    saved = notebook.save()["cells"]
    errors = [index for index, cell in enumerate(saved) if "error" in map(_kind, cell.get("outputs", ()))]
    assert errors == meant_to_fail
    counts = [cell["execution_count"] for cell in saved if cell["cell_type"] == "code"]
    assert counts == list(range(1, len(counts) + 1))
    size = notebook.path.stat().st_size
    assert size < 1_000_000, "a notebook that a student saves must stay small"
    measured(f"{name}: size when saved", size / 1000, "kB")


def _kind(output: dict[str, Any]) -> str:
    return str(output["output_type"])
