"""Who judges which exercise: each right answer is found in the student's own cloud and data when it is asked for."""

from __future__ import annotations

from collections.abc import Callable
from ipaddress import ip_address, ip_network
from typing import Any

from labkit.flowlogs import FIELDS, Format
from labkit.learn import quiz_facts as facts
from labkit.learn.answers import RIGHT, Verdict, number, plain, texts, wrong, yes_or_no
from labkit.learn.plan import SIDES, Stop, View, absent
from labkit.network import Hop, Path

_HERE, _THERE = SIDES
_ECHO = 84  # bytes of one echo request or reply of ping, headers included


def default_vpc_size(view: View, answer: object) -> Verdict:
    found = view.client("ec2").describe_vpcs(Filters=[{"Name": "is-default", "Values": ["true"]}])["Vpcs"]
    if not found:
        raise Stop(absent("the default VPC", "ec2.create_default_vpc().", "none in this region"))
    block = ip_network(found[0]["CidrBlock"])
    if plain(answer) == str(block):
        return wrong("That is the range itself; how many addresses does it hold?")
    near = {
        "That is the number of bits that are fixed; how many addresses do the others make?": block.prefixlen,
        "Subnets reserve five addresses each; the question is about the VPC's whole range.": block.num_addresses - 5,
        "Leave none out: the first and the last belong to the range, too.": block.num_addresses - 2,
    }
    return number(answer, block.num_addresses, "addresses", near=near)


def third_vpc_overlaps(view: View, answer: object) -> Verdict:
    vpc = view.part(view.network.vpcs, _HERE.vpc, "notebook 01 makes it.")
    return yes_or_no(answer, right=not any(cidr.overlaps(ip_network("10.1.128.0/17")) for cidr in vpc.cidrs))


def third_vpc_range(view: View, answer: object) -> Verdict:
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


def custom_format(view: View, answer: object) -> Verdict:
    wanted = ("interface-id", "srcaddr", "dstaddr", "tcp-flags", "flow-direction")
    if isinstance(answer, dict):  # the flow log as described
        answer = answer.get("LogFormat", answer)
    found = plain(answer)
    text = " ".join(map(str, found)) if isinstance(found, list) else str(found)
    if text.startswith("fl-"):
        return wrong("That is the flow log's id; its LogFormat is in what describe_flow_logs says of it.")
    bare = [part for part in text.split() if part in FIELDS]
    try:
        names = Format.parse(text).names
    except ValueError as error:
        return wrong("Write each field as ${field-id}." if bare else str(error))
    missing = [name for name in wanted if name not in names]
    extra = [name for name in names if name not in wanted]
    if missing or extra:
        said = [f"without {', '.join(missing)}"] if missing else []
        said += [f"with {', '.join(extra)} too many"] if extra else []
        return wrong(f"Not these fields: it is {' and '.join(said)}.")
    if names != wanted:
        return wrong("These are the fields, in another order: a record's values come in the order of its format.")
    return RIGHT


def bytes_of_pings(view: View, answer: object) -> Verdict:
    lines = facts.records(view, "8.8.8.8")
    if not lines:
        raise Stop(absent("the records of the pings to 8.8.8.8", "ping, then lab.wait_for_flow_logs().", "none"))
    total, packets = (sum(int(line[at]) for line in lines) for at in (9, 8))
    out = sum(int(line[9]) for line in lines if line[4] == "8.8.8.8")
    near = {
        "That is one direction; requests and replies are records of their own.": out,
        "That is the packets; the bytes stand one word further.": packets,
        "That is one packet; add up the records.": _ECHO,
        "That is in kilobytes; give bytes.": total / 1000,
        "That is in kibibytes; give bytes.": total / 1024,
        "That is the number of records; add up their bytes.": len(lines),
    }
    return number(answer, total, "bytes", near=near)


def rejected_sources(view: View, answer: object) -> Verdict:
    interface = view.interface(_HERE)
    lines = facts.records(view, interface.id)
    rejected = [line for line in lines if line[12] == "REJECT"]
    if not rejected:
        raise Stop(absent("REJECT records", "lab.wait_for_flow_logs(), or wait for a scanner to come by.", "none"))
    sources = {line[3] for line in rejected}
    accepted = {line[3] for line in lines if line[12] == "ACCEPT"}
    targets = {line[4] for line in rejected}
    near = {
        f"{_HERE.address} is where they went: the source is the fourth word, not the fifth.": targets,
        "Some of these were accepted: look at the last word but one.": accepted - sources,
        "Those are the source ports; the addresses stand two words before.": {line[5] for line in rejected},
        "Those are the protocols; the sources are the fourth words.": {line[7] for line in rejected},
        "Some of these knocked at another interface: ask for instance-1's alone.": {
            line[3] for line in facts.records(view, "REJECT")
        } - sources,
    }  # fmt: skip
    return texts(answer, sources, "source address", near=near)


def what_stops_ssh(view: View, answer: object) -> Verdict:
    interface = view.interface(_HERE)
    public = next(iter(interface.public.values()), None)
    if public is None:
        raise Stop(absent(f"a public address of {_HERE.instance}", "lab.check('instances') says more.", "none"))
    path = view.trace("8.8.8.8", str(public), "tcp", 22)
    stopped = path.stopped_at
    if stopped is None:
        raise Stop(absent("what stops it", "lab.check('security-groups').", "nothing: TCP is let in here"))
    if isinstance(answer, Path):
        answer = answer.stopped_at
    if isinstance(answer, Hop):
        answer = answer.component
    names = {stopped.name: stopped.component, stopped.name.lower(): stopped.component}
    said = plain(answer)
    if isinstance(said, str):
        said = said.strip()
        if said.lower() == stopped.kind:
            return wrong(f"A {stopped.kind}, yes: which one? Give its name or id.")
        said = said.removeprefix(f"{stopped.kind} ")
    passed = {name for hop in path.forward.hops if hop.passes for name in (hop.name, hop.component)}
    near = {"The packet passes that one: look at the line with ✗.": passed}
    return texts([said] if isinstance(said, str) else said, [stopped.component], "name or id", names=names, near=near)


def who_gets_replies(view: View, answer: object) -> Verdict:
    candidates = [str(_HERE.address), str(_HERE.address + 1)]
    replied = [each for each in candidates if facts.replied_with_narrow_route(view, ip_address(each))]
    near = {
        "The /32 is a single address: the other one's replies follow the default route.": candidates,
        f"{_THERE.address} is the one that replies; who gets them?": [str(_THERE.address)],
    }
    names = {_HERE.instance: str(_HERE.address)} | {f"{each}/32": each for each in candidates}
    return texts(answer, replied, "address", names=names, near=near)


def lost_replies(view: View, answer: object) -> Verdict:
    back = (str(_THERE.address), str(_HERE.address))
    sums = []
    for side in (_THERE, _HERE):
        lines = [line for line in facts.records(view, view.interface(side).id, *back) if (line[3], line[4]) == back]
        sums.append([sum(int(line[at]) for line in lines) for at in (8, 9)])
    (left, left_bytes), (came, came_bytes) = sums
    if not left:
        raise Stop(absent("replies in the records", "run the cells of notebook 04 up to its records.", "none"))
    near = {
        f"That is all that left {_THERE.instance}; take off what came.": left,
        f"That is what came to {_HERE.instance}; how many did not?": came,
        "That is in bytes; count packets.": left_bytes - came_bytes,
        "The other way round: those that left, less those that came.": came - left,
        "Added up; the question is how many are missing.": left + came,
    }
    return number(answer, left - came, "packets", near=near)


def who_sent_most(view: View, answer: Any) -> Verdict:
    there, inside = str(_THERE.address), ip_network("10.0.0.0/8")
    counts: dict[str, int] = {}
    most: dict[str, int] = {}
    for line in facts.records(view, view.interface(_THERE).id):
        if line[4] == there:
            most[line[3]] = most.get(line[3], 0) + int(line[8])
            if line[12] == "ACCEPT" and ip_address(line[3]) not in inside:
                counts[line[3]] = counts.get(line[3], 0) + int(line[8])
    if not counts:
        raise Stop(absent("accepted traffic from outside", "run notebook 05's first cells.", "none"))
    first = max(counts, key=lambda address: (counts[address], address))
    if hasattr(answer, "columns"):  # the whole answer, sorted
        answer = answer.head(1)
    elif isinstance(answer, list | tuple) and answer and len(answer) > 1:
        answer = answer[:1]
    near = {
        f"{there} is the destination; who sent?": [there],
        "That one is inside 10.0.0.0/8, which the question leaves out.": [a for a in most if ip_address(a) in inside],
        "That one was refused: the question is who was accepted.": set(most) - set(counts),
        "That one sent fewer packets: sort them, the most first.": set(counts) - {first},
    }
    return texts(answer, [first], "address", near=near)


def kilobytes_to_8888(view: View, answer: object) -> Verdict:
    lines = facts.records(view, view.interface(_THERE).id, "8.8.8.8")
    out = sum(int(line[9]) for line in lines if line[4] == "8.8.8.8")
    if not out:
        raise Stop(absent(f"traffic from {_THERE.instance} to 8.8.8.8", "run notebook 05's first cells.", "none"))
    near = {
        "That is in bytes; a kilobyte is 1000 of them.": out,
        "That is in kibibytes (1024 bytes); a kilobyte is 1000 bytes.": out / 1024,
        "That is in megabytes; a megabyte is 1000 kilobytes.": out / 1e6,
        "That is both directions; only what instance-2 sent counts.": sum(int(line[9]) for line in lines) / 1000,
        "That is the packets; sum the bytes.": sum(int(line[8]) for line in lines if line[4] == "8.8.8.8"),
    }
    return number(answer, out / 1000, "kB", digits=1, near=near)


def hour_of_backup(view: View, answer: object) -> Verdict:
    by_hour = facts.backup_by_hour()
    right = max(by_hour, key=lambda hour: by_hour[hour])
    found: Any = answer
    if isinstance(found, str) and ":" in found:
        found = found.strip().removesuffix(" UTC").partition(":")[0].rpartition(" ")[2]
    elif hasattr(found, "hour") and not hasattr(found, "columns"):
        found = found.hour
    near = {"That is how much it moves; when?": max(by_hour.values()) / 1e9}
    return number(found, right, "hours", near=near)


def gigabytes_of_backup(view: View, answer: object) -> Verdict:
    by_hour, twice = facts.backup_by_hour(), facts.backup_as_recorded()
    total = sum(by_hour.values())
    near = {
        "That is in bytes; a gigabyte is 10⁹ of them.": total,
        "That is in megabytes; a gigabyte is 1000 of them.": total / 1e6,
        "That is in gibibytes (2³⁰ bytes); a gigabyte is 10⁹ bytes.": total / 2**30,
        "That counts each packet at both ends: use once, not day.": twice / 1e9,
        "That is the busiest hour; the question is the whole day.": max(by_hour.values()) / 1e9,
        "That is db-1's alone; others send to backup-1, too.": facts.largest_backup() / 1e9,
    }
    return number(answer, total / 1e9, "GB", digits=1, near=near)


JUDGES: dict[str, Callable[[View, object], Verdict]] = {
    "0.1": default_vpc_size,
    "1.1": third_vpc_overlaps, "1.2": third_vpc_range,
    "2.1": custom_format, "2.2": bytes_of_pings,
    "3.1": rejected_sources, "3.2": what_stops_ssh,
    "4.1": who_gets_replies, "4.2": lost_replies,
    "5.1": who_sent_most, "5.2": kilobytes_to_8888,
    "6.1": hour_of_backup, "6.2": gigabytes_of_backup,
}  # fmt: skip
