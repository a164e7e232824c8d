"""A network of VPCs: a snapshot of what the `describe_*` calls said at one moment, which makes no call itself.

Its parts name each other by id, as in the API; `Network` finds one from the other.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from os import PathLike
from typing import TYPE_CHECKING, Any, Protocol

from labkit.errors import NetworkError
from labkit.network.packet import Address, Packet
from labkit.network.parts import (
    Cidr,
    Instance,
    Interface,
    InternetGateway,
    NatGateway,
    NetworkAcl,
    PeeringConnection,
    RouteTable,
    SecurityGroup,
    Subnet,
    Vpc,
)

if TYPE_CHECKING:
    from labkit.network.path import Path


class _Named(Protocol):
    @property
    def name(self) -> str: ...


@dataclass(frozen=True)
class Network:
    """A snapshot of every VPC of an account and region, and what connects them.

    Make one with `Network.from_ec2(client)` or `Network.from_files(folder)`. Each field maps ids to parts.
    """

    vpcs: Mapping[str, Vpc]
    subnets: Mapping[str, Subnet]
    route_tables: Mapping[str, RouteTable]
    internet_gateways: Mapping[str, InternetGateway]
    peering_connections: Mapping[str, PeeringConnection]
    security_groups: Mapping[str, SecurityGroup]
    network_acls: Mapping[str, NetworkAcl]
    interfaces: Mapping[str, Interface]
    instances: Mapping[str, Instance]
    nat_gateways: Mapping[str, NatGateway]
    prefix_lists: Mapping[str, tuple[Cidr, ...]]

    @classmethod
    def from_ec2(cls, client: Any) -> Network:
        """Read a network through an EC2 client with `describe_*` calls alone, page by page.

        Parameters: `client` is a boto3 EC2 client of any account; it needs permission for `ec2:Describe*` and
        `ec2:GetManagedPrefixListEntries`. Raises botocore's ClientError where a call is refused.
        """
        from labkit.network.read import read

        return read(client)

    @classmethod
    def from_files(cls, folder: str | PathLike[str]) -> Network:
        r"""Read a network from a folder of `describe-*` answers in JSON, without asking anyone. To make such a folder:

            mkdir my-network
            for what in vpcs subnets route-tables internet-gateways egress-only-internet-gateways \
                vpc-peering-connections security-groups network-acls network-interfaces instances nat-gateways
            do aws ec2 describe-$what --output json > my-network/$what.json; done

        and, for each prefix list that a route or a rule names, `aws ec2 get-managed-prefix-list-entries
        --prefix-list-id pl-… --output json > my-network/pl-….json`.

        Parameters: `folder` is searched with its subfolders, so those of several accounts and regions make one network;
        a file may have any name and hold one page of an answer, several answers, or a list alone (then its name says of
        what: `vpcs.json`). Batfish's `aws_configs` are such folders. Of what a network can do without (gateways,
        peering connections), nothing described means that there is none; an instance that isn't described is taken to
        be running. A subnet always has a network ACL and a route table, its own or the main one of its VPC: where no
        file describes them, nobody knows what they say, and that is an error.
        Raises SnapshotError, which names the file and what to do.

        >>> sorted(vpc.name for vpc in Network.from_files("data/nimbus-day").vpcs.values())
        ['vpc-1', 'vpc-2']
        """
        from labkit.network.files import read_files

        return read_files(folder)

    def trace(self, packet: Packet, start: str | None = None) -> Path:
        """Follow a packet to its destination and the reply back, and say what each component decided.

        Parameters: `packet` is what is sent; `start` is the id of the interface that sends it, needed only where two
        interfaces bear the packet's source address. A source outside every VPC is a host on the internet.
        Raises NetworkError where `start` or the sender is unknown or the sender not the only one.
        """
        from labkit.network.trace import trace

        return trace(self, packet, start)

    # Finding one part from another.

    def name(self, id: str) -> str:
        """The Name tag of a resource, or its id where it has none."""
        return self._names.get(id, id)

    @cached_property
    def _names(self) -> dict[str, str]:
        kinds: tuple[Mapping[str, _Named], ...] = (
            self.vpcs, self.subnets, self.route_tables, self.internet_gateways, self.peering_connections,
            self.security_groups, self.network_acls, self.interfaces, self.instances, self.nat_gateways,
        )  # fmt: skip
        return {id: part.name for parts in kinds for id, part in parts.items()}

    def interface_of(self, key: str) -> Interface:
        """The interface that a name, an instance's id, an interface's id or an address stands for.

        Raises NetworkError where nothing bears it, or more than one thing does.
        """
        found = self._interfaces_by_key.get(key, ())
        if len(found) == 1:
            return found[0]
        if found:
            ids = ", ".join(interface.id for interface in found)
            raise NetworkError(f"{key!r} stands for {len(found)} interfaces: {ids}. Name one of these ids.")
        alive = (instance for instance in self.instances.values() if instance.state != "terminated")
        known = ", ".join(sorted(instance.name for instance in alive))
        raise NetworkError(
            f"There is no instance, interface or address {key!r} in this network. "
            + (f"The instances are: {known}." if known else "It has no instance yet: launch them first.")
        )

    @cached_property
    def _interfaces_by_key(self) -> dict[str, list[Interface]]:
        found: dict[str, list[Interface]] = {}
        for interface in self.interfaces.values():
            keys = {interface.id, interface.name, *map(str, interface.addresses), *map(str, interface.public.values())}
            if interface.instance and self.primary_interface(interface.instance) == interface:
                keys.add(interface.instance)
                if interface.instance in self.instances:
                    keys.add(self.instances[interface.instance].name)
            for key in keys:
                found.setdefault(key, []).append(interface)
        return found

    def primary_interface(self, instance: str) -> Interface | None:
        """The first interface of an instance, or None."""
        return self._interfaces_by_instance.get(instance)

    @cached_property
    def _interfaces_by_instance(self) -> dict[str, Interface]:
        found: dict[str, Interface] = {}
        for interface in self.interfaces.values():
            if interface.instance:
                found.setdefault(interface.instance, interface)
        return found

    def interface_at(self, vpc: str, address: Address) -> Interface | None:
        """The interface that bears a private or IPv6 address in a VPC, or None."""
        return self._interfaces_by_address.get((vpc, address))

    @cached_property
    def _interfaces_by_address(self) -> dict[tuple[str, Address], Interface]:
        return {(i.vpc, address): i for i in self.interfaces.values() for address in i.addresses}

    def subnet_at(self, vpc: str, address: Address) -> Subnet | None:
        """The subnet of a VPC that an address lies in, or None."""
        subnets = self._subnets_by_vpc.get(vpc, ())
        return next((subnet for subnet in subnets if any(address in cidr for cidr in subnet.cidrs)), None)

    @cached_property
    def _subnets_by_vpc(self) -> dict[str, list[Subnet]]:
        found: dict[str, list[Subnet]] = {}
        for subnet in self.subnets.values():
            found.setdefault(subnet.vpc, []).append(subnet)
        return found

    def active_peers(self, vpc: str) -> list[str]:
        """The ids of the VPCs that a VPC is peered with now."""
        return self._active_peers.get(vpc, [])

    @cached_property
    def _active_peers(self) -> dict[str, list[str]]:
        found: dict[str, list[str]] = {}
        for peering in self.peering_connections.values():
            if peering.status == "active":
                found.setdefault(peering.requester, []).append(peering.accepter)
                found.setdefault(peering.accepter, []).append(peering.requester)
        return found

    def interfaces_with(self, address: Address) -> list[Interface]:
        """The interfaces, one a VPC at most, that bear an address as their own."""
        return self._interfaces_by_own_address.get(address, [])

    @cached_property
    def _interfaces_by_own_address(self) -> dict[Address, list[Interface]]:
        found: dict[Address, list[Interface]] = {}
        for (_, address), interface in self._interfaces_by_address.items():
            found.setdefault(address, []).append(interface)
        return found

    def public_interface(self, address: Address) -> tuple[Interface, Address] | None:
        """The interface that the internet reaches at an address, and its own address there, or None.

        That is the private address paired with a public IPv4 address; an IPv6 address stands for itself.
        """
        return self._interfaces_by_public_address.get(address)

    @cached_property
    def _interfaces_by_public_address(self) -> dict[Address, tuple[Interface, Address]]:
        found: dict[Address, tuple[Interface, Address]] = {}
        for interface in self.interfaces.values():
            for private, public in interface.public.items():
                found[public] = (interface, private)
            for address in interface.addresses:
                if address.version == 6:
                    found[address] = (interface, address)
        return found

    def route_table_of(self, subnet: str) -> RouteTable:
        """The route table that a subnet uses: the one associated with it, or its VPC's main one."""
        return self._route_tables_by_subnet.get(subnet) or self._main_route_tables[self.subnets[subnet].vpc]

    @cached_property
    def _route_tables_by_subnet(self) -> dict[str, RouteTable]:
        return {subnet: table for table in self.route_tables.values() for subnet in table.subnets}

    @cached_property
    def _main_route_tables(self) -> dict[str, RouteTable]:
        return {table.vpc: table for table in self.route_tables.values() if table.main}

    def network_acl_of(self, subnet: str) -> NetworkAcl:
        """The network ACL of a subnet."""
        return self._network_acls_by_subnet[subnet]

    @cached_property
    def _network_acls_by_subnet(self) -> dict[str, NetworkAcl]:
        return {subnet: acl for acl in self.network_acls.values() for subnet in acl.subnets}

    def internet_gateway_of(self, vpc: str) -> InternetGateway | None:
        """The internet gateway attached to a VPC, or None."""
        return self._internet_gateways_by_vpc.get(vpc)

    @cached_property
    def _internet_gateways_by_vpc(self) -> dict[str, InternetGateway]:
        return {g.vpc: g for g in self.internet_gateways.values() if g.vpc and not g.egress_only}

    def nat_gateway_at(self, interface: str) -> NatGateway | None:
        """The NAT gateway behind an interface, or None."""
        return self._nat_gateways_by_interface.get(interface)

    @cached_property
    def _nat_gateways_by_interface(self) -> dict[str, NatGateway]:
        return {gateway.interface: gateway for gateway in self.nat_gateways.values()}
