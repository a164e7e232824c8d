"""Peering connections: https://docs.aws.amazon.com/vpc/latest/peering/vpc-peering-basics.html

Codes: https://docs.aws.amazon.com/vpc/latest/reachability/explanation-codes.html
"""

from __future__ import annotations

import pytest

from labkit.network import echo_request
from tests.networks import ALL_ICMP, TO_1, TO_2, Build, connected, passed, route, seen, stop, two_vpcs

ONE, TWO = "10.1.15.80", "10.2.0.126"
PING = echo_request(ONE, TWO)


def test_without_a_route_the_default_route_takes_it_to_the_internet_gateway_which_drops_it() -> None:
    """The lab's failed ping. Internet gateways reject destinations in RFC 1918."""
    path = two_vpcs().trace(PING)
    assert stop(path) == "there igw-1 IGW_DESTINATION_ADDRESS_NOT_IN_RFC1918_EGRESS"
    assert seen(path) == ["eni-instance-1 egress ACCEPT"]


def test_with_one_route_the_packet_arrives_and_the_reply_is_lost() -> None:
    """To exchange traffic, the owner of each VPC adds a route.

    https://docs.aws.amazon.com/vpc/latest/peering/vpc-peering-routing.html
    """
    path = two_vpcs(TO_2).trace(PING)
    assert (path.reached, path.replied) == (True, False)
    assert path.stopped_at is not None and path.stopped_at.component == "igw-2"
    assert path.code == "IGW_DESTINATION_ADDRESS_NOT_IN_RFC1918_EGRESS"
    assert seen(path) == [
        "eni-instance-1 egress ACCEPT", "eni-instance-2 ingress ACCEPT", "-- back --", "eni-instance-2 egress ACCEPT",
    ]  # fmt: skip


def test_the_route_on_the_far_side_alone_helps_nothing() -> None:
    path = two_vpcs(None, TO_1).trace(PING)
    assert (path.reached, seen(path)) == (False, ["eni-instance-1 egress ACCEPT"])


def test_with_both_routes_the_reply_comes() -> None:
    path = connected().trace(PING)
    assert path.replied and path.stopped_at is None and path.code is None
    assert path.destination == "eni-instance-2"
    assert passed(path.forward) == [
        "instance", "security group", "network ACL", "route table", "peering connection",
        "network ACL", "security group", "instance",
    ]  # fmt: skip
    assert seen(path) == [
        "eni-instance-1 egress ACCEPT", "eni-instance-2 ingress ACCEPT", "-- back --",
        "eni-instance-2 egress ACCEPT", "eni-instance-1 ingress ACCEPT",
    ]  # fmt: skip
    assert [sighting.target for sighting in path.forward.sightings] == ["pcx-12", None]
    back = path.back
    assert back is not None and str(back.hops[0].packet) == "ICMP echo reply 10.2.0.126 → 10.1.15.80"


@pytest.mark.parametrize(
    "status", ["pending-acceptance", "initiating-request", "provisioning", "failed", "rejected", "expired", "deleted"]
)
def test_only_an_active_connection_carries_packets(status: str) -> None:
    """Lifecycle: https://docs.aws.amazon.com/vpc/latest/peering/vpc-peering-basics.html#vpc-peering-lifecycle"""
    build = connected()
    build.parts["VpcPeeringConnections"][0]["Status"]["Code"] = status
    path = build.trace(PING)
    assert (path.reached, path.code) == (False, "BAD_STATE_ROUTE")
    assert status in str(path.stopped_at)


def test_a_connection_that_is_not_there_any_more() -> None:
    build = connected()
    build.parts["VpcPeeringConnections"].clear()
    assert build.trace(PING).code == "BAD_STATE_ROUTE"


def three_vpcs() -> Build:
    """vpc-1 — vpc-2 — vpc-3, every table with every route; vpc-1 and vpc-3 are not peered."""
    build = two_vpcs(TO_2 | {"10.3.0.0/16": "pcx-12"}, TO_1 | {"10.3.0.0/16": "pcx-23"}).vpc("vpc-3", "10.3.0.0/16")
    build.subnet("subnet-3", "vpc-3", "10.3.0.0/20", {"10.2.0.0/16": "pcx-23", "10.1.0.0/16": "pcx-23"})
    build.group("sg-3", "vpc-3", [ALL_ICMP])
    build.instance("instance-3", "subnet-3", "10.3.0.9", ["sg-3"])
    build.peering("pcx-23", "vpc-2", "vpc-3")
    return build


def test_peering_is_not_transitive() -> None:
    """https://docs.aws.amazon.com/vpc/latest/peering/vpc-peering-basics.html#vpc-peering-limitations"""
    network = three_vpcs().network()
    assert network.trace(echo_request(ONE, TWO)).replied
    assert network.trace(echo_request(TWO, "10.3.0.9")).replied
    assert stop(network.trace(echo_request(ONE, "10.3.0.9"))) == "there pcx-12 PCX_REQUIRES_ADDRESS_IN_VPC_CIDR"


def test_no_way_out_through_the_internet_gateway_of_a_peer() -> None:
    """No edge to edge routing.

    https://docs.aws.amazon.com/vpc/latest/peering/vpc-peering-basics.html#vpc-peering-limitations
    """
    path = connected().routes("subnet-1", route("198.51.100.0/24", "pcx-12")).trace(echo_request(ONE, "198.51.100.1"))
    assert (path.reached, path.code) == (False, "PCX_REQUIRES_ADDRESS_IN_VPC_CIDR")
    assert seen(path) == ["eni-instance-1 egress ACCEPT"]


def test_no_way_to_a_nat_gateway_of_a_peer() -> None:
    build = connected().nat_gateway("nat-2", "subnet-2", "10.2.0.200", "54.2.2.3")
    build.routes("subnet-1", route("198.51.100.0/24", "pcx-12"))
    build.routes("subnet-2", route("198.51.100.0/24", "nat-2"))
    assert build.trace(echo_request(ONE, "198.51.100.1")).code == "PCX_REQUIRES_ADDRESS_IN_VPC_CIDR"


def test_a_peer_in_another_account_cannot_be_looked_into() -> None:
    build = two_vpcs({"10.99.0.0/16": "pcx-far"}).peering("pcx-far", "vpc-1", "vpc-of-another-account")
    path = build.trace(echo_request(ONE, "10.99.0.5"))
    assert (path.reached, path.code) == (False, "NO_POSSIBLE_DESTINATION")
    assert "another account or region" in str(path.stopped_at)


def test_ipv6_goes_over_peering_too() -> None:
    """https://docs.aws.amazon.com/vpc/latest/peering/vpc-peering-basics.html#vpc-peering-limitations"""
    build = Build()
    for n in (1, 2):
        everyone = {"IpProtocol": "58", "FromPort": -1, "ToPort": -1, "Ipv6Ranges": [{"CidrIpv6": "::/0"}]}
        build.vpc(f"vpc-{n}", f"10.{n}.0.0/16", f"2001:db8:{n}::/56")
        build.subnet(
            f"s-{n}", f"vpc-{n}", f"10.{n}.0.0/24", {f"2001:db8:{3 - n}::/56": "pcx"}, ipv6=f"2001:db8:{n}::/64"
        )
        build.group(f"sg-{n}", f"vpc-{n}", [everyone])
        build.instance(f"{n}", f"s-{n}", f"10.{n}.0.9", [f"sg-{n}"], ipv6=f"2001:db8:{n}::9")
    build.peering("pcx", "vpc-1", "vpc-2")
    path = build.trace(echo_request("2001:db8:1::9", "2001:db8:2::9"))
    assert path.replied
    assert {str(sighting.packet.src) for sighting in path.forward.sightings} == {"2001:db8:1::9"}
