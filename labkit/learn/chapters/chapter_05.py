"""Chapter 05, Logs Insights: who sent the most, and how much, by the records so far."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime
from ipaddress import ip_address, ip_network
from typing import Any

from labkit.learn.chapter import Chapter, Facts
from labkit.learn.counts import counts
from labkit.learn.judging import Judgment, number, texts
from labkit.learn.plan import THERE
from labkit.learn.view import View, needed
from labkit.network.packet import TCP

_HOW = "run notebook 05's first cells."


#: How many ports step 5.a asks for, and what is said of one that is not among them.
_ROWS = 8
_NOT_REFUSED = 'No REJECT record has the dstPort {}: keep only action = "REJECT", and group by dstPort.'.format

#: The width of the intervals that step 5.b asks for, in seconds.
_BIN = 300


def knocks_by_port(view: View, answer: object) -> Judgment:
    """How many REJECT records there are for each destination port."""
    refused = needed(view.records("REJECT"), "REJECT records", "lab.wait_for_flow_logs().")
    return counts(
        answer, Counter(record.dstport for record in refused), "port", "records", most=_ROWS, foreign=_NOT_REFUSED
    )


def bytes_in_each_bin(view: View, answer: object) -> Judgment:
    """How many bytes instance-2 sent to 8.8.8.8 in each five minutes, by the start of the record."""
    total: Counter[str] = Counter()
    for record in view.records(view.interface(THERE).id, "8.8.8.8"):
        if record.dstaddr == "8.8.8.8":
            start = int(record.text.split()[10]) // _BIN * _BIN
            total[f"{datetime.fromtimestamp(start, UTC):%Y-%m-%d %H:%M}"] += record.bytes
    needed(list(total), f"traffic from {THERE.instance} to 8.8.8.8", _HOW)
    return counts(answer, total, "time", "bytes", foreign=_not_a_bin)


def _not_a_bin(key: str) -> str:
    """Say why a key is not the start of five minutes in which instance-2 sent something."""
    try:
        minute = datetime.strptime(key, "%Y-%m-%d %H:%M").minute
    except ValueError:
        return f"{key} is not a time: group by bin(5m)."
    if minute % (_BIN // 60):
        return f"{key} is not the start of five minutes: use bin(5m)."
    return (
        f"{THERE.instance} sent nothing to 8.8.8.8 in the five minutes from {key}: use bin(5m), and look at the filter."
    )


def who_sent_most(view: View, answer: Any) -> Judgment:
    """The address outside 10.0.0.0/8 that sent the most accepted packets to instance-2."""
    there, inside = str(THERE.address), ip_network("10.0.0.0/8")
    records = [record for record in view.records(view.interface(THERE).id) if record.dstaddr == there]
    anyone = {record.srcaddr for record in records}
    insiders = {address for address in anyone if ip_address(address) in inside}
    packets: Counter[str] = Counter()
    for record in records:
        if record.action == "ACCEPT" and record.srcaddr not in insiders:
            packets[record.srcaddr] += record.packets
    first = max(needed(list(packets), "accepted traffic from outside", _HOW), key=lambda each: (packets[each], each))
    if hasattr(answer, "head"):  # the whole answer, sorted
        answer = answer.head(1)
    elif isinstance(answer, list | tuple) or getattr(answer, "ndim", 0) == 1:
        answer = answer[:1]
    near = {
        f"{there} is the destination; who sent?": [there],
        "That one is inside 10.0.0.0/8, which the question leaves out.": insiders,
        "That one was refused: the question is who was accepted.": anyone - set(packets),
        "That one sent fewer packets: sort them, the most first.": set(packets) - {first},
    }
    return texts(answer, [first], "address", near=near)


def kilobytes_to_8888(view: View, answer: object) -> Judgment:
    """How many kilobytes instance-2 sent to 8.8.8.8."""
    records = view.records(view.interface(THERE).id, "8.8.8.8")
    sent = [record for record in records if record.dstaddr == "8.8.8.8"]
    needed(sent, f"traffic from {THERE.instance} to 8.8.8.8", _HOW)
    total = sum(record.bytes for record in sent)
    near = {
        "That is in bytes; a kilobyte is 1000 of them.": total,
        "That is in kibibytes (1024 bytes); a kilobyte is 1000 bytes.": total / 1024,
        "That is in megabytes; a megabyte is 1000 kilobytes.": total / 1e6,
        "That is both directions; only what instance-2 sent counts.": sum(record.bytes for record in records) / 1000,
        "That is the packets; sum the bytes.": sum(record.packets for record in sent),
    }
    return number(answer, total / 1000, "kB", digits=1, near=near)


def quiz_facts(view: View) -> Facts:
    """A REJECT record of the lab, and the meaning of its words."""
    refused = [record for record in view.records("REJECT") if record.protocol == TCP]
    record = needed(refused, "REJECT records of TCP", "lab.wait_for_flow_logs().")[-1]
    plural = "" if record.packets == 1 else "s"
    return {
        "middle": f"{record.protocol} {record.packets} {record.bytes}", "packets": f"{record.packets} packet{plural}",
        "bytes": str(record.bytes), "port": record.dstport, "line": record.text,
    }  # fmt: skip


CHAPTER = Chapter(
    "05",
    checks=(),
    judges={
        "5.a": knocks_by_port,
        "5.b": bytes_in_each_bin,
        "5.1": who_sent_most,
        "5.2": kilobytes_to_8888,
    },
    quiz_facts=quiz_facts,
)
