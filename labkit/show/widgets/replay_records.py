"""Which interface sees a packet at which step of its way, and which flow log records tell of it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from labkit.network.model import Network
from labkit.network.path import Leg, Path, Sighting

#: https://docs.aws.amazon.com/vpc/latest/userguide/flow-log-records.html#flow-logs-default
_PACKETS, _FIELDS = 8, 14


@dataclass(frozen=True, slots=True)
class Seen:
    """What an interface sees of the packets of one flow in one direction, at step `at` of the whole way, from 0.

    `at` is None and `action` is empty where it would have seen them, had they come so far.
    """

    interface: str
    direction: str
    src: str
    dst: str
    action: str
    at: int | None

    def records(self, lines: Iterable[str], protocol: int, port: int) -> list[str]:
        """Those of the records that are of this flow; `port` is the server's, 0 where the protocol has none.

        A record names the sender before the receiver, in AWS's own formats.
        """
        wanted = {self.interface, self.src, self.dst, self.action, str(protocol), *([str(port)] if port else [])} - {""}
        found = []
        for line in lines:
            words = line.split()
            if wanted <= set(words) and words.index(self.src) < words.index(self.dst):
                found.append(line)
        return found


def packets_of(lines: Sequence[str]) -> int | None:
    """How many packets records count together; None where they are not in the default format."""
    rows = [line.split() for line in lines]
    if not all(len(row) == _FIELDS and row[_PACKETS].isdigit() for row in rows):
        return None
    return sum(int(row[_PACKETS]) for row in rows)


def seen_on(network: Network, path: Path) -> list[Seen]:
    """What the interfaces see of a packet and its reply, in order; then what those at the ends never see."""
    found: list[Seen] = []
    before = 0
    for leg in (path.forward, path.back):
        if leg:
            at = _steps(leg)
            found += [_seen(one, before + step) for one, step in zip(leg.sightings, at, strict=True)]
            before += len(leg.hops)
    known = {(one.interface, one.direction) for one in found}
    return found + [one for one in _expected(network, path) if (one.interface, one.direction) not in known]


def _seen(sighting: Sighting, at: int) -> Seen:
    packet = sighting.packet
    return Seen(sighting.interface, sighting.direction, str(packet.src), str(packet.dst), sighting.action, at)


def _steps(leg: Leg) -> list[int]:
    """At which hop each sighting of a leg is made: the interface's verdict is that of its last filter there."""
    found: list[int] = []
    start = 0
    for sighting in leg.sightings:
        here = [i for i, hop in enumerate(leg.hops) if i >= start and hop.interface == sighting.interface]
        at = here[0] if here else min(start, len(leg.hops) - 1)
        for i in here:
            if leg.hops[i].kind in ("security group", "network ACL") and i - at <= 1:
                at = i
        found.append(at)
        start = at + 1
    return found


def _expected(network: Network, path: Path) -> list[Seen]:
    """What the interfaces at the two ends see of a packet that is answered, all the way by private addresses."""
    ends = []
    for address in (path.packet.src, path.packet.dst):
        public = network.public_interface(address)
        ends.append(public[0] if public else next(iter(network.interfaces_with(address)), None))
    sender, receiver = ends
    src, dst = str(path.packet.src), str(path.packet.dst)
    found = []
    if sender:
        found.append(Seen(sender.id, "egress", src, dst, "", None))
    if receiver:
        own = str(receiver.primary)
        found += [Seen(receiver.id, "ingress", src, own, "", None), Seen(receiver.id, "egress", own, src, "", None)]
    if sender:
        found.append(Seen(sender.id, "ingress", dst, src, "", None))
    return found
