"""From what a person calls the two ends of a path to the packet between them, and from a packet to its sender.

`Network.trace_between` and `labkit.network.trace` call this.
"""

from __future__ import annotations

from ipaddress import ip_address

from labkit.errors import NetworkError, PacketError
from labkit.network.addresses import is_public
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
    dst = _address(network, destination)
    src = _own_address(sender, dst) if sender else ip_address(source)
    if protocol == "icmp":
        return echo_request(src, dst), sender.id if sender else None
    if protocol not in ("tcp", "udp"):
        raise PacketError(f"{protocol!r} is not a protocol that labkit sends: use 'icmp', 'tcp' or 'udp'.")
    if port is None:
        raise PacketError(f"A {protocol.upper()} packet goes to a port: give one, such as port=22.")
    return (tcp if protocol == "tcp" else udp)(src, dst, port), sender.id if sender else None


def sender_of(network: Topology, packet: Packet, start: str | None) -> Interface | None:
    """Return the interface that sends a packet, or None where a host on the internet does.

    Args:
        network: Where the packet is sent.
        packet: The packet.
        start: The id of the interface that sends it, or None to find it by the source address.

    Raises:
        NetworkError: `start` is unknown, or no interface or more than one can send the packet.
    """
    if start is not None:
        if start not in network.interfaces:
            raise NetworkError(f"There is no network interface {start!r} in this network, so nothing can send from it.")
        return network.interfaces[start]
    found = network.interfaces_with(packet.src)
    if len(found) > 1:
        ids = ", ".join(f"{interface.id} in {network.name(interface.vpc)}" for interface in found)
        raise NetworkError(
            f"{packet.src} is the address of several interfaces: {ids}. Say which one sends, with start=."
        )
    if found:
        return found[0]
    paired = network.public_interface(packet.src)
    if paired:
        raise NetworkError(
            f"{packet.src} is the public address of {paired[0].name}. An instance sends from its private address: "
            f"use {paired[1]} as the source."
        )
    if not is_public(packet.src):
        raise NetworkError(
            f"No interface has the address {packet.src}, and no host on the internet can have it either: "
            "use the address of an instance, or a public one."
        )
    for vpc in network.vpcs.values():
        if any(packet.src in cidr for cidr in vpc.cidrs):
            raise NetworkError(f"No interface has the address {packet.src}, which belongs to {vpc.name}.")
    return None


def _interface(network: Topology, end: str) -> Interface | None:
    """The interface that an end stands for; None where it is an address outside the network."""
    try:
        return network.interface_of(end)
    except NetworkError:
        if _is_address(end) and not any(ip_address(end) in cidr for vpc in network.vpcs.values() for cidr in vpc.cidrs):
            return None
        raise


def _address(network: Topology, end: str) -> Address:
    return ip_address(end) if _is_address(end) else network.interface_of(end).primary


def _own_address(interface: Interface, destination: Address) -> Address:
    """The address from which an interface sends to a destination: of the same IP version."""
    found = next((address for address in interface.addresses if address.version == destination.version), None)
    if found is None:
        version = destination.version
        raise NetworkError(f"{interface.name} has no IPv{version} address, so it cannot send to {destination}.")
    return found


def _is_address(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        return False
    return True
