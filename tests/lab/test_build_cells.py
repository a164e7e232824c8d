"""Build cells are find-or-create: running one twice, or all of them again, changes nothing."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import boto3
import pytest

from labkit.errors import LabError
from labkit.lab import Lab
from labkit.learn.catch_up import catch_up
from labkit.learn.notebooks import notebooks
from tests.lab.conftest import aws_of, inside


def everything(lab: Lab) -> Any:
    """Everything that the build cells can have made, as AWS describes it."""
    iam, logs, ec2 = map(inside(lab), ("iam", "logs", "ec2"))
    return (
        aws_of(lab).dataplane.network,
        [each["FlowLogId"] for each in ec2.describe_flow_logs()["FlowLogs"]],
        [each["RoleName"] for each in iam.list_roles()["Roles"]],
        [each["PolicyName"] for each in iam.list_policies(Scope="Local")["Policies"]],
        [each["InstanceProfileName"] for each in iam.list_instance_profiles()["InstanceProfiles"]],
        [each["logGroupName"] for each in logs.describe_log_groups()["logGroups"]],
    )


def what_is_left(lab: Lab) -> Any:
    """The same, without what AWS still shows for a while after its deletion."""
    network, *rest = everything(lab)
    instances = {id: part for id, part in network.instances.items() if part.state != "terminated"}
    peerings = {id: part for id, part in network.peering_connections.items() if part.status != "deleted"}
    return replace(network, instances=instances, peering_connections=peerings), *rest


def test_running_a_build_cell_twice_changes_nothing(lab: Lab) -> None:
    names: dict[str, Any] = {"lab": lab, "boto3": boto3}
    for chapter in notebooks():
        for source in chapter.build_cells():
            exec(source, names)
            once = everything(lab)
            exec(source, names)
            assert everything(lab) == once, source


def test_running_all_of_them_again_changes_nothing(lab: Lab) -> None:
    last = notebooks()[-1].number
    catch_up(last, {"lab": lab})
    once = everything(lab)
    catch_up(last, {"lab": lab})
    assert everything(lab) == once


def test_a_chapter_that_is_not_there_is_named(lab: Lab) -> None:
    with pytest.raises(LabError, match="There is no chapter '77'; the chapters are 00, 01"):
        catch_up("77", {"lab": lab})


def test_a_build_cell_that_fails_is_named(lab: Lab) -> None:
    lab.client("ec2").create_vpc(CidrBlock="10.9.0.0/16", TagSpecifications=lab.tags("vpc", "vpc-1"))
    lab.client("ec2").create_vpc(CidrBlock="10.8.0.0/16", TagSpecifications=lab.tags("vpc", "vpc-1"))
    with pytest.raises(
        LabError, match=r"Build cell 2 of 01-two-vpcs\.ipynb failed: LabError: 2 things are called 'vpc-1'"
    ):
        catch_up("02", {"lab": lab})
