"""NAT gateways: https://docs.aws.amazon.com/vpc/latest/userguide/nat-gateway-basics.html

The records: https://docs.aws.amazon.com/vpc/latest/userguide/flow-logs-records-examples.html
"""

from __future__ import annotations

from ipaddress import ip_address

import pytest

from labkit.network import Packet, Path, echo_request, tcp, udp
from tests.networks import ALL_TRAFFIC, Build, entry, passed, ports, route, seen, stop

CLIENT, NAT, NAT_PUBLIC, HOST = "10.0.1.5", "10.0.0.220", "54.3.3.3", "203.0.113.5"


def behind_nat() -> Build:
    """AWS's example: an instance 10.0.1.5 in a private subnet, a NAT gateway 10.0.0.220 in a public one."""
    build = Build().vpc("vpc", "10.0.0.0/16").internet_gateway("igw-1", "vpc")
    build.subnet("public", "vpc", "10.0.0.0/24", {"0.0.0.0/0": "igw-1"})
    build.subnet("private", "vpc", "10.0.1.0/24", {"0.0.0.0/0": "nat-1"})
    build.group("sg", "vpc", [])
    build.instance("client", "private", CLIENT, ["sg"])
    build.nat_gateway("nat-1", "public", NAT, NAT_PUBLIC)
    return build


def records(path: Path) -> list[tuple[str, str, str, str, str]]:
    """interface-id srcaddr dstaddr pkt-srcaddr pkt-dstaddr, of the packet and of its reply."""
    assert path.back is not None
    sightings = path.forward.sightings + path.back.sightings
    addresses = [(s.packet.src, s.packet.dst, s.original.src, s.original.dst) for s in sightings]
    return [(s.interface, *map(str, four)) for s, four in zip(sightings, addresses, strict=True)]  # type: ignore[misc]


def test_the_records_of_awss_example() -> None:
    """Traffic through a NAT gateway: four records of its interface, two of the instance's."""
    path = behind_nat().trace(tcp(CLIENT, HOST, 443))
    assert path.replied
    found = records(path)
    assert [record[1:] for record in found if record[0] == "eni-nat-1"] == [
        (CLIENT, NAT, CLIENT, HOST),
        (NAT, HOST, NAT, HOST),
        (HOST, NAT, HOST, NAT),
        (NAT, CLIENT, HOST, CLIENT),
    ]
    assert [record[1:] for record in found if record[0] == "eni-client"] == [
        (CLIENT, HOST, CLIENT, HOST),
        (HOST, CLIENT, HOST, CLIENT),
    ]
    assert seen(path) == [
        "eni-client egress ACCEPT", "eni-nat-1 ingress ACCEPT", "eni-nat-1 egress ACCEPT", "-- back --",
        "eni-nat-1 ingress ACCEPT", "eni-nat-1 egress ACCEPT", "eni-client ingress ACCEPT",
    ]  # fmt: skip
    assert [sighting.target for sighting in path.forward.sightings] == ["nat-1", None, "igw-1"]


def test_the_host_outside_sees_the_gateways_public_address() -> None:
    path = behind_nat().trace(tcp(CLIENT, HOST, 443))
    assert str(path.forward.hops[-1].packet.src) == NAT_PUBLIC
    assert path.back is not None and str(path.back.hops[-1].packet.dst) == CLIENT


def test_what_nobody_asked_for_is_accepted_at_the_interface_and_goes_nowhere() -> None:
    """ACCEPT is the verdict of the network ACL; a NAT gateway has no security group, and drops it all the same.

    https://repost.aws/knowledge-center/vpc-analyze-inbound-traffic-nat-gateway
    """
    path = behind_nat().trace(tcp("198.51.100.7", NAT_PUBLIC, 23))
    assert (path.reached, seen(path)) == (False, ["eni-nat-1 ingress ACCEPT"])
    assert path.stopped_at is not None and path.stopped_at.kind == "NAT gateway"


def test_the_network_acl_of_its_subnet_rejects_what_it_denies() -> None:
    """https://repost.aws/knowledge-center/vpc-analyze-inbound-traffic-nat-gateway"""
    build = behind_nat().acl("public", entry(100, "deny"), entry(100, "allow", egress=True))
    path = build.trace(tcp("198.51.100.7", NAT_PUBLIC, 23))
    assert (path.code, seen(path)) == ("SUBNET_ACL_RESTRICTION", ["eni-nat-1 ingress REJECT"])


def test_replies_need_the_ephemeral_ports_open_in_the_public_subnet() -> None:
    """https://docs.aws.amazon.com/vpc/latest/userguide/nat-gateway-troubleshooting.html"""
    build = behind_nat()
    from_inside = entry(100, "allow", cidr="10.0.0.0/16")
    build.acl("public", from_inside, entry(100, "allow", egress=True))
    path = build.trace(tcp(CLIENT, HOST, 443))
    assert (path.reached, path.replied, path.code) == (True, False, "SUBNET_ACL_RESTRICTION")
    build.acl(
        "public", from_inside, entry(110, "allow", protocol="6", **ports(1024, 65535)), entry(100, "allow", egress=True)
    )
    assert build.trace(tcp(CLIENT, HOST, 443)).replied


def test_it_serves_only_sources_in_its_own_vpc() -> None:
    """https://docs.aws.amazon.com/vpc/latest/reachability/explanation-codes.html"""
    """NAT gateways transmit only what originates from network interfaces within the same VPC."""
    build = behind_nat().instance("router", "private", "10.0.1.6", ["sg"], source_dest_check=False)
    assert stop(build.trace(tcp("10.9.0.1", HOST, 443), start="eni-router")) == "there nat-1 NGW_REQUIRES_SOURCE_IN_VPC"


def test_it_takes_tcp_udp_and_icmp_alone() -> None:
    """https://docs.aws.amazon.com/vpc/latest/userguide/nat-gateway-basics.html

    The code: https://docs.aws.amazon.com/vpc/latest/reachability/explanation-codes.html
    """
    network = behind_nat().network()
    three = (tcp(CLIENT, HOST, 443), udp(CLIENT, HOST, 53), echo_request(CLIENT, HOST))
    assert all(network.trace(packet).replied for packet in three)
    gre = Packet(ip_address(CLIENT), ip_address(HOST), protocol=47)
    path = network.trace(gre)
    assert (path.reached, path.code) == (False, "PROTOCOL_RESTRICTION")
    assert "no protocol 47" in str(path.stopped_at)


def test_a_regional_gateway_is_said_not_to_be_followed() -> None:
    """It has no subnet of its own: https://docs.aws.amazon.com/vpc/latest/userguide/nat-gateways-regional.html"""
    build = behind_nat()
    gateway = build.part("nat-1")
    del gateway["SubnetId"], gateway["NatGatewayAddresses"][0]["NetworkInterfaceId"]
    gateway["AvailabilityMode"] = "regional"
    assert stop(build.trace(tcp(CLIENT, HOST, 443))) == "there nat-1 UNSUPPORTED_COMPONENT"


@pytest.mark.parametrize("state", ["pending", "failed", "deleting", "deleted"])
def test_a_gateway_that_is_not_available(state: str) -> None:
    """States: https://docs.aws.amazon.com/vpc/latest/userguide/nat-gateway-basics.html"""
    build = behind_nat()
    build.part("nat-1")["State"] = state
    path = build.trace(tcp(CLIENT, HOST, 443))
    assert (path.reached, path.code) == (False, "BAD_STATE")
    assert state in str(path.stopped_at)


def test_a_gateway_that_is_not_there() -> None:
    build = behind_nat()
    build.parts["NatGateways"].clear()
    build.parts["NetworkInterfaces"].pop()
    assert build.trace(tcp(CLIENT, HOST, 443)).code == "BAD_STATE"


def test_a_private_gateway_does_not_lead_to_the_internet() -> None:
    """Its traffic is dropped by the internet gateway: it has no public address."""
    build = behind_nat()
    build.part("nat-1")["ConnectivityType"] = "private"
    interface = build.part("eni-nat-1")
    del interface["Association"], interface["PrivateIpAddresses"][0]["Association"]
    assert build.trace(tcp(CLIENT, HOST, 443)).code == "IGW_PUBLIC_IP_ASSOCIATION_FOR_EGRESS"


def test_a_gateway_in_a_subnet_whose_default_route_is_the_gateway_itself() -> None:
    """The usual mistake: a NAT gateway must be in a public subnet. The packet goes in circles, and that ends."""
    build = behind_nat()
    build.part("rtb-public")["Routes"] = build.part("rtb-private")["Routes"]
    path = build.trace(tcp(CLIENT, HOST, 443))
    assert (path.reached, path.code) == (False, "NO_POSSIBLE_DESTINATION")
    assert "loop" in str(path.stopped_at)


def test_to_a_gateway_in_the_same_subnet_a_packet_does_not_leave_the_subnet() -> None:
    """A network ACL acts at the subnet's edge: https://docs.aws.amazon.com/vpc/latest/userguide/vpc-network-acls.html"""
    build = behind_nat().instance("neighbor", "public", "10.0.0.5", ["sg"])
    build.routes("public", route("198.51.100.0/24", "nat-1"))
    path = build.trace(tcp("10.0.0.5", "198.51.100.7", 443))
    assert passed(path.forward)[:4] == ["instance", "security group", "route table", "NAT gateway"]


def test_a_security_group_reference_does_not_survive_translation() -> None:
    build = behind_nat().group("sg-server", "vpc", [{"IpProtocol": "-1", "UserIdGroupPairs": [{"GroupId": "sg"}]}])
    build.instance("server", "public", "10.0.0.9", ["sg-server"], "54.3.3.4")
    network = build.network()
    assert network.trace(tcp(CLIENT, "10.0.0.9", 443)).replied
    assert stop(network.trace(tcp(CLIENT, "54.3.3.4", 443))) == "there sg-server SG_REFERENCES_NOT_PRESERVED"


def test_through_a_nat_gateway_to_an_instance_with_a_public_address_and_back() -> None:
    build = behind_nat().group("sg-open", "vpc", [ALL_TRAFFIC])
    build.instance("server", "public", "10.0.0.9", ["sg-open"], "54.3.3.4")
    path = build.trace(tcp(CLIENT, "54.3.3.4", 443))
    assert path.replied and path.destination == "eni-server"
    assert [str(s.packet.src) for s in path.forward.sightings if s.interface == "eni-server"] == [NAT_PUBLIC]


def test_a_client_that_calls_its_own_gateways_public_address_reaches_nobody() -> None:
    path = behind_nat().trace(tcp(CLIENT, NAT_PUBLIC, 443))
    assert not path.reached
    assert path.stopped_at is not None and path.stopped_at.component == "nat-1"


def test_ipv6_to_ipv4_translation_is_said_not_to_be_followed() -> None:
    """https://docs.aws.amazon.com/vpc/latest/userguide/nat-gateway-nat64-dns64.html"""
    build = Build().vpc("vpc", "10.0.0.0/16", "2001:db8::/56")
    build.subnet("s", "vpc", "10.0.0.0/24", {"64:ff9b::/96": "nat-1"}, ipv6="2001:db8::/64")
    build.group("sg", "vpc", [])
    build.instance("six", "s", "10.0.0.9", ["sg"], ipv6="2001:db8::9")
    build.nat_gateway("nat-1", "s", "10.0.0.220", NAT_PUBLIC)
    assert stop(build.trace(echo_request("2001:db8::9", "64:ff9b::c633:6401"))) == "there nat-1 UNSUPPORTED_COMPONENT"
