"""Security groups: https://docs.aws.amazon.com/vpc/latest/userguide/security-group-rules.html

References to groups of a peer: https://docs.aws.amazon.com/vpc/latest/peering/vpc-peering-security-groups.html
"""

from __future__ import annotations

from ipaddress import ip_network
from typing import Any

import pytest

from labkit.network import Packet, Path, Permission, echo_request, permission_text, tcp, udp
from tests.networks import ALL_ICMP, ALL_TRAFFIC, Build, connected, from_group, route, seen, tcp_from

A, B = "10.0.0.10", "10.0.0.11"


def pair(ingress: list[Any], egress: list[Any] | None = None) -> Build:
    """Two instances in one subnet: a, whose group allows everything out, and b with the given rules."""
    build = Build().vpc("vpc", "10.0.0.0/16").subnet("s", "vpc", "10.0.0.0/24").group("sg-a", "vpc", [])
    build.group("sg-b", "vpc", ingress, egress)
    build.instance("a", "s", A, ["sg-a"])
    build.instance("b", "s", B, ["sg-b"])
    return build


def to_b(packet: Packet, *ingress: Any) -> Path:
    return pair(list(ingress)).trace(packet)


def test_a_new_group_lets_nothing_in_and_everything_out() -> None:
    network = pair([]).network()
    inbound = network.trace(tcp(A, B, 80))
    assert (inbound.code, seen(inbound)) == ("SG_HAS_NO_RULES", ["eni-a egress ACCEPT", "eni-b ingress REJECT"])
    outbound = network.trace(tcp(B, A, 80))
    assert seen(outbound)[0] == "eni-b egress ACCEPT"


def test_it_is_stateful_replies_pass_whatever_the_outbound_rules() -> None:
    """Responses to allowed inbound traffic may leave, and the other way round."""
    network = pair([tcp_from("0.0.0.0/0", 80)], egress=[]).network()
    assert network.trace(tcp(A, B, 80)).replied
    refused = network.trace(tcp(B, A, 80))
    assert (refused.code, seen(refused)) == ("SG_HAS_NO_RULES", ["eni-b egress REJECT"])


def test_replies_to_what_it_sent_may_come_in_without_an_inbound_rule() -> None:
    assert pair([]).rules("sg-a", [tcp_from("0.0.0.0/0", 80)], []).trace(tcp(B, A, 80)).replied


def test_the_rules_of_all_groups_count_as_one_set() -> None:
    build = pair([tcp_from("0.0.0.0/0", 80)]).group("sg-more", "vpc", [tcp_from("0.0.0.0/0", 443)], [])
    for groups in (["sg-b", "sg-more"], ["sg-more", "sg-b"]):
        build.part("eni-b")["Groups"] = [{"GroupId": group} for group in groups]
        network = build.network()
        assert network.trace(tcp(A, B, 80)).replied and network.trace(tcp(A, B, 443)).replied
        assert network.trace(tcp(A, B, 22)).code == "ENI_SG_RULES_MISMATCH"


@pytest.mark.parametrize(
    ("rule", "packet", "allowed"),
    [
        (tcp_from("0.0.0.0/0", 80), tcp(A, B, 80), True),
        (tcp_from("0.0.0.0/0", 80), tcp(A, B, 81), False),
        (tcp_from("0.0.0.0/0", 80), udp(A, B, 80), False),
        (tcp_from("0.0.0.0/0", 80), echo_request(A, B), False),
        (tcp_from("0.0.0.0/0", 1000, 2000), tcp(A, B, 999), False),
        (tcp_from("0.0.0.0/0", 1000, 2000), tcp(A, B, 1000), True),
        (tcp_from("0.0.0.0/0", 1000, 2000), tcp(A, B, 2000), True),
        (tcp_from("0.0.0.0/0", 1000, 2000), tcp(A, B, 2001), False),
        (tcp_from("0.0.0.0/0", 0, 65535), tcp(A, B, 0), True),
        (tcp_from("10.0.0.10/32", 80), tcp(A, B, 80), True),
        (tcp_from("10.0.0.12/32", 80), tcp(A, B, 80), False),
        (tcp_from("10.0.0.0/24", 80), tcp(A, B, 80), True),
        ({**tcp_from("0.0.0.0/0", 53), "IpProtocol": "udp"}, udp(A, B, 53), True),
        ({"IpProtocol": "-1", "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}, tcp(A, B, 5), True),
        ({"IpProtocol": "-1", "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}, echo_request(A, B), True),
        ({"IpProtocol": "-1", "Ipv6Ranges": [{"CidrIpv6": "::/0"}]}, echo_request(A, B), False),
        ({**tcp_from("0.0.0.0/0", 53), "IpProtocol": "17"}, udp(A, B, 53), True),
        ({"IpProtocol": "50", "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}, tcp(A, B, 53), False),
    ],
)
def test_protocol_ports_and_source(rule: dict[str, Any], packet: Packet, allowed: bool) -> None:
    path = to_b(packet, rule)
    assert path.reached == allowed
    assert path.code == (None if allowed else "ENI_SG_RULES_MISMATCH")


@pytest.mark.parametrize(
    ("icmp_type", "icmp_code", "allowed"), [(-1, -1, True), (8, -1, True), (8, 0, True), (0, -1, False), (8, 1, False)]
)
def test_icmp_rules_name_a_type_and_a_code(icmp_type: int, icmp_code: int, allowed: bool) -> None:
    """For ICMP FromPort is the type and ToPort the code, -1 all of them.

    https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_IpPermission.html
    """
    rule = {"IpProtocol": "icmp", "FromPort": icmp_type, "ToPort": icmp_code, "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}
    assert to_b(echo_request(A, B), rule).replied == allowed


def test_a_rule_may_name_a_prefix_list() -> None:
    build = pair([{"IpProtocol": "-1", "PrefixListIds": [{"PrefixListId": "pl-1"}]}])
    build.prefix_list("pl-1", "192.0.2.0/24", "10.0.0.10/32")
    assert build.trace(tcp(A, B, 80)).replied
    build.parts["PrefixLists"][0]["Entries"].pop()
    assert build.trace(tcp(A, B, 80)).code == "ENI_SG_RULES_MISMATCH"


def test_outbound_rules_name_the_destination() -> None:
    network = pair([ALL_TRAFFIC]).rules("sg-a", egress=[tcp_from("10.0.0.11/32", 443)]).network()
    assert network.trace(tcp(A, B, 443)).replied
    refused = network.trace(tcp(A, B, 80))
    assert (refused.code, seen(refused)) == ("ENI_SG_RULES_MISMATCH", ["eni-a egress REJECT"])


# References to groups


def test_a_reference_allows_the_interfaces_that_have_the_group() -> None:
    network = pair([from_group("sg-a")]).group("sg-c", "vpc", []).instance("c", "s", "10.0.0.12", ["sg-c"]).network()
    assert network.trace(tcp(A, B, 80)).replied
    assert network.trace(tcp("10.0.0.12", B, 80)).code == "ENI_SG_RULES_MISMATCH"


def test_the_rules_of_the_referenced_group_are_not_added() -> None:
    build = pair([from_group("sg-a")]).rules("sg-a", [tcp_from("0.0.0.0/0", 80)]).group("sg-c", "vpc", [])
    build.instance("c", "s", "10.0.0.12", ["sg-c"])
    assert not build.trace(tcp("10.0.0.12", B, 80)).reached


def test_an_outbound_rule_may_reference_the_destinations_group() -> None:
    network = pair([ALL_TRAFFIC]).rules("sg-a", egress=[from_group("sg-b")]).network()
    assert network.trace(tcp(A, B, 80)).replied
    assert network.trace(echo_request(A, "198.51.100.1")).code == "ENI_SG_RULES_MISMATCH"


def test_the_default_group_allows_its_own_members_only() -> None:
    """https://docs.aws.amazon.com/vpc/latest/userguide/default-security-group.html"""
    build = pair([from_group("sg-b")])
    assert not build.trace(tcp(A, B, 80)).reached
    build.part("eni-a")["Groups"] = [{"GroupId": "sg-b"}]
    assert build.trace(tcp(A, B, 80)).replied


def peered() -> Build:
    return connected().rules("sg-2", [from_group("sg-1")])


PING = echo_request("10.1.15.80", "10.2.0.126")


def test_a_reference_works_across_peering() -> None:
    build = peered()
    assert build.trace(PING).replied
    build.rules("sg-2", [ALL_TRAFFIC])
    build.rules("sg-1", egress=[from_group("sg-2")])
    assert build.trace(PING).replied


def test_a_reference_needs_an_active_peering_connection() -> None:
    build = peered().rules("sg-1", egress=[from_group("sg-2")])
    build.parts["VpcPeeringConnections"][0]["Status"]["Code"] = "deleted"
    path = build.trace(PING)
    assert (path.code, seen(path)) == ("ENI_SG_RULES_MISMATCH", ["eni-instance-1 egress REJECT"])


def test_a_reference_does_not_work_through_the_internet_gateway() -> None:
    """A reference matches the private addresses of the group's interfaces, not their public ones."""
    path = peered().trace(echo_request("10.1.15.80", "54.2.2.2"))
    assert (path.reached, path.code) == (False, "SG_REFERENCES_NOT_PRESERVED")
    assert seen(path) == ["eni-instance-1 egress ACCEPT", "eni-instance-2 ingress REJECT"]


def test_an_outbound_reference_does_not_match_a_public_address() -> None:
    path = peered().rules("sg-1", egress=[from_group("sg-2")]).trace(echo_request("10.1.15.80", "54.2.2.2"))
    assert (path.code, seen(path)) == ("SG_REFERENCES_NOT_PRESERVED", ["eni-instance-1 egress REJECT"])


def test_a_stranger_on_the_internet_is_no_case_of_a_lost_reference() -> None:
    """SG_REFERENCES_NOT_PRESERVED is about forwarded traffic whose sender has the group.

    https://docs.aws.amazon.com/vpc/latest/reachability/explanation-codes.html
    """
    assert peered().trace(echo_request("198.51.100.7", "54.2.2.2")).code == "ENI_SG_RULES_MISMATCH"


def test_a_reference_does_not_work_through_a_middlebox() -> None:
    """Each group must name the other's address or its subnet's range instead of its group."""
    build = pair([]).subnet("t", "vpc", "10.0.1.0/24").group("sg-open", "vpc", [ALL_TRAFFIC])
    build.group("sg-t", "vpc", [from_group("sg-a")])
    build.instance("box", "s", "10.0.0.99", ["sg-open"], source_dest_check=False)
    build.instance("target", "t", "10.0.1.9", ["sg-t"])
    assert build.trace(tcp(A, "10.0.1.9", 80)).replied
    build.routes("s", route("10.0.1.0/24", "eni-box"))
    build.instance("box2", "t", "10.0.1.99", ["sg-open"], source_dest_check=False)
    build.routes("s", route("10.0.1.9/32", "eni-box2"))
    path = build.trace(tcp(A, "10.0.1.9", 80))
    assert (path.reached, path.code) == (False, "SG_REFERENCES_NOT_PRESERVED")
    build.rules("sg-t", [tcp_from("10.0.0.0/24", 80)])
    assert build.trace(tcp(A, "10.0.1.9", 80)).reached


def test_the_hop_names_the_group_and_the_rule_that_allowed() -> None:
    path = to_b(tcp(A, B, 80), ALL_ICMP, tcp_from("10.0.0.0/24", 80))
    hop = next(hop for hop in path.forward.hops if hop.component == "sg-b")
    assert hop.rule == "TCP port 80 from 10.0.0.0/24"


def test_a_rule_in_words() -> None:
    for rule, egress, text in (
        (Permission(6, 0, 65535, (), ("sg-a", "sg-b"), ()), False, "TCP all ports from sg-a, sg-b"),
        (Permission(17, 53, 60, (), (), ("pl-1",)), True, "UDP ports 53-60 to pl-1"),
        (Permission(1, -1, -1, (ip_network("10.0.0.0/8"),), (), ()), False, "all ICMP from 10.0.0.0/8"),
        (Permission(1, 8, 0, (ip_network("10.0.0.0/8"),), (), ()), False, "ICMP type 8 code 0 from 10.0.0.0/8"),
        (Permission(None, -1, -1, (), (), ()), False, "all traffic"),
        (Permission(47, -1, -1, (), ("sg-a",), ()), True, "protocol 47 to sg-a"),
    ):
        assert permission_text(rule, egress) == text
