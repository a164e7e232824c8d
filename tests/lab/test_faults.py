"""Each API call of each build cell fails once, with each fault. After running the cell again the lab is complete,
nothing was made twice, and clean_up leaves nothing. The calls of clean_up itself fail, too.

The calls of a cell fail one after the other: the cell runs, and its first call fails; it runs again, the first call
passes and the second fails; and so on until every call has failed. So each call fails in the state that the one before
it left, as for a student who runs the cell again each time. A fault that boto3 overcomes by itself hits all calls of a
run. A killed kernel has lost its variables too, so at the end all cells run in a new one, on the same account. (A
kernel killed right before a call that changes nothing is like one killed right after the call before it, so only calls
that change something are tried.)
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import count
from typing import Any, NamedTuple

import boto3
import pytest
from botocore.exceptions import ReadTimeoutError

from labkit.lab import Lab
from labkit.learn.notebooks import notebooks
from tests.lab.conftest import _shared_client, fresh_lab
from tests.lab.faults import FAULTS, Call, Injector, Killed, changes, timed_out
from tests.lab.test_build_cells import everything, what_is_left


class Step(NamedTuple):
    """A build cell that runs undisturbed: its calls, and everything that exists after it."""

    cell: str
    run: Callable[[dict[str, Any]], None]
    calls: list[Call]
    after: Any


pytestmark = pytest.mark.usefixtures("impatient")


def injector() -> Injector:
    return Injector([_shared_client(name) for name in ("ec2", "iam", "logs", "ssm")])


@pytest.fixture(scope="module")
def empty() -> Any:
    """Everything that exists before the first cell."""
    with fresh_lab() as lab:
        return everything(lab)


@pytest.fixture(scope="module")
def undisturbed() -> list[Step]:
    steps = []
    with fresh_lab() as lab:
        names: dict[str, Any] = {"lab": lab, "boto3": boto3}
        calls = injector()
        with calls.installed():
            for chapter in notebooks():
                for number, source in enumerate(chapter.build_cells(), start=1):
                    where = f"{chapter.path.stem}, build cell {number}"
                    code = compile(source, where, "exec")

                    def run(names: dict[str, Any], code: Any = code) -> None:
                        exec(code, names)

                    calls.restart()
                    run(names)
                    steps.append(Step(where, run, calls.calls, everything(lab)))
    return steps


def test_boto3_makes_no_second_one_where_an_answer_is_lost(lab: Lab) -> None:
    """It would repeat the request, and CreateVpc has no token by which AWS could recognize it as the same."""
    ec2, faults = lab.client("ec2"), injector()
    with faults.installed():
        faults.restart(timed_out)
        with pytest.raises(ReadTimeoutError):
            ec2.create_vpc(CidrBlock="10.1.0.0/16", TagSpecifications=lab.tags("vpc", "vpc-1"))
        found = lab.find("vpc-1")
        table = ec2.create_route_table(VpcId=found)["RouteTable"]["RouteTableId"]
        tables = ec2.describe_route_tables(Filters=[{"Name": "vpc-id", "Values": [found]}])["RouteTables"]
        assert len(tables) == 2 and table in {each["RouteTableId"] for each in tables}
        assert [call.operation for call in faults.failed][-2:] == ["CreateRouteTable", "DescribeRouteTables"]


@pytest.mark.parametrize("words", FAULTS)
def test_each_call_of_each_build_cell_fails_once(
    words: str, undisturbed: list[Step], empty: Any, record_property: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    kills, overcome = words.startswith("kernel killed"), "once" in words
    with fresh_lab() as lab:
        names: dict[str, Any] = {"lab": lab, "boto3": boto3}
        faults = injector()
        stopped, tried = 0, 0
        with faults.installed():
            for step in undisturbed:
                had: set[Call] = set()
                before = dict(names)
                if not step.calls:
                    step.run(names)
                    continue

                def choose(call: Call, had: set[Call] = had) -> bool:
                    return (overcome or not faults.failed) and call not in had and (changes(call) or not kills)

                while True:
                    faults.restart(FAULTS[words], choose)
                    try:
                        step.run(names)
                    except Killed:
                        names = {**before, "lab": Lab(lab._account)}
                        stopped += 1
                    except Exception:
                        assert faults.failed, f"{step.cell} fails by itself, after {had}"
                        stopped += 1
                    if not faults.failed:
                        break
                    had.update(faults.failed)
                    tried += len(faults.failed)
                assert {call for call in step.calls if changes(call) or not kills} <= had, step.cell
                assert everything(lab) == step.after, step.cell
        names = {"lab": Lab(lab._account), "boto3": boto3}
        for step in undisturbed:
            step.run(names)
        assert everything(lab) == undisturbed[-1].after
        assert "5 received, 0% packet loss" in lab.shell("instance-1", "ping -c 5 10.2.0.126").stdout
        lab.clean_up()
        assert capsys.readouterr().out.endswith("Looked again: nothing of the lab is left.\n")
        assert what_is_left(lab) == empty
    record_property("fault", f"{words}: {tried} calls of the build cells, {stopped} stopped their cell; survived")


@pytest.mark.parametrize("words", FAULTS)
def test_each_call_of_clean_up_fails_once(
    words: str, undisturbed: list[Step], empty: Any, record_property: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    """Looking fails in one run, deleting in the next; what is left is listed, and the last run deletes it. A kernel is
    killed at every fourth deletion.
    """
    kills, overcome = words.startswith("kernel killed"), "once" in words
    with fresh_lab() as lab:
        names: dict[str, Any] = {"lab": lab, "boto3": boto3}
        for step in undisturbed:
            step.run(names)
        capsys.readouterr()
        faults = injector()
        had: set[Call] = set()
        tried = listed = 0
        with faults.installed():
            for only_looks in (True, False):
                deletions = count()

                def choose(call: Call, looks: bool = only_looks, deletions: Iterator[int] = deletions) -> bool:
                    if changes(call) is looks or (call in had and not kills):
                        return False
                    return not kills or (not faults.failed and next(deletions) % 4 == 3)

                while not (kills and only_looks):
                    faults.restart(FAULTS[words], choose)
                    try:
                        lab.clean_up()
                    except Killed:
                        pass
                    else:
                        shown = capsys.readouterr().out
                        listed += "Left: " in shown
                        assert overcome or not faults.failed or "Left: " in shown or "took effect" in words
                    had.update(faults.failed)
                    tried += len(faults.failed)
                    if not faults.failed:
                        break
        lab.clean_up()
        assert capsys.readouterr().out.endswith("There is nothing of the lab to delete.\n")
        assert what_is_left(lab) == empty
    record_property("fault", f"{words}: {tried} calls of clean_up, {listed} runs listed what was left; survived")
