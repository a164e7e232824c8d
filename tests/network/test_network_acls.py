"""Network ACLs: https://docs.aws.amazon.com/vpc/latest/userguide/nacl-rules.html

Ephemeral ports: https://docs.aws.amazon.com/vpc/latest/userguide/custom-network-acl.html#nacl-ephemeral-ports
"""

from __future__ import annotations

from typing import Any

import pytest

from labkit.network import echo_request, tcp, udp
from tests.networks import ALL_TRAFFIC, Build, entry, icmp, ports, seen

CLIENT, SERVER = "10.0.0.10", "10.0.1.10"
ALL_OUT = entry(100, "allow", egress=True)


def client_and_server(*entries: dict[str, Any]) -> Build:
    """Two subnets with an instance each; the server's network ACL has the given entries."""
    build = Build().vpc("vpc", "10.0.0.0/16").group("sg", "vpc", [ALL_TRAFFIC]).subnet("front", "vpc", "10.0.0.0/24")
    build.subnet("back", "vpc", "10.0.1.0/24", acl=list(entries))
    build.instance("client", "front", CLIENT, ["sg"])
    build.instance("server", "back", SERVER, ["sg"])
    return build


def test_rules_are_asked_by_ascending_number_and_the_first_match_decides() -> None:
    deny, allow = entry(90, "deny", protocol="6", **ports(80, 80)), entry(100, "allow")
    for entries in ([deny, allow, ALL_OUT], [allow, ALL_OUT, deny]):
        network = client_and_server(*entries).network()
        path = network.trace(tcp(CLIENT, SERVER, 80))
        assert (path.reached, path.code) == (False, "SUBNET_ACL_RESTRICTION")
        assert path.stopped_at is not None and path.stopped_at.rule == "rule 90: deny TCP port 80 from 0.0.0.0/0"
        assert network.trace(tcp(CLIENT, SERVER, 81)).replied
    deny["RuleNumber"] = 110
    assert client_and_server(deny, allow, ALL_OUT).trace(tcp(CLIENT, SERVER, 80)).replied


@pytest.mark.parametrize("entries", [[], [entry(32767, "deny"), entry(32767, "deny", egress=True)]])
def test_what_no_rule_matches_is_denied_by_the_rule_with_the_asterisk(entries: list[dict[str, Any]]) -> None:
    """EC2 describes that rule as number 32767. A custom network ACL has only it."""
    path = client_and_server(*entries).trace(tcp(CLIENT, SERVER, 80))
    assert (path.reached, path.code) == (False, "SUBNET_ACL_RESTRICTION")
    assert path.stopped_at is not None and "rule *" in (path.stopped_at.rule or "")
    assert seen(path) == ["eni-client egress ACCEPT", "eni-server ingress REJECT"]


def test_it_is_stateless_the_reply_needs_a_rule_of_its_own() -> None:
    path = client_and_server(entry(100, "allow")).trace(tcp(CLIENT, SERVER, 80))
    assert (path.reached, path.replied, path.code) == (True, False, "SUBNET_ACL_RESTRICTION")
    assert seen(path)[-2:] == ["-- back --", "eni-server egress REJECT"]


@pytest.mark.parametrize(
    ("first", "last", "replied"),
    [(32768, 61000, True), (1024, 65535, True), (32768, 32768, True), (49152, 65535, False), (80, 80, False)],
)
def test_replies_go_to_the_clients_ephemeral_port(first: int, last: int, replied: bool) -> None:
    """Many Linux kernels use ports 32768-61000; a server's ACL must let them out. Ours starts at 32768."""
    out = entry(100, "allow", egress=True, protocol="6", **ports(first, last))
    path = client_and_server(entry(100, "allow"), out).trace(tcp(CLIENT, SERVER, 80))
    assert (path.reached, path.replied) == (True, replied)


def test_the_port_range_is_the_destinations() -> None:
    inbound = entry(100, "allow", protocol="6", **ports(40000, 40000))
    network = client_and_server(inbound, ALL_OUT).network()
    assert network.trace(tcp(CLIENT, SERVER, 40000, src_port=5)).replied
    assert not network.trace(tcp(CLIENT, SERVER, 5, src_port=40000)).reached


@pytest.mark.parametrize(
    ("rule", "tcp_80", "udp_53", "ping"),
    [
        (entry(100, "allow"), True, True, True),
        (entry(100, "allow", protocol="6"), True, False, False),
        (entry(100, "allow", protocol="6", **ports(80, 80)), True, False, False),
        (entry(100, "allow", protocol="6", **ports(81, 90)), False, False, False),
        (entry(100, "allow", protocol="17", **ports(53, 53)), False, True, False),
        (entry(100, "allow", protocol="1", **icmp(-1)), False, False, True),
        (entry(100, "allow", protocol="1", **icmp(8)), False, False, True),
        (entry(100, "allow", protocol="1", **icmp(8, 0)), False, False, True),
        (entry(100, "allow", protocol="1", **icmp(8, 3)), False, False, False),
        (entry(100, "allow", protocol="1", **icmp(0)), False, False, False),
        (entry(100, "allow", cidr="10.0.0.10/32"), True, True, True),
        (entry(100, "allow", cidr="10.0.0.11/32"), False, False, False),
        (entry(100, "allow", cidr="10.0.1.0/24"), False, False, False),
    ],
)
def test_protocol_ports_icmp_type_and_source(rule: dict[str, Any], tcp_80: bool, udp_53: bool, ping: bool) -> None:
    """https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_NetworkAclEntry.html"""
    network = client_and_server(rule, ALL_OUT).network()
    packets = tcp(CLIENT, SERVER, 80), udp(CLIENT, SERVER, 53), echo_request(CLIENT, SERVER)
    assert [network.trace(packet).reached for packet in packets] == [tcp_80, udp_53, ping]


def test_an_outbound_rule_names_the_destination_and_icmp_replies_are_type_0() -> None:
    into = entry(100, "allow")
    for rule, replied in (
        (entry(100, "allow", egress=True, protocol="1", cidr="10.0.0.0/24", **icmp(0)), True),
        (entry(100, "allow", egress=True, protocol="1", cidr="10.0.1.0/24", **icmp(0)), False),
        (entry(100, "allow", egress=True, protocol="1", cidr="10.0.0.0/24", **icmp(8)), False),
    ):
        assert client_and_server(into, rule).trace(echo_request(CLIENT, SERVER)).replied == replied


def test_ipv4_rules_do_not_match_ipv6() -> None:
    build = Build().vpc("vpc", "10.0.0.0/16", "2001:db8::/56").group("sg", "vpc", [ALL_TRAFFIC])
    for n in (1, 2):
        acl = [entry(100, "allow"), entry(100, "allow", egress=True)]
        build.subnet(f"s{n}", "vpc", f"10.0.{n}.0/24", ipv6=f"2001:db8:0:{n}::/64", acl=acl)
        build.instance(f"i{n}", f"s{n}", f"10.0.{n}.9", ["sg"], ipv6=f"2001:db8:0:{n}::9")
    network = build.network()
    assert network.trace(echo_request("10.0.1.9", "10.0.2.9")).replied
    assert network.trace(echo_request("2001:db8:0:1::9", "2001:db8:0:2::9")).code == "SUBNET_ACL_RESTRICTION"
