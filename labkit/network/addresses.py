"""Which addresses mean something of their own: private ones, link-local ones, and the services inside every VPC."""

from __future__ import annotations

from ipaddress import ip_address, ip_network

from labkit.network.model import Network
from labkit.network.packet import Address
from labkit.network.parts import Cidr

_RFC1918: list[Cidr] = [ip_network(cidr) for cidr in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16")]
_RFC6598 = ip_network("100.64.0.0/10")
_RFC4193 = ip_network("fc00::/7")

#: The Amazon DNS server, instance metadata, the time service and Windows activation: the instance's host answers.
_HOST_SERVICES = {
    ip_address(address)
    for address in (
        "169.254.169.253", "169.254.169.254", "169.254.169.123", "169.254.169.250", "169.254.169.251",
        "fd00:ec2::253", "fd00:ec2::254", "fd00:ec2::123", "fd00:ec2::250", "fd00:ec2::251",
    )
}  # fmt: skip


def is_public(address: Address) -> bool:
    """Whether a host on the internet may have this address."""
    return gateway_refusal(address) is None


def gateway_refusal(address: Address) -> tuple[str, str] | None:
    """Why an internet gateway carries no packet to an address: the code and the words, or None where it does.

    https://docs.aws.amazon.com/vpc/latest/reachability/explanation-codes.html
    """
    if address in _RFC4193 or any(address in cidr for cidr in _RFC1918):
        return "IGW_DESTINATION_ADDRESS_NOT_IN_RFC1918_EGRESS", "a private address"
    if address in _RFC6598:
        return "IGW_DESTINATION_ADDRESS_NOT_IN_RFC6598_EGRESS", "a shared address (RFC 6598)"
    if address.is_link_local or address.is_loopback or address.is_unspecified:
        return "NO_POSSIBLE_DESTINATION", "an address without meaning beyond one host or link"
    if address.is_multicast or address.is_reserved:
        return "NO_POSSIBLE_DESTINATION", "which is no host on the internet"
    return None


def is_reserved(network: Network, vpc: str, address: Address) -> bool:
    """Whether AWS keeps an address of a VPC's subnets for itself."""
    subnet = network.subnet_at(vpc, address)
    return subnet is not None and subnet.is_reserved(address)


def is_captured(network: Network, vpc: str, address: Address) -> bool:
    """Whether flow logs record packets that a VPC's interfaces send to an address.

    Not those to the Amazon DNS server, instance metadata, the time service, Windows activation and the VPC's router.
    https://docs.aws.amazon.com/vpc/latest/userguide/flow-logs-limitations.html
    """
    if address in _HOST_SERVICES or address == network.vpcs[vpc].dns_server:
        return False
    subnet = network.subnet_at(vpc, address)
    return subnet is None or address != subnet.router
