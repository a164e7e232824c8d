"""Notebooks 00 to 03, each run in JupyterLab in a browser."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.browser import chapters
from tests.browser.notebook import Notebook


@pytest.mark.parametrize("name", [name for name in chapters.NAMES if name < "04"])
def test_a_student_runs_it(
    name: str, opened: Callable[..., Notebook], measured: Callable[[str, float, str], None]
) -> None:
    chapters.check(name, opened, measured)
