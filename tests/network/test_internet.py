"""Internet gateways, egress-only ones, and the internet behind them.

https://docs.aws.amazon.com/vpc/latest/userguide/VPC_Internet_Gateway.html
https://docs.aws.amazon.com/vpc/latest/userguide/egress-only-internet-gateway.html
Codes: https://docs.aws.amazon.com/vpc/latest/reachability/explanation-codes.html
"""

from __future__ import annotations

import pytest

from labkit.network import echo_request, tcp
from tests.networks import ALL_ICMP, ALL_TRAFFIC, Build, passed, seen, stop, tcp_from, two_vpcs

ONE, TWO = "10.1.15.80", "10.2.0.126"
PUBLIC_ONE, PUBLIC_TWO = "54.1.1.1", "54.2.2.2"
OUTSIDE = "198.51.100.7"


@pytest.mark.parametrize(
    ("destination", "code"),
    [
        ("10.200.0.1", "IGW_DESTINATION_ADDRESS_NOT_IN_RFC1918_EGRESS"),
        ("172.16.0.1", "IGW_DESTINATION_ADDRESS_NOT_IN_RFC1918_EGRESS"),
        ("172.31.255.254", "IGW_DESTINATION_ADDRESS_NOT_IN_RFC1918_EGRESS"),
        ("192.168.1.1", "IGW_DESTINATION_ADDRESS_NOT_IN_RFC1918_EGRESS"),
        ("100.64.0.1", "IGW_DESTINATION_ADDRESS_NOT_IN_RFC6598_EGRESS"),
        ("100.127.255.254", "IGW_DESTINATION_ADDRESS_NOT_IN_RFC6598_EGRESS"),
        ("224.0.0.251", "NO_POSSIBLE_DESTINATION"),
        ("255.255.255.255", "NO_POSSIBLE_DESTINATION"),
        ("127.0.0.1", "NO_POSSIBLE_DESTINATION"),
    ],
)
def test_it_rejects_destinations_that_no_host_on_the_internet_can_have(destination: str, code: str) -> None:
    path = two_vpcs().trace(echo_request(ONE, destination))
    assert (path.reached, path.code) == (False, code)
    assert path.stopped_at is not None and path.stopped_at.component == "igw-1"


@pytest.mark.parametrize("destination", ["172.15.255.255", "172.32.0.1", "100.63.255.255", "100.128.0.0", "8.8.8.8"])
def test_the_neighbors_of_the_private_ranges_are_public(destination: str) -> None:
    assert two_vpcs().trace(echo_request(ONE, destination)).replied


def test_it_rejects_a_source_without_a_public_address() -> None:
    path = two_vpcs().instance("hidden", "subnet-1", "10.1.0.9", ["sg-1"]).trace(echo_request("10.1.0.9", OUTSIDE))
    assert (path.reached, path.code) == (False, "IGW_PUBLIC_IP_ASSOCIATION_FOR_EGRESS")
    assert seen(path) == ["eni-hidden egress ACCEPT"]


def test_it_translates_one_to_one_both_ways() -> None:
    path = two_vpcs().trace(echo_request(ONE, OUTSIDE))
    assert path.replied and path.destination is None
    out, back = path.forward, path.back
    assert back is not None
    assert passed(out) == ["instance", "security group", "network ACL", "route table", "internet gateway", "internet"]
    assert str(out.hops[-1].packet.src) == PUBLIC_ONE
    assert str(back.hops[0].packet.dst) == PUBLIC_ONE
    assert str(back.hops[-1].packet.dst) == ONE
    # Flow logs give the private address of the interface's own end.
    assert [str(sighting.packet) for sighting in out.sightings + back.sightings] == [
        f"ICMP echo request {ONE} → {OUTSIDE}",
        f"ICMP echo reply {OUTSIDE} → {ONE}",
    ]
    assert [sighting.target for sighting in out.sightings] == ["igw-1"]


def test_a_ping_of_another_instances_public_address_goes_out_and_in_again() -> None:
    """The receiver sees the sender's public address as the source and its own private one as the destination."""
    path = two_vpcs().trace(echo_request(ONE, PUBLIC_TWO))
    assert path.replied and path.destination == "eni-instance-2"
    assert path.back is not None
    sightings = path.forward.sightings + path.back.sightings
    records = [(s.interface, str(s.packet.src), str(s.packet.dst)) for s in sightings]
    assert records == [
        ("eni-instance-1", ONE, PUBLIC_TWO),
        ("eni-instance-2", PUBLIC_ONE, TWO),
        ("eni-instance-2", TWO, PUBLIC_ONE),
        ("eni-instance-1", PUBLIC_TWO, ONE),
    ]
    gateways = [hop.component for hop in path.forward.hops if hop.kind == "internet gateway"]
    assert gateways == ["igw-1", "igw-2"]


def test_the_public_address_of_a_neighbor_in_the_subnet_is_reached_through_the_gateway() -> None:
    """The public address belongs to no block of the VPC, so the local route does not apply."""
    build = two_vpcs().instance("near", "subnet-1", "10.1.0.9", ["sg-1"], "54.1.1.2")
    path = build.trace(echo_request(ONE, "54.1.1.2"))
    assert path.replied
    assert [str(sighting.packet.src) for sighting in path.forward.sightings] == [ONE, PUBLIC_ONE]


def test_inbound_from_the_internet() -> None:
    network = two_vpcs().rules("sg-1", [tcp_from("0.0.0.0/0", 443)]).network()
    path = network.trace(tcp(OUTSIDE, PUBLIC_ONE, 443))
    assert path.replied and path.destination == "eni-instance-1"
    assert passed(path.forward) == ["internet", "internet gateway", "network ACL", "security group", "instance"]
    assert seen(path) == ["eni-instance-1 ingress ACCEPT", "-- back --", "eni-instance-1 egress ACCEPT"]
    scan = network.trace(tcp(OUTSIDE, PUBLIC_ONE, 22))
    assert (scan.reached, scan.code) == (False, "ENI_SG_RULES_MISMATCH")
    assert seen(scan) == ["eni-instance-1 ingress REJECT"]


def test_inbound_to_a_public_address_that_nobody_has() -> None:
    path = two_vpcs().trace(echo_request(OUTSIDE, "54.9.9.9"))
    assert (path.reached, path.code, seen(path)) == (False, "IGW_PRIVATE_IP_ASSOCIATION_FOR_INGRESS", [])


def test_inbound_to_a_private_address_goes_nowhere() -> None:
    assert two_vpcs().trace(echo_request(OUTSIDE, ONE)).code == "IGW_PRIVATE_IP_ASSOCIATION_FOR_INGRESS"


def test_without_a_gateway_attached_nothing_comes_in_and_nothing_goes_out() -> None:
    build = two_vpcs()
    build.parts["InternetGateways"][0]["Attachments"] = []
    network = build.network()
    inbound = network.trace(echo_request(OUTSIDE, PUBLIC_ONE))
    assert (inbound.reached, inbound.code, seen(inbound)) == (False, "IGW_PRIVATE_IP_ASSOCIATION_FOR_INGRESS", [])
    outbound = network.trace(echo_request(ONE, OUTSIDE))
    assert (outbound.reached, outbound.code) == (False, "BAD_STATE_ATTACHMENT")


def test_a_gateway_attached_to_another_vpc_does_not_serve_this_one() -> None:
    build = two_vpcs()
    build.parts["InternetGateways"][0]["Attachments"][0]["VpcId"] = "vpc-9"
    assert build.trace(echo_request(ONE, OUTSIDE)).code == "BAD_STATE_ATTACHMENT"


def test_a_public_address_without_a_default_route_lets_packets_in_and_no_reply_out() -> None:
    """A public subnet is one whose table has a route to an internet gateway.

    https://docs.aws.amazon.com/vpc/latest/userguide/configure-subnets.html
    """
    build = two_vpcs()
    build.part("rtb-subnet-1")["Routes"] = build.part("rtb-subnet-1")["Routes"][:1]
    assert stop(build.trace(echo_request(OUTSIDE, PUBLIC_ONE))) == "back rtb-subnet-1 NO_ROUTE_TO_DESTINATION"


def test_a_gateway_with_a_route_table_of_its_own_is_said_not_to_be_followed() -> None:
    """https://docs.aws.amazon.com/vpc/latest/userguide/gateway-route-tables.html"""
    build = two_vpcs()
    edge = {"RouteTableId": "rtb-edge", "VpcId": "vpc-1", "Routes": [], "Associations": [{"GatewayId": "igw-1"}]}
    build.parts["RouteTables"].append(edge)
    assert stop(build.trace(echo_request(OUTSIDE, PUBLIC_ONE))) == "there igw-1 UNSUPPORTED_COMPONENT"


# IPv6

SIX, OUTSIDE_SIX = "2600:1f18:1::9", "2606:4700::1111"


def ipv6_vpc(gateway: str) -> Build:
    """A VPC with both kinds of gateway, and an instance whose ::/0 leads to `gateway`."""
    build = Build().vpc("vpc", "10.5.0.0/16", "2600:1f18:1::/56").internet_gateway("igw-1", "vpc")
    build.egress_only_gateway("eigw-1", "vpc")
    build.subnet("s", "vpc", "10.5.0.0/24", {"::/0": gateway, "0.0.0.0/0": "igw-1"}, ipv6="2600:1f18:1::/64")
    build.group("sg", "vpc", [ALL_TRAFFIC])
    build.instance("six", "s", "10.5.0.9", ["sg"], ipv6=SIX)
    return build


def test_ipv6_is_not_translated() -> None:
    path = ipv6_vpc("igw-1").trace(echo_request(SIX, OUTSIDE_SIX))
    assert path.replied and path.back is not None
    for leg in (path.forward, path.back):
        assert {str(end) for hop in leg.hops for end in (hop.packet.src, hop.packet.dst)} == {SIX, OUTSIDE_SIX}
        assert "internet gateway" in passed(leg)


def test_ipv6_comes_in_through_an_internet_gateway() -> None:
    path = ipv6_vpc("igw-1").trace(echo_request(OUTSIDE_SIX, SIX))
    assert path.replied
    assert passed(path.forward) == ["internet", "internet gateway", "network ACL", "security group", "instance"]


def test_an_egress_only_gateway_lets_requests_out_and_their_replies_in() -> None:
    path = ipv6_vpc("eigw-1").trace(echo_request(SIX, OUTSIDE_SIX))
    assert path.replied and path.back is not None
    assert "egress-only internet gateway" in passed(path.forward)
    assert passed(path.back)[:2] == ["internet", "egress-only internet gateway"]


@pytest.mark.parametrize("with_internet_gateway", [True, False])
def test_an_egress_only_gateway_lets_nothing_new_in(with_internet_gateway: bool) -> None:
    """It prevents the internet from initiating an IPv6 connection with your instances."""
    build = ipv6_vpc("eigw-1")
    if not with_internet_gateway:
        build.parts["InternetGateways"].clear()
    path = build.trace(echo_request(OUTSIDE_SIX, SIX))
    assert (path.reached, seen(path)) == (False, [])
    assert path.code is not None and "egress-only" in str(path.stopped_at)


def test_an_egress_only_gateway_that_is_gone() -> None:
    build = ipv6_vpc("eigw-1")
    build.parts["EgressOnlyInternetGateways"].clear()
    assert build.trace(echo_request(SIX, OUTSIDE_SIX)).code == "BAD_STATE_ATTACHMENT"


def test_the_ipv4_of_a_dual_stack_instance_still_needs_a_public_address() -> None:
    assert (
        stop(ipv6_vpc("igw-1").trace(echo_request("10.5.0.9", OUTSIDE)))
        == "there igw-1 IGW_PUBLIC_IP_ASSOCIATION_FOR_EGRESS"
    )


def test_a_private_ipv6_source_does_not_pass_the_gateway() -> None:
    """https://docs.aws.amazon.com/vpc/latest/userguide/vpc-cidr-blocks.html (private IPv6 addresses)"""
    build = ipv6_vpc("igw-1")
    build.part("eni-six")["Ipv6Addresses"].append({"Ipv6Address": "fd00:1::9"})
    assert (
        stop(build.trace(echo_request("fd00:1::9", OUTSIDE_SIX))) == "there igw-1 IGW_PUBLIC_IP_ASSOCIATION_FOR_EGRESS"
    )


def test_a_unique_local_ipv6_destination_is_private() -> None:
    """RFC 4193 is IPv6's counterpart of RFC 1918."""
    assert (
        stop(ipv6_vpc("igw-1").trace(echo_request(SIX, "fd12:3456::1")))
        == "there igw-1 IGW_DESTINATION_ADDRESS_NOT_IN_RFC1918_EGRESS"
    )


def test_all_icmp_rules_do_not_cover_icmpv6() -> None:
    """ICMPv6 is protocol 58 and has rules of its own.

    https://docs.aws.amazon.com/vpc/latest/userguide/security-group-rules.html
    """
    build = ipv6_vpc("igw-1").rules("sg", [{**ALL_ICMP, "Ipv6Ranges": [{"CidrIpv6": "::/0"}]}])
    assert build.trace(echo_request(OUTSIDE_SIX, SIX)).code == "ENI_SG_RULES_MISMATCH"
