"""What the course builds, by the names and ranges that its notebooks use, and how a check looks it up."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from ipaddress import IPv4Address, IPv4Network
from typing import Any, Protocol, TypeVar

from labkit.learn.result import Line
from labkit.network import Interface, Network, Path


class Lab(Protocol):
    """What checks, exercises and quizzes need of the lab."""

    account: str
    region: str

    def find(self, name: str, kind: str | None = None) -> str | None: ...

    def client(self, service: str) -> Any: ...

    @property
    def network(self) -> Network: ...

    def records(self, *containing: object, since: datetime | None = None) -> list[str]: ...


@dataclass(frozen=True, slots=True)
class Side:
    """One of the two VPCs and what is in it, by the names that notebook 01 gives."""

    cidr: IPv4Network
    address: IPv4Address
    vpc: str
    subnet: str
    gateway: str
    table: str
    group: str
    instance: str


SIDES = tuple(
    Side(
        IPv4Network(cidr), IPv4Address(address), f"vpc-{n}", f"subnet-{n}", f"igw-{n}", f"route-table-{n}",
        f"allow-icmp-{n}", f"instance-{n}",
    )
    for n, cidr, address in ((1, "10.1.0.0/16", "10.1.15.80"), (2, "10.2.0.0/16", "10.2.0.126"))
)  # fmt: skip


def other(side: Side) -> Side:
    return SIDES[1 - SIDES.index(side)]


PEERING = "peering-1-2"
INSTANCE_POLICY = "AmazonSSMManagedInstanceCore"

#: What the flow logs service asks for: https://docs.aws.amazon.com/vpc/latest/userguide/flow-logs-iam-role.html
ACTIONS = (
    "logs:CreateLogGroup", "logs:CreateLogStream", "logs:PutLogEvents", "logs:DescribeLogGroups",
    "logs:DescribeLogStreams",
)  # fmt: skip


class Stop(Exception):
    """There is no use in looking further: the line says why."""

    def __init__(self, line: Line) -> None:
        self.line = line


class _Part(Protocol):
    @property
    def id(self) -> str: ...

    @property
    def name(self) -> str: ...


Part = TypeVar("Part", bound=_Part)


class View:
    """The lab as one check sees it: the network is read once, however many lines look at it."""

    def __init__(self, lab: Lab) -> None:
        self.lab = lab

    @cached_property
    def network(self) -> Network:
        return self.lab.network

    def client(self, service: str) -> Any:
        return self.lab.client(service)

    def trace(self, source: str, destination: str, protocol: str = "icmp", port: int | None = None) -> Path:
        """As `lab.trace`, over the network as it was read for this view."""
        return self.network.trace_between(source, destination, protocol, port)

    def part(self, parts: Mapping[str, Part], name: str, how: str) -> Part:
        """The one part that bears a name; Stop, with what to do, where there is none or several.

        Parameters: `how` says which cell makes it.
        """
        named = [part for part in parts.values() if part.name == name]
        if len(named) == 1:
            return named[0]
        if named:
            ids = ", ".join(part.id for part in named)
            raise Stop(Line(False, name, f"{len(named)} of this name ({ids})", "one", "delete the ones too many."))
        raise Stop(absent(name, how))

    def interface(self, side: Side) -> Interface:
        """The interface of a side's instance; Stop where there is none."""
        instance = self.part(self.alive, side.instance, "notebook 01 launches it.")
        found = self.network.primary_interface(instance.id)
        if found is None:
            raise Stop(Line(False, side.instance, "an instance without a network interface", "one", "Launch it anew."))
        return found

    @cached_property
    def alive(self) -> dict[str, Any]:
        """The instances that are not terminated."""
        gone = ("terminated", "shutting-down")
        return {id: each for id, each in self.network.instances.items() if each.state not in gone}


def absent(name: str, how: str, found: str = "nothing of this name") -> Line:
    """The line for what is not there yet."""
    return Line(False, name, found, "one", how, absent=True)
