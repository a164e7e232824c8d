"""Counters in nftables: at each named point, how many packets and bytes of each flow came by.

A point is a chain that rules jump to. It notes the packet in one of two sets, under its addresses and its ports, or of
an echo the type and id. (The id goes by the packet's mark: nft 1.0.6 lists ids in sets as 0.)
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass

from tests.kernel.namespaces import Namespace, run

TABLE = "judge"
_COUNTED = "flags dynamic; size 65535; counter"


@dataclass(frozen=True)
class Count:
    """Packets of one flow at one point. Of an echo, `sport` is the id of a request and `dport` that of a reply."""

    point: str
    protocol: str
    source: str
    sport: int
    end: str
    dport: int
    packets: int
    bytes: int

    @property
    def is_answer(self) -> bool:
        """Whether it goes back to the client, whose port is above all servers'."""
        return self.dport > self.sport

    @property
    def probe(self) -> int:
        """The `sport` of the probe that it belongs to."""
        return max(self.sport, self.dport)


def points(names: Iterable[str], echoes: Iterable[int]) -> str:
    """The sets and chains of some points, for an nftables table; `echoes` are the ids that echoes may have."""
    marks = ", ".join(f"{id} : {id}" for id in echoes)
    marking = f"icmp type {{ echo-request, echo-reply }} meta mark set icmp id map {{ {marks} }}" if marks else ""
    return f"""
chain note_id {{
{marking}
}}""" + "".join(
        f"""
set {name}_ports {{ typeof ip protocol . ip saddr . ip daddr . th sport . th dport; {_COUNTED}; }}
set {name}_echoes {{ typeof meta mark . ip saddr . ip daddr . icmp type; {_COUNTED}; }}
chain {name} {{
meta l4proto {{ tcp, udp }} update @{name}_ports {{ ip protocol . ip saddr . ip daddr . th sport . th dport }}
icmp type {{ echo-request, echo-reply }} jump note_id
icmp type {{ echo-request, echo-reply }} update @{name}_echoes {{ meta mark . ip saddr . ip daddr . icmp type }}
}}"""
        for name in names
    )


def read(namespace: Namespace) -> list[Count]:
    """What the points of a namespace have counted until now."""
    namespace.enter()
    parts = json.loads(run(["nft", "-j", "-n", "list", "table", "ip", TABLE]))["nftables"]
    return [count for part in parts if "set" in part for count in _counts(part["set"])]


def _counts(found: dict[str, object]) -> Iterable[Count]:
    point, _, kind = str(found["name"]).rpartition("_")
    if kind not in ("ports", "echoes"):
        return
    for each in found.get("elem", ()):  # type: ignore[attr-defined]
        key, counter = each["elem"]["val"]["concat"], each["elem"]["counter"]
        if kind == "ports":
            protocol = {"6": "tcp", "17": "udp"}.get(str(key[0]), str(key[0]))
            ends = (key[1], int(key[3]), key[2], int(key[4]))
        else:
            ports = (int(key[0]), 0) if str(key[3]) in ("8", "echo-request") else (0, int(key[0]))
            protocol, ends = "icmp", (key[1], ports[0], key[2], ports[1])
        yield Count(point, protocol, *ends, counter["packets"], counter["bytes"])
