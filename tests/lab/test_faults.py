"""Each API call of each build cell fails once, in each way; after running the cell again the lab is whole, nothing is
doubled, and clean_up leaves nothing.

The calls of a cell fail one after the other: the cell runs, its first call fails; it runs again, the first passes and
the second fails; and so on until nothing is left to fail. So each call fails in the state in which the one before it
has done its work, as it would for a student who runs the cell again each time. A killed kernel has lost its names too:
all the cells run again in a new one, on the same account. (Killed right before a call that only looks is the same as
right after the call before it, so only calls that change something are tried.)
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import botocore.endpoint
import pytest
from botocore.exceptions import ClientError, HTTPClientError

from labkit.errors import LabError
from labkit.lab import Lab
from labkit.learn.chapters import chapters
from tests.lab.conftest import _shared_client, fresh_lab
from tests.lab.test_build_cells import everything
from tests.lab.faults import FAULTS, Call, Injector, Killed, changes


class Cell(NamedTuple):
    notebook: str
    number: int
    source: str

    def __str__(self) -> str:
        return f"{self.notebook}, build cell {self.number}"


class Step(NamedTuple):
    """A build cell that nothing disturbs: its calls, and all that there is once it has run."""

    cell: Cell
    calls: list[Call]
    after: Any


def cells() -> list[Cell]:
    return [
        Cell(chapter.path.stem, number, source)
        for chapter in chapters()
        for number, source in enumerate(chapter.build_cells(), start=1)
    ]


@pytest.fixture
def injector(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[], Injector]]:
    monkeypatch.setattr(botocore.endpoint.time, "sleep", lambda _: None)  # between boto3's tries


def run(cell: Cell, names: dict[str, Any]) -> None:
    exec(compile(cell.source, str(cell), "exec"), names)


@pytest.fixture(scope="module")
def undisturbed() -> list[Step]:
    steps = []
    with fresh_lab() as lab:
        injector = Injector([_shared_client(name) for name in ("ec2", "iam", "logs", "ssm")])
        names: dict[str, Any] = {"lab": lab}
        with injector.installed():
            for cell in cells():
                injector.restart()
                run(cell, names)
                steps.append(Step(cell, injector.calls, everything(lab)))
    return steps


@pytest.mark.parametrize("words", FAULTS)
def test_each_call_of_each_build_cell_fails_once(
    words: str, undisturbed: list[Step], monkeypatch: pytest.MonkeyPatch, record_property: Any
) -> None:
    monkeypatch.setattr(botocore.endpoint.time, "sleep", lambda _: None)  # between boto3's tries
    once = "once" in words
    kills = words.startswith("kernel killed")
    with fresh_lab() as lab:
        injector = Injector([_shared_client(name) for name in ("ec2", "iam", "logs", "ssm")])
        names: dict[str, Any] = {"lab": lab}
        tried = broken = 0
        problems = []
        with injector.installed():
            for step in undisturbed:
                had: set[Call] = set()
                before = dict(names)
                while True:
                    injector.restart()
                    injector.fault = FAULTS[words]
                    injector.choose = lambda call, had=had, i=injector: (  # type: ignore[misc]
                        (once or not i.failed) and call not in had and (changes(call) or not kills)
                    )
                    try:
                        run(step.cell, names)
                    except Killed:
                        broken += 1
                        names = {**before, "lab": Lab(lab._world)}
                    except Exception as error:
                        broken += 1
                        if not injector.failed:
                            problems.append(f"{step.cell}: {error}")
                            break
                    had.update(injector.failed)
                    tried += len(injector.failed)
                    if not injector.failed:
                        break
                missed = {call for call in step.calls if changes(call) or not kills} - had
                if missed:
                    problems.append(f"{step.cell}: {missed}")
                now = everything(lab)
                if now != step.after:
                    problems.append(f"{step.cell}: {[a == b for a, b in zip(now, step.after)]}")
                    break
        print(words, tried, broken, problems)
        assert not problems
