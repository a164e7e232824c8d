"""The replay: step by step, which interface sees the packet, and at the end the records, those that never come too."""

from __future__ import annotations

import re
from html import unescape
from xml.etree.ElementTree import fromstring

import ipywidgets as w
import pytest

from labkit.errors import LabError
from labkit.network.packet import echo_request, tcp
from labkit.show.widgets.replay import Replay
from labkit.show.widgets.replay_records import packets_of, seen_on
from tests.networks import TO_1, TO_2, Build, behind_nat, entry, seen, the_lab, three_vpcs
from tests.show.widgets.build import PaperLab, both_routes, controls, one_route


def record(interface: str, src: str, dst: str, packets: int = 5, action: str = "ACCEPT", end: str = "0 0 1") -> str:
    return f"2 123456789012 {interface} {src} {dst} {end} {packets} 420 1764774316 1764774320 {action} OK"


REQUEST = ("10.1.15.80", "10.2.0.126")
REPLY = REQUEST[::-1]
LINES = [
    record("eni-instance-1", *REQUEST),
    record("eni-instance-2", *REQUEST),
    record("eni-instance-2", *REPLY, packets=3),
    record("eni-instance-2", *REPLY, packets=2),
    record("eni-instance-2", "198.51.100.9", "10.2.0.126"),
    "2 123456789012 eni-instance-1 - - - - - - - 1764774316 1764774376 - NODATA",
]


@pytest.fixture
def shown() -> Replay:
    lab = one_route()
    lab.lines = LINES
    return Replay(lab, "instance-1", "instance-2", count=2)


def words(value: str) -> str:
    return unescape(re.sub(r"<[^>]+>", " ", value))


def rows(replay: Replay) -> list[list[str]]:
    return [
        [unescape(cell) for cell in re.findall(r"<td>(.*?)</td>", row)]
        for row in re.findall(r"<tr>(.*?)</tr>", replay.table.value)
        if "<td>" in row
    ]


def test_it_begins_at_the_sender(shown: Replay) -> None:
    assert "Packet 1 of 2, at instance instance-1: sends: ICMP echo request" in words(shown.verdict.value)
    assert "The replay shows the first 2 packets." in words(shown.scope.value)
    assert 'class="halo" data-steps="there-1 there-2"' in shown.map.picture.value
    assert rows(shown) == []


def test_an_interface_sees_the_packet_after_its_last_filter(shown: Replay) -> None:
    shown.slider.value = 2
    assert "✓ The interface of instance-1 has seen it (egress): ACCEPT." in words(shown.verdict.value)
    (row,) = rows(shown)
    assert row == [
        "instance-1 (eni-instance-1)", "egress", "10.1.15.80 → 10.2.0.126", "ACCEPT", "1",
        "not yet: they come minutes later",
    ]  # fmt: skip


def test_the_buttons_go_step_by_step_and_stay_within(shown: Replay) -> None:
    shown.back.click()
    assert shown.moment == 0
    for _ in range(40):
        shown.next.click()
    assert shown.moment == shown.slider.max == shown.play.max == 2 * 13
    shown.back.click()
    assert shown.moment == 25


def test_the_second_packet_is_counted_too(shown: Replay) -> None:
    shown.slider.value = 13 + 2
    assert "Packet 2 of 2" in words(shown.verdict.value)
    assert [row[4] for row in rows(shown)] == ["2", "1", "1"]


def test_a_number_on_the_map_leads_to_that_step_of_the_same_packet(shown: Replay) -> None:
    shown.slider.value = 13 + 2
    shown.map.buttons[11].click()
    assert shown.moment == 13 + 11
    assert "Packet 2 of 2" in words(shown.verdict.value)
    shown.slider.value = shown.slider.max
    shown.map.buttons[0].click()
    assert shown.moment == 13


def test_where_the_packet_dies_is_said(shown: Replay) -> None:
    shown.slider.value = 12
    assert "✗ Packet 1 of 2, at internet gateway igw-2: it does not forward to 10.1.15.80" in words(shown.verdict.value)


def test_at_the_end_each_sighting_has_its_records_and_one_never_comes(shown: Replay) -> None:
    shown.slider.value = shown.slider.max
    assert [row[:2] + row[3:] for row in rows(shown)] == [
        ["instance-1 (eni-instance-1)", "egress", "ACCEPT", "2", "1 record, 5 packets"],
        ["instance-2 (eni-instance-2)", "ingress", "ACCEPT", "2", "1 record, 5 packets"],
        ["instance-2 (eni-instance-2)", "egress", "ACCEPT", "2", "2 records, 5 packets"],
        ["instance-1 (eni-instance-1)", "ingress", "never seen", "0", "none, and none will come"],
    ]
    assert "No record ever comes for: instance-1 ingress." in words(shown.verdict.value)
    assert [line for line in LINES if line in words(shown.lines.value)] == LINES[:4]


def test_before_they_are_delivered_no_record_is_shown(shown: Replay) -> None:
    shown.lab.lines = []  # type: ignore[attr-defined]
    shown.slider.value = shown.slider.max
    assert rows(shown)[0][-1] == "none (yet): has it been sent, and delivered?"
    assert shown.lines.value == ""
    shown.lab.lines = LINES  # type: ignore[attr-defined]
    shown.refresh()
    assert rows(shown)[0][-1] == "1 record, 5 packets"


def test_a_missing_log_group_is_a_sentence(shown: Replay) -> None:
    def refuse(*_: object, since: object = None) -> list[str]:
        raise LabError("There is no log group 'X'.")

    shown.lab.records = refuse  # type: ignore[method-assign]
    shown.slider.value = shown.slider.max
    assert "There is no log group 'X'." in words(shown.verdict.value)
    assert "never seen" in shown.table.value


def test_its_still_form_is_the_end_of_the_story(shown: Replay) -> None:
    assert repr(shown).splitlines()[0].startswith("ICMP echo request 10.1.15.80 → 10.2.0.126. The packet arrives, but")
    _, scope, header, *_, never = repr(shown).splitlines()
    assert scope.startswith("The replay shows the first 2 packets.") and "its records count all of its packets" in scope
    assert header.split("  ")[-1] == "flow log records"
    assert never[header.index("packets replayed") :].startswith("0 ") and never.endswith("none, and none will come")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"count": 0}, "0 packets cannot be replayed: give a number from 1 to 100."),
        ({"count": "3"}, "'3' packets cannot be replayed"),
        ({"destination": "instance-9"}, "There is no instance, interface or address 'instance-9'"),
        ({"protocol": "tcp"}, "'' is not a port"),
    ],
)
def test_asking_for_what_cannot_be_replayed_is_an_error(arguments: dict[str, object], said: str) -> None:
    with pytest.raises(LabError, match=re.escape(said)):
        Replay(one_route(), **({"source": "instance-1", "destination": "instance-2"} | arguments))  # type: ignore[arg-type]


def test_a_change_of_the_network_changes_the_story(shown: Replay) -> None:
    lab: PaperLab = shown.lab  # type: ignore[assignment]
    shown.slider.value = shown.slider.max
    lab.build = the_lab(TO_2, TO_1)
    lab.changed()
    shown.catch_up()
    assert shown.slider.max == 2 * 16
    assert shown.moment < shown.slider.max
    lab.build = the_lab(status=None)
    lab.changed()
    shown.catch_up()
    assert shown.slider.max == 2 * 5
    assert shown.moment == shown.slider.max


def test_an_instance_that_is_gone_is_a_sentence(shown: Replay) -> None:
    lab: PaperLab = shown.lab  # type: ignore[assignment]
    lab.build = Build()
    lab.changed()
    shown.next.click()
    assert "There is no instance, interface or address 'instance-1'" in words(shown.verdict.value)


def test_every_control_has_a_label_and_the_box_its_name(shown: Replay) -> None:
    inputs = [one for one in controls(shown.widget) if isinstance(one, (w.Button, w.IntSlider, w.Textarea))]
    numbers = [*map(str, range(1, 9)), *(f"↩{number}" for number in range(1, 6))]
    assert [control.description for control in inputs] == [
        "Previous", "Next", "Moment", "Refresh", *numbers, "As code"
    ]  # fmt: skip
    assert "labkit-replay" in shown.widget._dom_classes
    fromstring(shown.map.picture.value)


# Sightings


@pytest.mark.parametrize(
    ("build", "packet"),
    [
        (the_lab(TO_2, TO_1), echo_request("10.1.15.80", "10.2.0.126")),
        (the_lab(TO_2, TO_1), tcp("10.1.15.80", "10.2.0.126", 22)),
        (behind_nat(), echo_request("10.1.16.5", "8.8.8.8")),
        (the_lab(), echo_request("157.185.170.119", "54.1.1.1")),
        (the_lab(), echo_request("10.1.15.80", "54.2.2.2")),
        (three_vpcs(), echo_request("10.1.0.11", "10.1.0.12")),
    ],
)
def test_each_sighting_has_a_step_of_its_own_at_its_interface(build: Build, packet: object) -> None:
    network = build.network()
    path = network.trace(packet)  # type: ignore[arg-type]
    hops = [*path.forward.hops, *(path.back.hops if path.back else ())]
    found = [one for one in seen_on(network, path) if one.at is not None]
    assert [f"{one.interface} {one.direction} {one.action}" for one in found] == [
        line for line in seen(path) if line != "-- back --"
    ]
    at = [one.at for one in found if one.at is not None]
    assert sorted(set(at)) == at
    assert [hops[one.at].interface for one in found if one.at is not None] == [one.interface for one in found]
    assert {hops[i].kind for i in at} <= {"security group", "network ACL", "NAT gateway", "instance"}


def test_a_refused_packet_is_seen_where_it_is_refused() -> None:
    build = the_lab(TO_2, TO_1)
    build.acl("subnet-2", entry(90, "deny"), entry(100, "allow", egress=True))
    network = build.network()
    found = seen_on(network, network.trace(echo_request("10.1.15.80", "10.2.0.126")))
    assert [(one.interface, one.direction, one.action, one.at) for one in found] == [
        ("eni-instance-1", "egress", "ACCEPT", 2),
        ("eni-instance-2", "ingress", "REJECT", 5),
        ("eni-instance-2", "egress", "", None),
        ("eni-instance-1", "ingress", "", None),
    ]


def test_a_record_of_the_other_direction_or_verdict_is_another_one() -> None:
    network = both_routes().network
    request = seen_on(network, network.trace(tcp("10.1.15.80", "10.2.0.126", 22)))[0]
    mine = record("eni-instance-1", *REQUEST, end="40000 22 6")
    others = [
        record("eni-instance-1", *REPLY, end="22 40000 6"),
        record("eni-instance-1", *REQUEST, end="40000 22 6", action="REJECT"),
        record("eni-instance-1", *REQUEST, end="40000 23 6"),
        record("eni-instance-1", *REQUEST),
    ]
    assert request.records([*others, mine, "", "<b>"], 6, 22) == [mine]


def test_packets_are_added_up_where_the_format_is_the_default_one() -> None:
    assert packets_of(LINES[2:4]) == 5
    assert packets_of(["eni-1 10.1.15.80 10.2.0.126"]) is None
