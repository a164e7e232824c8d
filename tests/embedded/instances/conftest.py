"""A world of two instances and the internet, for the shell's tests: it says what the network would, and keeps a log."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv4Network, IPv6Address, ip_address

import pytest

from labkit.embedded.instances import (
    Answer,
    Exchange,
    Host,
    PathKind,
    Result,
    Service,
    on_instance,
    on_internet,
    run,
    timing,
)
from labkit.network.packet import Address, Packet

START = 1764772860.0  # 3 December 2025, 14:41 UTC
PEER, PEER_PUBLIC = ip_address("10.2.0.126"), ip_address("52.90.1.2")
PEER_NAME = "ip-10-2-0-126.ec2.internal"
COMMAND_ID = "11111111-2222-4333-8444-555555555555"


@dataclass(frozen=True)
class Sent:
    """One packet that left the host, and what answered it."""

    at: float
    packet: Packet
    length: int
    flags: int
    ttl: int
    answers: tuple[Answer, ...]


@dataclass
class World:
    """The instance 10.1.15.80, peered with 10.2.0.126 (also at 52.90.1.2).

    `silent` are addresses that never answer; `lost` are the numbers, from 0, of packets that get no answer.
    """

    silent: tuple[str, ...] = ()
    lost: tuple[int, ...] = ()
    names: dict[str, str] = field(default_factory=dict)
    ipv6: IPv6Address | None = None
    time: float = START
    sent: list[Sent] = field(default_factory=list)
    answered: Counter[tuple[Address, int]] = field(default_factory=Counter)

    instance_id: str = "i-0a1b2c3d4e5f60718"
    interface_id: str = "eni-01ab329f120ebcf5"
    interface_mac: str = "06:e6:fc:f5:ba:77"
    hostname: str = "ip-10-1-15-80.ec2.internal"
    address: IPv4Address = field(default_factory=lambda: IPv4Address("10.1.15.80"))
    subnet: IPv4Network = field(default_factory=lambda: IPv4Network("10.1.0.0/20"))
    dns_server: IPv4Address = field(default_factory=lambda: IPv4Address("10.1.0.2"))

    def now(self) -> float:
        return self.time

    def sleep(self, seconds: float) -> None:
        assert seconds >= 0
        self.time += seconds

    def resolve(self, name: str) -> Address | None:
        return ip_address(self.names[name]) if name in self.names else None

    def reverse(self, address: Address) -> str | None:
        return PEER_NAME if address == PEER else None

    def service(self, address: Address, protocol: int, port: int) -> Service | None:
        if address in (PEER, PEER_PUBLIC):
            return on_instance(PEER_NAME, protocol, port)
        return on_internet(str(address), protocol, port)

    def send(
        self, packet: Packet, length: int, flags: int = 0, *, ttl: int = 127, answers: tuple[Answer, ...] = ()
    ) -> Exchange:
        number = len(self.sent)
        self.sent.append(Sent(self.time, packet, length, flags, ttl, answers))
        kind: PathKind = "peering" if packet.dst == PEER else "public" if packet.dst == PEER_PUBLIC else "internet"
        if str(packet.dst) in self.silent or number in self.lost or ttl <= timing.hops(kind, packet.dst):
            return Exchange(False, False)
        if not answers:
            return Exchange(True, False)
        key = (packet.dst, packet.protocol)
        trip = timing.round_trip(kind, packet.src, packet.dst, packet.protocol, self.answered[key])
        self.answered[key] += 1
        return Exchange(True, True, packet.dst, trip, timing.reply_ttl(kind, packet.dst), None)


@dataclass(frozen=True)
class Played:
    """A script's result, the world it ran in, and how long it took there."""

    result: Result
    world: World
    took: float

    @property
    def out(self) -> str:
        return self.result.stdout

    @property
    def err(self) -> str:
        return self.result.stderr

    @property
    def code(self) -> int:
        return self.result.exit_code

    @property
    def sent(self) -> list[Sent]:
        return self.world.sent


Play = Callable[..., Played]


@pytest.fixture
def play() -> Play:
    """Run a script in a world of its own: `play("ping -c 1 10.2.0.126", silent=("10.2.0.126",))`."""

    def play(*lines: str, timeout: float = 3600.0, **world: object) -> Played:
        host = World(**world)  # type: ignore[arg-type]
        as_host: Host = host
        result = run(as_host, lines, command_id=COMMAND_ID, timeout=timeout)
        return Played(result, host, host.now() - START)

    return play
