"""In an AWS that does not know yet what was made a moment ago, cells are plain boto3 all the same."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from botocore.exceptions import ClientError

from labkit.errors import LabError
from labkit.lab import Lab
from tests.lab.conftest import Built, fresh_lab, refusal
from tests.lab.test_names import POLICY, TRUST


@pytest.fixture
def lagging() -> Iterator[Lab]:
    """An account in which what was made is unknown for some seconds, and its tags for longer."""
    with fresh_lab("eventual-consistency") as lab:
        yield lab


@pytest.fixture
def slow() -> Iterator[Lab]:
    """An account in which instances, peering connections and NAT gateways pass through states."""
    with fresh_lab("instance-states", "nat-gateway-states", "peering-states") as lab:
        yield lab


def make_vpc(lab: Lab, name: str, block: str = "10.1.0.0/16") -> str:
    made = lab.client("ec2").create_vpc(CidrBlock=block, TagSpecifications=lab.tags("vpc", name))
    return str(made["Vpc"]["VpcId"])


# Calls that come too early


def test_a_call_that_names_what_was_made_a_moment_ago_is_repeated_until_aws_knows_it(lagging: Lab) -> None:
    """https://docs.aws.amazon.com/ec2/latest/devguide/eventual-consistency.html"""
    ec2, iam = lagging.client("ec2"), lagging.client("iam")
    vpc = make_vpc(lagging, "vpc-1")
    before = lagging.clock
    subnet = ec2.create_subnet(VpcId=vpc, CidrBlock="10.1.0.0/20")["Subnet"]["SubnetId"]
    assert timedelta(seconds=2) < lagging.clock - before < timedelta(seconds=15)
    gateway = ec2.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
    ec2.attach_internet_gateway(InternetGatewayId=gateway, VpcId=vpc)
    table = ec2.create_route_table(VpcId=vpc)["RouteTable"]["RouteTableId"]
    ec2.associate_route_table(RouteTableId=table, SubnetId=subnet)
    group = ec2.create_security_group(GroupName="g", Description="d", VpcId=vpc)["GroupId"]
    assert ec2.describe_security_groups(GroupIds=[group])["SecurityGroups"]
    iam.create_role(RoleName="role", AssumeRolePolicyDocument=TRUST)
    arn = iam.create_policy(PolicyName="policy", PolicyDocument=POLICY)["Policy"]["Arn"]
    iam.attach_role_policy(RoleName="role", PolicyArn=arn)


def test_what_was_not_made_here_is_unknown_at_once(lagging: Lab) -> None:
    ec2, iam = lagging.client("ec2"), lagging.client("iam")
    make_vpc(lagging, "vpc-1")
    before = lagging.clock
    with pytest.raises(ClientError, match=r"InvalidVpcID\.NotFound"):
        ec2.describe_vpcs(VpcIds=["vpc-00000000000000000"])
    with pytest.raises(ClientError, match="NoSuchEntity"):
        iam.get_role(RoleName="nobody")
    assert lagging.clock - before < timedelta(seconds=1)


def test_what_was_deleted_here_is_unknown_at_once(lagging: Lab) -> None:
    ec2, iam = lagging.client("ec2"), lagging.client("iam")
    vpc = make_vpc(lagging, "vpc-1")
    ec2.delete_vpc(VpcId=vpc)
    iam.create_role(RoleName="role", AssumeRolePolicyDocument=TRUST)
    iam.delete_role(RoleName="role")
    before = lagging.clock
    for call in (lambda: ec2.describe_vpcs(VpcIds=[vpc]), lambda: iam.get_role(RoleName="role")):
        with pytest.raises(ClientError, match="NotFound|NoSuchEntity"):
            call()
    assert lagging.clock - before < timedelta(seconds=1)


def test_what_is_not_in_a_thing_that_was_made_a_moment_ago_is_missed_at_once(lagging: Lab) -> None:
    """The thing is known then, and repeating the call would not find the route, the rule or the other id."""
    ec2 = lagging.client("ec2")
    vpc = make_vpc(lagging, "vpc-1")
    table = ec2.create_route_table(VpcId=vpc)["RouteTable"]["RouteTableId"]
    group = ec2.create_security_group(GroupName="g", Description="d", VpcId=vpc)["GroupId"]
    ec2.describe_route_tables(RouteTableIds=[table])
    ec2.describe_security_groups(GroupIds=[group])
    rule = {"IpProtocol": "tcp", "FromPort": 1, "ToPort": 1, "IpRanges": [{"CidrIp": "10.0.0.0/8"}]}
    before = lagging.clock
    for code, call, parameters in (
        ("InvalidRoute", ec2.delete_route, {"RouteTableId": table, "DestinationCidrBlock": "10.9.0.0/16"}),
        ("InvalidPermission", ec2.revoke_security_group_ingress, {"GroupId": group, "IpPermissions": [rule]}),
        ("InvalidSubnetID", ec2.associate_route_table, {"RouteTableId": table, "SubnetId": "subnet-00000000"}),
    ):
        for attempt in (call, partial(lagging.eventually, call)):
            with pytest.raises(ClientError, match=code):
                attempt(**parameters)
    assert lagging.clock - before < timedelta(seconds=2), "nothing pauses"


def test_eventually_goes_on_while_an_id_that_was_made_a_moment_ago_is_unknown(lagging: Lab) -> None:
    vpc = make_vpc(lagging, "vpc-1")
    answers: list[Any] = [refusal("InvalidVpcID.NotFound", "No."), {"done": 1}]

    def operation(VpcId: str) -> Any:
        answer = answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    assert lagging.eventually(operation, VpcId=vpc) == {"done": 1}


def test_after_a_minute_what_is_unknown_is_believed_to_be(lagging: Lab) -> None:
    """As where somebody deleted it in the console."""
    vpc = make_vpc(lagging, "vpc-1")
    lagging._account._aws.client("ec2").delete_vpc(VpcId=vpc)  # type: ignore[attr-defined]
    before = lagging.clock
    with pytest.raises(ClientError, match=r"InvalidVpcID\.NotFound"):
        lagging.client("ec2").describe_vpcs(VpcIds=[vpc])
    assert timedelta(seconds=55) < lagging.clock - before < timedelta(seconds=65)


def test_in_an_aws_that_does_not_lag_nothing_is_repeated(lab: Lab) -> None:
    vpc = make_vpc(lab, "vpc-1")
    lab._account._aws.client("ec2").delete_vpc(VpcId=vpc)  # type: ignore[attr-defined]
    with pytest.raises(ClientError, match=r"InvalidVpcID\.NotFound"):
        lab.client("ec2").describe_vpcs(VpcIds=[vpc])


# Looking that comes too early


def test_finding_waits_for_the_tags_of_what_was_made_a_moment_ago(lagging: Lab) -> None:
    """Tags come later still. A second vpc-1 would be made if lab.find did not see the first."""
    vpc = make_vpc(lagging, "vpc-1")
    assert lagging.find("vpc-1") == vpc
    before = lagging.clock
    assert lagging.find("vpc-2") is None
    assert lagging.clock - before < timedelta(seconds=1), "what is shown already is not waited for again"
    other = str(lagging.client("ec2").create_vpc(CidrBlock="10.3.0.0/16")["Vpc"]["VpcId"])
    lagging.client("ec2").create_tags(Resources=[other], Tags=[{"Key": "Name", "Value": "vpc-3"}, lagging.tag])
    assert lagging.find("vpc-3") == other


def test_the_tags_of_a_thing_are_waited_for_though_something_in_it_was_deleted(lagging: Lab) -> None:
    ec2 = lagging.client("ec2")
    vpc = make_vpc(lagging, "vpc-1")
    everywhere = {"CidrBlock": "0.0.0.0/0", "Protocol": "-1", "RuleAction": "allow"}
    for n in range(5):  # the tags of some come later than their ids
        name = f"acl-{n}"
        made = ec2.create_network_acl(VpcId=vpc, TagSpecifications=lagging.tags("network-acl", name))["NetworkAcl"]
        entry = {"NetworkAclId": made["NetworkAclId"], "RuleNumber": 1, "Egress": True}
        ec2.create_network_acl_entry(**entry, **everywhere)
        ec2.delete_network_acl_entry(**entry)
        assert lagging.find(name) == made["NetworkAclId"]


def test_what_was_deleted_here_is_not_looked_for(lagging: Lab) -> None:
    iam = lagging.client("iam")
    arn = iam.create_policy(PolicyName="NimbusVPCFlowLogsPolicy", PolicyDocument=POLICY)["Policy"]["Arn"]
    iam.delete_policy(PolicyArn=arn)
    before = lagging.clock
    assert lagging.find("NimbusVPCFlowLogsPolicy", "policy") is None
    assert lagging.clock - before < timedelta(seconds=1)


def test_the_network_has_what_was_made_a_moment_ago(lagging: Lab) -> None:
    vpc = make_vpc(lagging, "vpc-1")
    assert vpc in lagging.network.vpcs


def test_a_policy_that_lists_leave_out_is_found(lagging: Lab) -> None:
    iam = lagging.client("iam")
    made = iam.create_policy(PolicyName="NimbusVPCFlowLogsPolicy", PolicyDocument=POLICY, Tags=[lagging.tag])
    assert lagging.find("NimbusVPCFlowLogsPolicy", "policy") == made["Policy"]["Arn"]


def test_clean_up_sees_what_was_made_a_moment_ago(lagging: Lab, capsys: pytest.CaptureFixture[str]) -> None:
    vpc = make_vpc(lagging, "vpc-1")
    lagging.clean_up()
    assert capsys.readouterr().out == f"Deleted VPC vpc-1 {vpc}\nLooked again: nothing of the lab is left.\n"


def test_the_build_cells_make_each_thing_once(lagging: Lab) -> None:
    built = Built(lagging, "02")
    for name in ("vpc-1", "subnet-1", "igw-1", "route-table-1", "allow-icmp-1", "instance-1", "instance-2"):
        assert len(lagging.find_all(name)) == 1
    assert built.instance_1 in lagging.network.instances


# States on the way


def test_waiting_for_a_state_ends_in_one_of_those_that_are_named(slow: Lab) -> None:
    """https://docs.aws.amazon.com/vpc/latest/peering/vpc-peering-basics.html"""
    ec2 = slow.client("ec2")
    one, two, twin = make_vpc(slow, "1"), make_vpc(slow, "2", "10.2.0.0/16"), make_vpc(slow, "twin")

    def request(there: str) -> str:
        answer = ec2.create_vpc_peering_connection(VpcId=one, PeerVpcId=there)
        return str(answer["VpcPeeringConnection"]["VpcPeeringConnectionId"])

    peering = request(two)
    assert slow.wait_for(peering, "pending-acceptance", "active") == "pending-acceptance"
    ec2.accept_vpc_peering_connection(VpcPeeringConnectionId=peering)
    assert slow.wait_for(peering, "pending-acceptance", "active") == "active"
    overlapping = request(twin)
    assert slow.wait_for(overlapping, "active", "failed") == "failed"
    with pytest.raises(LabError) as caught:
        slow.wait_for(overlapping, "active")
    assert str(caught.value) == f"The peering connection {overlapping} is failed, so it will not be active."
    assert slow.wait_for(one, "available") == "available"


def test_what_is_going_away_will_not_come_back_and_can_be_waited_for(slow: Lab) -> None:
    ec2 = slow.client("ec2")
    subnet = ec2.describe_subnets()["Subnets"][0]["SubnetId"]
    address = ec2.allocate_address(Domain="vpc")["AllocationId"]
    nat = ec2.create_nat_gateway(SubnetId=subnet, AllocationId=address)["NatGateway"]["NatGatewayId"]
    before = slow.clock
    assert slow.wait_for(nat, "available") == "available"
    assert slow.clock - before > timedelta(seconds=55)
    ec2.delete_nat_gateway(NatGatewayId=nat)
    with pytest.raises(LabError, match=f"The NAT gateway {nat} is deleting, so it will not be available"):
        slow.wait_for(nat, "available")
    assert slow.wait_for(nat, "deleted") == "deleted"


def test_what_does_not_come_into_a_state_in_time_is_reported_with_its_state(slow: Lab) -> None:
    ec2 = slow.client("ec2")
    there = make_vpc(slow, "2", "10.2.0.0/16")
    request = ec2.create_vpc_peering_connection(VpcId=make_vpc(slow, "1"), PeerVpcId=there)
    peering = request["VpcPeeringConnection"]["VpcPeeringConnectionId"]
    before = slow.clock
    with pytest.raises(LabError) as caught:
        slow.wait_for(peering, "active")
    assert str(caught.value) == (
        f"The peering connection {peering} is pending-acceptance, and stays so until you call "
        f"ec2.accept_vpc_peering_connection(VpcPeeringConnectionId='{peering}'). Then run the cell again."
    )
    assert timedelta(seconds=175) < slow.clock - before < timedelta(seconds=190)


def test_what_has_no_state_or_does_not_exist(lab: Lab) -> None:
    table = lab.client("ec2").describe_route_tables()["RouteTables"][0]["RouteTableId"]
    gateway = lab.client("ec2").describe_internet_gateways()["InternetGateways"][0]["InternetGatewayId"]
    for id, states, words in (
        (table, ("active",), f"The route table {table} has no state"),
        (gateway, ("active",), f"The internet gateway {gateway} has no state"),
        ("pcx-0", ("active",), "There is no peering connection pcx-0"),
        ("what", ("active",), "'what' is not the id of anything that lab.wait_for knows"),
        (table, (), "Say which state to wait for"),
    ):
        with pytest.raises(LabError, match=words):
            lab.wait_for(id, *states)


# What one service does not know of another


def test_an_operation_that_did_a_part_of_its_work_is_repeated_for_the_rest(slow: Lab) -> None:
    """https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateFlowLogs.html"""
    asked: list[list[str]] = []

    def create_flow_logs(ResourceIds: list[str], TrafficType: str) -> Any:
        asked.append(ResourceIds)
        error = {"Code": "InternalError", "Message": "An internal error occurred."}
        failed = [{"ResourceId": "vpc-b", "Error": error}] if len(asked) < 3 else []
        done = [id for id in ResourceIds if not failed or id != "vpc-b"]
        return {"FlowLogIds": [f"fl-{id}" for id in done], "Unsuccessful": failed}

    before = slow.clock
    answer = slow.eventually(create_flow_logs, ResourceIds=["vpc-a", "vpc-b"], TrafficType="ALL")
    assert answer == {"FlowLogIds": ["fl-vpc-a", "fl-vpc-b"], "Unsuccessful": []}
    assert asked == [["vpc-a", "vpc-b"], ["vpc-b"], ["vpc-b"]]
    assert slow.clock - before == timedelta(seconds=6)


@pytest.mark.parametrize(("code", "seconds"), [("InternalError", 180), ("FlowLogAlreadyExists", 0)])
def test_what_stays_unsuccessful_is_raised(slow: Lab, code: str, seconds: int) -> None:
    def create_flow_logs(ResourceIds: list[str]) -> Any:
        return {"FlowLogIds": [], "Unsuccessful": [{"ResourceId": "v", "Error": {"Code": code, "Message": "No."}}]}

    before = slow.clock
    with pytest.raises(ClientError, match=rf"An error occurred \({code}\) when calling the create_flow_logs operation"):
        slow.eventually(create_flow_logs, ResourceIds=["v"])
    assert slow.clock - before == timedelta(seconds=seconds)
