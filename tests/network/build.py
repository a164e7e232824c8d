"""Small networks for tests, written in the shapes of EC2's `describe_*` answers."""

from __future__ import annotations

from typing import Any

from labkit.network import Leg, Network, Path

ALL_TRAFFIC = {"IpProtocol": "-1", "IpRanges": [{"CidrIp": "0.0.0.0/0"}], "Ipv6Ranges": [{"CidrIpv6": "::/0"}]}
ALL_ICMP = {"IpProtocol": "icmp", "FromPort": -1, "ToPort": -1, "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}


def tcp_from(cidr: str, first: int, last: int | None = None) -> dict[str, Any]:
    return {"IpProtocol": "tcp", "FromPort": first, "ToPort": last or first, "IpRanges": [{"CidrIp": cidr}]}


def from_group(group: str) -> dict[str, Any]:
    return {"IpProtocol": "-1", "UserIdGroupPairs": [{"GroupId": group}]}


def ports(first: int, last: int) -> dict[str, Any]:
    """The ports of a network ACL entry."""
    return {"PortRange": {"From": first, "To": last}}


def icmp(type: int, code: int = -1) -> dict[str, Any]:
    """The ICMP type and code of a network ACL entry."""
    return {"IcmpTypeCode": {"Type": type, "Code": code}}


def seen(path: Path) -> list[str]:
    """Who saw the packet and its reply: `interface direction verdict`, with `-- back --` between the two ways."""

    def lines(leg: Leg) -> list[str]:
        return [f"{sighting.interface} {sighting.direction} {sighting.action}" for sighting in leg.sightings]

    return lines(path.forward) + (["-- back --", *lines(path.back)] if path.back else [])


def passed(leg: Leg) -> list[str]:
    """The kinds of component that a packet met, in order; the one that stopped it ends in `!`."""
    return [hop.kind + ("" if hop.passes else "!") for hop in leg.hops]


def entry(
    number: int, action: str, egress: bool = False, protocol: str = "-1", cidr: str = "0.0.0.0/0", **more: Any
) -> dict[str, Any]:
    return {
        "RuleNumber": number,
        "RuleAction": action,
        "Egress": egress,
        "Protocol": protocol,
        "CidrBlock": cidr,
        **more,
    }


class Build:
    """Collects parts; `network()` reads them as if EC2 had described them."""

    def __init__(self) -> None:
        keys = (
            "Vpcs", "Subnets", "RouteTables", "InternetGateways", "EgressOnlyInternetGateways", "VpcPeeringConnections",
            "SecurityGroups", "NetworkAcls", "NetworkInterfaces", "Reservations", "NatGateways", "PrefixLists",
        )  # fmt: skip
        self.parts: dict[str, list[Any]] = {key: [] for key in keys}

    def network(self) -> Network:
        return Network.from_answers(self.parts)

    def part(self, id: str) -> dict[str, Any]:
        """The description of a resource, to be changed."""
        keys = ("RouteTableId", "NetworkAclId", "GroupId", "NetworkInterfaceId", "NatGatewayId", "SubnetId", "VpcId")
        parts = [part for kind in self.parts.values() for part in kind]
        return next(part for key in keys for part in parts if part.get(key) == id)

    def routes(self, subnet: str, *more: dict[str, Any]) -> None:
        """Put routes into a subnet's table, before the ones it has: their order there means nothing."""
        self.part(f"rtb-{subnet}")["Routes"][:0] = more

    def rules(self, group: str, ingress: list[Any] | None = None, egress: list[Any] | None = None) -> None:
        """Replace a security group's rules."""
        if ingress is not None:
            self.part(group)["IpPermissions"] = ingress
        if egress is not None:
            self.part(group)["IpPermissionsEgress"] = egress

    def acl(self, subnet: str, *entries: dict[str, Any]) -> None:
        """Replace the entries of a subnet's network ACL."""
        self.part(f"acl-{subnet}")["Entries"] = list(entries)

    def prefix_list(self, id: str, *cidrs: str) -> None:
        self.parts["PrefixLists"].append({"PrefixListId": id, "Entries": [{"Cidr": cidr} for cidr in cidrs]})

    def vpc(self, id: str, cidr: str, ipv6: str | None = None) -> None:
        self.parts["Vpcs"].append(
            {
                "VpcId": id,
                "CidrBlockAssociationSet": [{"CidrBlock": cidr, "CidrBlockState": {"State": "associated"}}],
                "Ipv6CidrBlockAssociationSet": _ipv6(ipv6),
            }
        )

    def subnet(
        self,
        id: str,
        vpc: str,
        cidr: str,
        routes: dict[str, str] | None = None,
        ipv6: str | None = None,
        acl: list[Any] | None = None,
    ) -> None:
        """A subnet with a route table `rtb-<id>` (local routes included) and a network ACL `acl-<id>` of its own."""
        self.parts["Subnets"].append(
            {
                "SubnetId": id,
                "VpcId": vpc,
                "CidrBlock": cidr,
                "AvailabilityZone": "us-east-1a",
                "Ipv6CidrBlockAssociationSet": _ipv6(ipv6),
            }
        )
        whole = next(part for part in self.parts["Vpcs"] if part["VpcId"] == vpc)
        blocks = [a["CidrBlock"] for a in whole["CidrBlockAssociationSet"]]
        blocks += [a["Ipv6CidrBlock"] for a in whole["Ipv6CidrBlockAssociationSet"]]
        table = [route(cidr, "local") for cidr in blocks] + [route(*pair) for pair in (routes or {}).items()]
        self.parts["RouteTables"].append(
            {"RouteTableId": f"rtb-{id}", "VpcId": vpc, "Routes": table, "Associations": [{"SubnetId": id}]}
        )
        default = [entry(100, "allow"), entry(100, "allow", egress=True)]
        if ipv6:
            default += [
                {**entry(101, "allow", egress=egress), "CidrBlock": None, "Ipv6CidrBlock": "::/0"}
                for egress in (False, True)
            ]
        self.parts["NetworkAcls"].append(
            {
                "NetworkAclId": f"acl-{id}",
                "VpcId": vpc,
                "Entries": default if acl is None else acl,
                "Associations": [{"SubnetId": id}],
            }
        )

    def group(self, id: str, vpc: str, ingress: list[Any], egress: list[Any] | None = None) -> None:
        self.parts["SecurityGroups"].append(
            {
                "GroupId": id,
                "GroupName": id,
                "VpcId": vpc,
                "IpPermissions": ingress,
                "IpPermissionsEgress": [ALL_TRAFFIC] if egress is None else egress,
            }
        )

    def instance(
        self, name: str, subnet: str, address: str, groups: list[str], public: str | None = None,
        state: str = "running", ipv6: str | None = None, source_dest_check: bool = True,
    ) -> None:  # fmt: skip
        """An instance `i-<name>` with one interface `eni-<name>`."""
        vpc = next(part["VpcId"] for part in self.parts["Subnets"] if part["SubnetId"] == subnet)
        tags = [{"Key": "Name", "Value": name}]
        self.parts["Reservations"].append(
            {"Instances": [{"InstanceId": f"i-{name}", "State": {"Name": state}, "VpcId": vpc, "Tags": tags}]}
        )
        self.interface(f"eni-{name}", subnet, address, groups, public, ipv6, source_dest_check, instance=f"i-{name}")

    def interface(
        self, id: str, subnet: str, address: str, groups: list[str], public: str | None = None, ipv6: str | None = None,
        source_dest_check: bool = True, instance: str | None = None, kind: str = "interface",
    ) -> None:  # fmt: skip
        vpc = next(part["VpcId"] for part in self.parts["Subnets"] if part["SubnetId"] == subnet)
        association = {"Association": {"PublicIp": public}} if public else {}
        self.parts["NetworkInterfaces"].append(
            {
                "NetworkInterfaceId": id,
                "VpcId": vpc,
                "SubnetId": subnet,
                "PrivateIpAddress": address,
                "PrivateIpAddresses": [{"PrivateIpAddress": address, "Primary": True, **association}],
                "Ipv6Addresses": [{"Ipv6Address": ipv6}] if ipv6 else [],
                "Groups": [{"GroupId": group} for group in groups],
                "SourceDestCheck": source_dest_check,
                "InterfaceType": kind,
                "Attachment": {"InstanceId": instance} if instance else {},
                **association,
            }
        )

    def internet_gateway(self, id: str, vpc: str) -> None:
        self.parts["InternetGateways"].append(
            {"InternetGatewayId": id, "Attachments": [{"VpcId": vpc, "State": "available"}]}
        )

    def egress_only_gateway(self, id: str, vpc: str) -> None:
        self.parts["EgressOnlyInternetGateways"].append(
            {"EgressOnlyInternetGatewayId": id, "Attachments": [{"VpcId": vpc, "State": "attached"}]}
        )

    def peering(self, id: str, requester: str, accepter: str, status: str = "active") -> None:
        def end(vpc: str) -> dict[str, Any]:
            part = next((part for part in self.parts["Vpcs"] if part["VpcId"] == vpc), None)
            if part is None:  # a VPC of another account, which only the peering connection tells of
                return {"VpcId": vpc, "CidrBlockSet": [{"CidrBlock": "10.99.0.0/16"}]}
            return {
                "VpcId": vpc,
                "CidrBlockSet": [{"CidrBlock": a["CidrBlock"]} for a in part["CidrBlockAssociationSet"]],
                "Ipv6CidrBlockSet": [
                    {"Ipv6CidrBlock": a["Ipv6CidrBlock"]} for a in part["Ipv6CidrBlockAssociationSet"]
                ],
            }

        self.parts["VpcPeeringConnections"].append(
            {
                "VpcPeeringConnectionId": id,
                "Status": {"Code": status},
                "RequesterVpcInfo": end(requester),
                "AccepterVpcInfo": end(accepter),
            }
        )

    def nat_gateway(self, id: str, subnet: str, address: str, public: str | None) -> None:
        vpc = next(part["VpcId"] for part in self.parts["Subnets"] if part["SubnetId"] == subnet)
        self.interface(f"eni-{id}", subnet, address, [], public, source_dest_check=False, kind="nat_gateway")
        self.parts["NatGateways"].append(
            {
                "NatGatewayId": id,
                "VpcId": vpc,
                "SubnetId": subnet,
                "State": "available",
                "ConnectivityType": "public" if public else "private",
                "NatGatewayAddresses": [{"NetworkInterfaceId": f"eni-{id}"}],
            }
        )


def route(destination: str, target: str, state: str = "active", origin: str = "CreateRoute") -> dict[str, Any]:
    """One route; the target's prefix chooses the key that EC2 uses for it. `target` may end in `!` for a blackhole."""
    if target.endswith("!"):
        target, state = target[:-1], "blackhole"
    keys = {
        "pcx": "VpcPeeringConnectionId",
        "nat": "NatGatewayId",
        "eni": "NetworkInterfaceId",
        "eigw": "EgressOnlyInternetGatewayId",
        "tgw": "TransitGatewayId",
    }
    key = keys.get(target.split("-")[0], "GatewayId")
    if destination.startswith("pl-"):
        return {"DestinationPrefixListId": destination, key: target, "State": state, "Origin": origin}
    family = "DestinationIpv6CidrBlock" if ":" in destination else "DestinationCidrBlock"
    return {family: destination, key: target, "State": state, "Origin": origin}


def _ipv6(cidr: str | None) -> list[dict[str, Any]]:
    return [{"Ipv6CidrBlock": cidr, "Ipv6CidrBlockState": {"State": "associated"}}] if cidr else []


def two_vpcs(routes_1: dict[str, str] | None = None, routes_2: dict[str, str] | None = None) -> Build:
    """The lab: two VPCs with a public subnet and an instance each, groups that allow all ICMP, an active peering."""
    build = Build()
    for n, address, public in ((1, "10.1.15.80", "54.1.1.1"), (2, "10.2.0.126", "54.2.2.2")):
        build.vpc(f"vpc-{n}", f"10.{n}.0.0/16")
        build.internet_gateway(f"igw-{n}", f"vpc-{n}")
        routes = {"0.0.0.0/0": f"igw-{n}"} | ((routes_1 if n == 1 else routes_2) or {})
        build.subnet(f"subnet-{n}", f"vpc-{n}", f"10.{n}.0.0/20", routes)
        build.group(f"sg-{n}", f"vpc-{n}", [ALL_ICMP])
        build.instance(f"instance-{n}", f"subnet-{n}", address, [f"sg-{n}"], public)
    build.peering("pcx-12", "vpc-1", "vpc-2")
    return build
