"""The map in words."""

from __future__ import annotations

from collections.abc import Iterable

from labkit.network.model import Network
from labkit.network.parts import Interface, Subnet
from labkit.network.path import Path
from labkit.show.contents import (
    EMPTY,
    Contents,
    addresses_of,
    cidrs,
    counted,
    groups_of,
    kind_of,
    routes_in_short,
    state_of,
    title_of,
)  # fmt: skip
from labkit.show.text import short


def describe(network: Network, contents: Contents, path: Path | None = None) -> str:
    """Say what the map shows: the parts, then the path step by step, and where and why it stopped."""
    lines = [*_network(network, contents)] if contents.vpcs else [EMPTY]
    lines += contents.notes
    if path is not None:
        lines += ["", *str(path).splitlines()]
        stopped = path.stopped_at
        if stopped is not None:
            code = f" ({stopped.code})" if stopped.code else ""
            lines.append(f"Stopped at the {stopped.kind} {short(stopped.name)}{code}: {stopped.sentence}.")
    return "\n".join(lines)


def _network(network: Network, contents: Contents) -> Iterable[str]:
    cards = [card for vpc in contents.vpcs for subnet in contents.subnets[vpc] for card in contents.cards[subnet.id]]
    instances = {card.instance for card in cards if card.instance}
    parts = [counted(len(contents.vpcs), "VPC"), counted(len(instances), "instance")]
    parts.append(counted(len(contents.peerings), "peering connection"))
    yield f"Map of {', '.join(parts[:-1])} and {parts[-1]}."
    for vpc in contents.vpcs:
        yield f"VPC {short(network.vpcs[vpc].name)}, {cidrs(network.vpcs[vpc].cidrs)}"
        for _, name, kind in contents.gateways[vpc]:
            yield f"  {kind} {name}"
        if not contents.subnets[vpc]:
            yield "  no subnet yet"
        for subnet in contents.subnets[vpc]:
            yield from _subnet(network, subnet, contents.cards[subnet.id])
    for peering in contents.peerings:
        ends = f"{short(network.name(peering.requester))} and {short(network.name(peering.accepter))}"
        yield f"peering connection {short(peering.name)} between {ends}: {peering.status}"


def _subnet(network: Network, subnet: Subnet, cards: Iterable[Interface]) -> Iterable[str]:
    yield f"  subnet {short(subnet.name)}, {cidrs(subnet.cidrs)}, {subnet.availability_zone}"
    routes = "; ".join(text for _, text, _ in routes_in_short(network, subnet.id))
    yield f"    route table {short(network.route_table_of(subnet.id).name)}: {routes}"
    yield f"    network ACL {short(network.network_acl_of(subnet.id).name)}"
    for card in cards:
        said = [f"{kind_of(network, card)} {title_of(network, card)}", *addresses_of(card)]
        said += [state for state in [state_of(network, card)] if state]
        if card.groups:
            said.append(f"security group{'s' if len(card.groups) > 1 else ''} {groups_of(network, card)}")
        yield "    " + ", ".join(said)
