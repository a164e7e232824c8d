"""Eventual consistency.

https://docs.aws.amazon.com/ec2/latest/devguide/eventual-consistency.html,
https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot.html#troubleshoot_general_eventual-consistency and
https://github.com/hashicorp/terraform-provider-aws/issues/171
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from labkit.embedded import EmbeddedAws
from labkit.embedded.api.contrary import consistency
from tests.embedded.site import trust
from tests.embedded.support import network_acl, new_vpc, refused, route_table, security_group, where

pytestmark = pytest.mark.behaves("eventual-consistency")

MOST = 12.0
"""Seconds after which everything is known."""


@pytest.fixture
def known(aws: EmbeddedAws, ec2: Any) -> dict[str, str]:
    """Two VPCs, and a subnet in the first, that everybody knows by now."""
    made = {"vpc": new_vpc(ec2, "10.1.0.0/16"), "other": new_vpc(ec2, "10.2.0.0/16")}
    aws.clock.advance(MOST)
    made["subnet"] = str(ec2.create_subnet(VpcId=made["vpc"], CidrBlock="10.1.0.0/24")["Subnet"]["SubnetId"])
    aws.clock.advance(MOST)
    return made


def peering(ec2: Any, known: dict[str, str]) -> str:
    made = ec2.create_vpc_peering_connection(VpcId=known["vpc"], PeerVpcId=known["other"])["VpcPeeringConnection"]
    return str(made["VpcPeeringConnectionId"])


def instance(ec2: Any, known: dict[str, str]) -> str:
    made = ec2.run_instances(ImageId="ami-0fa3fe0fa7920f68e", SubnetId=known["subnet"], MinCount=1, MaxCount=1)
    return str(made["Instances"][0]["InstanceId"])


def interface(ec2: Any, known: dict[str, str]) -> str:
    return str(ec2.create_network_interface(SubnetId=known["subnet"])["NetworkInterface"]["NetworkInterfaceId"])


def gateway(ec2: Any, _: dict[str, str]) -> str:
    return str(ec2.create_internet_gateway()["InternetGateway"]["InternetGatewayId"])


CASES: dict[str, tuple[Callable[[Any, dict[str, str]], str], Callable[[Any, list[str]], Any]]] = {
    "InvalidVpcID.NotFound": (
        lambda ec2, _: new_vpc(ec2, "10.9.0.0/16"),
        lambda ec2, ids: ec2.describe_vpcs(VpcIds=ids)["Vpcs"],
    ),
    "InvalidSubnetID.NotFound": (
        lambda ec2, known: ec2.create_subnet(VpcId=known["vpc"], CidrBlock="10.1.9.0/24")["Subnet"]["SubnetId"],
        lambda ec2, ids: ec2.describe_subnets(SubnetIds=ids)["Subnets"],
    ),
    "InvalidInternetGatewayID.NotFound": (
        gateway,
        lambda ec2, ids: ec2.describe_internet_gateways(InternetGatewayIds=ids)["InternetGateways"],
    ),
    "InvalidRouteTableID.NotFound": (
        lambda ec2, known: route_table(ec2, known["vpc"]),
        lambda ec2, ids: ec2.describe_route_tables(RouteTableIds=ids)["RouteTables"],
    ),
    "InvalidGroup.NotFound": (
        lambda ec2, known: security_group(ec2, known["vpc"]),
        lambda ec2, ids: ec2.describe_security_groups(GroupIds=ids)["SecurityGroups"],
    ),
    "InvalidNetworkAclID.NotFound": (
        lambda ec2, known: network_acl(ec2, known["vpc"]),
        lambda ec2, ids: ec2.describe_network_acls(NetworkAclIds=ids)["NetworkAcls"],
    ),
    "InvalidInstanceID.NotFound": (
        instance,
        lambda ec2, ids: ec2.describe_instances(InstanceIds=ids)["Reservations"],
    ),
    "InvalidNetworkInterfaceID.NotFound": (
        interface,
        lambda ec2, ids: ec2.describe_network_interfaces(NetworkInterfaceIds=ids)["NetworkInterfaces"],
    ),
    "InvalidVpcPeeringConnectionID.NotFound": (
        peering,
        lambda ec2, ids: ec2.describe_vpc_peering_connections(VpcPeeringConnectionIds=ids)["VpcPeeringConnections"],
    ),
    "InvalidAllocationID.NotFound": (
        lambda ec2, _: ec2.allocate_address(Domain="vpc")["AllocationId"],
        lambda ec2, ids: ec2.describe_addresses(AllocationIds=ids)["Addresses"],
    ),
    "NatGatewayNotFound": (
        lambda ec2, known: ec2.create_nat_gateway(SubnetId=known["subnet"], ConnectivityType="private")["NatGateway"][
            "NatGatewayId"
        ],
        lambda ec2, ids: ec2.describe_nat_gateways(NatGatewayIds=ids)["NatGateways"],
    ),
}


@pytest.mark.parametrize("code", CASES)
def test_what_was_made_is_unknown_for_some_seconds(
    aws: EmbeddedAws, ec2: Any, known: dict[str, str], code: str
) -> None:
    make, describe = CASES[code]
    before = describe(ec2, [])
    made = make(ec2, known)
    with refused(code, made):
        describe(ec2, [made])
    assert describe(ec2, []) == before, "lists leave it out"
    aws.clock.advance(MOST)
    assert describe(ec2, [made])
    assert len(describe(ec2, [])) == len(before) + 1


def test_the_next_step_of_building_a_network_is_refused(aws: EmbeddedAws, ec2: Any) -> None:
    vpc = new_vpc(ec2, "10.1.0.0/16")
    with refused("InvalidVpcID.NotFound", f"The vpc ID '{vpc}' does not exist"):
        ec2.create_subnet(VpcId=vpc, CidrBlock="10.1.0.0/24")
    aws.clock.advance(MOST)
    group = security_group(ec2, vpc)
    rule = {"IpProtocol": "icmp", "FromPort": -1, "ToPort": -1, "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}
    with refused("InvalidGroup.NotFound", f"The security group '{group}' does not exist"):
        ec2.authorize_security_group_ingress(GroupId=group, IpPermissions=[rule])
    aws.clock.advance(MOST)
    ec2.authorize_security_group_ingress(GroupId=group, IpPermissions=[rule])


def test_a_dry_run_looks_at_nothing_but_the_permission(ec2: Any) -> None:
    """https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateSubnet.html"""
    vpc = new_vpc(ec2, "10.1.0.0/16")
    with refused("DryRunOperation"):
        ec2.create_subnet(VpcId=vpc, CidrBlock="10.1.0.0/24", DryRun=True)


def test_what_aws_makes_with_a_vpc_is_not_listed_before_it(aws: EmbeddedAws, ec2: Any) -> None:
    vpc = new_vpc(ec2, "10.1.0.0/16")
    assert not ec2.describe_route_tables(Filters=where("vpc-id", vpc))["RouteTables"]
    aws.clock.advance(MOST)
    assert ec2.describe_route_tables(Filters=where("vpc-id", vpc))["RouteTables"]


def test_an_instance_has_its_interface_from_the_start(aws: EmbeddedAws, ec2: Any, known: dict[str, str]) -> None:
    instance(ec2, known)
    for _ in range(50):
        found = ec2.describe_instances()["Reservations"]
        for each in found:
            assert each["Instances"][0]["NetworkInterfaces"], "not a reservation without instances, either"
    assert found


def test_tags_come_later_still(aws: EmbeddedAws, ec2: Any) -> None:
    tags = [{"ResourceType": "vpc", "Tags": [{"Key": "Name", "Value": "vpc-1"}]}]
    vpc = ec2.create_vpc(CidrBlock="10.1.0.0/16", TagSpecifications=tags)["Vpc"]["VpcId"]

    def seen() -> tuple[bool, bool, bool]:
        listed = any(each["VpcId"] == vpc for each in ec2.describe_vpcs()["Vpcs"])
        by_tag = bool(ec2.describe_vpcs(Filters=where("tag:Name", "vpc-1"))["Vpcs"])
        return listed, by_tag, bool(ec2.describe_tags(Filters=where("resource-id", vpc))["Tags"])

    course = [seen() for _ in range(30)]
    assert list(dict.fromkeys(course)) == [(False, False, False), (True, False, False), (True, True, True)]


def test_what_exists_already_stays_known(ec2: Any, known: dict[str, str]) -> None:
    """The ids of the VPC and the subnet are in the answers of later calls, too."""
    ec2.create_network_interface(SubnetId=known["subnet"])
    ec2.run_instances(ImageId="ami-0fa3fe0fa7920f68e", SubnetId=known["subnet"], MinCount=1, MaxCount=1)
    assert ec2.describe_subnets(SubnetIds=[known["subnet"]])["Subnets"]
    assert ec2.describe_vpcs(VpcIds=[known["vpc"]])["Vpcs"]
    group = where("vpc-id", known["vpc"]) + where("group-name", "default")
    assert ec2.describe_security_groups(Filters=group)["SecurityGroups"]


def test_every_kind_of_thing_that_is_made_has_a_code() -> None:
    assert {prefix for prefixes in consistency._MADE.values() for prefix in prefixes} == set(consistency._KINDS)


# IAM


def make_role(iam: Any, service: str) -> str:
    return str(iam.create_role(RoleName="r", AssumeRolePolicyDocument=trust(service))["Role"]["Arn"])


def test_iam_does_not_know_a_new_role_policy_or_profile(aws: EmbeddedAws, iam: Any) -> None:
    statement = {"Effect": "Allow", "Action": "logs:*", "Resource": "*"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    make_role(iam, "ec2.amazonaws.com")
    policy = iam.create_policy(PolicyName="p", PolicyDocument=document)["Policy"]["Arn"]
    iam.create_instance_profile(InstanceProfileName="i")
    with refused("NoSuchEntity", "The role with name r cannot be found"):
        iam.get_role(RoleName="r")
    with refused("NoSuchEntity", policy):
        iam.get_policy(PolicyArn=policy)
    with refused("NoSuchEntity", "Instance Profile i cannot be found"):
        iam.get_instance_profile(InstanceProfileName="i")
    assert not iam.list_roles()["Roles"]
    assert not iam.list_policies(Scope="Local")["Policies"]
    assert not iam.list_instance_profiles()["InstanceProfiles"]

    aws.clock.advance(MOST)
    iam.attach_role_policy(RoleName="r", PolicyArn=policy)
    iam.add_role_to_instance_profile(InstanceProfileName="i", RoleName="r")
    assert [each["RoleName"] for each in iam.list_roles()["Roles"]] == ["r"]
    assert [each["Arn"] for each in iam.list_policies(Scope="Local")["Policies"]] == [policy]
    assert iam.list_instance_profiles()["InstanceProfiles"]


def test_a_name_is_taken_even_while_it_is_unknown(iam: Any) -> None:
    make_role(iam, "ec2.amazonaws.com")
    with refused("EntityAlreadyExists"):
        make_role(iam, "ec2.amazonaws.com")


@pytest.mark.parametrize("by", ["Name", "Arn"])
def test_ec2_knows_a_new_profile_later_and_its_role_last(
    aws: EmbeddedAws, ec2: Any, iam: Any, known: dict[str, str], by: str
) -> None:
    """https://github.com/hashicorp/terraform/issues/15341 and https://github.com/hashicorp/terraform/issues/2660"""
    make_role(iam, "ec2.amazonaws.com")
    aws.clock.advance(MOST)
    profile = iam.create_instance_profile(InstanceProfileName="i")["InstanceProfile"]
    value = profile["InstanceProfileName" if by == "Name" else "Arn"]
    launch = {"ImageId": "ami-0fa3fe0fa7920f68e", "SubnetId": known["subnet"], "MinCount": 1, "MaxCount": 1}
    launch |= {"IamInstanceProfile": {by: value}}
    what = {"Name": "iamInstanceProfile.name is invalid. Invalid IAM Instance Profile name"}
    with refused("InvalidParameterValue", what.get(by, "iamInstanceProfile.arn is invalid")):
        ec2.run_instances(**launch)
    while True:
        try:
            iam.add_role_to_instance_profile(InstanceProfileName="i", RoleName="r")
            break
        except iam.exceptions.NoSuchEntityException:
            aws.clock.advance(1)
    aws.clock.advance(6)
    with refused("InvalidParameterValue", f'IAM Instance Profile "{profile["Arn"]}" has no associated IAM Roles'):
        ec2.run_instances(**launch)
    aws.clock.advance(MOST)
    assert ec2.run_instances(**launch)["Instances"]


def test_a_new_role_can_not_be_assumed_yet(aws: EmbeddedAws, ec2: Any, iam: Any, known: dict[str, str]) -> None:
    """https://github.com/hashicorp/terraform-provider-aws/issues/29323"""
    role = make_role(iam, "vpc-flow-logs.amazonaws.com")
    wanted = {"ResourceType": "VPC", "ResourceIds": [known["vpc"]], "TrafficType": "ALL", "LogGroupName": "g"}
    wanted |= {"DeliverLogsPermissionArn": role}
    with refused("InvalidParameter", "Unable to assume given IAM role"):
        ec2.create_flow_logs(**wanted)
    aws.clock.advance(MOST)
    made = ec2.create_flow_logs(**wanted)["FlowLogIds"]
    with refused("InvalidFlowLogId.NotFound"):
        ec2.delete_flow_logs(FlowLogIds=made)
    assert not ec2.describe_flow_logs()["FlowLogs"]
    aws.clock.advance(MOST)
    assert ec2.describe_flow_logs(FlowLogIds=made)["FlowLogs"]


def test_a_log_group_is_known_at_once(logs: Any) -> None:
    logs.create_log_group(logGroupName="g")
    logs.put_retention_policy(logGroupName="g", retentionInDays=7)
    assert logs.describe_log_groups(logGroupNamePrefix="g")["logGroups"]


@pytest.mark.behaves()
def test_without_the_behavior_everything_is_known_at_once(ec2: Any, iam: Any) -> None:
    vpc = new_vpc(ec2, "10.1.0.0/16")
    assert ec2.describe_vpcs(VpcIds=[vpc])["Vpcs"]
    make_role(iam, "ec2.amazonaws.com")
    assert iam.get_role(RoleName="r")
