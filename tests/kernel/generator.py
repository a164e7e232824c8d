"""Random networks from a seed, in which everything may be wrong, and probes through them.

Each part is right often enough that packets get far, and wrong often enough that they are stopped everywhere.
"""

from __future__ import annotations

from ipaddress import IPv4Network, ip_network
from random import Random

from tests.kernel.description import (
    OUTSIDE,
    UDP_ECHO,
    Entry,
    Group,
    Host,
    Peering,
    Probe,
    Route,
    Rule,
    Site,
    Subnet,
    Vpc,
)

_CIDRS = (
    "10.0.0.0/16", "10.1.0.0/16", "10.1.0.0/16", "10.2.0.0/16", "10.1.128.0/20", "172.20.0.0/20", "192.168.4.0/22",
)  # fmt: skip
_WIDE = ("0.0.0.0/0", "0.0.0.0/1", "128.0.0.0/1", "10.0.0.0/8", "10.0.0.0/15", "172.16.0.0/12", "198.51.100.0/24")
_RANGES = ((1024, 65535), (32768, 60999), (32768, 46000), (49152, 65535))
_PORTS = ((22, 22), (80, 80), (443, 443), (7, 7), (0, 65535), (20, 100), (81, 8080))
_NOWHERE = ("10.9.9.9", "10.2.77.77", "172.31.0.77", "192.168.200.1", "100.64.0.9")
PROBES = 32


def site(seed: int) -> Site:
    """The network of a seed: the same on every machine."""
    return _Generator(Random(f"kernel/{seed}")).site()


class _Generator:
    def __init__(self, random: Random) -> None:
        self.random = random

    def maybe(self, chance: float) -> bool:
        return self.random.random() < chance

    def site(self) -> Site:
        random = self.random
        cidrs = random.sample(_CIDRS, random.choice((1, 2, 2, 3, 3, 3)))
        gateways = [random.choice(("attached",) * 7 + ("detached", "none")) for _ in cidrs]
        peerings = self.peerings(cidrs)
        blocks = [(n, block) for n, cidr in enumerate(cidrs) for block in self.blocks(cidr)]
        subnets: list[Subnet] = []
        hosts: list[Host] = []
        for n, block in blocks:
            name = f"s{len(subnets)}"
            groups = [f"g{n}{k}" for k in range(3)]
            for _ in range(random.choice((1, 1, 2)) if len(hosts) < 6 else 1):
                address = str(block[random.randrange(4, block.num_addresses - 1)])
                if address in {host.address for host in hosts if host.subnet == name}:
                    continue
                chosen = tuple(random.sample(groups, random.choice((1, 1, 2))))
                public = gateways[n] != "detached" and self.maybe(0.6)
                hosts.append(Host(f"h{len(hosts)}", name, address, chosen, public, self.maybe(0.9)))
            subnets.append(Subnet(name, f"v{n}", str(block)))
        where = _Places(cidrs, [str(block) for _, block in blocks], hosts)
        vpcs = [
            Vpc(f"v{n}", cidr, gateways[n], self.routes(n, where, gateways, peerings)) for n, cidr in enumerate(cidrs)
        ]
        subnets = [
            Subnet(
                one.name, one.vpc, one.cidr,
                None if self.maybe(0.3) else self.routes(int(one.vpc[1:]), where, gateways, peerings),
                self.entries(where) if self.maybe(0.5) else None,
            )
            for one in subnets
        ]  # fmt: skip
        used = {group for host in hosts for group in host.groups}
        made = [
            Group(f"g{n}{k}", f"v{n}", tuple(rule for rule in self.rules(n, where) if _names_one_of(used, rule)))
            for n in range(len(cidrs)) for k in range(3) if f"g{n}{k}" in used
        ]  # fmt: skip
        return Site(
            tuple(vpcs), tuple(peerings), tuple(subnets), tuple(made), tuple(hosts), self.probes(where, subnets)
        )

    def blocks(self, cidr: str) -> list[IPv4Network]:
        found = list(ip_network(cidr).subnets(new_prefix=self.random.choice((24, 25, 26))))[:4]
        return [IPv4Network(block) for block in self.random.sample(found, self.random.choice((1, 2, 2)))]

    def peerings(self, cidrs: list[str]) -> list[Peering]:
        made: list[Peering] = []
        for n, cidr in enumerate(cidrs):
            for m in range(n + 1, len(cidrs)):
                if not ip_network(cidr).overlaps(ip_network(cidrs[m])) and self.maybe(0.75):
                    state = self.random.choice(("active",) * 8 + ("pending", "rejected", "deleted"))
                    ends = (f"v{n}", f"v{m}") if self.maybe(0.5) else (f"v{m}", f"v{n}")
                    made.append(Peering(f"p{len(made)}", *ends, state))
        return made

    def routes(self, n: int, where: _Places, gateways: list[str], peerings: list[Peering]) -> tuple[Route, ...]:
        """Most often the right ones; then some that overlap them, to anything."""
        own = ip_network(where.cidrs[n])
        ends = {one.name: one.accepter if one.requester == f"v{n}" else one.requester for one in peerings}
        targets = [one.name for one in peerings if f"v{n}" in (one.requester, one.accepter)]
        wanted = {where.cidrs[int(ends[name][1:])]: name for name in targets if self.maybe(0.8)}
        for cidr in where.cidrs if targets else ():
            if self.maybe(0.4):  # some will hope that a peer leads on to its own peer
                wanted.setdefault(cidr, self.random.choice(targets))
        if gateways[n] != "none":
            targets.append("igw")
            if self.maybe(0.8):
                wanted["0.0.0.0/0"] = "igw"
        candidates = [*_WIDE, *where.cidrs * 3, *where.blocks, *(f"{host.address}/32" for host in where.hosts)]
        if targets:
            for destination in self.random.sample(candidates, min(len(candidates), self.random.randrange(5))):
                wanted.setdefault(destination, self.random.choice(targets))
        # EC2 refuses a static route into the VPC itself to such targets.
        return tuple(Route(to, by) for to, by in wanted.items() if not ip_network(to).subnet_of(own))  # type: ignore[arg-type]

    def rules(self, n: int, where: _Places) -> tuple[Rule, ...]:
        rules = [Rule(True, "all", "0.0.0.0/0")] if self.maybe(0.88) else []
        rules += [self.rule(True, n, where) for _ in range(self.random.randrange(3))]
        rules += [Rule(False, "all", "0.0.0.0/0")] if self.maybe(0.5) else []
        rules += [self.rule(False, n, where) for _ in range(self.random.randrange(4))]
        return tuple(dict.fromkeys(rules))

    def rule(self, egress: bool, n: int, where: _Places) -> Rule:
        random = self.random
        peers = [where.cidr(random), f"group:g{n}{random.randrange(3)}"]
        peers += [f"public:{host.name}" for host in where.hosts if host.public and host.running]
        protocol = random.choice(("all", "icmp", "tcp", "tcp", "udp"))
        return Rule(egress, protocol, random.choice(peers), *self.span(protocol))

    def entries(self, where: _Places) -> tuple[Entry, ...]:
        """A custom ACL: some narrow entries, most often an ephemeral range, and a wide one of a random number."""
        random = self.random
        made: list[Entry] = []
        for egress in (False, True):
            numbers = random.sample(range(1, 60), 5)
            for _ in range(random.randrange(4)):
                protocol = random.choice(("all", "icmp", "tcp", "tcp", "udp"))
                allow = self.maybe(0.5)
                made.append(Entry(numbers.pop(), egress, allow, protocol, where.cidr(random), *self.span(protocol)))
            if self.maybe(0.8):
                wide = ("all", -1, -1) if self.maybe(0.75) else (random.choice(("tcp", "udp")), *random.choice(_RANGES))
                made.append(Entry(numbers.pop(), egress, self.maybe(0.9), wide[0], "0.0.0.0/0", *wide[1:]))
        random.shuffle(made)
        return tuple(made)

    def span(self, protocol: str) -> tuple[int, int]:
        if protocol == "icmp":
            return self.random.choice(((-1, -1), (-1, -1), (8, -1), (8, 0), (0, -1), (0, 0), (3, -1)))
        if protocol == "all":
            return -1, -1
        return self.random.choice(_PORTS + _RANGES[:2])

    def probes(self, where: _Places, subnets: list[Subnet]) -> tuple[Probe, ...]:
        random = self.random
        senders = [host for host in where.hosts if host.running]
        public = [f"public:{host.name}" for host in where.hosts if host.running and host.public]
        ports = random.sample(range(32768, 61000), PROBES)
        made: list[Probe] = []
        for sport in ports if senders else ():
            source = random.choice(senders)
            beside = [host.address for host in where.hosts if host != source]
            kinds = [beside] * 10 + [public] * 5 + [list(OUTSIDE)] * 3 + [list(_NOWHERE)] + [where.empty(random)]
            ends = [end for end in random.choice(kinds) if end != source.address]
            if not ends:
                continue
            sender, end = source.name, random.choice(ends)
            if public and self.maybe(0.12):
                sender, end = random.choice(OUTSIDE), random.choice(public)
            protocol = random.choice(("icmp", "icmp", "tcp", "tcp", "tcp", "udp", "udp"))
            port = {"icmp": 0, "tcp": random.choice((22, 80, 443, 8080)), "udp": random.choice(UDP_ECHO)}[protocol]
            count = 1 if protocol == "tcp" else random.choice((1, 1, 3))
            made.append(Probe(sender, end, protocol, sport, port, count, random.choice((16, 56, 700))))
        return tuple(made)


def _names_one_of(groups: set[str], rule: Rule) -> bool:
    return not rule.peer.startswith("group:") or rule.peer.removeprefix("group:") in groups


class _Places:
    """What addresses there are to name."""

    def __init__(self, cidrs: list[str], blocks: list[str], hosts: list[Host]) -> None:
        self.cidrs, self.blocks, self.hosts = cidrs, blocks, hosts

    def cidr(self, random: Random) -> str:
        hosts = [f"{host.address}/32" for host in self.hosts]
        return random.choice([*_WIDE, *["0.0.0.0/0"] * 6, *self.cidrs * 2, *self.blocks * 2, *hosts])

    def empty(self, random: Random) -> list[str]:
        """Addresses of the subnets at which there is no host."""
        taken = {host.address for host in self.hosts}
        found = [str(ip_network(block)[random.randrange(4, 62)]) for block in self.blocks]
        return [address for address in found if address not in taken]
