"""A lab in unusual states, and cells that run out of order: a sentence that says what to do, or AWS's own behavior."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import EndpointConnectionError
from botocore.httpsession import URLLib3Session

import labkit
from labkit import embedded
from labkit.embedded.api import patches
from labkit.errors import LabError
from labkit.lab import Lab
from labkit.session.accounts import EmbeddedAccount
from tests.lab.conftest import Built, make_client

# Cells out of order


def test_a_cell_before_its_time_says_what_comes_first_and_catching_up_needs_no_variable_called_lab(lab: Lab) -> None:
    for ask, words in (
        (lab.wait_for_flow_logs, "There is no flow log, so no record will come. Create one first"),
        (lab.records, "There is no log group 'NimbusVPCFlowLogsGroup'. Notebook 02 creates it"),
        (lambda: lab.shell("instance-1", "hostname"), "It has no instance yet: launch them first."),
        (lambda: lab.trace("instance-1", "instance-2"), "It has no instance yet: launch them first."),
    ):
        with pytest.raises(LabError, match=words):
            ask()
    names: dict[str, Any] = {"mine": lab}
    exec("mine.catch_up('02')", names)
    assert names["vpc_1"] == lab.find("vpc-1")


# Instances that do not run


def test_a_stopped_instance_runs_no_command_and_sends_nothing(built: Built) -> None:
    built.ec2.stop_instances(InstanceIds=[built.instance_1])
    with pytest.raises(LabError) as caught:
        built.lab.shell("instance-1", "hostname")
    assert str(caught.value) == (
        "instance-1 is stopped, so it runs no command. "
        f"Start it: ec2.start_instances(InstanceIds=['{built.instance_1}'])."
    )
    path = built.lab.trace("instance-1", "instance-2")
    assert path.code == "BAD_STATE" and path.stopped_at is not None
    assert path.stopped_at.sentence == "the instance is stopped, so it neither sends nor receives"
    built.ec2.start_instances(InstanceIds=[built.instance_1])
    assert built.lab.shell("instance-1", "hostname").exit_code == 0


def test_what_is_gone_is_not_found(built: Built) -> None:
    built.ec2.terminate_instances(InstanceIds=[built.instance_2])
    assert built.lab.find("instance-2") is None
    with pytest.raises(LabError, match="There is no instance, .* The instances are: instance-1."):
        built.lab.shell("instance-2", "hostname")
    peering = built.ec2.create_vpc_peering_connection(
        VpcId=built.vpc_1,
        PeerVpcId=built.vpc_2,
        TagSpecifications=built.lab.tags("vpc-peering-connection", "peering-1-2"),
    )["VpcPeeringConnection"]["VpcPeeringConnectionId"]
    assert built.lab.find("peering-1-2") == peering
    built.ec2.delete_vpc_peering_connection(VpcPeeringConnectionId=peering)
    assert built.lab.find("peering-1-2") is None


def test_tags_outlive_what_they_were_on_and_find_does_not_take_them_for_it(built: Built) -> None:
    """DescribeTags is eventually consistent, like all of EC2:
    https://docs.aws.amazon.com/ec2/latest/devguide/eventual-consistency.html
    """
    ec2, tags = built.ec2, built.lab.tags
    vpc = ec2.create_vpc(CidrBlock="10.9.0.0/16", TagSpecifications=tags("vpc", "x-vpc"))["Vpc"]["VpcId"]
    subnet = ec2.create_subnet(VpcId=vpc, CidrBlock="10.9.0.0/24", TagSpecifications=tags("subnet", "x-subnet"))
    gateway = ec2.create_internet_gateway(TagSpecifications=tags("internet-gateway", "x-igw"))["InternetGateway"]
    group = ec2.create_security_group(
        GroupName="x", Description="x", VpcId=vpc, TagSpecifications=tags("security-group", "x-group")
    )
    table = ec2.create_route_table(VpcId=vpc, TagSpecifications=tags("route-table", "x-table"))["RouteTable"]
    acl = ec2.create_network_acl(VpcId=vpc, TagSpecifications=tags("network-acl", "x-acl"))["NetworkAcl"]
    address = ec2.allocate_address(Domain="vpc", TagSpecifications=tags("elastic-ip", "x-address"))["AllocationId"]
    names = ("x-vpc", "x-subnet", "x-igw", "x-group", "x-table", "x-acl", "x-address", "NimbusVPCFlowLog")
    assert all(built.lab.find_all(name) for name in names)
    ec2.delete_flow_logs(FlowLogIds=built.flow_logs)
    ec2.delete_subnet(SubnetId=subnet["Subnet"]["SubnetId"])
    ec2.delete_internet_gateway(InternetGatewayId=gateway["InternetGatewayId"])
    ec2.delete_security_group(GroupId=group["GroupId"])
    ec2.delete_route_table(RouteTableId=table["RouteTableId"])
    ec2.delete_network_acl(NetworkAclId=acl["NetworkAclId"])
    ec2.release_address(AllocationId=address)
    ec2.delete_vpc(VpcId=vpc)
    with patches.without("tags-go-with-their-resource"):
        assert ec2.describe_tags(Filters=[{"Name": "resource-id", "Values": [vpc]}])["Tags"]
        assert [name for name in names if built.lab.find_all(name)] == []


def test_a_new_instance_bears_the_name_of_one_that_is_gone(built: Built) -> None:
    built.ec2.terminate_instances(InstanceIds=[built.instance_2])
    new = built.names["launch"]("instance-2", built.subnet_2, "10.2.0.126", built.security_group_2)
    assert built.lab.find("instance-2") == new
    assert built.lab.shell("instance-2", "hostname").stdout == "ip-10-2-0-126.ec2.internal\n"


def test_an_instance_without_a_way_to_systems_manager(built: Built) -> None:
    built.ec2.delete_route(RouteTableId=built.route_table_1, DestinationCidrBlock="0.0.0.0/0")
    with pytest.raises(LabError, match="Systems Manager cannot reach instance-1. .* a route to an internet gateway"):
        built.lab.shell("instance-1", "hostname")
    assert built.lab.shell("instance-2", "hostname").exit_code == 0


# Names


def test_two_things_with_one_name_are_listed_and_told_apart_by_id(built: Built) -> None:
    twin = built.ec2.create_vpc(CidrBlock="10.9.0.0/16", TagSpecifications=built.lab.tags("vpc", "vpc-1"))
    ids = sorted([twin["Vpc"]["VpcId"], built.vpc_1])
    with pytest.raises(LabError) as caught:
        built.lab.find("vpc-1")
    assert str(caught.value) == (
        f"2 things are called 'vpc-1': {', '.join(ids)}. "
        "Delete the ones that you do not want, or use the id itself instead of lab.find."
    )
    assert built.lab.find_all("vpc-1") == ids
    built.ec2.delete_vpc(VpcId=twin["Vpc"]["VpcId"])
    assert built.lab.find("vpc-1") == built.vpc_1
    instance = built.names["launch"]("instance-1", built.subnet_2, "10.2.0.127", built.security_group_2)
    with pytest.raises(LabError, match="'instance-1' is the name or address of 2 interfaces: eni-.* Use an id."):
        built.lab.shell("instance-1", "hostname")
    assert built.lab.shell(instance, "hostname").stdout == "ip-10-2-0-127.ec2.internal\n"


# Flow logs


def test_a_log_group_deleted_under_a_flow_log_and_a_role_that_may_not_make_another(built: Built) -> None:
    built.lab.wait_for_flow_logs()
    built.iam.detach_role_policy(RoleName="NimbusVPCFlowLogsRole", PolicyArn=built.policy)
    built.logs.delete_log_group(logGroupName="NimbusVPCFlowLogsGroup")
    built.lab.wait_for_flow_logs()
    with pytest.raises(LabError, match="There is no log group"):
        built.lab.records()
    found = built.ec2.describe_flow_logs()["FlowLogs"]
    assert {each["DeliverLogsErrorMessage"] for each in found} == {"Access error"}


def test_a_log_group_that_cannot_be_made_stops_that_flow_log_and_nothing_else(built: Built) -> None:
    made = built.ec2.create_flow_logs(
        ResourceType="Subnet", ResourceIds=[built.subnet_1], TrafficType="ALL",
        LogGroupName="x" * 513, DeliverLogsPermissionArn=built.role,
    )["FlowLogIds"]  # fmt: skip
    built.lab.wait_for_flow_logs()
    (found,) = built.ec2.describe_flow_logs(FlowLogIds=made)["FlowLogs"]
    assert found["DeliverLogsStatus"] == "FAILED"
    assert built.lab.records()


# Clients and connections


@pytest.fixture
def connect(elsewhere: None) -> Iterator[Callable[[], EmbeddedAccount]]:
    """Connects to an embedded AWS on another port, which is closed in the end."""
    made: list[EmbeddedAccount] = []

    def connect() -> EmbeddedAccount:
        made.append(EmbeddedAccount())
        return made[-1]

    yield connect
    made[-1].close()


def test_a_client_made_before_connect_says_so_and_calls_nobody(connect: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Even one without credentials or of a role that would have to be assumed first: nothing is sent at all."""
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    keys = {"aws_access_key_id": "x", "aws_secret_access_key": "x"}
    clients = [
        make_client("ec2", region_name="eu-west-1", **keys),
        make_client("sts", region_name="eu-west-1", config=Config(retries={"mode": "standard"}), **keys),
        make_client("ec2", region_name="eu-west-1"),
        boto3.resource("ec2", region_name="eu-west-1", **keys).meta.client,
        make_client("ec2", region_name="us-east-1", endpoint_url="http://127.0.0.1:1", **keys),
    ]

    def sent(*_: Any) -> None:
        raise AssertionError("a request left")

    monkeypatch.setattr(URLLib3Session, "send", sent)
    connect()
    for client in clients:
        calls = [client.get_caller_identity] if client.meta.service_model.service_name == "sts" else [
            client.describe_vpcs,
            lambda client=client: list(client.get_paginator("describe_vpcs").paginate()),
            lambda client=client: client.get_waiter("instance_running").wait(InstanceIds=["i-1"]),
        ]  # fmt: skip
        for call in calls:
            with pytest.raises(LabError, match="made before labkit.connect.* Make it again: run the cell"):
                call()


def test_connect_reads_the_class_of_no_other_object(connect: Any) -> None:
    """Proxies, such as Flask's request, raise an error outside their context."""

    class Proxy:
        @property
        def __class__(self) -> type:  # type: ignore[override]
            raise RuntimeError("working outside of context")

    stranger = Proxy()
    make_client("sts", region_name="us-east-1")
    connect()
    assert type(stranger) is Proxy


@pytest.mark.usefixtures("impatient")
def test_a_stopped_embedded_aws_is_refused_on_the_loopback() -> None:
    lab = labkit.connect()
    endpoint = embedded.start().endpoint_url
    client = make_client("ec2")
    embedded.start().stop()
    for call in (client.describe_vpcs, lambda: lab.find("vpc-1"), make_client("sts").get_caller_identity):
        with pytest.raises(EndpointConnectionError, match=endpoint):
            call()
    again = labkit.connect()
    assert again.find("vpc-1") is None
    with pytest.raises(LabError, match="Make it again"):
        client.describe_vpcs()
    again._account.close()  # type: ignore[attr-defined]


def test_no_proxy_is_between_a_cell_and_the_embedded_aws(connect: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy"):
        monkeypatch.setenv(name, "http://192.0.2.1:3128")
    monkeypatch.setenv("no_proxy", "localhost")
    for _ in range(2):
        account = connect()
    assert os.environ["no_proxy"] == os.environ["NO_PROXY"] == "localhost,127.0.0.1"
    assert make_client("sts").get_caller_identity()["Account"] == account.number


# What a notebook shows of a refusal


def test_a_notebook_says_what_a_none_among_the_parameters_means(lab: Lab, capsys: pytest.CaptureFixture[str]) -> None:
    from IPython.core.interactiveshell import InteractiveShell

    from labkit.show.tracebacks import shorten

    shell = InteractiveShell()
    shell.restore_sys_module_state()  # it puts a module of its own in the place of __main__
    shorten(shell, lambda error: None)
    shell.user_ns["lab"], shell.user_ns["ec2"] = lab, lab.client("ec2")
    shell.run_cell("ec2.create_subnet(VpcId=lab.find('vpc-1'), CidrBlock='10.1.0.0/20')")
    shown = capsys.readouterr().out
    assert "Invalid type for parameter VpcId, value: None" in shown
    assert "has not been made yet, or has another name. Run the cells before this one, or lab.catch_up" in shown
    assert "botocore/client.py" not in shown
    shell.run_cell("ec2.create_subnet(VpcId='vpc-1', CidrBlock='10.1.0.0/20', Zone='a')")
    shown = capsys.readouterr().out
    assert "Unknown parameter" in shown and "has not been made yet" not in shown
    shell.run_cell("ec2.describe_vpcs(VpcIds=['vpc-1'])")
    shown = capsys.readouterr().out
    assert "InvalidVpcID.NotFound" in shown and "botocore/client.py" not in shown
