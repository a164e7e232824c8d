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
from labkit import embedded
from labkit.embedded.api.contrary import behaviors
from labkit.lab import Lab
from labkit.learn.catch_up import catch_up
from tests.contrary.others import others

ROOT = Path(__file__).parents[2]
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))

#: The steps of building that need no traffic.
BUILT = ("vpcs", "subnets", "internet", "security-groups", "role", "instances", "log-group", "policy", "delivery-role",
         "flow-logs", "peering", "routes")  # fmt: skip


@pytest.fixture
def connect(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], Lab]]:
    """Connect to a fresh AWS, in the folder of the notebooks."""
    embedded.start().stop()
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
    before = others(client_of(lab))
    catch_up("10", {"lab": lab})
    catch_up("10", {"lab": lab})
    for name in BUILT:
        assert lab.check(name).passed, lab.check(name)
    ping = lab.shell("instance-1", "ping -c 3 10.2.0.126")
    assert "3 received" in ping.stdout
    lab.wait_for_flow_logs()
    for name in ("delivery", "ping"):
        assert lab.check(name).passed, lab.check(name)
    assert others(client_of(lab)) == before
    lab.clean_up()
    assert everything_of_the_lab(client_of(lab)) == []
    assert others(client_of(lab)) == before


def everything_of_the_lab(client: Callable[[str], Any]) -> list[str]:
    """What has the lab's tag and is not over, and what has a name of the lab's in IAM and CloudWatch Logs."""
    ec2, iam, logs = map(client, ("ec2", "iam", "logs"))
    tagged = [{"Name": "tag:Lab", "Values": ["nimbus"]}]
    found = [
        each["InstanceId"]
        for reservation in ec2.describe_instances(Filters=tagged)["Reservations"]
        for each in reservation["Instances"]
        if each["State"]["Name"] != "terminated"
    ]
    found += [
        each["VpcPeeringConnectionId"]
        for each in ec2.describe_vpc_peering_connections(Filters=tagged)["VpcPeeringConnections"]
        if each["Status"]["Code"] not in ("deleted", "failed")
    ]
    for operation, key, id in (
        ("describe_flow_logs", "FlowLogs", "FlowLogId"), ("describe_subnets", "Subnets", "SubnetId"),
        ("describe_internet_gateways", "InternetGateways", "InternetGatewayId"),
        ("describe_route_tables", "RouteTables", "RouteTableId"), ("describe_vpcs", "Vpcs", "VpcId"),
        ("describe_security_groups", "SecurityGroups", "GroupId"),
    ):  # fmt: skip
        found += [each[id] for each in getattr(ec2, operation)(Filters=tagged)[key]]
    for roles in iam.get_paginator("list_roles").paginate():
        found += [
            role["RoleName"]
            for role in roles["Roles"]
            if {"Key": "Lab", "Value": "nimbus"} in iam.list_role_tags(RoleName=role["RoleName"])["Tags"]
        ]
    for group in logs.describe_log_groups(logGroupNamePrefix="Nimbus")["logGroups"]:
        if logs.list_tags_for_resource(resourceArn=group["arn"].removesuffix(":*"))["tags"].get("Lab"):
            found.append(group["logGroupName"])
    return found


#: Runs in the kernel after a notebook's own cells.
AFTERWARDS = """
from tests.contrary.others import others
from tests.contrary.test_course import client_of, everything_of_the_lab

assert others(client_of(lab)) == others_before, "something of the others has changed"
lab.clean_up()
assert everything_of_the_lab(client_of(lab)) == []
assert others(client_of(lab)) == others_before, "clean-up has changed something of the others"
"""

#: Runs in the kernel after the cell that connects.
BEFORE = """
from tests.contrary.others import others
from tests.contrary.test_course import client_of

others_before = others(client_of(labkit.connect()))
"""


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_each_notebook_runs_to_its_end(path: Path) -> None:
    notebook = nbformat.read(path, as_version=4)
    notebook.cells.insert(0, nbformat.v4.new_code_cell("import labkit\n" + BEFORE))
    notebook.cells.append(nbformat.v4.new_code_cell(AFTERWARDS))
    paths = os.pathsep.join([str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])])
    client = NotebookClient(
        notebook, timeout=120, kernel_name="python3", resources={"metadata": {"path": str(path.parent)}}
    )
    client.execute(env={**os.environ, "PYTHONPATH": paths, "LABKIT_AWS": "contrary"})
