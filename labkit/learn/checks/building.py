"""The checks of notebook 01: two VPCs, each with a subnet, a way to the internet, a security group, an instance."""

from __future__ import annotations

from collections.abc import Iterator

from labkit.iam import Role, RoleDecision, managed_instance, read_role
from labkit.learn.checks.roles import policies_at_fault, refused_actions, trust_line
from labkit.learn.plan import INSTANCE_POLICY, Side, View, absent, other
from labkit.learn.result import Line
from labkit.names import INSTANCE_PROFILE, INSTANCE_ROLE
from labkit.network.parts import Permission, RouteTable

_ICMP, _ANYWHERE = 1, "0.0.0.0/0"


def vpcs(view: View, side: Side) -> Iterator[Line]:
    parts = view.network.vpcs
    if not any(vpc.name == side.vpc for vpc in parts.values()):
        like = next((vpc for vpc in parts.values() if side.cidr in vpc.cidrs and vpc.name == vpc.id), None)
        if like:
            tag = f"ec2.create_tags(Resources=['{like.id}'], Tags=[{{'Key': 'Name', 'Value': '{side.vpc}'}}])"
            yield Line(False, side.vpc, f"{like.id} with its range and no name", "its name on it", f"{tag}.")
            return
    vpc = view.part(parts, side.vpc, f"in notebook 01, run the cell that says CidrBlock='{side.cidr}'.")
    if side.cidr in vpc.cidrs:
        yield Line(True, f"{side.vpc} has the range {side.cidr}")
        return
    ranges = ", ".join(map(str, vpc.cidrs))
    overlaps = any(cidr.overlaps(other(side).cidr) for cidr in vpc.cidrs if cidr.version == 4)
    yield Line(
        False, side.vpc, f"the range {ranges}" + (f", which overlaps that of {other(side).vpc}" if overlaps else ""),
        str(side.cidr), f"a VPC's range stays as it is: ec2.delete_vpc(VpcId='{vpc.id}'), then run its cell again.",
    )  # fmt: skip


def subnets(view: View, side: Side) -> Iterator[Line]:
    network = view.network
    subnet = view.part(network.subnets, side.subnet, "in notebook 01, run the cell with ec2.create_subnet for it.")
    again = f"ec2.delete_subnet(SubnetId='{subnet.id}'), then run its cell again."
    vpc = network.name(subnet.vpc)
    if vpc != side.vpc:
        yield Line(False, side.subnet, f"it in {vpc}", f"it in {side.vpc}", again)
    elif any(side.address in cidr for cidr in subnet.cidrs):
        yield Line(True, f"{side.subnet} is in {side.vpc} and has room for {side.address}")
    else:
        ranges = ", ".join(map(str, subnet.cidrs))
        yield Line(False, side.subnet, f"the range {ranges}", f"one with {side.address} in it", again)


def internet(view: View, side: Side) -> Iterator[Line]:
    network = view.network
    gateway = view.part(network.internet_gateways, side.gateway, "run the cell with ec2.create_internet_gateway.")
    attach = f"ec2.attach_internet_gateway(InternetGatewayId='{gateway.id}', VpcId=…{side.vpc}…)."
    if gateway.vpc is None:
        yield Line(False, side.gateway, "it attached to nothing", f"it attached to {side.vpc}", attach)
    elif network.name(gateway.vpc) != side.vpc:
        detach = f"ec2.detach_internet_gateway(InternetGatewayId='{gateway.id}', VpcId='{gateway.vpc}'), then {attach}"
        found = f"it attached to {network.name(gateway.vpc)}"
        yield Line(False, side.gateway, found, f"it attached to {side.vpc}", detach)
    else:
        yield Line(True, f"{side.gateway} is attached to {side.vpc}")

    table = view.part(network.route_tables, side.table, "run the cell with ec2.create_route_table for it.")
    subnet = view.part(network.subnets, side.subnet, "make the subnet first: lab.check('subnets').")
    if network.name(table.vpc) != side.vpc:
        again = f"ec2.delete_route_table(RouteTableId='{table.id}'), then run its cell again."
        yield Line(False, side.table, f"it in {network.name(table.vpc)}", f"it in {side.vpc}", again)
    elif subnet.id not in table.subnets:
        used = network.route_table_of(subnet.id)
        found = f"{side.subnet} using {'the main table ' if used.main else ''}{used.name}"
        associate = f"ec2.associate_route_table(RouteTableId='{table.id}', SubnetId='{subnet.id}')."
        yield Line(False, side.table, found, f"{side.subnet} associated with it", associate)
    else:
        yield Line(True, f"{side.subnet} uses {side.table}")
    yield _default_route(view, side, table, gateway.id)


def _default_route(view: View, side: Side, table: RouteTable, gateway: str) -> Line:
    route = next((route for route in table.routes if route.destination == _ANYWHERE), None)
    wanted = f"{_ANYWHERE} → {side.gateway}"
    call = f"(RouteTableId='{table.id}', DestinationCidrBlock='{_ANYWHERE}', GatewayId='{gateway}')."
    if route is None:
        routes = ", ".join(f"{each.destination} → {view.network.name(each.target)}" for each in table.routes)
        return Line(False, f"{side.table}, default route", f"only {routes}", wanted, "ec2.create_route" + call)
    if route.state == "blackhole":
        mend = "attach the gateway (the line above), or ec2.replace_route" + call
        return Line(False, f"{side.table}, default route", "it as blackhole: its target is gone", wanted, mend)
    if route.target != gateway:
        found = f"{_ANYWHERE} → {view.network.name(route.target)}"
        return Line(False, f"{side.table}, default route", found, wanted, "ec2.replace_route" + call)
    return Line(True, f"{side.table} has the default route {wanted}")


def security_groups(view: View, side: Side) -> Iterator[Line]:
    group = view.part(view.network.security_groups, side.group, "run the cell with ec2.create_security_group for it.")
    vpc = view.network.name(group.vpc)
    if vpc != side.vpc:
        again = f"ec2.delete_security_group(GroupId='{group.id}'), then run its cell again."
        yield Line(False, side.group, f"it in {vpc}, whose instances alone can bear it", f"it in {side.vpc}", again)
    else:
        yield Line(True, f"{side.group} belongs to {side.vpc}")
    ways = {"in": (group.ingress, "ingress"), "out": (group.egress, "egress")}
    for way, (rules, call) in ways.items():
        if any(_allows_all_icmp(rule) for rule in rules):
            yield Line(True, f"{side.group} lets ICMP {way}")
            continue
        found = "; ".join(_in_words(rule) for rule in rules) or "no rule"
        if way == "in" and not rules and any(rule.protocol == _ICMP for rule in group.egress):
            found = "the ICMP rule among the outbound ones, and no inbound rule"
        add = f"ec2.authorize_security_group_{call}(GroupId='{group.id}', IpPermissions=[icmp])."
        wanted = f"all ICMP (type and code -1), {'from' if way == 'in' else 'to'} {_ANYWHERE}"
        yield Line(False, f"{side.group}, {way}", found, wanted, add)


def _allows_all_icmp(rule: Permission) -> bool:
    everything = rule.protocol is None or (rule.protocol == _ICMP and rule.from_port == -1 and rule.to_port == -1)
    return everything and _ANYWHERE in map(str, rule.cidrs)


def _in_words(rule: Permission) -> str:
    names = {None: "all traffic", 1: "ICMP", 6: "TCP", 17: "UDP", 58: "ICMPv6 (that of IPv6)"}
    words = names.get(rule.protocol, f"protocol {rule.protocol}")
    if rule.protocol in (1, 58) and (rule.from_port, rule.to_port) != (-1, -1):
        words += f" of type {rule.from_port}" + ("" if rule.to_port == -1 else f", code {rule.to_port}")
    elif rule.protocol in (6, 17):
        words += f" {rule.from_port}" if rule.from_port == rule.to_port else f" {rule.from_port}–{rule.to_port}"
    ends = [*map(str, rule.cidrs), *rule.groups, *rule.prefix_lists]
    return f"{words} for {', '.join(ends)}" if ends else words


def role(view: View) -> Iterator[Line]:
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
    if held == [INSTANCE_ROLE]:
        yield Line(True, f"{INSTANCE_PROFILE} holds {INSTANCE_ROLE}")
    else:
        name = f"InstanceProfileName='{INSTANCE_PROFILE}', RoleName="
        call = f"iam.add_role_to_instance_profile({name}'{INSTANCE_ROLE}')."
        if held:
            call = f"iam.remove_role_from_instance_profile({name}'{held[0]}'), then {call}"
        yield Line(False, INSTANCE_PROFILE, f"{held[0] if held else 'no role'} in it", INSTANCE_ROLE, call)


def _instance_policy(role: Role, decided: RoleDecision) -> Line:
    if INSTANCE_POLICY not in role.policies:
        held = f"the policies {', '.join(role.policies)}" if role.policies else "no policy attached"
        arn = f"arn:aws:iam::aws:policy/{INSTANCE_POLICY}"
        call = f"iam.attach_role_policy(RoleName='{INSTANCE_ROLE}', PolicyArn='{arn}')."
        return Line(False, INSTANCE_ROLE, held, INSTANCE_POLICY, call)
    refused = refused_actions(decided.permissions)
    if not refused:
        return Line(True, f"{INSTANCE_ROLE} has the policy {INSTANCE_POLICY}")
    at_fault = ", ".join(policies_at_fault(decided.permissions))
    call = f"take {at_fault} off the role: iam.detach_role_policy or, where it is inline, iam.delete_role_policy."
    return Line(False, INSTANCE_ROLE, f"no permission for {refused}", "what Systems Manager needs", call)


def instances(view: View, side: Side) -> Iterator[Line]:
    network = view.network
    instance = view.part(view.alive, side.instance, "in notebook 01, run the cell that launches it.")
    if instance.state == "running":
        yield Line(True, f"{side.instance} is running")
    else:
        start = f"ec2.start_instances(InstanceIds=['{instance.id}'])." if instance.state == "stopped" else (
            f"ec2.get_waiter('instance_running').wait(InstanceIds=['{instance.id}'])."
        )  # fmt: skip
        yield Line(False, side.instance, f"it {instance.state}", "it running", start)
    again = f"ec2.terminate_instances(InstanceIds=['{instance.id}']), then run its cell again."
    interface = view.interface(side)
    where = network.name(interface.subnet)
    if where != side.subnet:
        found = f"it in {where} ({network.name(interface.vpc)})"
        yield Line(False, side.instance, found, f"it in {side.subnet} ({side.vpc})", again)
    elif interface.primary != side.address:
        yield Line(False, side.instance, f"the address {interface.primary}", str(side.address), again)
    else:
        yield Line(True, f"{side.instance} has the address {side.address} in {side.subnet}")
    groups = [network.name(group) for group in interface.groups]
    if side.group in groups:
        yield Line(True, f"{side.instance} has the security group {side.group}")
    else:
        call = f"ec2.modify_instance_attribute(InstanceId='{instance.id}', Groups=[…{side.group}…])."
        yield Line(False, side.instance, f"the security group {', '.join(groups)}", side.group, call)
    if interface.public:
        yield Line(True, f"{side.instance} has a public address")
    else:
        found, wanted = "no public address", "one: AssociatePublicIpAddress=True"
        yield Line(False, side.instance, found, wanted, again)
    yield _profile(view, side, instance.id)


def _profile(view: View, side: Side, instance: str) -> Line:
    (found,) = view.client("ec2").describe_instances(InstanceIds=[instance])["Reservations"]
    arn = found["Instances"][0].get("IamInstanceProfile", {}).get("Arn", "")
    worn = arn.rpartition("/")[2]
    if worn == INSTANCE_PROFILE:
        return Line(True, f"{side.instance} wears {INSTANCE_PROFILE}")
    profile = f"{{'Name': '{INSTANCE_PROFILE}'}}"
    call = f"ec2.associate_iam_instance_profile(IamInstanceProfile={profile}, InstanceId='{instance}')."
    if worn:
        call = "take the other off with ec2.disassociate_iam_instance_profile, then " + call
    return Line(False, side.instance, worn or "no instance profile", INSTANCE_PROFILE, call)
