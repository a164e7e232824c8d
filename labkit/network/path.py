"""The result of a trace: a `Path` of hops to the destination and back, as data, as text and as HTML.

`labkit.network.trace` makes paths. The map, the widgets, the capture of flow logs and the checks read their data.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from html import escape

from labkit.network.filters import entry_text, permission_text
from labkit.network.outcomes import Action, ComponentKind, Direction, Outcome
from labkit.network.packet import Packet
from labkit.network.parts import AclEntry, DecidedBy, Permission, Route, Translation


@dataclass(frozen=True, slots=True)
class Sighting:
    """A network interface saw the packet, which is what a flow log records.

    Fields: https://docs.aws.amazon.com/vpc/latest/userguide/flow-log-records.html

    Attributes:
        interface: The interface's id.
        direction: `ingress` or `egress`, seen from the interface.
        action: The verdict of its security groups and of its subnet's network ACL, `ACCEPT` or `REJECT`.
        packet: The packet with the addresses of a record's srcaddr and dstaddr, in which the interface's own end is its
            primary private IPv4 address.
        original: The packet itself (pkt-srcaddr and pkt-dstaddr), which differs where a NAT gateway, an appliance or a
            secondary address is involved.
        target: The id of the route's target, `local` inside a VPC; None where there is no route or the packet enters.
    """

    interface: str
    direction: Direction
    action: Action
    packet: Packet
    original: Packet
    target: str | None = None


@dataclass(frozen=True, slots=True)
class Hop:
    """One component that a packet meets, what it did with the packet and what decided.

    Attributes:
        kind: The kind of AWS resource.
        component: The resource's id; `internet` for a host outside.
        name: The resource's Name tag, or its id.
        packet: The packet as it reached the component.
        outcome: What the component did with it.
        decided_by: The route, rule, attachment, translation or resource that decided, None where there is none.
        other: The name of the second resource that the outcome is about: a route's target, the VPC that a peering
            connection leads to or that a gateway is not attached to, the route table that led to a gateway, the group
            that a rule refers to. Empty where there is none.
        direction: `egress` or `ingress`, where a security group, a network ACL or an interface's own check decided;
            None elsewhere.
        interface: The id of the network interface at which this was decided, if any.
        vpc: The id of the VPC in which this was decided, if any.
        sightings: What the interface saw of the packet at this hop. Where it filters, that is its last filter.
    """

    kind: ComponentKind
    component: str
    name: str
    packet: Packet
    outcome: Outcome
    decided_by: DecidedBy | None = None
    other: str = ""
    direction: Direction | None = None
    interface: str | None = None
    vpc: str | None = None
    sightings: tuple[Sighting, ...] = ()

    @property
    def passes(self) -> bool:
        """Whether the packet went on."""
        return self.outcome.passes

    @property
    def code(self) -> str | None:
        """VPC Reachability Analyzer's explanation code where the packet stopped, else None.

        https://docs.aws.amazon.com/vpc/latest/reachability/explanation-codes.html
        """
        return self.outcome.code

    @property
    def rule(self) -> str | None:
        """What decided, in a few words: the route, rule, entry, attachment or translation; None where there is none."""
        if isinstance(self.decided_by, Permission):
            return permission_text(self.decided_by, self.direction == "egress")
        if isinstance(self.decided_by, AclEntry):
            return entry_text(self.decided_by)
        if isinstance(self.decided_by, Route | Translation):
            return str(self.decided_by)
        return self.outcome.rule

    @property
    def sentence(self) -> str:
        """What the component did with the packet, in words."""
        return self.outcome.template.format(
            hop=self, packet=self.packet, by=self.decided_by, other=self.other, name=self.name, component=self.component
        )

    @property
    def way(self) -> str:
        """The direction in words: `outbound` or `inbound`."""
        return "outbound" if self.direction == "egress" else "inbound"

    @property
    def own_end(self) -> str:
        """The packet's end at the interface that decided, in words."""
        return f"source {self.packet.src}" if self.direction == "egress" else f"destination {self.packet.dst}"

    @property
    def far_end(self) -> str:
        """The packet's other end, in words."""
        return f"to {self.packet.dst}" if self.direction == "egress" else f"from {self.packet.src}"

    @property
    def statement(self) -> str:
        """The sentence with a capital at the beginning, unless that is a name or an address, and a period."""
        sentence = self.sentence
        is_name = self.outcome.template.startswith(("{name}", "{packet"))
        return f"{sentence if is_name else sentence[0].upper() + sentence[1:]}."

    def __str__(self) -> str:
        mark = "✓" if self.passes else "✗"
        code = f" [{self.code}]" if self.code else ""
        return f"{mark} {self.kind} {self.name}: {self.sentence}{code}"


@dataclass(frozen=True, slots=True)
class Leg:
    """One direction of a path, to the destination or back.

    Attributes:
        hops: The components that the packet met, in order, at least one.
    """

    hops: tuple[Hop, ...]

    @property
    def arrived(self) -> bool:
        """Whether the packet got to the end: no hop stopped it."""
        return self.hops[-1].passes

    @property
    def sightings(self) -> tuple[Sighting, ...]:
        """What the interfaces saw of the packet, in order."""
        return tuple(sighting for hop in self.hops for sighting in hop.sightings)

    @property
    def stopped_at(self) -> Hop | None:
        """The hop that stopped the packet, or None where it arrived."""
        return None if self.arrived else self.hops[-1]


@dataclass(frozen=True, slots=True)
class Path:
    """A packet's path to its destination and, where it arrived, the path of the reply.

    Attributes:
        packet: The packet that was sent.
        forward: The leg to the destination.
        back: The leg of the reply, None where the packet never arrived.
    """

    packet: Packet
    forward: Leg
    back: Leg | None

    @property
    def destination(self) -> str | None:
        """The id of the interface that the packet reached, None where that is a host on the internet or nothing."""
        return self.forward.hops[-1].interface if self.reached else None

    @property
    def reached(self) -> bool:
        """Whether the packet got to its destination."""
        return self.forward.arrived

    @property
    def replied(self) -> bool:
        """Whether the reply got back to the sender."""
        return self.back is not None and self.back.arrived

    @property
    def stopped_at(self) -> Hop | None:
        """The hop that stopped the packet or its reply, or None."""
        return self.forward.stopped_at or (self.back.stopped_at if self.back else None)

    @property
    def code(self) -> str | None:
        """Reachability Analyzer's code for what stopped the packet or its reply, or None."""
        hop = self.stopped_at
        return hop.code if hop else None

    @property
    def verdict(self) -> str:
        """The outcome in one sentence."""
        if self.replied:
            return "The packet arrives and the reply comes back."
        if self.reached:
            return "The packet arrives, but its reply is lost on the way back."
        return "The packet never arrives."

    @property
    def legs(self) -> dict[str, Leg]:
        """The legs by what they are called when they are shown: `there` and, where the packet arrived, `back`."""
        return {"there": self.forward} | ({"back": self.back} if self.back else {})

    def _steps(self) -> Iterator[tuple[str, int, Hop]]:
        return ((title, number, hop) for title, leg in self.legs.items() for number, hop in enumerate(leg.hops, 1))

    def __str__(self) -> str:
        steps = [f"  {title:<5} {number:>2} {hop}" for title, number, hop in self._steps()]
        return "\n".join([str(self.packet), *steps, self.verdict])

    def _repr_html_(self) -> str:
        rows = "".join(
            f"<tr><td>{title.capitalize()}</td><td>{number}</td><td>{'✓' if hop.passes else '✗'}</td>"
            f"<td>{escape(hop.kind)} {escape(hop.name)}</td>"
            f"<td style='text-align:left'>{escape(hop.sentence)}</td><td>{escape(hop.code or '')}</td></tr>"
            for title, number, hop in self._steps()
        )
        return (
            # The classes that MathJax leaves alone, as a name may hold dollar signs.
            f"<div class='mathjax_ignore tex2jax_ignore'><table><caption>{escape(str(self.packet))}</caption>"
            "<thead><tr><th>way</th><th>step</th><th></th><th>component</th>"
            "<th style='text-align:left'>what it decided</th><th>code</th></tr></thead>"
            f"<tbody>{rows}</tbody></table><p>{escape(self.verdict)}</p></div>"
        )
