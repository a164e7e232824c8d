"""The routes of a route table, and the calls that change them."""

from __future__ import annotations

from ipaddress import ip_network

import ipywidgets as w

from labkit.errors import LabError
from labkit.network.model import Network
from labkit.network.parts import RouteTable
from labkit.show.widgets import parts
from labkit.show.widgets.editor import Call, Editor, find, keep, show

#: The parameter that names a target, by the beginning of its id.
_TARGETS = {
    "igw": "GatewayId", "pcx": "VpcPeeringConnectionId", "nat": "NatGatewayId", "eni": "NetworkInterfaceId",
    "eigw": "EgressOnlyInternetGatewayId",
}  # fmt: skip


class RouteEditor(Editor):
    """The routes of a route table, and controls to create, replace and delete one.

    The plain functions are `ec2.create_route`, `ec2.replace_route` and `ec2.delete_route`; the widget shows the call
    before a click makes it. Raises LabError where there is no such route table.
    """

    kind, name = "route table", "route-editor"
    header = ("destination", "target", "id", "state")
    actions = (("create a route", "create_route"), ("replace a route's target", "replace_route"),
               ("delete a route", "delete_route"))  # fmt: skip

    def _find(self, network: Network, key: str) -> RouteTable:
        self._network = network
        self._table = find(self.kind, network.route_tables, key)
        return self._table

    def _controls(self) -> list[w.Widget]:
        self.destination = w.Combobox(
            description="Destination", placeholder="10.2.0.0/16", continuous_update=False, ensure_option=False,
            tooltip="The addresses that the route is for, as a CIDR block", style={"description_width": "initial"},
        )  # fmt: skip
        self.target = parts.dropdown("Target", [], layout=w.Layout(width="auto"))
        return [self.destination, self.target]

    def _offer(self, network: Network) -> None:
        there = [route.destination for route in self._table.routes if route.target != "local"]
        if self.action.value == "create_route":
            peers = [cidr for id in self._peerings(network) for cidr in self._peer_cidrs(network, id)]
            offered = [cidr for cidr in [*peers, "0.0.0.0/0"] if cidr not in there]
        else:
            offered = there
        self.destination.options = tuple(offered)
        keep(self.target, _targets(network, self._table.vpc))
        controls = [self.destination, self.target]
        show(controls[: 1 if self.action.value == "delete_route" else 2], controls)

    def _peerings(self, network: Network) -> list[str]:
        return [
            id for id, one in network.peering_connections.items() if self._table.vpc in (one.requester, one.accepter)
        ]

    def _peer_cidrs(self, network: Network, id: str) -> list[str]:
        peering = network.peering_connections[id]
        return [str(cidr) for cidr in peering.cidrs.get(peering.other_end(self._table.vpc), ())]

    def call(self) -> Call:
        destination = self.destination.value.strip()
        parameters = {"RouteTableId": self.id, _destination(destination): destination}
        if self.action.value != "delete_route":
            if self.target.value is None:
                raise LabError("There is nothing yet that a route of this table could lead to: make a gateway first.")
            parameters[_TARGETS[self.target.value.split("-")[0]]] = self.target.value
        return Call(self.action.value, parameters)

    def rows(self) -> tuple[str, list[tuple[str, ...]]]:
        table, name = self._table, self._network.name
        users = [name(subnet) for subnet in table.subnets] + (
            ["subnets without one of their own"] if table.main else []
        )
        caption = f"Routes of {table.name}, used by {', '.join(users) or 'no subnet'}"
        rows: list[tuple[str, ...]] = []
        for route in table.routes:
            id = "" if name(route.target) == route.target else route.target
            rows.append((route.destination, name(route.target), id, route.state))
        return caption, rows


def _destination(cidr: str) -> str:
    """The parameter that names a destination of this form. Raises LabError where it has none."""
    if cidr.startswith("pl-"):
        return "DestinationPrefixListId"
    try:
        version = ip_network(cidr, strict=False).version if "/" in cidr else None
    except ValueError:
        version = None
    if version is None:
        begin = f"{cidr!r} is not a range of addresses. Write" if cidr else "Say for which addresses: write"
        raise LabError(f"{begin} a CIDR block, such as 10.2.0.0/16, or 10.2.0.126/32 for one address.")
    return "DestinationCidrBlock" if version == 4 else "DestinationIpv6CidrBlock"


def _targets(network: Network, vpc: str) -> list[tuple[str, str]]:
    """What a route of a VPC can lead to, as (label, id)."""
    found = []
    for peering in network.peering_connections.values():
        if vpc in (peering.requester, peering.accepter):
            peer = network.name(peering.other_end(vpc))
            found.append((f"{peering.name} · peering connection to {peer}, {peering.status}", peering.id))
    for gateway in network.internet_gateways.values():
        if gateway.vpc == vpc:
            kind = "egress-only internet gateway" if gateway.egress_only else "internet gateway"
            found.append((f"{gateway.name} · {kind}", gateway.id))
    found += [
        (f"{one.name} · NAT gateway, {one.state}", one.id) for one in network.nat_gateways.values() if one.vpc == vpc
    ]
    for interface in network.interfaces.values():
        if interface.vpc == vpc and not network.nat_gateway_at(interface.id):
            instance = network.instances.get(interface.instance or "")
            name = f"{instance.name} · its interface" if instance else f"{interface.name} · interface"
            found.append((f"{name} {interface.id}", interface.id))
    return found
