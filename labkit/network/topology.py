"""The parts of a network and how to find one from another; `labkit.network.model.Network` reads and traces it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from functools import cached_property
from ipaddress import ip_address
from typing import TypeVar

from labkit.errors import NetworkError
from labkit.network import parts
from labkit.network.packet import Address

#: The Amazon DNS server, instance metadata, the time service and Windows activation. No flow log records them.
_UNRECORDED = {
    ip_address(address)
    for address in (
        "169.254.169.253", "169.254.169.254", "169.254.169.123", "169.254.169.250", "169.254.169.251",
        "fd00:ec2::253", "fd00:ec2::254", "fd00:ec2::123", "fd00:ec2::250", "fd00:ec2::251",
    )
}  # fmt: skip

_Key = TypeVar("_Key")
_Value = TypeVar("_Value")


@dataclass(frozen=True)
class Topology:
    """A snapshot of every VPC of an account and region, and what connects them.

    The parts name each other by id, as in the API.

    Attributes:
        vpcs: The VPCs by id; the other parts likewise.
        subnets: The subnets.
        route_tables: The route tables.
        internet_gateways: The internet gateways and the egress-only ones.
        peering_connections: The peering connections.
        security_groups: The security groups.
        network_acls: The network ACLs.
        interfaces: The network interfaces.
        instances: The instances.
        nat_gateways: The NAT gateways.
        prefix_lists: The CIDR blocks of each prefix list that a route or a rule names.
    """

    vpcs: Mapping[str, parts.Vpc]
    subnets: Mapping[str, parts.Subnet]
    route_tables: Mapping[str, parts.RouteTable]
    internet_gateways: Mapping[str, parts.InternetGateway]
    peering_connections: Mapping[str, parts.PeeringConnection]
    security_groups: Mapping[str, parts.SecurityGroup]
    network_acls: Mapping[str, parts.NetworkAcl]
    interfaces: Mapping[str, parts.Interface]
    instances: Mapping[str, parts.Instance]
    nat_gateways: Mapping[str, parts.NatGateway]
    prefix_lists: Mapping[str, tuple[parts.Cidr, ...]]

    @cached_property
    def _index(self) -> _Index:
        return _Index(self)

    def name(self, id: str) -> str:
        """Return the Name tag of a resource, or its id where it has none."""
        return self._index.names.get(id, id)

    def interface_of(self, key: str) -> parts.Interface:
        """Return the interface with a name, an id or an address, or the first one of an instance.

        Raises:
            NetworkError: No interface has it, or more than one does.
        """
        found = self._index.by_key.get(key, ())
        if len(found) == 1:
            return found[0]
        if found:
            ids = ", ".join(interface.id for interface in found)
            raise NetworkError(f"{key!r} is the name or address of {len(found)} interfaces: {ids}. Use an id.")
        alive = (instance for instance in self.instances.values() if instance.state != "terminated")
        known = ", ".join(sorted(instance.name for instance in alive))
        raise NetworkError(
            f"There is no instance, interface or address {key!r} in this network. "
            + (f"The instances are: {known}." if known else "It has no instance yet: launch them first.")
        )

    def primary_interface(self, instance: str) -> parts.Interface | None:
        """Return the first interface of an instance, or None."""
        return self._index.primary.get(instance)

    def interface_at(self, vpc: str, address: Address) -> parts.Interface | None:
        """Return the interface that has a private or IPv6 address in a VPC, or None."""
        return self._index.by_address.get((vpc, address))

    def interfaces_with(self, address: Address) -> list[parts.Interface]:
        """Return the interfaces, at most one per VPC, that have an address as their own."""
        return self._index.by_own_address.get(address, [])

    def public_interface(self, address: Address) -> tuple[parts.Interface, Address] | None:
        """Return the interface that the internet reaches at an address, and its own address there, or None.

        That is the private address paired with a public IPv4 address; an IPv6 address is its own pair.
        """
        return self._index.by_public_address.get(address)

    def subnet_at(self, vpc: str, address: Address) -> parts.Subnet | None:
        """Return the subnet of a VPC that contains an address, or None."""
        subnets = self._index.subnets.get(vpc, ())
        return next((subnet for subnet in subnets if any(address in cidr for cidr in subnet.cidrs)), None)

    def active_peers(self, vpc: str) -> list[str]:
        """Return the ids of the VPCs that a VPC is peered with now."""
        return self._index.peers.get(vpc, [])

    def route_table_of(self, subnet: str) -> parts.RouteTable:
        """Return the route table that a subnet uses: the one associated with it, or its VPC's main one."""
        return self._index.route_tables.get(subnet) or self._index.main_route_tables[self.subnets[subnet].vpc]

    def network_acl_of(self, subnet: str) -> parts.NetworkAcl:
        """Return the network ACL of a subnet."""
        return self._index.network_acls[subnet]

    def internet_gateway_of(self, vpc: str) -> parts.InternetGateway | None:
        """Return the internet gateway attached to a VPC, or None."""
        return self._index.internet_gateways.get(vpc)

    def nat_gateway_at(self, interface: str) -> parts.NatGateway | None:
        """Return the NAT gateway behind an interface, or None."""
        return self._index.nat_gateways.get(interface)

    def is_captured(self, vpc: str, address: Address) -> bool:
        """Whether flow logs record packets that a VPC's interfaces send to an address.

        Not those to the Amazon DNS server, instance metadata, the time service, Windows activation and the VPC's
        router. https://docs.aws.amazon.com/vpc/latest/userguide/flow-logs-limitations.html
        """
        if address in _UNRECORDED or address == self.vpcs[vpc].dns_server:
            return False
        subnet = self.subnet_at(vpc, address)
        return subnet is None or address != subnet.router


class _Index:
    """The look-up tables of a topology, made when the first of them is needed."""

    def __init__(self, network: Topology) -> None:
        kinds = [getattr(network, field.name) for field in fields(network) if field.name != "prefix_lists"]
        interfaces, tables = list(network.interfaces.values()), network.route_tables.values()
        self.names: dict[str, str] = {id: part.name for kind in kinds for id, part in kind.items()}
        self.primary = {i.instance: i for i in reversed(interfaces) if i.instance}
        self.by_key = _grouped((key, i) for i in interfaces for key in self._keys(network, i))
        self.by_address = {(i.vpc, address): i for i in interfaces for address in i.addresses}
        self.by_own_address = _grouped((address, i) for (_, address), i in self.by_address.items())
        self.by_public_address = {public: (i, own) for i in interfaces for own, public in i.public.items()}
        self.by_public_address |= {own: (i, own) for i in interfaces for own in i.addresses if own.version == 6}
        self.subnets = _grouped((subnet.vpc, subnet) for subnet in network.subnets.values())
        active = [peering for peering in network.peering_connections.values() if peering.status == "active"]
        self.peers = _grouped((vpc, peering.other_end(vpc)) for peering in active for vpc in peering.cidrs)
        self.route_tables = {subnet: table for table in tables for subnet in table.subnets}
        self.main_route_tables = {table.vpc: table for table in tables if table.main}
        self.network_acls = {subnet: acl for acl in network.network_acls.values() for subnet in acl.subnets}
        self.internet_gateways = {g.vpc: g for g in network.internet_gateways.values() if g.vpc and not g.egress_only}
        self.nat_gateways = {gateway.interface: gateway for gateway in network.nat_gateways.values()}

    def _keys(self, network: Topology, interface: parts.Interface) -> set[str]:
        """What a person may call an interface: its instance, too, if it is that one's first."""
        keys = {interface.id, interface.name, *map(str, interface.addresses), *map(str, interface.public.values())}
        if interface.instance and self.primary[interface.instance] == interface:
            instance = network.instances.get(interface.instance)
            keys |= {interface.instance} | ({instance.name} if instance else set())
        return keys


def _grouped(pairs: Iterable[tuple[_Key, _Value]]) -> dict[_Key, list[_Value]]:
    found: dict[_Key, list[_Value]] = {}
    for key, value in pairs:
        found.setdefault(key, []).append(value)
    return found
