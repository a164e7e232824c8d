"""Counts what interfaces saw, and gathers the counts into the aggregation windows of a flow log.

A record counts the packets of one flow, in one direction, at one interface, in one window. Times are in seconds since
the epoch, lengths in bytes.
https://docs.aws.amazon.com/vpc/latest/userguide/flow-logs-basics.html

When a packet came by is not kept: a record's start and end are those of its window (`flow_log_records`).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache

from labkit.embedded.dataplane.transmission import ACK, FIN, RST, SYN
from labkit.network import Packet, Sighting


@dataclass(frozen=True, slots=True)
class Flow:
    """What the packets of one record have in common.

    Attributes:
        interface: The id of the interface that saw them.
        direction: `ingress` or `egress`, seen from the interface.
        action: `ACCEPT` or `REJECT`.
        packet: A packet with the addresses of srcaddr and dstaddr.
        original: A packet with the addresses of pkt-srcaddr and pkt-dstaddr.
        target: The id of what the route sends them to, `local` inside a VPC, or None.
    """

    interface: str
    direction: str
    action: str
    packet: Packet
    original: Packet
    target: str | None


@dataclass(slots=True)
class Count:
    """What a record counts of a flow.

    Attributes:
        packets: How many there were.
        bytes: The sum of their lengths.
        tcp_flags: Their TCP flags, OR-ed.
    """

    packets: int = 0
    bytes: int = 0
    tcp_flags: int = 0

    def add(self, length: int, tcp_flags: int) -> None:
        """Count another packet."""
        self.packets += 1
        self.bytes += length
        self.tcp_flags |= tcp_flags


@dataclass(frozen=True, slots=True)
class Window:
    """A closed window of one interface.

    Attributes:
        interface: The interface's id.
        start: When the window began.
        end: When it ended; that second is not part of it.
        flows: The flows that the interface saw meanwhile, each with its count.
    """

    interface: str
    start: int
    end: int
    flows: tuple[tuple[Flow, Count], ...]


class Capture:
    """The open windows of one flow log.

    The windows of different interfaces begin at different moments (modeled: AWS's don't begin on the minute either). A
    packet falls into exactly one window.

    Args:
        interval: The length of a window, in seconds.
    """

    def __init__(self, interval: int) -> None:
        self.interval = interval
        self._open: dict[tuple[str, int], dict[Flow, Count]] = {}
        self._next: dict[str, int] = {}  # interface → the number of its first window that is not yet closed

    def watch(self, interface: str, since: float) -> None:
        """Record an interface from a moment on, so that its windows without traffic are closed too."""
        self._next.setdefault(interface, self._number(interface, since))

    def see(self, sighting: Sighting, at: float, length: int, tcp_flags: int = 0) -> None:
        """Count one packet that an interface saw.

        Args:
            sighting: The interface, the verdict and the packet.
            at: The moment.
            length: The length of the IP packet.
            tcp_flags: The bits of the TCP header, as on the wire.
        """
        # ICMP's type and code are not in a record: an echo and its reply differ only in direction.
        packet = _without_icmp_type(sighting.packet)
        original = _without_icmp_type(sighting.original)
        flow = Flow(sighting.interface, sighting.direction, sighting.action, packet, original, sighting.target)
        number = self._number(sighting.interface, at)
        flows = self._open.setdefault((sighting.interface, number), {})
        flows.setdefault(flow, Count()).add(length, _recorded(tcp_flags))
        self._next.setdefault(sighting.interface, number)

    def close(self, before: float, present: Iterable[str]) -> Iterator[Window]:
        """Close the windows that ended at or before a moment.

        Args:
            before: The moment.
            present: The interfaces that are still there. The windows of others count only where they saw traffic.

        Yields:
            The windows, oldest first.
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
        """Return when the first of the open windows ends; infinity where there is none."""
        ends = (self._start(interface, number) + self.interval for interface, number in self._next.items())
        return min(ends, default=float("inf"))

    def last_end(self, at: float) -> float | None:
        """Return when the last of the windows ends that a moment falls into; None where no interface is watched."""
        return max((self.end_of_window(interface, at) for interface in self._next), default=None)

    def end_of_window(self, interface: str, at: float) -> float:
        """Return when the window of an interface ends that a moment falls into."""
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


def _recorded(flags: int) -> int:
    """The TCP flags as a record has them: FIN, SYN and RST, and ACK only together with SYN.

    https://docs.aws.amazon.com/vpc/latest/userguide/flow-log-records.html (tcp-flags)

    >>> _recorded(SYN), _recorded(SYN | ACK), _recorded(ACK)
    (2, 18, 0)
    """
    return flags & (FIN | SYN | RST) | (ACK if flags & SYN and flags & ACK else 0)
