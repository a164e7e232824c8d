"""CIDR blocks, security groups, network ACLs, filters and unknown ids, as AWS has them."""

from __future__ import annotations

import re
from typing import Any

import pytest

from labkit.embedded.api.patches.base_response import FILTERS
from tests.embedded.support import network_acl, new_vpc, refused, route_table, run, security_group, where

# --- canonical CIDR blocks ---


@pytest.mark.aws_does("vpc-cidr-is-canonical")
def test_a_vpcs_block_is_stored_in_canonical_form(ec2: Any) -> None:
    """https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateVpc.html"""
    made = ec2.create_vpc(CidrBlock="10.1.7.7/16")["Vpc"]
    assert made["CidrBlock"] == "10.1.0.0/16"
    assert made["CidrBlockAssociationSet"][0]["CidrBlock"] == "10.1.0.0/16"


def test_a_vpcs_block_is_of_16_to_28_bits(ec2: Any) -> None:
    for cidr, code, message in (
        ("10.0.0.0/8", "InvalidVpc.Range", "The CIDR '10.0.0.0/8' is invalid."),
        ("10.1.0.0/29", "InvalidVpc.Range", "The CIDR '10.1.0.0/29' is invalid."),
        ("10.1.0.0/99", "InvalidParameterValue", "Value (10.1.0.0/99) for parameter cidrBlock is invalid."),
        ("10.1.0.0", "InvalidParameterValue", "Value (10.1.0.0) for parameter cidrBlock is invalid."),
    ):
        with refused(code, message):
            new_vpc(ec2, cidr)


@pytest.mark.aws_does("subnet-cidr-is-canonical")
def test_a_subnets_block_is_stored_in_canonical_form_and_of_16_to_28_bits(ec2: Any, vpc: str) -> None:
    """https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateSubnet.html"""
    assert ec2.create_subnet(VpcId=vpc, CidrBlock="10.1.1.1/24")["Subnet"]["CidrBlock"] == "10.1.1.0/24"
    with refused("InvalidSubnet.Range", "The CIDR '10.1.2.0/30' is invalid."):
        ec2.create_subnet(VpcId=vpc, CidrBlock="10.1.2.0/30")
    with refused("InvalidSubnet.Conflict"):
        ec2.create_subnet(VpcId=vpc, CidrBlock="10.1.0.0/20")
    with refused("InvalidSubnet.Range"):
        ec2.create_subnet(VpcId=vpc, CidrBlock="10.2.0.0/24")


@pytest.mark.aws_does("secondary-cidr-is-canonical")
def test_a_second_block_of_a_vpc_is_checked_alike(ec2: Any, vpc: str) -> None:
    """https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_AssociateVpcCidrBlock.html"""
    made = ec2.associate_vpc_cidr_block(VpcId=vpc, CidrBlock="10.9.9.9/20")["CidrBlockAssociation"]
    assert made["CidrBlock"] == "10.9.0.0/20"


@pytest.mark.aws_does("network-acl-cidr-is-canonical")
def test_an_acl_entrys_block_is_stored_in_canonical_form(ec2: Any, vpc: str) -> None:
    """https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateNetworkAclEntry.html"""
    acl = network_acl(ec2, vpc)
    entry = {"RuleNumber": 100, "Protocol": "-1", "RuleAction": "allow", "Egress": False, "CidrBlock": "10.2.3.4/16"}
    ec2.create_network_acl_entry(NetworkAclId=acl, **entry)
    entries = ec2.describe_network_acls(NetworkAclIds=[acl])["NetworkAcls"][0]["Entries"]
    assert [one["CidrBlock"] for one in entries if one["RuleNumber"] == 100] == ["10.2.0.0/16"]


def permissions(ec2: Any, group: str) -> list[dict[str, Any]]:
    """Return what a security group lets in."""
    return list(ec2.describe_security_groups(GroupIds=[group])["SecurityGroups"][0]["IpPermissions"])


@pytest.mark.aws_does("security-group-cidr-is-canonical")
def test_a_security_group_rules_block_is_stored_in_canonical_form(ec2: Any, vpc: str) -> None:
    """https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_IpRange.html"""
    group = security_group(ec2, vpc)
    rule = {"IpProtocol": "icmp", "FromPort": -1, "ToPort": -1, "IpRanges": [{"CidrIp": "100.68.0.18/18"}]}
    ec2.authorize_security_group_ingress(GroupId=group, IpPermissions=[rule])
    assert permissions(ec2, group)[0]["IpRanges"] == [{"CidrIp": "100.68.0.0/18"}]
    ec2.revoke_security_group_ingress(GroupId=group, IpPermissions=[rule])
    assert permissions(ec2, group) == []


# --- security groups ---


@pytest.mark.aws_does("default-group-lets-itself-in")
def test_the_default_group_lets_itself_in(ec2: Any, vpc: str) -> None:
    """https://docs.aws.amazon.com/vpc/latest/userguide/default-security-group.html"""
    group = ec2.describe_security_groups(Filters=where("vpc-id", vpc))["SecurityGroups"][0]
    permission = group["IpPermissions"][0]
    assert (permission["IpProtocol"], permission["IpRanges"]) == ("-1", [])
    assert permission["UserIdGroupPairs"] == [{"UserId": "123456789012", "GroupId": group["GroupId"]}]
    rules = ec2.describe_security_group_rules(Filters=where("group-id", group["GroupId"]))
    ingress = [rule for rule in rules["SecurityGroupRules"] if not rule["IsEgress"]]
    assert ingress[0]["ReferencedGroupInfo"]["GroupId"] == group["GroupId"]
    assert (ingress[0]["IpProtocol"], ingress[0]["FromPort"], ingress[0]["ToPort"]) == ("-1", -1, -1)


def test_a_new_security_group_lets_nothing_in_and_everything_out(ec2: Any, vpc: str) -> None:
    """https://docs.aws.amazon.com/vpc/latest/userguide/creating-security-groups.html"""
    made = security_group(ec2, vpc, "new")
    (group,) = ec2.describe_security_groups(GroupIds=[made])["SecurityGroups"]
    assert group["IpPermissions"] == []
    (out,) = group["IpPermissionsEgress"]
    assert (out["IpProtocol"], out["IpRanges"]) == ("-1", [{"CidrIp": "0.0.0.0/0"}])


@pytest.mark.aws_does("rules-need-ports")
def test_a_rule_without_ports_or_source_is_refused(ec2: Any, vpc: str) -> None:
    """https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_IpPermission.html"""
    group, everywhere, ssh = security_group(ec2, vpc), [{"CidrIp": "0.0.0.0/0"}], {"FromPort": 22, "ToPort": 22}
    wrong: list[tuple[dict[str, Any], str, str]] = [
        ({"IpProtocol": "tcp", "IpRanges": everywhere}, "InvalidParameterValue", "from and to ports"),
        ({"IpProtocol": "icmp", "IpRanges": everywhere}, "InvalidParameterValue", "-1 is all"),
        ({"IpProtocol": "tcp", **ssh}, "MissingParameter", "source or destination"),
        ({**ssh, "IpRanges": everywhere}, "InvalidParameterValue", "'null'"),
    ]
    for rule, code, message in wrong:
        with refused(code, message):
            ec2.authorize_security_group_ingress(GroupId=group, IpPermissions=[rule])


@pytest.mark.aws_does("rules-need-ports")
def test_an_icmpv6_rule_without_type_and_code_allows_all(ec2: Any, vpc: str) -> None:
    """https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_IpPermission.html"""
    group = security_group(ec2, vpc)
    for protocol in ("icmpv6", "58"):
        rule = {"IpProtocol": protocol, "Ipv6Ranges": [{"CidrIpv6": "::/0"}]}
        ec2.authorize_security_group_ingress(GroupId=group, IpPermissions=[rule])
        assert [(each["FromPort"], each["ToPort"]) for each in permissions(ec2, group)] == [(-1, -1)]
        with refused("InvalidPermission.Duplicate"):
            ec2.authorize_security_group_ingress(GroupId=group, IpPermissions=[rule | {"FromPort": -1, "ToPort": -1}])
        ec2.revoke_security_group_ingress(GroupId=group, IpPermissions=[rule])
        assert permissions(ec2, group) == []


def test_the_same_rule_twice_is_refused(ec2: Any, vpc: str) -> None:
    group = security_group(ec2, vpc)
    rule = {"IpProtocol": "icmp", "FromPort": -1, "ToPort": -1, "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}
    ec2.authorize_security_group_ingress(GroupId=group, IpPermissions=[rule])
    with refused("InvalidPermission.Duplicate"):
        ec2.authorize_security_group_ingress(GroupId=group, IpPermissions=[rule])


# --- network ACLs ---


def rules(acl: dict[str, Any]) -> set[tuple[bool, int, str, str, str]]:
    """A network ACL's entries as (egress, number, action, protocol, block)."""
    return {(e["Egress"], e["RuleNumber"], e["RuleAction"], e["Protocol"], e["CidrBlock"]) for e in acl["Entries"]}


LAST = {(egress, 32767, "deny", "-1", "0.0.0.0/0") for egress in (False, True)}


@pytest.mark.aws_does("new-network-acl-denies-all")
def test_the_default_network_acl_allows_all_and_a_new_one_denies_all(ec2: Any, vpc: str, subnet: str) -> None:
    """https://docs.aws.amazon.com/vpc/latest/userguide/default-network-acl.html

    https://docs.aws.amazon.com/vpc/latest/userguide/custom-network-acl.html
    """
    (default,) = ec2.describe_network_acls(Filters=where("vpc-id", vpc))["NetworkAcls"]
    assert default["IsDefault"] and [one["SubnetId"] for one in default["Associations"]] == [subnet]
    assert rules(default) == LAST | {(egress, 100, "allow", "-1", "0.0.0.0/0") for egress in (False, True)}
    assert rules(ec2.create_network_acl(VpcId=vpc)["NetworkAcl"]) == LAST


def icmp_types(ec2: Any, acl: str) -> dict[int, Any]:
    entries = ec2.describe_network_acls(NetworkAclIds=[acl])["NetworkAcls"][0]["Entries"]
    return {entry["RuleNumber"]: entry.get("IcmpTypeCode") for entry in entries if entry["RuleNumber"] < 32767}


ENTRY = {"RuleAction": "allow", "Egress": False, "CidrBlock": "0.0.0.0/0", "Protocol": "1"}


@pytest.mark.aws_does("acl-entry-keeps-its-icmp-type")
def test_an_acl_entry_keeps_its_icmp_type(ec2: Any, vpc: str) -> None:
    """https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateNetworkAclEntry.html"""
    acl = network_acl(ec2, vpc)
    ports = {"Protocol": "6", "PortRange": {"From": 22, "To": 22}}
    ec2.create_network_acl_entry(NetworkAclId=acl, RuleNumber=1, **ENTRY, IcmpTypeCode={"Type": 0, "Code": 0})
    ec2.create_network_acl_entry(NetworkAclId=acl, RuleNumber=2, **ENTRY, IcmpTypeCode={"Type": 3, "Code": -1})
    ec2.create_network_acl_entry(NetworkAclId=acl, RuleNumber=3, **ENTRY | ports)
    assert icmp_types(ec2, acl) == {1: {"Type": 0, "Code": 0}, 2: {"Type": 3, "Code": -1}, 3: None}


@pytest.mark.aws_does("replaced-acl-entry-keeps-its-icmp-type")
def test_a_replaced_acl_entry_keeps_its_icmp_type(ec2: Any, vpc: str) -> None:
    """https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_ReplaceNetworkAclEntry.html"""
    acl = network_acl(ec2, vpc)
    ec2.create_network_acl_entry(NetworkAclId=acl, RuleNumber=1, **ENTRY, IcmpTypeCode={"Type": 8, "Code": -1})
    ec2.replace_network_acl_entry(NetworkAclId=acl, RuleNumber=1, **ENTRY, IcmpTypeCode={"Type": 3, "Code": 4})
    assert icmp_types(ec2, acl) == {1: {"Type": 3, "Code": 4}}


@pytest.mark.aws_does("unknown-acl-entry-is-refused")
def test_an_unknown_entry_is_refused(ec2: Any, vpc: str) -> None:
    """https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DeleteNetworkAclEntry.html"""
    acl = network_acl(ec2, vpc)
    with refused("InvalidNetworkAclEntry.NotFound", "rule number 7"):
        ec2.delete_network_acl_entry(NetworkAclId=acl, RuleNumber=7, Egress=True)


@pytest.mark.aws_does("acl-association-is-checked")
def test_an_unknown_association_is_refused(ec2: Any, vpc: str) -> None:
    """https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_ReplaceNetworkAclAssociation.html"""
    acl = network_acl(ec2, vpc)
    with refused("InvalidAssociationID.NotFound", "aclassoc-0"):
        ec2.replace_network_acl_association(AssociationId="aclassoc-0", NetworkAclId=acl)


@pytest.mark.aws_does("acl-association-is-checked")
def test_an_acl_of_another_vpc_is_refused(ec2: Any, vpc: str, other_vpc: str, subnet: str) -> None:
    acl = network_acl(ec2, other_vpc)
    default = ec2.describe_network_acls(Filters=where("vpc-id", vpc))["NetworkAcls"][0]
    association = default["Associations"][0]["NetworkAclAssociationId"]
    with refused("InvalidParameterValue", f"network acl {acl} and subnet {subnet} belong to different networks"):
        ec2.replace_network_acl_association(AssociationId=association, NetworkAclId=acl)


# --- filters: https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_Filter.html ---


def described(ec2: Any, action: str, name: str, value: str) -> Any:
    """What a Describe action answers to one filter."""
    method = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", action).lower()
    filters = "Filter" if action == "DescribeFlowLogs" else "Filters"
    answer = getattr(ec2, method)(**{filters: where(name, value)})
    answer.pop("ResponseMetadata")
    return list(answer.values())


@pytest.mark.aws_does("unknown-filters-are-refused")
@pytest.mark.parametrize("action", FILTERS)
def test_a_filter_that_aws_does_not_have_is_refused(ec2: Any, subnet: str, image: str, action: str) -> None:
    run(ec2, image, subnet)
    with refused("InvalidParameterValue", "The filter 'colour' is invalid"):
        described(ec2, action, "colour", "blue")


@pytest.mark.aws_does("unknown-filters-are-refused")
def test_a_filter_that_only_aws_has_says_so(ec2: Any) -> None:
    only = {"DescribeInstances": "hypervisor", "DescribeSubnets": "availabilityZoneId"}
    for action, name in only.items():
        with refused("NotImplemented", f"does not do the filter {name} of {action}"):
            described(ec2, action, name, "xen")


def test_every_filter_that_is_said_to_be_obeyed_can_be_asked_for(ec2: Any, subnet: str, image: str) -> None:
    run(ec2, image, subnet)
    assert len(FILTERS) == 15
    for action, names in FILTERS.items():
        for name in names.split():
            value = "sg-0123456789abcdef0" if name == "group-id" else "nothing-is-called-this"
            assert described(ec2, action, name, value) == [[]], (action, name)


@pytest.mark.aws_does("any-of-many-values-matches")
def test_any_of_a_resources_values_may_be_any_of_the_filters(ec2: Any, vpc: str) -> None:
    table = route_table(ec2, vpc)
    for number in (1, 2):
        subnet = ec2.create_subnet(VpcId=vpc, CidrBlock=f"10.1.{number}.0/24")["Subnet"]["SubnetId"]
        ec2.associate_route_table(RouteTableId=table, SubnetId=subnet)
    wanted = where("association.subnet-id", subnet, "subnet-0")
    assert [found["RouteTableId"] for found in ec2.describe_route_tables(Filters=wanted)["RouteTables"]] == [table]


@pytest.mark.aws_does("any-of-many-values-matches")
def test_routes_are_found_by_their_state(ec2: Any, vpc: str) -> None:
    both = [{"Name": "vpc-id", "Values": [vpc]}, {"Name": "route.state", "Values": ["active"]}]
    assert len(ec2.describe_route_tables(Filters=both)["RouteTables"]) == 1
    both[1]["Values"] = ["blackhole"]
    assert ec2.describe_route_tables(Filters=both)["RouteTables"] == []


@pytest.mark.aws_does("instance-filters-take-wildcards")
def test_instances_are_found_by_wildcards(ec2: Any, subnet: str, image: str) -> None:
    """https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeInstances.html"""
    run(ec2, image, subnet)
    for value, found in (("10.1.*", 1), ("10.1.0.?", 1), ("10.1.0", 0), ("T3.*", 0)):
        filters = where("private-ip-address", value)
        assert len(ec2.describe_instances(Filters=filters)["Reservations"]) == found


# --- unknown ids: https://docs.aws.amazon.com/AWSEC2/latest/APIReference/errors-overview.html ---


#: The action, its parameter, the prefix of ids, the code and the message with which each patch refuses an id.
UNKNOWN = {
    "unknown-vpc-is-named": ("vpcs", "VpcIds", "vpc", "InvalidVpcID", "The vpc ID"),
    "unknown-subnet-is-named": ("subnets", "SubnetIds", "subnet", "InvalidSubnetID", "The subnet ID"),
    "unknown-security-group-is-named": ("security_groups", "GroupIds", "sg", "InvalidGroup", "The security group"),
    "unknown-route-table-is-named": (
        "route_tables", "RouteTableIds", "rtb", "InvalidRouteTableID", "The routeTable ID"),
    "unknown-network-acl-is-named": (
        "network_acls", "NetworkAclIds", "acl", "InvalidNetworkAclID", "The networkAcl ID"),
    "unknown-network-interface-is-named": (
        "network_interfaces", "NetworkInterfaceIds", "eni", "InvalidNetworkInterfaceID", "The networkInterface ID"),
    "unknown-instance-is-named": ("instances", "InstanceIds", "i", "InvalidInstanceID", "The instance ID"),
}  # fmt: skip


@pytest.mark.aws_does(*UNKNOWN)
def test_the_first_unknown_id_is_named(ec2: Any, patch: str) -> None:
    """Of ten ids that don't exist the first is named, whichever of them comes first."""
    what, parameter, prefix, code, message = UNKNOWN[patch]
    ids = [f"{prefix}-{number:017x}" for number in range(10)]
    for turn in range(10):
        turned = ids[turn:] + ids[:turn]
        with refused(f"{code}.NotFound", f"{message} '{turned[0]}' does not exist"):
            getattr(ec2, f"describe_{what}")(**{parameter: turned})


@pytest.mark.aws_does("unknown-vpc-of-another-resource-is-named")
def test_a_subnet_of_an_unknown_vpc_is_refused(ec2: Any) -> None:
    with refused("InvalidVpcID.NotFound", "The vpc ID 'vpc-0' does not exist"):
        ec2.create_subnet(VpcId="vpc-0", CidrBlock="10.1.0.0/20")
