"""Which route applies, and what happens inside one VPC.

Route priority: https://docs.aws.amazon.com/vpc/latest/userguide/route-tables-priority.html
Main and associated tables: https://docs.aws.amazon.com/vpc/latest/userguide/subnet-route-tables.html
"""

from __future__ import annotations

from ipaddress import ip_address

import pytest

from labkit.network import echo_request
from tests.networks import ALL_ICMP, Build, entry, passed, route, seen, stop

DESTINATION = ip_address("172.31.0.77")
PROPAGATED = "EnableVgwRoutePropagation"


def one_vpc() -> Build:
    """A VPC 10.0.0.0/16 with a subnet a (an instance a, and b beside it) and a subnet c (an instance c)."""
    build = Build().vpc("vpc", "10.0.0.0/16").group("sg", "vpc", [ALL_ICMP])
    for subnet, cidr, names in (("a", "10.0.1.0/24", "ab"), ("c", "10.0.2.0/24", "c")):
        build.subnet(subnet, "vpc", cidr)
        for name in names:
            build.instance(name, subnet, f"{cidr[:7]}{10 + ord(name) - ord('a')}", ["sg"])
    return build


A, B, C = "10.0.1.10", "10.0.1.11", "10.0.2.12"


def target_for(*routes: dict[str, object], prefix_list: tuple[str, ...] = ()) -> str | None:
    build = one_vpc()
    if prefix_list:
        build.prefix_list("pl-1", *prefix_list)
    build.routes("a", *routes)
    found = build.network().route_table_of("a").lookup(DESTINATION)
    return found.target if found else None


def test_the_longest_prefix_wins_in_whatever_order_the_routes_stand() -> None:
    """AWS's example: 172.31.0.0/16 to a peering connection beats 0.0.0.0/0 to an internet gateway."""
    routes = [route("0.0.0.0/0", "igw-1"), route("172.31.0.0/16", "pcx-1"), route("172.31.0.0/24", "nat-1")]
    assert target_for(*routes) == target_for(*reversed(routes)) == "nat-1"
    assert target_for(*routes[:2]) == "pcx-1"
    assert target_for(routes[0]) == "igw-1"
    assert target_for() is None


def test_ipv4_and_ipv6_routes_are_independent_of_each_other() -> None:
    table = one_vpc().routes("a", route("0.0.0.0/0", "igw-1"), route("::/0", "eigw-1")).network().route_table_of("a")
    assert [found.target for a in ("198.51.100.1", "2001:db8::1") if (found := table.lookup(ip_address(a)))] == [
        "igw-1",
        "eigw-1",
    ]


def test_at_equal_length_a_static_route_beats_a_propagated_one() -> None:
    """AWS's example: 172.31.0.0/24 static to an internet gateway, and propagated from a virtual private gateway."""
    propagated = route("172.31.0.0/24", "vgw-1", origin=PROPAGATED)
    static = route("172.31.0.0/24", "igw-1")
    assert target_for(propagated, static) == target_for(static, propagated) == "igw-1"


def test_a_more_specific_propagated_route_beats_a_static_one() -> None:
    assert target_for(route("172.31.0.0/24", "vgw-1", origin=PROPAGATED), route("172.31.0.0/16", "igw-1")) == "vgw-1"


def test_the_local_route_beats_a_propagated_one_even_where_that_is_more_specific() -> None:
    """https://docs.aws.amazon.com/vpn/latest/s2svpn/vpn-route-priority.html"""
    build = one_vpc()
    build.routes("a", *(route(block, "vgw-1", origin=PROPAGATED) for block in ("10.0.2.0/24", "10.0.0.0/16")))
    found = build.network().route_table_of("a").lookup(ip_address(C))
    assert found is not None and found.target == "local"


def test_at_equal_length_the_local_route_comes_first() -> None:
    """EC2 refuses a second route to the VPC's own block; should it ever describe one, traffic stays local."""
    build = one_vpc().routes("a", route("10.0.0.0/16", "pcx-1"), route("10.0.0.0/16", "vgw-1", origin=PROPAGATED))
    found = build.network().route_table_of("a").lookup(ip_address(C))
    assert found is not None and found.target == "local"


def test_a_static_route_more_specific_than_the_local_one_applies() -> None:
    """Traffic between subnets may be sent through a middlebox.

    https://docs.aws.amazon.com/vpc/latest/userguide/subnet-route-tables.html
    """
    found = one_vpc().routes("a", route("10.0.2.0/24", "eni-b")).network().route_table_of("a").lookup(ip_address(C))
    assert found is not None and found.target == "eni-b"


def test_a_prefix_list_stands_for_each_of_its_blocks() -> None:
    """https://docs.aws.amazon.com/vpc/latest/userguide/managed-prefix-lists.html"""
    blocks = ("192.0.2.0/24", "172.31.0.0/20")
    assert target_for(route("pl-1", "pcx-1"), prefix_list=blocks) == "pcx-1"
    assert target_for(route("pl-1", "pcx-1"), prefix_list=blocks[:1]) is None
    assert target_for(route("pl-1", "pcx-1"), route("172.31.0.0/16", "igw-1"), prefix_list=blocks) == "pcx-1"


def test_at_equal_length_static_comes_before_prefix_list_before_propagated() -> None:
    """The page's summary: longest prefix, static routes, prefix list routes, propagated routes."""
    static = route("172.31.0.0/20", "igw-1")
    listed = route("pl-1", "pcx-1")
    propagated = route("172.31.0.0/20", "vgw-1", origin=PROPAGATED)
    for routes in ([static, listed, propagated], [propagated, listed, static]):
        assert target_for(*routes, prefix_list=("172.31.0.0/20",)) == "igw-1"
    for routes in ([listed, propagated], [propagated, listed]):
        assert target_for(*routes, prefix_list=("172.31.0.0/20",)) == "pcx-1"


def test_a_subnet_without_a_table_of_its_own_uses_the_main_one() -> None:
    build = one_vpc()
    build.part("rtb-c")["Associations"] = [{"Main": True}]
    network = build.network()
    assert network.route_table_of("c").id == "rtb-c"
    assert network.route_table_of("a").id == "rtb-a"
    build.part("rtb-a")["Associations"] = []
    assert build.network().route_table_of("a").id == "rtb-c"


def test_a_blackhole_that_wins_drops_the_packet_though_a_shorter_route_would_do() -> None:
    """State blackhole: the target is not available. No fallback (modeled).

    https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_Route.html
    """
    build = one_vpc().internet_gateway("igw-1", "vpc")
    build.routes("a", route("198.51.100.0/24", "pcx-gone!"), route("0.0.0.0/0", "igw-1"))
    path = build.trace(echo_request(A, "198.51.100.1"))
    assert stop(path) == "there rtb-a BAD_STATE_ROUTE"
    assert "198.51.100.0/24 → pcx-gone" in (path.stopped_at.rule or "")
    assert seen(path) == ["eni-a egress ACCEPT"]


@pytest.mark.parametrize("service", ["169.254.169.254", "169.254.168.1", "169.254.171.255", "fd00:ec2::254"])
def test_no_route_leads_to_the_services_of_the_host(service: str) -> None:
    """A larger block may contain 169.254.168.0/22 or fd00:ec2::/32; packets to these are not forwarded.

    https://docs.aws.amazon.com/vpc/latest/userguide/subnet-route-tables.html
    """
    build = one_vpc().routes("a", route("0.0.0.0/0", "igw-1"), route("169.254.0.0/16", "eni-b"), route("::/0", "igw-1"))
    table = build.network().route_table_of("a")
    assert table.lookup(ip_address(service)) is None
    assert table.lookup(ip_address("169.254.172.0")) is not None


def test_no_route() -> None:
    path = one_vpc().trace(echo_request(A, "198.51.100.1"))
    assert (path.reached, path.back, path.code) == (False, None, "NO_ROUTE_TO_DESTINATION")
    assert path.stopped_at is not None and path.stopped_at.kind == "route table"
    assert seen(path) == ["eni-a egress ACCEPT"]


def test_within_a_subnet_neither_the_network_acl_nor_the_route_table_is_asked() -> None:
    """A network ACL acts only where traffic enters or leaves the subnet.

    https://docs.aws.amazon.com/vpc/latest/userguide/vpc-network-acls.html
    """
    build = one_vpc().acl("a", entry(1, "deny"), entry(1, "deny", egress=True))
    build.part("rtb-a")["Routes"] = []
    path = build.trace(echo_request(A, B))
    assert path.replied
    assert passed(path.forward) == ["instance", "security group", "security group", "instance"]
    assert seen(path) == [
        "eni-a egress ACCEPT", "eni-b ingress ACCEPT", "-- back --", "eni-b egress ACCEPT", "eni-a ingress ACCEPT",
    ]  # fmt: skip


def test_between_subnets_the_network_acls_of_both_are_asked_and_the_local_route_leads() -> None:
    """https://docs.aws.amazon.com/vpc/latest/userguide/infrastructure-security.html"""
    path = one_vpc().trace(echo_request(A, C))
    assert path.replied
    assert passed(path.forward) == [
        "instance", "security group", "network ACL", "route table", "network ACL", "security group", "instance",
    ]  # fmt: skip
    assert [hop.component for hop in path.forward.hops if hop.kind == "network ACL"] == ["acl-a", "acl-c"]
    assert [sighting.target for sighting in path.forward.sightings] == ["local", None]


@pytest.mark.parametrize(
    ("subnet", "egress", "there", "back"),
    [
        ("a", True, ["eni-a egress REJECT"], []),
        ("c", False, ["eni-a egress ACCEPT", "eni-c ingress REJECT"], []),
        ("c", True, ["eni-a egress ACCEPT", "eni-c ingress ACCEPT"], ["eni-c egress REJECT"]),
        ("a", False, ["eni-a egress ACCEPT", "eni-c ingress ACCEPT"], ["eni-c egress ACCEPT", "eni-a ingress REJECT"]),
    ],
)
def test_each_of_the_four_checks_of_network_acls(subnet: str, egress: bool, there: list[str], back: list[str]) -> None:
    build = one_vpc().acl(subnet, entry(100, "deny", egress=egress), entry(100, "allow", egress=not egress))
    path = build.trace(echo_request(A, C))
    assert (path.replied, path.code) == (False, "SUBNET_ACL_RESTRICTION")
    assert path.stopped_at is not None and path.stopped_at.component == f"acl-{subnet}"
    assert seen(path) == there + (["-- back --", *back] if back else [])


def test_an_instance_reaches_itself_without_a_sighting() -> None:
    path = one_vpc().trace(echo_request(A, A))
    assert path.replied
    assert seen(path) == ["-- back --"]


def test_an_address_that_nobody_has() -> None:
    path = one_vpc().trace(echo_request(A, "10.0.2.200"))
    assert (path.code, seen(path)) == ("NO_POSSIBLE_DESTINATION", ["eni-a egress ACCEPT"])


def test_a_second_block_of_the_vpc_has_a_local_route_of_its_own() -> None:
    """https://docs.aws.amazon.com/vpc/latest/userguide/vpc-cidr-blocks.html"""
    build = one_vpc()
    block = {"CidrBlock": "100.64.0.0/16", "CidrBlockState": {"State": "associated"}}
    build.part("vpc")["CidrBlockAssociationSet"].append(block)
    build.subnet("d", "vpc", "100.64.1.0/24")
    build.instance("d", "d", "100.64.1.10", ["sg"])
    build.routes("a", route("100.64.0.0/16", "local"))
    assert build.trace(echo_request(A, "100.64.1.10")).replied
