"""Subnets: their CIDR blocks, the private addresses that they give, and what keeps a subnet from being deleted."""

from __future__ import annotations

import ipaddress
from typing import Any

from labkit.embedded.api.patches import EC2_API, VPC_GUIDE, Moto, around, check, patch
from labkit.embedded.api.patches._checks import check_block, check_ids, still_needed
from labkit.embedded.api.refusals import AwsError

_BACKEND = "moto.ec2.models.subnets:SubnetBackend"


def _taken(subnet: Any) -> set[str]:
    """Return the private addresses of the interfaces in a subnet."""
    return {
        address["PrivateIpAddress"]
        for interface in subnet.ec2_backend.enis.values()
        if interface.subnet is subnet
        for address in interface.private_ip_addresses
    }


def check_address(subnet: Any, address: str) -> None:
    """Check that an interface in a subnet can be given a private address.

    Raises:
        AwsError: AWS's refusal: the address is malformed, outside the subnet, reserved or in use.
    """
    try:
        wanted = ipaddress.IPv4Address(address)
    except ValueError:
        raise AwsError("InvalidParameterValue", f"invalid value for parameter address: {address}") from None
    if wanted not in subnet.cidr:
        raise AwsError("InvalidParameterValue", f"Address {address} does not fall within the subnet's address range")
    if int(wanted) - int(subnet.cidr.network_address) < 4 or wanted == subnet.cidr.broadcast_address:
        raise AwsError("InvalidParameterValue", f"Address {address} is in subnet's reserved address range")
    if address in _taken(subnet):
        raise AwsError("InvalidIPAddress.InUse", f"Address {address} is in use.")


def free_address(subnet: Any) -> str:
    """Return the lowest free private address of a subnet; AWS draws one at random.

    Raises:
        AwsError: The subnet is full.
    """
    used = _taken(subnet) | {str(address) for address in subnet._reserved_ips}
    for offset in range(4, subnet.cidr.num_addresses - 1):
        address = str(subnet.cidr[offset])
        if address not in used:
            return address
    raise AwsError("InsufficientFreeAddressesInSubnet", f"There are not enough free addresses in subnet '{subnet.id}'.")


@patch(
    "chosen-private-address-is-checked",
    rule="A chosen private address must lie in the subnet, be none of its five reserved ones, and be free.",
    source=f"{VPC_GUIDE}subnet-sizing.html",
    hook="moto.ec2.models.subnets:Subnet.request_ip",
)
def _request(_: Any) -> Any:
    return lambda self, ip, instance: check_address(self, ip)


@patch(
    "given-private-address-is-free",
    rule="An interface is given an address of its subnet that no other interface has.",
    source=f"{VPC_GUIDE}subnet-sizing.html",
    hook="moto.ec2.models.subnets:Subnet.get_available_subnet_ip",
)
def _available(_: Any) -> Any:
    return lambda self, instance: free_address(self)


@check(
    "subnet-cidr-is-canonical",
    rule="CreateSubnet refuses what is not a CIDR block of /16 to /28, and clears the block's host bits.",
    source=f"{EC2_API}API_CreateSubnet.html",
    hook=f"{_BACKEND}.create_subnet",
)
def _create(self: Any, given: dict[str, Any]) -> None:
    check_block(given, "InvalidSubnet.Range")


check_ids(
    "subnet",
    f"{_BACKEND}.describe_subnets",
    lambda backend: [subnet_id for zone in backend.subnets.values() for subnet_id in zone],
)


@around(
    "subnet-is-deleted-empty",
    rule="DeleteSubnet refuses a subnet that has interfaces; its associations with a route table and an ACL are "
    "deleted with it.",
    source=f"{EC2_API}API_DeleteSubnet.html",
    hook=f"{_BACKEND}.delete_subnet",
)
def _delete(self: Any, given: dict[str, Any], moto: Moto) -> Any:
    subnet_id = given["subnet_id"]
    if any(interface.subnet.id == subnet_id for interface in self.enis.values()):
        raise still_needed("subnet", subnet_id)
    deleted = moto()
    for table in self.route_tables.values():
        table._associations = {key: value for key, value in table._associations.items() if value != subnet_id}
    for acl in self.network_acls.values():
        acl._associations = {k: each for k, each in acl._associations.items() if each.subnet_id != subnet_id}
    return deleted
