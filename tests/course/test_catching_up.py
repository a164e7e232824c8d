"""What `lab.catch_up()` runs, what the first cell says of an earlier kernel, and the hints below errors."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from jupyter_client.manager import KernelManager

from labkit.learn import bookmark
from labkit.learn.visit import Visit
from tests.course.kernels import Kernel, started
from tests.course.notebooks import NOTEBOOKS, code_cells

PATH = next(path for path in NOTEBOOKS if path.name.startswith("04"))
CELLS = {cell["id"]: cell["source"] for cell in code_cells(PATH)}
FIRST, NAMES, PEERING = "04-02", "04-03", "04-07"
SCRATCH = "a-cell-of-the-student"


@pytest.fixture(autouse=True)
def progress(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("LABKIT_PROGRESS", str(tmp_path / "progress.json"))
    return tmp_path / "progress.json"


def run(kernel: Kernel, *ids: str) -> str:
    """Run cells of 04; the last one's text."""
    for id in ids:
        ran = kernel.run(CELLS[id], id)
        assert ran.error is None, ran.shown
    return ran.shown


def test_a_new_kernel_says_where_the_last_one_was_and_builds_up_to_there() -> None:
    with started(live=True) as kernel:
        assert "Before, you were" not in run(kernel, FIRST)
        run(kernel, NAMES, PEERING)
        kernel.run("lab.map()", SCRATCH)
        assert "Before, you were" not in run(kernel, FIRST)  # this is the same one
    for _ in range(2):  # a restart right after a restart forgets nothing
        with started(live=True) as kernel:
            said = run(kernel, FIRST)
            assert "Before, you were at 'Ask for a peering connection'. lab.catch_up() in a new cell rebuilds" in said
            assert kernel.run("lab.find('peering-1-2')", SCRATCH).value is None
    with started(live=True) as kernel:
        run(kernel, FIRST)
        ran = kernel.run("lab.catch_up()", SCRATCH)
        ran_1 = "Ran 2 build cells of 04 and 1 whose names or traffic later cells need, up to"
        assert f"{ran_1} 'Ask for a peering connection'." in ran.shown
        assert kernel.run("peering == lab.find('peering-1-2')", SCRATCH).value is True


def test_in_a_cell_of_the_notebook_it_runs_what_is_above() -> None:
    with started(live=True) as kernel:
        run(kernel, FIRST)
        ran = kernel.run(f"lab.catch_up()\n{CELLS['04-17']}", "04-17")
        assert "up to 'Step 1: the connection alone'." in ran.shown and ran.error is None
        assert kernel.run("lab.check('routes', 'vpc-1').passed", SCRATCH).value is True
        assert kernel.run("lab.check('routes', 'vpc-2').passed", SCRATCH).value is False


def test_a_front_end_that_sends_no_ids_is_followed_by_the_cells_sources() -> None:
    with started(live=True) as kernel:
        for id in (FIRST, NAMES, PEERING):
            kernel.run(CELLS[id], None)
        kernel.run("lab.check()", None)
    with started(live=True) as kernel:
        assert "Before, you were at 'Ask for a peering connection'" in kernel.run(CELLS[FIRST]).shown


def test_without_a_person_nothing_is_remembered(progress: Path) -> None:
    with started() as kernel:
        run(kernel, FIRST, NAMES, PEERING)
    assert list(progress.parent.iterdir()) == []


@pytest.mark.parametrize("sends_ids", [True, False])
def test_a_chapter_whose_first_cell_does_not_name_it_is_known_by_its_cells(sends_ids: bool) -> None:
    cells = code_cells(next(path for path in NOTEBOOKS if path.name.startswith("10")))[:4]
    cells = [cell for cell in cells if "lab.catch_up" not in cell["source"]]  # which on a real account is left out
    for again in (False, True):
        with started(live=True) as kernel:
            for cell in cells[: 1 if again and sends_ids else None]:
                kernel.run(cell["source"], cell["id"] if sends_ids else None)
            if again:
                ran = kernel.run("lab.catch_up()", SCRATCH if sends_ids else None)
                assert ran.error is None and "\nRan 0 build cells of 10 and 1 whose names" in ran.shown
                assert "Caught up: 00-start-here, 01-two-vpcs, " in ran.shown
                assert kernel.run("vpc_1 == lab.find('vpc-1') is not None", SCRATCH).value is True


def test_it_says_if_there_is_nothing_to_run() -> None:
    with started(live=True) as kernel:
        kernel.run("import boto3, labkit\nlab = labkit.connect()", SCRATCH)
        assert "does not know yet which chapter this is. Run the notebook's first cells" in str(
            kernel.run("lab.catch_up()", SCRATCH).error
        )
        run(kernel, FIRST)
        assert "No cell of 04 below the first has run yet" in str(kernel.run("lab.catch_up()", SCRATCH).error)


@pytest.mark.parametrize("text", ["", "not JSON", "[]", '{"05": "05-04"}', None])
def test_a_bookmark_that_is_missing_or_damaged_is_none(text: str | None, progress: Path) -> None:
    if text is not None:
        progress.with_name(".progress.bookmark").write_text(text)
    assert bookmark.read("04") is None
    bookmark.keep("04", PEERING)
    assert bookmark.read("04") == PEERING


def test_a_bookmark_knows_the_chapter_that_was_worked_on_last() -> None:
    assert bookmark.last() is None
    for chapter in ("04", "03", "04"):
        bookmark.keep(chapter, f"{chapter}-07")
        assert bookmark.last() == chapter
    assert bookmark.read("03") == "03-07"


def test_a_name_that_is_not_set_is_followed_by_where_it_is_set() -> None:
    with started() as kernel:
        run(kernel, FIRST)
        built = kernel.run("peering", SCRATCH).shown
        assert "NameError: name 'peering' is not defined" in re.sub(r"\x1b\[[0-9;]*m", "", built)
        assert built.endswith(
            "'peering' is set in the section 'Ask for a peering connection', by the cell that begins: "
            'peering = lab.find("peering-1-2") or ec2.create_vpc_peering_connection(\n'
            "Run it first. After a restart, lab.catch_up() runs it for you.\n"
        )
        traced = kernel.run("path", SCRATCH).shown
        assert "in the section 'Step 2: a route in vpc-1', by the cell that begins: path = lab.trace" in traced
        assert traced.endswith("\nRun it first.\n")
        kernel.run("del boto3", SCRATCH)
        first = kernel.run("boto3", SCRATCH).shown
        assert first.endswith("'boto3' is set by the notebook's first cell. Run it, then this cell again.\n")
        assert "is set" not in kernel.run("no_such_name", SCRATCH).shown


def test_a_name_that_a_students_own_step_sets_comes_with_where_help_is() -> None:
    visit = Visit()
    visit.start("01")
    hint = visit.hint(NameError(name="vpc_2"))
    assert hint is not None and "by the cell that begins: # Your turn (1.a)" in hint
    assert "\nWrite and run it first; lab.exercise('1.a').hint() helps. After a restart, lab.catch_up() runs" in hint


def test_what_is_gone_with_a_kernel_is_said_to_be_gone() -> None:
    look = "lab.client('ec2').describe_vpc_peering_connections(VpcPeeringConnectionIds=['pcx-0123456789abcdef0'])"
    with started(live=True) as kernel:
        run(kernel, FIRST, NAMES, PEERING)
        assert "began empty" not in kernel.run(look, SCRATCH).shown
    with started(live=True) as kernel:
        run(kernel, FIRST)
        shown = kernel.run(look, SCRATCH).shown
        assert "This AWS began empty with this kernel. Before, you were at 'Ask for a peering" in shown
        kernel.run("lab.catch_up()", SCRATCH)
        assert "began empty" not in kernel.run(look, SCRATCH).shown


@contextmanager
def real_kernel() -> Iterator[object]:
    """A kernel in a process of its own, to which JupyterLab's messages can be sent."""
    manager = KernelManager()
    manager.start_kernel(cwd=str(PATH.parent), env={**os.environ, "PYTHONPATH": str(PATH.parents[1])})
    client = manager.client()
    client.start_channels()
    try:
        client.wait_for_ready(timeout=60)
        yield client
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)


def send(client: object, source: str, id: str) -> str:
    """Run a cell as JupyterLab does, with its id and somebody who can be asked; its text."""
    content = {"code": source, "silent": False, "store_history": True, "user_expressions": {}, "allow_stdin": True}
    message = client.session.msg("execute_request", content, metadata={"cellId": id})  # type: ignore[attr-defined]
    client.shell_channel.send(message)  # type: ignore[attr-defined]
    text = ""
    while True:
        answer = client.get_iopub_msg(timeout=60)  # type: ignore[attr-defined]
        if answer["parent_header"].get("msg_id") != message["header"]["msg_id"]:
            continue
        text += answer["content"].get("text", "") + "\n".join(answer["content"].get("traceback", []))
        if answer["msg_type"] == "status" and answer["content"]["execution_state"] == "idle":
            return re.sub(r"\x1b\[[0-9;]*m", "", text)


def test_a_real_kernel_that_is_killed() -> None:
    with real_kernel() as client:
        for id in (FIRST, NAMES, PEERING):
            send(client, CELLS[id], id)
    with real_kernel() as client:
        assert "Before, you were at 'Ask for a peering connection'" in send(client, CELLS[FIRST], FIRST)
        assert "'peering' is set in the section" in send(client, "peering", SCRATCH)
        assert "Ran 2 build cells of 04" in send(client, "lab.catch_up()", SCRATCH)
        assert "True" in send(client, "print(peering == lab.find('peering-1-2'))", SCRATCH)
