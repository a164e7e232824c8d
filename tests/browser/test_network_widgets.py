"""The widgets of the network in a browser answer what `lab.trace` says, also when the network changes."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.browser.notebook import Notebook
from tests.browser.widget import Measured, Widget

#: The lab with the peering connection and both routes, and what `lab.trace` says of it; then the widgets.
CELLS = {
    "lab": """\
import boto3
import labkit

lab = labkit.connect()
lab.catch_up("05")
ec2 = boto3.client("ec2")""",
    "expected": """\
for port in (22, 443):
    print(lab.trace("instance-1", "instance-2", "tcp", port).verdict)
print(lab.trace("instance-1", "8.8.8.8").verdict)""",
    "map": """\
import time

for _ in range(2):
    started = time.perf_counter()
    lab.map(lab.trace("instance-1", "instance-2"))._repr_mimebundle_()
    print((time.perf_counter() - started) * 1000)""",
    "packet-lab": 'lab.widgets.packet_lab("instance-1", "instance-2")',
    "route-editor": 'lab.widgets.route_editor("route-table-2")',
    "rule-editor": 'lab.widgets.rule_editor("allow-icmp-2")',
    "acl-editor": 'lab.widgets.acl_editor("subnet-2")',
    "replay": 'lab.widgets.replay("instance-1", "instance-2")',
    "without the route back": """\
_ = ec2.delete_route(RouteTableId=lab.find("route-table-2"), DestinationCidrBlock="10.1.0.0/16")
print(lab.trace("instance-1", "instance-2").verdict)""",
}
PLACES = {name: place for place, name in enumerate(CELLS)}
AT_FIRST = list(CELLS)[:-1]


@pytest.fixture(scope="module")
def notebook(opened_once: Callable[..., Notebook]) -> Notebook:
    """A notebook with a widget in each cell, run but for its last cell."""
    opened = opened_once("network-widgets", list(CELLS.values()))
    opened.run_first(len(AT_FIRST))
    return opened


@pytest.fixture
def verdicts(notebook: Notebook) -> dict[str, str]:
    """What `lab.trace` says, by what was asked."""
    lines = notebook.output(PLACES["expected"]).splitlines()
    return dict(zip(("tcp 22", "tcp 443", "internet"), lines, strict=True))


def test_the_map_is_drawn(notebook: Notebook, measured: Measured) -> None:
    first, second = map(float, notebook.output(PLACES["map"]).split())
    measured("map: the first, with loading what draws it", first, "ms")
    measured("map: the second", second, "ms")


ARRIVES, LOST = "the reply comes back", "its reply is lost on the way back"


@pytest.fixture
def packet_lab(notebook: Notebook, measured: Measured) -> Widget:
    """The packet lab, at a ping from instance-1 to instance-2."""
    lab = Widget(notebook, "packet-lab", measured)
    lab.choose("From", "instance-1 · 10.1")
    lab.choose("To", "instance-2 · 10.2")
    lab.choose("Protocol", "ICMP")
    lab.wait_for('lab.trace("instance-1", "instance-2")')
    return lab


def test_the_packet_lab_follows_protocol_port_and_ends(packet_lab: Widget, verdicts: dict[str, str]) -> None:
    lab = packet_lab
    assert ARRIVES in lab.answer
    with lab.answering(verdicts["tcp 443"], "packet lab: another protocol"):
        lab.choose("Protocol", "TCP")
    with lab.answering('"tcp", 22', "packet lab: another port"):
        lab.type("Port", "22")
    assert verdicts["tcp 22"] in lab.answer
    with lab.answering('"8.8.8.8", "tcp", 22', "packet lab: another destination"):
        lab.choose("To", "the internet")
    lab.choose("Protocol", "ICMP")
    lab.wait_for('lab.trace("instance-1", "8.8.8.8")')
    assert verdicts["internet"] in lab.answer


def test_a_step_of_the_packet_lab_tells_the_rule(packet_lab: Widget) -> None:
    with packet_lab.answering("what decided", "packet lab: another step"):
        packet_lab.choose("Steps", "4 ✓ route table route-table-1")
    assert "10.2.0.0/16 → peering-1-2" in packet_lab.answer


def test_a_number_on_the_map_chooses_its_step(packet_lab: Widget) -> None:
    steps = packet_lab.control("Steps").locator("option")
    with packet_lab.answering("the order in which they are tried", "packet lab: a number on the map"):
        packet_lab.press("6")
    assert steps.nth(5).evaluate("option => option.selected")
    packet_lab.page.keyboard.press("Shift+Tab")
    with packet_lab.answering("It is active and leads to vpc-2."):
        packet_lab.page.keyboard.press("Space")
    assert steps.nth(4).evaluate("option => option.selected")


def test_what_is_no_port_is_said_in_a_sentence(packet_lab: Widget) -> None:
    packet_lab.choose("Protocol", "TCP")
    with packet_lab.answering("'http' is not a port"):
        packet_lab.type("Port", "http")
    with packet_lab.answering('"tcp", 443'):
        packet_lab.type("Port", "443")
    assert packet_lab.notebook.failed_cells() == []


def test_a_route_made_by_a_click_changes_the_packet_lab(packet_lab: Widget, measured: Measured) -> None:
    editor = Widget(packet_lab.notebook, "route-editor", measured)
    editor.choose("Change", "delete a route")
    editor.choose("Route", "10.1.0.0/16")
    editor.wait_for("ec2.delete_route")
    with packet_lab.answering(LOST, "route editor: a route deleted, and the packet lab knows"):
        editor.press("Make this call")

    editor.choose("Change", "create a route")
    editor.choose("Target", "peering-1-2")
    editor.control("Destination").click()
    with editor.answering("VpcPeeringConnectionId", "route editor: the call as code"):
        editor.page.keyboard.type("10.1.0.0/16")  # and no Enter: the call follows each key
    with packet_lab.answering(ARRIVES, "route editor: a route made, and the packet lab knows"):
        editor.press("Make this call")


def test_what_aws_refuses_is_said_in_a_sentence(notebook: Notebook) -> None:
    editor = Widget(notebook, "route-editor")
    editor.choose("Change", "create a route")
    editor.choose("Target", "igw-2")
    editor.type("Destination", "0.0.0.0/0")
    editor.wait_for("GatewayId")
    with editor.answering("RouteAlreadyExists"):
        editor.press("Make this call")
    assert notebook.failed_cells() == []


def test_a_rule_is_added_and_removed(notebook: Notebook, measured: Measured) -> None:
    editor = Widget(notebook, "rule-editor", measured)
    editor.choose("Protocol", "TCP")
    with editor.answering('"FromPort": 22', "rule editor: the call as code"):
        editor.type("Port or ports", "22")
    with editor.answering("TCP port 22 from 0.0.0.0/0", "rule editor: a rule added"):
        editor.press("Make this call")
    editor.choose("Change", "remove a rule")
    editor.choose("Rule", "TCP port 22")
    editor.wait_for("revoke_security_group_ingress")
    with editor.answering("Done: ec2.revoke_security_group_ingress"):
        editor.press("Make this call")


def test_an_entry_of_a_network_acl_is_made(packet_lab: Widget, measured: Measured) -> None:
    editor = Widget(packet_lab.notebook, "acl-editor", measured)
    with editor.answering("RuleNumber=80", "network ACL editor: the call as code"):
        editor.type("Rule number", "80")
    what = "network ACL editor: an entry made, and the packet lab knows"
    with packet_lab.answering("The packet never arrives.", what):
        editor.press("Make this call")
    editor.choose("Change", "delete an entry")
    editor.wait_for("ec2.delete_network_acl_entry")
    with packet_lab.answering(ARRIVES):
        editor.press("Make this call")


def test_the_replay_goes_step_by_step(notebook: Notebook, measured: Measured) -> None:
    replay = Widget(notebook, "replay", measured)
    assert "at instance instance-1" in replay.answer
    with replay.answering("at security group allow-icmp-1", "replay: a step on"):
        replay.press("Next")
    with replay.answering("Packet 1 of 3, at instance instance-1"):
        replay.press("Previous")


def test_the_lab_changes_under_a_widget(packet_lab: Widget) -> None:
    notebook = packet_lab.notebook
    assert ARRIVES in packet_lab.answer
    with packet_lab.answering(LOST):
        notebook.run_cell(PLACES["without the route back"])
    assert LOST in notebook.output(PLACES["without the route back"])
    # Moved now, it answers for the network as it has become.
    with packet_lab.answering("8.8.8.8"):
        packet_lab.choose("To", "the internet")
    assert notebook.failed_cells() == []


def test_after_a_restart_in_the_middle_everything_runs_again(notebook: Notebook, verdicts: dict[str, str]) -> None:
    notebook.restart()
    notebook.run_all()
    assert notebook.failed_cells() == []
    lab = Widget(notebook, "packet-lab")
    lab.wait_for(LOST)
    with lab.answering('lab.trace("instance-1", "8.8.8.8")'):
        lab.choose("To", "the internet")
    assert verdicts["internet"] in lab.answer


def test_the_browser_complained_of_nothing(notebook: Notebook) -> None:
    assert notebook.problems == []
    assert notebook.abroad == []
