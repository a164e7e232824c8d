"""Properties that hold for every network, held against oracles that are too simple to be wrong."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from labkit.network import NetworkError, Packet, Path, echo_request, tcp, udp
from labkit.network.filters import network_acl, security_groups
from labkit.network.parts import AclEntry, NetworkAcl, Permission, Route, RouteTable, SecurityGroup
from tests.networks import ALL_TRAFFIC, Build, entry, from_group, ports, route, tcp_from

# Few different values, so that they meet often.
address = st.builds(lambda bits: IPv4Address((10 << 24) | bits), st.integers(0, 1023))
block = st.builds(lambda at, length: ip_network((at, length), strict=False), address, st.integers(0, 32))
protocol = st.sampled_from([None, 1, 6, 17])
port = st.integers(0, 6)


@st.composite
def packets(draw: st.DrawFn) -> Packet:
    make = draw(st.sampled_from([echo_request, tcp, udp]))
    source, destination = draw(address), draw(address)
    return echo_request(source, destination) if make is echo_request else make(source, destination, draw(port))


# Route tables

routes = st.lists(st.tuples(block, st.sampled_from(["local", "igw-1", "pcx-1"]), st.booleans()), max_size=12)


@given(routes, address)
def test_a_lookup_is_the_longest_prefix(rows: list[tuple[Any, str, bool]], destination: IPv4Address) -> None:
    """https://docs.aws.amazon.com/vpc/latest/userguide/route-tables-priority.html"""
    made = [Route((cidr,), to, "active", far and to != "local", str(cidr)) for cidr, to, far in rows]
    is_local = any(one.target == "local" and destination in one.destinations[0] for one in made)
    found = RouteTable("rtb", "rtb", "vpc", tuple(made), True, (), ()).lookup(destination)

    best: tuple[int, int] | None = None  # prefix length and origin
    for length in range(33):
        shift = 32 - length
        for one in made:
            (cidr,) = one.destinations
            matches = cidr.prefixlen == length and int(cidr.network_address) >> shift == int(destination) >> shift
            if matches and not (one.propagated and is_local):
                rank = (length, 3 if one.target == "local" else 0 if one.propagated else 2)
                best = max(best or rank, rank)
    assert (found is None) == (best is None)
    if found is not None:
        (cidr,) = found.destinations
        assert (cidr.prefixlen, found.priority) == best and destination in cidr


six = st.builds(lambda bits: IPv6Address((0x2600 << 112) | bits << 48), st.integers(0, 1023))
six_block = st.builds(lambda at, length: ip_network((at, length), strict=False), six, st.integers(0, 80))
rows = st.lists(
    st.tuples(st.lists(block | six_block, min_size=1, max_size=3), st.sampled_from(["local", "igw-1"]), st.booleans()),
    max_size=8,
)


@given(rows, address | six)
def test_a_lookup_is_that_of_a_trie_over_ipv4_ipv6_and_prefix_lists(
    rows: list[tuple[list[Any], str, bool]], destination: IPv4Address | IPv6Address
) -> None:
    """https://docs.aws.amazon.com/vpc/latest/userguide/route-tables-priority.html"""
    made = []
    for number, (cidrs, to, far) in enumerate(rows):
        kept = cidrs[:1] if to == "local" else cidrs
        name = str(kept[0]) if len(kept) == 1 else f"pl-{number}"
        made.append(Route(tuple(kept), to, "active", far and to != "local" and len(kept) == 1, name))

    # A node is the bits so far, with the version before them; the deepest one on the way that bears a route wins.
    def bits(value: Any, length: int) -> str:
        return f"{value.version}:" + f"{int(value):0{value.max_prefixlen}b}"[:length]

    trie: dict[str, list[Route]] = {}
    for one in made:
        for cidr in one.destinations:
            trie.setdefault(bits(cidr.network_address, cidr.prefixlen), []).append(one)
    way = [trie.get(bits(destination, length), []) for length in range(destination.max_prefixlen + 1)]
    if any(one.target == "local" for found in way for one in found):
        way = [[one for one in found if not one.propagated] for found in way]
    deepest = next((found for found in reversed(way) if found), [])

    found = RouteTable("rtb", "rtb", "vpc", tuple(made), True, (), ()).lookup(destination)
    assert (found is None) == (not deepest)
    if found is not None:
        assert found in deepest
        ranks = {"local": 3, "static": 2, "list": 1, "propagated": 0}
        kinds = [
            "local" if r.target == "local" else "propagated" if r.propagated else "list" if r.destination[:2] == "pl"
            else "static"
            for r in (found, *deepest)
        ]  # fmt: skip
        assert ranks[kinds[0]] == max(ranks[kind] for kind in kinds)


# Security groups

permission = st.builds(
    lambda protocol, first, more, cidr, group: Permission(
        protocol, first if protocol in (6, 17) else -1, first + more if protocol in (6, 17) else -1, (cidr,), group, ()
    ),
    protocol, port, st.integers(0, 3), block, st.sampled_from([(), ("sg-x",)]),
)  # fmt: skip
group = st.builds(
    lambda n, ingress, egress: SecurityGroup(f"sg-{n}", f"sg-{n}", "vpc", tuple(ingress), tuple(egress)),
    st.integers(0, 9), st.lists(permission, max_size=3), st.lists(permission, max_size=3),
)  # fmt: skip
peers = st.sampled_from([frozenset(), frozenset({"sg-x"})])


def allows(groups: list[SecurityGroup], egress: bool, packet: Packet, peer: frozenset[str]) -> bool:
    return security_groups(groups, egress, packet, peer, frozenset(), {}).outcome.passes


@given(st.lists(group, max_size=4), st.booleans(), packets(), peers, st.randoms())
def test_the_union_of_groups_does_not_depend_on_their_order(
    groups: list[SecurityGroup], egress: bool, packet: Packet, peer: frozenset[str], random: Any
) -> None:
    shuffled = list(groups)
    random.shuffle(shuffled)
    assert allows(groups, egress, packet, peer) == allows(shuffled, egress, packet, peer)
    assert allows(groups, egress, packet, peer) == any(allows([one], egress, packet, peer) for one in groups)


@given(st.lists(group, max_size=4), st.booleans(), packets(), peers)
def test_groups_allow_what_any_of_their_rules_names(
    groups: list[SecurityGroup], egress: bool, packet: Packet, peer: frozenset[str]
) -> None:
    """https://docs.aws.amazon.com/vpc/latest/userguide/security-group-rules.html"""
    end = int(packet.dst if egress else packet.src)
    expected = False
    for one in groups:
        for rule in one.egress if egress else one.ingress:
            (cidr,) = rule.cidrs
            inside = int(cidr.network_address) <= end <= int(cidr.broadcast_address)
            named = "sg-x" in rule.groups and "sg-x" in peer
            covered = rule.protocol is None or (
                rule.protocol == packet.protocol
                and (packet.protocol == 1 or packet.dst_port in range(rule.from_port, rule.to_port + 1))
            )
            expected = expected or (covered and (inside or named))
    assert allows(groups, egress, packet, peer) == expected


@given(st.lists(group, max_size=3), group, st.booleans(), packets(), peers)
def test_one_more_group_never_takes_away(
    groups: list[SecurityGroup], more: SecurityGroup, egress: bool, packet: Packet, peer: frozenset[str]
) -> None:
    """Rules only ever allow: https://docs.aws.amazon.com/vpc/latest/userguide/security-group-rules.html"""
    if allows(groups, egress, packet, peer):
        assert allows([*groups, more], egress, packet, peer)


# Network ACLs

entries = st.lists(
    st.builds(
        lambda number, egress, allow, protocol, cidr, first, more: AclEntry(
            number, egress, allow, protocol, cidr,
            *((first, first + more) if protocol in (6, 17) else (-1, -1)),
        ),
        st.integers(1, 50), st.booleans(), st.booleans(), protocol, block, port, st.integers(0, 3),
    ),
    max_size=10, unique_by=lambda one: (one.number, one.egress),
)  # fmt: skip


@given(entries, st.booleans(), packets())
def test_a_network_acl_is_the_first_match_by_number(found: list[AclEntry], egress: bool, packet: Packet) -> None:
    """https://docs.aws.amazon.com/vpc/latest/userguide/nacl-rules.html"""
    allowed = False
    for number in range(1, 51):
        here = [one for one in found if one.number == number and one.egress == egress]
        peer = packet.dst if egress else packet.src
        if here and peer in here[0].cidr and here[0].protocol in (None, packet.protocol):
            first, last = here[0].from_port, here[0].to_port
            if first == -1 or packet.dst_port in range(first, last + 1):
                allowed = here[0].allow
                break
    acl = NetworkAcl("acl", "acl", tuple(sorted(found, key=lambda one: one.number)), ("s",))
    assert network_acl(acl, egress, packet).outcome.passes == allowed


@given(entries, st.booleans(), packets(), st.randoms())
def test_the_order_in_which_an_acl_is_described_means_nothing(
    found: list[AclEntry], egress: bool, packet: Packet, random: Any
) -> None:
    """https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_NetworkAcl.html"""
    described = [
        entry(
            one.number,
            "allow" if one.allow else "deny",
            one.egress,
            str(one.protocol or -1),
            str(one.cidr),
            **({} if one.from_port == -1 else ports(one.from_port, one.to_port)),
        )
        for one in found
    ]
    random.shuffle(described)
    build = Build().vpc("vpc", "10.0.0.0/16").subnet("s", "vpc", "10.0.0.0/24", acl=described)
    in_order = NetworkAcl("acl-s", "acl-s", tuple(sorted(found, key=lambda one: one.number)), ("s",))
    read = build.network().network_acl_of("s")
    assert network_acl(read, egress, packet) == network_acl(in_order, egress, packet)


# Whole networks

OUTSIDE = ["198.51.100.7", "203.0.113.5"]
TARGETS = [
    "igw-0", "igw-1", "pcx-0", "pcx-1", "nat-0", "nat-1", "eni-0", "eni-1", "eni-2", "eni-gone", "tgw-1", "pcx-0!",
]  # fmt: skip


@st.composite
def networks(draw: st.DrawFn) -> Build:
    """Up to three VPCs in which everything may be wrong: routes, peerings, gateways, groups, ACLs, states."""
    build = Build()
    number = draw(st.integers(1, 3))
    destinations = ["0.0.0.0/0", "10.0.0.0/8", *(f"10.{n}.{m}.0/24" for n in range(3) for m in (0, 1)), "54.0.0.0/8"]
    rules = [ALL_TRAFFIC, from_group("sg-0"), from_group("sg-1"), tcp_from("10.0.0.0/9", 80), tcp_from("0.0.0.0/0", 22)]
    acl = [
        entry(100, "allow"), entry(100, "allow", egress=True), entry(50, "deny", cidr="10.1.0.0/16"),
        entry(60, "allow", egress=True, protocol="6", **ports(32768, 60999)),
        entry(70, "deny", egress=True, protocol="1"),
    ]  # fmt: skip
    count = 0
    for n in range(number):
        build.vpc(f"vpc-{n}", f"10.{draw(st.sampled_from([n, n, n, 0]))}.0.0/16")
        cidr = build.part(f"vpc-{n}")["CidrBlockAssociationSet"][0]["CidrBlock"]
        ingress, egress = draw(st.lists(st.sampled_from(rules), max_size=3)), draw(st.none() | st.just([]))
        build.group(f"sg-{n}", f"vpc-{n}", ingress, egress)
        if draw(st.booleans()):
            build.internet_gateway(f"igw-{n}", f"vpc-{n}")
        for m in range(draw(st.integers(1, 2))):
            subnet = f"s-{n}-{m}"
            table = draw(st.dictionaries(st.sampled_from(destinations), st.sampled_from(TARGETS), max_size=4))
            own = draw(st.none() | st.lists(st.sampled_from(acl), unique_by=lambda e: (e["RuleNumber"], e["Egress"])))
            build.subnet(subnet, f"vpc-{n}", cidr.replace("0.0/16", f"{m}.0/24"), acl=own)
            build.routes(subnet, *(route(*row) for row in table.items()))
            for k in range(draw(st.integers(0, 2))):
                public = draw(st.none() | st.just(f"54.0.0.{count}"))
                state = draw(st.sampled_from(["running"] * 5 + ["stopped"]))
                build.instance(
                    str(count), subnet, cidr.replace("0.0/16", f"{m}.{10 + k}"), [f"sg-{n}"], public,
                    state=state, source_dest_check=draw(st.booleans()),
                )  # fmt: skip
                count += 1
        if draw(st.booleans()):
            public = draw(st.none() | st.just(f"54.1.0.{n}"))
            build.nat_gateway(f"nat-{n}", f"s-{n}-0", cidr.replace("0.0/16", "0.200"), public)
    for n in range(number - 1):
        status = draw(st.sampled_from(["active", "active", "active", "deleted", "pending-acceptance"]))
        build.peering(f"pcx-{n}", f"vpc-{n}", f"vpc-{n + 1}", status)
    return build


@st.composite
def traces(draw: st.DrawFn) -> tuple[Build, Path | None]:
    build = draw(networks())
    network = build.network()
    ends = [str(end) for one in network.interfaces.values() for end in (*one.addresses, *one.public.values())]
    ends += [*OUTSIDE, "10.0.0.1", "10.0.0.77", "10.2.0.10", "192.168.0.1"]
    source, destination = draw(st.sampled_from(ends)), draw(st.sampled_from(ends))
    packet = draw(st.sampled_from([echo_request(source, destination), tcp(source, destination, 80)]))
    start = draw(st.none() | st.sampled_from([*network.interfaces, "eni-gone"]))
    try:
        return build, network.trace(packet, start)
    except NetworkError:
        return build, None


@settings(max_examples=400, deadline=None)
@given(traces())
def test_every_trace_of_every_network(traced: tuple[Build, Path | None]) -> None:
    """It ends, raises nothing but NetworkError, and its parts agree with each other."""
    _, path = traced
    if path is None:
        return
    assert (path.back is not None) == path.reached
    assert path.stopped_at is None if path.replied else path.stopped_at is not None
    legs = [path.forward] + ([path.back] if path.back else [])
    for leg in legs:
        assert leg.hops
        assert all(hop.passes for hop in leg.hops[:-1])
        assert leg.hops[-1].passes == leg.arrived
        assert leg.arrived or leg.hops[-1].code is not None
        assert [hop for hop in leg.hops if hop.code] == ([] if leg.arrived else [leg.hops[-1]])
        for before, sighting in zip((None, *leg.sightings), leg.sightings, strict=False):
            if sighting.direction == "ingress" and before is None:
                assert leg.hops[0].kind == "internet"
            elif sighting.direction == "ingress" and before is not None:
                # An interface may meet its own packet again: over its public address, or where a route leads to itself.
                again = (before.target or "").startswith(("igw-", "nat-", "eni-"))
                assert before.direction == "egress" and (before.interface != sighting.interface or again)
            elif before is not None:
                assert (before.direction, before.interface) == ("ingress", sighting.interface)
            if before is not None:
                assert before.action == "ACCEPT"  # a REJECT is the last that is seen of a packet
            assert sighting.action == "ACCEPT" or not leg.arrived


@settings(max_examples=50, deadline=None)
@given(traces())
def test_the_same_question_has_the_same_answer(traced: tuple[Build, Path | None]) -> None:
    build, path = traced
    if path is not None and path.forward.sightings and path.forward.sightings[0].direction == "egress":
        first = path.forward.sightings[0].interface
        assert build.trace(path.packet, first) == path


@settings(max_examples=100, deadline=None)
@given(traces())
def test_both_forms_show_every_hop(traced: tuple[Build, Path | None]) -> None:
    _, path = traced
    if path is None:
        return
    hops = path.forward.hops + (path.back.hops if path.back else ())
    assert len(str(path).splitlines()) == len(hops) + 2
    assert path._repr_html_().count("<tr>") == len(hops) + 1
    assert ip_address(str(path.packet.src)) == path.packet.src
