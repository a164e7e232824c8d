"""Public and private addresses: which ones AWS gives, and to whom."""

from __future__ import annotations

import ipaddress
from typing import Any

from labkit.embedded.api.patches import patch
from labkit.embedded.api.refusals import AwsError

# Blocks that AWS publishes for EC2 in us-east-1 (https://ip-ranges.amazonaws.com/ip-ranges.json).
_PUBLIC_BLOCKS = tuple(
    ipaddress.IPv4Network(block)
    for block in ("3.80.0.0/12", "3.208.0.0/12", "18.204.0.0/14", "34.192.0.0/12", "44.192.0.0/11", "54.160.0.0/13")
)


def _random_public_address(_: Any) -> Any:
    def address() -> str:
        """An address of EC2's in us-east-1, never one that looks like a network's own or its broadcast."""
        from moto.moto_api._internal import mock_random

        block = _PUBLIC_BLOCKS[mock_random.randrange(len(_PUBLIC_BLOCKS))]
        while True:
            candidate = block[mock_random.randrange(block.num_addresses)]
            if candidate.packed[3] not in (0, 255):
                return str(candidate)

    return address


# 32 million addresses: that one is drawn twice in a lab of a hundred has a chance of one in ten thousand.
for _name, _hook, _rule in (
    (
        "automatic-public-addresses-are-ec2s",
        "moto.ec2.models.elastic_network_interfaces:random_public_ip",
        "A public address that a subnet assigns comes from EC2's published ranges in its region.",
    ),
    (
        "elastic-addresses-are-ec2s",
        "moto.ec2.models.elastic_ip_addresses:random_ip",
        "An Elastic IP address comes from EC2's published ranges in its region, never from 127.0.0.0/8.",
    ),
):
    patch(_name, rule=_rule, source="https://docs.aws.amazon.com/vpc/latest/userguide/aws-ip-ranges.html", hook=_hook)(
        _random_public_address
    )


def taken(subnet: Any) -> set[str]:
    """The private addresses of the interfaces that a subnet holds."""
    return {
        address["PrivateIpAddress"]
        for interface in subnet.ec2_backend.enis.values()
        if interface.subnet is subnet
        for address in interface.private_ip_addresses
    }


def check(subnet: Any, address: str) -> None:
    """Raise what AWS answers where ``address`` can't be given to an interface in ``subnet``."""
    try:
        wanted = ipaddress.IPv4Address(address)
    except ValueError:
        raise AwsError("InvalidParameterValue", f"invalid value for parameter address: {address}") from None
    if wanted not in subnet.cidr:
        raise AwsError("InvalidParameterValue", f"Address {address} does not fall within the subnet's address range")
    if int(wanted) - int(subnet.cidr.network_address) < 4 or wanted == subnet.cidr.broadcast_address:
        raise AwsError("InvalidParameterValue", f"Address {address} is in subnet's reserved address range")
    if address in taken(subnet):
        raise AwsError("InvalidIPAddress.InUse", f"Address {address} is in use.")


def free(subnet: Any) -> str:
    """The lowest free address of ``subnet``; AWS draws one at random."""
    used = taken(subnet)
    reserved = {str(address) for address in subnet._reserved_ips}
    last = subnet.cidr.num_addresses - 1
    for offset in range(4, last):
        address = str(subnet.cidr[offset])
        if address not in used and address not in reserved:
            return address
    raise AwsError("InsufficientFreeAddressesInSubnet", f"There are not enough free addresses in subnet '{subnet.id}'.")


_SIZING = "https://docs.aws.amazon.com/vpc/latest/userguide/subnet-sizing.html"


@patch(
    "chosen-private-address-is-checked",
    rule="A chosen private address must lie in the subnet, be none of its five reserved ones, and be free.",
    source=_SIZING,
    hook="moto.ec2.models.subnets:Subnet.request_ip",
    parameters="self ip instance",
)
def _request(_: Any) -> Any:
    def request_ip(self: Any, ip: str, instance: Any) -> None:
        check(self, ip)

    return request_ip


@patch(
    "given-private-address-is-free",
    rule="An interface is given an address of its subnet that no other interface has.",
    source=_SIZING,
    hook="moto.ec2.models.subnets:Subnet.get_available_subnet_ip",
    parameters="self instance",
)
def _available(_: Any) -> Any:
    def get_available_subnet_ip(self: Any, instance: Any) -> str:
        return free(self)

    return get_available_subnet_ip


def _goes_with_its_address(backend: Any, interface: Any) -> bool:
    """Whether an association ends with its address: that of an instance in the default VPC does."""
    return interface.instance is not None and backend.vpcs[interface.vpc_id].is_default is True


@patch(
    "released-address-must-be-unused",
    rule="ReleaseAddress refuses an Elastic IP address that is associated, unless it is with an instance in the "
    "default VPC: then it disassociates the address first.",
    source="https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_ReleaseAddress.html",
    hook="moto.ec2.models.elastic_ip_addresses:ElasticAddressBackend.release_address",
    parameters="self address allocation_id",
)
def _release(original: Any) -> Any:
    def release_address(self: Any, address: str | None = None, allocation_id: str | None = None) -> None:
        for each in self.addresses:
            named = each.allocation_id == allocation_id or each.public_ip == address
            if named and each.association_id and not _goes_with_its_address(self, each.eni):
                raise AwsError("InvalidIPAddress.InUse", f"Address {each.public_ip} is in use.")
        original(self, address, allocation_id)

    return release_address
