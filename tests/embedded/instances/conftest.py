"""A host for the shell's tests: the network beyond it is simple, and it keeps a log of what it sends."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from ipaddress import IPv4Address, IPv4Network, ip_address

import pytest

from labkit.embedded.clock import Clock
from labkit.embedded.dataplane import timing
from labkit.embedded.dataplane.timing import Distance
from labkit.embedded.dataplane.transmission import Exchange, Transmission
from labkit.embedded.instances.process import Process
from labkit.embedded.instances.services import Service, on_instance, on_internet
from labkit.embedded.instances.shell import Result, run
from labkit.network.packet import Address

START = 1764772860.0  # 3 December 2025, 14:41 UTC
PEER, PEER_PUBLIC = ip_address("10.2.0.126"), ip_address("52.90.1.2")
PEER_NAME = "ip-10-2-0-126.ec2.internal"
DISTANCES = {PEER: Distance.PEERED_VPC, PEER_PUBLIC: Distance.PUBLIC_ADDRESS}
COMMAND_ID = "11111111-2222-4333-8444-555555555555"


@dataclass(frozen=True)
class Sent(Transmission):
    """A packet that left the host, with the moment."""

    at: float = 0.0


@dataclass
class World(Process):
    """The instance 10.1.15.80, peered with 10.2.0.126 (also at 52.90.1.2).

    `silent` are addresses that never answer; `lost` are the numbers, from 0, of packets that get no answer.
    """

    clock: Clock = field(default_factory=lambda: Clock(datetime.fromtimestamp(START, UTC)))
    stop_at: float = START + 3600
    instance_id: str = "i-0a1b2c3d4e5f60718"
    interface_id: str = "eni-01ab329f120ebcf5"
    mac: str = "06:e6:fc:f5:ba:77"
    hostname: str = "ip-10-1-15-80.ec2.internal"
    address: IPv4Address = field(default_factory=lambda: IPv4Address("10.1.15.80"))
    subnet: IPv4Network = field(default_factory=lambda: IPv4Network("10.1.0.0/20"))
    dns_server: IPv4Address = field(default_factory=lambda: IPv4Address("10.1.0.2"))

    silent: tuple[str, ...] = ()
    lost: tuple[int, ...] = ()
    names: dict[str, str] = field(default_factory=dict)
    sent: list[Sent] = field(default_factory=list)
    answered: Counter[tuple[Address, int]] = field(default_factory=Counter)

    def look_up(self, name: str) -> Address | None:
        return ip_address(self.names[name]) if name in self.names else None

    def look_up_name(self, address: Address) -> str | None:
        return PEER_NAME if address == PEER else None

    def service(self, address: Address, protocol: int, port: int) -> Service | None:
        if address in (PEER, PEER_PUBLIC):
            return on_instance(PEER_NAME, protocol, port)
        return on_internet(str(address), protocol, port)

    def transmit(self, sent: Transmission) -> Exchange:
        number, packet = len(self.sent), sent.packet
        self.sent.append(Sent(packet, sent.length, sent.flags, sent.ttl, sent.replies, self.clock.time()))
        distance = DISTANCES.get(packet.dst, Distance.INTERNET)
        lost = str(packet.dst) in self.silent or number in self.lost
        if lost or sent.ttl <= timing.hops(distance, packet.dst) or not sent.replies:
            return Exchange()
        key = (packet.dst, packet.protocol)
        trip = timing.round_trip(distance, packet.src, packet.dst, packet.protocol, self.answered[key])
        self.answered[key] += 1
        return Exchange(True, trip, timing.reply_ttl(distance, packet.dst))


@dataclass(frozen=True)
class Played:
    """A script's result and its parts, what the host sent meanwhile, and how many seconds it took."""

    result: Result
    out: str
    err: str
    code: int
    took: float
    sent: list[Sent]


Play = Callable[..., Played]


@pytest.fixture
def play() -> Play:
    """Run a script in a new world: `play("ping -c 1 10.2.0.126", silent=("10.2.0.126",))`."""

    def play(*lines: str, timeout: float = 3600.0, **world: object) -> Played:
        process = World(stop_at=START + timeout, **world)  # type: ignore[arg-type]
        result = run(process, lines, COMMAND_ID)
        took = result.ended - result.started
        return Played(result, result.stdout, result.stderr, result.exit_code, took, process.sent)

    return play
