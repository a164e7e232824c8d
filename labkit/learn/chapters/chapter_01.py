"""Chapter 01, two VPCs: each with a subnet, a path to the internet, a security group, and an instance with a role."""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import ip_network

from labkit.iam import Role, RoleDecision, managed_instance, read_role
from labkit.learn.chapter import Chapter, Check, Facts
from labkit.learn.judging import RIGHT, Judgment, plain, wrong, yes_or_no
from labkit.learn.plan import HERE, INSTANCE_POLICY, SIDES, THERE, Side, other
from labkit.learn.result import Line
from labkit.learn.roles import policies_at_fault, refused_actions, trust_line
from labkit.learn.view import View, absent, uses_peering
from labkit.names import INSTANCE_PROFILE, INSTANCE_ROLE
from labkit.network import Permission, RouteTable, permission_text
from labkit.network.packet import ICMP, Address

_ANYWHERE = "0.0.0.0/0"


# The checks


def vpcs(view: View, side: Side) -> Iterator[Line]:
    """The VPC has its name and its range."""
    parts = view.network.vpcs
    if not any(vpc.name == side.vpc for vpc in parts.values()):
        like = next((vpc for vpc in parts.values() if side.cidr in vpc.cidrs and vpc.name == vpc.id), None)
        if like:
            tag = f"ec2.create_tags(Resources=['{like.id}'], Tags=[{{'Key': 'Name', 'Value': '{side.vpc}'}}])."
            yield Line(False, side.vpc, f"{like.id} with its range and no name", "its name on it", tag)
            return
    vpc = view.part(parts, side.vpc, f"in notebook 01, run the cell that says CidrBlock='{side.cidr}'.")
    found = f"the range {', '.join(map(str, vpc.cidrs))}"
    if any(cidr.overlaps(other(side).cidr) for cidr in vpc.cidrs if cidr.version == 4):
        found += f", which overlaps that of {other(side).vpc}"
    again = f"a VPC's range stays as it is: ec2.delete_vpc(VpcId='{vpc.id}'), then run its cell again."
    right = f"{side.vpc} has the range {side.cidr}"
    yield Line.of(side.cidr in vpc.cidrs, right, side.vpc, found, str(side.cidr), again)


def subnets(view: View, side: Side) -> Iterator[Line]:
    """The subnet is in its VPC, and the instance's address fits."""
    subnet = view.part(view.network.subnets, side.subnet, "in notebook 01, run the cell with ec2.create_subnet for it.")
    again = f"ec2.delete_subnet(SubnetId='{subnet.id}'), then run its cell again."
    vpc = view.network.name(subnet.vpc)
    if vpc != side.vpc:
        yield Line(False, side.subnet, f"it in {vpc}", f"it in {side.vpc}", again)
        return
    right = f"{side.subnet} is in {side.vpc} and has room for {side.address}"
    found, wanted = f"the range {', '.join(map(str, subnet.cidrs))}", f"one with {side.address} in it"
    yield Line.of(any(side.address in cidr for cidr in subnet.cidrs), right, side.subnet, found, wanted, again)


def internet(view: View, side: Side) -> Iterator[Line]:
    """The gateway is attached, and the subnet uses a route table with a default route to it."""
    network = view.network
    gateway = view.part(network.internet_gateways, side.gateway, "run the cell with ec2.create_internet_gateway.")
    vpc = network.name(gateway.vpc) if gateway.vpc else "nothing"
    attach = f"ec2.attach_internet_gateway(InternetGatewayId='{gateway.id}', VpcId=…{side.vpc}…)."
    if gateway.vpc:
        detach = f"ec2.detach_internet_gateway(InternetGatewayId='{gateway.id}', VpcId='{gateway.vpc}')"
        attach = f"{detach}, then {attach}"
    found, wanted = f"it attached to {vpc}", f"it attached to {side.vpc}"
    yield Line.of(vpc == side.vpc, f"{side.gateway} is attached to {side.vpc}", side.gateway, found, wanted, attach)

    table = view.part(network.route_tables, side.table, "run the cell with ec2.create_route_table for it.")
    subnet = view.part(network.subnets, side.subnet, "make the subnet first: lab.check('subnets').")
    if network.name(table.vpc) != side.vpc:
        again = f"ec2.delete_route_table(RouteTableId='{table.id}'), then run its cell again."
        yield Line(False, side.table, f"it in {network.name(table.vpc)}", f"it in {side.vpc}", again)
    else:
        used = network.route_table_of(subnet.id)
        right, wanted = f"{side.subnet} uses {side.table}", f"{side.subnet} associated with it"
        found = f"{side.subnet} using {'the main table ' if used.main else ''}{used.name}"
        associate = f"ec2.associate_route_table(RouteTableId='{table.id}', SubnetId='{subnet.id}')."
        yield Line.of(subnet.id in table.subnets, right, side.table, found, wanted, associate)
    yield _default_route(view, side, table, gateway.id)


def _default_route(view: View, side: Side, table: RouteTable, gateway: str) -> Line:
    route = next((route for route in table.routes if route.destination == _ANYWHERE), None)
    subject, wanted = f"{side.table}, default route", f"{_ANYWHERE} → {side.gateway}"
    call = f"(RouteTableId='{table.id}', DestinationCidrBlock='{_ANYWHERE}', GatewayId='{gateway}')."
    if route is None:
        routes = ", ".join(f"{each.destination} → {view.network.name(each.target)}" for each in table.routes)
        return Line(False, subject, f"only {routes}", wanted, "ec2.create_route" + call)
    if route.state == "blackhole":
        fix = "attach the gateway (the line above), or ec2.replace_route" + call
        return Line(False, subject, "it as blackhole: its target is gone", wanted, fix)
    found = f"{_ANYWHERE} → {view.network.name(route.target)}"
    right = f"{side.table} has the default route {wanted}"
    return Line.of(route.target == gateway, right, subject, found, wanted, "ec2.replace_route" + call)


def security_groups(view: View, side: Side) -> Iterator[Line]:
    """The security group is in its VPC, and lets all ICMP in and out."""
    group = view.part(view.network.security_groups, side.group, "run the cell with ec2.create_security_group for it.")
    vpc = view.network.name(group.vpc)
    found, wanted = f"it in {vpc}, whose instances alone can bear it", f"it in {side.vpc}"
    again = f"ec2.delete_security_group(GroupId='{group.id}'), then run its cell again."
    yield Line.of(vpc == side.vpc, f"{side.group} belongs to {side.vpc}", side.group, found, wanted, again)

    for direction, rules, call in (("in", group.ingress, "ingress"), ("out", group.egress, "egress")):
        found = "; ".join(permission_text(rule, direction == "out") for rule in rules) or "no rule"
        if direction == "in" and not rules and any(rule.protocol == ICMP for rule in group.egress):
            found = "the ICMP rule among the outbound ones, and no inbound rule"
        right, subject = f"{side.group} lets ICMP {direction}", f"{side.group}, {direction}"
        wanted = f"all ICMP (type and code -1), {'from' if direction == 'in' else 'to'} {_ANYWHERE}"
        add = f"ec2.authorize_security_group_{call}(GroupId='{group.id}', IpPermissions=[icmp])."
        yield Line.of(any(map(_allows_all_icmp, rules)), right, subject, found, wanted, add)


def _allows_all_icmp(rule: Permission) -> bool:
    everything = rule.protocol is None or (rule.protocol, rule.from_port, rule.to_port) == (ICMP, -1, -1)
    return everything and _ANYWHERE in map(str, rule.cidrs)


def role(view: View) -> Iterator[Line]:
    """The instances' role trusts EC2 and has the policy of Systems Manager, and the profile holds it."""
    iam = view.client("iam")
    found = read_role(iam, INSTANCE_ROLE)
    if found is None:
        yield absent(INSTANCE_ROLE, "in notebook 01, run the cell with iam.create_role.")
    else:
        decided = managed_instance(found)
        yield trust_line(INSTANCE_ROLE, decided.trust, view.lab.account)
        yield _instance_policy(found, decided)
    if view.lab.find(INSTANCE_PROFILE, "instance-profile") is None:
        yield absent(INSTANCE_PROFILE, "run the cell with iam.create_instance_profile.")
        return
    profile = iam.get_instance_profile(InstanceProfileName=INSTANCE_PROFILE)["InstanceProfile"]
    held = [each["RoleName"] for each in profile["Roles"]]
    name = f"InstanceProfileName='{INSTANCE_PROFILE}', RoleName="
    call = f"iam.add_role_to_instance_profile({name}'{INSTANCE_ROLE}')."
    if held:
        call = f"iam.remove_role_from_instance_profile({name}'{held[0]}'), then {call}"
    right, wrong = f"{INSTANCE_PROFILE} holds {INSTANCE_ROLE}", f"{held[0] if held else 'no role'} in it"
    yield Line.of(held == [INSTANCE_ROLE], right, INSTANCE_PROFILE, wrong, INSTANCE_ROLE, call)


def _instance_policy(role: Role, decided: RoleDecision) -> Line:
    if INSTANCE_POLICY not in role.policies:
        held = f"the policies {', '.join(role.policies)}" if role.policies else "no policy attached"
        arn = f"arn:aws:iam::aws:policy/{INSTANCE_POLICY}"
        call = f"iam.attach_role_policy(RoleName='{INSTANCE_ROLE}', PolicyArn='{arn}')."
        return Line(False, INSTANCE_ROLE, held, INSTANCE_POLICY, call)
    refused = refused_actions(decided.permissions)
    at_fault = ", ".join(policies_at_fault(decided.permissions))
    call = f"take {at_fault} off the role: iam.detach_role_policy or, where it is inline, iam.delete_role_policy."
    right, found = f"{INSTANCE_ROLE} has the policy {INSTANCE_POLICY}", f"no permission for {refused}"
    return Line.of(not refused, right, INSTANCE_ROLE, found, "what Systems Manager needs", call)


def instances(view: View, side: Side) -> Iterator[Line]:
    """The instance runs, with its address, security group, public address and profile."""
    network, name = view.network, side.instance
    instance = view.part(view.instances, name, "in notebook 01, run the cell that launches it.")
    start = f"ec2.get_waiter('instance_running').wait(InstanceIds=['{instance.id}'])."
    if instance.state == "stopped":
        start = f"ec2.start_instances(InstanceIds=['{instance.id}'])."
    running = instance.state == "running"
    yield Line.of(running, f"{name} is running", name, f"it {instance.state}", "it running", start)

    again = f"ec2.terminate_instances(InstanceIds=['{instance.id}']), then run its cell again."
    interface = view.interface(side)
    subnet = network.name(interface.subnet)
    if subnet != side.subnet:
        found = f"it in {subnet} ({network.name(interface.vpc)})"
        yield Line(False, name, found, f"it in {side.subnet} ({side.vpc})", again)
    else:
        right, found = f"{name} has the address {side.address} in {side.subnet}", f"the address {interface.primary}"
        yield Line.of(interface.primary == side.address, right, name, found, str(side.address), again)

    groups = [network.name(group) for group in interface.groups]
    right, found = f"{name} has the security group {side.group}", f"the security group {', '.join(groups)}"
    call = f"ec2.modify_instance_attribute(InstanceId='{instance.id}', Groups=[…{side.group}…])."
    yield Line.of(side.group in groups, right, name, found, side.group, call)
    right, wanted = f"{name} has a public address", "one: AssociatePublicIpAddress=True"
    yield Line.of(bool(interface.public), right, name, "no public address", wanted, again)

    (described,) = view.client("ec2").describe_instances(InstanceIds=[instance.id])["Reservations"]
    profile = described["Instances"][0].get("IamInstanceProfile", {}).get("Arn", "").rpartition("/")[2]
    settings = f"IamInstanceProfile={{'Name': '{INSTANCE_PROFILE}'}}, InstanceId='{instance.id}'"
    call = f"ec2.associate_iam_instance_profile({settings})."
    if profile:
        call = "take the other off with ec2.disassociate_iam_instance_profile, then " + call
    right, found = f"{name} wears {INSTANCE_PROFILE}", profile or "no instance profile"
    yield Line.of(profile == INSTANCE_PROFILE, right, name, found, INSTANCE_PROFILE, call)


# The judges of the exercises


def third_vpc_overlaps(view: View, answer: object) -> Judgment:
    """Whether a third VPC's range overlaps that of vpc-1."""
    vpc = view.part(view.network.vpcs, HERE.vpc, "notebook 01 makes it.")
    return yes_or_no(answer, right=not any(cidr.overlaps(ip_network("10.1.128.0/17")) for cidr in vpc.cidrs))


def third_vpc_range(view: View, answer: object) -> Judgment:
    """A range that a third VPC could have."""
    found = plain(answer)
    if isinstance(found, list) and len(found) == 1:
        (found,) = found
    if not isinstance(found, str):
        return wrong("Give a range as text, such as '10.9.0.0/16'.")
    text = found.strip()
    if "/" not in text:
        return wrong(f"{text!r} has no prefix length: a range is written as in '10.9.0.0/16'.")
    try:
        block = ip_network(text, strict=False)
    except ValueError:
        return wrong(f"{text!r} is not a range of addresses: write it as in '10.9.0.0/16'.")
    if str(block) != text:
        return wrong(f"{text} has bits set after its prefix; the range that it lies in is {block}.")
    for side in SIDES:
        vpc = view.part(view.network.vpcs, side.vpc, "notebook 01 makes it.")
        taken = next((cidr for cidr in vpc.cidrs if cidr.version == block.version and cidr.overlaps(block)), None)
        if taken:
            return wrong(f"{block} overlaps {side.vpc}'s {taken}, so the two could not be peered.")
    if block.version != 4 or not 16 <= block.prefixlen <= 28:
        return wrong(f"A VPC's range is an IPv4 block of /16 to /28; {block} is a /{block.prefixlen}.")
    if not block.is_private:
        return wrong(f"{block} is not a private range (RFC 1918): hosts on the internet have these addresses.")
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
        Check("vpcs", "two VPCs whose ranges do not overlap", vpcs, sided=True),
        Check("subnets", "a subnet in each", subnets, sided=True),
        Check("internet", "a gateway, a route table, a default route", internet, sided=True),
        Check("security-groups", "ICMP may come in and go out", security_groups, sided=True),
        Check("role", "the instances' role and its profile", role),
        Check("instances", "an instance in each subnet", instances, sided=True),
    ),
    judges={"1.1": third_vpc_overlaps, "1.2": third_vpc_range},
    quiz_facts=quiz_facts,
)
