"""Networks worth drawing, and what they are made of."""

from __future__ import annotations

import json
import re

from tests.network.build import ALL_ICMP, Build, two_vpcs

TO_2 = {"10.2.0.0/16": "pcx-12"}
TO_1 = {"10.1.0.0/16": "pcx-12"}
LONG_ID = "vpc-0a1b2c3d4e5f67890"


_OWN_IDS = {
    "Vpcs": "VpcId",
    "Subnets": "SubnetId",
    "RouteTables": "RouteTableId",
    "NetworkAcls": "NetworkAclId",
    "InternetGateways": "InternetGatewayId",
    "VpcPeeringConnections": "VpcPeeringConnectionId",
}


def rename(build: Build, names: dict[str, str]) -> Build:
    """Give Name tags to parts by their ids."""
    for key, own_id in _OWN_IDS.items():
        for part in build.parts[key]:
            if part[own_id] in names:
                part["Tags"] = [{"Key": "Name", "Value": names[part[own_id]]}]
    return build


def the_lab(
    routes_1: dict[str, str] | None = None, routes_2: dict[str, str] | None = None, status: str | None = "active"
) -> Build:
    """The lab, whose peering connection bears its name, in the status given, or is not there."""
    build = two_vpcs(routes_1, routes_2)
    build.parts["VpcPeeringConnections"].clear()
    if status:
        build.peering("pcx-12", "vpc-1", "vpc-2", status)
    return rename(build, {"pcx-12": "peering-1-2"})


def three_vpcs() -> Build:
    """Three VPCs, each peered with the others, with two subnets of two instances."""
    build = Build()
    for n in (1, 2, 3):
        build.vpc(f"vpc-{n}", f"10.{n}.0.0/16")
        build.internet_gateway(f"igw-{n}", f"vpc-{n}")
        build.group(f"sg-{n}", f"vpc-{n}", [ALL_ICMP])
        routes = {f"10.{m}.0.0/16": f"pcx-{min(n, m)}{max(n, m)}" for m in (1, 2, 3) if m != n}
        for s in (1, 2):
            build.subnet(
                f"subnet-{n}-{s}", f"vpc-{n}", f"10.{n}.{16 * (s - 1)}.0/20", {"0.0.0.0/0": f"igw-{n}", **routes}
            )
            for i in (1, 2):
                address = f"10.{n}.{16 * (s - 1)}.{10 + i}"
                build.instance(f"instance-{n}-{s}-{i}", f"subnet-{n}-{s}", address, [f"sg-{n}"], f"54.{n}.{s}.{i}")
    for pair in ("12", "13", "23"):
        build.peering(f"pcx-{pair}", f"vpc-{pair[0]}", f"vpc-{pair[1]}")
    return build


def behind_nat() -> Build:
    """An instance in a private subnet, a stopped one beside it, and a NAT gateway in a public subnet."""
    build = Build()
    build.vpc("vpc-1", "10.1.0.0/16")
    build.internet_gateway("igw-1", "vpc-1")
    build.subnet("subnet-public", "vpc-1", "10.1.0.0/20", {"0.0.0.0/0": "igw-1"})
    build.subnet("subnet-private", "vpc-1", "10.1.16.0/20", {"0.0.0.0/0": "nat-1"})
    build.nat_gateway("nat-1", "subnet-public", "10.1.0.9", "54.9.9.9")
    build.group("sg-1", "vpc-1", [ALL_ICMP])
    build.instance("instance-1", "subnet-private", "10.1.16.5", ["sg-1"])
    build.instance("instance-2", "subnet-private", "10.1.16.6", ["sg-1"], state="stopped")
    return build


def default_vpc(build: Build | None = None) -> Build:
    """The VPC that every new account has: 172.31.0.0/16, six subnets, an internet gateway, no name."""
    build = build or Build()
    build.vpc(LONG_ID, "172.31.0.0/16")
    for n in range(6):
        build.subnet(f"subnet-default-{n}", LONG_ID, f"172.31.{16 * n}.0/20")
    build.internet_gateway("igw-0a1b2c3d4e5f67890", LONG_ID)
    return build


def long_names() -> Build:
    """The lab, whose parts have names that no column can hold."""
    build = the_lab(TO_2, TO_1)
    instance, address = "instance-with-a-remarkably-long-name-01", "2001:db8:1234:5678:9abc:def0:1234:5678"
    build.instance(instance, "subnet-1", "10.1.0.200", ["sg-1"], state="stopped", ipv6=address)
    return rename(
        build,
        {
            "vpc-1": "production-network-of-the-emea-region-with-a-long-name",
            "subnet-1": "a-subnet-with-quite-a-long-name-for-its-purpose-in-life",
            "rtb-subnet-1": "route-table-of-the-subnet-with-a-long-name",
            "acl-subnet-1": "acl-with-a-name-that-goes-on-and-on-and-on",
            "igw-1": "internet-gateway-of-the-production-network",
            "pcx-12": "peering-between-production-and-the-partner-network",
        },
    )


def without_gateway() -> Build:
    """The lab, whose vpc-1 has lost its internet gateway."""
    build = the_lab()
    del build.parts["InternetGateways"][0]
    return build


def peered_elsewhere() -> Build:
    """The lab, whose vpc-1 is also peered with a VPC of another account."""
    build = the_lab({"10.99.0.0/16": "pcx-99"})
    build.peering("pcx-99", "vpc-1", "vpc-99")
    return build


def only_ids() -> Build:
    """The lab as AWS names it: by ids of 17 hexadecimal digits, without one Name tag."""
    text = json.dumps(the_lab(TO_2).parts)
    kinds = "vpc|subnet|igw|pcx|rtb|acl|sg|eni|i"
    for n, id in enumerate(sorted(set(re.findall(rf'"((?:{kinds})-[\w-]+)"', text)))):
        kind = id.split("-")[0]
        text = text.replace(f'"{id}"', f'"{kind}-{n:02x}4f5a6b7c8d9e{n:03x}"')
    build = Build()
    build.parts = json.loads(text.replace('"Key": "Name"', '"Key": "Other"'))
    return build
