"""Nimbus's network on 4 December 2025: two peered VPCs, in the shapes of EC2's `describe_*` answers.

vpc-1 has the shop: web servers in a public subnet; application servers, a resolver, a database in private ones behind
a NAT gateway. vpc-2 has reports, backups and monitoring. instance-1 and instance-2 are the lab's.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

Json = dict[str, Any]

ACCOUNT_ID, REGION = "123456789012", "us-east-1"

#: The interface of the original lab's two records, which is instance-1's.
INSTANCE_1_INTERFACE = "eni-01ab329f120ebcf5"

#: Host → (subnet, private address, public address or None, security group).
HOSTS: dict[str, tuple[str, str, str | None, str]] = {
    "instance-1": ("subnet-1", "10.1.15.80", "203.0.113.80", "bastion"),
    "web-1": ("subnet-1", "10.1.1.10", "203.0.113.10", "web"),
    "web-2": ("subnet-1", "10.1.1.11", "203.0.113.11", "web"),
    "app-1": ("subnet-app", "10.1.16.21", None, "app"),
    "app-2": ("subnet-app", "10.1.16.22", None, "app"),
    "dns-1": ("subnet-app", "10.1.16.53", None, "resolver"),
    "db-1": ("subnet-db", "10.1.32.5", None, "database"),
    "instance-2": ("subnet-2", "10.2.0.126", "203.0.113.126", "instance-2"),
    "report-1": ("subnet-back", "10.2.16.30", None, "report"),
    "backup-1": ("subnet-back", "10.2.16.40", None, "backup"),
    "monitor-1": ("subnet-back", "10.2.16.50", None, "monitor"),
    "report-2": ("subnet-new", "10.2.32.30", None, "report"),
}
NAT_ADDRESS, NAT_PUBLIC_ADDRESS = "10.1.0.20", "203.0.113.20"

#: Subnet → (VPC, CIDR block, destination → target of the routes besides the local one). Nobody has given subnet-new the
#: route to vpc-1: it is the misrouted one.
SUBNETS: dict[str, tuple[str, str, dict[str, str]]] = {
    "subnet-1": ("vpc-1", "10.1.0.0/20", {"0.0.0.0/0": "igw-1", "10.2.0.0/16": "peering-1-2"}),
    "subnet-app": ("vpc-1", "10.1.16.0/20", {"0.0.0.0/0": "nat-1", "10.2.0.0/16": "peering-1-2"}),
    "subnet-db": ("vpc-1", "10.1.32.0/20", {"0.0.0.0/0": "nat-1", "10.2.0.0/16": "peering-1-2"}),
    "subnet-2": ("vpc-2", "10.2.0.0/20", {"0.0.0.0/0": "igw-2", "10.1.0.0/16": "peering-1-2"}),
    "subnet-back": ("vpc-2", "10.2.16.0/20", {"10.1.0.0/16": "peering-1-2"}),
    "subnet-new": ("vpc-2", "10.2.32.0/20", {}),
}
VPCS = {"vpc-1": "10.1.0.0/16", "vpc-2": "10.2.0.0/16"}

OFFICE = "198.51.100.0/24"
NIMBUS = "10.0.0.0/8"
BASTION = "10.1.15.80/32"
APPS = "10.1.16.0/20"
BACK = "10.2.16.0/20"
ANYWHERE = "0.0.0.0/0"


def resource_id(prefix: str, name: str) -> str:
    """An id as AWS writes them, that follows from the name."""
    if (prefix, name) == ("eni", "instance-1"):
        return INSTANCE_1_INTERFACE
    return f"{prefix}-0{hashlib.sha256(f'nimbus/{prefix}/{name}'.encode()).hexdigest()[:16]}"


def describe() -> dict[str, list[Mapping[str, Any]]]:
    """The whole network, keyed as the API keys its answers."""
    return {
        "Vpcs": [_vpc(name, cidr) for name, cidr in VPCS.items()],
        "Subnets": [_subnet(name, vpc, cidr) for name, (vpc, cidr, _) in SUBNETS.items()],
        "RouteTables": [_route_table(name) for name in SUBNETS],
        "InternetGateways": [_internet_gateway(n) for n in ("1", "2")],
        "EgressOnlyInternetGateways": [],
        "VpcPeeringConnections": [_peering_connection()],
        "SecurityGroups": [_group(name, vpc, *rules) for (name, vpc), rules in _GROUPS.items()],
        "NetworkAcls": [_acl(name) for name in SUBNETS],
        "NetworkInterfaces": [*map(_host_interface, HOSTS), _nat_interface()],
        "Reservations": [{"Instances": [_instance(name) for name in HOSTS]}],
        "NatGateways": [_nat_gateway()],
        "PrefixLists": [],
    }


def _allow(protocol: str, first: int, last: int, *cidrs: str, groups: tuple[str, ...] = ()) -> Json:
    ranges = [{"CidrIp": cidr} for cidr in cidrs]
    pairs = [{"GroupId": resource_id("sg", group)} for group in groups]
    return {
        "IpProtocol": protocol, "FromPort": first, "ToPort": last, "IpRanges": ranges, "UserIdGroupPairs": pairs
    }  # fmt: skip


def _tcp(port: int, *cidrs: str, groups: tuple[str, ...] = ()) -> Json:
    return _allow("tcp", port, port, *cidrs, groups=groups)


_EVERYTHING: Json = {"IpProtocol": "-1", "IpRanges": [{"CidrIp": ANYWHERE}]}
_PING = _allow("icmp", -1, -1, NIMBUS)
_SSH = _tcp(22, BASTION)
_DNS = [_allow("udp", 53, 53, NIMBUS), _tcp(53, NIMBUS)]

#: (Security group, its VPC) → rules in, rules out.
_GROUPS: dict[tuple[str, str], tuple[list[Json], list[Json]]] = {
    ("bastion", "vpc-1"): ([_allow("icmp", -1, -1, ANYWHERE), _tcp(22, OFFICE)], [_EVERYTHING]),
    # Web servers speak to the applications, the resolver and the web, and to nobody else: no mail.
    ("web", "vpc-1"): (
        [_tcp(80, ANYWHERE), _tcp(443, ANYWHERE), _SSH, _PING],
        [_tcp(8080, groups=("app",)), *_DNS, _tcp(80, ANYWHERE), _tcp(443, ANYWHERE), _tcp(873, BACK), _PING],
    ),
    ("app", "vpc-1"): ([_tcp(8080, groups=("web",)), _SSH, _PING], [_EVERYTHING]),
    ("resolver", "vpc-1"): ([*_DNS, _SSH, _PING], [_EVERYTHING]),
    ("database", "vpc-1"): ([_tcp(5432, BACK, groups=("app",)), _SSH, _PING], [_EVERYTHING]),
    ("instance-2", "vpc-2"): ([_allow("icmp", -1, -1, ANYWHERE), _SSH], [_EVERYTHING]),
    ("report", "vpc-2"): ([_tcp(8080, NIMBUS), _SSH, _PING], [_EVERYTHING]),
    ("backup", "vpc-2"): ([_tcp(873, NIMBUS), _SSH, _PING], [_EVERYTHING]),
    ("monitor", "vpc-2"): ([_SSH, _PING], [_EVERYTHING]),
}

#: Entries of the network ACLs that aren't the default one: (number, action, protocol, CIDR block, first and last port).
_ACL_ENTRIES: dict[str, list[tuple[int, str, str, str, int, int]]] = {
    # Telnet and SMB, which nobody here speaks, are refused at the edge.
    "subnet-1": [
        (90, "deny", "6", ANYWHERE, 23, 23),
        (91, "deny", "6", ANYWHERE, 445, 445),
        (100, "allow", "-1", ANYWHERE, 0, 0),
    ],
    # Who may ask the database, and the answers to what it asked.
    "subnet-db": [
        (100, "allow", "6", APPS, 5432, 5432),
        (110, "allow", "6", BACK, 5432, 5432),
        (120, "allow", "6", BASTION, 22, 22),
        (130, "allow", "1", NIMBUS, 0, 0),
        (140, "allow", "6", ANYWHERE, 32768, 61000),
        (150, "allow", "17", ANYWHERE, 32768, 61000),
    ],
}


def _tags(name: str) -> list[Json]:
    return [{"Key": "Name", "Value": name}]


def _vpc(name: str, cidr: str) -> Json:
    block = {"CidrBlock": cidr, "CidrBlockState": {"State": "associated"}}
    return {"VpcId": resource_id("vpc", name), "CidrBlockAssociationSet": [block], "Tags": _tags(name)}


def _subnet(name: str, vpc: str, cidr: str) -> Json:
    return {
        "SubnetId": resource_id("subnet", name), "VpcId": resource_id("vpc", vpc), "CidrBlock": cidr,
        "AvailabilityZone": "us-east-1a", "AvailabilityZoneId": "use1-az1", "Tags": _tags(name),
    }  # fmt: skip


def _route_table(subnet: str) -> Json:
    vpc, _, routes = SUBNETS[subnet]
    keys = {"igw": "GatewayId", "nat": "NatGatewayId", "peering": "VpcPeeringConnectionId"}
    prefixes = {"igw": "igw", "nat": "nat", "peering": "pcx"}
    local: Json = {"DestinationCidrBlock": VPCS[vpc], "GatewayId": "local", "Origin": "CreateRouteTable"}
    table = [{**local, "State": "active"}]
    for destination, target in routes.items():
        kind = target.split("-")[0]
        route = {"DestinationCidrBlock": destination, keys[kind]: resource_id(prefixes[kind], target)}
        table.append({**route, "State": "active", "Origin": "CreateRoute"})
    return {
        "RouteTableId": resource_id("rtb", subnet), "VpcId": resource_id("vpc", vpc), "Routes": table,
        "Associations": [{"SubnetId": resource_id("subnet", subnet)}], "Tags": _tags(f"{subnet}-routes"),
    }  # fmt: skip


def _internet_gateway(n: str) -> Json:
    attachment = {"VpcId": resource_id("vpc", f"vpc-{n}"), "State": "available"}
    id = resource_id("igw", f"igw-{n}")
    return {"InternetGatewayId": id, "Attachments": [attachment], "Tags": _tags(f"igw-{n}")}


def _peering_connection() -> Json:
    ends = [{"VpcId": resource_id("vpc", name), "CidrBlockSet": [{"CidrBlock": c}]} for name, c in VPCS.items()]
    return {
        "VpcPeeringConnectionId": resource_id("pcx", "peering-1-2"), "Status": {"Code": "active"},
        "RequesterVpcInfo": ends[0], "AccepterVpcInfo": ends[1], "Tags": _tags("peering-1-2"),
    }  # fmt: skip


def _group(name: str, vpc: str, ingress: list[Json], egress: list[Json]) -> Json:
    return {
        "GroupId": resource_id("sg", name), "GroupName": name, "VpcId": resource_id("vpc", vpc),
        "IpPermissions": ingress, "IpPermissionsEgress": egress,
    }  # fmt: skip


def _acl(subnet: str) -> Json:
    entries = _ACL_ENTRIES.get(subnet, [(100, "allow", "-1", ANYWHERE, 0, 0)])
    return {
        "NetworkAclId": resource_id("acl", subnet), "VpcId": resource_id("vpc", SUBNETS[subnet][0]),
        "Entries": [
            *(_acl_entry(False, *entry) for entry in entries), _acl_entry(True, 100, "allow", "-1", ANYWHERE, 0, 0)
        ],
        "Associations": [{"SubnetId": resource_id("subnet", subnet)}], "Tags": _tags(f"{subnet}-acl"),
    }  # fmt: skip


def _acl_entry(egress: bool, number: int, action: str, protocol: str, cidr: str, first: int, last: int) -> Json:
    entry = {"RuleNumber": number, "Egress": egress, "RuleAction": action, "Protocol": protocol, "CidrBlock": cidr}
    return {**entry, "PortRange": {"From": first, "To": last}} if last else entry


def _host_interface(name: str) -> Json:
    subnet, address, public, group = HOSTS[name]
    attachment = {"InstanceId": resource_id("i", name)}
    return _interface(name, subnet, address, public, [group]) | {"Attachment": attachment, "TagSet": _tags(name)}


def _nat_interface() -> Json:
    part = _interface("nat-1", "subnet-1", NAT_ADDRESS, NAT_PUBLIC_ADDRESS, [])
    return part | {"SourceDestCheck": False, "InterfaceType": "nat_gateway", "TagSet": _tags("nat-1")}


def _interface(name: str, subnet: str, address: str, public: str | None, groups: list[str]) -> Json:
    paired = {"Association": {"PublicIp": public}} if public else {}
    return {
        "NetworkInterfaceId": resource_id("eni", name), "VpcId": resource_id("vpc", SUBNETS[subnet][0]),
        "SubnetId": resource_id("subnet", subnet), "PrivateIpAddress": address,
        "PrivateIpAddresses": [{"PrivateIpAddress": address, "Primary": True, **paired}],
        "Groups": [{"GroupId": resource_id("sg", group)} for group in groups],
        "SourceDestCheck": True, "Status": "in-use", "InterfaceType": "interface", **paired,
    }  # fmt: skip


def _instance(name: str) -> Json:
    vpc = SUBNETS[HOSTS[name][0]][0]
    return {
        "InstanceId": resource_id("i", name), "State": {"Name": "running"}, "VpcId": resource_id("vpc", vpc),
        "Tags": _tags(name),
    }  # fmt: skip


def _nat_gateway() -> Json:
    return {
        "NatGatewayId": resource_id("nat", "nat-1"), "VpcId": resource_id("vpc", "vpc-1"),
        "SubnetId": resource_id("subnet", "subnet-1"), "State": "available", "ConnectivityType": "public",
        "NatGatewayAddresses": [{"NetworkInterfaceId": resource_id("eni", "nat-1")}], "Tags": _tags("nat-1"),
    }  # fmt: skip
