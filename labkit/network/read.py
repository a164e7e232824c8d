"""From the answers of EC2's `describe_*` calls to a `Network`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from ipaddress import ip_address, ip_network
from typing import Any, Protocol, TypeVar

from labkit.network.model import Network
from labkit.network.packet import Address
from labkit.network.parts import (
    AclEntry,
    Cidr,
    Instance,
    Interface,
    InternetGateway,
    NatGateway,
    NetworkAcl,
    PeeringConnection,
    Permission,
    Route,
    RouteTable,
    SecurityGroup,
    Subnet,
    Vpc,
)

Json = Mapping[str, Any]


class _Identified(Protocol):
    @property
    def id(self) -> str: ...


Part = TypeVar("Part", bound=_Identified)

#: What is asked of EC2: the operation and the key that holds its list.
OPERATIONS = {
    "describe_vpcs": "Vpcs",
    "describe_subnets": "Subnets",
    "describe_route_tables": "RouteTables",
    "describe_internet_gateways": "InternetGateways",
    "describe_egress_only_internet_gateways": "EgressOnlyInternetGateways",
    "describe_vpc_peering_connections": "VpcPeeringConnections",
    "describe_security_groups": "SecurityGroups",
    "describe_network_acls": "NetworkAcls",
    "describe_network_interfaces": "NetworkInterfaces",
    "describe_instances": "Reservations",
    "describe_nat_gateways": "NatGateways",
}

#: Operations that change one kind of part and nothing else, and which: its describing operation.
_CHANGES_ONLY = {
    "CreateRoute": "describe_route_tables",
    "ReplaceRoute": "describe_route_tables",
    "DeleteRoute": "describe_route_tables",
    "AuthorizeSecurityGroupIngress": "describe_security_groups",
    "AuthorizeSecurityGroupEgress": "describe_security_groups",
    "RevokeSecurityGroupIngress": "describe_security_groups",
    "RevokeSecurityGroupEgress": "describe_security_groups",
    "CreateNetworkAclEntry": "describe_network_acls",
    "ReplaceNetworkAclEntry": "describe_network_acls",
    "DeleteNetworkAclEntry": "describe_network_acls",
}

#: The keys of a route that name its target.
_TARGETS = (
    "GatewayId", "VpcPeeringConnectionId", "NatGatewayId", "NetworkInterfaceId", "EgressOnlyInternetGatewayId",
    "TransitGatewayId", "LocalGatewayId", "CarrierGatewayId", "CoreNetworkArn", "OdbNetworkArn", "InstanceId",
)  # fmt: skip

_PROTOCOLS = {"icmp": 1, "tcp": 6, "udp": 17, "icmpv6": 58}


def read(client: Any) -> Network:
    """Ask an EC2 client for everything and make the Network of it."""
    answers = {key: _ask(client, operation) for operation, key in OPERATIONS.items()}
    paginate = client.get_paginator("get_managed_prefix_list_entries").paginate
    answers["PrefixLists"] = [
        {"PrefixListId": id, "Entries": [entry for page in paginate(PrefixListId=id) for entry in page["Entries"]]}
        for id in sorted(_prefix_lists_in(answers))
    ]
    return network_from(answers)


def _ask(client: Any, operation: str) -> list[Json]:
    return [part for page in client.get_paginator(operation).paginate() for part in page[OPERATIONS[operation]]]


def is_partial(operation: str) -> bool:
    """Whether an operation (`CreateRoute`) changes one kind of part only, so that `reread` need not read them all."""
    return operation in _CHANGES_ONLY


def reread(network: Network, client: Any, operations: Iterable[str]) -> Network:
    """The network after calls of these operations: what they can have changed is read again, the rest kept.

    Raises KeyError for an operation that is not `is_partial`.
    """
    answers = {operation: _ask(client, operation) for operation in {_CHANGES_ONLY[one] for one in operations}}
    known = {OPERATIONS[operation]: parts for operation, parts in answers.items()}
    if _prefix_lists_in({"RouteTables": [], "SecurityGroups": [], **known}) - set(network.prefix_lists):
        return read(client)
    make: dict[str, tuple[str, Any]] = {
        "describe_route_tables": ("route_tables", lambda part: _route_table(part, network.prefix_lists)),
        "describe_security_groups": ("security_groups", _security_group),
        "describe_network_acls": ("network_acls", _network_acl),
    }
    changed = {make[operation][0]: _by_id(map(make[operation][1], parts)) for operation, parts in answers.items()}
    return replace(network, **changed)


def network_from(answers: Mapping[str, list[Json]]) -> Network:
    """Make a Network of lists of parts in the API's own shapes, keyed as the API keys them (`Vpcs`, `Subnets`, …)."""
    prefix_lists = {
        part["PrefixListId"]: tuple(ip_network(entry["Cidr"]) for entry in part["Entries"])
        for part in answers.get("PrefixLists", [])
    }
    instances = [instance for reservation in answers["Reservations"] for instance in reservation["Instances"]]
    gateways = [_internet_gateway(part) for part in answers["InternetGateways"]]
    gateways += [_egress_only_gateway(part) for part in answers["EgressOnlyInternetGateways"]]
    return Network(
        vpcs=_by_id(map(_vpc, answers["Vpcs"])),
        subnets=_by_id(map(_subnet, answers["Subnets"])),
        route_tables=_by_id(_route_table(part, prefix_lists) for part in answers["RouteTables"]),
        internet_gateways=_by_id(gateways),
        peering_connections=_by_id(map(_peering_connection, answers["VpcPeeringConnections"])),
        security_groups=_by_id(map(_security_group, answers["SecurityGroups"])),
        network_acls=_by_id(map(_network_acl, answers["NetworkAcls"])),
        interfaces=_by_id(map(_interface, answers["NetworkInterfaces"])),
        instances=_by_id(map(_instance, instances)),
        nat_gateways=_by_id(map(_nat_gateway, answers["NatGateways"])),
        prefix_lists=prefix_lists,
    )


def _prefix_lists_in(answers: Mapping[str, list[Json]]) -> set[str]:
    routes = (route for table in answers["RouteTables"] for route in table["Routes"])
    permissions = (
        permission
        for group in answers["SecurityGroups"]
        for permission in [*group["IpPermissions"], *group["IpPermissionsEgress"]]
    )
    found = {route["DestinationPrefixListId"] for route in routes if route.get("DestinationPrefixListId")}
    return found | {part["PrefixListId"] for permission in permissions for part in permission.get("PrefixListIds", [])}


def _by_id(parts: Iterable[Part]) -> dict[str, Part]:
    return {part.id: part for part in parts}


def _name(part: Json, id: str) -> str:
    tags: Iterable[Json] = part.get("Tags") or part.get("TagSet") or ()
    return next((str(tag["Value"]) for tag in tags if tag["Key"] == "Name" and tag["Value"]), id)


def _cidrs(part: Json) -> tuple[Cidr, ...]:
    """The CIDR blocks associated with a VPC or a subnet, IPv4 first."""
    blocks = [(a["CidrBlock"], a["CidrBlockState"]) for a in part.get("CidrBlockAssociationSet", ())]
    if not blocks and part.get("CidrBlock"):  # a subnet has one IPv4 block, and no association for it
        blocks = [(part["CidrBlock"], {"State": "associated"})]
    blocks += [(a["Ipv6CidrBlock"], a["Ipv6CidrBlockState"]) for a in part.get("Ipv6CidrBlockAssociationSet", ())]
    return tuple(ip_network(cidr) for cidr, state in blocks if state["State"] == "associated")


def _vpc(part: Json) -> Vpc:
    return Vpc(part["VpcId"], _name(part, part["VpcId"]), _cidrs(part))


def _subnet(part: Json) -> Subnet:
    id = part["SubnetId"]
    zone, zone_id = part["AvailabilityZone"], part.get("AvailabilityZoneId", "")
    return Subnet(id, _name(part, id), part["VpcId"], _cidrs(part), zone, zone_id)


def _route(part: Json, prefix_lists: Mapping[str, tuple[Cidr, ...]]) -> Route:
    cidr = part.get("DestinationCidrBlock") or part.get("DestinationIpv6CidrBlock")
    prefix_list = part.get("DestinationPrefixListId", "")
    return Route(
        destinations=(ip_network(cidr, strict=False),) if cidr else prefix_lists.get(prefix_list, ()),
        target=next((str(part[key]) for key in _TARGETS if part.get(key)), "nothing"),
        state=part.get("State", "active"),
        propagated=part.get("Origin") == "EnableVgwRoutePropagation",
        destination=cidr or prefix_list,
    )


def _route_table(part: Json, prefix_lists: Mapping[str, tuple[Cidr, ...]]) -> RouteTable:
    id = part["RouteTableId"]
    associations = part["Associations"]
    return RouteTable(
        id=id,
        name=_name(part, id),
        vpc=part["VpcId"],
        routes=tuple(_route(route, prefix_lists) for route in part["Routes"]),
        main=any(a.get("Main") for a in associations),
        subnets=tuple(a["SubnetId"] for a in associations if a.get("SubnetId")),
        gateways=tuple(a["GatewayId"] for a in associations if a.get("GatewayId")),
    )


def _attached_vpc(part: Json) -> str | None:
    # EC2 says "available" of an internet gateway that is attached, and "attached" of an egress-only one.
    return next((a["VpcId"] for a in part["Attachments"] if a["State"] in ("available", "attached")), None)


def _internet_gateway(part: Json) -> InternetGateway:
    id = part["InternetGatewayId"]
    return InternetGateway(id, _name(part, id), _attached_vpc(part))


def _egress_only_gateway(part: Json) -> InternetGateway:
    id = part["EgressOnlyInternetGatewayId"]
    return InternetGateway(id, _name(part, id), _attached_vpc(part), egress_only=True)


def _peering_connection(part: Json) -> PeeringConnection:
    id = part["VpcPeeringConnectionId"]
    ends = part["RequesterVpcInfo"], part["AccepterVpcInfo"]
    return PeeringConnection(
        id=id,
        name=_name(part, id),
        status=part["Status"]["Code"],
        requester=ends[0]["VpcId"],
        accepter=ends[1]["VpcId"],
        cidrs={end["VpcId"]: _peer_cidrs(end) for end in ends},
    )


def _peer_cidrs(end: Json) -> tuple[Cidr, ...]:
    v4 = [block["CidrBlock"] for block in end.get("CidrBlockSet", ())]
    if not v4 and end.get("CidrBlock"):
        v4 = [end["CidrBlock"]]
    v6 = [block["Ipv6CidrBlock"] for block in end.get("Ipv6CidrBlockSet", ())]
    return tuple(ip_network(cidr) for cidr in [*v4, *v6])


def _protocol(value: str) -> int | None:
    return None if value == "-1" else _PROTOCOLS[value] if value in _PROTOCOLS else int(value)


def _permission(part: Json) -> Permission:
    cidrs = [r["CidrIp"] for r in part.get("IpRanges", ())] + [r["CidrIpv6"] for r in part.get("Ipv6Ranges", ())]
    return Permission(
        protocol=_protocol(part["IpProtocol"]),
        from_port=part.get("FromPort", -1),
        to_port=part.get("ToPort", -1),
        cidrs=tuple(ip_network(cidr, strict=False) for cidr in cidrs),
        groups=tuple(pair["GroupId"] for pair in part.get("UserIdGroupPairs", ())),
        prefix_lists=tuple(entry["PrefixListId"] for entry in part.get("PrefixListIds", ())),
    )


def _security_group(part: Json) -> SecurityGroup:
    return SecurityGroup(
        id=part["GroupId"],
        name=_name(part, part["GroupName"]),
        vpc=part["VpcId"],
        ingress=tuple(map(_permission, part["IpPermissions"])),
        egress=tuple(map(_permission, part["IpPermissionsEgress"])),
    )


def _acl_entry(part: Json) -> AclEntry:
    ports = part.get("PortRange") or {}
    icmp = part.get("IcmpTypeCode") or {}
    return AclEntry(
        number=part["RuleNumber"],
        egress=part["Egress"],
        allow=part["RuleAction"] == "allow",
        protocol=_protocol(part["Protocol"]),
        cidr=ip_network(part.get("CidrBlock") or part["Ipv6CidrBlock"], strict=False),
        from_port=ports.get("From"),
        to_port=ports.get("To"),
        icmp_type=icmp.get("Type", -1),
        icmp_code=icmp.get("Code", -1),
    )


def _network_acl(part: Json) -> NetworkAcl:
    id = part["NetworkAclId"]
    return NetworkAcl(
        id=id,
        name=_name(part, id),
        vpc=part["VpcId"],
        entries=tuple(sorted(map(_acl_entry, part["Entries"]), key=lambda entry: entry.number)),
        subnets=tuple(a["SubnetId"] for a in part["Associations"]),
    )


def _interface(part: Json) -> Interface:
    id = part["NetworkInterfaceId"]
    primary = part.get("PrivateIpAddress")  # an interface in an IPv6-only subnet has none
    public = {primary: part.get("Association")} if primary else {}
    for other in part.get("PrivateIpAddresses", ()):
        address = other["PrivateIpAddress"]
        public[address] = other.get("Association") or public.get(address)
    addresses: list[Address] = [ip_address(address) for address in public]
    addresses += [ip_address(a["Ipv6Address"]) for a in part.get("Ipv6Addresses", ())]
    attachment = part.get("Attachment") or {}
    return Interface(
        id=id,
        name=_name(part, id),
        vpc=part["VpcId"],
        subnet=part["SubnetId"],
        addresses=tuple(addresses),
        public={ip_address(own): ip_address(a["PublicIp"]) for own, a in public.items() if a and a.get("PublicIp")},
        groups=tuple(group["GroupId"] for group in part["Groups"]),
        source_dest_check=part["SourceDestCheck"],
        instance=attachment.get("InstanceId"),
        kind=part.get("InterfaceType", "interface"),
        mac=part.get("MacAddress", ""),
        attached=part.get("Status") != "available" or "InstanceId" in attachment,
    )


def _instance(part: Json) -> Instance:
    id = part["InstanceId"]
    return Instance(
        id=id,
        name=_name(part, id),
        state=part["State"]["Name"],
        vpc=part.get("VpcId"),
        private_dns_name=part.get("PrivateDnsName", ""),
        public_dns_name=part.get("PublicDnsName", ""),
        profile=part.get("IamInstanceProfile", {}).get("Arn"),
    )


def _nat_gateway(part: Json) -> NatGateway:
    id = part["NatGatewayId"]
    address: Json = next(iter(part.get("NatGatewayAddresses", ())), {})
    return NatGateway(
        id=id,
        name=_name(part, id),
        vpc=part["VpcId"],
        subnet=part.get("SubnetId", ""),  # a regional one has none
        state=part["State"],
        interface=address.get("NetworkInterfaceId", ""),
        private=part.get("ConnectivityType") == "private",
        regional=part.get("AvailabilityMode") == "regional",
    )
