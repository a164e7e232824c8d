"""Runs one notebook's code cells out of order, several times, and prints how each cell ended, as JSON.

python -m tests.course.shuffled NOTEBOOK
"""

from __future__ import annotations

import io
import json
import os
import random
import sys
from collections.abc import Iterator
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

from tests.safety.course import raise_loopback


def orders(cells: list[dict[str, Any]]) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """Yield each order by its name: the first cell, which connects, last; in the middle; anywhere."""
    first, *rest = cells
    for name, place in (("last", len(rest)), ("in the middle", len(rest) // 2)):
        shuffled = random.Random(name).sample(rest, len(rest))
        yield f"the first cell {name}", [*shuffled[:place], first, *shuffled[place:]]
    yield "any order", random.Random("any order").sample(cells, len(cells))


def main(path: Path) -> None:
    raise_loopback()
    from IPython.core.interactiveshell import InteractiveShell

    import labkit.lab

    os.chdir(path.parent)
    cells = [each for each in json.loads(path.read_text(encoding="utf-8"))["cells"] if each["cell_type"] == "code"]
    ran = []
    for name, order in orders(cells):
        InteractiveShell.clear_instance()
        shell = InteractiveShell.instance()
        for cell in order:
            with redirect_stdout(io.StringIO()) as shown:
                result = shell.run_cell("".join(cell["source"]), cell_id=cell["id"])
            error = result.error_before_exec or result.error_in_exec
            kinds = [kind.__name__ for kind in type(error).__mro__] if error else []
            ran.append({"order": name, "cell": cell["id"], "kinds": kinds, "shown": shown.getvalue()})
        if labkit.lab._lab is not None:
            labkit.lab._lab._account.close()  # type: ignore[attr-defined]
            labkit.lab._lab = None
    print(json.dumps(ran))


if __name__ == "__main__":
    main(Path(sys.argv[1]).resolve())
