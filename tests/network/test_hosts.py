"""Hosts, appliances, addresses that are nobody's, and questions that cannot be answered."""

from __future__ import annotations

import pytest

from labkit.network import NetworkError, Packet, echo_request, tcp, udp
from labkit.network.packet import ICMP
from tests.networks import ALL_TRAFFIC, Build, connected, entry, passed, route, seen, stop, two_vpcs

A, B, BOX = "10.0.0.10", "10.0.1.10", "10.0.2.10"


def with_appliance(source_dest_check: bool) -> Build:
    """Subnets a, b and m; a and b send each other's traffic through the appliance in m."""
    build = Build().vpc("vpc", "10.0.0.0/16").group("sg", "vpc", [ALL_TRAFFIC])
    build.subnet("a", "vpc", "10.0.0.0/24", {"10.0.1.0/24": "eni-box"})
    build.subnet("b", "vpc", "10.0.1.0/24", {"10.0.0.0/24": "eni-box"})
    build.subnet("m", "vpc", "10.0.2.0/24")
    build.instance("a", "a", A, ["sg"])
    build.instance("b", "b", B, ["sg"])
    build.instance("box", "m", BOX, ["sg"], source_dest_check=source_dest_check)
    return build


# Source/destination check: https://docs.aws.amazon.com/vpc/latest/userguide/VPC_NAT_Instance.html


def test_an_appliance_forwards_once_its_check_is_off() -> None:
    path = with_appliance(False).trace(echo_request(A, B))
    assert path.replied and path.destination == "eni-b"
    assert seen(path) == [
        "eni-a egress ACCEPT", "eni-box ingress ACCEPT", "eni-box egress ACCEPT", "eni-b ingress ACCEPT", "-- back --",
        "eni-b egress ACCEPT", "eni-box ingress ACCEPT", "eni-box egress ACCEPT", "eni-a ingress ACCEPT",
    ]  # fmt: skip


def test_records_of_an_appliance_give_its_own_address_and_pkt_fields_the_packets() -> None:
    """https://docs.aws.amazon.com/vpc/latest/userguide/flow-logs-limitations.html"""
    path = with_appliance(False).trace(echo_request(A, B))
    box = [s for s in path.forward.sightings if s.interface == "eni-box"]
    assert [(str(s.packet.src), str(s.packet.dst)) for s in box] == [(A, BOX), (BOX, B)]
    assert {(str(s.original.src), str(s.original.dst)) for s in box} == {(A, B)}


def test_with_the_check_on_it_refuses_what_is_not_its_own() -> None:
    assert stop(with_appliance(True).trace(echo_request(A, B))) == "there eni-box ENI_SOURCE_DEST_CHECK_RESTRICTION"


def test_with_the_check_on_an_interface_sends_only_from_its_own_addresses() -> None:
    assert (
        stop(with_appliance(True).trace(echo_request("10.9.9.9", B), start="eni-a"))
        == "there eni-a ENI_SOURCE_DEST_CHECK_RESTRICTION"
    )


def test_the_groups_of_an_appliance_are_asked_on_the_way_in_and_on_the_way_out() -> None:
    build = with_appliance(False).group("sg-in", "vpc", [ALL_TRAFFIC], [])
    build.part("eni-box")["Groups"] = [{"GroupId": "sg-in"}]
    path = build.trace(echo_request(A, B))
    assert seen(path) == ["eni-a egress ACCEPT", "eni-box ingress ACCEPT", "eni-box egress REJECT"]


def test_to_an_appliance_in_the_same_subnet_a_packet_does_not_leave_the_subnet() -> None:
    """A network ACL acts at the subnet's edge: https://docs.aws.amazon.com/vpc/latest/userguide/vpc-network-acls.html"""
    build = with_appliance(False).instance("near", "m", "10.0.2.20", ["sg"])
    build.routes("m", route("10.0.0.10/32", "eni-box"))
    path = build.trace(echo_request("10.0.2.20", A))
    box = next(n for n, hop in enumerate(path.forward.hops) if hop.component == "i-box")
    assert "network ACL" not in passed(path.forward)[:box]


def test_a_packet_for_the_appliance_itself_arrives() -> None:
    assert with_appliance(True).trace(echo_request(A, BOX)).replied


def test_appliances_that_hand_a_packet_round_come_to_an_end() -> None:
    build = with_appliance(False).routes("m", route("10.0.1.0/24", "eni-box2"))
    build.subnet("n", "vpc", "10.0.3.0/24", {"10.0.1.0/24": "eni-box"})
    build.instance("box2", "n", "10.0.3.10", ["sg"], source_dest_check=False)
    path = build.trace(echo_request(A, B))
    assert (path.reached, path.code) == (False, "NO_POSSIBLE_DESTINATION")
    assert "loop" in str(path.stopped_at)


def test_a_route_to_an_interface_that_is_not_there() -> None:
    build = with_appliance(False).routes("a", route("10.0.1.10/32", "eni-gone"))
    assert build.trace(echo_request(A, B)).code == "BAD_STATE_ROUTE"


# Instances: https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/ec2-instance-lifecycle.html


@pytest.mark.parametrize("state", ["pending", "stopping", "stopped", "shutting-down"])
def test_only_a_running_instance_sends_and_answers(state: str) -> None:
    build = connected()
    build.parts["Reservations"][1]["Instances"][0]["State"]["Name"] = state
    network = build.network()
    to_it = network.trace(echo_request("10.1.15.80", "10.2.0.126"))
    assert (to_it.reached, to_it.code, seen(to_it)) == (False, "BAD_STATE", ["eni-instance-1 egress ACCEPT"])
    from_it = network.trace(echo_request("10.2.0.126", "10.1.15.80"))
    assert (from_it.reached, from_it.code, seen(from_it)) == (False, "BAD_STATE", [])
    assert state in str(from_it.stopped_at)


def test_a_terminated_instance_has_no_interface_any_more() -> None:
    build = connected()
    build.parts["Reservations"][1]["Instances"][0]["State"]["Name"] = "terminated"
    build.parts["NetworkInterfaces"].pop()
    network = build.network()
    assert network.trace(echo_request("10.1.15.80", "10.2.0.126")).code == "NO_POSSIBLE_DESTINATION"
    with pytest.raises(NetworkError, match=r"No interface has the address 10\.2\.0\.126"):
        network.trace(echo_request("10.2.0.126", "10.1.15.80"))


def test_nobody_answers_at_an_interface_that_is_attached_to_nothing() -> None:
    """https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_NetworkInterface.html (status)"""
    build = with_appliance(False).interface("eni-free", "b", "10.0.1.20", ["sg"])
    build.part("eni-free")["Status"] = "available"
    assert stop(build.trace(echo_request(BOX, "10.0.1.20"))) == "there eni-free BAD_STATE"


# Reserved addresses: https://docs.aws.amazon.com/vpc/latest/userguide/subnet-sizing.html
# Never captured: https://docs.aws.amazon.com/vpc/latest/userguide/flow-logs-limitations.html


@pytest.mark.parametrize(
    ("destination", "captured"),
    [
        ("10.0.0.1", False),  # the VPC's router
        ("10.0.0.2", False),  # the Amazon DNS server, which is the VPC's first address plus two
        ("10.0.0.3", True),
        ("10.0.0.255", True),
        ("10.0.1.1", False),  # the router, in the other subnet
        ("10.0.1.2", True),  # reserved too, but no DNS server
    ],
)
def test_reserved_addresses_are_nobodys_and_two_of_them_are_never_captured(destination: str, captured: bool) -> None:
    path = with_appliance(False).trace(echo_request(A, destination))
    assert not path.reached
    assert bool(path.forward.sightings) == captured


def test_the_sentence_names_a_reserved_address() -> None:
    network = with_appliance(False).network()
    for last, reserved in ((0, True), (3, True), (4, False), (254, False), (255, True)):
        path = network.trace(echo_request(BOX, f"10.0.2.{last}"))
        assert path.code == "NO_POSSIBLE_DESTINATION"
        assert ("reserves" in str(path.stopped_at)) == reserved


@pytest.mark.parametrize(
    "service", ["169.254.169.254", "169.254.169.253", "169.254.169.123", "169.254.169.250", "169.254.169.251"]
)
def test_the_services_of_the_host_are_never_captured(service: str) -> None:
    """Instance metadata, the DNS server, the time service, Windows activation."""
    path = two_vpcs().trace(tcp("10.1.15.80", service, 80))
    assert (path.code, seen(path)) == ("NO_ROUTE_TO_DESTINATION", [])


@pytest.mark.parametrize("service", ["169.254.169.254", "169.254.169.253", "169.254.169.123", "10.1.0.1", "10.1.0.2"])
def test_neither_groups_nor_network_acls_filter_what_is_never_captured(service: str) -> None:
    """The Amazon DNS server, metadata, the time service and the VPC's router.

    https://docs.aws.amazon.com/vpc/latest/userguide/VPC_Security.html
    https://docs.aws.amazon.com/vpc/latest/userguide/AmazonDNS-concepts.html
    """
    build = two_vpcs().rules("sg-1", egress=[]).acl("subnet-1", entry(100, "deny", egress=True))
    assert build.trace(udp("10.1.15.80", "10.1.0.9", 53)).code == "SG_HAS_NO_RULES"
    path = build.trace(udp("10.1.15.80", service, 53))
    assert {hop.kind for hop in path.forward.hops}.isdisjoint({"security group", "network ACL"})


# Unsupported


@pytest.mark.parametrize("target", ["tgw-1", "vgw-1", "vpce-1", "lgw-1", "cagw-1"])
def test_what_is_not_modeled_says_so(target: str) -> None:
    path = with_appliance(False).routes("a", route("198.51.100.0/24", target)).trace(echo_request(A, "198.51.100.1"))
    assert (path.reached, path.code) == (False, "UNSUPPORTED_COMPONENT")
    assert target in str(path.stopped_at)
    assert passed(path.forward)[-1].endswith("!")


# Questions that cannot be answered


def test_an_unknown_sender() -> None:
    with pytest.raises(NetworkError, match=r"No interface has the address 10\.1\.0\.99"):
        two_vpcs().trace(echo_request("10.1.0.99", "10.2.0.126"))


def test_an_unknown_sender_in_a_vpc_with_public_addresses_of_its_own() -> None:
    """A VPC may have a publicly routable block: https://docs.aws.amazon.com/vpc/latest/userguide/vpc-cidr-blocks.html"""
    build = two_vpcs().vpc("vpc-3", "198.51.0.0/16")
    with pytest.raises(NetworkError, match="vpc-3"):
        build.trace(echo_request("198.51.100.1", "54.1.1.1"))


def test_an_unknown_interface_to_start_from() -> None:
    with pytest.raises(NetworkError, match="eni-none"):
        two_vpcs().trace(echo_request("10.1.15.80", "10.2.0.126"), start="eni-none")


def test_a_public_address_is_no_source() -> None:
    """An instance knows only its private address: the internet gateway translates.

    https://docs.aws.amazon.com/vpc/latest/userguide/VPC_Internet_Gateway.html
    """
    with pytest.raises(NetworkError, match=r"use 10\.1\.15\.80"):
        two_vpcs().trace(echo_request("54.1.1.1", "10.2.0.126"))


def test_a_sender_that_is_not_the_only_one() -> None:
    build = two_vpcs().vpc("vpc-3", "10.1.0.0/16").subnet("subnet-3", "vpc-3", "10.1.0.0/20")
    build.instance("twin", "subnet-3", "10.1.15.80", [])
    network = build.network()
    with pytest.raises(NetworkError, match="start="):
        network.trace(echo_request("10.1.15.80", "10.2.0.126"))
    assert network.trace(echo_request("10.1.15.80", "10.1.15.80"), start="eni-twin").destination == "eni-twin"


@pytest.mark.parametrize("wrong", ["instance-2", "10.2.0", "10.2.0.256", "10.2.0.126/32", ""])
def test_what_is_no_address(wrong: str) -> None:
    with pytest.raises(ValueError, match="is not an IP address"):
        echo_request("10.1.15.80", wrong)


@pytest.mark.parametrize("port", [-1, 65536])
def test_what_is_no_port(port: int) -> None:
    with pytest.raises(ValueError, match="is not a port"):
        tcp("10.1.15.80", "10.2.0.126", port)


def test_a_packet_has_one_ip_version() -> None:
    with pytest.raises(ValueError, match="same version"):
        echo_request("10.1.15.80", "2001:db8::1")


def test_a_reply_swaps_the_ends() -> None:
    request = tcp("10.1.15.80", "10.2.0.126", 80)
    assert str(request.reply()) == "TCP 10.2.0.126:80 → 10.1.15.80:32768"
    assert request.reply().reply() == request
    ping = echo_request("2001:db8::1", "2001:db8::2")
    assert (ping.icmp_type, ping.reply().icmp_type) == (128, 129)
    timestamp = Packet(request.src, request.dst, ICMP, icmp_type=13)
    assert timestamp.reply().icmp_type == 13
