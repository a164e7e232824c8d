"""A packet as a router, a security group or a network ACL sees it, and the protocols' numbers and names.

Everyone makes packets with `echo_request`, `tcp` and `udp`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from ipaddress import IPv4Address, IPv6Address, ip_address

from labkit.errors import PacketError

Address = IPv4Address | IPv6Address

ICMP, TCP, UDP, ICMPV6 = 1, 6, 17, 58

#: IANA's protocol numbers and names, of those that the lab sends or filters.
PROTOCOL_NAMES = {ICMP: "ICMP", TCP: "TCP", UDP: "UDP", ICMPV6: "ICMPv6"}

#: Type and code of an echo request and of its reply: RFC 792 for ICMP, RFC 4443 for ICMPv6.
_ECHO_TYPES = {ICMP: (8, 0), ICMPV6: (128, 129)}

#: The first port that Linux picks for a client: net.ipv4.ip_local_port_range is 32768-60999.
FIRST_EPHEMERAL_PORT = 32768


@dataclass(frozen=True, slots=True)
class Packet:
    """The addresses, protocol and ports of one packet.

    Attributes:
        src: The source address.
        dst: The destination address, of the same IP version.
        protocol: IANA's protocol number: 1 ICMP, 6 TCP, 17 UDP, 58 ICMPv6.
        src_port: The source port, 0 where the protocol has no ports.
        dst_port: The destination port, 0 where the protocol has no ports.
        icmp_type: The ICMP type, None where the protocol is not ICMP.
        icmp_code: The ICMP code, None where the protocol is not ICMP.

    Raises:
        PacketError: The addresses are not of the same IP version.

    >>> print(echo_request("10.1.15.80", "10.2.0.126"))
    ICMP echo request 10.1.15.80 → 10.2.0.126
    """

    src: Address
    dst: Address
    protocol: int
    src_port: int = 0
    dst_port: int = 0
    icmp_type: int | None = None
    icmp_code: int | None = None

    def __post_init__(self) -> None:
        if self.src.version != self.dst.version:
            raise PacketError(
                f"A packet goes between two IPv4 addresses or two IPv6 ones, not from {self.src} to {self.dst}. "
                "Use addresses of the same version."
            )

    def reply(self) -> Packet:
        """Return the packet that answers this one: addresses and ports swapped, an echo reply to an echo request.

        >>> print(tcp("10.1.15.80", "10.2.0.126", 80).reply())
        TCP 10.2.0.126:80 → 10.1.15.80:32768
        """
        request, answer = _ECHO_TYPES.get(self.protocol, (None, None))
        return Packet(
            src=self.dst,
            dst=self.src,
            protocol=self.protocol,
            src_port=self.dst_port,
            dst_port=self.src_port,
            icmp_type=answer if self.icmp_type == request else self.icmp_type,
            icmp_code=self.icmp_code,
        )

    def with_ends(self, src: Address | None = None, dst: Address | None = None) -> Packet:
        """Return the packet with another source or destination address, as after address translation."""
        return replace(self, src=src or self.src, dst=dst or self.dst)

    @property
    def what(self) -> str:
        """The kind of packet in a few words, such as `TCP to port 80`."""
        name = protocol_name(self.protocol)
        if self.protocol in _ECHO_TYPES:
            request, answer = _ECHO_TYPES[self.protocol]
            kinds = {request: "echo request", answer: "echo reply", None: "packet"}
            return f"{name} {kinds.get(self.icmp_type, f'type {self.icmp_type}')}"
        return f"{name} to port {self.dst_port}" if self.dst_port else name

    def __str__(self) -> str:
        if self.protocol in (TCP, UDP):
            return f"{PROTOCOL_NAMES[self.protocol]} {_end(self.src, self.src_port)} → {_end(self.dst, self.dst_port)}"
        return f"{self.what} {self.src} → {self.dst}"


def protocol_name(protocol: int) -> str:
    """Return the name of a protocol by IANA's number, such as `TCP`; `protocol 47` where labkit has no name for it."""
    return PROTOCOL_NAMES.get(protocol, f"protocol {protocol}")


def echo_request(src: Address | str, dst: Address | str) -> Packet:
    """Return what `ping` sends: an ICMP echo request, or an ICMPv6 one between IPv6 addresses.

    Args:
        src: The sender's address.
        dst: The receiver's address.

    Raises:
        PacketError: One of them is no IP address, or they are not of the same IP version.

    >>> echo_request("10.1.15.80", "10.2.0.126").icmp_type
    8
    """
    source, destination = _address(src), _address(dst)
    protocol = ICMP if destination.version == 4 else ICMPV6
    return Packet(source, destination, protocol, icmp_type=_ECHO_TYPES[protocol][0], icmp_code=0)


def tcp(src: Address | str, dst: Address | str, dst_port: int, src_port: int = FIRST_EPHEMERAL_PORT) -> Packet:
    """Return a TCP segment from a client to a server.

    Args:
        src: The client's address.
        dst: The server's address.
        dst_port: The server's port, from 0 to 65535.
        src_port: The client's port, from 0 to 65535.

    Raises:
        PacketError: One of them is no IP address or no port, or the addresses are not of the same IP version.
    """
    return Packet(_address(src), _address(dst), TCP, _port(src_port), _port(dst_port))


def udp(src: Address | str, dst: Address | str, dst_port: int, src_port: int = FIRST_EPHEMERAL_PORT) -> Packet:
    """Return a UDP datagram from a client to a server.

    Args:
        src: The client's address.
        dst: The server's address.
        dst_port: The server's port, from 0 to 65535.
        src_port: The client's port, from 0 to 65535.

    Raises:
        PacketError: One of them is no IP address or no port, or the addresses are not of the same IP version.
    """
    return Packet(_address(src), _address(dst), UDP, _port(src_port), _port(dst_port))


def _address(value: Address | str) -> Address:
    try:
        return ip_address(value)
    except ValueError:
        sentence = f"{value!r} is not an IP address. Write it as four numbers from 0 to 255, like 10.2.0.126."
        raise PacketError(sentence) from None


def _port(value: int) -> int:
    if not 0 <= value <= 65535:
        raise PacketError(f"{value} is not a port: ports run from 0 to 65535.")
    return value


def _end(address: Address, port: int) -> str:
    return f"{address}:{port}" if address.version == 4 else f"[{address}]:{port}"
