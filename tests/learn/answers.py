"""The answers with which every exercise is tested: the right one in all the forms that a person writes, and wrong ones.

An exercise belongs to a kind, such as a number of bytes; what holds for the kind is generated. The rest is listed by
exercise. `a` is the right answer, and `n` the names of the notebook.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from decimal import Decimal
from fractions import Fraction
from ipaddress import ip_address, ip_interface, ip_network
from types import MappingProxyType
from typing import Any, NamedTuple

import boto3
import numpy as np
import pandas as pd

from labkit import flowlogs

Names = dict[str, Any]


class Amount(NamedTuple):
    """Exercises that are answered with a number.

    Attributes:
        digits: How many digits after the point are asked for; 0 for what is counted.
        units: How people write the unit.
        others: Other units that mean the same, by how many of them make one unit.
        foreign: Units of something else.
    """

    digits: int
    units: tuple[str, ...]
    others: Mapping[str, float] = MappingProxyType({})
    foreign: tuple[str, ...] = ("hours", "packets")


_BYTES = ("bytes", "byte", "Bytes", "B")
_KILO = ("kB", "KB", "kilobytes", "kilobyte", "kb")
_GIGA = ("GB", "gb", "gigabytes", "Gigabytes")

AMOUNTS = {
    "0.b": Amount(0, ("subnets", "subnet")),
    "0.1": Amount(0, ("addresses", "IPs", "IP addresses", "IPv4 addresses")),
    "2.2": Amount(0, _BYTES, {"kB": 1e-3, "KiB": 1 / 1024}),
    "4.2": Amount(0, ("packets", "packet", "replies", "echo replies", "pkts"), foreign=("bytes", "seconds")),
    "5.2": Amount(1, _KILO, {"bytes": 1e3, "B": 1e3, "MB": 1e-3, "KiB": 1000 / 1024}),
    "6.2": Amount(1, _GIGA, {"bytes": 1e9, "MB": 1e3, "TB": 1e-3, "GiB": 1e9 / 2**30}),
    "10.2": Amount(2, ("USD", "dollars", "$", "US$", "US dollars", "usd"), {"cents": 100}, ("EUR", "€", "hours")),
}


def forms_of_an_amount(a: float, amount: Amount) -> Iterator[Any]:
    """Yield a right number in the forms that people give it."""
    value = round(a) if amount.digits == 0 else round(a, amount.digits + 3)
    yield from (a, float(a), np.float64(a), Decimal(str(value)), Fraction(str(value)))
    yield from ([a], (a,), {a}, np.array([a]), np.array(a), pd.Series([a]), pd.Series([a])[0], iter([a]), [[a]])
    yield from (pd.DataFrame({"total": [a]}), pd.DataFrame({"of": ["8.8.8.8"], "total": [a]}), {"total": a})
    yield pd.Series([value], dtype="float64[pyarrow]")
    if amount.digits == 0:
        yield from (int(value), np.int64(value), f"{value:,}".replace(",", "_"))
    texts = [str(value), f"{value:,}", f"{value:,}".replace(",", " "), f"{value:,}".replace(",", "\N{NO-BREAK SPACE}")]
    for text in texts:
        yield from (text, f" {text} ", f"'{text}'", f'"{text}"', f"{text}.", f"= {text}", f"about {text}", f"({text})")
        for unit in amount.units:
            yield from (f"{text} {unit}", f"{text}{unit}", f"{text} {unit}.", f"It is {text} {unit} in total.")
    yield f"{a:.{amount.digits}f}"
    for unit, factor in amount.others.items():
        yield from (f"{a * factor:.10g} {unit}", f"{a * factor:.10g}{unit}")


def wrong_amounts(a: float, amount: Amount) -> Iterator[Any]:
    """Yield numbers that are wrong by a little, or in something else."""
    step = 1 if amount.digits == 0 else 10.0**-amount.digits
    for off in (step, 2 * step, 10 * step):
        yield from (a + off, a - off, f"{a + off} {amount.units[0]}", [a - off])
    yield from (a + 0.6 * step, a - 0.6 * step, -a, a * 1000, a / 1000, 2 * a)
    if amount.digits == 0:
        yield from (a + 0.5, a - 0.25, a + 0.001, f"{a}.5")
    for unit in amount.foreign:
        yield f"{a} {unit}"
    yield from (
        f"not {a}",
        f"{a} or {a + 1}",
        f"more than {a}",
        f"{a}%",
        f"{a} dozen",
        [a, a],
        float("nan"),
        float("inf"),
    )
    yield from (10**400, -(10**400), "1e999", pd.NA, pd.NaT, True, np.True_, str(complex(a)), f"{a} {a}")


#: What one of the texts is that an exercise is answered with, if it is answered with texts.
TEXTS = {"3.1": "source address", "3.2": "name or id", "4.1": "address", "5.1": "address"}


def forms_of_texts(a: Any, addresses: bool) -> Iterator[Any]:
    """Yield right texts in the forms that people give them."""
    all = [a] if isinstance(a, str) else sorted(a)
    yield from (
        all,
        tuple(all),
        set(all),
        frozenset(all),
        [*all, *all],
        iter(all),
        np.array(all),
        np.array(all, object),
    )
    yield from (
        pd.Series(all),
        pd.Series(all, dtype="string[pyarrow]"),
        pd.Index(all),
        pd.Series(all, dtype="category"),
    )
    yield from (pd.Series(all).value_counts(), pd.DataFrame({"it": all, "count": 1}), pd.DataFrame({"n": 1, "it": all}))
    yield from (pd.DataFrame({"it": all, "n": 1}).groupby("it").sum(), [[each] for each in all], Counter(all))
    yield from (dict.fromkeys(all, 1), str(all), repr(tuple(all)), json.dumps(all), ", ".join(all).encode())
    for separator in (", ", ",", " ", "; ", "\n", " and ", " & ", " | "):
        text = separator.join(all)
        yield from (
            text,
            text.upper(),
            f" {text} ",
            f"{text}.",
            f"'{text}'",
            f"({text})",
            f"only {text}",
            f"{text} only",
        )
    yield f"It is {all[0]}, and only that." if len(all) == 1 else f"These are {' and '.join(all)}."
    if addresses:
        yield from ([ip_address(each) for each in all], [f"{each}/32" for each in all], [ip_interface(x) for x in all])
        yield f"the address {all[0]}" if len(all) == 1 else f"the addresses {', '.join(all)}"


def wrong_texts(a: Any) -> Iterator[Any]:
    """Yield texts that are wrong by a little, or of another type."""
    all = [a] if isinstance(a, str) else sorted(a)
    more = [*all, "192.0.2.77"]
    yield from (more[1:], more[-1], {*more[1:]}, ", ".join(more[1:]), pd.Series(more[1:]), all[0][:-1], f"{all[0]}0")
    yield from ([], "", " ", 5, 5.0, True, [5], {"a": "b"}, f"not {all[0]}", "nobody", "everything", "none of them")


def tables(key: str, value: str) -> list[Any]:
    """Ways to give a table of two columns: it is the right answer `a`."""
    return [
        lambda a, n: a[[key, value]], lambda a, n: a[[value, key]], lambda a, n: a.set_index(key),
        lambda a, n: a.set_index(key)[value], lambda a, n: dict(zip(a[key], a[value], strict=True)),
        lambda a, n: list(zip(a[key], a[value], strict=True)), lambda a, n: a.to_dict("records"),
        lambda a, n: a.values.tolist(), lambda a, n: a.astype({value: float}), lambda a, n: a.astype(str),
        lambda a, n: [
            [{"field": key, "value": str(k)}, {"field": value, "value": str(v)}, {"field": "@ptr", "value": "x"}]
            for k, v in zip(a[key], a[value], strict=True)
        ],
    ]  # fmt: skip


#: The query of 5.a without its last two commands, and that of 5.b without the last command.
KNOCKS = 'filter action = "REJECT" | stats count(*) as n by dstPort'
SENT = 'filter srcAddr = "10.2.0.126" and dstAddr = "8.8.8.8" | stats sum(bytes) as total'

#: For each exercise, further forms of the right answer; a function makes one of it and of the notebook's names.
AS_GOOD: dict[str, list[Any]] = {
    "0.a": [lambda a, n: f" {a} ", lambda a, n: f"'{a}'", lambda a, n: [a], lambda a, n: np.str_(a), lambda a, n: {a}],
    "0.b": [lambda a, n: n["ec2"].describe_subnets()["Subnets"].__len__()],
    "3.a": [
        [], (), pd.DataFrame(), pd.Series(dtype=object), lambda a, n: flowlogs.read(a), lambda a, n: list(a), set(),
    ],
    "5.a": [
        *tables("dstPort", "knocks"), lambda a, n: a.rename(columns={"knocks": "n"}),
        lambda a, n: n["lab"].insights(f"{KNOCKS} | sort n desc | limit 8"),
    ],
    "5.b": [*tables("time", "total"), lambda a, n: a[::-1], lambda a, n: a.assign(time=a["time"].astype(str))],
    "6.a": [
        lambda a, n: a.reset_index(), lambda a, n: a.to_frame(), lambda a, n: a.to_dict(), lambda a, n: a.sort_values(),
        lambda a, n: list(a.items()), lambda a, n: a.astype(float), lambda a, n: a.rename(str),
        lambda a, n: a.rename({1: "ICMP", 6: "TCP", 17: "UDP"}), lambda a, n: a.reset_index()[["bytes", "protocol"]],
    ],
    "6.b": [
        lambda a, n: a.reset_index(), lambda a, n: a.to_dict(), lambda a, n: list(a.items()),
        lambda a, n: n["knocks"].groupby("dstport")[["packets"]].sum().nlargest(8, "packets"),
        lambda a, n: n["knocks"].groupby("dstport").size().nlargest(8),  # each record there has one packet
    ],
    "10.a": [lambda a, n: [a], lambda a, n: f"'{a}'", lambda a, n: f" {a}\n", lambda a, n: f"{a}."],
    "10.b": [lambda a, n: [a], lambda a, n: f"'{a}'", lambda a, n: f" {a}\n", lambda a, n: f"{a}."],
    "0.1": ["65.536,0", "6.5536e4", "65'536"],
    "1.1": [
        False, np.False_, 0, 0.0, "no", "No", "NO.", "'no'", "n", "False", "false", "FALSE", "f", "No, they overlap.",
        "no: it lies in vpc-1's range", "No. They overlap", "nope", [False], (False,), pd.Series([False]), b"no",
        np.array(False),
    ],
    "1.2": [
        lambda a, n: ip_network(a), lambda a, n: [a], lambda a, n: (a,), lambda a, n: {a}, lambda a, n: pd.Series([a]),
        "172.16.0.0/28", " 10.3.0.0/16 ", "10.3.0.0 / 16", "'10.3.0.0/16'", '"10.3.0.0/16"', "10.3.0.0/16.",
        "10.3.0.0/255.255.0.0", "192.168.0.0/16", "172.31.255.240/28", "10.0.0.0/16", "100.64.0.0/16",
        b"10.9.0.0/20",
    ],
    "2.1": [
        lambda a, n: a.split(), lambda a, n: {"LogFormat": a}, lambda a, n: [{"LogFormat": a}], lambda a, n: f" {a}\n",
        lambda a, n: {"FlowLogs": [{"LogFormat": a}]}, lambda a, n: f"'{a}'", lambda a, n: a.replace(" ", ", "),
        lambda a, n: a.replace(" ", "\n"), lambda a, n: tuple(a.split()), lambda a, n: pd.Series(a.split()),
    ],
    "2.2": [lambda a, n: pd.Series([a]).sum()],
    "3.1": [lambda a, n: (each for each in a)],
    "3.2": [
        lambda a, n: n["lab"].find(a), lambda a, n: [n["lab"].find(a)], lambda a, n: boto3_resource(n["lab"].find(a)),
        lambda a, n: n["lab"].network.security_groups[n["lab"].find(a)],
        lambda a, n: n["ec2"].describe_security_groups(GroupIds=[n["lab"].find(a)])["SecurityGroups"][0],
        *(lambda a, n, text=text: text.format(a, id=n["lab"].find(a)) for text in (
            "security group {}", "the security group {}", "Security Group {}", "{} (security group)",
            "security-group {}", "the SG {}", "{id}", "{} ({id})",
            "the security group {} of instance-1", "instance-1's security group {}",
            "its security group, {id}", "the security group named {}", "security group: {}", "sg {}",
        )),
        lambda a, n: ssh(n).stopped_at, lambda a, n: ssh(n), lambda a, n: str(ssh(n).stopped_at),
        lambda a, n: ssh(n).stopped_at.component,
    ],
    "4.1": [
        lambda a, n: n["lab"].find("instance-1"), lambda a, n: n["interface_1"], lambda a, n: a[0],
        "instance-1", "Instance-1", "instance-1 only", "only instance-1's", "the pings of 10.1.15.80", "10.1.15.80's",
        "the first", "the first one", "instance-1 (10.1.15.80)", ["instance-1"], "the first instance",
    ],
    "4.2": ["5 lost", "5 are missing", "5 replies were lost"],
    "5.1": [
        lambda a, n: ip_address(a), lambda a, n: [a, "20.65.136.10"], lambda a, n: (a, "20.65.136.10"),
        lambda a, n: pd.DataFrame({"srcAddr": [a, "20.65.136.10"], "packetCount": [1200, 1]}),
        lambda a, n: pd.Series([1200, 1], index=[a, "20.65.136.10"]), lambda a, n: pd.Series([a, "20.65.136.10"]),
        lambda a, n: np.array([a, "20.65.136.10"]), lambda a, n: pd.Index([a, "20.65.136.10"]),
    ],
    "5.2": ["100,8 kB"],
    "6.1": [
        2, 2.0, np.int32(2), "2", "02", "2.0", "02:00", "2:00", "02:00:00", "02:00 UTC", "2 UTC", "2h", "02 h", "2 am",
        "2am", "2 AM", "2 a.m.", "02:00-03:00", "02:00–03:00", "02:00–02:59", "2-3", "between 2 and 3", "from 2 to 3",
        "2 o'clock", "hour 2", "2 hours", "at 2.", "'2'", "2025-12-04 02:00", "2025-12-04T02:00:00+00:00", b"2",
        "2025-12-04T02:00:00Z", [2], {2}, ["02:00"], pd.Timestamp(2025, 12, 4, 2), pd.Timestamp(2025, 12, 4, 2, 37),
        pd.Timestamp(2025, 12, 4, 3, tz="Europe/Berlin"), np.datetime64("2025-12-04T02:00"), pd.Series([2]),
        np.datetime64("2025-12-04T02:00:00.000000000"), pd.Timestamp(2025, 12, 4, 2).time(), Decimal(2),
        pd.Timestamp(2025, 12, 4, 2, tz="UTC").to_pydatetime(), pd.Series([pd.Timestamp(2025, 12, 4, 2)]),
        pd.Period("2025-12-04 02", "h"),
    ],
    "6.2": [lambda a, n: round(a, 1), lambda a, n: round(a, 3)],
    "10.1": [
        lambda a, n: tuple(a), lambda a, n: pd.Series(a), lambda a, n: np.array(a), lambda a, n: iter(a),
        lambda a, n: pd.Index(a), lambda a, n: dict.fromkeys(a),
        "instance-1, subnet-1, vpc-1", "instance-1 → subnet-1 → vpc-1", "instance-1 -> subnet-1 -> vpc-1",
        "instance-1, then subnet-1, then vpc-1.", "the instance, the subnet, the VPC", "Instance-1 Subnet-1 VPC-1",
        "instance-1\nsubnet-1\nvpc-1", "1. instance-1\n2. subnet-1\n3. vpc-1", ["instance", "subnet", "vpc"],
        "instance-1, subnet-1 and finally vpc-1", "instance-1; subnet-1; vpc-1", "['instance-1', 'subnet-1', 'vpc-1']",
    ],
    "10.2": ["7,30 USD", "$7.30 per month", "7.30 USD a month"],
}  # fmt: skip

#: For each exercise, wrong answers, some made of the notebook's names, and a part of what is said of each.
WRONG: dict[str, list[tuple[Any, str]]] = {
    "0.a": [
        (lambda n: boto3.client("sts").get_caller_identity(), "That is the whole answer"),
        (lambda n: boto3.client("sts").get_caller_identity()["Account"], "the account's number"),
        (lambda n: boto3.client("sts").get_caller_identity()["UserId"], "the identity's id"),
        ("me", "'me' is not an ARN."), ([], "That is empty; give an ARN."),
    ],
    "0.b": [
        (lambda n: n["ec2"].describe_subnets()["Subnets"], "Those are the subnets; len(…) counts them."),
        (lambda n: n["subnets"] + 1, "Too large."), ([1, 2], "more than one value"), ("6 VPCs", "says VPCs"),
    ],
    "3.a": [
        (lambda n: n["lab"].records(n["interface_1"], "10.2.0.126"), "of another interface"),
        (lambda n: n["lab"].records(n["interface_2"]), "of other traffic"),
        (0, "Give the records that lab.records returns; that is an int."), ("", "that is a str."),
        ({}, "that is a dict."),
    ],
    "5.a": [
        (lambda n: n["knocks"].head(3), "too short: it has 3 of 8 rows."),
        (lambda n: n["lab"].insights(KNOCKS), "sort them from most to least. Then keep the first 8."),
        (lambda n: n["knocks"][::-1], "Right numbers, but not the most first: sort them from most to least."),
        (lambda n: n["lab"].insights(f"{KNOCKS} | sort n desc | limit 9"), "but 9 rows: keep the first 8."),
        (lambda n: n["lab"].insights(f"{KNOCKS} | limit 8"), "There is a port with more records, which is missing"),
        (lambda n: n["lab"].insights(KNOCKS.partition("|")[2]), "has the dstPort 0: keep only action = "),
        (lambda n: n["knocks"].tail(7), "There is a port with more records, which is missing"),
        (lambda n: n["knocks"].assign(knocks=n["knocks"]["knocks"] + 1), "The number of records is wrong for the port"),
        (lambda n: n["lab"].insights(KNOCKS.replace("REJECT", "ACCEPT")), "has the dstPort 0: keep only action = "),
        (lambda n: n["lab"].insights(f"{KNOCKS}, srcAddr"), "one row"),
        (lambda n: n["knocks"]["dstPort"], "Give a table with the number of records for each port."),
        (lambda n: n["knocks"].head(0), "That table is empty"), (8, "Give a table with the number of records"),
    ],
    "5.b": [
        (lambda n: n["each"].head(1), "too short"), (lambda n: n["lab"].insights(SENT), "Give a table"),
        (lambda n: n["lab"].insights(f"{SENT} by bin(1m)"), "14:41 is not the start of five minutes: use bin(5m)."),
        (lambda n: n["lab"].insights(f"{SENT} by bin(1h)"), "in the five minutes from 2025-12-03 14:00: use bin(5m)"),
        (lambda n: n["lab"].insights(f"{SENT} by srcAddr"), "10.2.0.126 is not a time: group by bin(5m)."),
        (lambda n: n["each"].assign(total=1), "is wrong for the time"),
        (lambda n: n["each"]["total"], "Give a table"),
    ],
    "6.a": [
        (lambda n: n["by_protocol"].nlargest(1), "too short: it has 1 of "),
        (lambda n: n["day"].groupby("bytes")["bytes"].sum(), 'has the protocol 28: group day by "protocol".'),
        (lambda n: n["by_protocol"] / 2, "is wrong for the protocol"),
        (lambda n: n["once"].groupby("protocol")["bytes"].sum(), "you have 1,580,991, and it is 2,831,667."),
        (lambda n: n["by_protocol"].sum(), "Give a table with the number of bytes for each protocol."),
        (lambda n: n["day"].groupby("protocol")["packets"].sum(), "is wrong for the protocol"),
    ],
    "6.b": [
        (lambda n: n["most"].head(5), "too short: it has 5 of 8 rows."),
        (lambda n: n["knocks"].groupby("dstport")["packets"].sum(), "not the most first"),
        (lambda n: n["knocks"].groupby("dstport")["packets"].sum().nlargest(9), "but 9 rows: keep the first 8."),
        (lambda n: n["knocks"].groupby("dstport")["packets"].sum().nsmallest(8), "There is a port with more packets"),
        (lambda n: n["knocks"].groupby("dstport")["bytes"].sum().nlargest(8), "is wrong for the port"),
        (lambda n: n["knocks"].groupby("srcaddr")["packets"].sum().nlargest(8), "None of the knocks has the dstport"),
    ],
    "10.a": [
        ("igw-1", "Give the id of what you have deleted: it begins with igw-."), ("it", "Give the id"),
        ("igw-0123456789abcdefg", "Give the id"), (lambda n: n["subnet_1"], "Give the id"),
    ],
    "10.b": [
        ("subnet-1", "it begins with subnet-."), (lambda n: n["igw_1"], "Give the id"), (["a", "b"], "Give the id"),
    ],
    "0.1": [
        (65531, "Subnets reserve five"), (16, "the number of bits that are fixed"), (65534, "Leave none out"),
        ("172.31.0.0/16", "That is the range itself"), (ip_network("172.31.0.0/16"), "That is the range itself"),
        ([1, 2], "That holds more than one value (2); give one number."), ([], "That is empty"),
        ("many", "'many' is text; give a number of addresses."), (True, "That is True; give a number of addresses."),
        (float("nan"), "a missing value"), (4096, "Too small."), (65000, "Too small, by less than 2 %."),
        (65535.5, "65535.5 is not a whole number, and addresses are counted."),
        ("65536 bytes", "Give a number of addresses: '65536 bytes' says bytes."),
    ],
    "1.1": [
        (True, "the other way round"), ("yes", "the other way round"), ("Yes, why not", "the other way round"),
        ("perhaps", "Answer True or False; that is 'perhaps'."), (2, "Answer True or False"),
    ],
    "1.2": [
        ("10.1.0.0/16", "overlaps vpc-1's 10.1.0.0/16"), ("10.1.128.0/17", "overlaps vpc-1's 10.1.0.0/16"),
        (ip_network("10.2.0.0/16"), "overlaps vpc-2's"), ("10.0.0.0/8", "overlaps"),
        ("10.3.0.1/16", "bits set after its prefix; the range that it lies in is 10.3.0.0/16"),
        ("10.3.0.0", "has no prefix length: a range is written as vpc-1's is: '10.1.0.0/16'."),
        ("8.8.0.0/16", "not a private range"), ("127.1.0.0/16", "not a private range"),
        ("169.254.0.0/16", "not a private range"), ("192.0.2.0/24", "not a private range"),
        ("10.4.0.0/14", "IPv4 block of /16 to /28; 10.4.0.0/14 has the prefix length 14"),
        ("10.3.0.0/29", "has the prefix length 29"), ("fd00::/56", "IPv4 block"),
        ("10.3.0.0/33", "'10.3.0.0/33' is not a range of addresses"), ("10.3/16", "not a range of addresses"),
        (10.3, "Give one range as text"), (["10.3.0.0/16", "10.4.0.0/16"], "Give one range as text"),
    ],
    "2.1": [
        ("${interface-id} ${srcaddr} ${dstaddr} ${tcp-flags}", "it lacks flow-direction."),
        ("${srcaddr} ${interface-id} ${dstaddr} ${tcp-flags} ${flow-direction}", "in another order"),
        ("interface-id srcaddr dstaddr tcp-flags flow-direction", "Write each field as ${field-id}"),
        ("${interface-id} ${src-addr} ${dstaddr} ${tcp-flags} ${flow-direction}", "Did you mean srcaddr"),
        (lambda n: n["flow_logs"]("NimbusVPCFlowLog")[0]["FlowLogId"], "That is the flow log's id"),
        (lambda n: n["ec2"].describe_flow_logs()["FlowLogs"][0], "it has version"),
        (lambda n: n["ec2"].describe_flow_logs(), "Those are several flow logs"),
        ({"${srcaddr}", "${dstaddr}"}, "A set has no order"),
    ],
    "2.2": [
        (504, "one direction"), (12, "That is the packets"), (84, "one packet"), (1.008, "in kilobytes"),
        (4, "number of records"), (503, "Too small."), (1008.5, "not a whole number, and bytes are counted."),
        (-1008, "The sign is wrong."),
        (lambda n: n["lab"].records("8.8.8.8"), "That holds more than one value (4); give one number."),
        ("1008 packets", "Give a number of bytes: '1008 packets' says packets."),
    ],
    "3.1": [
        (["10.1.15.80"], "is where they went"), ("10.1.15.80", "is where they went"),
        (lambda n: rejects(n, 7), "Those are the protocols"), (lambda n: rejects(n, 5), "Those are the source ports"),
        (lambda n: {line.split()[3] for line in n["lab"].records("REJECT")}, "came to another interface"),
        (lambda n: {*rejects(n, 3), "192.0.2.1"}, "192.0.2.1 does not belong there."),
        (lambda n: {*rejects(n, 3), "192.0.2.1", "192.0.2.2"}, "192.0.2.1 and 1 more do not belong there."),
        (lambda n: rejects(n, 3)[1:], "All of these are right, and 1 is missing."),
        ([], "That is empty; give a source address."), (5, "That is a number; give the source address as text."),
        ("scanners", "'scanners' is not a source address."), ({"source": "x"}, "That is a dictionary"),
    ],
    "3.2": [
        *((text, "It is a security group, yes: which one? Give its name or id.") for text in (
            "security group", "the security group", "Security Groups", "a security-group", "SecurityGroup", "sg",
            "the SG",
            "THE SECURITY GROUP.", "its security group", "the security group of instance-1", "security_group", "an SG",
            "instance-1's security group", "security group (no rule for TCP)", "The security group blocks port 22.",
            ["security group"], "the instance's security groups",
        )),
        *((text, "The packet passes that one") for text in (
            "allow-icmp-1 or the network ACL", ["allow-icmp-1", "the network ACL"],
            "igw-1", "the internet gateway", "network ACL", "the NACL", "acl", "the route table", "IGW",
        )),
        ("allow-icmp-2", "allow-icmp-2 does not belong there."), ("instance-1", "where it should arrive"),
        ("ENI_SG_RULES_MISMATCH", "the code of the refusal"), ("the security group allow-icmp-2", "does not belong"),
        (lambda n: n["lab"].trace("instance-1", "instance-2"), "passes that one"), (22, "give the name or id as text"),
    ],
    "4.1": [
        (["10.1.15.80", "10.1.15.81"], "The /32 is a single address"), ("both", "The /32 is a single address"),
        ("Both.", "The /32 is a single address"), ("both of them", "The /32 is a single address"),
        ("10.1.15.80 and 10.1.15.81", "The /32 is a single address"), ("10.1.15.81", "The /32 is a single address"),
        ("the second", "The /32 is a single address"), ("instance-1 and the second", "The /32 is a single address"),
        ("10.1.15.82", "10.1.15.82 does not belong there."), ("10.2.0.126", "is the one that replies"),
        ("neither", "'neither' is not an address."), ([], "That is empty; give an address."),
        (True, "give the address as text"), ("10.1.15.80, not 10.1.15.81",
        "'not' is not an address; leave out other words."),
    ],
    "4.2": [
        (28, "all that left instance-2"), (23, "what came to instance-1"), (420, "in bytes"),
        (-5, "The other way round"),
        (5.5, "5.5 is not a whole number, and packets are counted."), (4, "Too small."), ("6 packets", "Too large."),
    ],
    "5.1": [
        ("10.2.0.126", "is the destination"), ("10.1.15.80", "inside 10.0.0.0/8"), ("20.65.136.10", "refused"),
        (8, "That is a number; give the address as text."), (["20.65.136.10", "8.8.8.8"], "refused"),
    ],
    "5.2": [
        (100800, "in bytes"), (98.4375, "kibibytes"), (0.1008, "megabytes"), (201.6, "both directions"),
        (1200, "packets"),
        (101, "Nearly: give it to 1 digit after the point."), (100, "Nearly: give it to 1 digit after the point."),
        (100.6, "Too small, by less than 2 %."), ("100.8 packets",
        "Give a number of kB: '100.8 packets' says packets."),
    ],
    "6.1": [
        (3, "Too large."), ("two", "'two' is text; give the hour as a number from 0 to 23."), ("14", "Too large."),
        (pd.Timestamp(2025, 12, 4, 16), "Too large."), ("2 pm", "Too large."), ("2.5", "not a whole number"),
        ("2-4", "is text"), ("2 CET", "Give the hour as a number from 0 to 23: '2 CET' says CET."),
        (2.5, "not a whole number"),
    ],
    "6.2": [
        (lambda n: backup(n)["bytes"].sum(), "in bytes"), (lambda n: backup(n)["bytes"].sum() / 2**30, "gibibytes"),
        (lambda n: 2 * backup(n)["bytes"].sum() / 1e9, "at both ends"), (21.19, "db-1's alone"),
        (23, "Nearly: give it to 1 digit after the point."), ("db-1", "'db-1' is text; give a number of GB."),
        ("backup-1 gets it", "is text; give a number of GB."),
    ],
    "10.1": [
        (["vpc-1", "subnet-1", "instance-1"], "the order in which they are made"),
        (["subnet-1", "instance-1", "vpc-1"], "refuses to delete subnet-1 at that point"),
        (["instance-1", "vpc-1", "subnet-1"], "refuses to delete vpc-1 at that point"),
        (["instance-1", "vpc-1"], "not an order of these three; give a list of the three names: vpc-1, subnet-1,"),
        ("instance-1", "not an order of these three"), ({"instance-1", "subnet-1", "vpc-1"}, "A set has no order"),
        (["instance-2", "subnet-1", "vpc-1"], "not an order of these three"), (3, "not an order of these three"),
    ],
    "10.2": [
        (3.65, "one address"), (0.01, "one hour"), (0.24, "one day"), (730, "in cents"),
        (7, "Nearly: give it to 2 digits after the point."), ("7.30 €", "Give a number of USD: '7.30 €' says €."),
    ],
}  # fmt: skip

#: What nobody would answer.
STRANGE = (
    object(), lambda: 1, {}, [[]], [None], b"x", pd.DataFrame(), pd.Series(dtype=object), 1j, "", "\0",
    type, Exception("x"),
    {"a": {"b": []}}, np.array([]), np.zeros((2, 2)), pd.NA, pd.NaT, float("nan"), range(0), "😀", "${x}", b"\xff",
)  # fmt: skip


def forms(id: str, a: Any, names: Names) -> Iterator[Any]:
    """Yield the right answer to an exercise in every form."""
    yield a
    if id in AMOUNTS:
        yield from forms_of_an_amount(a, AMOUNTS[id])
    if id in TEXTS:
        yield from forms_of_texts(a, "address" in TEXTS[id])
    for change in AS_GOOD[id]:
        yield change(a, names) if callable(change) else change


def mistakes(id: str, a: Any) -> Iterator[Any]:
    """Yield wrong answers to an exercise: wrong by a little, or of another type."""
    if id in AMOUNTS:
        yield from wrong_amounts(a, AMOUNTS[id])
    if id in TEXTS:
        yield from wrong_texts(a)
    for each in STRANGE:
        if id != "3.a" or not (isinstance(each, pd.DataFrame | pd.Series | np.ndarray | range) and len(each) == 0):
            yield each


def rejects(names: Names, word: int) -> list[str]:
    return sorted({line.split()[word] for line in names["lab"].records(names["interface_1"], "REJECT")})


def backup(names: Names) -> Any:
    once = names["once"]
    return once[once["dstaddr"].map(names["host"]) == "backup-1"]


def ssh(names: Names) -> Any:
    """The path of the packet that exercise 3.2 is about."""
    return names["lab"].trace("8.8.8.8", names["public_address"]("instance-1"), "tcp", 22)


def boto3_resource(id: str) -> Any:
    return boto3.resource("ec2").SecurityGroup(id)
