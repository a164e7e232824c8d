"""Writing down, while a packet is followed, what each component decided and which interfaces saw it."""

from __future__ import annotations

from typing import Any

from labkit.network.addresses import is_captured
from labkit.network.filters import Verdict
from labkit.network.model import Network
from labkit.network.packet import Packet
from labkit.network.parts import Interface
from labkit.network.path import Hop, Leg, Sighting


class Notes:
    """The hops and sightings of one way of a packet, as it is at this moment."""

    def __init__(self, network: Network, packet: Packet) -> None:
        self.network = network
        self.packet = packet
        self.hops: list[Hop] = []
        self.sightings: list[Sighting] = []
        self.arrived = False

    def leg(self) -> Leg:
        return Leg(tuple(self.hops), tuple(self.sightings), self.arrived)

    def _see(self, interface: Interface, direction: str, accepted: bool, target: str | None = None) -> None:
        if not is_captured(self.network, interface.vpc, self.packet.dst):
            return
        # A record gives the interface's own end as its primary private IPv4 address, whatever the packet bore.
        # https://docs.aws.amazon.com/vpc/latest/userguide/flow-logs-limitations.html
        packet = self.packet
        if packet.src.version == 4:
            own = {"src": interface.primary} if direction == "egress" else {"dst": interface.primary}
            packet = packet.with_ends(**own)
        action = "ACCEPT" if accepted else "REJECT"
        self.sightings.append(Sighting(interface.id, direction, action, packet, self.packet, target))

    def _decide(self, verdict: Verdict, kind: str, interface: Interface) -> None:
        hop = self._pass if verdict.allowed else self._drop
        hop(verdict.component, kind, verdict.sentence, code=verdict.code, rule=verdict.rule, interface=interface)

    def _pass(self, component: str, kind: str, sentence: str, **details: Any) -> None:
        self._add(component, kind, sentence, passes=True, **details)

    def _drop(self, component: str, kind: str, sentence: str, code: str | None, **details: Any) -> None:
        self._add(component, kind, sentence, passes=False, code=code, **details)

    def _add(
        self,
        component: str,
        kind: str,
        sentence: str,
        passes: bool,
        code: str | None = None,
        rule: str | None = None,
        interface: Interface | None = None,
        vpc: str | None = None,
    ) -> None:
        self.hops.append(
            Hop(
                component=component,
                kind=kind,
                name=self.network.name(component),
                packet=self.packet,
                passes=passes,
                sentence=sentence,
                rule=rule,
                code=code,
                interface=interface.id if interface else None,
                vpc=interface.vpc if interface else vpc,
            )
        )
