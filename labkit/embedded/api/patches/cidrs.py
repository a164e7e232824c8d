"""CIDR blocks: AWS checks them, and puts them into canonical form before it stores them."""

from __future__ import annotations

import inspect
import ipaddress
from typing import Any

from labkit.embedded.api.patches import patch
from labkit.embedded.api.refusals import AwsError


def canonical(cidr: str, parameter: str) -> str:
    """``cidr`` with its host bits cleared: 10.8.1.1/16 is 10.8.0.0/16. Raises AWS's refusal of what is no block."""
    try:
        if "/" not in cidr:
            raise ValueError
        return str(ipaddress.IPv4Network(cidr, strict=False))
    except ValueError:
        raise AwsError(
            "InvalidParameterValue",
            f"Value ({cidr}) for parameter {parameter} is invalid. This is not a valid CIDR block.",
        ) from None


def canonical6(cidr: str, parameter: str) -> str:
    """The same for an IPv6 block."""
    try:
        if "/" not in cidr:
            raise ValueError
        return str(ipaddress.IPv6Network(cidr, strict=False))
    except ValueError:
        raise AwsError(
            "InvalidParameterValue",
            f"Value ({cidr}) for parameter {parameter} is invalid. This is not a valid IPv6 CIDR block.",
        ) from None


def _first(original: Any, argument: str, parameter: str, sizes: str | None) -> Any:
    """``original`` with its ``argument`` in canonical form; refused with the code ``sizes`` unless it is /16 to /28."""
    signature = inspect.signature(original)

    def with_canonical_cidr(*args: Any, **kwargs: Any) -> Any:
        given = signature.bind(*args, **kwargs)
        cidr = given.arguments.get(argument)
        if cidr and ":" in cidr:
            given.arguments[argument] = canonical6(cidr, parameter)
        elif cidr:
            given.arguments[argument] = canonical(cidr, parameter)
            if sizes and not 16 <= ipaddress.IPv4Network(given.arguments[argument]).prefixlen <= 28:
                raise AwsError(sizes, f"The CIDR '{cidr}' is invalid.")
        return original(*given.args, **given.kwargs)

    return with_canonical_cidr


@patch(
    "vpc-cidr-is-canonical",
    rule="CreateVpc refuses what is no CIDR block of /16 to /28, with InvalidVpc.Range (widely reported; AWS's page "
    "lists InvalidVpcRange), and clears the host bits of what is.",
    source="https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateVpc.html",
    hook="moto.ec2.models.vpcs:VPCBackend.create_vpc",
    parameters="self cidr_block instance_tenancy amazon_provided_ipv6_cidr_block "
    "ipv6_cidr_block_network_border_group tags"
    " is_default",
)
def _vpc(original: Any) -> Any:
    return _first(original, "cidr_block", "cidrBlock", "InvalidVpc.Range")


@patch(
    "subnet-cidr-is-canonical",
    rule="CreateSubnet refuses what is no CIDR block of /16 to /28, and clears the host bits of what is.",
    source="https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateSubnet.html",
    hook="moto.ec2.models.subnets:SubnetBackend.create_subnet",
    parameters="self vpc_id cidr_block ipv6_cidr_block availability_zone availability_zone_id ipv6_native tags",
)
def _subnet(original: Any) -> Any:
    return _first(original, "cidr_block", "cidrBlock", "InvalidSubnet.Range")


@patch(
    "secondary-cidr-is-canonical",
    rule="AssociateVpcCidrBlock checks its CIDR block as CreateVpc does.",
    source="https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_AssociateVpcCidrBlock.html",
    hook="moto.ec2.models.vpcs:VPCBackend.associate_vpc_cidr_block",
    parameters="self vpc_id cidr_block amazon_provided_ipv6_cidr_block",
)
def _secondary(original: Any) -> Any:
    return _first(original, "cidr_block", "cidrBlock", "InvalidVpc.Range")


@patch(
    "network-acl-cidr-is-canonical",
    rule="CreateNetworkAclEntry refuses what is no CIDR block, and clears the host bits of what is.",
    source="https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateNetworkAclEntry.html",
    hook="moto.ec2.models.network_acls:NetworkAclBackend.create_network_acl_entry",
    parameters="self network_acl_id rule_number protocol rule_action egress cidr_block icmp_code icmp_type "
    "port_range_from"
    " port_range_to ipv6_cidr_block",
)
def _acl_entry(original: Any) -> Any:
    return _first(_first(original, "cidr_block", "cidrBlock", None), "ipv6_cidr_block", "ipv6CidrBlock", None)


@patch(
    "security-group-cidr-is-canonical",
    rule="EC2 clears the host bits of a security group rule's CIDR block.",
    source="https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_IpRange.html",
    hook="moto.ec2.models.security_groups:SecurityGroupRule.__init__",
    parameters="self ec2_backend ip_protocol group_id from_port to_port ip_range source_group prefix_list_id "
    "is_egress tags",
)
def _rule(original: Any) -> Any:
    signature = inspect.signature(original)

    def __init__(*args: Any, **kwargs: Any) -> None:
        given = signature.bind(*args, **kwargs)
        ip_range = given.arguments["ip_range"]
        if ip_range and ip_range.get("CidrIp"):
            given.arguments["ip_range"] = {**ip_range, "CidrIp": canonical(ip_range["CidrIp"], "cidrIp")}
        elif ip_range and ip_range.get("CidrIpv6"):
            given.arguments["ip_range"] = {**ip_range, "CidrIpv6": canonical6(ip_range["CidrIpv6"], "cidrIpv6")}
        original(*given.args, **given.kwargs)

    return __init__
