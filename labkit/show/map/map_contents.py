"""Choose what of a network the map shows, and word it once for both the picture and its description.

`layout` and `drawing` call it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from ipaddress import ip_network

from labkit.network import ComponentKind, Hop, Interface, Network, Path, Route
from labkit.network.parts import Cidr, PeeringConnection, Subnet

#: https://docs.aws.amazon.com/vpc/latest/userguide/default-vpc-components.html
_DEFAULT_VPC_CIDR = ip_network("172.31.0.0/16")

#: A peering connection in one of these states is gone, though EC2 lists it for a while.
#: https://docs.aws.amazon.com/vpc/latest/peering/vpc-peering-basics.html
_GONE = ("deleted", "deleting", "expired", "rejected")

_ID = re.compile(r"[a-z]+-[0-9a-f]{17}")

_EMPTY = "This network has no VPC of yours yet. Run the cells that create vpc-1 and vpc-2, then draw the map again."


@dataclass(frozen=True, slots=True)
class Gateway:
    """What is drawn at a VPC's edge: an internet gateway, or a peering connection to a VPC that is not drawn.

    Attributes:
        id: Its id.
        name: Its name, or the beginning of its id.
        label: What it is, in words.
    """

    id: str
    name: str
    label: str


@dataclass(frozen=True, slots=True)
class Card:
    """What is drawn for a network interface: an instance, a NAT gateway, or the interface alone.

    Attributes:
        interface: The interface.
        kind: What it is.
        title: Its name, or the beginning of its id.
        state: Its state; None if that is the usual one, running or available.
        addresses: Its private addresses, each followed by its public one.
        groups: The names of its security groups.
    """

    interface: Interface
    kind: ComponentKind
    title: str
    state: str | None
    addresses: list[str]
    groups: str


class MapContents:
    """What of a network is drawn, and what is only mentioned.

    Attributes:
        network: The network.
        vpcs: The ids of the VPCs that are drawn.
        peerings: The peering connections that are drawn between two of these.
        internet: Whether the internet is drawn.
        host: The address of the path's host on the internet, if any.
    """

    def __init__(self, network: Network, path: Path | None = None) -> None:
        """Choose what to draw of a network and, if one is given, of a packet's path over it."""
        self.network, self._path = network, path
        hops = [hop for leg in path.legs.values() for hop in leg.hops] if path else []
        touched = {hop.vpc for hop in hops} | {interface.vpc for interface in network.interfaces.values()}
        self.vpcs = [id for id in network.vpcs if id in touched or not self._is_untouched_default(id)]
        on_path = {hop.component for hop in hops}
        self.peerings = [
            peering
            for peering in network.peering_connections.values()
            if {peering.requester, peering.accepter} <= set(self.vpcs)
            and (peering.status not in _GONE or peering.id in on_path)
        ]
        hosts = [
            str(hop.packet.src if hop is hops[0] else hop.packet.dst)
            for hop in hops
            if hop.kind is ComponentKind.INTERNET
        ]
        self.host = hosts[0] if hosts else None
        gateways = [gateway for gateway in network.internet_gateways.values() if gateway.vpc in self.vpcs]
        self.internet = bool(gateways or hosts)

    def _is_untouched_default(self, vpc: str) -> bool:
        part = self.network.vpcs[vpc]
        return part.name == part.id and part.cidrs[:1] == (_DEFAULT_VPC_CIDR,) and not self._peerings_of(vpc)

    def _peerings_of(self, vpc: str) -> list[PeeringConnection]:
        return [one for one in self.network.peering_connections.values() if vpc in (one.requester, one.accepter)]

    def name(self, id: str) -> str:
        """Return the name of a resource, or the beginning of its id."""
        return short(self.network.name(id))

    def named(self, hop: Hop) -> Hop:
        """Return a hop whose sentence and rule say names, or the beginnings of ids, instead of ids."""
        by = hop.decided_by
        if isinstance(by, Route):
            by = replace(by, destination=short(by.destination), target=self.name(by.target))
        component, name, other = map(self.name, (hop.component, hop.name, hop.other))
        return replace(hop, component=component, name=name, other=other, decided_by=by)

    def subnets(self, vpc: str) -> list[Subnet]:
        """Return the subnets of a VPC."""
        return [subnet for subnet in self.network.subnets.values() if subnet.vpc == vpc]

    def gateways(self, vpc: str) -> list[Gateway]:
        """Return what is drawn at a VPC's edge."""
        found = [
            Gateway(one.id, short(one.name), "egress-only gateway" if one.egress_only else "internet gateway")
            for one in self.network.internet_gateways.values()
            if one.vpc == vpc
        ]
        for peering in self._peerings_of(vpc):
            peer = peering.other_end(vpc)
            if peer not in self.network.vpcs and peering.status not in _GONE:
                label = f"peering to {short(peer)}, {peering.status}"
                found.append(Gateway(peering.id, short(peering.name), label))
        return found

    def cards(self, subnet: str) -> list[Card]:
        """Return what is drawn for the interfaces in a subnet."""
        return [self._card(one) for one in self.network.interfaces.values() if one.subnet == subnet]

    def _card(self, interface: Interface) -> Card:
        network = self.network
        instance, gateway = network.instances.get(interface.instance or ""), network.nat_gateway_at(interface.id)
        if gateway:
            kind, title, state = ComponentKind.NAT_GATEWAY, short(gateway.name), gateway.state
        elif instance:
            kind, title, state = ComponentKind.INSTANCE, short(instance.name), instance.state
            if network.primary_interface(instance.id) != interface:
                title += f", {short(interface.name)}"
        else:
            kind, title, state = ComponentKind.INTERFACE, short(interface.name), "available"
        addresses = []
        for address in interface.addresses:
            addresses.append(str(address))
            if address in interface.public:
                addresses.append(f"public {interface.public[address]}")
        usual = state in ("running", "available")
        groups = ", ".join(map(self.name, interface.groups))
        return Card(interface, kind, title, None if usual else state, addresses, groups)

    def routes(self, subnet: str) -> list[tuple[str, str, bool]]:
        """Return a subnet's routes: destination, `destination → target` in words, and whether it is a blackhole."""
        found = []
        for route in self.network.route_table_of(subnet).routes:
            lost = route.state == "blackhole"
            text = f"{short(route.destination)} → {self.name(route.target)}" + (" (blackhole)" if lost else "")
            found.append((route.destination, text, lost))
        return found

    def notes(self) -> Iterable[str]:
        """Say what is not drawn."""
        if not self.vpcs:
            yield _EMPTY
        for vpc in self.network.vpcs.values():
            if vpc.id not in self.vpcs:
                subnets = _counted(len(self.subnets(vpc.id)), "subnet")
                yield f"Not drawn: the default VPC {short(vpc.id)}, {cidrs(vpc.cidrs)}, {subnets}, nothing in it."
        for gateway in self.network.internet_gateways.values():
            if gateway.vpc is None:
                yield f"Not attached to a VPC: internet gateway {short(gateway.name)}."

    def describe(self) -> str:
        """Say what the map shows: the parts, then the path step by step, and where and why it stopped."""
        lines = [*(self._parts() if self.vpcs else []), *self.notes()]
        path = self._path
        if path is not None:
            lines += ["", *str(path).splitlines()]
            stopped = path.stopped_at
            if stopped is not None:
                code = f" ({stopped.code})" if stopped.code else ""
                lines.append(f"Stopped at the {stopped.kind} {short(stopped.name)}{code}: {stopped.sentence}.")
        return "\n".join(lines)

    def _parts(self) -> Iterable[str]:
        subnets = [subnet for vpc in self.vpcs for subnet in self.subnets(vpc)]
        instances = {card.interface.instance for subnet in subnets for card in self.cards(subnet.id)} - {None}
        counts = f"{_counted(len(self.vpcs), 'VPC')}, {_counted(len(instances), 'instance')}"
        yield f"Map of {counts} and {_counted(len(self.peerings), 'peering connection')}."
        for vpc in self.vpcs:
            yield f"VPC {self.name(vpc)}, {cidrs(self.network.vpcs[vpc].cidrs)}"
            for gateway in self.gateways(vpc):
                yield f"  {gateway.label} {gateway.name}"
            if not self.subnets(vpc):
                yield "  no subnet yet"
            for subnet in self.subnets(vpc):
                yield from self._subnet(subnet)
        for peering in self.peerings:
            ends = f"{self.name(peering.requester)} and {self.name(peering.accepter)}"
            yield f"peering connection {short(peering.name)} between {ends}: {peering.status}"

    def _subnet(self, subnet: Subnet) -> Iterable[str]:
        yield f"  subnet {short(subnet.name)}, {cidrs(subnet.cidrs)}, {subnet.availability_zone}"
        routes = "; ".join(text for _, text, _ in self.routes(subnet.id))
        yield f"    route table {short(self.network.route_table_of(subnet.id).name)}: {routes}"
        yield f"    network ACL {short(self.network.network_acl_of(subnet.id).name)}"
        for card in self.cards(subnet.id):
            said = [f"{card.kind} {card.title}", *card.addresses, *([card.state] if card.state else [])]
            if card.groups:
                said.append(f"security group{'s' if len(card.interface.groups) > 1 else ''} {card.groups}")
            yield "    " + ", ".join(said)


def short(name: str) -> str:
    """Return a name unchanged, and a long id cut after its first eight digits.

    >>> short("instance-1"), short("vpc-0a1b2c3d4e5f67890")
    ('instance-1', 'vpc-0a1b2c3d…')
    """
    return f"{name[:-9]}…" if _ID.fullmatch(name) else name


def capitalized(sentence: str) -> str:
    """Return a sentence with a capital at the beginning, unless it begins with a name.

    >>> capitalized("sends: a packet"), capitalized("vpc-1 has no internet gateway")
    ('Sends: a packet', 'vpc-1 has no internet gateway')
    """
    first, space, rest = sentence.partition(" ")
    return (first.capitalize() if first.strip(":").isalpha() else first) + space + rest


def cidrs(blocks: tuple[Cidr, ...]) -> str:
    """Write CIDR blocks, separated by commas."""
    return ", ".join(map(str, blocks))


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun}" + ("" if number == 1 else "s")
