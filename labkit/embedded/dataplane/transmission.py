"""What one host puts on the wire and what comes of it: the message between an instance's tools and the data plane.

Lengths are those of IP packets, in bytes. TCP's are those of Linux: 60 for a SYN or SYN-ACK with timestamps over IPv4,
52 for a bare ACK or FIN, 40 for a reset; IPv6 adds 20.
"""

from __future__ import annotations

from dataclasses import dataclass

from labkit.network.packet import Packet

#: Bits of the TCP header (RFC 9293, section 3.1). They are passed as they are on the wire; a flow log reports fewer.
FIN, SYN, RST, PSH, ACK = 1, 2, 4, 8, 16

#: Amazon Linux 2023 sets net.ipv4.ip_default_ttl to 127; neither the VPC's router nor a peering connection lowers it.
DEFAULT_TTL = 127

_HANDSHAKE, _HANDSHAKE_WITHOUT_TIMESTAMPS, _BARE, _RESET = 60, 52, 52, 40


@dataclass(frozen=True, slots=True)
class Reply:
    """One packet that the far end sends back if it gets the packet that this answers.

    Its addresses, ports and type are those of `Packet.reply()`, unless it is an ICMP error.

    Attributes:
        length: The length of the IP packet, in bytes.
        flags: The bits of the TCP header.
        icmp: The type and code of an ICMP error that answers a TCP or UDP packet, such as (3, 3), port unreachable
            (RFC 792), or None.
    """

    length: int
    flags: int = 0
    icmp: tuple[int, int] | None = None


@dataclass(frozen=True, slots=True)
class Transmission:
    """One packet that a host sends, and what the far end would answer.

    Attributes:
        packet: The packet's addresses, protocol and ports.
        length: The length of the IP packet, in bytes.
        flags: The bits of the TCP header.
        ttl: The time to live. The packet is lost where it is not greater than the number of routers that lower it.
        replies: What the far end sends back if the packet arrives, in order; none where the packet asks for none.
    """

    packet: Packet
    length: int
    flags: int = 0
    ttl: int = DEFAULT_TTL
    replies: tuple[Reply, ...] = ()


@dataclass(frozen=True, slots=True)
class Exchange:
    """What the sender of a transmission gets back.

    Attributes:
        replied: Whether a reply came back.
        round_trip: Seconds from the packet to its reply; 0 without a reply.
        ttl: The reply's time to live as received; 0 without a reply.
    """

    replied: bool = False
    round_trip: float = 0.0
    ttl: int = 0


def tcp_segment(packet: Packet, flags: int, data: int = 0, *replies: Reply) -> Transmission:
    """Make a segment as Linux sends it with timestamps; a SYN has more options than the others."""
    length = _HANDSHAKE if flags & SYN else _BARE + data
    return Transmission(packet, _ip_length(packet, length), flags, replies=replies)


def tcp_reply(packet: Packet, flags: int, data: int = 0) -> Reply:
    """Make the far end's segment on a connection that is open."""
    return Reply(_ip_length(packet, _BARE + data), flags)


def syn_reply(packet: Packet, listens: bool, timestamps: bool = True) -> Reply:
    """Make Linux's answer to a SYN: a SYN-ACK where something listens at the port, else a reset.

    Args:
        packet: The SYN.
        listens: Whether something listens at its destination.
        timestamps: Whether the SYN offers timestamps; a scanner's does not.
    """
    if not listens:
        return Reply(_ip_length(packet, _RESET), RST | ACK)
    return Reply(_ip_length(packet, _HANDSHAKE if timestamps else _HANDSHAKE_WITHOUT_TIMESTAMPS), SYN | ACK)


def port_unreachable(packet: Packet, length: int) -> Reply:
    """Make Linux's answer to a datagram for a port at which nothing listens.

    It quotes the whole datagram, of `length` bytes, behind the IP and ICMP headers (RFC 792, RFC 4443).
    """
    return Reply(_ip_length(packet, 28) + length, icmp=(3, 3) if packet.dst.version == 4 else (1, 4))


def _ip_length(packet: Packet, ipv4: int) -> int:
    return ipv4 if packet.dst.version == 4 else ipv4 + 20
