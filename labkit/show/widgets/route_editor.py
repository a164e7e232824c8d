"""The editor of a route table's routes: `lab.widgets.route_editor`."""

from __future__ import annotations

from collections.abc import Mapping

import ipywidgets as w

from labkit.errors import LabError
from labkit.network import Network
from labkit.network.parts import PeeringConnection, RouteTable
from labkit.show.widgets import parts
from labkit.show.widgets.editor import Call, Editor, ip_version, keep

#: The parameter that names a target, by the beginning of its id.
_TARGETS = {
    "igw": "GatewayId", "pcx": "VpcPeeringConnectionId", "nat": "NatGatewayId", "eni": "NetworkInterfaceId",
    "eigw": "EgressOnlyInternetGatewayId",
}  # fmt: skip


class RouteEditor(Editor[RouteTable]):
    """The routes of a route table, and controls to create, replace and delete one.

    The plain functions are `ec2.create_route`, `ec2.replace_route` and `ec2.delete_route`: the call is shown before a
    click makes it.
    """

    kind, name = "route table", "route-editor"
    header = ("destination", "target", "id", "state")
    actions = (("create a route", "create_route"), ("replace a route's target", "replace_route"),
               ("delete a route", "delete_route"))  # fmt: skip

    def _among(self, network: Network) -> Mapping[str, RouteTable]:
        return network.route_tables

    def _controls(self) -> list[w.Widget]:
        tip = "The addresses that the route is for, as a CIDR block"
        self.destination = parts.suggesting("Destination", "", "10.2.0.0/16", tip)
        self.route, self.target = parts.dropdown("Route", []), parts.dropdown("Target", [])
        return [self.destination, self.route, self.target]

    def _offer(self) -> list[w.Widget]:
        vpc, name = self.part.vpc, self._network.name
        there = {route.destination: name(route.target) for route in self.part.routes if route.target != "local"}
        peers = [cidr for one in self._peerings() for cidr in one.cidrs.get(one.other_end(vpc), ())]
        self.destination.options = tuple(cidr for cidr in [*map(str, peers), "0.0.0.0/0"] if cidr not in there)
        keep(self.route, [(f"{cidr} → {target}", cidr) for cidr, target in there.items()], or_first=False)
        keep(self.target, self._targets())
        if self.action.value == "create_route":
            return [self.destination, self.target]
        return [self.route] if self.action.value == "delete_route" else [self.route, self.target]

    def _peerings(self) -> list[PeeringConnection]:
        peerings = self._network.peering_connections.values()
        return [one for one in peerings if self.part.vpc in (one.requester, one.accepter)]

    def _targets(self) -> list[tuple[str, str]]:
        """Return what a route of this table can lead to, as (label, id)."""
        network, vpc, found = self._network, self.part.vpc, list[tuple[str, str]]()
        for peering in self._peerings():
            peer = network.name(peering.other_end(vpc))
            found.append((f"{peering.name} · peering connection to {peer}, {peering.status}", peering.id))
        for gateway in network.internet_gateways.values():
            if gateway.vpc == vpc:
                kind = "egress-only internet gateway" if gateway.egress_only else "internet gateway"
                found.append((f"{gateway.name} · {kind}", gateway.id))
        for nat in network.nat_gateways.values():
            if nat.vpc == vpc:
                found.append((f"{nat.name} · NAT gateway, {nat.state}", nat.id))
        for interface in network.interfaces.values():
            if interface.vpc == vpc and not network.nat_gateway_at(interface.id):
                instance = network.instances.get(interface.instance or "")
                name = f"{instance.name} · its interface" if instance else f"{interface.name} · interface"
                found.append((f"{name} {interface.id}", interface.id))
        return found

    def call(self) -> Call:
        destination = self.destination.value.strip() if self.action.value == "create_route" else self._chosen()
        parameters = {"RouteTableId": self.id, _destination(destination): destination}
        if self.action.value != "delete_route":
            if self.target.value is None:
                raise LabError("There is nothing yet that a route of this table could lead to: make a gateway first.")
            parameters[_TARGETS[self.target.value.split("-")[0]]] = self.target.value
        return Call(self.action.value, parameters)

    def _chosen(self) -> str:
        """Return the destination of the route that is chosen to be replaced or deleted."""
        if self.route.value is None:
            raise LabError(
                "Choose the route." if self.route.options else "This route table has only its local route, which stays."
            )
        return str(self.route.value)

    def rows(self) -> tuple[str, list[tuple[str, ...]]]:
        table, name = self.part, self._network.name
        users = [*map(name, table.subnets), *(["subnets without one of their own"] if table.main else [])]
        rows: list[tuple[str, ...]] = []
        for route in table.routes:
            id = "" if name(route.target) == route.target else route.target
            rows.append((route.destination, name(route.target), id, route.state))
        return f"Routes of {table.name}, used by {', '.join(users) or 'no subnet'}", rows


def _destination(cidr: str) -> str:
    """Return the parameter that names a destination of this form.

    Raises:
        LabError: It is none.
    """
    if cidr.startswith("pl-"):
        return "DestinationPrefixListId"
    version = ip_version(cidr)
    if version is None:
        begin = f"{cidr!r} is not a range of addresses. Write" if cidr else "Say for which addresses: write"
        raise LabError(f"{begin} a CIDR block, such as 10.2.0.0/16, or 10.2.0.126/32 for one address.")
    return "DestinationCidrBlock" if version == 4 else "DestinationIpv6CidrBlock"
