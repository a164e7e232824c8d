"""Running any cell of the course twice in place is no error, and leaves the account as running it once."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from labkit.embedded.api.scope import is_read
from tests.course.kernels import Kernel, started
from tests.course.notebooks import NOTEBOOKS, code_cells
from tests.neighbors import additions, changes, everything


class Seen:
    """What is in a kernel's account, described anew only after an action that may have changed it."""

    def __init__(self, kernel: Kernel) -> None:
        self._kernel = kernel
        self._things: dict[str, Any] | None = None
        kernel.aws.server.after_action.append(self._acted)

    def _acted(self, service: str, action: str) -> None:
        if not is_read(action):
            self._things = None

    def things(self) -> dict[str, Any]:
        if self._things is None:
            self._things = everything(self._kernel.aws.client)
        return self._things


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_each_cell_runs_twice(path: Path) -> None:
    with started() as kernel:
        seen = Seen(kernel)
        for cell in code_cells(path):
            fails = "raises-exception" in cell["tags"]
            once = kernel.run(cell["source"], cell["id"])
            assert (once.error is not None) == fails, f"{cell['id']}: {once.shown}"
            before = seen.things()
            twice = kernel.run(cell["source"], cell["id"])
            assert (twice.error is not None) == fails, f"{cell['id']}, the second time: {twice.shown}"
            assert changes(before, seen.things()) == additions(before, seen.things()) == {}, cell["id"]
