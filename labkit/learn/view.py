"""The student's lab as a check, an exercise or a quiz reads it: parts of the network, flow log records, pings.

Whatever is missing ends the reading with a `Stop`, which says what to do first.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cached_property
from ipaddress import IPv4Address
from typing import Any, NamedTuple, Protocol, TypeVar

from labkit import names
from labkit.learn.plan import HERE, THERE, Side
from labkit.learn.result import Line
from labkit.network import Interface, Network, Route
from labkit.network.packet import ICMP, Address
from labkit.network.parts import Instance, Part, PeeringConnection


class Lab(Protocol):
    """What checks, exercises and quizzes need of the lab."""

    account: str
    region: str

    def find(self, name: str, kind: str | None = None) -> str | None: ...

    def name(self, name: str) -> str: ...

    def client(self, service: str) -> Any: ...

    @property
    def network(self) -> Network: ...

    def records(self, *containing: object, since: datetime | None = None) -> list[str]: ...


class Stop(Exception):
    """There is no use in looking further, and the `line` says why."""

    def __init__(self, line: Line) -> None:
        super().__init__(f"{line.text}: {line.found}. Next: {line.next}")
        self.line = line


#: What is found in place of a thing that is looked up by its name.
NOTHING = "nothing of this name"


def absent(name: str, how: str, found: str = NOTHING) -> Line:
    """Return the line for what is not there yet; `how` says how to make it."""
    return Line(False, name, found, "one", how, absent=True)


def step(id: str) -> str:
    """Return how to make what a step of a notebook makes that the student writes, with help and without its calls.

    >>> step("1.b")
    "write step 1.b of notebook 01; lab.exercise('1.b').hint() helps."
    """
    return f"write step {id} of notebook {id.partition('.')[0].zfill(2)}; lab.exercise({id!r}).hint() helps."


#: How many fields a record of the default format has.
_FIELDS = 14


class Record(NamedTuple):
    """What exercises ask of a flow log record of the default format; `text` is the whole record.

    Source: https://docs.aws.amazon.com/vpc/latest/userguide/flow-log-records.html
    """

    srcaddr: str
    dstaddr: str
    srcport: str
    dstport: str
    protocol: int
    packets: int
    bytes: int
    action: str
    text: str


@dataclass(frozen=True, slots=True)
class Ping:
    """How many echo requests a ping sent, and how many replies it received."""

    sent: int
    received: int


Named = TypeVar("Named", bound=Part)
Found = TypeVar("Found")


class Names:
    """The names that the lab's log group, roles, policy and instance profile have in this account."""

    def __init__(self, lab: Lab) -> None:
        self._lab = lab

    def __getattr__(self, constant: str) -> str:
        return self._lab.name(getattr(names, constant.upper()))


class View:
    """A lab seen by one check or answer: the network is read once, however often it is looked at."""

    def __init__(self, lab: Lab) -> None:
        self.lab = lab
        self.names = Names(lab)

    @cached_property
    def network(self) -> Network:
        """The network as it was when it was first looked at."""
        return self.lab.network

    def part(self, parts: Mapping[str, Named], name: str, how: str) -> Named:
        """Return the one part that has a name.

        Args:
            parts: The network's parts of one type, by id.
            name: The Name tag.
            how: Which cell makes it.

        Raises:
            Stop: None has the name, or several do.
        """
        named = [part for part in parts.values() if part.name == name]
        if len(named) > 1:
            ids = ", ".join(part.id for part in named)
            raise Stop(Line(False, name, f"{len(named)} of this name ({ids})", "one", "delete the extra ones."))
        return needed(named, name, how, NOTHING)[0]

    @cached_property
    def instances(self) -> dict[str, Instance]:
        """The instances that are not terminated, by id."""
        gone = ("terminated", "shutting-down")
        return {id: each for id, each in self.network.instances.items() if each.state not in gone}

    @cached_property
    def peerings(self) -> dict[str, PeeringConnection]:
        """The peering connections by id, without those that EC2 still lists although they are over."""
        gone = ("deleted", "deleting", "rejected", "expired")
        return {id: each for id, each in self.network.peering_connections.items() if each.status not in gone}

    def interface(self, side: Side) -> Interface:
        """Return the network interface of a side's instance, or raise Stop if there is none."""
        instance = self.part(self.instances, side.instance, "notebook 01 launches it.")
        found = self.network.primary_interface(instance.id)
        if found is None:
            raise Stop(Line(False, side.instance, "an instance without a network interface", "one", "launch it again."))
        return found

    def public_address(self, side: Side) -> Address:
        """Return the public address of a side's instance, or raise Stop if it has none."""
        public = list(self.interface(side).public.values())
        return needed(public, f"a public address of {side.instance}", "lab.check('instances') says more.")[0]

    def network_with(self, side: Side, change: Callable[[Sequence[Route]], Iterable[Route]]) -> Network:
        """Return the network as it would be with other routes in the table that a side's subnet uses.

        Args:
            side: The side.
            change: Returns the routes that the table would have, given those that it has.
        """
        subnet = self.part(self.network.subnets, side.subnet, "lab.check('subnets').")
        table = self.network.route_table_of(subnet.id)
        changed = replace(table, routes=tuple(change(table.routes)))
        return replace(self.network, route_tables={**self.network.route_tables, table.id: changed})

    def records(self, *containing: str) -> list[Record]:
        """Return the flow log records in the lab's log group.

        Records of a custom format, NODATA and SKIPDATA are left out.

        Args:
            containing: Words that a record must all have, such as an address or `REJECT`.

        Returns:
            The records, oldest first.
        """
        found = []
        for line in self.lab.records(*containing):
            words = line.split()
            if len(words) == _FIELDS and words[-1] == "OK":
                _, _, _, src, dst, srcport, dstport, protocol, packets, size, _, _, action, _ = words
                record = Record(src, dst, srcport, dstport, int(protocol), int(packets), int(size), action, line)
                found.append(record)
        return found

    def icmp_records(self, interface: str, source: IPv4Address, destination: IPv4Address) -> list[Record]:
        """Return the records of ICMP at an interface.

        Args:
            interface: The interface's id.
            source: The address that sent.
            destination: The address that it was sent to.
        """
        ends = (str(source), str(destination))
        found = self.records(interface, *ends)
        return [record for record in found if record[:2] == ends and record.protocol == ICMP]

    def pings(self) -> list[Ping]:
        """Return the pings from instance-1 to instance-2's private address by Run Command, the newest first."""
        ssm, instance = self.lab.client("ssm"), self.part(self.instances, HERE.instance, "notebook 01 launches it.").id
        is_ping = re.compile(rf"\bping\b.*\b{re.escape(str(THERE.address))}\b")
        found = []
        for page in ssm.get_paginator("list_commands").paginate(InstanceId=instance):
            for command in page["Commands"]:
                if any(map(is_ping.search, command["Parameters"].get("commands", []))):
                    done = ssm.get_command_invocation(CommandId=command["CommandId"], InstanceId=instance)
                    printed = done["StandardOutputContent"]
                    if counts := re.search(r"(\d+) packets transmitted, (\d+) received", printed):
                        found.append(Ping(int(counts[1]), int(counts[2])))
        return found


def needed(found: Found | None, what: str, how: str, instead: str = "none") -> Found:
    """Return what was found, or raise Stop if that is nothing.

    Args:
        found: What was found; None or an empty list if there was nothing.
        what: What it is.
        how: How to get it.
        instead: What there is instead.

    Raises:
        Stop: There is nothing.
    """
    if not found:
        raise Stop(absent(what, how, instead))
    return found


def uses_peering(route: Route) -> bool:
    """Return whether a route leads to a peering connection."""
    return route.target.startswith("pcx-")
