"""The checks of notebooks 03 and 04: a ping that fails and what that rests on, a peering connection, routes, a ping."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from labkit.learn.plan import PEERING, SIDES, Side, View, absent, other
from labkit.learn.result import Line
from labkit.names import LOG_GROUP
from labkit.network.parts import PeeringConnection, RouteTable

_HERE, _THERE = SIDES
_PING = f"lab.shell('{_HERE.instance}', 'ping -c 5 {_THERE.address}')"


@dataclass(frozen=True, slots=True)
class Ping:
    """One ping that was run: when, how many replies came, and how many requests went."""

    at: datetime
    sent: int
    received: int


def failed_ping(view: View) -> Iterator[Line]:
    done = pings(view)
    silent = next((ping for ping in done if ping.sent and not ping.received), None)
    if not done:
        yield absent("the ping", f"{_PING}.", f"no ping of {_THERE.address} from {_HERE.instance}")
        return
    if silent is None:
        found = f"{done[0].received} of {done[0].sent} answered"
        ahead = "the routes of notebook 04 are there already; delete one with ec2.delete_route to see the silence."
        yield Line(False, "the ping", found, "none answered", ahead)
    else:
        yield Line(True, f"{_HERE.instance} pinged {_THERE.address}: {silent.sent} sent, none answered")
        yield from _trace_of_silence(view, silent)
    here, there = view.interface(_HERE), view.interface(_THERE)
    stopped = view.trace(here.id, there.id).stopped_at
    if stopped is None:
        yield Line(True, "the reason has been mended: today a reply would come")
    elif stopped.kind == "internet gateway":
        table = view.network.route_table_of(here.subnet).name
        yield Line(True, f"the reason: {table} has only its default route for it; {stopped.name} does not forward it")
    else:
        found = f"it stopped at the {stopped.kind} {stopped.name}: {stopped.sentence}"
        mend = "mend that first: lab.check() says which step it belongs to."
        yield Line(False, "the reason", found, "it stopped at the internet gateway, all else being right", mend)


def _trace_of_silence(view: View, ping: Ping) -> Iterator[Line]:
    if view.lab.find(LOG_GROUP, "log-group") is None:
        yield absent("its records", "turn on flow logs first: lab.check('log-group').", "no log group")
        return
    here, there = view.interface(_HERE), view.interface(_THERE)
    request = _records(view, here.id, str(_HERE.address), str(_THERE.address))
    if not request:
        found = f"no record of it at {_HERE.instance}'s interface"
        yield Line(False, "its records", found, "one, ACCEPT", "lab.wait_for_flow_logs().", absent=True)
    elif any("ACCEPT" in line.split() for line in request):
        yield Line(True, f'{_HERE.instance}\'s interface recorded it: ACCEPT, which is not "arrived"')
    else:
        mend = "lab.check('security-groups') says what refuses it."
        yield Line(False, "its records", f"REJECT at {_HERE.instance}'s interface", "ACCEPT", mend)
    if request and not _records(view, there.id, str(_HERE.address), str(_THERE.address)):
        yield Line(True, f"{_THERE.instance}'s interface saw nothing of it")


def peering(view: View) -> Iterator[Line]:
    network = view.network
    gone = ("deleted", "deleting", "rejected", "expired")
    there = {id: each for id, each in network.peering_connections.items() if each.status not in gone}
    vpcs = [view.part(network.vpcs, side.vpc, "make the VPC first: lab.check('vpcs').").id for side in SIDES]
    named = [each for each in there.values() if each.name == PEERING]
    if not named:
        like = next((each for each in there.values() if {each.requester, each.accepter} == set(vpcs)), None)
        if like and like.status != "failed":
            tag = f"ec2.create_tags(Resources=['{like.id}'], Tags=[{{'Key': 'Name', 'Value': '{PEERING}'}}])."
            yield Line(False, PEERING, f"{like.id} between the two, without the name", "its name on it", tag)
        else:
            yield absent(PEERING, "in notebook 04, run the cell with ec2.create_vpc_peering_connection.")
        return
    working = [each for each in named if each.status != "failed"] or named
    one = view.part({each.id: each for each in working}, PEERING, "")
    ends = [network.name(one.requester), network.name(one.accepter)]
    if {one.requester, one.accepter} == set(vpcs):
        yield Line(True, f"{PEERING} joins {ends[0]} and {ends[1]}")
    else:
        again = f"ec2.delete_vpc_peering_connection(VpcPeeringConnectionId='{one.id}'), then run its cell again."
        yield Line(False, PEERING, f"it between {ends[0]} and {ends[1]}", "it between vpc-1 and vpc-2", again)
    yield _status(one)


def _status(one: PeeringConnection) -> Line:
    accept = f"ec2.accept_vpc_peering_connection(VpcPeeringConnectionId='{one.id}')."
    if one.status == "active":
        return Line(True, f"{PEERING} is active")
    if one.status == "pending-acceptance":
        return Line(False, PEERING, "pending-acceptance: one side has asked", "active: the other accepts", accept)
    if one.status == "failed":
        mend = "the VPCs' ranges must not overlap: lab.check('vpcs')."
        return Line(False, PEERING, "failed", "active", mend)
    return Line(False, PEERING, one.status, "active", "run this check again in a moment.")


def routes(view: View, side: Side) -> Iterator[Line]:
    network, far = view.network, other(side)
    subnet = view.part(network.subnets, side.subnet, "make the subnet first: lab.check('subnets').")
    table = network.route_table_of(subnet.id)
    subject, wanted = f"{table.name}, for {far.cidr}", f"{far.cidr} → {PEERING}"
    named = [each for each in network.peering_connections.values() if each.name == PEERING and each.status == "active"]
    if not named:
        how = "connect the VPCs first: lab.check('peering')."
        yield absent(f"route in {side.vpc}", how, "no active peering connection")
        return
    call = f"(RouteTableId='{table.id}', DestinationCidrBlock='{far.cidr}', VpcPeeringConnectionId='{named[0].id}')."
    exact = next((route for route in table.routes if route.destination == str(far.cidr)), None)
    applied = table.lookup(far.address)
    if exact and exact.state == "blackhole":
        found = f"{far.cidr} → {network.name(exact.target)} as blackhole: what it leads to is gone"
        yield Line(False, subject, found, wanted, "ec2.replace_route" + call)
    elif exact and exact.target not in [each.id for each in named]:
        found = f"{far.cidr} → {network.name(exact.target)}"
        yield Line(False, subject, found, wanted, "ec2.replace_route" + call)
    elif applied and applied.target in [each.id for each in named]:
        covers = [cidr for cidr in applied.destinations if far.cidr.version == cidr.version]
        if any(far.cidr.subnet_of(cidr) for cidr in covers):
            yield Line(True, f"{side.vpc} sends {far.cidr} to {PEERING}")
        else:
            found = f"{applied.destination} → {PEERING}, which covers only a part"
            yield Line(False, subject, found, wanted, "ec2.create_route" + call)
    else:
        yield Line(False, subject, _instead(view, side, table), wanted, "ec2.create_route" + call, absent=True)


def _instead(view: View, side: Side, table: RouteTable) -> str:
    """What there is in place of the route: one elsewhere, one for another range, or the default route only."""
    network, far = view.network, other(side)
    vpc = network.subnets[next(id for id, each in network.subnets.items() if each.name == side.subnet)].vpc
    for each in network.route_tables.values():
        if each.vpc == vpc and each.id != table.id and any(r.destination == str(far.cidr) for r in each.routes):
            return f"the route in {each.name}, a table that {side.subnet} does not use"
    strays = [route for route in table.routes if route.target.startswith("pcx-")]
    if strays:
        return "routes through a peering connection only for " + ", ".join(route.destination for route in strays)
    applied = table.lookup(far.address)
    if applied is None:
        return "no route that matches"
    return f"only the route {applied.destination} → {network.name(applied.target)} for it"


def ping(view: View) -> Iterator[Line]:
    done = pings(view)
    here, there = view.interface(_HERE), view.interface(_THERE)
    path = view.trace(here.id, there.id)
    if not path.replied:
        stopped = path.stopped_at
        found = f"{path.verdict[:1].lower()}{path.verdict[1:-1]}"
        if stopped:
            found += f" (the {stopped.kind} {stopped.name}: {stopped.sentence})"
        mend = "lab.check('peering') and lab.check('routes') say which part is missing."
        connected = any(each.name == PEERING for each in view.network.peering_connections.values())
        yield Line(False, "the way", found, "a way there and back", mend, absent=not connected)
    else:
        yield Line(True, f"there is a way from {_HERE.instance} to {_THERE.instance}, and back")
    if not done:
        yield absent("the ping", f"{_PING}.", "none so far")
    elif done[0].received:
        yield Line(True, f"{done[0].received} of {done[0].sent} pings of {_THERE.address} were answered")
        if view.lab.find(LOG_GROUP, "log-group"):
            yield _all_four(view, here.id, there.id)
    else:
        found = f"the last one: {done[0].sent} sent, none answered"
        yield Line(False, "the ping", found, "replies", f"once there is a way: {_PING}.", absent=not path.replied)


def _all_four(view: View, here: str, there: str) -> Line:
    ways = [(str(_HERE.address), str(_THERE.address)), (str(_THERE.address), str(_HERE.address))]
    seen = sum(bool(_records(view, interface, *way)) for interface in (here, there) for way in ways)
    if seen == 4:
        return Line(True, "the flow logs have request and reply, each at both interfaces")
    return Line(False, "its records", f"{seen} of the four kinds", "four: request and reply, each at both interfaces",
                "lab.wait_for_flow_logs().", absent=True)  # fmt: skip


def pings(view: View) -> list[Ping]:
    """The pings of instance-2's private address that were run on instance-1 through Run Command, the newest first."""
    ssm, instance = view.client("ssm"), view.part(view.alive, _HERE.instance, "notebook 01 launches it.").id
    found = []
    for page in ssm.get_paginator("list_commands").paginate(InstanceId=instance):
        for command in page["Commands"]:
            lines = command["Parameters"].get("commands", [])
            if not any(re.search(rf"\bping\b.*\b{re.escape(str(_THERE.address))}\b", line) for line in lines):
                continue
            answer = ssm.get_command_invocation(CommandId=command["CommandId"], InstanceId=instance)
            counts = re.search(r"(\d+) packets transmitted, (\d+) received", answer["StandardOutputContent"])
            if counts:
                found.append(Ping(command["RequestedDateTime"], int(counts[1]), int(counts[2])))
    return found


def _records(view: View, interface: str, source: str, destination: str) -> list[str]:
    """The records of ICMP from one address to another at an interface."""
    found = (line for line in view.lab.records(interface, source, destination))
    return [line for line in found if line.split()[3:5] == [source, destination] and line.split()[7] == "1"]
