"""Find the packet between two ends that a person names by name, id or address, for `Network.trace_between`."""

from __future__ import annotations

from ipaddress import ip_address

from labkit.errors import NetworkError, PacketError
from labkit.network.packet import Address, Packet, echo_request, tcp, udp
from labkit.network.parts import Interface
from labkit.network.topology import Topology


def packet_between(
    network: Topology, source: str, destination: str, protocol: str = "icmp", port: int | None = None
) -> tuple[Packet, str | None]:
    """Return the packet from one end to the other, and the id of the interface that sends it (None for the internet).

    Args:
        network: Where the ends are.
        source: The sender's name, id or address.
        destination: The receiver's. An instance's name or id means its private address.
        protocol: `icmp`, `tcp` or `udp`.
        port: The destination's port, needed for TCP and UDP.

    Raises:
        NetworkError: An end is not there, or is not the only one.
        PacketError: The protocol is not known, or the port is missing.
    """
    if port is not None and not isinstance(port, int):
        raise PacketError(f"{port!r} is not a port: give a number, such as port=22.")
    sender = _interface(network, source)
    dst = _parsed(destination) or network.interface_of(destination).primary
    src = _own_address(sender, dst) if sender else ip_address(source)
    if protocol == "icmp":
        return echo_request(src, dst), sender.id if sender else None
    if protocol not in ("tcp", "udp"):
        raise PacketError(f"{protocol!r} is not a protocol that labkit sends: use 'icmp', 'tcp' or 'udp'.")
    if port is None:
        raise PacketError(f"A {protocol.upper()} packet goes to a port: give one, such as port=22.")
    return (tcp if protocol == "tcp" else udp)(src, dst, port), sender.id if sender else None


def _interface(network: Topology, end: str) -> Interface | None:
    """The interface that an end names; None where it is an address outside the network."""
    try:
        return network.interface_of(end)
    except NetworkError:
        address = _parsed(end)
        if address and not any(address in cidr for vpc in network.vpcs.values() for cidr in vpc.cidrs):
            return None
        raise


def _own_address(interface: Interface, destination: Address) -> Address:
    """The address from which an interface sends to a destination: of the same IP version."""
    found = next((address for address in interface.addresses if address.version == destination.version), None)
    if found is None:
        version = destination.version
        raise NetworkError(f"{interface.name} has no IPv{version} address, so it cannot send to {destination}.")
    return found


def _parsed(end: str) -> Address | None:
    try:
        return ip_address(end)
    except ValueError:
        return None
