"""The data plane: packets on their way, the flow logs that watch them, and the time that passes meanwhile.

A packet comes in at `exchange`, `network.trace` says which way it goes, each open flow log's capture counts what its
interfaces saw, and as the clock moves on the windows close and are delivered.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime

from labkit.embedded.api.server import EmbeddedAws, is_read
from labkit.embedded.dataplane import noise
from labkit.embedded.dataplane.capture import Capture, FlowLog
from labkit.embedded.dataplane.delivery import DELAY, Delivery
from labkit.embedded.dataplane.flow_log_records import Place, place
from labkit.embedded.instances import services, timing
from labkit.embedded.instances.host import ACK, DEFAULT_TTL, RST, SYN, Answer, Exchange
from labkit.flowlogs.format import Format
from labkit.network import Network, Packet, Path, Sighting
from labkit.network.packet import ICMP, ICMPV6, TCP

#: So many paths are kept while the network stays as it is; each connection has a port, and so a path, of its own.
_PATHS_KEPT = 1000


class DataPlane:
    """Carries packets over the network that stands in an embedded AWS at the moment, and keeps its flow logs."""

    def __init__(self, aws: EmbeddedAws) -> None:
        self.aws = aws
        self.clock = aws.clock
        self._delivery = Delivery(aws)
        self._captures: dict[str, Capture] = {}
        self._flow_logs: tuple[FlowLog, ...] = ()
        self._network: Network | None = None
        self._paths: dict[tuple[Packet, str | None], Path] = {}
        self._watching: dict[str, frozenset[str]] = {}  # flow log → interfaces
        self._places: dict[str, Place] = {}  # interface → where it is or, if it is gone, was
        self._answered: dict[tuple[object, ...], int] = {}
        aws.after_action.append(self._after_action)
        aws.clock.listeners.append(self._time_passes)

    # The network and its flow logs, as they are now

    @property
    def network(self) -> Network:
        """The network as the account's API describes it at this moment."""
        if self._network is None:
            self._network = Network.from_ec2(self.aws.client("ec2"))
            self._paths.clear()
            self._watch()
        return self._network

    def _after_action(self, service: str, action: str) -> None:
        if is_read(action):
            return
        if service == "iam":
            self._delivery.forget_policies()
        if service != "ec2":
            return
        self._network = None
        if "FlowLogs" in action:
            self._read_flow_logs()
        if self._flow_logs:
            _ = self.network  # interfaces are watched from the moment at which they appear

    def _read_flow_logs(self) -> None:
        pages = self.aws.client("ec2").get_paginator("describe_flow_logs").paginate()
        self._flow_logs = tuple(
            FlowLog(
                id=part["FlowLogId"],
                resource=part["ResourceId"],
                traffic_type=part["TrafficType"],
                # Nitro instances, which all of the lab's are, never gather for more than a minute.
                interval=min(part["MaxAggregationInterval"], 60),
                format=Format.parse(part["LogFormat"]),
                log_group=part["LogGroupName"],
                role_arn=part["DeliverLogsPermissionArn"],
            )
            for page in pages
            for part in page["FlowLogs"]
        )
        self._captures = {each.id: self._captures.get(each.id) or Capture(each.interval) for each in self._flow_logs}

    def _watch(self) -> None:
        """Note which interfaces each flow log covers: its own, its subnet's or its VPC's."""
        self._watching.clear()
        for interface in self.network.interfaces.values():
            self._places[interface.id] = place(interface, self.network)
        for flow_log in self._flow_logs:
            covered = frozenset(
                interface.id
                for interface in self.network.interfaces.values()
                if flow_log.resource in (interface.id, interface.subnet, interface.vpc)
            )
            self._watching[flow_log.id] = covered
            for id in covered:
                self._captures[flow_log.id].watch(id, self.clock.time())

    # Packets

    def exchange(
        self,
        sender: str,
        packet: Packet,
        length: int,
        flags: int = 0,
        ttl: int = DEFAULT_TTL,
        answers: tuple[Answer, ...] = (),
    ) -> Exchange:
        """Send one packet from an interface, and its answers back; the capture sees both, the clock stands still.

        Parameters: `sender` is the interface's id, `length` the IP length in bytes, `flags` the TCP flags; `answers`
        are what the far end sends if the packet arrives.
        """
        now = self.clock.time()
        path = self.path(packet, sender)
        kind = _kind(path)
        if ttl <= timing.hops(kind, packet.dst):
            self._see(path.forward.sightings[:1], now, length, flags)
            return Exchange(delivered=False, replied=False)
        self._see(path.forward.sightings, now, length, flags)
        if not path.reached:
            return Exchange(delivered=False, replied=False)
        destination = self.network.interfaces.get(path.destination or "")
        delivered_to = destination.instance if destination else None
        if not answers or path.back is None:
            return Exchange(delivered=True, replied=False, delivered_to=delivered_to)
        ends = (sender, packet.dst, packet.protocol)
        sequence = self._answered.get(ends, 0)
        round_trip = timing.round_trip(kind, packet.src, packet.dst, packet.protocol, sequence)
        for answer in answers:
            back = (
                path.back.sightings if answer.icmp is None else [_as_icmp(sighting) for sighting in path.back.sightings]
            )
            self._see(back, now + round_trip, answer.length, answer.flags)
        if not path.replied:
            return Exchange(delivered=True, replied=False, delivered_to=delivered_to)
        self._answered[ends] = sequence + 1
        return Exchange(True, True, packet.dst, round_trip, timing.reply_ttl(kind, packet.dst), delivered_to)

    def path(self, packet: Packet, sender: str | None = None) -> Path:
        """The way of a packet over the network as it is now."""
        network = self.network
        key = (packet, sender)
        if key not in self._paths:
            if len(self._paths) >= _PATHS_KEPT:
                self._paths.clear()
            self._paths[key] = network.trace(packet, start=sender)
        return self._paths[key]

    def _see(self, sightings: Iterable[Sighting], at: float, length: int, flags: int) -> None:
        for sighting in sightings:
            for flow_log in self._flow_logs:
                if sighting.interface in self._watching[flow_log.id]:
                    self._captures[flow_log.id].see(sighting, at, length, _logged(flags))

    # Time

    def settled_at(self) -> datetime:
        """The moment at which every packet sent until now will be in the log groups."""
        now = self.clock.time()
        ends = [end for capture in self._captures.values() if (end := capture.last_end(now)) is not None]
        return datetime.fromtimestamp(max(ends) + DELAY, UTC) if ends else self.clock.now()

    def _time_passes(self, old: datetime, new: datetime) -> None:
        if not self._flow_logs:
            return
        self._make_noise(old.timestamp(), new.timestamp())
        self._deliver(new.timestamp() - DELAY)

    def _deliver(self, closed_before: float) -> None:
        for flow_log in self._flow_logs:
            capture = self._captures[flow_log.id]
            if capture.next_end() > closed_before:
                continue
            windows = list(capture.close(closed_before, present=self._watching[flow_log.id]))
            if windows:
                self._delivery.deliver(flow_log, windows, self._places)

    def _make_noise(self, since: float, until: float) -> None:
        for interface in self.network.interfaces.values():
            for public in interface.public.values():
                if public.version != 4:
                    continue
                for knock in noise.knocks(public, since, until):
                    self._knock(knock)

    def _knock(self, knock: noise.Knock) -> None:
        path = self.network.trace(knock.packet)
        is_tcp = knock.packet.protocol == TCP
        for _ in range(knock.repeats):
            self._see(path.forward.sightings, knock.at, knock.length, SYN if is_tcp else 0)
            if path.back is None:
                continue
            if is_tcp:
                interface = self.network.interfaces[path.destination or ""]
                listens = services.on_instance("", TCP, knock.packet.dst_port) if interface.instance else None
                self._see(path.back.sightings, knock.at, 52 if listens else 40, SYN | ACK if listens else RST | ACK)
            elif knock.packet.protocol in (ICMP, ICMPV6):
                self._see(path.back.sightings, knock.at, knock.length, 0)
            else:  # no UDP service listens: the kernel says so, with the first bytes of what it got
                self._see(map(_as_icmp, path.back.sightings), knock.at, knock.length + 28, 0)


def _kind(path: Path) -> timing.PathKind:
    kinds = {hop.kind for hop in path.forward.hops}
    if "peering connection" in kinds:
        return "peering"
    if kinds & {"internet gateway", "egress-only internet gateway", "internet"}:
        return "public" if path.destination else "internet"
    return "vpc"


def _as_icmp(sighting: Sighting) -> Sighting:
    """The same way, for an ICMP error about a TCP or UDP packet."""
    packet, original = (
        Packet(p.src, p.dst, ICMP if p.src.version == 4 else ICMPV6) for p in (sighting.packet, sighting.original)
    )
    return Sighting(sighting.interface, sighting.direction, sighting.action, packet, original, sighting.target)


def _logged(flags: int) -> int:
    """The TCP flags as a record gives them: FIN, SYN and RST, and ACK only together with SYN.

    https://docs.aws.amazon.com/vpc/latest/userguide/flow-log-records.html (tcp-flags)

    >>> _logged(SYN), _logged(SYN | ACK), _logged(ACK)
    (2, 18, 0)
    """
    return flags & (1 | SYN | RST) | (ACK if flags & SYN and flags & ACK else 0)
