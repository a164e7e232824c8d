"""The packet lab traces and draws what is chosen, says in a sentence what is wrong, and notices changes."""

from __future__ import annotations

import re
from html import unescape
from xml.etree.ElementTree import fromstring

import pytest

from labkit.errors import LabError
from labkit.network.packet import echo_request
from labkit.show.map.drawing import draw
from labkit.show.widgets.packet_lab import PacketLab
from tests.networks import TO_1, TO_2, Build, behind_nat, default_vpc, entry, the_lab
from tests.show.widgets.build import PaperLab, both_routes, controls, labeled_controls, one_route


@pytest.fixture
def shown() -> PacketLab:
    return PacketLab(one_route())


def chips(lab: PacketLab, name: str) -> list[str]:
    picture = fromstring(lab.map.picture.value)
    return [box.get("data-steps", "") for box in picture.iter() if name in box.get("class", "").split()]


def test_it_begins_with_a_ping_between_the_first_two_instances(shown: PacketLab) -> None:
    assert (shown.source.value, shown.destination.value, shown.protocol.value) == ("instance-1", "instance-2", "icmp")
    assert shown.path == the_lab(TO_2).network().trace(echo_request("10.1.15.80", "10.2.0.126"))
    assert "✗ ICMP echo request 10.1.15.80 → 10.2.0.126. The packet arrives, but its reply" in shown.verdict.value


def test_every_end_is_offered_by_name(shown: PacketLab) -> None:
    labels = [label for label, _ in shown.destination.choice.options]
    assert labels == [
        "instance-1 · 10.1.15.80",
        "instance-1 · public 54.1.1.1",
        "instance-2 · 10.2.0.126",
        "instance-2 · public 54.2.2.2",
        "the internet · 8.8.8.8",
        "another address, name or id",
    ]
    assert not any("public" in label for label, _ in shown.source.choice.options)


def test_steps_there_and_back_can_be_chosen_and_the_last_one_is(shown: PacketLab) -> None:
    assert shown.hops.options[:2] == ("1 ✓ instance instance-1", "2 ✓ security group sg-1")
    assert shown.hops.options[-1] == "↩5 ✗ internet gateway igw-2"
    assert shown.hops.value == "↩5 ✗ internet gateway igw-2"


def test_what_stopped_the_packet_is_said_with_code_and_what_to_do(shown: PacketLab) -> None:
    assert (
        "It does not forward to 10.1.15.80, a private address; rtb-subnet-2 lacks a route to it." in shown.detail.value
    )
    assert "IGW_DESTINATION_ADDRESS_NOT_IN_RFC1918_EGRESS" in shown.detail.value
    assert "<b>What next:</b> The packet followed a default route" in shown.detail.value


def test_choosing_a_step_rings_it_and_shows_the_rule_that_decided(shown: PacketLab) -> None:
    shown.hops.value = "4 ✓ route table rtb-subnet-1"
    assert 'class="halo" data-steps="there-4"' in shown.map.picture.value
    assert "10.2.0.0/16 → pcx-12 (pcx-12 is peering-1-2)" in shown.detail.value
    assert '<tr class="chosen"><td>▶ 10.2.0.0/16</td><td>peering-1-2</td><td>active</td></tr>' in shown.detail.value
    shown.hops.value = "2 ✓ security group sg-1"
    assert "▶ sg-1</td><td>all traffic to 0.0.0.0/0" in shown.detail.value
    shown.hops.value = "6 ✓ network ACL acl-subnet-2"
    assert "▶ rule 100: allow all traffic from 0.0.0.0/0" in shown.detail.value
    assert chips(shown, "halo") == ["there-6"]


def test_a_number_on_the_map_is_a_button_that_chooses_its_step(shown: PacketLab) -> None:
    assert [button.tooltip for button in shown.map.buttons] == list(shown.hops.options)
    for place, (number, button) in enumerate(zip(shown.hops.options, shown.map.buttons, strict=True)):
        button.click()
        assert shown.hops.index == place
        assert number in unescape(shown.detail.value)
        # It lies over the number that is ringed then.
        picture = fromstring(shown.map.picture.value)
        _, _, wide, high = map(float, picture.attrib["viewBox"].split())
        (ring,) = [box for box in picture.iter() if box.get("class") == "halo"]
        x, y = (float(share.rstrip("%")) / 100 for share in (button.layout.left, button.layout.top))
        left, top = float(ring.attrib["x"]), float(ring.attrib["y"])
        assert left <= x * wide <= left + float(ring.attrib["width"])
        assert top <= y * high <= top + float(ring.attrib["height"])


def test_steps_that_share_a_box_on_the_map_share_its_width(shown: PacketLab) -> None:
    first, second = (button.layout for button in shown.map.buttons[:2])  # the box says 1–2
    assert (first.top, first.width) == (second.top, second.width)
    assert float(second.left[:-1]) == pytest.approx(float(first.left[:-1]) + float(first.width[:-1]), abs=0.01)


def test_there_are_as_many_buttons_as_steps(shown: PacketLab) -> None:
    for destination in ("8.8.8.8", "instance-2", "nobody"):
        shown.destination.choice.value, shown.destination.typed.value = "typed", destination
        assert len(shown.map.buttons) == len(shown.hops.options) == len(shown.map.widget.children) - 1


def test_a_denying_entry_is_the_marked_one() -> None:
    build = the_lab(TO_2, TO_1)
    build.acl("subnet-2", entry(100, "allow", egress=True), entry(90, "deny", protocol="1"), entry(100, "allow"))
    shown = PacketLab(PaperLab(build))
    assert shown.hops.value == "6 ✗ network ACL acl-subnet-2"
    assert "▶ rule 90: deny ICMP from 0.0.0.0/0" in shown.detail.value
    assert "lower rule number" in shown.detail.value


def test_where_no_rule_matched_all_of_them_are_shown() -> None:
    shown = PacketLab(both_routes(), protocol="tcp", port=22)
    assert shown.hops.value == "7 ✗ security group sg-2"
    assert "All inbound rules" in shown.detail.value and "all ICMP from 0.0.0.0/0" in shown.detail.value
    assert "▶" not in shown.detail.value
    assert "ec2.authorize_security_group_ingress" in shown.detail.value


def test_the_same_is_to_be_had_as_code(shown: PacketLab) -> None:
    assert shown.code.value == 'path = lab.trace("instance-1", "instance-2")\nlab.map(path)'
    shown.protocol.value = "tcp"
    assert shown.code.value == 'path = lab.trace("instance-1", "instance-2", "tcp", 443)\nlab.map(path)'


def test_another_destination_is_another_path(shown: PacketLab) -> None:
    shown.destination.choice.value = "8.8.8.8"
    assert shown.path is not None and shown.path.replied
    assert "✓ ICMP echo request 10.1.15.80 → 8.8.8.8." in shown.verdict.value


def test_an_address_can_be_typed(shown: PacketLab) -> None:
    assert shown.destination.typed.layout.display == "none"
    shown.destination.choice.value = "typed"
    assert shown.destination.typed.layout.display == ""
    shown.destination.typed.value = " 10.2.0.9 "
    assert shown.path is not None and shown.path.packet.dst.exploded == "10.2.0.9"


@pytest.mark.parametrize("given", [(), ("instance-1", "instance-2"), ("157.185.170.119", "54.2.2.2")])
def test_the_line_to_type_in_stays_until_something_else_is_chosen(given: tuple[str, ...]) -> None:
    shown = PacketLab(one_route(), *given)
    for picker in (shown.source, shown.destination):
        picker.choice.value = "typed"
        assert (picker.choice.value, picker.typed.layout.display) == ("typed", "")
        picker.typed.value = "instance-1"  # the list has it, too
        shown.refresh()
        assert (picker.choice.value, picker.value) == ("typed", "instance-1")
        picker.choice.value = "instance-2" if picker is shown.destination else "instance-1"
        assert picker.typed.layout.display == "none"


def test_from_the_internet() -> None:
    shown = PacketLab(one_route(), "157.185.170.119", "54.1.1.1")
    assert shown.source.typed.value == "157.185.170.119"
    assert shown.destination.choice.value == "54.1.1.1"
    assert shown.path is not None and shown.path.reached


def test_an_end_that_is_not_there_is_a_sentence(shown: PacketLab) -> None:
    for typed, said in (
        ("instance-9", "There is no instance, interface or address 'instance-9' in this network."),
        ("10.2.0.300", "There is no instance, interface or address '10.2.0.300' in this network."),
        ("<img onerror=alert(1)>", "'<img onerror=alert(1)>'"),
        ("", "Say from where to where"),
    ):
        shown.destination.choice.value, shown.destination.typed.value = "typed", typed
        assert said in unescape(shown.verdict.value) and "<img" not in shown.verdict.value
        assert (shown.path, shown.hops.options, shown.detail.value) == (None, (), "")
        assert chips(shown, "chip") == []  # the map is there, without a path
        shown.destination.choice.value = "instance-2"
        assert shown.path is not None


def test_a_port_that_is_none_is_a_sentence(shown: PacketLab) -> None:
    for port in ("ssh", "-1", "65536", "22.5", "", "²"):
        shown.protocol.value, shown.port.value = "tcp", port
        assert "is not a port: give a number from 0 to 65535, such as 443." in shown.verdict.value, port
        shown.protocol.value = "icmp"
        assert shown.path is not None


def test_the_port_is_asked_for_only_where_there_is_one(shown: PacketLab) -> None:
    assert shown.port.layout.display == "none"
    shown.protocol.value = "udp"
    assert shown.port.layout.display == ""


def test_asking_for_what_is_not_there_is_an_error() -> None:
    for arguments, said in (
        (("instance-9",), "There is no instance, interface or address 'instance-9'"),
        (("instance-1", "instance-9"), "There is no instance, interface or address 'instance-9'"),
        (("instance-1", "instance-2", "sctp"), "'sctp' is not a protocol"),
        (("instance-1", "instance-2", "tcp", "ssh"), "'ssh' is not a port"),
    ):
        with pytest.raises(LabError, match=re.escape(said)):
            PacketLab(one_route(), *arguments)  # type: ignore[arg-type]


def test_a_change_of_the_network_is_seen_with_the_next_move() -> None:
    lab = one_route()
    shown = PacketLab(lab)
    lab.build = the_lab(TO_2, TO_1)
    lab.changed()
    shown.protocol.value = "tcp"
    shown.protocol.value = "icmp"
    assert shown.path is not None and shown.path.replied
    assert "✓" in shown.verdict.value


def test_it_reads_the_network_only_when_it_may_have_changed() -> None:
    lab = one_route()
    shown = PacketLab(lab)
    for protocol in ("tcp", "udp", "icmp"):
        shown.protocol.value = protocol
    shown.hops.index = 0
    assert lab.read == 1
    shown.again.click()  # somebody has changed something in the console
    assert lab.read == 2


def test_a_state_that_passes_by_itself_is_looked_at_again() -> None:
    lab = one_route()
    lab.build.parts["Reservations"][1]["Instances"][0]["State"]["Name"] = "pending"
    shown = PacketLab(lab)
    assert "The packet never arrives" in shown.verdict.value
    lab.build = the_lab(TO_2, TO_1)  # some seconds later, without any call
    shown.catch_up()
    assert shown.path is not None and shown.path.replied
    read = lab.read
    shown.catch_up()
    assert lab.read == read


def test_an_instance_that_is_gone_is_kept_and_named() -> None:
    lab = one_route()
    shown = PacketLab(lab)
    lab.build = Build()
    lab.changed()
    shown.refresh()
    assert shown.destination.value == "instance-2"
    assert "There is no instance, interface or address 'instance-1'" in unescape(shown.verdict.value)
    assert "This network has no VPC of yours yet" in shown.map.picture.value
    lab.build = the_lab(TO_2, TO_1)
    lab.changed()
    shown.refresh()
    assert shown.path is not None and shown.path.replied


def test_a_call_that_aws_refuses_is_a_sentence(shown: PacketLab) -> None:
    def refuse() -> None:
        raise ConnectionError("Could not connect to the endpoint <URL>")

    shown.network = lambda anew=False: refuse()  # type: ignore[method-assign, assignment, return-value, func-returns-value]
    shown.again.click()
    assert "ConnectionError: Could not connect to the endpoint &lt;URL&gt;" in shown.verdict.value


def test_a_half_built_lab_is_a_map_and_a_sentence() -> None:
    for build in (Build(), default_vpc()):
        shown = PacketLab(PaperLab(build))
        assert "Say from where to where" in shown.verdict.value
        assert shown.code.value == "lab.map()"
        assert repr(shown) == draw(build.network()).description


def test_what_is_built_later_is_offered() -> None:
    lab = PaperLab(Build())
    shown = PacketLab(lab)
    lab.build = the_lab(TO_2, TO_1)
    lab.changed()
    shown.refresh()
    assert (shown.source.value, shown.destination.value) == ("instance-1", "instance-2")
    assert shown.path is not None and shown.path.replied


def test_with_one_instance_the_other_end_is_the_internet() -> None:
    build = Build()
    build.vpc("vpc-1", "10.1.0.0/16")
    build.subnet("subnet-1", "vpc-1", "10.1.0.0/20")
    build.instance("instance-1", "subnet-1", "10.1.0.5", [])
    assert PacketLab(PaperLab(build)).destination.value == "8.8.8.8"


def test_two_of_one_name_go_by_their_ids() -> None:
    build = the_lab()
    build.parts["Reservations"][1]["Instances"][0]["Tags"][0]["Value"] = "instance-1"
    shown = PacketLab(PaperLab(build))
    assert [value for _, value in shown.source.choice.options][:2] == ["i-instance-1", "i-instance-2"]


def test_a_nat_gateway_is_no_end() -> None:
    shown = PacketLab(PaperLab(behind_nat()))
    assert not any("nat" in label for label, _ in shown.source.choice.options)


def test_its_still_form_is_the_map_with_the_path(shown: PacketLab) -> None:
    assert shown.still().description == draw(shown.network(), shown.path).description
    data = shown._repr_mimebundle_()
    assert data == {"text/plain": shown.still().description}
    assert shown.still_html().startswith("<svg") and shown.still().description[:20] in shown.still_html()


def test_names_are_escaped() -> None:
    build = the_lab(TO_2).rename({"rtb-subnet-1": "<script>alert(1)</script>", "pcx-12": "<b>&"})
    shown = PacketLab(PaperLab(build))
    shown.hops.index = 3
    assert "&lt;script&gt;" in shown.detail.value
    assert "<script>" not in shown.detail.value + shown.map.picture.value
    fromstring(shown.map.picture.value)


def test_every_control_has_a_label_and_the_box_its_name(shown: PacketLab) -> None:
    assert len(labeled_controls(shown.widget, "packet-lab")) == 9 + len(shown.hops.options)
    assert sum("labkit-answer" in control._dom_classes for control in controls(shown.widget)) == 1
