"""What the interfaces saw, gathered into the windows of a flow log.

A record counts the packets of one flow, in one direction, at one interface, in one aggregation window.
https://docs.aws.amazon.com/vpc/latest/userguide/flow-logs-basics.html
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache

from labkit.flowlogs.format import Format
from labkit.network import Packet, Sighting


@dataclass(frozen=True, slots=True)
class FlowLog:
    """A flow log, as far as capture and delivery need it. `interval` is in seconds."""

    id: str
    resource: str
    traffic_type: str
    interval: int
    format: Format
    log_group: str
    role_arn: str

    def wants(self, action: str) -> bool:
        """Whether its traffic type asks for records with this action (`ACCEPT` or `REJECT`)."""
        return self.traffic_type in ("ALL", action)


@dataclass(frozen=True, slots=True)
class Flow:
    """What the packets of one record have in common."""

    interface: str
    direction: str
    action: str
    packet: Packet
    original: Packet
    target: str | None


@dataclass(slots=True)
class Count:
    """What a record counts of a flow. Times are in seconds since the epoch; `tcp_flags` are OR-ed."""

    packets: int = 0
    bytes: int = 0
    first: float = 0.0
    last: float = 0.0
    tcp_flags: int = 0

    def add(self, at: float, length: int, tcp_flags: int) -> None:
        # Not always in order of time: an answer is counted at once, for the moment at which it will be there.
        self.first = min(self.first, at) if self.packets else at
        self.last = max(self.last, at)
        self.packets += 1
        self.bytes += length
        self.tcp_flags |= tcp_flags


@dataclass(frozen=True, slots=True)
class Window:
    """A closed window of one interface: from `start` to `end`, in seconds since the epoch, and its flows."""

    interface: str
    start: int
    end: int
    flows: tuple[tuple[Flow, Count], ...]


class Capture:
    """The open windows of one flow log.

    Each interface has windows of its own, `interval` seconds long, that begin at a moment of its own (modelled: AWS's
    do not begin on the minute either). So a packet falls into exactly one window.
    """

    def __init__(self, interval: int) -> None:
        self.interval = interval
        self._open: dict[tuple[str, int], dict[Flow, Count]] = {}
        self._next: dict[str, int] = {}  # interface → the number of its first window that is not yet closed

    def watch(self, interface: str, since: float) -> None:
        """Record an interface from a moment on, so that a window without traffic is noticed."""
        self._next.setdefault(interface, self._number(interface, since))

    def see(self, sighting: Sighting, at: float, length: int, tcp_flags: int = 0) -> None:
        """Count one packet of `length` bytes that an interface saw at a moment."""
        # ICMP's type and code are not in a record: an echo and its reply differ only in direction.
        packet = _without_icmp_type(sighting.packet)
        original = _without_icmp_type(sighting.original)
        flow = Flow(sighting.interface, sighting.direction, sighting.action, packet, original, sighting.target)
        number = self._number(sighting.interface, at)
        self._open.setdefault((sighting.interface, number), {}).setdefault(flow, Count()).add(at, length, tcp_flags)
        self._next.setdefault(sighting.interface, number)

    def close(self, before: float, present: Iterable[str]) -> Iterator[Window]:
        """Yield, oldest first, the windows that ended at or before a moment; those of interfaces not `present` only
        where they saw traffic.
        """
        closed: list[Window] = []
        still_there = set(present)
        for interface, first in list(self._next.items()):
            end = self._number(interface, before)
            for number in range(first, end):
                flows = self._open.pop((interface, number), {})
                if flows or interface in still_there:
                    start = self._start(interface, number)
                    closed.append(Window(interface, start, start + self.interval, tuple(flows.items())))
            self._next[interface] = max(first, end)
            if interface not in still_there and not any(key[0] == interface for key in self._open):
                del self._next[interface]
        yield from sorted(closed, key=lambda window: (window.end, window.interface))

    def next_end(self) -> float:
        """When the first of the open windows ends, in seconds since the epoch; infinity where there is none."""
        ends = (self._start(interface, number) + self.interval for interface, number in self._next.items())
        return min(ends, default=float("inf"))

    def last_end(self, at: float) -> float | None:
        """When the last of the windows ends that a moment falls into; None where no interface is watched."""
        return max((self.end_of_window(interface, at) for interface in self._next), default=None)

    def end_of_window(self, interface: str, at: float) -> float:
        """When the window ends that a moment falls into."""
        return self._start(interface, self._number(interface, at)) + self.interval

    def _number(self, interface: str, at: float) -> int:
        return int((at - _offset(interface, self.interval)) // self.interval)

    def _start(self, interface: str, number: int) -> int:
        return number * self.interval + _offset(interface, self.interval)


@cache
def _offset(interface: str, interval: int) -> int:
    return int.from_bytes(hashlib.sha256(interface.encode()).digest()[:4]) % interval


def _without_icmp_type(packet: Packet) -> Packet:
    return Packet(packet.src, packet.dst, packet.protocol, packet.src_port, packet.dst_port)
