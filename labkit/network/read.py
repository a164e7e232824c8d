"""Make the parts of a network out of the answers of EC2's `describe_*` calls.

`labkit.network.model.Network` calls this for answers of a client, and `labkit.network.files` for answers in files.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from ipaddress import ip_address, ip_network
from typing import Any, NamedTuple

from labkit.network import parts
from labkit.network.packet import ICMP, ICMPV6, PROTOCOL_NAMES, Address

Json = Mapping[str, Any]

PrefixLists = Mapping[str, tuple[parts.Cidr, ...]]

#: The parts of a network by id, keyed by the names of `Topology`'s fields.
Parts = dict[str, dict[str, Any]]

#: The key of each list that some operations alone change, and these operations by what they name: a verb and a noun.
_CHANGED_BY = {
    "RouteTables": (("Create", "Replace", "Delete"), ("Route",)),
    "SecurityGroups": (("Authorize", "Revoke"), ("SecurityGroupIngress", "SecurityGroupEgress")),
    "NetworkAcls": (("Create", "Replace", "Delete"), ("NetworkAclEntry",)),
}

#: Operations that change one kind of part and nothing else, and the key of that kind's list.
_CHANGES_ONLY = {verb + noun: key for key, (verbs, nouns) in _CHANGED_BY.items() for verb in verbs for noun in nouns}

#: The keys of a route that name its target.
TARGETS = (
    "GatewayId", "VpcPeeringConnectionId", "NatGatewayId", "NetworkInterfaceId", "EgressOnlyInternetGatewayId",
    "TransitGatewayId", "LocalGatewayId", "CarrierGatewayId", "CoreNetworkArn", "OdbNetworkArn", "InstanceId",
)  # fmt: skip

#: EC2 names these protocols in security group rules and gives the number of any other.
PROTOCOLS = {name.lower(): number for number, name in PROTOCOL_NAMES.items()}


def answers_of(client: Any) -> dict[str, list[Json]]:
    """Ask an EC2 client for everything.

    Args:
        client: A boto3 EC2 client.

    Returns:
        The lists in the answers, keyed as the API keys them (`Vpcs`, `Subnets`, …), and `PrefixLists`.
    """
    answers = {key: _ask(client, key) for key in _KINDS}
    paginate = client.get_paginator("get_managed_prefix_list_entries").paginate
    answers["PrefixLists"] = [
        {"PrefixListId": id, "Entries": [entry for page in paginate(PrefixListId=id) for entry in page["Entries"]]}
        for id in sorted(_prefix_lists_in(answers))
    ]
    return answers


def _ask(client: Any, key: str) -> list[Json]:
    return [part for page in client.get_paginator(_KINDS[key].operation).paginate() for part in page[key]]


def is_partial(operation: str) -> bool:
    """Whether an operation (`CreateRoute`) changes one kind of part only, so that not everything must be read again."""
    return operation in _CHANGES_ONLY


def changed_parts(client: Any, operations: Iterable[str], prefix_lists: PrefixLists) -> Parts | None:
    """Read again what calls of some operations can have changed.

    Args:
        client: A boto3 EC2 client.
        operations: The names of the operations, each of which `is_partial`.
        prefix_lists: The blocks of the prefix lists that are known.

    Returns:
        The parts that can have changed, or None where a prefix list is new, so that everything must be read again.

    Raises:
        KeyError: An operation is not `is_partial`.
    """
    answers = {key: _ask(client, key) for key in {_CHANGES_ONLY[operation] for operation in operations}}
    return None if _prefix_lists_in(answers) - set(prefix_lists) else read_parts(answers, prefix_lists)


def parts_of(answers: Mapping[str, list[Json]], own: Json | None = None) -> Parts:
    """Make all parts of a network of the lists in EC2's answers.

    Args:
        answers: Lists in the API's own shapes, keyed as the API keys them; only `PrefixLists` may be missing.
        own: A tag, as in EC2's answers. The Name tag of a part without it does not count, nor does another name that a
            part with it has: such parts have their ids for names.

    Raises:
        KeyError: A list, or what a part must have, is missing.
    """
    prefix_lists = {
        part["PrefixListId"]: tuple(ip_network(entry["Cidr"]) for entry in part["Entries"])
        for part in answers.get("PrefixLists", [])
    }
    return {**read_parts({key: answers[key] for key in _KINDS}, prefix_lists, own), "prefix_lists": prefix_lists}


def read_parts(answers: Mapping[str, list[Json]], prefix_lists: PrefixLists, own: Json | None = None) -> Parts:
    """Make the parts of some of EC2's lists, keyed as the API keys them (`Vpcs`, `Subnets`, …).

    Args:
        answers: The lists.
        prefix_lists: The blocks of the prefix lists that are known.
        own: As for `parts_of`.

    Raises:
        KeyError: What a part must have is missing.
    """
    found: Parts = {}
    for key, described in answers.items():
        if key == "Reservations":
            described = [instance for reservation in described for instance in reservation["Instances"]]
        read = [_KINDS[key].read(part, prefix_lists) for part in described]
        if own is not None:
            is_own = [own in _tags(part) for part in described]
            taken = {part.name for part, kept in zip(read, is_own, strict=True) if kept}
            taken |= {_name(part, "") for part, kept in zip(described, is_own, strict=True) if not kept}
            read = [
                part if kept or part.name not in taken else replace(part, name=part.id)
                for part, kept in zip(read, is_own, strict=True)
            ]
        found.setdefault(_KINDS[key].field, {}).update((part.id, part) for part in read)
    return found


def _prefix_lists_in(answers: Mapping[str, list[Json]]) -> set[str]:
    routes = (route for table in answers.get("RouteTables", ()) for route in table["Routes"])
    permissions = (
        permission
        for group in answers.get("SecurityGroups", ())
        for permission in [*group["IpPermissions"], *group["IpPermissionsEgress"]]
    )
    found = {route["DestinationPrefixListId"] for route in routes if route.get("DestinationPrefixListId")}
    return found | {part["PrefixListId"] for permission in permissions for part in permission.get("PrefixListIds", [])}


def _tags(part: Json) -> Iterable[Json]:
    return part.get("Tags") or part.get("TagSet") or ()


def _name(part: Json, id: str) -> str:
    return next((str(tag["Value"]) for tag in _tags(part) if tag["Key"] == "Name" and tag["Value"]), id)


def _cidrs(part: Json) -> tuple[parts.Cidr, ...]:
    """The CIDR blocks associated with a VPC or a subnet, IPv4 first."""
    blocks = [(a["CidrBlock"], a["CidrBlockState"]) for a in part.get("CidrBlockAssociationSet", ())]
    if not blocks and part.get("CidrBlock"):  # a subnet has one IPv4 block, and no association for it
        blocks = [(part["CidrBlock"], {"State": "associated"})]
    blocks += [(a["Ipv6CidrBlock"], a["Ipv6CidrBlockState"]) for a in part.get("Ipv6CidrBlockAssociationSet", ())]
    return tuple(ip_network(cidr) for cidr, state in blocks if state["State"] == "associated")


def _identity(part: Json, key: str) -> dict[str, Any]:
    return {"id": part[key], "name": _name(part, part[key])}


def _vpc(part: Json, _: PrefixLists) -> parts.Vpc:
    return parts.Vpc(**_identity(part, "VpcId"), cidrs=_cidrs(part))


def _subnet(part: Json, _: PrefixLists) -> parts.Subnet:
    return parts.Subnet(
        **_identity(part, "SubnetId"),
        vpc=part["VpcId"],
        cidrs=_cidrs(part),
        availability_zone=part["AvailabilityZone"],
        availability_zone_id=part.get("AvailabilityZoneId", ""),
    )


def _route(part: Json, prefix_lists: PrefixLists) -> parts.Route:
    cidr = part.get("DestinationCidrBlock") or part.get("DestinationIpv6CidrBlock")
    prefix_list = part.get("DestinationPrefixListId", "")
    return parts.Route(
        destinations=(ip_network(cidr, strict=False),) if cidr else prefix_lists.get(prefix_list, ()),
        target=next((str(part[key]) for key in TARGETS if part.get(key)), "nothing"),
        state=part.get("State", "active"),
        propagated=part.get("Origin") == "EnableVgwRoutePropagation",
        destination=cidr or prefix_list,
    )


def _route_table(part: Json, prefix_lists: PrefixLists) -> parts.RouteTable:
    associations = part["Associations"]
    return parts.RouteTable(
        **_identity(part, "RouteTableId"),
        vpc=part["VpcId"],
        routes=tuple(_route(route, prefix_lists) for route in part["Routes"]),
        main=any(a.get("Main") for a in associations),
        subnets=tuple(a["SubnetId"] for a in associations if a.get("SubnetId")),
        gateways=tuple(a["GatewayId"] for a in associations if a.get("GatewayId")),
    )


def _internet_gateway(part: Json, _: PrefixLists) -> parts.InternetGateway:
    egress_only = "EgressOnlyInternetGatewayId" in part
    identity = _identity(part, "EgressOnlyInternetGatewayId" if egress_only else "InternetGatewayId")
    # EC2 says "available" of an internet gateway that is attached, and "attached" of an egress-only one.
    vpc = next((a["VpcId"] for a in part["Attachments"] if a["State"] in ("available", "attached")), None)
    return parts.InternetGateway(**identity, vpc=vpc, egress_only=egress_only)


def _peering_connection(part: Json, _: PrefixLists) -> parts.PeeringConnection:
    requester, accepter = part["RequesterVpcInfo"], part["AccepterVpcInfo"]
    return parts.PeeringConnection(
        **_identity(part, "VpcPeeringConnectionId"),
        status=part["Status"]["Code"],
        requester=requester["VpcId"],
        accepter=accepter["VpcId"],
        cidrs={end["VpcId"]: _peer_cidrs(end) for end in (requester, accepter)},
    )


def _peer_cidrs(end: Json) -> tuple[parts.Cidr, ...]:
    v4 = [block["CidrBlock"] for block in end.get("CidrBlockSet") or ([end] if end.get("CidrBlock") else [])]
    v6 = [block["Ipv6CidrBlock"] for block in end.get("Ipv6CidrBlockSet", ())]
    return tuple(ip_network(cidr) for cidr in [*v4, *v6])


def _protocol(value: str) -> int | None:
    return None if value == "-1" else PROTOCOLS[value] if value in PROTOCOLS else int(value)


def _permission(part: Json) -> parts.Permission:
    cidrs = [r["CidrIp"] for r in part.get("IpRanges", ())] + [r["CidrIpv6"] for r in part.get("Ipv6Ranges", ())]
    return parts.Permission(
        protocol=_protocol(part["IpProtocol"]),
        from_port=part.get("FromPort", -1),
        to_port=part.get("ToPort", -1),
        cidrs=tuple(ip_network(cidr, strict=False) for cidr in cidrs),
        groups=tuple(pair["GroupId"] for pair in part.get("UserIdGroupPairs", ())),
        prefix_lists=tuple(entry["PrefixListId"] for entry in part.get("PrefixListIds", ())),
    )


def _security_group(part: Json, _: PrefixLists) -> parts.SecurityGroup:
    return parts.SecurityGroup(
        id=part["GroupId"],
        name=_name(part, part["GroupName"]),
        vpc=part["VpcId"],
        ingress=tuple(map(_permission, part["IpPermissions"])),
        egress=tuple(map(_permission, part["IpPermissionsEgress"])),
    )


def _acl_entry(part: Json) -> parts.AclEntry:
    protocol = _protocol(part["Protocol"])
    keys = ("IcmpTypeCode", "Type", "Code") if protocol in (ICMP, ICMPV6) else ("PortRange", "From", "To")
    kept = part.get(keys[0]) or {}
    return parts.AclEntry(
        number=part["RuleNumber"],
        egress=part["Egress"],
        allow=part["RuleAction"] == "allow",
        protocol=protocol,
        cidr=ip_network(part.get("CidrBlock") or part["Ipv6CidrBlock"], strict=False),
        from_port=kept.get(keys[1], -1),
        to_port=kept.get(keys[2], -1),
    )


def _network_acl(part: Json, _: PrefixLists) -> parts.NetworkAcl:
    return parts.NetworkAcl(
        **_identity(part, "NetworkAclId"),
        entries=tuple(sorted(map(_acl_entry, part["Entries"]), key=lambda entry: entry.number)),
        subnets=tuple(a["SubnetId"] for a in part["Associations"]),
    )


def _interface(part: Json, _: PrefixLists) -> parts.Interface:
    primary = part.get("PrivateIpAddress")  # an interface in an IPv6-only subnet has none
    public = {primary: part.get("Association")} if primary else {}
    for other in part.get("PrivateIpAddresses", ()):
        address = other["PrivateIpAddress"]
        public[address] = other.get("Association") or public.get(address)
    addresses: list[Address] = [ip_address(address) for address in public]
    addresses += [ip_address(a["Ipv6Address"]) for a in part.get("Ipv6Addresses", ())]
    attachment = part.get("Attachment") or {}
    return parts.Interface(
        **_identity(part, "NetworkInterfaceId"),
        vpc=part["VpcId"],
        subnet=part["SubnetId"],
        addresses=tuple(addresses),
        public={ip_address(own): ip_address(a["PublicIp"]) for own, a in public.items() if a and a.get("PublicIp")},
        groups=tuple(group["GroupId"] for group in part["Groups"]),
        source_dest_check=part["SourceDestCheck"],
        instance=attachment.get("InstanceId"),
        mac=part.get("MacAddress", ""),
        attached=part.get("Status") != "available" or "InstanceId" in attachment,
    )


def _instance(part: Json, _: PrefixLists) -> parts.Instance:
    return parts.Instance(
        **_identity(part, "InstanceId"),
        state=part["State"]["Name"],
        private_dns_name=part.get("PrivateDnsName", ""),
        public_dns_name=part.get("PublicDnsName", ""),
        profile=part.get("IamInstanceProfile", {}).get("Arn"),
    )


def _nat_gateway(part: Json, _: PrefixLists) -> parts.NatGateway:
    address: Json = next(iter(part.get("NatGatewayAddresses", ())), {})
    return parts.NatGateway(
        **_identity(part, "NatGatewayId"),
        vpc=part["VpcId"],
        subnet=part.get("SubnetId", ""),  # a regional one has none
        state=part["State"],
        interface=address.get("NetworkInterfaceId", ""),
        regional=part.get("AvailabilityMode") == "regional",
    )


class _Kind(NamedTuple):
    """How one kind of part is read: EC2's operation, the field of `Topology`, and the function that reads an entry."""

    operation: str
    field: str
    read: Callable[[Json, PrefixLists], Any]


#: The kinds of part by the key that holds the list in the operation's answer.
_KINDS = {
    "Vpcs": _Kind("describe_vpcs", "vpcs", _vpc),
    "Subnets": _Kind("describe_subnets", "subnets", _subnet),
    "RouteTables": _Kind("describe_route_tables", "route_tables", _route_table),
    "InternetGateways": _Kind("describe_internet_gateways", "internet_gateways", _internet_gateway),
    "EgressOnlyInternetGateways": _Kind(
        "describe_egress_only_internet_gateways", "internet_gateways", _internet_gateway
    ),
    "VpcPeeringConnections": _Kind("describe_vpc_peering_connections", "peering_connections", _peering_connection),
    "SecurityGroups": _Kind("describe_security_groups", "security_groups", _security_group),
    "NetworkAcls": _Kind("describe_network_acls", "network_acls", _network_acl),
    "NetworkInterfaces": _Kind("describe_network_interfaces", "interfaces", _interface),
    "Reservations": _Kind("describe_instances", "instances", _instance),
    "NatGateways": _Kind("describe_nat_gateways", "nat_gateways", _nat_gateway),
}

#: The operations that describe a network, and the key that holds the list in each one's answer.
OPERATIONS = {kind.operation: key for key, kind in _KINDS.items()}
