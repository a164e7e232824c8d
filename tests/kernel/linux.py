"""Builder B: the network as namespaces of this machine's kernel, through which real packets go.

No fate depends on a time-out. A packet is answered, or a counter says where it was dropped; `_Flows.settled` holds once
every packet that was sent is accounted for.
"""

from __future__ import annotations

import errno
import socket
import struct
import time
from collections import defaultdict
from collections.abc import Callable, Iterable

from tests.kernel.counters import Count, read
from tests.kernel.description import OUTSIDE, TCP_OPEN, UDP_ECHO, Fate, Outcome, Probe, Records, Site
from tests.kernel.namespaces import Namespace, isolated
from tests.kernel.translate import World

#: Seconds after which a packet that is not accounted for is an error of the judge.
_PATIENCE = 30


def outcome(site: Site, public: dict[str, str]) -> Outcome:
    """Build the site, send its probes, and read what became of them. Needs root, and Linux."""
    with isolated():
        world = World(site, public)
        traffic = _Traffic(world)
        try:
            traffic.send()
            flows = traffic.settle()
        finally:
            traffic.close()
            world.close()
    return Outcome({p.sport: flows.fate(p, traffic.answers[p.sport]) for p in site.probes}, flows.records())


class _Traffic:
    """The sockets: servers on every host, and a client for each probe."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.answers: dict[int, int] = defaultdict(int)  # sport → answers that the client got
        self._sockets: list[socket.socket] = []
        self._echoes: list[socket.socket] = []
        self._clients: list[tuple[Probe, socket.socket]] = []
        self._echoed = 0
        for host in world.site.hosts:
            if host.running:
                self._serve(world.hosts[host.name], host.address, TCP_OPEN["inside"])
        for address in OUTSIDE:
            self._serve(world.internet, address, TCP_OPEN["outside"])

    def _serve(self, namespace: Namespace, address: str, tcp_ports: Iterable[int]) -> None:
        namespace.enter()
        for port in tcp_ports:  # the kernel accepts connections by itself
            self._socket(socket.SOCK_STREAM, 0, address, port).listen(128)
        self._echoes += [self._socket(socket.SOCK_DGRAM, 0, address, port) for port in UDP_ECHO]

    def _socket(self, kind: int, protocol: int, address: str, port: int) -> socket.socket:
        made = socket.socket(socket.AF_INET, kind, protocol)
        made.setblocking(False)
        made.bind((address, port))
        self._sockets.append(made)
        return made

    def send(self) -> None:
        """Send every probe; echo datagrams as they come."""
        addresses = {host.name: host.address for host in self.world.site.hosts}
        for probe in self.world.site.probes:
            outside = probe.source in OUTSIDE
            (self.world.internet if outside else self.world.hosts[probe.source]).enter()
            source = probe.source if outside else addresses[probe.source]
            kind, _, name = probe.destination.rpartition(":")
            end = (self.world.public[name] if kind else probe.destination, probe.port)
            if probe.protocol == "tcp":
                client = self._socket(socket.SOCK_STREAM, 0, source, probe.sport)
                client.connect_ex(end)
            elif probe.protocol == "udp":
                client = self._socket(socket.SOCK_DGRAM, 0, source, probe.sport)
                for _ in range(probe.count):
                    _allowed(lambda client=client, end=end, size=probe.size: client.sendto(b"x" * size, end))
            else:
                client = self._socket(socket.SOCK_RAW, socket.IPPROTO_ICMP, source, 0)
                for number in range(probe.count):
                    echo = _echo(probe.sport, number, probe.size)
                    _allowed(lambda client=client, end=end, echo=echo: client.sendto(echo, end))
            self._clients.append((probe, client))
            self._answer()

    def _answer(self) -> None:
        """The servers' part: send each datagram back."""
        for server in self._echoes:
            while (got := _received(server)) is not None:
                self._echoed += 1
                _allowed(lambda server=server, got=got: server.sendto(*got))

    def settle(self) -> _Flows:
        """Wait until every packet is accounted for."""
        end = time.monotonic() + _PATIENCE
        while True:
            self._answer()
            flows = _Flows(self.world)
            open_questions = flows.open_questions(self._echoed)
            if not open_questions:
                break
            assert time.monotonic() < end, f"packets are not accounted for: {open_questions}\n{self.world.site}"
        for probe, client in self._clients:
            self.answers[probe.sport] = _answers(probe, client)
        return flows

    def close(self) -> None:
        for each in self._sockets:
            each.close()


def _allowed(send: Callable[[], object]) -> None:
    """Send; the socket may be told at once that a group refuses the packet, or that no route leads there."""
    try:
        send()
    except OSError as error:
        if error.errno not in (errno.EPERM, errno.EINVAL, errno.ENETUNREACH):
            raise


def _received(server: socket.socket) -> tuple[bytes, tuple[str, int]] | None:
    try:
        return server.recvfrom(2048)
    except BlockingIOError:
        return None


def _echo(id: int, number: int, size: int) -> bytes:
    """An ICMP echo request (RFC 792)."""
    data = b"x" * size
    message = struct.pack("!BBHHH", 8, 0, 0, id, number) + data
    total = sum(struct.unpack(f"!{len(message) // 2}H", message))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return struct.pack("!BBHHH", 8, 0, ~total & 0xFFFF, id, number) + data


def _answers(probe: Probe, client: socket.socket) -> int:
    """How many answers a client's socket has got; a connection has one, also where it is a refusal."""
    if probe.protocol == "tcp":
        refused = client.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) == errno.ECONNREFUSED
        try:
            client.getpeername()
        except OSError:
            return int(refused)
        return 1
    found = 0
    while (got := _received(client)) is not None:
        # A raw socket also sees the requests that its host gets, and the answers to other probes.
        message = got[0]
        found += probe.protocol == "udp" or (message[20], struct.unpack("!H", message[24:26])[0]) == (0, probe.sport)
    return found


class _Flows:
    """Everything that the counters have counted, by where it was counted."""

    def __init__(self, world: World) -> None:
        self.site = world.site
        self._counts: dict[str, list[Count]] = {}
        for kind, namespaces in (("host", world.hosts), ("vpc", world.routers), ("igw", world.gateways)):
            for name, namespace in namespaces.items():
                self._counts[f"{kind}/{name}"] = read(namespace)
        self._counts["internet/"] = read(world.internet)
        self._packets: dict[tuple[int, bool], dict[str, int]] = defaultdict(lambda: defaultdict(int))
        for counts in self._counts.values():
            for count in counts:
                self._packets[count.probe, count.is_answer][count.point] += count.packets

    def _total(self, *points: str, protocol: str | None = None, answer: bool | None = None) -> int:
        return sum(
            count.packets
            for counts in self._counts.values()
            for count in counts
            if count.point in points and protocol in (None, count.protocol) and answer in (None, count.is_answer)
        )

    def open_questions(self, echoed: int) -> list[str]:
        """What has left one place and is not yet counted at the next, or has come and is not yet answered."""
        total = self._total
        balances = {
            "host to router": (total("sent"), total("same", "routed", "acl_out")),
            "router to itself": (total("local"), total("local_in")),
            "router to peer": (total("peered"), total("peer_in")),
            "router to gateway": (total("gateway"), total("from_vpc")),
            "gateway to internet": (total("to_net"), total("net_in")),
            "internet to gateway": (total("net_forward", "net_sent"), total("from_net")),
            "gateway to router": (total("to_vpc"), total("igw_in")),
            "router to host": (total("to_host"), total("got", "sg_in")),
            "datagrams echoed": (total("got", "net_got", protocol="udp", answer=False), echoed),
            "echoes answered": (
                total("got", "net_got", protocol="icmp", answer=False),
                total("sent", "sg_out", "net_sent", protocol="icmp", answer=True),
            ),
        }
        return [f"{where}: {here} and {there}" for where, (here, there) in balances.items() if here != there]

    def fate(self, probe: Probe, answers: int) -> Fate:
        """What became of a probe: its client knows whether it was answered, the counters how far it came."""
        there, back = self._packets[probe.sport, False], self._packets[probe.sport, True]
        reached = there["got"] + there["net_got"] > 0
        assert answers in (0, probe.count), f"some answers got lost, others not: {probe}"
        if answers:
            return Fate(reached, True, None)
        leg, seen = ("back", back) if reached else ("there", there)
        return Fate(reached, False, f"{leg} {_stop(seen)}")

    def records(self) -> Records:
        """What each host's interface saw, as a flow log would have it.

        A host counts what its groups let out or in and what they refuse. What the ACL of its subnet refuses, the router
        counts: outbound it is among what the host has let out, inbound the host doesn't see it.
        """
        found: dict[tuple[str, str, str, str, str, int, str, int], list[int]] = defaultdict(lambda: [0, 0])

        def add(host: str, direction: str, action: str, count: Count, sign: int = 1) -> None:
            ports = (0, 0) if count.protocol == "icmp" else (count.sport, count.dport)
            total = found[host, direction, action, count.protocol, count.source, ports[0], count.end, ports[1]]
            total[0] += sign * count.packets
            total[1] += sign * count.bytes

        points = {
            "sent": ("egress", "ACCEPT"), "sg_out": ("egress", "REJECT"),
            "got": ("ingress", "ACCEPT"), "sg_in": ("ingress", "REJECT"),
        }  # fmt: skip
        for place, counts in self._counts.items():
            kind, _, name = place.partition("/")
            at = {host.address: host.name for host in self.site.hosts_of(name)} if kind == "vpc" else {}
            for count in counts:
                if kind == "host":
                    add(name, *points[count.point], count)
                elif count.point == "acl_out":
                    add(at[count.source], "egress", "ACCEPT", count, -1)
                    add(at[count.source], "egress", "REJECT", count)
                elif count.point == "acl_in":
                    add(at[count.end], "ingress", "REJECT", count)
        return {key: (packets, length) for key, (packets, length) in found.items() if packets}


def _stop(seen: dict[str, int]) -> str:
    """The component that dropped a packet, by the points that have seen it and those that have not."""
    for point, component in (
        ("sg_out", "sg-out"), ("acl_out", "acl-out"), ("peering", "peering"), ("refused", "gateway"),
        ("acl_in", "acl-in"), ("sg_in", "sg-in"),
    ):  # fmt: skip
        if seen[point]:
            return component
    if seen["local_in"] or seen["peer_in"] or seen["igw_in"] or seen["same"]:
        return "nobody"
    if seen["routed"] and not seen["gateway"] and not seen["peered"]:
        return "route"
    return "internet"
