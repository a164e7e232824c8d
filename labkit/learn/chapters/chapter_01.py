"""Chapter 01, two VPCs: each with a subnet, a path to the internet, a security group, and an instance with a role."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from ipaddress import IPv4Network, ip_interface, ip_network
from typing import TypeVar

from labkit.iam import managed_instance, read_role
from labkit.learn.answers import shown
from labkit.learn.chapter import Chapter, Check, Facts, Finding, Findings, finding
from labkit.learn.judging import RIGHT, Judgment, single, wrong, yes_or_no
from labkit.learn.plan import HERE, INSTANCE_POLICY, SIDES, THERE, Side, other
from labkit.learn.result import Line
from labkit.learn.roles import policies_at_fault, refused_actions, trust_line
from labkit.learn.untagged import stop_at_untagged
from labkit.learn.view import NOTHING, Stop, View, absent, needed, step, uses_peering
from labkit.network import Permission, permission_text
from labkit.network.packet import ICMP, Address
from labkit.network.parts import Part, SecurityGroup, Vpc

Fitting = TypeVar("Fitting", bound=Part)

_ANYWHERE = "0.0.0.0/0"
_INSTANCE_TYPE = "t3.micro"
_SUBNET_PREFIX = 20  # each subnet is the first such slice of its VPC's range

#: The ranges that belong to nobody on the internet: those of RFC 1918, and RFC 6598's, which VPCs may have, too.
#: https://docs.aws.amazon.com/vpc/latest/userguide/vpc-cidr-blocks.html
_PRIVATE = [IPv4Network(each) for each in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10")]


# The checks


def _made(side: Side, cell: str, its_step: str) -> str:
    """Return how to make a part: vpc-1's by a cell of notebook 01, vpc-2's by a step that the student writes."""
    return f"in notebook 01, run the cell {cell}." if side == HERE else step(its_step)


def vpcs(view: View, side: Side) -> Findings:
    """The VPC has its name and its range."""
    if _home(view, side) is None:
        same = [vpc.id for vpc in view.network.vpcs.values() if side.cidr in vpc.cidrs]
        stop_at_untagged(view, side.vpc, "vpc", same, f"of the range {side.cidr}", inside=False)
    vpc = view.part(view.network.vpcs, side.vpc, _made(side, f"that says CidrBlock='{side.cidr}'", "1.a"))
    ok = side.cidr in vpc.cidrs
    overlaps = any(cidr.overlaps(other(side).cidr) for cidr in vpc.cidrs if cidr.version == 4)
    key = "overlap" if overlaps and not ok else "range"
    yield finding(key, ok, vpc=vpc, ranges=vpc.cidrs, other=other(side))


def _home(view: View, side: Side) -> Vpc | None:
    """Return the side's VPC, if it is there and has its name."""
    return next((vpc for vpc in view.network.vpcs.values() if vpc.name == side.vpc), None)


def _home_of(view: View, side: Side) -> Vpc:
    """Return the VPC in which something of the side is to be.

    Raises:
        Stop: No VPC has the name, so that nothing can be in it.
    """
    home = _home(view, side)
    if home is None:
        raise Stop(Line(False, side.vpc, NOTHING, "one", "this comes first: lab.check('vpcs')."))
    return home


def _stop_at_untagged(
    view: View, side: Side, name: str, kind: str, parts: Mapping[str, Fitting], fits: Callable[[Fitting, str], bool]
) -> None:
    """Stop at a part in the side's VPC that only lacks the name or the lab's tag, if no part has the name.

    Args:
        view: The lab.
        side: The side.
        name: The name.
        kind: The resource type.
        parts: The parts of that type, by id.
        fits: Whether a part could be it, given the part and the id of the side's VPC.
    """
    home = _home(view, side)
    if home is not None and not any(part.name == name for part in parts.values()):
        ids = [part.id for part in parts.values() if fits(part, home.id)]
        stop_at_untagged(view, name, kind, ids, f"in {side.vpc}")


def subnets(view: View, side: Side) -> Findings:
    """The subnet is in its VPC, and the instance's address fits."""
    network = view.network
    _stop_at_untagged(
        view, side, side.subnet, "subnet", network.subnets,
        lambda subnet, vpc: subnet.vpc == vpc and any(side.address in cidr for cidr in subnet.cidrs),
    )  # fmt: skip
    subnet = view.part(view.network.subnets, side.subnet, _made(side, "with ec2.create_subnet", "1.a"))
    _home_of(view, side)
    vpc = network.name(subnet.vpc)
    if vpc != side.vpc:
        yield finding("vpc", subnet=subnet, vpc=vpc)
        return
    fits = any(side.address in cidr for cidr in subnet.cidrs)
    asked = next(side.cidr.subnets(new_prefix=_SUBNET_PREFIX))
    key = "other-range" if fits and asked not in subnet.cidrs else "range"
    yield finding(key, fits, subnet=subnet, ranges=subnet.cidrs, asked=asked)
    if fits and subnet.availability_zone not in _zones(view):
        yield finding("zone", subnet=subnet, type=_INSTANCE_TYPE)


def _zones(view: View) -> set[str]:
    """Return the availability zones in which AWS offers the course's type of instance."""
    pages = view.lab.client("ec2").get_paginator("describe_instance_type_offerings").paginate(
        LocationType="availability-zone", Filters=[{"Name": "instance-type", "Values": [_INSTANCE_TYPE]}]
    )  # fmt: skip
    return {offer["Location"] for page in pages for offer in page["InstanceTypeOfferings"]}


def internet(view: View, side: Side) -> Findings:
    """The gateway is attached, and the subnet uses a route table with a default route to it."""
    network = view.network
    gone = _gone_gateway(view, side)
    if gone:
        yield finding("gateway-gone", gone=gone)
        return
    _stop_at_untagged(
        view, side, side.gateway, "internet-gateway", network.internet_gateways,
        lambda gateway, vpc: gateway.vpc == vpc and not gateway.egress_only,
    )  # fmt: skip
    gateway = view.part(network.internet_gateways, side.gateway, _made(side, "with ec2.create_internet_gateway", "1.b"))
    home = _home_of(view, side)
    vpc = network.name(gateway.vpc) if gateway.vpc else None
    key = "attached" if vpc in (None, side.vpc) else "attached-elsewhere"
    attached = vpc == side.vpc
    yield finding(key, attached, gateway=gateway, vpc=vpc, home=home)

    _stop_at_untagged(
        view, side, side.table, "route-table", network.route_tables,
        lambda table, vpc: table.vpc == vpc and not table.main,
    )  # fmt: skip
    table = view.part(network.route_tables, side.table, _made(side, "with ec2.create_route_table", "1.c"))
    subnet = view.part(network.subnets, side.subnet, "make the subnet first: lab.check('subnets').")
    vpc, used = network.name(table.vpc), network.route_table_of(subnet.id)
    if vpc != side.vpc:
        yield finding("table-elsewhere", table=table, vpc=vpc)
        return
    associated = subnet.id in table.subnets
    key = "main-table" if used.main and not associated else "associated"
    yield finding(key, associated, table=table, subnet=subnet, used=used)

    targets = {each.destination: network.name(each.target) for each in table.routes}
    route = next((route for route in table.routes if route.destination == _ANYWHERE), None)
    if route is None:
        routes = [f"{destination} → {target}" for destination, target in targets.items()]
        yield finding("no-default-route", table=table, gateway=gateway, routes=routes)
    elif route.state == "blackhole" and route.target == gateway.id and not attached:
        return  # the route applies again once the gateway is attached
    elif route.state == "blackhole":
        yield finding("blackhole", table=table, gateway=gateway)
    else:
        right = route.target == gateway.id
        yield finding("default-route", right, table=table, gateway=gateway, target=targets[_ANYWHERE])


def _gone_gateway(view: View, side: Side) -> str | None:
    """Return the id of the internet gateway that the default route leads to, if it is deleted and there is no other."""
    network = view.network
    if any(gateway.name == side.gateway for gateway in network.internet_gateways.values()):
        return None
    routes = (route for table in network.route_tables.values() if table.name == side.table for route in table.routes)
    targets = (route.target for route in routes if route.destination == _ANYWHERE)
    return next((id for id in targets if id.startswith("igw-") and id not in network.internet_gateways), None)


def security_groups(view: View, side: Side) -> Findings:
    """The security group is in its VPC, and lets all ICMP in and out."""
    home = _home(view, side)
    if home is not None:  # its own name is not its Name tag: an untagged group seems to have the name
        filters = [{"Name": "group-name", "Values": [side.group]}, {"Name": "vpc-id", "Values": [home.id]}]
        found = view.lab.client("ec2").describe_security_groups(Filters=filters)["SecurityGroups"]
        stop_at_untagged(view, side.group, "security-group", [each["GroupId"] for each in found], f"in {side.vpc}")
    group = view.part(view.network.security_groups, side.group, _made(side, "with ec2.create_security_group", "1.d"))
    _home_of(view, side)
    vpc = view.network.name(group.vpc)
    yield finding("vpc", vpc == side.vpc, group=group, vpc=vpc)
    if vpc != side.vpc:
        return
    if not group.ingress and any(rule.protocol == ICMP for rule in group.egress):
        yield finding("only-out", group=group)
    else:
        yield _lets_icmp("in", group, group.ingress)
    yield _lets_icmp("out", group, group.egress)


def _lets_icmp(direction: str, group: SecurityGroup, rules: Sequence[Permission]) -> Finding:
    texts = "; ".join(permission_text(rule, direction == "out") for rule in rules) or "no rule"
    return finding(direction, any(map(_allows_all_icmp, rules)), group=group, rules=texts)


def _allows_all_icmp(rule: Permission) -> bool:
    everything = rule.protocol is None or (rule.protocol, rule.from_port, rule.to_port) == (ICMP, -1, -1)
    return everything and _ANYWHERE in map(str, rule.cidrs)


def role(view: View) -> Findings:
    """The instances' role trusts EC2 and has the policy of Systems Manager, and the profile holds it."""
    iam, name, profile_name = view.lab.client("iam"), view.names.instance_role, view.names.instance_profile
    found = read_role(iam, name) if view.lab.find(name, "role") else None
    if found is None:
        yield absent(name, "in notebook 01, run the cell with iam.create_role.")
    else:
        decided = managed_instance(found)
        yield trust_line(name, decided.trust, view.lab.account, "trust_ec2")
        if INSTANCE_POLICY in found.policies:
            at_fault = list(policies_at_fault(decided.permissions))
            refused = refused_actions(decided.permissions)
            yield finding("policy", not refused, refused=refused, policies=at_fault)
        else:
            yield finding("other-policies" if found.policies else "no-policy", policies=list(found.policies))
    arn = view.lab.find(profile_name, "instance-profile")
    arn_end = f"/{profile_name}"
    using = [each.name for each in view.instances.values() if (each.profile or "").endswith(arn_end)]
    if arn is None and using:
        yield finding("profile-gone", using=using)
        return
    needed(arn, profile_name, "run the cell with iam.create_instance_profile.", NOTHING)
    profile = iam.get_instance_profile(InstanceProfileName=profile_name)["InstanceProfile"]
    held = [each["RoleName"] for each in profile["Roles"]]
    key = "profile" if held in ([], [name]) else "profile-of-another"
    yield finding(key, held == [name], role=held)


def instances(view: View, side: Side) -> Findings:
    """The instance runs, with its address, public address, security group and profile.

    Nothing more is said of an instance that has to be launched again. One that is stopped has no public address; it
    gets one when it starts.
    """
    network = view.network
    at = {each.instance: each.vpc for each in network.interfaces.values() if each.primary == side.address}
    _stop_at_untagged(
        view, side, side.instance, "instance", view.instances, lambda instance, vpc: at.get(instance.id) == vpc
    )
    instance = view.part(view.instances, side.instance, "in notebook 01, run the cell that launches it.")
    running = instance.state == "running"
    interface = view.interface(side)
    subnet = network.name(interface.subnet)
    if subnet != side.subnet:
        yield finding("subnet", instance=instance, subnet=subnet, vpc=network.name(interface.vpc))
        return
    if interface.primary != side.address:
        yield finding("address", instance=instance, interface=interface)
        return
    if running and not interface.public:
        yield finding("public", instance=instance)
        return
    yield finding("stopped" if instance.state == "stopped" else "running", running, instance=instance)
    yield finding("address", True)
    groups = [network.name(group) for group in interface.groups]
    group = view.part(network.security_groups, side.group, "make the group first: lab.check('security-groups').")
    yield finding("group", side.group in groups, instance=instance, groups=groups, group=group)
    if running:
        yield finding("public", True)

    (described,) = view.lab.client("ec2").describe_instances(InstanceIds=[instance.id])["Reservations"]
    profile = described["Instances"][0].get("IamInstanceProfile", {}).get("Arn", "").rpartition("/")[2]
    wanted = view.names.instance_profile
    if profile == wanted and view.lab.find(wanted, "instance-profile") is None:
        yield finding("profile-gone")
        return
    key = "profile" if profile in ("", wanted) else "other-profile"
    yield finding(key, profile == wanted, instance=instance, profile=profile)


# The judges of the exercises


def third_vpc_overlaps(view: View, answer: object) -> Judgment:
    """Whether a third VPC's range overlaps that of vpc-1."""
    vpc = view.part(view.network.vpcs, HERE.vpc, "notebook 01 makes it.")
    return yes_or_no(answer, right=not any(cidr.overlaps(ip_network("10.1.128.0/17")) for cidr in vpc.cidrs))


def third_vpc_range(view: View, answer: object) -> Judgment:
    """A range that a third VPC could have."""
    form = f"written as vpc-1's is: '{HERE.cidr}'"
    found = single(answer)
    if not isinstance(found, str):
        return wrong(f"Give one range as text, {form}.")
    text = re.sub(r"\s+", "", found).strip("'\"`.")
    try:
        interface = ip_interface(text)
    except ValueError:
        return wrong(f"{shown(found)} is not a range of addresses, {form}.")
    block = interface.network
    if "/" not in text:
        return wrong(f"{text!r} has no prefix length: a range is {form}.")
    if interface.ip != block.network_address:
        return wrong(f"{text} has bits set after its prefix; the range that it lies in is {block}.")
    for side in SIDES:
        vpc = view.part(view.network.vpcs, side.vpc, "notebook 01 makes it.")
        taken = next((cidr for cidr in vpc.cidrs if cidr.version == block.version and cidr.overlaps(block)), None)
        if taken:
            return wrong(f"{block} overlaps {side.vpc}'s {taken}, so the two could not be peered.")
    if not isinstance(block, IPv4Network) or not 16 <= block.prefixlen <= 28:
        return wrong(f"A VPC's range is an IPv4 block of /16 to /28; {block} has the prefix length {block.prefixlen}.")
    if not any(block.subnet_of(each) for each in _PRIVATE):
        return wrong(f"{block} is not a private range (RFC 1918): its addresses belong to others, or are reserved.")
    return RIGHT


# The facts of the quiz


def quiz_facts(view: View) -> Facts:
    """The routes that apply, and the names of the parts."""
    table = view.network.route_table_of(view.interface(HERE).subnet)

    def applied(address: Address) -> str:
        route = table.lookup(address)
        return "none" if route is None else "peering" if uses_peering(route) else route.destination

    return {
        "near": applied(HERE.cidr[200 * 256 + 7]), "far": applied(THERE.address),
        "public": str(view.public_address(HERE)), "igw": HERE.gateway, "table": table.name, "group": HERE.group,
    }  # fmt: skip


CHAPTER = Chapter(
    "01",
    checks=(
        Check("vpcs", vpcs, sided=True),
        Check("subnets", subnets, sided=True),
        Check("internet", internet, sided=True),
        Check("security-groups", security_groups, sided=True),
        Check("role", role),
        Check("instances", instances, sided=True),
    ),
    judges={"1.1": third_vpc_overlaps, "1.2": third_vpc_range},
    quiz_facts=quiz_facts,
)
