"""Networks for all suites without an AWS: a builder in the shapes of EC2's answers, and networks worth a test."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

from labkit.network import Leg, Network, Packet, Path

#: The operation of the AWS CLI that describes each kind of part.
OPERATIONS = {
    "Vpcs": "describe-vpcs",
    "Subnets": "describe-subnets",
    "RouteTables": "describe-route-tables",
    "InternetGateways": "describe-internet-gateways",
    "EgressOnlyInternetGateways": "describe-egress-only-internet-gateways",
    "VpcPeeringConnections": "describe-vpc-peering-connections",
    "SecurityGroups": "describe-security-groups",
    "NetworkAcls": "describe-network-acls",
    "NetworkInterfaces": "describe-network-interfaces",
    "Reservations": "describe-instances",
    "NatGateways": "describe-nat-gateways",
}

# Rules of security groups

ALL_TRAFFIC = {"IpProtocol": "-1", "IpRanges": [{"CidrIp": "0.0.0.0/0"}], "Ipv6Ranges": [{"CidrIpv6": "::/0"}]}
ALL_ICMP = {"IpProtocol": "icmp", "FromPort": -1, "ToPort": -1, "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}


def tcp_from(cidr: str, first: int, last: int | None = None) -> dict[str, Any]:
    return {"IpProtocol": "tcp", "FromPort": first, "ToPort": last or first, "IpRanges": [{"CidrIp": cidr}]}


def from_group(group: str) -> dict[str, Any]:
    return {"IpProtocol": "-1", "UserIdGroupPairs": [{"GroupId": group}]}


# Entries of network ACLs


def entry(
    number: int, action: str, egress: bool = False, protocol: str = "-1", cidr: str = "0.0.0.0/0", **more: Any
) -> dict[str, Any]:
    rule = {"RuleNumber": number, "RuleAction": action, "Egress": egress, "Protocol": protocol}
    return {**rule, "Ipv6CidrBlock" if ":" in cidr else "CidrBlock": cidr, **more}


def ports(first: int, last: int) -> dict[str, Any]:
    """The ports of a network ACL entry."""
    return {"PortRange": {"From": first, "To": last}}


def icmp(type: int, code: int = -1) -> dict[str, Any]:
    """The ICMP type and code of a network ACL entry."""
    return {"IcmpTypeCode": {"Type": type, "Code": code}}


def route(destination: str, target: str, state: str = "active", origin: str = "CreateRoute") -> dict[str, Any]:
    """One route; the target's prefix chooses the key that EC2 uses for it. `target` may end in `!` for a blackhole."""
    if target.endswith("!"):
        target, state = target[:-1], "blackhole"
    targets = {
        "pcx": "VpcPeeringConnectionId", "nat": "NatGatewayId", "eni": "NetworkInterfaceId",
        "eigw": "EgressOnlyInternetGatewayId", "tgw": "TransitGatewayId",
    }  # fmt: skip
    key = targets.get(target.split("-")[0], "GatewayId")
    kind = "PrefixListId" if destination.startswith("pl-") else "Ipv6CidrBlock" if ":" in destination else "CidrBlock"
    return {f"Destination{kind}": destination, key: target, "State": state, "Origin": origin}


# What a path is, in short


def seen(path: Path) -> list[str]:
    """Who saw the packet and its reply: `interface direction verdict`, with `-- back --` between the two legs."""

    def lines(leg: Leg) -> list[str]:
        return [f"{sighting.interface} {sighting.direction} {sighting.action}" for sighting in leg.sightings]

    return lines(path.forward) + (["-- back --", *lines(path.back)] if path.back else [])


def passed(leg: Leg) -> list[str]:
    """The kinds of component that a packet met, in order; the one that stopped it ends in `!`."""
    return [hop.kind + ("" if hop.passes else "!") for hop in leg.hops]


def stop(path: Path) -> str | None:
    """Where the packet or its reply stopped, as `there COMPONENT CODE` or `back COMPONENT CODE`; None if nowhere."""
    hop = path.stopped_at
    return f"{'back' if path.reached else 'there'} {hop.component} {hop.code}" if hop else None


class Build:
    """Collects parts; `network()` reads them as if EC2 had described them. What changes it returns it."""

    def __init__(self) -> None:
        self.parts: dict[str, list[Any]] = {key: [] for key in (*OPERATIONS, "PrefixLists")}

    def network(self) -> Network:
        return Network.from_answers(self.parts)

    def trace(self, packet: Packet, start: str | None = None) -> Path:
        return self.network().trace(packet, start)

    def but(self, change: Callable[[Build], object]) -> Build:
        """The same network, changed."""
        change(self)
        return self

    def part(self, id: str) -> dict[str, Any]:
        """The description of a resource, to be changed."""
        keys = (
            "RouteTableId", "NetworkAclId", "GroupId", "NetworkInterfaceId", "NatGatewayId", "SubnetId",
            "InternetGatewayId", "VpcPeeringConnectionId", "VpcId",
        )  # fmt: skip
        parts = [part for kind in self.parts.values() for part in kind]
        return next(part for key in keys for part in parts if part.get(key) == id)

    def rename(self, names: dict[str, str]) -> Build:
        """Give Name tags to parts by their ids."""
        for id, name in names.items():
            self.part(id)["Tags"] = [{"Key": "Name", "Value": name}]
        return self

    def routes(self, subnet: str, *more: dict[str, Any]) -> Build:
        """Put routes into a subnet's table, before the ones it has: their order there means nothing."""
        self.part(f"rtb-{subnet}")["Routes"][:0] = more
        return self

    def rules(self, group: str, ingress: list[Any] | None = None, egress: list[Any] | None = None) -> Build:
        """Replace a security group's rules."""
        if ingress is not None:
            self.part(group)["IpPermissions"] = ingress
        if egress is not None:
            self.part(group)["IpPermissionsEgress"] = egress
        return self

    def acl(self, subnet: str, *entries: dict[str, Any]) -> Build:
        """Replace the entries of a subnet's network ACL."""
        self.part(f"acl-{subnet}")["Entries"] = list(entries)
        return self

    def prefix_list(self, id: str, *cidrs: str) -> Build:
        self.parts["PrefixLists"].append({"PrefixListId": id, "Entries": [{"Cidr": cidr} for cidr in cidrs]})
        return self

    def vpc(self, id: str, cidr: str, ipv6: str | None = None) -> Build:
        v4 = {"CidrBlock": cidr, "CidrBlockState": {"State": "associated"}}
        part = {"VpcId": id, "CidrBlockAssociationSet": [v4], "Ipv6CidrBlockAssociationSet": _ipv6(ipv6)}
        self.parts["Vpcs"].append(part)
        return self

    def subnet(
        self, id: str, vpc: str, cidr: str, routes: dict[str, str] | None = None, ipv6: str | None = None,
        acl: list[Any] | None = None,
    ) -> Build:  # fmt: skip
        """A subnet with a route table `rtb-<id>` (local routes included) and a network ACL `acl-<id>` of its own."""
        part = {"SubnetId": id, "VpcId": vpc, "CidrBlock": cidr, "AvailabilityZone": "us-east-1a"}
        self.parts["Subnets"].append({**part, "Ipv6CidrBlockAssociationSet": _ipv6(ipv6)})
        own = {"VpcId": vpc, "Associations": [{"SubnetId": id}]}
        whole = next(part for part in self.parts["Vpcs"] if part["VpcId"] == vpc)
        blocks = [a["CidrBlock"] for a in whole["CidrBlockAssociationSet"]]
        blocks += [a["Ipv6CidrBlock"] for a in whole["Ipv6CidrBlockAssociationSet"]]
        table = [route(cidr, "local") for cidr in blocks] + [route(*pair) for pair in (routes or {}).items()]
        self.parts["RouteTables"].append({"RouteTableId": f"rtb-{id}", "Routes": table, **own})
        if acl is None:
            families = [(100, "0.0.0.0/0")] + ([(101, "::/0")] if ipv6 else [])
            acl = [entry(n, "allow", egress, cidr=cidr) for n, cidr in families for egress in (False, True)]
        self.parts["NetworkAcls"].append({"NetworkAclId": f"acl-{id}", "Entries": acl, **own})
        return self

    def group(self, id: str, vpc: str, ingress: list[Any], egress: list[Any] | None = None) -> Build:
        rules = {"IpPermissions": ingress, "IpPermissionsEgress": [ALL_TRAFFIC] if egress is None else egress}
        self.parts["SecurityGroups"].append({"GroupId": id, "GroupName": id, "VpcId": vpc, **rules})
        return self

    def instance(
        self, name: str, subnet: str, address: str, groups: list[str], public: str | None = None,
        state: str = "running", ipv6: str | None = None, source_dest_check: bool = True,
    ) -> Build:  # fmt: skip
        """An instance `i-<name>` with one interface `eni-<name>`."""
        part = {"InstanceId": f"i-{name}", "State": {"Name": state}, "VpcId": self._vpc_of(subnet)}
        self.parts["Reservations"].append({"Instances": [{**part, "Tags": [{"Key": "Name", "Value": name}]}]})
        end = f"eni-{name}"
        return self.interface(end, subnet, address, groups, public, ipv6, source_dest_check, instance=f"i-{name}")

    def _vpc_of(self, subnet: str) -> str:
        return next(str(part["VpcId"]) for part in self.parts["Subnets"] if part["SubnetId"] == subnet)

    def interface(
        self, id: str, subnet: str, address: str, groups: list[str], public: str | None = None, ipv6: str | None = None,
        source_dest_check: bool = True, instance: str | None = None,
    ) -> Build:  # fmt: skip
        association = {"Association": {"PublicIp": public}} if public else {}
        self.parts["NetworkInterfaces"].append(
            {
                "NetworkInterfaceId": id, "VpcId": self._vpc_of(subnet), "SubnetId": subnet,
                "PrivateIpAddress": address,
                "PrivateIpAddresses": [{"PrivateIpAddress": address, "Primary": True, **association}],
                "Ipv6Addresses": [{"Ipv6Address": ipv6}] if ipv6 else [],
                "Groups": [{"GroupId": group} for group in groups],
                "SourceDestCheck": source_dest_check,
                "Attachment": {"InstanceId": instance} if instance else {}, **association,
            }
        )  # fmt: skip
        return self

    def internet_gateway(self, id: str, vpc: str) -> Build:
        attached = [{"VpcId": vpc, "State": "available"}]
        self.parts["InternetGateways"].append({"InternetGatewayId": id, "Attachments": attached})
        return self

    def egress_only_gateway(self, id: str, vpc: str) -> Build:
        attached = [{"VpcId": vpc, "State": "attached"}]
        self.parts["EgressOnlyInternetGateways"].append({"EgressOnlyInternetGatewayId": id, "Attachments": attached})
        return self

    def peering(self, id: str, requester: str, accepter: str, status: str = "active") -> Build:
        ends = {"RequesterVpcInfo": self._end(requester), "AccepterVpcInfo": self._end(accepter)}
        part = {"VpcPeeringConnectionId": id, "Status": {"Code": status}, **ends}
        self.parts["VpcPeeringConnections"].append(part)
        return self

    def _end(self, vpc: str) -> dict[str, Any]:
        part = next((part for part in self.parts["Vpcs"] if part["VpcId"] == vpc), None)
        if part is None:  # a VPC of another account, which only the peering connection tells of
            return {"VpcId": vpc, "CidrBlockSet": [{"CidrBlock": "10.99.0.0/16"}]}
        v4 = [{"CidrBlock": a["CidrBlock"]} for a in part["CidrBlockAssociationSet"]]
        v6 = [{"Ipv6CidrBlock": a["Ipv6CidrBlock"]} for a in part["Ipv6CidrBlockAssociationSet"]]
        return {"VpcId": vpc, "CidrBlockSet": v4, "Ipv6CidrBlockSet": v6}

    def nat_gateway(self, id: str, subnet: str, address: str, public: str | None) -> Build:
        self.interface(f"eni-{id}", subnet, address, [], public, source_dest_check=False)
        part = {"NatGatewayId": id, "VpcId": self._vpc_of(subnet), "SubnetId": subnet, "State": "available"}
        addresses = [{"NetworkInterfaceId": f"eni-{id}"}]
        self.parts["NatGateways"].append({**part, "NatGatewayAddresses": addresses})
        return self


def _ipv6(cidr: str | None) -> list[dict[str, Any]]:
    return [{"Ipv6CidrBlock": cidr, "Ipv6CidrBlockState": {"State": "associated"}}] if cidr else []


# The lab and its variants

TO_2 = {"10.2.0.0/16": "pcx-12"}
TO_1 = {"10.1.0.0/16": "pcx-12"}
LONG_ID = "vpc-0a1b2c3d4e5f67890"


def two_vpcs(
    routes_1: dict[str, str] | None = None, routes_2: dict[str, str] | None = None, status: str | None = "active"
) -> Build:
    """The lab: two VPCs with a public subnet and an instance each, groups that allow all ICMP, a peering connection.

    `status` is the connection's; None leaves it out.
    """
    build = Build()
    for n, address, routes in ((1, "10.1.15.80", routes_1), (2, "10.2.0.126", routes_2)):
        build.vpc(f"vpc-{n}", f"10.{n}.0.0/16")
        build.internet_gateway(f"igw-{n}", f"vpc-{n}")
        build.subnet(f"subnet-{n}", f"vpc-{n}", f"10.{n}.0.0/20", {"0.0.0.0/0": f"igw-{n}"} | (routes or {}))
        build.group(f"sg-{n}", f"vpc-{n}", [ALL_ICMP])
        build.instance(f"instance-{n}", f"subnet-{n}", address, [f"sg-{n}"], f"54.{n}.{n}.{n}")
    if status:
        build.peering("pcx-12", "vpc-1", "vpc-2", status)
    return build


def connected() -> Build:
    """The lab with the routes over the peering connection on both sides."""
    return two_vpcs(TO_2, TO_1)


def the_lab(
    routes_1: dict[str, str] | None = None, routes_2: dict[str, str] | None = None, status: str | None = "active"
) -> Build:
    """The lab, whose peering connection bears its name."""
    return two_vpcs(routes_1, routes_2, status).rename({"pcx-12": "peering-1-2"} if status else {})


def three_vpcs() -> Build:
    """Three VPCs, each peered with the others, with two subnets of two instances."""
    build = Build()
    for n in (1, 2, 3):
        build.vpc(f"vpc-{n}", f"10.{n}.0.0/16")
        build.internet_gateway(f"igw-{n}", f"vpc-{n}")
        build.group(f"sg-{n}", f"vpc-{n}", [ALL_ICMP])
        routes = {"0.0.0.0/0": f"igw-{n}"}
        routes |= {f"10.{m}.0.0/16": f"pcx-{min(n, m)}{max(n, m)}" for m in (1, 2, 3) if m != n}
        for s in (1, 2):
            subnet, block = f"subnet-{n}-{s}", f"10.{n}.{16 * (s - 1)}"
            build.subnet(subnet, f"vpc-{n}", f"{block}.0/20", routes)
            for i in (1, 2):
                build.instance(f"instance-{n}-{s}-{i}", subnet, f"{block}.{10 + i}", [f"sg-{n}"], f"54.{n}.{s}.{i}")
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
    names = {
        "vpc-1": "production-network-of-the-emea-region-with-a-long-name",
        "subnet-1": "a-subnet-with-quite-a-long-name-for-its-purpose-in-life",
        "rtb-subnet-1": "route-table-of-the-subnet-with-a-long-name",
        "acl-subnet-1": "acl-with-a-name-that-goes-on-and-on-and-on",
        "igw-1": "internet-gateway-of-the-production-network",
        "pcx-12": "peering-between-production-and-the-partner-network",
    }
    return build.rename(names)


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
