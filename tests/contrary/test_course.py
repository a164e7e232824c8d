"""The course in an AWS that lags, throttles, refuses and holds other people's things.

What is compared is the outcome, not the bytes: the checks pass, what others own is as it was, and clean-up leaves
nothing of the lab.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbclient import NotebookClient

import labkit
from labkit.embedded.api.contrary import behaviors
from labkit.lab import Lab
from labkit.learn.catch_up import catch_up
from tests.lab.conftest import elsewhere as elsewhere
from tests.neighbors import additions, changes, everything

ROOT = Path(__file__).parents[2]
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))

#: The steps of building that need no traffic.
BUILT = ("vpcs", "subnets", "internet", "security-groups", "role", "instances", "log-group", "policy", "delivery-role",
         "flow-logs", "peering", "routes")  # fmt: skip


@pytest.fixture
def connect(elsewhere: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], Lab]]:
    """Connect to a fresh AWS, in the folder of the notebooks."""
    monkeypatch.chdir(ROOT / "notebooks")
    made: list[Lab] = []

    def connect(where: str) -> Lab:
        made.append(labkit.connect(where))
        return made[-1]

    yield connect
    for lab in made:
        lab._account.close()  # type: ignore[attr-defined]


def client_of(lab: Lab) -> Callable[[str], Any]:
    """Clients that meet no behavior."""
    return lab._account._aws.client  # type: ignore[attr-defined,no-any-return]


@pytest.mark.parametrize("where", ["contrary", *(f"contrary:{name}" for name in behaviors())])
def test_build_cells_make_the_lab_and_clean_up_leaves_the_others(connect: Callable[[str], Lab], where: str) -> None:
    lab = connect(where)
    before = everything(client_of(lab))
    catch_up("10", {"lab": lab})
    catch_up("10", {"lab": lab})
    for name in BUILT:
        assert lab.check(name).passed, lab.check(name)
    ping = lab.shell("instance-1", "ping -c 3 10.2.0.126")
    assert "3 received" in ping.stdout
    lab.wait_for_flow_logs()
    for name in ("delivery", "ping"):
        assert lab.check(name).passed, lab.check(name)
    assert changes(before, everything(client_of(lab))) == {}
    lab.clean_up()
    after = everything(client_of(lab))
    assert changes(before, after) == additions(before, after) == {}


#: Runs in the kernel after a notebook's own cells.
AFTERWARDS = """
assert changes(before_all, everything(client_of(lab))) == {}
lab.clean_up()
after_all = everything(client_of(lab))
assert changes(before_all, after_all) == additions(before_all, after_all) == {}
"""

#: Runs in the kernel after the cell that connects.
BEFORE = """
import labkit
from tests.contrary.test_course import client_of
from tests.neighbors import additions, changes, everything

before_all = everything(client_of(labkit.connect()))
"""


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_each_notebook_runs_to_its_end(path: Path) -> None:
    notebook = nbformat.read(path, as_version=4)
    notebook.cells.insert(0, nbformat.v4.new_code_cell(BEFORE))
    notebook.cells.append(nbformat.v4.new_code_cell(AFTERWARDS))
    paths = os.pathsep.join([str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])])
    client = NotebookClient(
        notebook, timeout=120, kernel_name="python3", resources={"metadata": {"path": str(path.parent)}}
    )
    client.execute(env={**os.environ, "PYTHONPATH": paths, "LABKIT_AWS": "contrary"})
    for cell, told in zip(notebook.cells[1:-1], nbformat.read(path, as_version=4).cells, strict=True):
        if cell.cell_type == "code" and "ColleagueFlowLog" not in cell.source:  # that one may be refused at once
            assert kinds(cell) == kinds(told), cell.source


def kinds(cell: Any) -> set[str]:
    """What kinds of output a cell has: a stream, a result, an error."""
    return {output["output_type"] for output in cell.outputs if output.get("name") != "stderr"}
