"""The course's notebooks, and their code cells."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

NOTEBOOKS = sorted((Path(__file__).parents[2] / "notebooks").glob("[0-9][0-9]-*.ipynb"))


def code_cells(path: Path) -> list[dict[str, Any]]:
    """The code cells of a notebook, each with its source as one text, its tags, and the heading above it."""
    found, heading = [], ""
    for cell in json.loads(path.read_text(encoding="utf-8"))["cells"]:
        source = "".join(cell["source"])
        if cell["cell_type"] == "code":
            found.append(cell | {"source": source, "tags": cell["metadata"].get("tags", []), "heading": heading})
        elif source.startswith("#"):
            heading = source.splitlines()[0]
    return found
