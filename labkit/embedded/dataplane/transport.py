"""The data plane: it carries packets over the network as it is now, and lets the flow logs see them.

A transmission comes in at `exchange`; `network.trace` says which path it takes; each flow log that covers an interface
counts what the interface saw. As the clock moves, the internet makes noise, windows close, and records are delivered.
"""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime
from functools import lru_cache
from ipaddress import IPv4Address

from labkit.embedded.api.scope import is_read
from labkit.embedded.api.server import Server
from labkit.embedded.clock import Clock
from labkit.embedded.dataplane import noise, timing
from labkit.embedded.dataplane.delivery import DELAY, Delivery
from labkit.embedded.dataplane.flow_logs import FlowLogs
from labkit.embedded.dataplane.timing import Distance
from labkit.embedded.dataplane.transmission import Exchange, Transmission
from labkit.embedded.instances import services
from labkit.embedded.instances.boot import Boot
from labkit.embedded.instances.services import Service
from labkit.network import ComponentKind, Network, Packet, Path, Sighting
from labkit.network.packet import ICMP, ICMPV6, TCP

#: How many paths are kept while the network stays as it is. Each connection has its own port, and so its own path.
_PATHS_KEPT = 1000

#: The actions that leave the interfaces, and their public addresses, as they are: no flow log needs the network read
#: again after them until the next packet moves.
_LEAVES_INTERFACES = re.compile(
    "[A-Z][a-z]+(Vpc(?!Endpoint)|Subnet|Route|SecurityGroup|NetworkAcl|(EgressOnly)?InternetGateway|Tags|KeyPair)"
)

#: How much time passes at once, in seconds. After a longer jump all its windows would be open together.
_MOST_AT_ONCE = 6 * 3600.0


class DataPlane:
    """Carries packets over the network of an account, and keeps its flow logs.

    Args:
        server: The account's API.
        clock: The account's clock.
    """

    def __init__(self, server: Server, clock: Clock) -> None:
        self.clock = clock
        self.flow_logs = FlowLogs(server.client, server.region)
        self._client = server.client
        self._boots = server.boots
        self._delivery = Delivery(server)
        self._network: Network | None = None
        self._public: list[IPv4Address] | None = None  # the addresses at which the internet knocks
        self._trace = lru_cache(_PATHS_KEPT)(lambda packet, sender: self.network.trace(packet, start=sender))
        self._answered: dict[tuple[object, ...], int] = {}

    # The network, as it is now

    @property
    def network(self) -> Network:
        """The network as the account's API describes it at this moment."""
        if self._network is None:
            self._network = Network.from_ec2(self._client("ec2"))
            self._public = [
                public
                for interface in self._network.interfaces.values()
                for public in interface.public.values()
                if isinstance(public, IPv4Address)
            ]
            self._trace.cache_clear()
            self.flow_logs.watch(self._network, self.clock.time())
        return self._network

    def after_action(self, service: str, action: str) -> None:
        """Forget the network and read the flow logs again if an action may have changed them."""
        if service != "ec2" or is_read(action):
            return
        self._network = None
        if _LEAVES_INTERFACES.match(action):
            return
        self._public = None
        if "FlowLogs" in action:
            self.flow_logs.read()
        if self.flow_logs:
            _ = self.network  # interfaces are recorded from the moment at which they appear

    def path(self, packet: Packet, sender: str | None = None) -> Path:
        """Return the path of a packet over the network as it is now.

        Args:
            packet: The packet.
            sender: The id of the interface that sends it; None for a host on the internet.
        """
        _ = self.network  # if it has changed, the paths that are known are forgotten
        return self._trace(packet, sender)

    def boot(self, instance_id: str) -> Boot:
        """Return how far an instance's boot is, or was."""
        return self._boots.get(instance_id, Boot())

    def service(self, instance_id: str, protocol: int, port: int) -> Service | None:
        """Return what listens at a port of an instance now; None where nothing does."""
        is_set_up = self.boot(instance_id).user_data_ends <= self.clock.time()
        hostname = self.network.instances[instance_id].private_dns_name
        return services.on_instance(hostname, protocol, port, is_set_up=is_set_up)

    # Packets

    def exchange(self, sender: str | None, sent: Transmission) -> Exchange:
        """Carry one packet from an interface, and its replies back; the flow logs see both, the clock doesn't move.

        Args:
            sender: The id of the interface that sends it; None for a host on the internet.
            sent: The packet, and what the far end replies if it arrives.

        Returns:
            What comes back to the sender, and after how long.
        """
        packet, now = sent.packet, self.clock.time()
        path = self.path(packet, sender)
        distance = _distance(path)
        if sent.ttl <= timing.hops(distance, packet.dst):
            self.flow_logs.see(path.forward.sightings[:1], now, sent.length, sent.flags)
            return Exchange()
        ends = (sender, packet.dst, packet.protocol)
        sequence = self._answered.get(ends, 0)
        round_trip = timing.round_trip(distance, packet.src, packet.dst, packet.protocol, sequence)
        self._show(path, sent, now, round_trip)
        if not path.replied or not sent.replies:
            return Exchange()
        self._answered[ends] = sequence + 1
        return Exchange(True, round_trip, timing.reply_ttl(distance, packet.dst))

    def _show(self, path: Path, sent: Transmission, at: float, round_trip: float = 0.0) -> None:
        """Let the flow logs see a packet and, if it arrives, its replies."""
        self.flow_logs.see(path.forward.sightings, at, sent.length, sent.flags)
        if path.back is None:
            return
        for reply in sent.replies:
            back = path.back.sightings if reply.icmp is None else map(_as_icmp, path.back.sightings)
            self.flow_logs.see(back, at + round_trip, reply.length, reply.flags)

    # Time

    def settled_at(self) -> datetime:
        """Return the moment at which every packet sent until now will be in the log groups."""
        end = self.flow_logs.last_end(self.clock.time())
        return self.clock.now() if end is None else datetime.fromtimestamp(end + DELAY, UTC)

    def time_passes(self, old: datetime, new: datetime) -> None:
        """Let the internet make its noise from one moment to another, and deliver what is due."""
        since, end = old.timestamp(), new.timestamp()
        while self.flow_logs and since < end:
            until = min(since + _MOST_AT_ONCE, end)
            if self._public is None:
                _ = self.network
            for public in self._public or ():
                for knock in noise.knocks(public, since, until):
                    self._hear(knock)
            for flow_log, windows in self.flow_logs.close(until - DELAY):
                self._delivery.deliver(flow_log, windows, self.flow_logs.places)
            since = until

    def _hear(self, knock: noise.Knock) -> None:
        path = self.network.trace(knock.packet)
        found = self.network.interfaces.get(path.destination or "")
        instance = None if found is None else found.instance
        listens = instance is not None and self.service(instance, TCP, knock.packet.dst_port) is not None
        for _ in range(knock.repeats):
            self._show(path, knock.transmission(listens), knock.at)


_TO_INTERNET = {
    ComponentKind.INTERNET_GATEWAY, ComponentKind.EGRESS_ONLY_INTERNET_GATEWAY, ComponentKind.INTERNET,
}  # fmt: skip


def _distance(path: Path) -> Distance:
    kinds = {hop.kind for hop in path.forward.hops}
    if ComponentKind.PEERING_CONNECTION in kinds:
        return Distance.PEERED_VPC
    if kinds & _TO_INTERNET:
        return Distance.PUBLIC_ADDRESS if path.destination else Distance.INTERNET
    return Distance.SAME_VPC


def _as_icmp(sighting: Sighting) -> Sighting:
    """What the interface saw if the packet was an ICMP error about a TCP or UDP packet."""
    packet, original = (
        Packet(p.src, p.dst, ICMP if p.src.version == 4 else ICMPV6) for p in (sighting.packet, sighting.original)
    )
    return replace(sighting, packet=packet, original=original)
