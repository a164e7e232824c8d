"""The parts of a VPC network, as the EC2 API describes them, in frozen dataclasses that name each other by id."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from ipaddress import IPv4Network, IPv6Network

from labkit.network.packet import Address

Cidr = IPv4Network | IPv6Network

#: Addresses of services that the instance's own host answers, such as instance metadata. No route leads to them.
#: https://docs.aws.amazon.com/vpc/latest/userguide/subnet-route-tables.html
_HOST_SERVICES: tuple[Cidr, ...] = (IPv4Network("169.254.168.0/22"), IPv6Network("fd00:ec2::/32"))


@dataclass(frozen=True, slots=True)
class Vpc:
    id: str
    name: str
    cidrs: tuple[Cidr, ...]

    @property
    def dns_server(self) -> Address | None:
        """The Amazon DNS server's address: the primary IPv4 block's first address plus two.

        https://docs.aws.amazon.com/vpc/latest/userguide/AmazonDNS-concepts.html
        """
        primary = next((cidr for cidr in self.cidrs if cidr.version == 4), None)
        return primary.network_address + 2 if primary else None


@dataclass(frozen=True, slots=True)
class Subnet:
    id: str
    name: str
    vpc: str
    cidrs: tuple[Cidr, ...]
    availability_zone: str
    availability_zone_id: str

    def is_reserved(self, address: Address) -> bool:
        """Whether AWS keeps this address: the first four of an IPv4 subnet and the last.

        https://docs.aws.amazon.com/vpc/latest/userguide/subnet-sizing.html
        """
        for cidr in self.cidrs:
            if address.version == 4 and address in cidr:
                offset = int(address) - int(cidr.network_address)
                return offset < 4 or offset == cidr.num_addresses - 1
        return False

    @property
    def router(self) -> Address | None:
        """The VPC router's IPv4 address in this subnet: the first one plus one."""
        return next((cidr.network_address + 1 for cidr in self.cidrs if cidr.version == 4), None)


@dataclass(frozen=True, slots=True)
class Route:
    """One row of a route table.

    `target` is an id such as `igw-…` or `pcx-…`, or `local`; `state` is `active` or `blackhole`; `destination` is the
    CIDR block or the prefix list's id, `destinations` the block or blocks that it stands for.
    """

    destinations: tuple[Cidr, ...]
    target: str
    state: str
    propagated: bool
    destination: str

    @property
    def priority(self) -> int:
        """Which of two routes to the same block applies, the higher: local, static, to a prefix list, propagated."""
        if self.target == "local":
            return 3
        return 0 if self.propagated else 1 if self.destination.startswith("pl-") else 2

    def __str__(self) -> str:
        return f"{self.destination} → {self.target}" + (" (blackhole)" if self.state == "blackhole" else "")


@dataclass(frozen=True, slots=True)
class RouteTable:
    id: str
    name: str
    vpc: str
    routes: tuple[Route, ...]
    main: bool
    subnets: tuple[str, ...]
    gateways: tuple[str, ...]

    def lookup(self, destination: Address) -> Route | None:
        """The route that applies to an address, or None: the longest prefix, and among equal ones the highest priority.

        A propagated route never beats the local one, be it more specific.
        https://docs.aws.amazon.com/vpc/latest/userguide/route-tables-priority.html
        https://docs.aws.amazon.com/vpn/latest/s2svpn/vpn-route-priority.html
        """
        if any(destination in cidr for cidr in _HOST_SERVICES):
            return None
        found = [(cidr.prefixlen, route) for route in self.routes for cidr in route.destinations if destination in cidr]
        if any(route.target == "local" for _, route in found):
            found = [(length, route) for length, route in found if not route.propagated]
        return max(found, key=lambda match: (match[0], match[1].priority), default=(0, None))[1]


@dataclass(frozen=True, slots=True)
class InternetGateway:
    """An internet gateway (`igw-…`) and the VPC it is attached to; where `egress_only`, one for IPv6 (`eigw-…`)."""

    id: str
    name: str
    vpc: str | None
    egress_only: bool = False


@dataclass(frozen=True, slots=True)
class PeeringConnection:
    id: str
    name: str
    status: str
    requester: str
    accepter: str
    cidrs: Mapping[str, tuple[Cidr, ...]] = field(hash=False)

    def other_end(self, vpc: str) -> str:
        """The id of the VPC at the far end."""
        return self.accepter if vpc == self.requester else self.requester


@dataclass(frozen=True, slots=True)
class Permission:
    """One rule of a security group: it only ever allows.

    `protocol` None means all; ports -1 mean all. For ICMP the ports are the type and the code.
    """

    protocol: int | None
    from_port: int
    to_port: int
    cidrs: tuple[Cidr, ...]
    groups: tuple[str, ...]
    prefix_lists: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class SecurityGroup:
    id: str
    name: str
    vpc: str
    ingress: tuple[Permission, ...]
    egress: tuple[Permission, ...]


@dataclass(frozen=True, slots=True)
class AclEntry:
    """One rule of a network ACL.

    `protocol` None means all; `from_port` and `to_port` None mean all ports; an ICMP type or code of -1 means all.
    """

    number: int
    egress: bool
    allow: bool
    protocol: int | None
    cidr: Cidr
    from_port: int | None = None
    to_port: int | None = None
    icmp_type: int = -1
    icmp_code: int = -1


@dataclass(frozen=True, slots=True)
class NetworkAcl:
    id: str
    name: str
    vpc: str
    entries: tuple[AclEntry, ...]
    subnets: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Interface:
    """A network interface.

    `addresses` are its private IPv4 addresses, the primary first, then its IPv6 ones; `public` pairs a private address
    with its public one; `attached` says whether anything stands behind it.
    """

    id: str
    name: str
    vpc: str
    subnet: str
    addresses: tuple[Address, ...]
    public: Mapping[Address, Address] = field(hash=False)
    groups: tuple[str, ...]
    source_dest_check: bool
    instance: str | None
    kind: str
    mac: str = ""
    attached: bool = True

    @property
    def primary(self) -> Address:
        """The address that flow log records give for this interface."""
        return self.addresses[0]


@dataclass(frozen=True, slots=True)
class Instance:
    id: str
    name: str
    state: str
    vpc: str | None
    private_dns_name: str
    public_dns_name: str
    profile: str | None = None  # the ARN of its instance profile


@dataclass(frozen=True, slots=True)
class NatGateway:
    id: str
    name: str
    vpc: str
    subnet: str
    state: str
    interface: str
    private: bool
    regional: bool = False
