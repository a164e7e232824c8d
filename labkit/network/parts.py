"""The parts of a VPC network, as the EC2 API describes them, in frozen dataclasses that name each other by id.

`labkit.network.read` makes them, and a `Network` holds them.
"""

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
class Part:
    """What every part of a network has.

    Attributes:
        id: Its id; the prefix tells its type, as in `vpc-…`.
        name: Its Name tag, or its own name (a security group has one), or its id.
    """

    id: str
    name: str


@dataclass(frozen=True, slots=True)
class Vpc(Part):
    """A VPC.

    Attributes:
        cidrs: Its CIDR blocks, IPv4 first.
    """

    cidrs: tuple[Cidr, ...]

    @property
    def dns_server(self) -> Address | None:
        """The Amazon DNS server's address: the primary IPv4 block's first address plus two.

        https://docs.aws.amazon.com/vpc/latest/userguide/AmazonDNS-concepts.html
        """
        primary = next((cidr for cidr in self.cidrs if cidr.version == 4), None)
        return primary.network_address + 2 if primary else None


@dataclass(frozen=True, slots=True)
class Subnet(Part):
    """A subnet.

    Attributes:
        vpc: The id of its VPC.
        cidrs: Its CIDR blocks, IPv4 first.
        availability_zone: The zone's name, such as `us-east-1a`.
        availability_zone_id: The zone's id, such as `use1-az1`; empty where it is not described.
    """

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

    Attributes:
        destinations: The CIDR block or blocks that it is for.
        target: An id such as `igw-…` or `pcx-…`, or `local`.
        state: `active` or `blackhole`.
        propagated: Whether a virtual private gateway propagated it.
        destination: The CIDR block or the prefix list's id, as it is written.
    """

    destinations: tuple[Cidr, ...]
    target: str
    state: str
    propagated: bool
    destination: str

    @property
    def priority(self) -> int:
        """Its rank among routes to one block; the highest applies: local, static, to a prefix list, propagated."""
        if self.target == "local":
            return 3
        return 0 if self.propagated else 1 if self.destination.startswith("pl-") else 2

    def __str__(self) -> str:
        return f"{self.destination} → {self.target}" + (" (blackhole)" if self.state == "blackhole" else "")


@dataclass(frozen=True, slots=True)
class RouteTable(Part):
    """A route table.

    Attributes:
        vpc: The id of its VPC.
        routes: Its routes, in no order of meaning.
        main: Whether it is the main table of its VPC.
        subnets: The ids of the subnets that are associated with it.
        gateways: The ids of the gateways that are associated with it (edge association).
    """

    vpc: str
    routes: tuple[Route, ...]
    main: bool
    subnets: tuple[str, ...]
    gateways: tuple[str, ...]

    def lookup(self, destination: Address) -> Route | None:
        """Return the route that applies to an address, or None.

        The longest prefix wins, and among equal ones the highest priority. A propagated route never beats the local
        one, even where it is more specific.
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
class InternetGateway(Part):
    """An internet gateway, or an egress-only one.

    Attributes:
        vpc: The id of the VPC that it is attached to, or None.
        egress_only: Whether it is an egress-only internet gateway, for IPv6.
    """

    vpc: str | None
    egress_only: bool = False


@dataclass(frozen=True, slots=True)
class PeeringConnection(Part):
    """A VPC peering connection.

    Attributes:
        status: The status code, such as `active` or `pending-acceptance`.
        requester: The id of the VPC that asked for it.
        accepter: The id of the VPC that was asked.
        cidrs: The CIDR blocks of both VPCs by their ids.
    """

    status: str
    requester: str
    accepter: str
    cidrs: Mapping[str, tuple[Cidr, ...]] = field(hash=False)

    def other_end(self, vpc: str) -> str:
        """Return the id of the VPC at the other end."""
        return self.accepter if vpc == self.requester else self.requester


@dataclass(frozen=True, slots=True)
class Permission:
    """One rule of a security group, which can only allow.

    Attributes:
        protocol: IANA's protocol number, None for all.
        from_port: The first port, -1 for all; for ICMP the type.
        to_port: The last port, -1 for all; for ICMP the code.
        cidrs: The CIDR blocks at the other end that it allows.
        groups: The ids of the security groups at the other end that it allows.
        prefix_lists: The ids of the prefix lists at the other end that it allows.
    """

    protocol: int | None
    from_port: int
    to_port: int
    cidrs: tuple[Cidr, ...]
    groups: tuple[str, ...]
    prefix_lists: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class SecurityGroup(Part):
    """A security group.

    Attributes:
        vpc: The id of its VPC.
        ingress: The rules for packets that enter an interface.
        egress: The rules for packets that leave an interface.
    """

    vpc: str
    ingress: tuple[Permission, ...]
    egress: tuple[Permission, ...]


@dataclass(frozen=True, slots=True)
class AclEntry:
    """One rule of a network ACL.

    Attributes:
        number: The rule number: the lowest that matches decides.
        egress: Whether it is for packets that leave the subnet.
        allow: Whether it allows what matches, or denies it.
        protocol: IANA's protocol number, None for all.
        cidr: The CIDR block at the other end.
        from_port: The first destination port, -1 for all; for ICMP the type.
        to_port: The last destination port, -1 for all; for ICMP the code.
    """

    number: int
    egress: bool
    allow: bool
    protocol: int | None
    cidr: Cidr
    from_port: int = -1
    to_port: int = -1

    @property
    def is_default(self) -> bool:
        """Whether this is AWS's own entry `*`, which denies what no other entry matches."""
        return self.number >= 32767


@dataclass(frozen=True, slots=True)
class NetworkAcl(Part):
    """A network ACL.

    Attributes:
        entries: Its rules, by number.
        subnets: The ids of the subnets that are associated with it.
    """

    entries: tuple[AclEntry, ...]
    subnets: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Interface(Part):
    """A network interface.

    Attributes:
        vpc: The id of its VPC.
        subnet: The id of its subnet.
        addresses: Its private IPv4 addresses, the primary first, then its IPv6 ones.
        public: The public IPv4 address of each private address that has one.
        groups: The ids of its security groups.
        source_dest_check: Whether it refuses packets that are neither from nor for its own addresses.
        instance: The id of the instance that it is attached to, or None.
        mac: Its MAC address, empty where it is not described.
        attached: Whether it is attached to anything.
    """

    vpc: str
    subnet: str
    addresses: tuple[Address, ...]
    public: Mapping[Address, Address] = field(hash=False)
    groups: tuple[str, ...]
    source_dest_check: bool
    instance: str | None
    mac: str = ""
    attached: bool = True

    @property
    def primary(self) -> Address:
        """The address that flow log records give for this interface."""
        return self.addresses[0]


@dataclass(frozen=True, slots=True)
class Instance(Part):
    """An instance.

    Attributes:
        state: The state's name, such as `running` or `stopped`.
        private_dns_name: Its private DNS name, or empty.
        public_dns_name: Its public DNS name, or empty.
        profile: The ARN of its instance profile, or None.
    """

    state: str
    private_dns_name: str
    public_dns_name: str
    profile: str | None = None


@dataclass(frozen=True, slots=True)
class NatGateway(Part):
    """A NAT gateway.

    Attributes:
        vpc: The id of its VPC.
        subnet: The id of its subnet, empty where it is regional.
        state: The state, such as `available`.
        interface: The id of its network interface, empty where it has none.
        regional: Whether it serves a whole VPC rather than being in one subnet.
    """

    vpc: str
    subnet: str
    state: str
    interface: str
    regional: bool = False


@dataclass(frozen=True, slots=True)
class Translation:
    """A gateway's change of one address of a packet.

    Attributes:
        before: The address on the packet as it came.
        after: The address on the packet as it goes on.
    """

    before: Address
    after: Address

    def __str__(self) -> str:
        return f"{self.before} → {self.after}"


#: What can decide about a packet: a route, a security group's rule, a network ACL's entry, a gateway's attachment or
#: translation, or the state of a resource.
DecidedBy = Route | Permission | AclEntry | PeeringConnection | InternetGateway | NatGateway | Instance | Translation
