"""Chapter 04, peering and routes: a peering connection, a route at each end, and a ping that is answered."""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import ip_network

from labkit.learn.chapter import Chapter, Check, Facts
from labkit.learn.judging import Judgment, number, texts
from labkit.learn.plan import HERE, PEERING, PING, SIDES, THERE, Side, other
from labkit.learn.result import Line
from labkit.learn.view import View, absent, needed, uses_peering
from labkit.names import LOG_GROUP
from labkit.network import Route, RouteTable, echo_request

# The checks


def peering(view: View) -> Iterator[Line]:
    """The peering connection joins the two VPCs, and is active."""
    network = view.network
    vpcs = {view.part(network.vpcs, side.vpc, "make the VPC first: lab.check('vpcs').").id for side in SIDES}
    named = {id: each for id, each in view.peerings.items() if each.name == PEERING}
    if not named:
        like = next((each for each in view.peerings.values() if {each.requester, each.accepter} == vpcs), None)
        if like and like.status != "failed":
            tag = f"ec2.create_tags(Resources=['{like.id}'], Tags=[{{'Key': 'Name', 'Value': '{PEERING}'}}])."
            yield Line(False, PEERING, f"{like.id} between the two, without the name", "its name on it", tag)
        else:
            yield absent(PEERING, "in notebook 04, run the cell with ec2.create_vpc_peering_connection.")
        return
    working = {id: each for id, each in named.items() if each.status != "failed"}
    one = view.part(working or named, PEERING, "")
    ends = f"{network.name(one.requester)} and {network.name(one.accepter)}"
    again = f"ec2.delete_vpc_peering_connection(VpcPeeringConnectionId='{one.id}'), then run its cell again."
    joined, right, found = {one.requester, one.accepter} == vpcs, f"{PEERING} joins {ends}", f"it between {ends}"
    yield Line.of(joined, right, PEERING, found, "it between vpc-1 and vpc-2", again)

    found, wanted, fix = one.status, "active", "run this check again in a moment."
    if one.status == "pending-acceptance":
        found, wanted = "pending-acceptance: one side has asked", "active: the other accepts"
        fix = f"ec2.accept_vpc_peering_connection(VpcPeeringConnectionId='{one.id}')."
    elif one.status == "failed":
        fix = "the VPCs' ranges must not overlap: lab.check('vpcs')."
    yield Line.of(one.status == "active", f"{PEERING} is active", PEERING, found, wanted, fix)


def routes(view: View, side: Side) -> Iterator[Line]:
    """The route table of the VPC's subnet sends the other VPC's range to the peering connection."""
    network, far = view.network, other(side)
    subnet = view.part(network.subnets, side.subnet, "make the subnet first: lab.check('subnets').")
    table = network.route_table_of(subnet.id)
    targets = needed(
        [each.id for each in view.peerings.values() if each.name == PEERING and each.status == "active"],
        f"route in {side.vpc}", "connect the VPCs first: lab.check('peering').", "no active peering connection",
    )  # fmt: skip
    subject, wanted = f"{table.name}, for {far.cidr}", f"{far.cidr} → {PEERING}"
    call = f"(RouteTableId='{table.id}', DestinationCidrBlock='{far.cidr}', VpcPeeringConnectionId='{targets[0]}')."
    exact = next((route for route in table.routes if route.destination == str(far.cidr)), None)
    applied = table.lookup(far.address)
    if exact and (exact.state == "blackhole" or exact.target not in targets):
        found = f"{far.cidr} → {network.name(exact.target)}"
        if exact.state == "blackhole":
            found += " as blackhole: what it leads to is gone"
        yield Line(False, subject, found, wanted, "ec2.replace_route" + call)
    elif applied and applied.target in targets:
        covers = [cidr for cidr in applied.destinations if far.cidr.version == cidr.version]
        right, found = f"{side.vpc} sends {far.cidr} to {PEERING}", f"{applied.destination} → {PEERING}"
        found += ", which covers only a part"
        yield Line.of(any(map(far.cidr.subnet_of, covers)), right, subject, found, wanted, "ec2.create_route" + call)
    else:
        yield Line(False, subject, _instead(view, side, table), wanted, "ec2.create_route" + call, absent=True)


def _instead(view: View, side: Side, table: RouteTable) -> str:
    """Return what there is in place of the route: one in another table, one for another range, or the default route."""
    network, far = view.network, other(side)
    for each in network.route_tables.values():
        if each.vpc == table.vpc and each != table and any(r.destination == str(far.cidr) for r in each.routes):
            return f"the route in {each.name}, a table that {side.subnet} does not use"
    strays = [route.destination for route in table.routes if uses_peering(route)]
    if strays:
        return "routes through a peering connection only for " + ", ".join(strays)
    applied = table.lookup(far.address)
    if applied is None:
        return "no route that matches"
    return f"only the route {applied.destination} → {network.name(applied.target)} for it"


def ping(view: View) -> Iterator[Line]:
    """There is a path there and back, and a ping was answered and recorded at both ends."""
    done = view.pings()
    here, there = view.interface(HERE), view.interface(THERE)
    path = view.network.trace_between(here.id, there.id)
    if path.replied:
        yield Line(True, f"there is a way from {HERE.instance} to {THERE.instance}, and back")
    else:
        found = f"the packet {'arrives, but its reply is lost on the way back' if path.reached else 'never arrives'}"
        if stopped := path.stopped_at:
            found += f" (the {stopped.kind} {stopped.name}: {stopped.sentence})"
        fix = "lab.check('peering') and lab.check('routes') say which part is missing."
        connected = any(each.name == PEERING for each in view.peerings.values())
        yield Line(False, "the path", found, "a path there and back", fix, absent=not connected)
    if not done:
        yield absent("the ping", f"{PING}.", "none so far")
    elif done[0].received:
        yield Line(True, f"{done[0].received} of {done[0].sent} pings of {THERE.address} were answered")
        if view.lab.find(LOG_GROUP, "log-group"):
            yield _all_four(view, here.id, there.id)
    else:
        found = f"the last one: {done[0].sent} sent, none answered"
        yield Line(False, "the ping", found, "replies", f"once there is a path: {PING}.", absent=not path.replied)


def _all_four(view: View, *interfaces: str) -> Line:
    directions = (HERE.address, THERE.address), (THERE.address, HERE.address)
    seen = sum(bool(view.icmp_records(interface, *ends)) for interface in interfaces for ends in directions)
    if seen == 4:
        return Line(True, "the flow logs have request and reply, each at both interfaces")
    return Line(False, "its records", f"{seen} of the four kinds", "four: request and reply, each at both interfaces",
                "lab.wait_for_flow_logs().", absent=True)  # fmt: skip


# The judges of the exercises


def who_gets_replies(view: View, answer: object) -> Judgment:
    """The addresses that a route to 10.1.15.80/32 alone would serve."""
    peering = view.part(view.peerings, PEERING, "lab.check('peering').").id
    narrow = f"{HERE.address}/32"
    route = Route((ip_network(narrow),), peering, "active", False, narrow)
    changed = view.network_with(THERE, lambda routes: [*(r for r in routes if not uses_peering(r)), route])
    table = changed.route_table_of(view.part(changed.subnets, THERE.subnet, "").id)
    candidates = [HERE.address, HERE.address + 1]
    replied = [str(each) for each in candidates if (found := table.lookup(each)) and found.target == peering]
    addresses = [str(each) for each in candidates]
    near = {
        "The /32 is a single address: the other one's replies follow the default route.": addresses,
        f"{THERE.address} is the one that replies; who gets them?": [str(THERE.address)],
    }
    names = {HERE.instance: str(HERE.address)} | {f"{each}/32": each for each in addresses}
    return texts(answer, replied, "address", names=names, near=near)


def lost_replies(view: View, answer: object) -> Judgment:
    """How many replies left instance-2 and did not come to instance-1."""
    back = (str(THERE.address), str(HERE.address))
    left, came = (
        [record for record in view.records(view.interface(side).id, *back) if record[:2] == back]
        for side in (THERE, HERE)
    )
    needed(left, "replies in the records", "run the cells of notebook 04 up to its records.")
    sent, received = (sum(record.packets for record in records) for records in (left, came))
    near = {
        f"That is all that left {THERE.instance}; take off what came.": sent,
        f"That is what came to {HERE.instance}; how many did not?": received,
        "That is in bytes; count packets.": sum(r.bytes for r in left) - sum(r.bytes for r in came),
        "The other way round: those that left, less those that came.": received - sent,
        "Added up; the question is how many are missing.": sent + received,
    }
    return number(answer, sent - received, "packets", near=near)


# The facts of the quiz


def quiz_facts(view: View) -> Facts:
    """Where a ping is recorded if only vpc-1 has a route to the other VPC."""
    here, there = view.interface(HERE), view.interface(THERE)
    one_way = view.network_with(THERE, lambda routes: [route for route in routes if not uses_peering(route)])
    path = one_way.trace(echo_request(there.primary, here.primary), there.id)
    sightings = [sighting for leg in path.legs.values() for sighting in leg.sightings]
    seen = [("2" if each.interface == there.id else "1") + each.action for each in sightings]
    tables = [view.network.route_table_of(each.subnet).name for each in (here, there)]
    return {"seen": " ".join(seen), "igw": THERE.gateway, "table_1": tables[0], "table_2": tables[1],
            "peering": PEERING}  # fmt: skip


CHAPTER = Chapter(
    "04",
    checks=(
        Check("peering", "the cable between the VPCs", peering),
        Check("routes", "a route there, and a route back", routes, sided=True),
        Check("ping", "requests and replies", ping),
    ),
    judges={"4.1": who_gets_replies, "4.2": lost_replies},
    quiz_facts=quiz_facts,
)
