"""Chapter 03, the failed ping: silence, the records that it leaves, and the reason."""

from __future__ import annotations

import re

from labkit.learn.answers import with_article
from labkit.learn.chapter import Chapter, Check, Facts, Findings, finding
from labkit.learn.judging import RIGHT, Judgment, plain, single, texts, wrong
from labkit.learn.plan import HERE, PING, THERE
from labkit.learn.result import Line
from labkit.learn.view import View, absent, advice, needed
from labkit.network import ComponentKind, Hop, Path, echo_request

# The check


def failed_ping(view: View) -> Findings:
    """A ping of instance-2 had no reply; its record says ACCEPT, and the internet gateway stops it."""
    pings = view.pings()
    silent = next((ping for ping in pings if ping.sent and not ping.received), None)
    here, there = view.interface(HERE), view.interface(THERE)
    stopped = view.network.trace_between(here.id, there.id).stopped_at
    if silent is None and stopped is None:
        yield Line(False, "the fault of notebook 03 is fixed already, so there is no silence to look at", absent=True)
        return
    done = needed(pings, "the ping", f"{PING}.", f"no ping of {THERE.address} from {HERE.instance}")
    yield finding("silent", silent is not None, absent=True, ping=silent or done[0])
    if silent is not None:
        yield from _records_of_silence(view)
    if stopped is None:
        yield finding("fixed", True)
        return
    table = view.network.route_table_of(here.subnet).name
    is_gateway = stopped.kind is ComponentKind.INTERNET_GATEWAY
    yield finding("reason", is_gateway, stopped=stopped, table=table, advice=advice(stopped))


def _records_of_silence(view: View) -> Findings:
    if view.lab.find(view.names.log_group, "log-group") is None:
        yield absent("its records", "turn on flow logs first: lab.check('log-group').", "no log group")
        return
    here, there = view.interface(HERE), view.interface(THERE)
    request = view.icmp_records(here.id, HERE.address, THERE.address)
    if not request:
        yield finding("not-recorded", absent=True)
        return
    yield finding("accepted", any(record.action == "ACCEPT" for record in request))
    if not view.icmp_records(there.id, HERE.address, THERE.address):
        yield finding("not-seen", True)


# The judges of the exercises


def seen_by_the_other_side(view: View, answer: object) -> Judgment:
    """The records that instance-2's interface has of the failed ping: none."""
    lines = None if isinstance(answer, dict) else plain(answer)
    if isinstance(lines, str) and lines:
        lines = lines.splitlines()
    if not isinstance(lines, list):
        return wrong(f"Give the records that lab.records returns; that is {with_article(type(answer).__name__)}.")
    there = view.interface(THERE).id
    if any(there not in str(line).split() for line in lines):
        return wrong(f"Some of these are of another interface: ask for {THERE.instance}'s alone.")
    if any(str(HERE.address) not in str(line).split() for line in lines):
        return wrong(f"Some of these are of other traffic: ask for {HERE.address}, too.")
    return wrong("These are of another ping: leave out what came before it, with since=before.") if lines else RIGHT


def rejected_sources(view: View, answer: object) -> Judgment:
    """The sources of the REJECT records of instance-1's interface."""
    records = view.records(view.interface(HERE).id)
    how = "lab.wait_for_flow_logs(), or wait for a scanner to come by."
    rejected = needed([record for record in records if record.action == "REJECT"], "REJECT records", how)
    sources = {record.srcaddr for record in rejected}
    accepted = {record.srcaddr for record in records if record.action == "ACCEPT"}
    anywhere = {record.srcaddr for record in view.records("REJECT")}
    near = {
        f"{HERE.address} is where they went: the source is the fourth word, not the fifth.": {
            record.dstaddr for record in rejected
        },
        "Some of these were accepted: look at the last word but one.": accepted - sources,
        "Those are the source ports; the addresses are two words before.": {record.srcport for record in rejected},
        "Those are the protocols; the sources are the fourth words.": {str(record.protocol) for record in rejected},
        "Some of these came to another interface: ask for instance-1's alone.": anywhere - sources,
    }
    return texts(answer, sources, "source address", near=near)


#: How people write the kinds of components, in lower case.
_KINDS = {
    ComponentKind.SECURITY_GROUP: r"security[\s_-]*groups?|sgs?",
    ComponentKind.NETWORK_ACL: r"(?:network[\s_-]*)?acls?|nacls?|network access control lists?",
    ComponentKind.INTERNET_GATEWAY: r"(?:internet[\s_-]*)?gateways?|igws?",
    ComponentKind.ROUTE_TABLE: r"route[\s_-]*tables?|routes?",
    ComponentKind.INTERFACE: r"(?:elastic )?network[\s_-]*interfaces?|enis?",
}


def what_stops_ssh(view: View, answer: object) -> Judgment:
    """The component that stops a TCP connection from the internet to port 22."""
    path = view.network.trace_between("8.8.8.8", str(view.public_address(HERE)), "tcp", 22)
    how, instead = "lab.check('security-groups').", "nothing: TCP is let in here"
    stopped = needed(path.stopped_at, "what stops it", how, instead)
    passes = "The packet passes that one, or does not come to it: look at the line with ✗."
    if isinstance(answer, Path):
        answer = answer.stopped_at
    if isinstance(answer, Hop):
        answer = answer.component
    if isinstance(answer, dict):  # as described
        answer = answer.get("GroupId", answer)
    said = str(single(answer)) if isinstance(answer, str | list | tuple | set) else ""
    if said == str(stopped):
        return RIGHT
    if kinds := [kind for kind, words in _KINDS.items() if _without(words, said) != said]:
        if not {stopped.kind, ComponentKind.INTERFACE}.issuperset(kinds):
            return wrong(passes)  # whatever else is named beside it
        whose = f"of {HERE.instance}|{HERE.instance}['’]s"
        answer = _without("|".join([*_KINDS.values(), whose]), said)
        if not re.search(r"\w-\w", answer):  # neither a name nor an id is left
            right = f"It is {with_article(stopped.kind)}, yes: which one? Give its name or id."
            return wrong(right if stopped.kind in kinds else passes)
    hops = [hop for hop in path.forward.hops if hop.passes and hop.kind is not ComponentKind.INTERNET]
    near = {
        passes: {name for hop in hops for name in (hop.name, hop.component)},
        "That is the code of the refusal: which component gives it?": {str(stopped.code)},
        f"That is where it should arrive: what stops it before {HERE.instance}?": {HERE.instance},
    }
    return texts(answer, [stopped.component], "name or id", names={stopped.name: stopped.component}, near=near)


def _without(words: str, text: str) -> str:
    """Return a text without some words, unless a name or an id begins with them."""
    return re.sub(rf"\b(?:{words})\b(?!-)", " ", text, flags=re.IGNORECASE)


# The facts of the quiz


def quiz_facts(view: View) -> Facts:
    """Where the ping was recorded, and what stops it without a default route."""
    here, there = view.interface(HERE), view.interface(THERE)
    request = view.icmp_records(here.id, HERE.address, THERE.address)
    needed(request, "the records of the ping", "ping, then lab.wait_for_flow_logs().")
    sides = "both" if view.icmp_records(there.id, HERE.address, THERE.address) else "here"
    actions = "/".join(sorted({record.action for record in request}))
    dark = view.network_with(HERE, lambda routes: [route for route in routes if route.target == "local"])
    code = dark.trace(echo_request(here.primary, there.primary), here.id).code
    return {
        "interface_1": here.id, "interface_2": there.id, "without_default": str(code), "igw": HERE.gateway,
        "table": view.network.route_table_of(here.subnet).name, "seen": f"{sides} {actions}", "group_2": THERE.group,
    }  # fmt: skip


CHAPTER = Chapter(
    "03",
    checks=(Check("failed-ping", failed_ping),),
    judges={"3.a": seen_by_the_other_side, "3.1": rejected_sources, "3.2": what_stops_ssh},
    quiz_facts=quiz_facts,
)
