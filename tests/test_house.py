"""The house stands as it is drawn in the README: imports go down only, and each heavy library is in one room."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

LABKIT = Path(__file__).parents[1] / "labkit"

#: What each room may import of labkit. Of no room are `errors`, the sentence that a student sees, `names` of what the
#: notebooks make, and `status`, the line that says how far long work is.
MAY_IMPORT = {
    "network": set(),
    "flowlogs": {"status"},
    "insights": set(),
    "embedded": {"network", "flowlogs", "insights"},
    "show": {"network", "flowlogs", "insights", "errors", "names", "status"},
    "learn": {"network", "flowlogs", "errors", "names", "status"},
    "session": {"network", "flowlogs", "insights", "embedded", "errors", "names", "status"},
    "lab": {"network", "flowlogs", "session", "show", "learn", "errors", "names", "status"},
    "errors": set(),
    "names": set(),
    "status": set(),
    "cli": {"flowlogs", "learn", "errors", "status"},
    "__init__": {"lab"},
    "__main__": {"cli"},
}

#: Libraries that only one room may import, so that a new version of one is one room's business.
ONLY_IN = {"moto": "embedded", "matplotlib": "show", "ipywidgets": "show"}


def modules() -> list[Path]:
    return sorted(LABKIT.rglob("*.py"))


def room(path: Path) -> str:
    first = path.relative_to(LABKIT).parts[0]
    return first.removesuffix(".py")


def imports(path: Path) -> Iterator[str]:
    """Each module that a file imports, be it only for type checkers."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            if node.module == "labkit":
                yield from (f"labkit.{alias.name}" for alias in node.names if not alias.name.startswith("__"))


@pytest.mark.parametrize("path", modules(), ids=lambda path: str(path.relative_to(LABKIT)))
def test_imports_go_down_only(path: Path) -> None:
    here = room(path)
    for name in imports(path):
        parts = name.split(".")
        if parts[0] in ONLY_IN:
            assert here == ONLY_IN[parts[0]], f"{name} is imported outside {ONLY_IN[parts[0]]}/"
        if parts[0] == "labkit" and len(parts) > 1 and parts[1] != here:
            assert parts[1] in MAY_IMPORT[here], f"{here} imports {name}"


def test_every_room_has_its_rule() -> None:
    assert {room(path) for path in modules()} == set(MAY_IMPORT)


@pytest.mark.parametrize("path", modules(), ids=lambda path: str(path.relative_to(LABKIT)))
def test_a_module_can_be_read_in_one_sitting(path: Path) -> None:
    assert len(path.read_text(encoding="utf-8").splitlines()) <= 400
