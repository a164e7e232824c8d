"""From the description to configuration of the kernel: who is wired to whom, routes, and nftables rules.

Each part becomes what it is in the kernel's own words, and the kernel decides: the longest prefix and the blackhole by
its routing tables, statefulness by conntrack, the order of rules by nftables, translation by NAT.

    host namespace    eth0; the security groups, stateful, around the host's own input and output
    VPC namespace     the VPC's router: one routing table for each subnet, the network ACLs, stateless, at the edge of
                      each subnet. A `local` route leads into a wire from the router to itself (`loc0`, `loc1`): what
                      comes out of it, or from a peering connection or gateway, is delivered to a host or to nobody
    gateway namespace the internet gateway of a VPC: translates one to one
    internet          routes to the gateways, and the hosts outside

What AWS does and a Linux router would not is configured here, by AWS's words:
- No error tells of a dropped packet: routes without end are blackholes, and the rules drop, they don't reject.
- A route to what isn't there or not active is a blackhole:
  https://docs.aws.amazon.com/vpc/latest/userguide/route-tables-priority.html
- A peering connection leads into the peer and no further:
  https://docs.aws.amazon.com/vpc/latest/peering/vpc-peering-basics.html
- A network ACL is asked where traffic enters or leaves a subnet, before the route on the way out:
  https://docs.aws.amazon.com/vpc/latest/userguide/vpc-network-acls.html
- A security group tracks connections and is asked once for each:
  https://docs.aws.amazon.com/vpc/latest/userguide/security-group-connection-tracking.html
- A reference to a group means the private addresses of its members:
  https://docs.aws.amazon.com/vpc/latest/userguide/security-group-rules.html
Not compared are the TTL, which a Linux router lowers and a VPC's doesn't, and times.
"""

from __future__ import annotations

from collections.abc import Iterable

from tests.kernel.counters import TABLE, points
from tests.kernel.description import OUTSIDE, Entry, Host, Peering, Route, Rule, Site, Subnet, Vpc
from tests.kernel.namespaces import Namespace, wires

#: Where an internet gateway carries nothing to: private and shared addresses, and those that are no host's.
#: https://docs.aws.amazon.com/vpc/latest/reachability/explanation-codes.html
_NOT_PUBLIC = "10.0.0.0/8, 172.16.0.0/12, 192.168.0.0/16, 100.64.0.0/10, 127.0.0.0/8, 169.254.0.0/16, 224.0.0.0/3"

#: The routing table by which a router delivers into its VPC; those of the subnets follow.
_DELIVERY = 100

#: A connection is opened by one packet each way: the kernel's repetitions, should the machine be slow, are not sent.
_OPENED_ONCE = """
set opened {
type ipv4_addr . inet_service . ipv4_addr . inet_service
flags dynamic
size 65535
}
chain once {
type filter hook output priority -300
tcp flags & syn == syn ip saddr . tcp sport . ip daddr . tcp dport @opened drop
tcp flags & syn == syn add @opened { ip saddr . tcp sport . ip daddr . tcp dport }
}"""


class World:
    """The namespaces of a site, set up. `public` are the addresses that AWS gave to the public hosts."""

    def __init__(self, site: Site, public: dict[str, str]) -> None:
        self.site, self.public = site, public
        self.hosts = {host.name: Namespace() for host in site.hosts if host.running}
        self.routers = {vpc.name: Namespace() for vpc in site.vpcs}
        self.gateways = {vpc.name: Namespace() for vpc in site.vpcs if vpc.gateway == "attached"}
        self.internet = Namespace()
        self._echoes = [probe.sport for probe in site.probes if probe.protocol == "icmp"]
        wires(list(self._wires()))
        for host in site.hosts:
            if host.running:
                self._host(host)
        for vpc in site.vpcs:
            self._router(vpc)
            if vpc.gateway == "attached":
                self._gateway(vpc)
        self._internet()
        for namespace in self.namespaces:
            namespace.set_up()
        for namespace in self.namespaces:
            namespace.await_links()

    @property
    def namespaces(self) -> list[Namespace]:
        return [*self.hosts.values(), *self.routers.values(), *self.gateways.values(), self.internet]

    def close(self) -> None:
        for namespace in self.namespaces:
            namespace.close()

    def _wires(self) -> Iterable[tuple[Namespace, str, Namespace, str]]:
        for host in self.site.hosts:
            if host.running:
                yield self.hosts[host.name], "eth0", self.routers[self.site.vpc_of(host)], host.name
        for name, router in self.routers.items():
            yield router, "loc0", router, "loc1"
            if name in self.gateways:
                yield router, "igw", self.gateways[name], "vpc"
                yield self.gateways[name], "net", self.internet, name
        for peering in self._active():
            yield self.routers[peering.requester], peering.name, self.routers[peering.accepter], peering.name

    def _active(self) -> list[Peering]:
        return [peering for peering in self.site.peerings if peering.state == "active"]

    def _public_in(self, vpc: str) -> dict[str, str]:
        """Private address → public address, of a VPC's hosts."""
        return {host.address: self.public[host.name] for host in self.site.hosts_of(vpc) if host.name in self.public}

    # Security groups

    def _host(self, host: Host) -> None:
        namespace = self.hosts[host.name]
        namespace.commands += [f"addr add {host.address}/32 dev eth0", "route add default dev eth0"]
        rules = [rule for group in self.site.groups if group.name in host.groups for rule in group.rules]
        outbound = _lines(self._rule(rule, "sent") for rule in rules if rule.egress)
        inbound = _lines(self._rule(rule, "got") for rule in rules if not rule.egress)
        namespace.script = _table(f"""{points(("sent", "got", "sg_out", "sg_in"), self._echoes)}{_OPENED_ONCE}
chain out {{
type filter hook output priority 0
ct state established jump sent
ct state established accept
jump out_groups
jump sg_out
drop
}}
chain out_groups {{{outbound}
}}
chain in {{
type filter hook input priority 0
ct state established jump got
ct state established accept
jump in_groups
jump sg_in
drop
}}
chain in_groups {{{inbound}
}}""")

    def _rule(self, rule: Rule, point: str) -> Iterable[str]:
        kind, _, name = rule.peer.rpartition(":")
        peer = rule.peer
        if kind == "public":
            peer = self.public[name]
        elif kind == "group":
            members = [host.address for host in self.site.hosts if name in host.groups]
            if not members:
                return
            peer = f"{{ {', '.join(members)} }}"
        match = f"ip {'daddr' if rule.egress else 'saddr'} {peer} {_match(rule.protocol, rule.first, rule.last)}"
        yield f"{match} jump {point}"
        yield f"{match} accept"

    # The VPC's router

    def _router(self, vpc: Vpc) -> None:
        site, router = self.site, self.routers[vpc.name]
        peerings = [one.name for one in self._active() if vpc.name in (one.requester, one.accepter)]
        commands = router.commands
        outside = ["loc1", *peerings, *(["igw"] if vpc.name in self.gateways else [])]
        commands += [f"rule add pref 10 iif {name} lookup {_DELIVERY}" for name in outside]
        hosts = site.hosts_of(vpc.name)
        commands += [f"route add {host.address}/32 dev {host.name} table {_DELIVERY}" for host in hosts]
        commands.append(f"route add blackhole default table {_DELIVERY}")
        forward, prerouting, chains = "", "", ""
        for number, subnet in enumerate(site.subnets_of(vpc.name), start=_DELIVERY + 1):
            names = [host.name for host in hosts if host.subnet == subnet.name]
            # Within a subnet no route table is asked, and no ACL.
            commands += [f"rule add pref 10 iif {name} to {subnet.cidr} lookup {_DELIVERY}" for name in names]
            commands += [f"rule add pref 20 iif {name} lookup {number}" for name in names]
            commands.append(f"route add {vpc.cidr} dev loc0 table {number}")
            routes = vpc.routes if subnet.routes is None else subnet.routes
            commands += [f"route add {self._route(route, vpc)} table {number}" for route in routes]
            if not names:
                continue
            interfaces = f"{{ {', '.join(names)} }}"
            prerouting += f"""
iifname {interfaces} ip daddr {subnet.cidr} goto same
iifname {interfaces} jump acl_out_{subnet.name}"""
            forward += f"""
iifname {interfaces} oifname {interfaces} jump delivered
iifname {interfaces} oifname {interfaces} goto to_host
oifname {interfaces} jump delivered
oifname {interfaces} jump acl_in_{subnet.name}
oifname {interfaces} goto to_host"""
            chains += _acl(subnet, True) + _acl(subnet, False)
        commands.append("rule add blackhole pref 30")
        peered = "".join(f"\niifname {name} jump peer_in" for name in peerings)
        peered += "".join(f"\niifname {name} ip daddr != {vpc.cidr} goto refuse_peered" for name in peerings)
        to_peers = "".join(f"\noifname {name} goto peered" for name in peerings)
        seen = "same routed local peered gateway local_in peer_in igw_in delivered to_host acl_out acl_in peering"
        router.script = _table(f"""{points(seen.split(), self._echoes)}
chain prerouting {{
type filter hook prerouting priority -300
notrack
iifname loc1 goto local_in
iifname igw goto igw_in{peered}{prerouting}
iifname != {{ loc1, igw{"".join(f", {name}" for name in peerings)} }} jump routed
}}
chain refuse_acl_out {{ jump acl_out; drop; }}
chain refuse_acl_in {{ jump acl_in; drop; }}
chain refuse_peered {{ jump peering; drop; }}
chain forward {{
type filter hook forward priority 0
oifname loc0 goto local
oifname igw goto gateway{to_peers}{forward}
}}{chains}""")

    def _route(self, route: Route, vpc: Vpc) -> str:
        """A route whose target is not there or not active leads nowhere, and no shorter one takes its place."""
        if route.target == "igw":
            return f"{route.destination} dev igw" if vpc.name in self.gateways else f"blackhole {route.destination}"
        active = any(one.name == route.target for one in self._active())
        return f"{route.destination} dev {route.target}" if active else f"blackhole {route.destination}"

    # The internet gateway

    def _gateway(self, vpc: Vpc) -> None:
        namespace, public = self.gateways[vpc.name], self._public_in(vpc.name)
        namespace.commands += [
            "rule add pref 10 iif vpc lookup 100", "rule add pref 10 iif net lookup 101",
            "route add default dev net table 100", "route add default dev vpc table 101",
        ]  # fmt: skip
        own, theirs = ", ".join(public), ", ".join(public.values())
        there = ", ".join(f"{private} : {address}" for private, address in public.items())
        back = ", ".join(f"{address} : {private}" for private, address in public.items())
        no_source = f"ip saddr != {{ {own} }} goto refuse" if public else "goto refuse"
        no_end = f"ip daddr != {{ {theirs} }} goto refuse" if public else "goto refuse"
        nat = f"""
chain translate_in {{ type nat hook prerouting priority -100; iifname net dnat to ip daddr map {{ {back} }}; }}
chain translate_out {{ type nat hook postrouting priority 100; oifname net snat to ip saddr map {{ {there} }}; }}"""
        namespace.script = _table(f"""{points(("from_vpc", "from_net", "to_vpc", "to_net", "refused"), self._echoes)}
chain filter {{
type filter hook prerouting priority -150
iifname vpc jump from_vpc
iifname vpc ip daddr {{ {_NOT_PUBLIC} }} goto refuse
iifname vpc {no_source}
iifname net jump from_net
iifname net {no_end}
}}
chain refuse {{ jump refused; drop; }}
chain out {{
type filter hook postrouting priority 300
oifname net goto to_net
oifname vpc goto to_vpc
}}{nat if public else ""}""")

    # The internet

    def _internet(self) -> None:
        commands = self.internet.commands
        commands += [f"addr add {address}/32 dev lo" for address in OUTSIDE]
        for vpc in self.gateways:
            commands += [f"route add {address}/32 dev {vpc}" for address in self._public_in(vpc).values()]
        commands.append("route add blackhole default")
        seen = ("net_in", "net_forward", "net_got", "net_sent")
        self.internet.script = _table(f"""{points(seen, self._echoes)}{_OPENED_ONCE}
chain prerouting {{ type filter hook prerouting priority 0; jump net_in; }}
chain forward {{ type filter hook forward priority 0; jump net_forward; }}
chain in {{ type filter hook input priority 0; jump net_got; }}
chain out {{ type filter hook output priority 0; jump net_sent; }}""")


def _acl(subnet: Subnet, egress: bool) -> str:
    """An ACL's rules in the order of their numbers; where none matches, rule * denies."""
    side = "out" if egress else "in"
    entries = sorted((e for e in subnet.acl or () if e.egress == egress), key=lambda entry: entry.number)
    lines = _lines([_entry(entry, side)] for entry in entries)
    last = "" if subnet.acl is None else f"\ngoto refuse_acl_{side}"
    return f"\nchain acl_{side}_{subnet.name} {{{lines}{last}\n}}"


def _entry(entry: Entry, side: str) -> str:
    match = _match(entry.protocol, entry.first, entry.last)
    verdict = "return" if entry.allow else f"goto refuse_acl_{side}"
    return f"ip {'daddr' if entry.egress else 'saddr'} {entry.cidr} {match} {verdict}"


def _match(protocol: str, first: int, last: int) -> str:
    if protocol == "all":
        return ""
    if protocol == "icmp":
        kind = "" if first == -1 else f" icmp type {first}"
        return f"ip protocol icmp{kind}" + ("" if last == -1 else f" icmp code {last}")
    return f"ip protocol {protocol}" + ("" if first == -1 else f" {protocol} dport {first}-{last}")


def _lines(rules: Iterable[Iterable[str]]) -> str:
    return "".join(f"\n{line}" for rule in rules for line in rule)


def _table(body: str) -> str:
    return f"table ip {TABLE} {{{body}\n}}\n"
