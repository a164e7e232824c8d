"""What each interface's flow log says in each situation: ACCEPT and REJECT are the verdict of groups and ACLs, no more.

https://docs.aws.amazon.com/vpc/latest/userguide/flow-logs.html
https://docs.aws.amazon.com/vpc/latest/userguide/flow-logs-records-examples.html
"""

from __future__ import annotations

import pytest

from labkit.network import echo_request
from tests.networks import Build, connected, entry, icmp, route, seen

ONE, TWO = "eni-instance-1", "eni-instance-2"
OUT, IN = f"{ONE} egress ACCEPT", f"{TWO} ingress ACCEPT"
REPLY, RETURN = f"{TWO} egress ACCEPT", f"{ONE} ingress ACCEPT"


def local_only(subnet: str) -> Build:
    """The lab with nothing but the local route in the table of a subnet."""
    build = connected()
    del build.part(f"rtb-{subnet}")["Routes"][1:]
    return build


#: The lab, changed in one place, and what the interfaces record of a ping and its reply.
SITUATIONS: dict[str, tuple[Build, list[str]]] = {
    "nothing is changed": (connected(), [OUT, IN, "-- back --", REPLY, RETURN]),
    "the receiver's group denies": (connected().rules("sg-2", []), [OUT, f"{TWO} ingress REJECT"]),
    "the receiver's ACL denies": (
        connected().acl("subnet-2", entry(100, "allow", egress=True)), [OUT, f"{TWO} ingress REJECT"]),
    "the receiver's ACL denies the reply": (
        connected().acl("subnet-2", entry(100, "allow")), [OUT, IN, "-- back --", f"{TWO} egress REJECT"]),
    "the sender's group denies": (connected().rules("sg-1", egress=[]), [f"{ONE} egress REJECT"]),
    "the sender's ACL denies": (connected().acl("subnet-1", entry(100, "allow")), [f"{ONE} egress REJECT"]),
    "the sender's ACL denies the reply": (
        connected().acl("subnet-1", entry(100, "allow", egress=True)),
        [OUT, IN, "-- back --", REPLY, f"{ONE} ingress REJECT"]),
    "no route": (local_only("subnet-1"), [OUT]),
    "a blackhole": (local_only("subnet-1").routes("subnet-1", route("10.2.0.0/16", "pcx-12!")), [OUT]),
    "the gateway drops it": (local_only("subnet-1").routes("subnet-1", route("0.0.0.0/0", "igw-1")), [OUT]),
    "no return route": (local_only("subnet-2"), [OUT, IN, "-- back --", REPLY]),
}  # fmt: skip


@pytest.mark.parametrize("situation", SITUATIONS)
def test_the_verdicts(situation: str) -> None:
    build, expected = SITUATIONS[situation]
    path = build.trace(echo_request("10.1.15.80", "10.2.0.126"))
    assert seen(path) == expected
    assert path.replied == (situation == "nothing is changed")


def home_computer() -> Build:
    """AWS's example: 203.0.113.12 pings the instance 172.31.16.139; its group allows ICMP in, and nothing out."""
    build = Build().vpc("vpc", "172.31.0.0/16").internet_gateway("igw-1", "vpc")
    build.subnet("s", "vpc", "172.31.16.0/20", {"0.0.0.0/0": "igw-1"})
    ping = {"IpProtocol": "icmp", "FromPort": -1, "ToPort": -1, "IpRanges": [{"CidrIp": "203.0.113.12/32"}]}
    build.group("sg", "vpc", [ping], egress=[])
    build.instance("i", "s", "172.31.16.139", ["sg"], "54.4.4.4")
    return build


def records(build: Build) -> list[tuple[str, str, str]]:
    path = build.trace(echo_request("203.0.113.12", "54.4.4.4"))
    sightings = path.forward.sightings + (path.back.sightings if path.back else ())
    return [(str(s.packet.src), str(s.packet.dst), s.action) for s in sightings]


def test_awss_example_of_a_security_group_and_a_network_acl() -> None:
    """Security group and network ACL rules, in the examples page: the ACL is stateless, the group is not."""
    build = home_computer().acl("s", entry(100, "allow"), entry(90, "deny", egress=True, protocol="1", **icmp(-1)))
    assert records(build) == [("203.0.113.12", "172.31.16.139", "ACCEPT"), ("172.31.16.139", "203.0.113.12", "REJECT")]


def test_awss_example_where_the_acl_permits_the_reply() -> None:
    assert records(home_computer()) == [
        ("203.0.113.12", "172.31.16.139", "ACCEPT"),
        ("172.31.16.139", "203.0.113.12", "ACCEPT"),
    ]


def test_awss_example_where_the_group_denies_the_ping() -> None:
    build = home_computer().rules("sg", [])
    assert records(build) == [("203.0.113.12", "172.31.16.139", "REJECT")]


def test_a_secondary_address_is_recorded_as_the_primary_one() -> None:
    """https://docs.aws.amazon.com/vpc/latest/userguide/flow-logs-limitations.html"""
    build = connected()
    build.part(TWO)["PrivateIpAddresses"].append({"PrivateIpAddress": "10.2.0.127", "Primary": False})
    path = build.trace(echo_request("10.1.15.80", "10.2.0.127"))
    assert path.replied and path.back is not None
    arrived, answered = path.forward.sightings[1], path.back.sightings[0]
    assert (str(arrived.packet.dst), str(arrived.original.dst)) == ("10.2.0.126", "10.2.0.127")
    assert (str(answered.packet.src), str(answered.original.src)) == ("10.2.0.126", "10.2.0.127")
    assert str(path.forward.sightings[0].packet.dst) == "10.2.0.127"
