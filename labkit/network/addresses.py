"""Which addresses a host on the internet may have. `labkit.network.trace` asks at internet gateways."""

from __future__ import annotations

from ipaddress import ip_network

from labkit.network.outcomes import Outcome
from labkit.network.packet import Address
from labkit.network.parts import Cidr

_RFC1918: list[Cidr] = [ip_network(cidr) for cidr in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16")]
_RFC6598 = ip_network("100.64.0.0/10")
_RFC4193 = ip_network("fc00::/7")


def is_public(address: Address) -> bool:
    """Whether a host on the internet may have this address."""
    return gateway_refusal(address) is None


def gateway_refusal(address: Address) -> Outcome | None:
    """Return why an internet gateway carries no packet to an address, or None where it does.

    https://docs.aws.amazon.com/vpc/latest/reachability/explanation-codes.html
    """
    if address in _RFC4193 or any(address in cidr for cidr in _RFC1918):
        return Outcome.TO_PRIVATE_ADDRESS
    if address in _RFC6598:
        return Outcome.TO_SHARED_ADDRESS
    if address.is_link_local or address.is_loopback or address.is_unspecified:
        return Outcome.TO_LOCAL_ADDRESS
    if address.is_multicast or address.is_reserved:
        return Outcome.TO_NO_HOST
    return None
