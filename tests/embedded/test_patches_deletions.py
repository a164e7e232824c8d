"""Deleting in order: what another resource needs stays, and AWS says so."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.embedded.support import (
    assign_public_addresses,
    elastic_address,
    gateway,
    instance,
    main_table,
    network_acl,
    new_vpc,
    peer,
    refused,
    route_table,
    run,
    security_group,
    where,
)

#: Each makes, from a client, a VPC and another VPC, what keeps the first from being deleted.
IN_THE_WAY: list[Callable[[Any, str, str], Any]] = [
    lambda ec2, vpc, _: ec2.create_subnet(VpcId=vpc, CidrBlock="10.1.0.0/24"),
    lambda ec2, vpc, _: gateway(ec2, vpc),
    lambda ec2, vpc, _: security_group(ec2, vpc),
    lambda ec2, vpc, _: network_acl(ec2, vpc),
    lambda ec2, vpc, _: route_table(ec2, vpc),
    lambda ec2, vpc, other_vpc: peer(ec2, other_vpc, vpc),
]


@pytest.mark.aws_does("vpc-is-deleted-last")
def test_a_vpc_in_use_stays(ec2: Any, other_vpc: str) -> None:
    """https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DeleteVpc.html"""
    for make in IN_THE_WAY:
        vpc = new_vpc(ec2, "10.1.0.0/16")
        make(ec2, vpc, other_vpc)
        with refused("DependencyViolation", f"The vpc '{vpc}' has dependencies and cannot be deleted."):
            ec2.delete_vpc(VpcId=vpc)
        assert ec2.describe_vpcs(VpcIds=[vpc])["Vpcs"]


@pytest.mark.aws_does("vpc-is-deleted-last")
def test_a_vpc_takes_its_own_default_table_group_and_acl_with_it(ec2: Any, vpc: str) -> None:
    ec2.delete_vpc(VpcId=vpc)
    filters = where("vpc-id", vpc)
    assert ec2.describe_route_tables(Filters=filters)["RouteTables"] == []
    assert ec2.describe_security_groups(Filters=filters)["SecurityGroups"] == []
    assert ec2.describe_network_acls(Filters=filters)["NetworkAcls"] == []


@pytest.mark.aws_does("subnet-is-deleted-empty")
def test_a_subnet_with_an_instance_stays(ec2: Any, subnet: str, image: str) -> None:
    """https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DeleteSubnet.html"""
    made = run(ec2, image, subnet)["InstanceId"]
    with refused("DependencyViolation", f"The subnet '{subnet}' has dependencies and cannot be deleted."):
        ec2.delete_subnet(SubnetId=subnet)
    ec2.terminate_instances(InstanceIds=[made])
    ec2.delete_subnet(SubnetId=subnet)


@pytest.mark.aws_does("subnet-is-deleted-empty")
def test_a_subnet_takes_its_associations_with_it(ec2: Any, vpc: str, subnet: str) -> None:
    table = route_table(ec2, vpc)
    ec2.associate_route_table(RouteTableId=table, SubnetId=subnet)
    with refused("DependencyViolation", f"The routeTable '{table}' has dependencies and cannot be deleted."):
        ec2.delete_route_table(RouteTableId=table)
    ec2.delete_subnet(SubnetId=subnet)
    ec2.delete_route_table(RouteTableId=table)


@pytest.mark.aws_does("security-group-is-deleted-unused")
def test_a_security_group_in_use_stays(ec2: Any, vpc: str, subnet: str, image: str) -> None:
    """https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DeleteSecurityGroup.html"""
    group = security_group(ec2, vpc)
    made = run(ec2, image, subnet, SecurityGroupIds=[group])["InstanceId"]
    with refused("DependencyViolation", f"resource {group} has a dependent object"):
        ec2.delete_security_group(GroupId=group)
    ec2.terminate_instances(InstanceIds=[made])
    ec2.delete_security_group(GroupId=group)


@pytest.mark.aws_does("security-group-is-deleted-unused")
def test_a_security_group_that_another_names_stays(ec2: Any, vpc: str) -> None:
    web, database = security_group(ec2, vpc), security_group(ec2, vpc, "database")
    rule = {"IpProtocol": "tcp", "FromPort": 5432, "ToPort": 5432, "UserIdGroupPairs": [{"GroupId": web}]}
    ec2.authorize_security_group_ingress(GroupId=database, IpPermissions=[rule])
    with refused("DependencyViolation", f"resource {web} has a dependent object"):
        ec2.delete_security_group(GroupId=web)
    ec2.delete_security_group(GroupId=database)
    ec2.delete_security_group(GroupId=web)


def named_from_a_peer(ec2: Any, vpc: str, other_vpc: str) -> tuple[str, str, dict[str, Any]]:
    """Make a group, one in a peered VPC, and the permission with which the second names the first both ways."""
    accepted = peer(ec2, vpc, other_vpc)
    ec2.accept_vpc_peering_connection(VpcPeeringConnectionId=accepted)
    web = security_group(ec2, vpc)
    database = security_group(ec2, other_vpc, "database")
    permission = {"IpProtocol": "tcp", "FromPort": 5432, "ToPort": 5432, "UserIdGroupPairs": [{"GroupId": web}]}
    ec2.authorize_security_group_ingress(GroupId=database, IpPermissions=[permission])
    ec2.authorize_security_group_egress(GroupId=database, IpPermissions=[permission])
    return web, database, permission


def named(ec2: Any, group: str, direction: str) -> list[str]:
    found = ec2.describe_security_groups(GroupIds=[group])["SecurityGroups"][0]
    return [pair["GroupId"] for each in found[direction] for pair in each["UserIdGroupPairs"]]


def test_a_security_group_that_only_a_peered_vpc_names_is_deleted_and_the_rule_goes_stale(
    ec2: Any, vpc: str, other_vpc: str
) -> None:
    """https://docs.aws.amazon.com/vpc/latest/peering/vpc-peering-security-groups.html"""
    web, database, _ = named_from_a_peer(ec2, vpc, other_vpc)
    ec2.delete_security_group(GroupId=web)
    with refused("InvalidGroup.NotFound"):
        ec2.describe_security_groups(GroupIds=[web])
    assert named(ec2, database, "IpPermissions") == named(ec2, database, "IpPermissionsEgress") == [web]


@pytest.mark.aws_does("stale-ingress-rules-are-revoked")
def test_a_stale_ingress_rule_is_revoked_as_any_other(ec2: Any, vpc: str, other_vpc: str) -> None:
    web, database, permission = named_from_a_peer(ec2, vpc, other_vpc)
    ec2.delete_security_group(GroupId=web)
    ec2.revoke_security_group_ingress(GroupId=database, IpPermissions=[permission])
    assert named(ec2, database, "IpPermissions") == []
    with refused("InvalidGroup.NotFound", web):
        ec2.revoke_security_group_ingress(GroupId=database, IpPermissions=[permission])


@pytest.mark.aws_does("stale-egress-rules-are-revoked")
def test_a_stale_egress_rule_is_revoked_as_any_other(ec2: Any, vpc: str, other_vpc: str) -> None:
    """Here along with what else its permission allows, as DescribeSecurityGroups gives it."""
    web, database, permission = named_from_a_peer(ec2, vpc, other_vpc)
    everywhere = permission | {"UserIdGroupPairs": [], "IpRanges": [{"CidrIp": "10.1.0.0/16"}]}
    ec2.authorize_security_group_egress(GroupId=database, IpPermissions=[everywhere])
    ec2.delete_security_group(GroupId=web)
    found = ec2.describe_security_groups(GroupIds=[database])["SecurityGroups"][0]["IpPermissionsEgress"]
    ec2.revoke_security_group_egress(GroupId=database, IpPermissions=found)
    assert ec2.describe_security_groups(GroupIds=[database])["SecurityGroups"][0]["IpPermissionsEgress"] == []


@pytest.mark.aws_does("security-group-is-deleted-unused")
def test_the_default_security_group_stays(ec2: Any, vpc: str) -> None:
    group = ec2.describe_security_groups(Filters=where("vpc-id", vpc))["SecurityGroups"][0]["GroupId"]
    with refused("CannotDelete", f'the specified group: "{group}" name: "default" cannot be deleted by a user'):
        ec2.delete_security_group(GroupId=group)


@pytest.mark.aws_does("internet-gateway-is-deleted-detached")
def test_an_attached_internet_gateway_stays(ec2: Any, vpc: str) -> None:
    """https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DeleteInternetGateway.html"""
    internet = gateway(ec2, vpc)
    with refused("DependencyViolation", f"The internetGateway '{internet}' has dependencies and cannot be deleted."):
        ec2.delete_internet_gateway(InternetGatewayId=internet)
    ec2.detach_internet_gateway(InternetGatewayId=internet, VpcId=vpc)
    ec2.delete_internet_gateway(InternetGatewayId=internet)


@pytest.mark.aws_does("internet-gateway-is-detached-without-public-addresses")
def test_an_internet_gateway_is_not_detached_while_public_addresses_are_in_use(
    ec2: Any, vpc: str, subnet: str, image: str
) -> None:
    internet = gateway(ec2, vpc)
    assign_public_addresses(ec2, subnet)
    made = run(ec2, image, subnet)["InstanceId"]
    message = (
        f"Network {vpc} has some mapped public address(es). "
        "Please unmap those public address(es) before detaching the gateway."
    )
    with refused("DependencyViolation", message):
        ec2.detach_internet_gateway(InternetGatewayId=internet, VpcId=vpc)
    ec2.terminate_instances(InstanceIds=[made])
    ec2.detach_internet_gateway(InternetGatewayId=internet, VpcId=vpc)


@pytest.mark.aws_does("network-acl-is-deleted-unused")
def test_a_network_acl_in_use_stays_and_so_does_the_default_one(ec2: Any, vpc: str, subnet: str) -> None:
    """https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DeleteNetworkAcl.html"""
    default = ec2.describe_network_acls(Filters=where("vpc-id", vpc))["NetworkAcls"][0]
    own = network_acl(ec2, vpc)
    association = default["Associations"][0]["NetworkAclAssociationId"]
    ec2.replace_network_acl_association(AssociationId=association, NetworkAclId=own)
    with refused("DependencyViolation", f"The networkAcl '{own}' has dependencies and cannot be deleted."):
        ec2.delete_network_acl(NetworkAclId=own)
    with refused("InvalidParameterValue", f"cannot delete default network ACL {default['NetworkAclId']}"):
        ec2.delete_network_acl(NetworkAclId=default["NetworkAclId"])
    ec2.delete_subnet(SubnetId=subnet)
    ec2.delete_network_acl(NetworkAclId=own)


@pytest.mark.aws_does("main-route-table-stays")
def test_the_main_route_table_stays(ec2: Any, vpc: str) -> None:
    """https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DeleteRouteTable.html"""
    table = main_table(ec2, vpc)
    with refused("DependencyViolation", f"The routeTable '{table}' has dependencies and cannot be deleted."):
        ec2.delete_route_table(RouteTableId=table)


@pytest.mark.aws_does("interface-in-use-stays")
def test_an_interface_in_use_stays(ec2: Any, subnet: str, image: str) -> None:
    """https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DeleteNetworkInterface.html"""
    interface = run(ec2, image, subnet)["NetworkInterfaces"][0]["NetworkInterfaceId"]
    with refused("InvalidParameterValue", f"Network interface '{interface}' is currently in use."):
        ec2.delete_network_interface(NetworkInterfaceId=interface)


@pytest.mark.aws_does("released-address-must-be-unused")
def test_an_elastic_address_in_use_is_not_released(ec2: Any, subnet: str, image: str) -> None:
    """https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_ReleaseAddress.html"""
    made = run(ec2, image, subnet)["InstanceId"]
    elastic = elastic_address(ec2, made)
    assert instance(ec2, made)["PublicIpAddress"] == elastic["PublicIp"]
    with refused("InvalidIPAddress.InUse", elastic["PublicIp"]):
        ec2.release_address(AllocationId=elastic["AllocationId"])
    ec2.terminate_instances(InstanceIds=[made])
    ec2.release_address(AllocationId=elastic["AllocationId"])


def test_the_elastic_address_of_an_instance_in_the_default_vpc_is_released_at_once(ec2: Any, image: str) -> None:
    """moto does this as AWS does, but everywhere."""
    default = ec2.describe_subnets(Filters=where("default-for-az", "true"))["Subnets"][0]["SubnetId"]
    made = run(ec2, image, default)["InstanceId"]
    elastic = elastic_address(ec2, made)
    ec2.release_address(AllocationId=elastic["AllocationId"])
    assert ec2.describe_addresses()["Addresses"] == []
    assert instance(ec2, made).get("PublicIpAddress") != elastic["PublicIp"]


@pytest.mark.aws_does("released-address-must-be-unused")
def test_the_elastic_address_of_a_nat_gateway_is_not_released_even_in_the_default_vpc(ec2: Any) -> None:
    default = ec2.describe_subnets(Filters=where("default-for-az", "true"))["Subnets"][0]["SubnetId"]
    elastic = ec2.allocate_address(Domain="vpc")
    ec2.create_nat_gateway(SubnetId=default, AllocationId=elastic["AllocationId"])
    with refused("InvalidIPAddress.InUse", elastic["PublicIp"]):
        ec2.release_address(AllocationId=elastic["AllocationId"])


@pytest.mark.aws_does("tags-go-with-their-resource")
def test_the_tags_of_what_is_deleted_are_gone(ec2: Any, vpc: str, other_vpc: str) -> None:
    """https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/Using_Tags.html"""
    key = ec2.create_key_pair(KeyName="k")["KeyPairId"]
    subnet = ec2.create_subnet(VpcId=other_vpc, CidrBlock="10.2.0.0/24")["Subnet"]["SubnetId"]
    ids = [vpc, other_vpc, key, subnet, security_group(ec2, other_vpc), network_acl(ec2, other_vpc)]
    ids += [gateway(ec2, other_vpc), route_table(ec2, other_vpc), ec2.allocate_address(Domain="vpc")["AllocationId"]]
    ec2.create_tags(Resources=ids, Tags=[{"Key": "Lab", "Value": "nimbus"}])
    tagged = {tag["ResourceId"] for tag in ec2.describe_tags(Filters=where("key", "Lab"))["Tags"]}
    assert tagged == set(ids)
    ec2.delete_vpc(VpcId=vpc)
    ec2.delete_key_pair(KeyPairId=key)
    ec2.delete_subnet(SubnetId=subnet)
    tagged = {tag["ResourceId"] for tag in ec2.describe_tags(Filters=where("key", "Lab"))["Tags"]}
    assert tagged == set(ids) - {vpc, key, subnet}


@pytest.mark.aws_does("key-pairs-are-deleted-by-id")
def test_a_key_pair_is_deleted_by_its_id(ec2: Any) -> None:
    """https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DeleteKeyPair.html"""
    mine, other = (ec2.create_key_pair(KeyName=name)["KeyPairId"] for name in ("mine", "other"))
    ec2.delete_key_pair(KeyPairId=mine)
    assert [pair["KeyPairId"] for pair in ec2.describe_key_pairs()["KeyPairs"]] == [other]
    with refused("InvalidKeyPair.NotFound"):
        ec2.delete_key_pair(KeyPairId=mine)
