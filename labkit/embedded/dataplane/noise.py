"""Makes the background noise of the internet: scanners that try every public address sooner or later.

The data plane asks for it as time passes. Modeled: which ports are tried and how often is a rough picture of what
public honeypots report; the sources are a few addresses seen in published flow logs and others drawn at random from
public space. The times, sources and ports follow from a seed and the moment alone, so the same lab sees the same noise.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address

from labkit.embedded.dataplane.transmission import SYN, Reply, Transmission, port_unreachable, syn_reply
from labkit.network import Packet, echo_request, tcp, udp
from labkit.network.packet import ICMP, TCP

#: Mean seconds between two knocks at one address.
MEAN_GAP = 45.0

#: Noise is drawn in slots of this many seconds, each with its own random generator.
_SLOT = 15

#: Ports as scanners like them: SSH, Telnet, HTTP(S), SMB, RDP, databases, SIP, and some more. TCP, then UDP.
_TCP_PORTS = [22, 22, 23, 23, 80, 443, 445, 1433, 3306, 3389, 3389, 5432, 5900, 6379, 8080, 8443, 8728, 9200, 27017]
_UDP_PORTS = [53, 123, 161, 1900, 5060]

#: First octets under which every address is an ordinary public one.
_PUBLIC_FIRST_OCTETS = [
    *(5, 14, 20, 31, 35, 37, 45, 46, 58, 61, 64, 71, 77, 80, 85),
    *(87, 91, 94, 101, 103, 111, 117, 122, 139, 152, 162, 176, 185, 193, 213),
]

_SCANNERS = [IPv4Address(text) for text in ("20.65.136.10", "157.185.170.119")]


@dataclass(frozen=True, slots=True)
class Knock:
    """An unsolicited packet from the internet, sent once or several times in a row.

    Attributes:
        at: When it comes, in seconds since the epoch.
        packet: The packet.
        length: The length of the IP packet, in bytes.
        repeats: How many times it is sent.
    """

    at: float
    packet: Packet
    length: int
    repeats: int = 1

    def transmission(self, listens: bool) -> Transmission:
        """Return what the scanner sends, and what a host replies.

        Args:
            listens: Whether something listens at the packet's TCP port; nothing does at a UDP port.
        """
        if self.packet.protocol == TCP:
            flags, reply = SYN, syn_reply(self.packet, listens, timestamps=False)
        else:
            is_echo = self.packet.protocol == ICMP
            flags, reply = 0, Reply(self.length) if is_echo else port_unreachable(self.packet, self.length)
        return Transmission(self.packet, self.length, flags, replies=(reply,))


def knocks(address: IPv4Address, since: float, until: float) -> Iterator[Knock]:
    """Yield the knocks at a public address, in order of time.

    Args:
        address: The public address.
        since: The moment after which they come, in seconds since the epoch.
        until: The moment up to and at which they come.
    """
    for slot in range(int(since // _SLOT), int(until // _SLOT) + 1):
        generator = random.Random(f"noise/{address}/{slot}")
        if generator.random() < _SLOT / MEAN_GAP:
            knock = _knock(address, slot * _SLOT + generator.random() * _SLOT, generator)
            if since < knock.at <= until:
                yield knock


def _knock(address: IPv4Address, at: float, generator: random.Random) -> Knock:
    source = generator.choice(_SCANNERS) if generator.random() < 0.15 else _public_address(generator)
    kind = generator.random()
    port = generator.randrange(32768, 61000)
    if kind < 0.08:
        return Knock(at, echo_request(source, address), length=61, repeats=generator.choice([1, 4, 10]))
    make, ports, lengths = (udp, _UDP_PORTS, [28, 58, 64]) if kind < 0.2 else (tcp, _TCP_PORTS, [40, 44, 52, 60])
    return Knock(at, make(source, address, _pick(ports, generator), port), length=generator.choice(lengths))


def _pick(ports: Sequence[int], generator: random.Random) -> int:
    return generator.choice(ports) if generator.random() < 0.8 else generator.randrange(1, 65536)


def _public_address(generator: random.Random) -> IPv4Address:
    first = generator.choice(_PUBLIC_FIRST_OCTETS)
    return IPv4Address((first << 24) + generator.getrandbits(24))
