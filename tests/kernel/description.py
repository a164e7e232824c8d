"""A network in plain words: what both builders are given, and what a difference is printed as.

Nothing here decides anything about a packet. Names are `v0` (VPC), `s0` (subnet), `h0` (host), `g0` (security group),
`p0` (peering connection).
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import Any

#: Hosts on the internet (RFC 5737): they answer pings, serve TCP ports 80 and 443, and echo UDP.
OUTSIDE = ("198.51.100.7", "203.0.113.5")

#: Where a host of a VPC listens, and where one outside does. An instance of the embedded AWS does the same.
TCP_OPEN = {"inside": (22, 80), "outside": (80, 443)}
UDP_ECHO = (7, 4500)


@dataclass(frozen=True)
class Route:
    """One static route; `target` is `igw` or a peering connection's name."""

    destination: str
    target: str


@dataclass(frozen=True)
class Vpc:
    """`gateway` is `attached`, `detached` (after routes to it were made) or `none`; `routes` are its main table's."""

    name: str
    cidr: str
    gateway: str
    routes: tuple[Route, ...] = ()


@dataclass(frozen=True)
class Entry:
    """A network ACL's entry. `first` and `last` are ports, -1 for all; of ICMP the type and the code."""

    number: int
    egress: bool
    allow: bool
    protocol: str
    cidr: str
    first: int = -1
    last: int = -1


@dataclass(frozen=True)
class Subnet:
    """`routes` None: the main table; `acl` None: the default ACL, which allows all."""

    name: str
    vpc: str
    cidr: str
    routes: tuple[Route, ...] | None = None
    acl: tuple[Entry, ...] | None = None


@dataclass(frozen=True)
class Rule:
    """A security group's rule. `peer` is a CIDR block, `group:g0`, or `public:h0`: the one public address of a host."""

    egress: bool
    protocol: str
    peer: str
    first: int = -1
    last: int = -1


@dataclass(frozen=True)
class Group:
    name: str
    vpc: str
    rules: tuple[Rule, ...]


@dataclass(frozen=True)
class Peering:
    """`state` is `active`, `pending`, `rejected` or `deleted` (after the routes to it were made)."""

    name: str
    requester: str
    accepter: str
    state: str


@dataclass(frozen=True)
class Host:
    name: str
    subnet: str
    address: str
    groups: tuple[str, ...]
    public: bool = False
    running: bool = True


@dataclass(frozen=True)
class Probe:
    """Packets from a host (or an address outside) to an address, or to a host's public one (`public:h0`).

    `port` is the destination's and `sport` the client's, in ICMP the echo's id; `count` echoes or datagrams are sent,
    each with `size` bytes of data. No two probes have the same `sport`.
    """

    source: str
    destination: str
    protocol: str
    sport: int
    port: int = 0
    count: int = 1
    size: int = 56


@dataclass(frozen=True)
class Site:
    """Everything, and the probes that are sent through it."""

    vpcs: tuple[Vpc, ...] = ()
    peerings: tuple[Peering, ...] = ()
    subnets: tuple[Subnet, ...] = ()
    groups: tuple[Group, ...] = ()
    hosts: tuple[Host, ...] = ()
    probes: tuple[Probe, ...] = ()

    def vpc_of(self, host: Host) -> str:
        return next(subnet.vpc for subnet in self.subnets if subnet.name == host.subnet)

    def subnets_of(self, vpc: str) -> list[Subnet]:
        return [subnet for subnet in self.subnets if subnet.vpc == vpc]

    def hosts_of(self, vpc: str) -> list[Host]:
        """The hosts of a VPC that run."""
        return [host for host in self.hosts if host.running and self.vpc_of(host) == vpc]

    def __str__(self) -> str:
        return "\n".join(f"{field.name}:" + _lines(getattr(self, field.name)) for field in fields(self))


def _lines(parts: tuple[Any, ...]) -> str:
    return "".join(f"\n    {part}" for part in parts)


def pruned(site: Site) -> Site:
    """The site without what names a part that is gone; for taking parts away from a description."""
    vpcs = {vpc.name for vpc in site.vpcs}
    peerings = tuple(one for one in site.peerings if {one.requester, one.accepter} <= vpcs)
    subnets = tuple(one for one in site.subnets if one.vpc in vpcs)
    groups = tuple(one for one in site.groups if one.vpc in vpcs)
    names = {one.name for one in groups}
    hosts = tuple(
        replace(host, groups=tuple(group for group in host.groups if group in names))
        for host in site.hosts
        if host.subnet in {subnet.name for subnet in subnets} and names & set(host.groups)
    )
    known = {host.name for host in hosts} | set(OUTSIDE)
    public = {f"public:{host.name}" for host in hosts if host.public}
    groups = tuple(
        replace(one, rules=tuple(rule for rule in one.rules if _stands(rule.peer, public, names))) for one in groups
    )
    probes = tuple(p for p in site.probes if p.source in known and _stands(p.destination, public, names))
    pruned = replace(site, peerings=peerings, subnets=subnets, groups=groups, hosts=hosts, probes=probes)
    return _without_dangling_routes(pruned)


def _stands(end: str, public: set[str], groups: set[str]) -> bool:
    return ":" not in end or end in public or end.removeprefix("group:") in groups


def _without_dangling_routes(site: Site) -> Site:
    def kept(routes: tuple[Route, ...], vpc: str) -> tuple[Route, ...]:
        targets = {one.name for one in site.peerings if vpc in (one.requester, one.accepter)}
        if any(one.name == vpc and one.gateway != "none" for one in site.vpcs):
            targets.add("igw")
        return tuple(route for route in routes if route.target in targets)

    return replace(
        site,
        vpcs=tuple(replace(vpc, routes=kept(vpc.routes, vpc.name)) for vpc in site.vpcs),
        subnets=tuple(
            replace(one, routes=None if one.routes is None else kept(one.routes, one.vpc)) for one in site.subnets
        ),
    )


@dataclass(frozen=True)
class Fate:
    """What became of a probe. `stop` is None where it was answered, else the leg and what stopped it: `there acl-in`.

    The components are `sg-out`, `acl-out`, `route`, `peering`, `gateway`, `internet`, `nobody`, `acl-in` and `sg-in`.
    """

    reached: bool
    replied: bool
    stop: str | None


#: (host, direction, action, protocol, source, its port, destination, its port) → (packets, bytes); echoes have port 0.
Records = dict[tuple[str, str, str, str, str, int, str, int], tuple[int, int]]


@dataclass(frozen=True)
class Outcome:
    """What one side says of a site: each probe's fate, by its `sport`, and what the hosts' interfaces saw."""

    fates: dict[int, Fate]
    records: Records
