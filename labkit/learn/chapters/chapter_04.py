"""Chapter 04, peering and routes: a peering connection, a route at each end, and a ping that is answered."""

from __future__ import annotations

from functools import partial
from ipaddress import ip_network

from labkit.learn.chapter import Chapter, Check, Facts, Findings, finding
from labkit.learn.judging import Judgment, number, texts
from labkit.learn.plan import HERE, PEERING, PING, SIDES, THERE, Side, other
from labkit.learn.view import View, absent, needed, step, uses_peering
from labkit.network import Route, echo_request

# The checks


def peering(view: View) -> Findings:
    """The peering connection joins the two VPCs, and is active."""
    network = view.network
    vpcs = {view.part(network.vpcs, side.vpc, "make the VPC first: lab.check('vpcs').").id for side in SIDES}
    named = {id: each for id, each in view.peerings.items() if each.name == PEERING}
    if not named:
        like = next((each for each in view.peerings.values() if {each.requester, each.accepter} == vpcs), None)
        if like and like.status != "failed":
            yield finding("unnamed", peering=like)
        else:
            yield absent(PEERING, "in notebook 04, run the cell with ec2.create_vpc_peering_connection.")
        return
    working = {id: each for id, each in named.items() if each.status != "failed"}
    one = view.part(working or named, PEERING, "")
    requester, accepter = network.name(one.requester), network.name(one.accepter)
    joined = {one.requester, one.accepter} == vpcs
    yield finding("ends", joined, peering=one, requester=requester, accepter=accepter)
    if not joined:
        return
    if one.status == "pending-acceptance":
        yield finding(one.status, absent=True, how=step("4.a"))
    else:
        yield finding("failed" if one.status == "failed" else "active", one.status == "active", peering=one)


def routes(view: View, side: Side) -> Findings:
    """The route table of the VPC's subnet sends the other VPC's range to the peering connection."""
    network, far = view.network, other(side)
    subnet = view.part(network.subnets, side.subnet, "make the subnet first: lab.check('subnets').")
    table = network.route_table_of(subnet.id)
    targets = needed(
        [each.id for each in view.peerings.values() if each.name == PEERING and each.status == "active"],
        f"route in {side.vpc}", "connect the VPCs first: lab.check('peering').", "no active peering connection",
    )  # fmt: skip
    exact = next((route for route in table.routes if route.destination == str(far.cidr)), None)
    applied = table.lookup(far.address)
    route = exact or applied
    target = network.name(route.target) if route else None
    found = partial(finding, table=table, far=far, peering=targets[0], applied=applied, target=target)
    if exact and exact.state == "blackhole":
        yield found("blackhole")
    elif exact and exact.target not in targets:
        yield found("elsewhere")
    elif applied and applied.target in targets:
        covers = [cidr for cidr in applied.destinations if far.cidr.version == cidr.version]
        yield found("covers", any(map(far.cidr.subnet_of, covers)))
    else:
        tables = [each for each in network.route_tables.values() if each.vpc == table.vpc and each != table]
        elsewhere = next((t for t in tables if any(r.destination == str(far.cidr) for r in t.routes)), None)
        strays = [route.destination for route in table.routes if uses_peering(route)]
        key = "in-another-table" if elsewhere else "other-ranges" if strays else "other-route" if applied else "none"
        if key == "other-route" and side == THERE and not _was_answered(view):
            key = "no-route-yet"
        yield found(key, absent=True, elsewhere=elsewhere, strays=strays, how=step("4.b"))


def _was_answered(view: View) -> bool:
    """Whether a ping of instance-1 was answered before, so that a route that is missing now was there."""
    named = [each for each in view.instances.values() if each.name == HERE.instance]
    return len(named) == 1 and any(each.received for each in view.pings())


def ping(view: View) -> Findings:
    """There is a path there and back, and a ping was answered and recorded at both ends."""
    done = view.pings()
    here, there = view.interface(HERE), view.interface(THERE)
    path = view.network.trace_between(here.id, there.id)
    begun = _are_routed(view) or any(each.received for each in done)
    yield finding("replied" if path.reached else "lost", path.replied, absent=not begun, stopped=path.stopped_at)
    if not done:
        yield absent("the ping", f"{PING}.", "none so far")
        return
    yield finding("answered", bool(done[0].received), absent=not path.replied, ping=done[0])
    if done[0].received:
        if view.lab.find(view.names.log_group, "log-group") is None:
            yield absent("its records", "turn on flow logs first: lab.check('log-group').", "no log group")
            return
        ends = (HERE.address, THERE.address), (THERE.address, HERE.address)
        seen = sum(bool(view.icmp_records(end.id, *pair)) for end in (here, there) for pair in ends)
        yield finding("recorded", seen == 4, absent=True, seen=seen)


def _are_routed(view: View) -> bool:
    """Whether each of the two subnets has a route through a peering connection to the other instance."""
    tables = [(side, view.network.route_table_of(view.interface(side).subnet)) for side in SIDES]
    routes = [table.lookup(other(side).address) for side, table in tables]
    return all(route is not None and uses_peering(route) for route in routes)


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
    first, second = addresses
    interface = view.interface(HERE)
    names: dict[str, str | list[str]] = {
        **dict.fromkeys([HERE.instance, "first", interface.id, str(interface.instance)], first),
        **{word: [] for word in ("instance", "ping", "pings", "one", "ones")},
        "second": second,
        "both": addresses,
    }
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
        f"That is all that left {THERE.instance}; subtract what came.": sent,
        f"That is what came to {HERE.instance}; how many did not?": received,
        "That is in bytes; count packets.": sum(r.bytes for r in left) - sum(r.bytes for r in came),
        "The other way round: those that left minus those that came.": received - sent,
        "That is both added up; the question is how many are missing.": sent + received,
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
        Check("peering", peering),
        Check("routes", routes, sided=True),
        Check("ping", ping),
    ),
    judges={"4.1": who_gets_replies, "4.2": lost_replies},
    quiz_facts=quiz_facts,
)
