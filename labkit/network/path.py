"""What became of a packet: hop by hop, there and back."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape

from labkit.network.packet import Packet


@dataclass(frozen=True, slots=True)
class Hop:
    """One component on the way and what it decided.

    Parameters: `component` is the resource's id and `kind` what it is (`route table`, `security group`, …); `name` is
    its Name tag, or its id; `packet` is the packet as it reached the component; `passes` says whether it went
    on; `rule` is the route, security group rule, ACL entry or attachment that decided, in words; `code` is VPC
    Reachability Analyzer's explanation code where the packet stopped (None where that tool has none); `sentence` says
    it plainly; `interface` is the id of the network interface at which this was decided, if any.

    Codes: https://docs.aws.amazon.com/vpc/latest/reachability/explanation-codes.html
    """

    component: str
    kind: str
    name: str
    packet: Packet
    passes: bool
    sentence: str
    rule: str | None = None
    code: str | None = None
    interface: str | None = None
    vpc: str | None = None

    def __str__(self) -> str:
        mark = "✓" if self.passes else "✗"
        code = f" [{self.code}]" if self.code else ""
        return f"{mark} {self.kind} {self.name}: {self.sentence}{code}"


@dataclass(frozen=True, slots=True)
class Sighting:
    """A network interface saw the packet, which is what a flow log records.

    Parameters: `direction` is `ingress` or `egress`, seen from the interface; `action` is the verdict of its security
    groups and of its subnet's network ACL, `ACCEPT` or `REJECT`; `packet` bears the addresses of a record's srcaddr and
    dstaddr, in which the interface's own end is its primary private IPv4 address; `original` is the packet itself
    (pkt-srcaddr and pkt-dstaddr), which differs where a NAT gateway, an appliance or a secondary address is at work;
    `target` is the id of what the route sends it to, `local` inside a VPC, None where there is none or the packet
    arrives.

    Fields: https://docs.aws.amazon.com/vpc/latest/userguide/flow-log-records.html
    """

    interface: str
    direction: str
    action: str
    packet: Packet
    original: Packet
    target: str | None = None


@dataclass(frozen=True, slots=True)
class Leg:
    """One way of a packet: its hops in order, the interfaces that saw it, and whether it arrived."""

    hops: tuple[Hop, ...]
    sightings: tuple[Sighting, ...]
    arrived: bool

    @property
    def stopped_at(self) -> Hop | None:
        """The hop that stopped the packet, or None where it arrived."""
        return None if self.arrived else self.hops[-1]


@dataclass(frozen=True, slots=True)
class Path:
    """A packet's way to its destination and, where it arrived, the way of the reply.

    `forward` is the way there; `back` is the way of the reply, None where the packet never arrived.
    `destination` is the id of the interface that it reached, None where that is a host on the internet or nothing.
    """

    packet: Packet
    forward: Leg
    back: Leg | None
    destination: str | None = None

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

    def __str__(self) -> str:
        parts = [str(self.packet)]
        parts += _lines(self.forward, "there")
        if self.back is not None:
            parts += _lines(self.back, "back")
        return "\n".join([*parts, self.verdict])

    def _repr_html_(self) -> str:
        legs = [("There", self.forward)] + ([("Back", self.back)] if self.back else [])
        rows = "".join(_rows(title, leg) for title, leg in legs)
        return (
            f"<table><caption>{escape(str(self.packet))}</caption>"
            "<thead><tr><th>way</th><th>step</th><th></th><th>component</th>"
            "<th style='text-align:left'>what it decided</th><th>code</th></tr></thead>"
            f"<tbody>{rows}</tbody></table><p>{escape(self.verdict)}</p>"
        )


def _lines(leg: Leg, way: str) -> list[str]:
    return [f"  {way:<5} {number:>2} {hop}" for number, hop in enumerate(leg.hops, start=1)]


def _rows(title: str, leg: Leg) -> str:
    return "".join(
        f"<tr><td>{title}</td><td>{number}</td><td>{'✓' if hop.passes else '✗'}</td>"
        f"<td>{escape(hop.kind)} {escape(hop.name)}</td>"
        f"<td style='text-align:left'>{escape(hop.sentence)}</td><td>{escape(hop.code or '')}</td></tr>"
        for number, hop in enumerate(leg.hops, start=1)
    )
