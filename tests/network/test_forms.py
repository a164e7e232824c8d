"""What a person sees of a path, and what the room needs to be imported."""

from __future__ import annotations

import ast
import pathlib
import re
import subprocess
import sys
from html.parser import HTMLParser
from ipaddress import ip_address
from types import SimpleNamespace

import labkit.network
from labkit.network import ComponentKind, Hop, Outcome, Path, Translation, echo_request
from tests.networks import behind_nat, connected, route, two_vpcs

VIA_NAT = route("198.51.100.7/32", "nat-1")
PING = echo_request("10.1.15.80", "10.2.0.126")


def failed_ping() -> Path:
    return two_vpcs().trace(PING)


def test_the_text_of_the_labs_failed_ping() -> None:
    lines = str(failed_ping()).splitlines()
    assert lines[0] == "ICMP echo request 10.1.15.80 → 10.2.0.126"
    steps = [line.split()[:3] for line in lines[1:-1]]
    assert steps == [["there", str(n), "✓"] for n in (1, 2, 3, 4)] + [["there", "5", "✗"]]
    assert "internet gateway igw-1" in lines[-2]
    assert lines[-2].endswith("[IGW_DESTINATION_ADDRESS_NOT_IN_RFC1918_EGRESS]")
    assert "10.2.0.126" in lines[-2] and "lacks a route" in lines[-2]
    assert lines[-1] == "The packet never arrives."


def test_the_text_names_every_hop_of_both_ways() -> None:
    path = connected().trace(PING)
    assert path.back is not None
    lines = str(path).splitlines()
    for line, hop in zip(lines[1:-1], path.forward.hops + path.back.hops, strict=True):
        assert hop.name in line and hop.kind in line and hop.sentence in line
    ways = [line.split()[0] for line in lines[1:-1]]
    assert ways == ["there"] * len(path.forward.hops) + ["back"] * len(path.back.hops)
    assert lines[-1] == "The packet arrives and the reply comes back."


def test_the_verdict_of_a_lost_reply() -> None:
    path = two_vpcs({"10.2.0.0/16": "pcx-12"}).trace(PING)
    assert str(path).endswith("The packet arrives, but its reply is lost on the way back.")


def test_a_hop_carries_what_decided_and_what_its_interface_saw() -> None:
    network = connected().network()
    path = network.trace_between("instance-1", "instance-2")
    groups, acls = network.security_groups, network.network_acls
    assert [(hop.kind, hop.direction, hop.decided_by) for hop in path.forward.hops] == [
        (ComponentKind.INSTANCE, None, None),
        (ComponentKind.SECURITY_GROUP, "egress", groups["sg-1"].egress[0]),
        (ComponentKind.NETWORK_ACL, "egress", next(one for one in acls["acl-subnet-1"].entries if one.egress)),
        (ComponentKind.ROUTE_TABLE, None, network.route_tables["rtb-subnet-1"].lookup(PING.dst)),
        (ComponentKind.PEERING_CONNECTION, None, network.peering_connections["pcx-12"]),
        (ComponentKind.NETWORK_ACL, "ingress", next(one for one in acls["acl-subnet-2"].entries if not one.egress)),
        (ComponentKind.SECURITY_GROUP, "ingress", groups["sg-2"].ingress[0]),
        (ComponentKind.INSTANCE, None, None),
    ]
    saw = [[sighting.interface for sighting in hop.sightings] for hop in path.forward.hops]
    assert saw == [[], [], ["eni-instance-1"], [], [], [], ["eni-instance-2"], []]
    out = network.trace(echo_request("10.1.15.80", "198.51.100.7")).forward.hops[-2]
    assert out.decided_by == Translation(ip_address("10.1.15.80"), ip_address("54.1.1.1"))


def test_an_interface_without_filters_sees_the_packet_where_it_is_handled() -> None:
    """A NAT gateway has no security group, and a client in its own subnet crosses no network ACL."""
    build = behind_nat().instance("near", "subnet-public", "10.1.0.20", ["sg-1"]).routes("subnet-public", VIA_NAT)
    path = build.trace(echo_request("10.1.0.20", "198.51.100.7"))
    hop = next(hop for hop in path.forward.hops if hop.interface == "eni-nat-1")
    assert hop.kind is ComponentKind.NAT_GATEWAY
    assert [sighting.direction for sighting in hop.sightings] == ["ingress", "egress"]


def test_every_outcome_has_its_sentence() -> None:
    by = SimpleNamespace(state="stopped", status="deleted", before="a", after="b", destination="10.0.0.0/8")
    for outcome in Outcome:
        sentence = Hop(ComponentKind.OTHER, "id", "name", PING, outcome, by, "other").sentence  # type: ignore[arg-type]
        assert sentence and "{" not in sentence


def test_a_statement_begins_with_a_capital_unless_that_is_a_name() -> None:
    hops = connected().trace(PING).forward.hops
    assert hops[2].statement == "Outbound rule 100: allow all traffic to 0.0.0.0/0."
    assert hops[-1].statement == "Gets the packet."
    nobody, closed = two_vpcs().trace(echo_request("10.1.15.80", "10.1.0.77")), two_vpcs().rules("sg-1", egress=[])
    assert nobody.forward.hops[-1].statement == "No network interface in vpc-1 has the address 10.1.0.77."
    assert closed.trace(PING).forward.hops[-1].statement == "It has no outbound rules, so nothing is allowed."
    without = two_vpcs().but(lambda build: build.parts["InternetGateways"].clear())
    inbound = without.trace(echo_request("198.51.100.7", "54.1.1.1")).forward.hops[-1]
    assert inbound.statement == "vpc-1 has no internet gateway: nothing from the internet gets in."


class _Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.open: list[str] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: object) -> None:
        self.tags.append(tag)
        self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data + "\n"


def test_the_html_is_a_table_with_a_row_for_every_hop() -> None:
    path = failed_ping()
    html = _Tags()
    html.feed(path._repr_html_())
    assert html.open == []
    assert html.tags.count("tr") == len(path.forward.hops) + 1
    assert all(hop.sentence in html.text for hop in path.forward.hops)
    assert path.code in html.text.split("\n")


def test_names_are_escaped() -> None:
    build = two_vpcs()
    for part in (build.parts["InternetGateways"][0], build.part("rtb-subnet-1")):
        part["Tags"] = [{"Key": "Name", "Value": "<script>alert(1)</script>"}]
    path = build.trace(PING)
    html = _Tags()
    html.feed(path._repr_html_())
    assert "script" not in html.tags
    assert html.text.count("<script>alert(1)</script>") >= 2


def test_a_name_tag_is_shown_and_the_id_where_there_is_none() -> None:
    build = two_vpcs()
    build.parts["InternetGateways"][0]["Tags"] = [{"Key": "Name", "Value": "igw of Nimbus"}]
    network = build.network()
    assert network.name("igw-1") == "igw of Nimbus"
    assert network.name("igw-2") == "igw-2"
    assert network.name("i-instance-1") == "instance-1"


#: The codes that this room gives, each read on AWS's page of them.
CODES = """
BAD_STATE BAD_STATE_ATTACHMENT BAD_STATE_ROUTE ENI_SG_RULES_MISMATCH ENI_SOURCE_DEST_CHECK_RESTRICTION
IGW_DESTINATION_ADDRESS_NOT_IN_RFC1918_EGRESS IGW_DESTINATION_ADDRESS_NOT_IN_RFC6598_EGRESS
IGW_PRIVATE_IP_ASSOCIATION_FOR_INGRESS IGW_PUBLIC_IP_ASSOCIATION_FOR_EGRESS NGW_REQUIRES_SOURCE_IN_VPC NO_PATH
NO_POSSIBLE_DESTINATION NO_ROUTE_TO_DESTINATION PCX_REQUIRES_ADDRESS_IN_VPC_CIDR PROTOCOL_RESTRICTION
SG_HAS_NO_RULES SG_REFERENCES_NOT_PRESERVED SUBNET_ACL_RESTRICTION UNSUPPORTED_COMPONENT
"""


def test_every_code_is_one_of_reachability_analyzers() -> None:
    """https://docs.aws.amazon.com/vpc/latest/reachability/explanation-codes.html"""
    found = set()
    for module in pathlib.Path(labkit.network.__file__).parent.glob("*.py"):
        for node in ast.walk(ast.parse(module.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Constant) and re.fullmatch(r"[A-Z0-9]+(_[A-Z0-9]+)+", str(node.value)):
                found.add(node.value)
    assert found == set(CODES.split())


def test_the_room_is_light() -> None:
    """It follows any account's packets without a client, a moto or a plot of its own."""
    heavy = ("boto3", "botocore", "moto", "matplotlib", "pandas")
    heavy += ("labkit.embedded", "labkit.flowlogs", "labkit.insights", "labkit.lab")
    code = (
        "import sys, labkit.network, labkit.network.read, labkit.network.trace, labkit.network.endpoints\n"
        f"print([name for name in {heavy} if name in sys.modules])"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "[]"
