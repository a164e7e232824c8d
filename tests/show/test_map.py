"""The map shows in words and in pixels what a network is and what happened to a packet."""

from __future__ import annotations

import re
import struct
from functools import cache
from itertools import combinations
from typing import Any

import matplotlib
import pytest
from matplotlib.backends.backend_agg import RendererAgg

from labkit.errors import NetworkError
from labkit.network.model import Network
from labkit.network.packet import echo_request, tcp
from labkit.network.path import Path
from labkit.show.figure import DPI, steady_style
from labkit.show.map.drawing import Drawing, draw
from labkit.show.map.lettering import font
from labkit.show.map.sheet import Box, Text
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


def test_a_ping_in_words_ends_where_the_packet_stops() -> None:
    for case, lab, stop, table, address in (
        ("the failed ping", in_words("0 peering connections"), "igw-1", "rtb-subnet-1", "10.2.0.126"),
        ("one route", in_words(route_1=VIA_1) + PEERED, "igw-2", "rtb-subnet-2", "10.1.15.80"),
        ("both routes", in_words(route_1=VIA_1, route_2=VIA_2) + PEERED, "", "", ""),
    ):
        network, path = CASES[case]()
        why = f"it does not forward to {address}, a private address; {table} lacks a route to it"
        where = f"Stopped at the internet gateway {stop} (IGW_DESTINATION_ADDRESS_NOT_IN_RFC1918_EGRESS)"
        stopped = f"\n{where}: {why}." if stop else ""
        assert draw(network, path).description == f"{lab}\n\n{path}{stopped}"


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
    placed = [*network.vpcs.values(), *network.subnets.values()]
    more = (network.instances, network.security_groups, network.internet_gateways, network.peering_connections)
    named = [*placed, *(part for kind in (*more, network.route_tables) for part in kind.values())]
    said = [part.name for part in named] + [str(cidr) for part in placed for cidr in part.cidrs]
    for interface in network.interfaces.values():
        said += [*map(str, interface.addresses), *(f"public {address}" for address in interface.public.values())]
    assert [each for each in said if each not in words] == []


def test_what_has_no_name_goes_by_the_beginning_of_its_id() -> None:
    ids = re.findall(r"\b(?:vpc|subnet|igw|pcx|rtb|acl|i)-\S+", " ".join(texts(drawn("only ids"))))
    assert len(ids) > 20
    assert [id for id in ids if not re.fullmatch(r"[a-z]+-[0-9a-f]{8}…:?", id)] == []


def test_a_name_is_not_changed_at_the_beginning_of_a_sentence() -> None:
    assert "vpc-1 has no internet gateway" in " ".join(texts(drawn("from the internet without a gateway")))


def test_a_long_address_is_never_cut() -> None:
    words = "".join(texts(draw(*alone(long_names()))))
    assert "2001:db8:1234:5678:9abc:def0:1234:5678" in words


def test_a_path_through_what_is_gone_is_refused() -> None:
    """A path of another lab, or one from before an instance was deleted."""
    _, path = ping(the_lab(TO_2, TO_1))
    for network in (Build().network(), one_vpc().network()):
        with pytest.raises(NetworkError, match=r"Follow the packet again"):
            draw(network, path)


def test_steps_are_numbered_and_told_apart_without_color() -> None:
    words = texts(draw(*CASES["both routes"]()))
    assert {"1–2", "3", "4", "5", "6", "7–8"} <= set(words)
    assert {"↩1–2", "↩3", "↩4", "↩5", "↩6", "↩7–8"} <= set(words)


def test_where_a_packet_dies_there_is_a_cross_with_the_reason() -> None:
    for case, mark, component, code in (
        ("the failed ping", "✗ 5", "internet gateway igw-1", "IGW_DESTINATION_ADDRESS_NOT_IN_RFC1918_EGRESS"),
        ("one route", "✗ ↩5", "internet gateway igw-2", "IGW_DESTINATION_ADDRESS_NOT_IN_RFC1918_EGRESS"),
        ("peering not accepted", "✗ 5", "peering connection peering-1-2", "BAD_STATE_ROUTE"),
        ("a blackhole", "✗ 4", "route table rtb-subnet-1", "BAD_STATE_ROUTE"),
        ("a security group refuses", "✗ 7", "security group sg-2", "ENI_SG_RULES_MISMATCH"),
        ("to a stopped instance", "✗ 3", "instance instance-2", "BAD_STATE"),
    ):
        words = texts(drawn(case))
        assert words.count(mark) == 2, case  # on the map and in the list of steps
        assert f"{mark}  {component}" in words
        assert code in "".join(words)


def test_words_are_legible_and_do_not_collide() -> None:
    for case in CASES:
        sheet = drawn(case).sheet
        extents = [(text, extent(text)) for text in letters(drawn(case))]
        # Letters without descenders leave air that their extent counts: a pixel of it may be shared.
        overlaps = [
            (a.words, b.words)
            for (a, (left, top, right, bottom)), (b, (left_2, top_2, right_2, bottom_2)) in combinations(extents, 2)
            if left < right_2 - 1 and left_2 < right - 1 and top < bottom_2 - 1 and top_2 < bottom - 1
        ]
        assert overlaps == [], case
        boxes = [box for box in sheet.marks if isinstance(box, Box)]
        for text, (left, top, right, bottom) in extents:
            where = f"{case}: {text.words}"
            assert left >= 0 and top >= 0 and right <= sheet.size[0] and bottom <= sheet.size[1], where
            x, y = (left + right) / 2, (top + bottom) / 2
            around = [box for box in boxes if box.x <= x <= box.x + box.wide and box.y <= y <= box.y + box.high]
            if around:
                innermost = min(around, key=lambda box: box.wide * box.high)
                assert innermost.x <= left and right <= innermost.x + innermost.wide, where
            assert text.size >= 9, f"{where} is too small to project"
            assert font(text.size, text.bold).get_name() == "DejaVu Sans"


def test_the_same_network_gives_the_same_bytes() -> None:
    first, second = draw(*CASES["one route"]()), draw(*CASES["one route"]())
    assert first.png() == first.png() == second.png()


def test_a_matplotlibrc_of_ones_own_changes_nothing() -> None:
    plain = draw(*CASES["one route"]()).png()
    with matplotlib.rc_context(
        {"font.family": "serif", "font.size": 30, "savefig.bbox": "tight", "text.hinting": "none"}
    ):
        assert draw(*CASES["one route"]()).png() == plain


def test_the_picture_is_as_large_as_its_sheet() -> None:
    drawing = draw(*CASES["the lab"]())
    width, height = struct.unpack(">II", drawing.png()[16:24])
    assert (width, height) == tuple(map(round, drawing.sheet.size))
    assert width <= 1000


def letters(drawing: Drawing) -> list[Text]:
    return [mark for mark in drawing.sheet.marks if isinstance(mark, Text)]


def texts(drawing: Drawing) -> list[str]:
    return [text.words for text in letters(drawing)]


def extent(text: Text) -> tuple[float, float, float, float]:
    """Left, top, right and bottom of a line of text, as matplotlib lays it out."""
    with steady_style():
        measure = RendererAgg(16, 16, DPI).get_text_width_height_descent
        style = font(text.size, text.bold)
        (wide, *lower), (_, *upper) = measure(text.words, style, False), measure("lp", style, False)
    high, descent = map(max, lower, upper)
    left = text.x - wide / 2 if text.centered else text.x
    return left, text.baseline + descent - high, left + wide, text.baseline + descent
