"""Public IPv4 addresses: where AWS takes them from, and which Elastic IP addresses it refuses to release."""

from __future__ import annotations

import ipaddress
from typing import Any

from labkit.embedded.api.patches import EC2_API, VPC_GUIDE, check, patch
from labkit.embedded.api.refusals import AwsError

#: Blocks that AWS publishes for EC2 in us-east-1: https://ip-ranges.amazonaws.com/ip-ranges.json. They have 32 million
#: addresses: that one is drawn twice in a lab of a hundred has a chance of one in ten thousand.
_PUBLIC_BLOCKS = tuple(
    ipaddress.IPv4Network(block)
    for block in ("3.80.0.0/12", "3.208.0.0/12", "18.204.0.0/14", "34.192.0.0/12", "44.192.0.0/11", "54.160.0.0/13")
)


def random_public_address() -> str:
    """Return an address of EC2's in us-east-1, never one that ends like a network's own or its broadcast address."""
    from moto.moto_api._internal import mock_random

    block = _PUBLIC_BLOCKS[mock_random.randrange(len(_PUBLIC_BLOCKS))]
    while True:
        candidate = block[mock_random.randrange(block.num_addresses)]
        if candidate.packed[3] not in (0, 255):
            return str(candidate)


@patch(
    "elastic-addresses-are-ec2s",
    rule="An Elastic IP address comes from EC2's published ranges in its region, never from 127.0.0.0/8.",
    source=f"{VPC_GUIDE}aws-ip-ranges.html",
    hook="moto.ec2.models.elastic_ip_addresses:random_ip",
)
def _random_ip(_: Any) -> Any:
    return random_public_address


@check(
    "released-address-must-be-unused",
    rule="ReleaseAddress refuses an Elastic IP address that is associated, unless it is with an instance in the "
    "default VPC: then it disassociates the address first.",
    source=f"{EC2_API}API_ReleaseAddress.html",
    hook="moto.ec2.models.elastic_ip_addresses:ElasticAddressBackend.release_address",
)
def _release(self: Any, given: dict[str, Any]) -> None:
    for each in self.addresses:
        named = each.allocation_id == given["allocation_id"] or each.public_ip == given["address"]
        if named and each.association_id:
            in_default_vpc = each.eni.instance is not None and self.vpcs[each.eni.vpc_id].is_default is True
            if not in_default_vpc:
                raise AwsError("InvalidIPAddress.InUse", f"Address {each.public_ip} is in use.")
