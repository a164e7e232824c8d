"""Runs each notebook's code cells in two wrong orders, each in a new IPython, and writes how each cell ended.

python -m tests.course.shuffled REQUESTS ENDS
"""

from __future__ import annotations

import io
import json
import os
import random
import sys
from collections.abc import Iterator
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any

from tests.course.notebooks import NOTEBOOKS, code_cells
from tests.safety.course import note_requests, raise_loopback


def orders(cells: list[dict[str, Any]]) -> Iterator[list[dict[str, Any]]]:
    """Yield the orders: the first cell, which connects, last; and in the middle."""
    first, *rest = cells
    for place in (len(rest), len(rest) // 2):
        shuffled = random.Random(place).sample(rest, len(rest))
        yield [*shuffled[:place], first, *shuffled[place:]]


def main(requests: Path, ends: Path) -> None:
    raise_loopback()
    from IPython.core.interactiveshell import InteractiveShell

    from labkit import lab

    os.chdir(NOTEBOOKS[0].parent)
    ended = []
    with requests.open("w", encoding="utf-8") as log:
        note_requests(log)
        for path, order in [(each, order) for each in NOTEBOOKS for order in orders(code_cells(each))]:
            InteractiveShell.clear_instance()
            shell = InteractiveShell.instance()
            for cell in order:
                with redirect_stdout(io.StringIO()) as shown, redirect_stderr(shown):
                    result = shell.run_cell(cell["source"], cell_id=cell["id"])
                error = result.error_before_exec or result.error_in_exec
                ended.append(
                    {
                        "cell": f"{path.stem}: {cell['id']}",
                        "meant": "raises-exception" in cell["tags"],
                        "kinds": [kind.__name__ for kind in type(error).__mro__] if error else [],
                        "code": getattr(error, "response", {}).get("Error", {}).get("Code", ""),
                        "shown": shown.getvalue(),
                    }
                )
            if lab._lab is not None:  # the environment is again as it was planted
                lab._lab._account.close()  # type: ignore[attr-defined]
                lab._lab = None
    ends.write_text(json.dumps(ended), encoding="utf-8")


if __name__ == "__main__":
    main(*(Path(argument).resolve() for argument in sys.argv[1:]))
