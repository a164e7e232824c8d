"""Builder A: the network in the embedded AWS, made with plain boto3, and the probes sent by its instances' own tools.

`ping` is Run Command's; TCP connections are opened by the client behind `nc` and `curl`; a UDP datagram and its echo go
to the data plane directly, because no tool sends them. The verdicts are `labkit.network`'s, the records those of a flow
log on each VPC as CloudWatch Logs holds them.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from ipaddress import IPv4Address, IPv4Network
from typing import Any

from labkit.embedded import EmbeddedAws
from labkit.embedded.dataplane.transmission import Exchange, Reply, Transmission
from labkit.embedded.dataplane.transport import DataPlane
from labkit.embedded.instances import services
from labkit.embedded.instances.commands.ping import ping
from labkit.embedded.instances.process import InstanceProcess, Process
from labkit.embedded.instances.services import Service
from labkit.embedded.instances.tcp import Failure, NotConnected, connect
from labkit.network import ComponentKind, Path, echo_request, tcp, udp
from labkit.network.packet import Address
from tests.embedded.site import delivery_role
from tests.embedded.support import client, gateway, main_table
from tests.kernel.description import OUTSIDE, Fate, Host, Outcome, Probe, Records, Route, Rule, Site, Subnet

IMAGE = "ami-0fa3fe0fa7920f68e"
_GROUP = "records"
_FORMAT = "interface-id srcaddr dstaddr srcport dstport protocol packets bytes action flow-direction log-status"
_NUMBERS = {"all": "-1", "icmp": "1", "tcp": "6", "udp": "17"}
_NAMES = {number: name for name, number in _NUMBERS.items()}
_COMPONENTS = {
    ComponentKind.ROUTE_TABLE: "route", ComponentKind.PEERING_CONNECTION: "peering",
    ComponentKind.INTERNET_GATEWAY: "gateway", ComponentKind.INTERNET: "internet", ComponentKind.INSTANCE: "nobody",
    ComponentKind.INTERFACE: "nobody", ComponentKind.SECURITY_GROUP: "sg", ComponentKind.NETWORK_ACL: "acl",
}  # fmt: skip


def build(aws: EmbeddedAws, sites: Iterable[Site]) -> list[Built]:
    """Build sites side by side in one account, and record them all."""
    built = [Built(aws, site) for site in sites]
    _record(aws, [id for one in built for id in one.vpc_ids])
    return built


def outcomes(aws: EmbeddedAws, built: list[Built]) -> list[Outcome]:
    """Send all the probes of some sites, and read what became of them and what the flow logs recorded meanwhile."""
    began = int(aws.clock.time() - 60) * 1000  # the windows that are open now may have begun a minute ago
    fates = [one.send() for one in built]
    aws.clock.jump_to(aws.dataplane.settled_at())
    pages = client(aws, "logs").get_paginator("filter_log_events").paginate(logGroupName=_GROUP, startTime=began)
    lines = [event["message"].split() for page in pages for event in page["events"]]
    return [Outcome(fate, one.records(lines)) for fate, one in zip(fates, built, strict=True)]


def _record(aws: EmbeddedAws, vpcs: list[str]) -> None:
    """One flow log on each VPC."""
    client(aws, "ec2").create_flow_logs(
        ResourceType="VPC", ResourceIds=vpcs, TrafficType="ALL", LogGroupName=_GROUP,
        DeliverLogsPermissionArn=delivery_role(client(aws, "iam")),
        LogFormat=" ".join(f"${{{field}}}" for field in _FORMAT.split()),
    )  # fmt: skip


class Built:
    """One site in the account; `public` are its public hosts' addresses."""

    def __init__(self, aws: EmbeddedAws, site: Site) -> None:
        self.aws, self.site = aws, site
        self.ec2 = client(aws, "ec2")
        self.ids: dict[str, str] = {}  # the names of the description → ids; of hosts, the instances'
        self.interfaces: dict[str, str] = {}
        self._build()

    # The control plane

    def _build(self) -> None:
        ec2, ids, site = self.ec2, self.ids, self.site
        for vpc in site.vpcs:
            ids[vpc.name] = ec2.create_vpc(CidrBlock=vpc.cidr)["Vpc"]["VpcId"]
            if vpc.gateway != "none":
                ids[f"igw/{vpc.name}"] = gateway(ec2, ids[vpc.name])
        for one in site.peerings:
            ends = {"VpcId": ids[one.requester], "PeerVpcId": ids[one.accepter]}
            made = ec2.create_vpc_peering_connection(**ends)["VpcPeeringConnection"]
            ids[one.name] = made["VpcPeeringConnectionId"]
            if one.state in ("active", "deleted"):
                ec2.accept_vpc_peering_connection(VpcPeeringConnectionId=ids[one.name])
        for vpc in site.vpcs:
            if vpc.routes:
                self._routes(main_table(ec2, ids[vpc.name]), vpc.name, vpc.routes)
        for subnet in site.subnets:
            self._subnet(subnet)
        for group in site.groups:
            made = ec2.create_security_group(GroupName=group.name, Description="-", VpcId=ids[group.vpc])
            ids[group.name] = made["GroupId"]
        for host in site.hosts:
            self._host(host)
        self.public = self._public_addresses()
        for group in site.groups:
            self._rules(ids[group.name], group.rules)
        for one in site.peerings:
            if one.state == "deleted":
                ec2.delete_vpc_peering_connection(VpcPeeringConnectionId=ids[one.name])
            elif one.state == "rejected":
                ec2.reject_vpc_peering_connection(VpcPeeringConnectionId=ids[one.name])
        for vpc in site.vpcs:
            if vpc.gateway == "detached":
                ec2.detach_internet_gateway(InternetGatewayId=ids[f"igw/{vpc.name}"], VpcId=ids[vpc.name])

    def _subnet(self, subnet: Subnet) -> None:
        ec2, vpc = self.ec2, self.ids[subnet.vpc]
        id = self.ids[subnet.name] = ec2.create_subnet(VpcId=vpc, CidrBlock=subnet.cidr)["Subnet"]["SubnetId"]
        if subnet.routes is not None:
            table = ec2.create_route_table(VpcId=vpc)["RouteTable"]["RouteTableId"]
            ec2.associate_route_table(RouteTableId=table, SubnetId=id)
            self._routes(table, subnet.vpc, subnet.routes)
        if subnet.acl is None:
            return
        acl = ec2.create_network_acl(VpcId=vpc)["NetworkAcl"]["NetworkAclId"]
        found = ec2.describe_network_acls(Filters=[{"Name": "association.subnet-id", "Values": [id]}])["NetworkAcls"]
        association = next(one for one in found[0]["Associations"] if one["SubnetId"] == id)
        ec2.replace_network_acl_association(AssociationId=association["NetworkAclAssociationId"], NetworkAclId=acl)
        for entry in subnet.acl:
            more: dict[str, Any] = {}
            if entry.protocol == "icmp":
                more["IcmpTypeCode"] = {"Type": entry.first, "Code": entry.last}
            elif entry.protocol != "all":
                more["PortRange"] = {"From": entry.first, "To": entry.last}
            ec2.create_network_acl_entry(
                NetworkAclId=acl, RuleNumber=entry.number, Egress=entry.egress, CidrBlock=entry.cidr,
                Protocol=_NUMBERS[entry.protocol], RuleAction="allow" if entry.allow else "deny", **more,
            )  # fmt: skip

    def _routes(self, table: str, vpc: str, routes: Iterable[Route]) -> None:
        for route in routes:
            target = (
                {"GatewayId": self.ids[f"igw/{vpc}"]}
                if route.target == "igw"
                else {"VpcPeeringConnectionId": self.ids[route.target]}
            )
            self.ec2.create_route(RouteTableId=table, DestinationCidrBlock=route.destination, **target)

    def _host(self, host: Host) -> None:
        launched = self.ec2.run_instances(
            ImageId=IMAGE, InstanceType="t3.micro", MinCount=1, MaxCount=1,
            NetworkInterfaces=[{
                "DeviceIndex": 0, "SubnetId": self.ids[host.subnet], "PrivateIpAddress": host.address,
                "Groups": [self.ids[group] for group in host.groups], "AssociatePublicIpAddress": host.public,
            }],
        )["Instances"][0]  # fmt: skip
        self.ids[host.name] = launched["InstanceId"]
        self.interfaces[host.name] = launched["NetworkInterfaces"][0]["NetworkInterfaceId"]
        if not host.running:
            self.ec2.stop_instances(InstanceIds=[launched["InstanceId"]])

    def _public_addresses(self) -> dict[str, str]:
        names = {self.interfaces[host.name]: host.name for host in self.site.hosts if host.public and host.running}
        if not names:
            return {}
        found = self.ec2.describe_network_interfaces(NetworkInterfaceIds=list(names))["NetworkInterfaces"]
        return {names[one["NetworkInterfaceId"]]: one["Association"]["PublicIp"] for one in found}

    def _rules(self, group: str, rules: Iterable[Rule]) -> None:
        everything = [{"IpProtocol": "-1", "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}]
        self.ec2.revoke_security_group_egress(GroupId=group, IpPermissions=everything)
        for egress in (False, True):
            permissions = [self._permission(rule) for rule in rules if rule.egress == egress]
            if permissions:
                allow = "authorize_security_group_egress" if egress else "authorize_security_group_ingress"
                getattr(self.ec2, allow)(GroupId=group, IpPermissions=permissions)

    def _permission(self, rule: Rule) -> dict[str, Any]:
        made: dict[str, Any] = {"IpProtocol": "-1" if rule.protocol == "all" else rule.protocol}
        if rule.protocol != "all":
            made |= {"FromPort": rule.first, "ToPort": rule.last}
        kind, _, name = rule.peer.rpartition(":")
        if kind == "group":
            return made | {"UserIdGroupPairs": [{"GroupId": self.ids[name]}]}
        return made | {"IpRanges": [{"CidrIp": f"{self.public[name]}/32" if kind else rule.peer}]}

    @property
    def vpc_ids(self) -> list[str]:
        return [self.ids[vpc.name] for vpc in self.site.vpcs]

    # The data plane

    def send(self) -> dict[int, Fate]:
        """Send every probe; their fates, by `sport`."""
        return {probe.sport: self._send(probe) for probe in self.site.probes}

    def _send(self, probe: Probe) -> Fate:
        plane, end = self.aws.dataplane, resolved(probe.destination, self.public)
        sender = self.interfaces.get(probe.source)
        process: Process = (
            InstanceProcess(plane, self.ids[probe.source], math.inf) if sender else _OutsideProcess(plane, probe.source)
        )
        source = str(process.address)
        if probe.protocol == "icmp":
            packet = echo_request(source, end)
            answered = ping(process, f"-n -c {probe.count} -i 0.2 -W 1 -s {probe.size} {end}".split()) == 0
        elif probe.protocol == "tcp":
            packet = tcp(source, end, probe.port, probe.sport)
            process.ephemeral_port = lambda *about: probe.sport  # type: ignore[method-assign]
            answered = _connects(process, packet.dst, probe.port)
        else:
            packet = udp(source, end, probe.port, probe.sport)
            datagram = Transmission(packet, 28 + probe.size, replies=(Reply(28 + probe.size),))
            sent = [process.send(datagram) for _ in range(probe.count)]
            answered = all(one.replied for one in sent)
        path = plane.path(packet, sender)
        assert path.replied == answered, f"the tool and the path disagree about {probe}"
        return Fate(path.reached, path.replied, _stop(path))

    def records(self, lines: Iterable[list[str]]) -> Records:
        """What the flow logs recorded at this site's interfaces, but for the internet's background noise."""
        hosts = {interface: host for host, interface in self.interfaces.items()}
        known = {*OUTSIDE, *self.public.values(), *(host.address for host in self.site.hosts)}
        known |= {resolved(probe.destination, self.public) for probe in self.site.probes}
        records: Records = {}
        for words in lines:
            interface, source, end, sport, port, protocol, packets, length, action, direction, status = words
            if status != "OK" or interface not in hosts or not {source, end} <= known:
                continue
            ends = (_NAMES[protocol], source, int(sport), end, int(port))
            key = (hosts[interface], direction, action, *ends)
            before = records.get(key, (0, 0))
            records[key] = (before[0] + int(packets), before[1] + int(length))
        return records


class _OutsideProcess(Process):
    """A program on a host on the internet."""

    def __init__(self, plane: DataPlane, address: str) -> None:
        own, nowhere = IPv4Address(address), IPv4Network("0.0.0.0/32")
        super().__init__(plane.clock, math.inf, address, "", "", "", own, nowhere, nowhere.network_address)
        self._plane = plane

    def look_up(self, name: str) -> None:
        return None

    def look_up_name(self, address: Address) -> None:
        return None

    def service(self, address: Address, protocol: int, port: int) -> Service | None:
        return services.on_instance("", protocol, port)

    def transmit(self, sent: Transmission) -> Exchange:
        return self._plane.exchange(None, sent)


def _connects(process: Process, end: Address, port: int) -> bool:
    """Whether anything answers a SYN, even if it is with a reset."""
    try:
        connect(process, end, port, give_up_after=0.5)
    except NotConnected as error:
        return error.failure is Failure.REFUSED
    return True


def resolved(end: str, public: dict[str, str]) -> str:
    """The address of an end of a probe."""
    return public[end.removeprefix("public:")] if end.startswith("public:") else end


def _stop(path: Path) -> str | None:
    hop = path.stopped_at
    if hop is None:
        return None
    if hop.kind is ComponentKind.VPC:
        component = "nobody" if hop.code == "NO_POSSIBLE_DESTINATION" else "internet"
    else:
        component = _COMPONENTS[hop.kind]
    if hop.direction:
        component += "-out" if hop.direction == "egress" else "-in"
    return f"{'back' if path.back else 'there'} {component}"
