"""Packets keep to the left of their road, so there and back are two lines; and they take no short cut."""

from __future__ import annotations

from labkit.show.map.routing import Roads, keep_left


def test_there_and_back_keep_apart() -> None:
    corner = [(0.0, 0.0), (0.0, -50.0), (80.0, -50.0)]
    there, _ = keep_left(corner, 9)
    back, _ = keep_left(corner[::-1], 9)
    assert there == [(-9, 0), (-9, -59), (80, -59)]
    assert back == [(80, -41), (9, -41), (9, 0)]


def test_who_turns_round_changes_sides() -> None:
    line, spots = keep_left([(0.0, 0.0), (0.0, -50.0), (0.0, 0.0)], 9)
    assert line == [(-9, 0), (-9, -50), (9, -50), (9, 0)]
    assert spots == [(-9, 0), (-9, -50), (9, 0)]


def test_a_peering_connection_is_no_short_cut_between_gateways() -> None:
    points = {
        "gateway:1": (0.0, 0.0),
        "peering:12": (5.0, 0.0),
        "gateway:2": (10.0, 0.0),
        "internet@1": (0.0, -90.0),
        "internet@2": (10.0, -90.0),
    }
    leads_to = {
        "gateway:1": ["peering:12", "internet@1"],
        "peering:12": ["gateway:2"],
        "internet@1": ["internet@2"],
        "internet@2": ["gateway:2"],
    }
    roads = Roads(points, leads_to)
    assert roads.shortest(["gateway:1"], "gateway:2") == ["gateway:1", "internet@1", "internet@2", "gateway:2"]
    assert roads.shortest(["peering:12"], "gateway:2") == ["peering:12", "gateway:2"]


def test_where_no_road_leads_the_way_is_in_pieces() -> None:
    roads = Roads({"internet@": (0.0, 0.0), "vpc:1": (0.0, 50.0)}, {})
    assert roads.travel(["internet", "vpc:1"]) == ([["internet@"], ["vpc:1"]], [(0, 0), (1, 0)])
