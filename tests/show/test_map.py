"""The map says in words and in pixels what a network is and what became of a packet."""

from __future__ import annotations

import re
import struct
from functools import cache
from itertools import combinations
from typing import Any

import matplotlib
import pytest
from matplotlib.patches import FancyBboxPatch

from labkit.network.model import Network
from labkit.network.packet import echo_request, tcp
from labkit.network.path import Path
from labkit.show.figure import DescribedFigure
from labkit.show.map.drawing import Drawing, draw
from tests.networks import (
    LONG_ID,
    TO_1,
    TO_2,
    Build,
    behind_nat,
    default_vpc,
    long_names,
    only_ids,
    peered_elsewhere,
    the_lab,
    three_vpcs,
    without_gateway,
)


def ping(build: Build, src: str = "10.1.15.80", dst: str = "10.2.0.126") -> tuple[Network, Path]:
    network = build.network()
    return network, network.trace(echo_request(src, dst))


def alone(build: Build) -> tuple[Network, None]:
    return build.network(), None


def one_vpc() -> Build:
    build = Build()
    build.vpc(LONG_ID, "10.1.0.0/16")
    return build


def to_port_443() -> tuple[Network, Path]:
    network = the_lab(TO_2, TO_1).network()
    return network, network.trace(tcp("10.1.15.80", "10.2.0.126", 443))


CASES: dict[str, Any] = {
    "nothing": lambda: alone(Build()),
    "only the default VPC": lambda: alone(default_vpc()),
    "a VPC without subnets": lambda: alone(one_vpc()),
    "the lab": lambda: alone(the_lab(status=None)),
    "the lab beside the default VPC": lambda: alone(default_vpc(the_lab())),
    "the failed ping": lambda: ping(the_lab(status=None)),
    "peering not accepted": lambda: ping(the_lab(TO_2, TO_1, "pending-acceptance")),
    "a blackhole": lambda: ping(the_lab({"10.2.0.0/16": "pcx-12!"})),
    "one route": lambda: ping(the_lab(TO_2)),
    "both routes": lambda: ping(the_lab(TO_2, TO_1)),
    "a security group refuses": to_port_443,
    "by the public address": lambda: ping(the_lab(TO_2, TO_1), dst="54.2.2.2"),
    "from the internet": lambda: ping(the_lab(), "157.185.170.119", "54.1.1.1"),
    "through a NAT gateway": lambda: ping(behind_nat(), "10.1.16.5", "8.8.8.8"),
    "to a stopped instance": lambda: ping(behind_nat(), "10.1.16.5", "10.1.16.6"),
    "three VPCs": lambda: alone(three_vpcs()),
    "over a third VPC": lambda: ping(three_vpcs(), "10.1.16.12", "10.3.0.11"),
    "in one subnet": lambda: ping(three_vpcs(), "10.1.0.11", "10.1.0.12"),
    "from subnet to subnet": lambda: ping(three_vpcs(), "10.1.0.11", "10.1.16.12"),
    "to nobody's public address": lambda: ping(the_lab(), "8.8.8.8", "54.9.9.9"),
    "from the internet without a gateway": lambda: ping(without_gateway(), "8.8.8.8", "54.1.1.1"),
    "peered with another account": lambda: ping(peered_elsewhere(), dst="10.99.0.5"),
    "only ids": lambda: ping(only_ids()),
    "long names": lambda: ping(long_names()),
}


@cache
def drawn(case: str) -> Drawing:
    return draw(*CASES[case]())


LAB_IN_WORDS = """\
Map of 2 VPCs, 2 instances and {peerings}.
VPC vpc-1, 10.1.0.0/16
  internet gateway igw-1
  subnet subnet-1, 10.1.0.0/20, us-east-1a
    route table rtb-subnet-1: 10.1.0.0/16 → local; 0.0.0.0/0 → igw-1{route_1}
    network ACL acl-subnet-1
    instance instance-1, 10.1.15.80, public 54.1.1.1, security group sg-1
VPC vpc-2, 10.2.0.0/16
  internet gateway igw-2
  subnet subnet-2, 10.2.0.0/20, us-east-1a
    route table rtb-subnet-2: 10.2.0.0/16 → local; 0.0.0.0/0 → igw-2{route_2}
    network ACL acl-subnet-2
    instance instance-2, 10.2.0.126, public 54.2.2.2, security group sg-2"""
PEERED = "\npeering connection peering-1-2 between vpc-1 and vpc-2: active"
VIA_1, VIA_2 = "; 10.2.0.0/16 → peering-1-2", "; 10.1.0.0/16 → peering-1-2"


def in_words(peerings: str = "1 peering connection", route_1: str = "", route_2: str = "") -> str:
    return LAB_IN_WORDS.format(peerings=peerings, route_1=route_1, route_2=route_2)


def test_the_lab_in_words() -> None:
    assert draw(*CASES["the lab"]()).description == in_words("0 peering connections")


def test_the_failed_ping_in_words_ends_at_the_internet_gateway() -> None:
    network, path = CASES["the failed ping"]()
    why = "it does not forward to 10.2.0.126, a private address; rtb-subnet-1 lacks a route to it"
    stopped = f"Stopped at the internet gateway igw-1 (IGW_DESTINATION_ADDRESS_NOT_IN_RFC1918_EGRESS): {why}."
    assert draw(network, path).description == f"{in_words('0 peering connections')}\n\n{path}\n{stopped}"


def test_with_one_route_the_reply_ends_at_the_other_internet_gateway() -> None:
    network, path = CASES["one route"]()
    why = "it does not forward to 10.1.15.80, a private address; rtb-subnet-2 lacks a route to it"
    stopped = f"Stopped at the internet gateway igw-2 (IGW_DESTINATION_ADDRESS_NOT_IN_RFC1918_EGRESS): {why}."
    assert draw(network, path).description == f"{in_words(route_1=VIA_1)}{PEERED}\n\n{path}\n{stopped}"


def test_with_both_routes_nothing_stops() -> None:
    network, path = CASES["both routes"]()
    assert draw(network, path).description == f"{in_words(route_1=VIA_1, route_2=VIA_2)}{PEERED}\n\n{path}"


def test_what_is_not_as_usual_is_in_the_words() -> None:
    assert "blackhole" in draw(*CASES["a blackhole"]()).description
    assert "instance instance-2, 10.1.16.6, stopped, security group sg-1" in draw(*alone(behind_nat())).description
    assert "between vpc-1 and vpc-2: pending-acceptance" in draw(*CASES["peering not accepted"]()).description


def test_an_empty_network_says_what_to_do() -> None:
    drawing = draw(*CASES["nothing"]())
    assert drawing.description.startswith("This network has no VPC of yours yet. Run the cells that create vpc-1")
    assert " ".join(texts(drawing)) == drawing.description


def test_a_default_vpc_that_holds_nothing_is_one_line() -> None:
    drawing = draw(*CASES["the lab beside the default VPC"]())
    note = "Not drawn: the default VPC vpc-0a1b2c3d…, 172.31.0.0/16, 6 subnets, nothing in it."
    assert note in " ".join(texts(drawing))
    assert drawing.description.endswith(note)
    assert not any("172.31.16.0" in text for text in texts(drawing))


def test_a_default_vpc_in_use_is_drawn() -> None:
    build = default_vpc()
    build.instance("instance-1", "subnet-default-1", "172.31.16.5", [])
    assert {"instance-1", "172.31.16.5", "vpc-0a1b2c3d…"} <= set(texts(draw(build.network())))


def test_an_internet_gateway_that_is_not_attached_is_mentioned() -> None:
    build = one_vpc()
    build.parts["InternetGateways"].append({"InternetGatewayId": "igw-9", "Attachments": []})
    assert "Not attached to a VPC: internet gateway igw-9." in texts(draw(build.network()))


def test_a_peering_connection_that_was_deleted_is_not_drawn() -> None:
    assert not any("peering" in text for text in texts(draw(the_lab(status="deleted").network())))


def test_every_name_and_address_is_on_the_map() -> None:
    network = three_vpcs().network()
    words = " ".join(texts(draw(network)))
    parts = [
        *network.vpcs.values(),
        *network.subnets.values(),
        *network.instances.values(),
        *network.security_groups.values(),
    ]
    parts += [
        *network.internet_gateways.values(),
        *network.peering_connections.values(),
        *network.route_tables.values(),
    ]
    interfaces = network.interfaces.values()
    addresses = [
        *(str(a) for i in interfaces for a in i.addresses),
        *(f"public {a}" for i in interfaces for a in i.public.values()),
    ]
    cidrs = [str(cidr) for part in [*network.vpcs.values(), *network.subnets.values()] for cidr in part.cidrs]
    assert [said for said in [*(part.name for part in parts), *addresses, *cidrs] if said not in words] == []


def test_what_has_no_name_goes_by_the_beginning_of_its_id() -> None:
    ids = re.findall(r"\b(?:vpc|subnet|igw|pcx|rtb|acl|i)-\S+", " ".join(texts(drawn("only ids"))))
    assert len(ids) > 20
    assert [id for id in ids if not re.fullmatch(r"[a-z]+-[0-9a-f]{8}…:?", id)] == []


def test_a_name_is_not_changed_at_the_beginning_of_a_sentence() -> None:
    assert "vpc-1 has no internet gateway" in " ".join(texts(drawn("from the internet without a gateway")))


def test_a_long_address_is_never_cut() -> None:
    words = "".join(texts(draw(*alone(long_names()))))
    assert "2001:db8:1234:5678:9abc:def0:1234:5678" in words


def test_steps_are_numbered_and_told_apart_without_color() -> None:
    words = texts(draw(*CASES["both routes"]()))
    assert {"1–2", "3", "4", "5", "6", "7–8"} <= set(words)
    assert {"↩1–2", "↩3", "↩4", "↩5", "↩6", "↩7–8"} <= set(words)


@pytest.mark.parametrize(
    ("case", "mark", "component", "code"),
    [
        ("the failed ping", "✗ 5", "internet gateway igw-1", "IGW_DESTINATION_ADDRESS_NOT_IN_RFC1918_EGRESS"),
        ("one route", "✗ ↩5", "internet gateway igw-2", "IGW_DESTINATION_ADDRESS_NOT_IN_RFC1918_EGRESS"),
        ("peering not accepted", "✗ 5", "peering connection peering-1-2", "BAD_STATE_ROUTE"),
        ("a blackhole", "✗ 4", "route table rtb-subnet-1", "BAD_STATE_ROUTE"),
        ("a security group refuses", "✗ 7", "security group sg-2", "ENI_SG_RULES_MISMATCH"),
        ("to a stopped instance", "✗ 3", "instance instance-2", "BAD_STATE"),
    ],
)
def test_where_a_packet_dies_there_is_a_cross_with_the_reason(case: str, mark: str, component: str, code: str) -> None:
    words = texts(drawn(case))
    assert words.count(mark) == 2  # on the map and in the list of steps
    assert f"{mark}  {component}" in words
    assert code in "".join(words)


@pytest.mark.parametrize("case", CASES)
def test_no_words_overlap_or_leave_the_figure(case: str) -> None:
    drawing = drawn(case)
    boxes = [(text.get_text(), text.get_window_extent()) for text in drawing.figure.axes[0].texts]
    # Letters without descenders leave air that get_window_extent counts: a pixel of it may be shared.
    collisions = [(a, b) for (a, x), (b, y) in combinations(boxes, 2) if x.padded(-0.5).overlaps(y.padded(-0.5))]
    assert collisions == []
    wide, high = drawing.figure.get_size_inches() * drawing.figure.dpi
    assert [said for said, box in boxes if box.x0 < 0 or box.y0 < 0 or box.x1 > wide or box.y1 > high] == []


@pytest.mark.parametrize("case", CASES)
def test_words_stay_inside_the_innermost_box(case: str) -> None:
    drawing = drawn(case)
    axes = drawing.figure.axes[0]
    boxes = [patch.get_bbox() for patch in axes.patches if isinstance(patch, FancyBboxPatch)]
    for text in axes.texts:
        extent = axes.transData.inverted().transform_bbox(text.get_window_extent())
        middle = (extent.x0 + extent.x1) / 2, (extent.y0 + extent.y1) / 2
        around = [box for box in boxes if box.contains(*middle)]
        if around:
            innermost = min(around, key=lambda box: abs(box.width * box.height))
            assert innermost.x0 <= extent.x0 and extent.x1 <= innermost.x1, text.get_text()


@pytest.mark.parametrize("case", CASES)
def test_letters_are_large_enough_to_project(case: str) -> None:
    drawing = drawn(case)
    assert {text.get_fontsize() >= 9 for text in drawing.figure.axes[0].texts} == {True}
    assert {text.get_fontname() for text in drawing.figure.axes[0].texts} == {"DejaVu Sans"}


def test_the_same_network_gives_the_same_bytes() -> None:
    first, second = draw(*CASES["one route"]()), draw(*CASES["one route"]())
    assert first.png() == first.png() == second.png()


@pytest.mark.parametrize("case", CASES)
def test_the_picture_is_that_of_the_figure(case: str) -> None:
    drawing = drawn(case)
    assert drawing.png() == DescribedFigure(drawing.figure, "").png()


def test_a_matplotlibrc_of_ones_own_changes_nothing() -> None:
    plain = draw(*CASES["one route"]()).png()
    with matplotlib.rc_context(
        {"font.family": "serif", "font.size": 30, "savefig.bbox": "tight", "text.hinting": "none"}
    ):
        assert draw(*CASES["one route"]()).png() == plain


def test_the_picture_is_as_large_as_the_figure_says() -> None:
    drawing = draw(*CASES["the lab"]())
    width, height = struct.unpack(">II", drawing.png()[16:24])
    assert (width, height) == tuple(round(side * 100) for side in drawing.figure.get_size_inches())
    assert width <= 1000


def texts(drawing: Drawing) -> list[str]:
    return [text.get_text() for text in drawing.figure.axes[0].texts]
