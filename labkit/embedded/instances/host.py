"""What an instance's tools see of the world, and what they give back: the boundary between the shell and the network.

The data plane implements `Host`; the tools in this package use nothing else. A tool says what it sends and what the
far end would answer; the data plane says what arrived, and records what each interface saw.
"""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address
from typing import Protocol

from labkit.embedded.instances.services import Service
from labkit.network.packet import Address, Packet

#: Bits of the TCP header (RFC 9293, section 3.1). They are passed as they are on the wire; a flow log reports fewer.
FIN, SYN, RST, PSH, ACK = 1, 2, 4, 8, 16

#: Amazon Linux 2023 sets net.ipv4.ip_default_ttl to 127; neither the VPC's router nor a peering connection lowers it.
DEFAULT_TTL = 127


@dataclass(frozen=True, slots=True)
class Answer:
    """One packet that the far end sends back, should it get the packet it answers.

    Parameters: `length` is the IP length in bytes; `flags` the TCP bits; `icmp` the type and code when a TCP or UDP
    packet is answered by an ICMP error, such as (3, 3), port unreachable (RFC 792). Otherwise the answer's addresses,
    ports and type are those of `Packet.reply()`.
    """

    length: int
    flags: int = 0
    icmp: tuple[int, int] | None = None


@dataclass(frozen=True, slots=True)
class Exchange:
    """What became of one packet and of its answers.

    Parameters: `delivered`, whether the packet reached its destination; `replied`, whether an answer came back;
    `reply_source`, the address the answer bears when it arrives; `round_trip` in seconds and `ttl` as received,
    both 0 without a reply; `delivered_to`, the instance's id, or None for a host on the internet.
    """

    delivered: bool
    replied: bool
    reply_source: Address | None = None
    round_trip: float = 0.0
    ttl: int = 0
    delivered_to: str | None = None


class Host(Protocol):
    """A running instance, as its own programs see it: its names and addresses, the time, the resolver and the wire."""

    @property
    def instance_id(self) -> str: ...

    @property
    def interface_id(self) -> str: ...

    @property
    def interface_mac(self) -> str: ...

    @property
    def hostname(self) -> str:
        """The private DNS name, such as `ip-10-1-15-80.ec2.internal`."""
        ...

    @property
    def address(self) -> IPv4Address:
        """The primary private IPv4 address."""
        ...

    @property
    def subnet(self) -> IPv4Network:
        """The subnet's IPv4 block."""
        ...

    @property
    def dns_server(self) -> IPv4Address:
        """The VPC's resolver: the network address of the VPC's primary block plus two."""
        ...

    @property
    def ipv6(self) -> IPv6Address | None: ...

    def now(self) -> float:
        """The virtual time, in seconds since 1970."""
        ...

    def sleep(self, seconds: float) -> None:
        """Let virtual time pass."""
        ...

    def resolve(self, name: str) -> Address | None:
        """The address of a name, from the VPC's resolver; None where there is no such name."""
        ...

    def reverse(self, address: Address) -> str | None:
        """The name of an address; None where the resolver has none."""
        ...

    def service(self, address: Address, protocol: int, port: int) -> Service | None:
        """What listens at that address and port; None where nothing does. Asking sends no packet."""
        ...

    def send(
        self, packet: Packet, length: int, flags: int = 0, *, ttl: int = DEFAULT_TTL, answers: tuple[Answer, ...] = ()
    ) -> Exchange:
        """Put one packet of `length` bytes (IP) on the wire now, and its answers a round trip later.

        The clock does not move: the tool sleeps for the round trip, or for as long as it waits in vain. A packet
        whose `ttl` is not greater than the number of routers on its way that lower it (`timing.hops`) is lost
        between them. Without `answers` the packet asks for none, and `replied` is False.
        """
        ...


@dataclass(frozen=True, slots=True)
class OutputLine:
    """What a command wrote at one moment.

    Parameters: `at` is the virtual time in seconds since 1970; `stream` is `stdout` or `stderr`; `text` is as
    written, with its line feed.
    """

    at: float
    stream: str
    text: str
