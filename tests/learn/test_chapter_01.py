"""The checks of chapter 01: unattempted, with the mistakes that are likely, and right."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from labkit.lab import Lab
from tests.lab.conftest import Built, fresh_lab
from tests.learn.checking import ANYWHERE, Mistake, Said, Until, find, follow, only, wrong

STEPS = ["vpcs", "subnets", "internet", "security-groups", "role", "instances"]


def test_before_its_step_a_check_says_that_nothing_is_there_and_which_cell_makes_it(lab: Lab) -> None:
    for name in STEPS:
        result = lab.check(name)
        assert not result.passed and not result.begun, name
        assert all(line.absent and line.next for line in result.lines), name


@pytest.fixture(scope="module")
def finished() -> Iterator[Lab]:
    with fresh_lab() as lab:
        yield Built(lab, "02").lab


@pytest.mark.parametrize("name", STEPS)
def test_after_the_build_cells_all_is_right(finished: Lab, name: str) -> None:
    result = finished.check(name)
    assert result.passed and result.begun, result
    for vpc in ("vpc-1", "vpc-2") if name != "role" else ():
        half = finished.check(name, vpc)
        assert half.passed and len(half.lines) * 2 == len(result.lines)


# With half of the lab, and no more


def make_vpc(lab: Lab, name: str, block: str) -> str:
    made = lab.client("ec2").create_vpc(CidrBlock=block, TagSpecifications=lab.tags("vpc", name))
    return str(made["Vpc"]["VpcId"])


def test_half_of_it_can_be_checked_when_only_that_is_built(lab: Lab) -> None:
    make_vpc(lab, "vpc-1", "10.1.0.0/16")
    assert lab.check("vpcs", "vpc-1").passed
    assert not lab.check("vpcs").passed


def test_a_range_that_overlaps_the_other_vpc_s(lab: Lab) -> None:
    make_vpc(lab, "vpc-1", "10.1.0.0/16")
    twin = make_vpc(lab, "vpc-2", "10.1.0.0/16")
    line = only(lab.check("vpcs"))
    assert (line.text, line.found) == ("vpc-2", "the range 10.1.0.0/16, which overlaps that of vpc-1")
    assert line.wanted == "10.2.0.0/16"
    assert f"ec2.delete_vpc(VpcId='{twin}')" in line.next


def test_somebody_else_s_vpc_with_the_range_is_not_taken_for_the_lab_s(lab: Lab) -> None:
    """What lacks the lab's tag is never adopted. A check only says how, if the student made it."""
    name = [{"ResourceType": "vpc", "Tags": [{"Key": "Name", "Value": "vpc-1"}]}]
    id = lab.client("ec2").create_vpc(CidrBlock="10.1.0.0/16", TagSpecifications=name)["Vpc"]["VpcId"]
    line = only(lab.check("vpcs", "vpc-1"))
    assert line.found == f"{id}, of the range 10.1.0.0/16, with the name 'vpc-1' and not the tag Lab: nimbus"
    assert line.absent and line.next.startswith("if you made it for the lab, ") and "leave it" in line.next
    assert lab.find("vpc-1") is None


def test_a_vpc_without_tags_is_not_made_a_second_time(lab: Lab) -> None:
    ec2 = lab.client("ec2")
    id = ec2.create_vpc(CidrBlock="10.2.0.0/16")["Vpc"]["VpcId"]
    line = only(lab.check("vpcs", "vpc-2"))
    assert line.found == f"{id}, of the range 10.2.0.0/16, with no name and not the tag Lab: nimbus" and line.absent
    call = line.next.removeprefix("if you made it for the lab, ").partition(". If not")[0]
    exec(call, {"ec2": ec2, "lab": lab})
    assert lab.check("vpcs", "vpc-2").passed


def test_the_twin_of_the_notebook_is_not_taken_for_vpc_1(lab: Lab) -> None:
    make_vpc(lab, "twin", "10.1.0.0/16")
    assert only(lab.check("vpcs", "vpc-1")).found == "nothing of this name"


#: The parts in vpc-2: the name of the variable that has the part's id, its check, what it is called, and its type.
INSIDE = [
    ("subnet_2", "subnets", "subnet-2", "subnet"), ("igw_2", "internet", "igw-2", "internet-gateway"),
    ("route_table_2", "internet", "route-table-2", "route-table"),
    ("security_group_2", "security-groups", "allow-icmp-2", "security-group"),
    ("instance_2", "instances", "instance-2", "instance"),
]  # fmt: skip


def test_a_part_without_its_tags_is_found_in_the_lab_s_vpc_and_named(until: Until) -> None:
    built = until("02")
    for variable, check, name, kind in INSIDE:
        id = built.names[variable]
        for tags, has in (
            ([{"Key": "Name"}, {"Key": "Lab"}], "no name and not the tag Lab: nimbus"),
            ([{"Key": "Lab"}], f"the name {name!r} and not the tag Lab: nimbus"),
            ([{"Key": "Name"}], "no name"),
        ):
            built.ec2.delete_tags(Resources=[id], Tags=tags)
            line = wrong(built.lab.check(check, "vpc-2"))[0]
            assert line.text == name and line.found == f"{id}, in vpc-2, with {has}" and not line.absent
            assert line.next == f"ec2.create_tags(Resources=[{id!r}], Tags=lab.tags({kind!r}, {name!r})[0]['Tags'])."
            follow(built, line)
            assert built.lab.check(check, "vpc-2").passed


def test_what_is_in_a_vpc_that_has_lost_its_name_is_not_said_to_be_elsewhere(until: Until) -> None:
    built = until("02")
    built.ec2.delete_tags(Resources=[built.vpc_2], Tags=[{"Key": "Name"}])
    assert not only(built.lab.check("vpcs", "vpc-2")).absent
    for name in ("subnets", "internet", "security-groups"):
        (line,) = (each for each in wrong(built.lab.check(name, "vpc-2")) if each.text == "vpc-2")
        assert line.next == "this comes first: lab.check('vpcs')." and not line.absent


def test_a_subnet_of_another_range_with_room_for_the_instance_will_do(lab: Lab) -> None:
    vpc = make_vpc(lab, "vpc-2", "10.2.0.0/16")
    tags = lab.tags("subnet", "subnet-2")
    lab.client("ec2").create_subnet(
        VpcId=vpc, CidrBlock="10.2.0.0/24", AvailabilityZone="us-east-1a", TagSpecifications=tags
    )
    (line,) = lab.check("subnets", "vpc-2").lines
    assert line.ok and line.text.endswith("notebook 01 asks for 10.2.0.0/20, and its 10.2.0.0/24 will do")


def test_what_a_student_writes_is_left_to_the_student(lab: Lab) -> None:
    for check, step in (("vpcs", "1.a"), ("subnets", "1.a"), ("internet", "1.b"), ("security-groups", "1.d")):
        mine, yours = lab.check(check).lines
        assert mine.next.startswith("in notebook 01, run the cell ")
        assert yours.next == f"write step {step} of notebook 01; lab.exercise('{step}').hint() helps."
    make_vpc(lab, "vpc-2", "10.2.0.0/16")
    ec2 = lab.client("ec2")
    ec2.create_vpc(CidrBlock="10.2.0.0/16", TagSpecifications=lab.tags("vpc", "vpc-2"))
    ec2.create_internet_gateway(TagSpecifications=lab.tags("internet-gateway", "igw-2"))
    *_, line = lab.check("internet", "vpc-2").lines
    assert line.next == "write step 1.c of notebook 01; lab.exercise('1.c').hint() helps."


def test_two_vpcs_of_one_name(lab: Lab) -> None:
    for block in ("10.1.0.0/16", "10.9.0.0/16"):
        make_vpc(lab, "vpc-1", block)
    assert only(lab.check("vpcs", "vpc-1")).found.startswith("2 of this name (vpc-")


def test_a_subnet_without_room_for_the_instance(lab: Lab) -> None:
    vpc = make_vpc(lab, "vpc-1", "10.1.0.0/16")
    tags = lab.tags("subnet", "subnet-1")
    lab.client("ec2").create_subnet(VpcId=vpc, CidrBlock="10.1.0.0/24", TagSpecifications=tags)
    line = only(lab.check("subnets", "vpc-1"))
    assert (line.found, line.wanted) == ("the range 10.1.0.0/24", "one with 10.1.15.80 in it")


def test_a_gateway_and_a_security_group_in_the_other_vpc(lab: Lab) -> None:
    ec2 = lab.client("ec2")
    _, other = [make_vpc(lab, f"vpc-{n}", f"10.{n}.0.0/16") for n in (1, 2)]
    made = ec2.create_internet_gateway(TagSpecifications=lab.tags("internet-gateway", "igw-1"))["InternetGateway"]
    ec2.attach_internet_gateway(InternetGatewayId=made["InternetGatewayId"], VpcId=other)
    line = wrong(lab.check("internet", "vpc-1"))[0]
    assert (line.found, line.wanted) == ("attached to vpc-2", "attached to vpc-1")
    assert "ec2.detach_internet_gateway" in line.next

    tags = lab.tags("security-group", "allow-icmp-1")
    ec2.create_security_group(GroupName="allow-icmp-1", Description="x", VpcId=other, TagSpecifications=tags)
    line = only(lab.check("security-groups", "vpc-1"))
    assert (line.found, line.wanted) == ("in vpc-2, and only instances there can have it", "in vpc-1")


# With all of the lab, and one mistake


def subnet_in_the_other_vpc(built: Built) -> None:
    built.ec2.terminate_instances(InstanceIds=[built.instance_2])
    built.ec2.delete_subnet(SubnetId=built.subnet_2)
    tags = built.lab.tags("subnet", "subnet-2")
    built.ec2.create_subnet(VpcId=built.vpc_1, CidrBlock="10.1.16.0/20", TagSpecifications=tags)


def gateway_not_attached(built: Built) -> None:
    assert built.ec2.describe_addresses()["Addresses"] == []
    built.ec2.terminate_instances(InstanceIds=[built.instance_1])
    built.ec2.detach_internet_gateway(InternetGatewayId=built.igw_1, VpcId=built.vpc_1)


def gateway_deleted(built: Built) -> None:
    gateway_not_attached(built)
    built.ec2.delete_internet_gateway(InternetGatewayId=built.igw_1)


def other_group(built: Built) -> None:
    group = built.ec2.create_security_group(GroupName="other", Description="x", VpcId=built.vpc_1)["GroupId"]
    built.ec2.terminate_instances(InstanceIds=[built.instance_1])
    built.launch("instance-1", built.subnet_1, "10.1.15.80", group)


def route_table_not_associated(built: Built) -> None:
    table = built.ec2.describe_route_tables(RouteTableIds=[built.route_table_1])["RouteTables"][0]
    built.ec2.disassociate_route_table(AssociationId=table["Associations"][0]["RouteTableAssociationId"])


def no_default_route(built: Built) -> None:
    built.ec2.delete_route(RouteTableId=built.route_table_2, DestinationCidrBlock="0.0.0.0/0")


def default_route_to_an_interface(built: Built) -> None:
    route = {"DestinationCidrBlock": "0.0.0.0/0", "NetworkInterfaceId": built.interface_1}
    built.ec2.replace_route(RouteTableId=built.route_table_1, **route)


def icmp_out_in_place_of_in(built: Built) -> None:
    built.ec2.revoke_security_group_ingress(GroupId=built.security_group_1, IpPermissions=[built.icmp])
    built.ec2.authorize_security_group_egress(GroupId=built.security_group_1, IpPermissions=[built.icmp])


def nothing_may_go_out(built: Built) -> None:
    everything = [{"IpProtocol": "-1", "IpRanges": ANYWHERE}]
    built.ec2.revoke_security_group_egress(GroupId=built.security_group_2, IpPermissions=everything)


def role_for_another_service(built: Built) -> None:
    trust = json.dumps(built.trust_ec2).replace("ec2.amazonaws.com", "ssm.amazonaws.com")
    built.iam.update_assume_role_policy(RoleName="NimbusInstanceRole", PolicyDocument=trust)


def role_and_profile_empty(built: Built) -> None:
    policy = "arn:aws:iam::aws:policy/AmazonSSMManagedInstanceCore"
    built.iam.detach_role_policy(RoleName="NimbusInstanceRole", PolicyArn=policy)
    profile = {"InstanceProfileName": "NimbusInstanceProfile", "RoleName": "NimbusInstanceRole"}
    built.iam.remove_role_from_instance_profile(**profile)


def instances_elsewhere(built: Built) -> None:
    built.ec2.terminate_instances(InstanceIds=[built.instance_1, built.instance_2])
    built.launch("instance-1", built.subnet_1, "10.1.15.81", built.security_group_1)
    built.launch("instance-2", built.subnet_1, "10.1.15.82", built.security_group_1)


def instance_without_public_address_or_profile(built: Built) -> None:
    built.ec2.terminate_instances(InstanceIds=[built.instance_1])
    built.ec2.run_instances(
        ImageId=built.image, InstanceType="t3.micro", MinCount=1, MaxCount=1, SubnetId=built.subnet_1,
        PrivateIpAddress="10.1.15.80", SecurityGroupIds=[built.security_group_1],
        TagSpecifications=built.lab.tags("instance", "instance-1"),
    )  # fmt: skip


def profile_deleted(built: Built) -> None:
    profile = {"InstanceProfileName": "NimbusInstanceProfile"}
    built.iam.remove_role_from_instance_profile(**profile, RoleName="NimbusInstanceRole")
    built.iam.delete_instance_profile(**profile)


def table_in_the_other_vpc(built: Built) -> None:
    tagged = built.lab.find("route-table-2")
    built.ec2.delete_tags(Resources=[tagged], Tags=[{"Key": "Name"}])
    tags = built.lab.tags("route-table", "route-table-2")
    built.ec2.create_route_table(VpcId=built.vpc_1, TagSpecifications=tags)


MISTAKES = [
    Mistake("subnets", subnet_in_the_other_vpc, (Said("in vpc-1", "in vpc-2"),)),
    Mistake("internet", gateway_not_attached, (Said(
        "attached to nothing", "attached to vpc-1",
        "ec2.attach_internet_gateway(InternetGatewayId='{b.igw_1}', VpcId='{b.vpc_1}').",
    ),), fixes=True),
    Mistake("internet", gateway_deleted, (Said(
        "deleted, and the default route of route-table-1 leads to it ({b.igw_1})", "one, attached to vpc-1",
    ),)),
    Mistake("internet", table_in_the_other_vpc, (Said("in vpc-1", "in vpc-2", "ec2.delete_route_table(…"),)),
    Mistake("internet", route_table_not_associated, (Said(
        "subnet-1 using the main table rtb-…",
        next="ec2.associate_route_table(RouteTableId='{b.route_table_1}', SubnetId='{b.subnet_1}').",
    ),)),
    Mistake("internet", no_default_route, (Said("only 10.2.0.0/16 → local", "0.0.0.0/0 → igw-2"),), fixes=True),
    Mistake("internet", default_route_to_an_interface, (Said("0.0.0.0/0 → {b.interface_1}"),)),
    Mistake(
        "security-groups", icmp_out_in_place_of_in,
        (Said("the ICMP rule among the outbound ones, and no inbound rule"),),
    ),
    Mistake("security-groups", nothing_may_go_out, (Said("no rule", text="allow-icmp-2, out"),)),
    Mistake("role", role_for_another_service, (
        Said("the principal ssm.amazonaws.com", "the service ec2.amazonaws.com…"),
    )),
    Mistake("role", role_and_profile_empty, (
        Said("no policy attached", "AmazonSSMManagedInstanceCore"), Said("no role in it", "NimbusInstanceRole"),
    ), fixes=True),
    Mistake("instances", instances_elsewhere, (
        Said("the address 10.1.15.81", "10.1.15.80"), Said("in subnet-1 (vpc-1)", "in subnet-2 (vpc-2)"),
    )),
    Mistake("instances", instance_without_public_address_or_profile, (
        Said("no public address", next="ec2.terminate_instances(…"),
    )),
    Mistake("instances", other_group, (Said(
        "the security group other",
        next="ec2.modify_instance_attribute(InstanceId='i-…",
    ),), fixes=True),
    Mistake("role", profile_deleted, (Said("deleted, though it was given to instance-1, instance-2"),)),
    Mistake("instances", profile_deleted, (Said("NimbusInstanceProfile, which is deleted"),) * 2),
]  # fmt: skip


@pytest.mark.parametrize("mistake", MISTAKES, ids=lambda mistake: mistake.make.__name__)
def test_a_likely_mistake_is_found(until: Until, mistake: Mistake) -> None:
    find(until("02"), mistake)


@pytest.mark.parametrize(
    ("permissions", "found"),
    [
        ([], "no rule"),
        ([{"IpProtocol": "tcp", "FromPort": 22, "ToPort": 22}], "TCP port 22 from 0.0.0.0/0"),
        ([{"IpProtocol": "icmp", "FromPort": 8, "ToPort": -1}], "ICMP type 8 from 0.0.0.0/0"),
        ([{"IpProtocol": "icmp", "FromPort": 0, "ToPort": 0}], "ICMP type 0 code 0 from 0.0.0.0/0"),
        (
            [{"IpProtocol": "icmp", "FromPort": -1, "ToPort": -1, "IpRanges": [{"CidrIp": "10.1.0.0/16"}]}],
            "all ICMP from 10.1.0.0/16",
        ),
        ([{"IpProtocol": "icmpv6", "FromPort": -1, "ToPort": -1}], "all ICMPv6 from 0.0.0.0/0"),
    ],
)
def test_rules_that_do_not_let_a_ping_in(until: Until, permissions: list[dict[str, Any]], found: str) -> None:
    def make(built: Built) -> None:
        group = built.security_group_1
        built.ec2.revoke_security_group_ingress(GroupId=group, IpPermissions=[built.icmp])
        if permissions:
            rules = [{"IpRanges": ANYWHERE} | permission for permission in permissions]
            built.ec2.authorize_security_group_ingress(GroupId=group, IpPermissions=rules)

    said = Said(found, "all ICMP (type and code -1), from 0.0.0.0/0")
    find(until("02"), Mistake("security-groups", make, (said,), fixes=True))


def test_a_deny_that_keeps_the_instances_from_systems_manager_is_found(until: Until) -> None:
    built = until("02")
    deny = {"Version": "2012-10-17", "Statement": {"Effect": "Deny", "Action": "ssm:*", "Resource": "*"}}
    built.iam.put_role_policy(RoleName="NimbusInstanceRole", PolicyName="locked", PolicyDocument=json.dumps(deny))
    line = only(built.lab.check("role"))
    assert line.found == "no permission for ssm:UpdateInstanceInformation: statement 1 of locked denies it"
    assert "locked" in line.next and "iam.delete_role_policy" in line.next


def test_an_instance_that_is_stopped_and_one_that_is_terminated(until: Until) -> None:
    built = until("02")
    built.ec2.stop_instances(InstanceIds=[built.instance_1])
    line = only(built.lab.check("instances"))
    assert line.found == "stopped" and line.next.startswith("ec2.start_instances(")
    built.ec2.terminate_instances(InstanceIds=[built.instance_1])
    assert only(built.lab.check("instances")).absent
