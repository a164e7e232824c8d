"""What of a network the map shows, and in which words: the drawing and its description say the same."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import ip_network

from labkit.network.model import Network
from labkit.network.parts import Cidr, Interface, PeeringConnection, Subnet
from labkit.network.path import Path
from labkit.show.text import short

#: https://docs.aws.amazon.com/vpc/latest/userguide/default-vpc-components.html
_DEFAULT_VPC_CIDR = ip_network("172.31.0.0/16")

#: A peering connection in one of these states is gone, though EC2 lists it for a while.
#: https://docs.aws.amazon.com/vpc/latest/peering/vpc-peering-basics.html
_GONE = ("deleted", "deleting", "expired", "rejected")

EMPTY = "This network has no VPC of yours yet. Run the cells that create vpc-1 and vpc-2, then draw the map again."


@dataclass(frozen=True, slots=True)
class Contents:
    """What is drawn, by the id of the VPC or the subnet that it is in, and what is only mentioned.

    `gateways` holds, for each VPC, what stands at its edge: id, name and kind; `host` is the address of
    the path's host on the internet.
    """

    vpcs: tuple[str, ...]
    subnets: dict[str, tuple[Subnet, ...]]
    cards: dict[str, tuple[Interface, ...]]
    gateways: dict[str, tuple[tuple[str, str, str], ...]]
    peerings: tuple[PeeringConnection, ...]
    internet: bool
    host: str | None
    notes: tuple[str, ...]


def contents_of(network: Network, path: Path | None = None) -> Contents:
    """Choose what of a network the map shows."""
    hops = [hop for leg in (path.forward, path.back) if leg for hop in leg.hops] if path else []
    touched = {hop.vpc for hop in hops} | {interface.vpc for interface in network.interfaces.values()}
    vpcs = tuple(id for id in network.vpcs if id in touched or not _is_untouched_default(network, id))
    on_way = {hop.component for hop in hops}
    hosts = [
        hop.packet.src if hop is path.forward.hops[0] else hop.packet.dst
        for hop in hops
        if path and hop.component == "internet"
    ]
    gateways = {vpc: tuple(_gateways(network, vpc)) for vpc in vpcs}
    on_internet = any(id.startswith(("igw-", "eigw-")) for found in gateways.values() for id, _, _ in found)
    return Contents(
        vpcs=vpcs,
        subnets={vpc: tuple(s for s in network.subnets.values() if s.vpc == vpc) for vpc in vpcs},
        cards={id: tuple(i for i in network.interfaces.values() if i.subnet == id) for id in network.subnets},
        gateways=gateways,
        peerings=tuple(
            p
            for p in network.peering_connections.values()
            if {p.requester, p.accepter} <= set(vpcs) and (p.status not in _GONE or p.id in on_way)
        ),
        internet=on_internet or bool(hosts),
        host=str(hosts[0]) if hosts else None,
        notes=tuple(_notes(network, vpcs)),
    )


def _is_untouched_default(network: Network, vpc: str) -> bool:
    part = network.vpcs[vpc]
    peered = any(vpc in (p.requester, p.accepter) for p in network.peering_connections.values())
    return part.name == part.id and part.cidrs[:1] == (_DEFAULT_VPC_CIDR,) and not peered


def _gateways(network: Network, vpc: str) -> Iterable[tuple[str, str, str]]:
    for gateway in network.internet_gateways.values():
        if gateway.vpc == vpc:
            yield gateway.id, short(gateway.name), "egress-only gateway" if gateway.egress_only else "internet gateway"
    for peering in network.peering_connections.values():
        if (
            vpc in (peering.requester, peering.accepter)
            and peering.other_end(vpc) not in network.vpcs
            and peering.status not in _GONE
        ):
            yield peering.id, short(peering.name), f"peering to {short(peering.other_end(vpc))}, {peering.status}"


def _notes(network: Network, drawn: tuple[str, ...]) -> Iterable[str]:
    for vpc in network.vpcs.values():
        if vpc.id not in drawn:
            subnets = sum(subnet.vpc == vpc.id for subnet in network.subnets.values())
            said = f"the default VPC {short(vpc.id)}, {cidrs(vpc.cidrs)}, {counted(subnets, 'subnet')}, nothing in it"
            yield f"Not drawn: {said}."
    for gateway in network.internet_gateways.values():
        if gateway.vpc is None:
            yield f"Not attached to a VPC: internet gateway {short(gateway.name)}."


def counted(number: int, noun: str) -> str:
    return f"{number} {noun}" + ("" if number == 1 else "s")


def cidrs(blocks: tuple[Cidr, ...]) -> str:
    return ", ".join(map(str, blocks))


def routes_in_short(network: Network, subnet: str) -> list[tuple[str, str, bool]]:
    """The routes of a subnet's route table: destination, `destination → target`, and whether it leads nowhere."""
    found = []
    for route in network.route_table_of(subnet).routes:
        lost = route.state == "blackhole"
        text = f"{short(route.destination)} → {short(network.name(route.target))}" + (" (blackhole)" if lost else "")
        found.append((route.destination, text, lost))
    return found


def title_of(network: Network, interface: Interface) -> str:
    """What stands at an interface: an instance, a NAT gateway, or the interface alone."""
    gateway = network.nat_gateway_at(interface.id)
    if gateway:
        return short(gateway.name)
    instance = network.instances.get(interface.instance or "")
    if instance is None:
        return short(interface.name)
    if network.primary_interface(instance.id) == interface:
        return short(instance.name)
    return f"{short(instance.name)}, {short(interface.name)}"


def kind_of(network: Network, interface: Interface) -> str:
    """Its kind, in a word or two."""
    if network.nat_gateway_at(interface.id):
        return "NAT gateway"
    return "instance" if interface.instance else "interface"


def state_of(network: Network, interface: Interface) -> str | None:
    """The state of what stands at an interface where that is not the usual one, running or available."""
    gateway = network.nat_gateway_at(interface.id)
    instance = network.instances.get(interface.instance or "")
    state = gateway.state if gateway else instance.state if instance else "running"
    return None if state in ("running", "available") else state


def addresses_of(interface: Interface) -> list[str]:
    """Its addresses, each with its public one after it."""
    found = []
    for address in interface.addresses:
        found.append(str(address))
        if address in interface.public:
            found.append(f"public {interface.public[address]}")
    return found


def groups_of(network: Network, interface: Interface) -> str:
    """The names of its security groups."""
    return ", ".join(short(network.name(group)) for group in interface.groups)
