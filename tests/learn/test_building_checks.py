"""The checks of notebook 01: unattempted, with the mistakes that are likely, and right."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from labkit.lab import Lab
from labkit.learn.result import Line, Result
from tests.lab.conftest import Built, fresh_lab

Until = Callable[[str], Built]


def wrong(result: Any) -> list[Line]:
    assert isinstance(result, Result)
    return [line for line in result.lines if not line.ok]


def only(result: Any) -> Line:
    """The one line that is not right, which says what was found, what was wanted, and what to do."""
    (line,) = wrong(result)
    assert line.found and line.wanted and line.next
    return line


STEPS = ["vpcs", "subnets", "internet", "security-groups", "role", "instances"]


@pytest.mark.parametrize("name", STEPS)
def test_before_its_step_a_check_says_that_nothing_is_there_and_which_cell_makes_it(lab: Lab, name: str) -> None:
    result = lab.check(name)
    assert not result.passed and not result.begun
    assert all(line.absent and line.next for line in result.lines)


@pytest.fixture(scope="module")
def finished() -> Iterator[Lab]:
    with fresh_lab() as lab:
        yield Built(lab, "02").lab


@pytest.mark.parametrize("name", STEPS)
def test_after_the_build_cells_all_is_right(finished: Lab, name: str) -> None:
    result = finished.check(name)
    assert result.passed and result.begun and result.score == 1, result
    for vpc in ("vpc-1", "vpc-2") if name != "role" else ():
        half = finished.check(name, vpc)
        assert half.passed and len(half.lines) * 2 == len(result.lines)


def test_half_of_it_can_be_checked_when_only_that_is_built(lab: Lab) -> None:
    ec2 = lab.client("ec2")
    ec2.create_vpc(CidrBlock="10.1.0.0/16", TagSpecifications=lab.tags("vpc", "vpc-1"))
    assert lab.check("vpcs", "vpc-1").passed
    assert not lab.check("vpcs").passed


# VPCs


def test_a_range_that_overlaps_the_other_vpc_s(lab: Lab) -> None:
    ec2 = lab.client("ec2")
    ec2.create_vpc(CidrBlock="10.1.0.0/16", TagSpecifications=lab.tags("vpc", "vpc-1"))
    twin = ec2.create_vpc(CidrBlock="10.1.0.0/16", TagSpecifications=lab.tags("vpc", "vpc-2"))["Vpc"]["VpcId"]
    line = only(lab.check("vpcs"))
    assert (line.text, line.found) == ("vpc-2", "the range 10.1.0.0/16, which overlaps that of vpc-1")
    assert line.wanted == "10.2.0.0/16"
    assert f"ec2.delete_vpc(VpcId='{twin}')" in line.next


def test_a_vpc_without_its_name(lab: Lab) -> None:
    id = lab.client("ec2").create_vpc(CidrBlock="10.1.0.0/16")["Vpc"]["VpcId"]
    line = only(lab.check("vpcs", "vpc-1"))
    assert line.found == f"{id} with its range and no name"
    assert line.next.startswith(f"ec2.create_tags(Resources=['{id}']")
    exec(line.next.removesuffix("."), {"ec2": lab.client("ec2")})
    assert lab.check("vpcs", "vpc-1").passed


def test_two_vpcs_of_one_name(lab: Lab) -> None:
    for block in ("10.1.0.0/16", "10.9.0.0/16"):
        lab.client("ec2").create_vpc(CidrBlock=block, TagSpecifications=lab.tags("vpc", "vpc-1"))
    assert only(lab.check("vpcs", "vpc-1")).found.startswith("2 of this name (vpc-")


# Subnets


def test_a_subnet_in_the_other_vpc(until: Until) -> None:
    built = until("02")
    ec2, lab = built.ec2, built.lab
    ec2.terminate_instances(InstanceIds=[built.instance_2])
    ec2.delete_subnet(SubnetId=built.subnet_2)
    ec2.create_subnet(VpcId=built.vpc_1, CidrBlock="10.1.16.0/20", TagSpecifications=lab.tags("subnet", "subnet-2"))
    line = only(lab.check("subnets"))
    assert (line.found, line.wanted) == ("it in vpc-1", "it in vpc-2")


def test_a_subnet_without_room_for_the_instance(lab: Lab) -> None:
    ec2 = lab.client("ec2")
    vpc = ec2.create_vpc(CidrBlock="10.1.0.0/16", TagSpecifications=lab.tags("vpc", "vpc-1"))["Vpc"]["VpcId"]
    ec2.create_subnet(VpcId=vpc, CidrBlock="10.1.0.0/24", TagSpecifications=lab.tags("subnet", "subnet-1"))
    line = only(lab.check("subnets", "vpc-1"))
    assert (line.found, line.wanted) == ("the range 10.1.0.0/24", "one with 10.1.15.80 in it")


# The way to the internet


def test_a_gateway_that_is_not_attached(until: Until) -> None:
    built = until("02")
    gone = built.ec2.describe_addresses()["Addresses"]
    assert gone == []
    for instance in (built.instance_1,):
        built.ec2.terminate_instances(InstanceIds=[instance])
    built.ec2.detach_internet_gateway(InternetGatewayId=built.igw_1, VpcId=built.vpc_1)
    gateway, route = wrong(built.lab.check("internet"))
    assert (gateway.found, gateway.wanted) == ("it attached to nothing", "it attached to vpc-1")
    assert route.found == "it as blackhole: its target is gone"


def test_a_gateway_at_the_other_vpc(lab: Lab) -> None:
    ec2 = lab.client("ec2")
    for n in (1, 2):
        ec2.create_vpc(CidrBlock=f"10.{n}.0.0/16", TagSpecifications=lab.tags("vpc", f"vpc-{n}"))
    id = ec2.create_internet_gateway(TagSpecifications=lab.tags("internet-gateway", "igw-1"))["InternetGateway"][
        "InternetGatewayId"
    ]
    ec2.attach_internet_gateway(InternetGatewayId=id, VpcId=lab.find("vpc-2"))
    line = wrong(lab.check("internet", "vpc-1"))[0]
    assert (line.found, line.wanted) == ("it attached to vpc-2", "it attached to vpc-1")
    assert "ec2.detach_internet_gateway" in line.next


def test_a_route_table_that_is_made_and_not_associated(until: Until) -> None:
    built = until("02")
    table = built.ec2.describe_route_tables(RouteTableIds=[built.route_table_1])["RouteTables"][0]
    built.ec2.disassociate_route_table(AssociationId=table["Associations"][0]["RouteTableAssociationId"])
    line = only(built.lab.check("internet"))
    assert line.found.startswith("subnet-1 using the main table rtb-")
    assert line.next == (
        f"ec2.associate_route_table(RouteTableId='{built.route_table_1}', SubnetId='{built.subnet_1}')."
    )


def test_a_default_route_in_one_table_only(until: Until) -> None:
    built = until("02")
    built.ec2.delete_route(RouteTableId=built.route_table_2, DestinationCidrBlock="0.0.0.0/0")
    line = only(built.lab.check("internet"))
    assert (line.found, line.wanted) == ("only 10.2.0.0/16 → local", "0.0.0.0/0 → igw-2")
    exec(line.next.removesuffix("."), {"ec2": built.ec2})
    assert built.lab.check("internet").passed


def test_a_default_route_that_leads_elsewhere(until: Until) -> None:
    built = until("02")
    interface = built.interface_1
    built.ec2.replace_route(
        RouteTableId=built.route_table_1, DestinationCidrBlock="0.0.0.0/0", NetworkInterfaceId=interface
    )
    assert only(built.lab.check("internet")).found == f"0.0.0.0/0 → {interface}"


# Security groups


def rules(until: Until, *permissions: dict[str, Any]) -> Line:
    """What the check says of allow-icmp-1 with these inbound rules in place of its own."""
    built = until("02")
    built.ec2.revoke_security_group_ingress(GroupId=built.security_group_1, IpPermissions=[built.icmp])
    if permissions:
        built.ec2.authorize_security_group_ingress(GroupId=built.security_group_1, IpPermissions=list(permissions))
    line = only(built.lab.check("security-groups"))
    assert line.wanted == "all ICMP (type and code -1), from 0.0.0.0/0"
    exec(line.next.removesuffix("."), {"ec2": built.ec2, "icmp": built.icmp})
    assert built.lab.check("security-groups").passed
    return line


ANYWHERE = [{"CidrIp": "0.0.0.0/0"}]


@pytest.mark.parametrize(
    ("permissions", "found"),
    [
        ([], "no rule"),
        ([{"IpProtocol": "tcp", "FromPort": 22, "ToPort": 22, "IpRanges": ANYWHERE}], "TCP 22 for 0.0.0.0/0"),
        ([{"IpProtocol": "icmp", "FromPort": 8, "ToPort": -1, "IpRanges": ANYWHERE}], "ICMP of type 8 for 0.0.0.0/0"),
        ([{"IpProtocol": "icmp", "FromPort": 0, "ToPort": 0, "IpRanges": ANYWHERE}], "ICMP of type 0, code 0 for"),
        (
            [{"IpProtocol": "icmp", "FromPort": -1, "ToPort": -1, "IpRanges": [{"CidrIp": "10.1.0.0/16"}]}],
            "ICMP for 10.1.0.0/16",
        ),
        ([{"IpProtocol": "icmpv6", "FromPort": -1, "ToPort": -1, "IpRanges": ANYWHERE}], "ICMPv6 (that of IPv6)"),
    ],
)
def test_rules_that_do_not_let_a_ping_in(until: Until, permissions: list[dict[str, Any]], found: str) -> None:
    assert found in rules(until, *permissions).found


def test_an_icmp_rule_on_the_way_out_in_place_of_one_on_the_way_in(until: Until) -> None:
    built = until("02")
    built.ec2.revoke_security_group_ingress(GroupId=built.security_group_1, IpPermissions=[built.icmp])
    built.ec2.authorize_security_group_egress(GroupId=built.security_group_1, IpPermissions=[built.icmp])
    found = only(built.lab.check("security-groups")).found
    assert found == "the ICMP rule among the outbound ones, and no inbound rule"


def test_nothing_may_go_out(until: Until) -> None:
    built = until("02")
    everything = [{"IpProtocol": "-1", "IpRanges": ANYWHERE}]
    built.ec2.revoke_security_group_egress(GroupId=built.security_group_2, IpPermissions=everything)
    line = only(built.lab.check("security-groups"))
    assert (line.text, line.found) == ("allow-icmp-2, out", "no rule")


def test_a_security_group_in_the_other_vpc(lab: Lab) -> None:
    ec2 = lab.client("ec2")
    for n in (1, 2):
        ec2.create_vpc(CidrBlock=f"10.{n}.0.0/16", TagSpecifications=lab.tags("vpc", f"vpc-{n}"))
    ec2.create_security_group(
        GroupName="allow-icmp-1", Description="x", VpcId=lab.find("vpc-2"),
        TagSpecifications=lab.tags("security-group", "allow-icmp-1"),
    )  # fmt: skip
    line = wrong(lab.check("security-groups", "vpc-1"))[0]
    assert (line.found, line.wanted) == ("it in vpc-2, whose instances alone can bear it", "it in vpc-1")


# The role


def test_the_instances_role_that_another_service_may_use(until: Until) -> None:
    built = until("02")
    trust = json.dumps(built.trust_ec2).replace("ec2.amazonaws.com", "ssm.amazonaws.com")
    built.iam.update_assume_role_policy(RoleName="NimbusInstanceRole", PolicyDocument=trust)
    line = only(built.lab.check("role"))
    assert line.found == "the principal ssm.amazonaws.com"
    assert "ec2.amazonaws.com" in line.wanted


def test_a_role_without_its_policy_and_a_profile_without_its_role(until: Until) -> None:
    built = until("02")
    built.iam.detach_role_policy(
        RoleName="NimbusInstanceRole", PolicyArn="arn:aws:iam::aws:policy/AmazonSSMManagedInstanceCore"
    )
    built.iam.remove_role_from_instance_profile(
        InstanceProfileName="NimbusInstanceProfile", RoleName="NimbusInstanceRole"
    )
    policy, profile = wrong(built.lab.check("role"))
    assert (policy.found, policy.wanted) == ("no policy attached", "AmazonSSMManagedInstanceCore")
    assert (profile.found, profile.wanted) == ("no role in it", "NimbusInstanceRole")
    for line in (policy, profile):
        exec(line.next.removesuffix("."), {"iam": built.iam})
    assert built.lab.check("role").passed


def test_a_deny_that_keeps_the_instances_from_systems_manager_is_found(until: Until) -> None:
    built = until("02")
    deny = {"Version": "2012-10-17", "Statement": {"Effect": "Deny", "Action": "ssm:*", "Resource": "*"}}
    built.iam.put_role_policy(RoleName="NimbusInstanceRole", PolicyName="locked", PolicyDocument=json.dumps(deny))
    line = only(built.lab.check("role"))
    assert line.found == "no permission for ssm:UpdateInstanceInformation: statement 1 of locked denies it"
    assert "locked" in line.next and "iam.delete_role_policy" in line.next


# Instances


def test_an_instance_that_is_stopped(until: Until) -> None:
    built = until("02")
    built.ec2.stop_instances(InstanceIds=[built.instance_1])
    lines = wrong(built.lab.check("instances"))
    assert lines[0].found == "it stopped" and lines[0].next.startswith("ec2.start_instances(")


def test_an_instance_at_another_address_and_in_another_subnet(until: Until) -> None:
    built = until("02")
    built.ec2.terminate_instances(InstanceIds=[built.instance_1, built.instance_2])
    built.launch("instance-1", built.subnet_1, "10.1.15.81", built.security_group_1)
    built.launch("instance-2", built.subnet_1, "10.1.15.82", built.security_group_1)
    result = built.lab.check("instances")
    assert [(line.found, line.wanted) for line in wrong(result)] == [
        ("the address 10.1.15.81", "10.1.15.80"),
        ("it in subnet-1 (vpc-1)", "it in subnet-2 (vpc-2)"),
        ("the security group allow-icmp-1", "allow-icmp-2"),
    ]


def test_an_instance_without_a_public_address_or_a_profile(until: Until) -> None:
    built = until("02")
    built.ec2.terminate_instances(InstanceIds=[built.instance_1])
    built.ec2.run_instances(
        ImageId=built.image, InstanceType="t3.micro", MinCount=1, MaxCount=1, SubnetId=built.subnet_1,
        PrivateIpAddress="10.1.15.80", SecurityGroupIds=[built.security_group_1],
        TagSpecifications=built.lab.tags("instance", "instance-1"),
    )  # fmt: skip
    found = [line.found for line in wrong(built.lab.check("instances"))]
    assert found == ["no public address", "no instance profile"]


def test_a_terminated_instance_is_none(until: Until) -> None:
    built = until("02")
    built.ec2.terminate_instances(InstanceIds=[built.instance_1])
    assert only(built.lab.check("instances")).absent
