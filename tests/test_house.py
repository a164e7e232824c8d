"""The house is as README draws it: imports go down only, never in a circle; each heavy library is in one room."""

from __future__ import annotations

import ast
import importlib
import json
import re
from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

ROOT = Path(__file__).parents[1]
LABKIT = ROOT / "labkit"

#: Modules outside the rooms that every room may use: the errors, the course's folder, the computer's cores and locks,
#: the signals that end a command, the names that the notebooks give, a line of progress, the version.
COMMON = {"errors", "folders", "interruption", "machine", "names", "status", "version"}

#: The other rooms that each room may import.
MAY_IMPORT: dict[str, set[str]] = {
    "errors": set(),
    "folders": {"errors"},
    "interruption": set(),
    "machine": {"interruption"},
    "names": set(),
    "status": set(),
    "version": set(),
    "network": COMMON,
    "flowlogs": COMMON,
    "iam": COMMON,
    "insights": COMMON | {"flowlogs"},
    "embedded": COMMON | {"network", "flowlogs", "insights", "iam"},
    "show": COMMON | {"network", "flowlogs", "insights"},
    "learn": COMMON | {"network", "flowlogs", "iam"},
    "session": COMMON | {"network", "flowlogs", "insights", "iam", "embedded"},
    "lab": COMMON | {"network", "flowlogs", "insights", "session", "show", "learn"},
    "cli": COMMON | {"flowlogs", "learn", "session", "lab"},
    "__init__": {"lab", "version"},
    "__main__": {"cli", "interruption"},
}

#: Libraries that only one room may import, so that a new version of one is one room's business.
ONLY_IN = {"moto": "embedded", "matplotlib": "show", "ipywidgets": "show"}


def modules() -> dict[str, Path]:
    """Every module of labkit by its dotted name."""
    found = {}
    for path in sorted(LABKIT.rglob("*.py")):
        parts = ("labkit", *path.relative_to(LABKIT).with_suffix("").parts)
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


def room(path: Path) -> str:
    return path.relative_to(LABKIT).parts[0].removesuffix(".py")


def imports(path: Path) -> Iterator[str]:
    """Each module that a file imports anywhere in it, also inside functions and only for type checkers."""
    known = modules()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            inner = [f"{node.module}.{alias.name}" for alias in node.names]
            yield from (name for name in inner if name in known)
            if not all(name in known for name in inner):
                yield node.module


def lessons() -> Iterator[tuple[str, str]]:
    """The Python code of README and of each cell of the notebooks, with where it is."""
    for code in re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text(encoding="utf-8"), flags=re.DOTALL):
        yield "README.md", code
    for path in sorted((ROOT / "notebooks").glob("*.ipynb")):
        for cell in json.loads(path.read_text(encoding="utf-8"))["cells"]:
            if cell["cell_type"] == "code":
                yield path.name, re.sub(r"^%.*$", "", "".join(cell["source"]), flags=re.MULTILINE)


def test_readme_and_notebooks_import_only_what_a_room_offers() -> None:
    seen = set()
    for where, code in lessons():
        if "labkit" not in code:
            continue
        for node in ast.walk(ast.parse(code)):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("labkit"):
                offered = importlib.import_module(str(node.module)).__all__
                for alias in node.names:
                    assert node.module == "labkit" or str(node.module).count(".") == 1, f"{where}: {node.module}"
                    assert node.module == "labkit" or alias.name in offered, f"{where}: {node.module}.{alias.name}"
                    seen.add(alias.name)
    assert {"Network", "flow_log_delivery", "FIELDS", "flowlogs"} <= seen


def test_imports_go_down_only() -> None:
    for path in modules().values():
        here = room(path)
        for name in imports(path):
            library, *rest = name.split(".")
            assert here == ONLY_IN.get(library, here), f"{path}: {name} belongs in {ONLY_IN[library]}/"
            if library == "labkit" and rest and rest[0] != here:
                assert rest[0] in MAY_IMPORT[here], f"{path}: {here} imports {name}"


def test_every_room_has_its_rule() -> None:
    assert {room(path) for path in modules().values()} == set(MAY_IMPORT)


def test_no_import_goes_in_a_circle() -> None:
    known = modules()
    graph = {name: {used for used in imports(path) if used in known} for name, path in known.items()}
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        raise AssertionError("These modules import each other: " + " → ".join(reversed(error.args[1]))) from None
