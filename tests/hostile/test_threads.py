"""Threads beside a cell: maps drawn at once, and widgets that JupyterLab moves while cells run."""

from __future__ import annotations

import io
import json
import random
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import redirect_stdout
from datetime import timedelta
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import matplotlib
import pytest
from botocore.exceptions import ClientError

from labkit import flowlogs
from labkit.lab import Lab
from labkit.learn.catch_up import catch_up
from labkit.network import Network, NetworkError
from labkit.network.files import gaps
from labkit.show.figure import steady_style
from labkit.show.map import lettering
from labkit.show.widgets.packet_lab import PacketLab
from tests.hostile.fuzzing import SOAK, Outcomes
from tests.hostile.subshells import Kernel, drive, kernel
from tests.lab.conftest import fresh_lab
from tests.networks import OPERATIONS, TO_1, TO_2, Build, connected, the_lab, two_vpcs
from tests.show.widgets.build import both_routes

#: How many threads do the same at once.
THREADS = 6


@pytest.fixture
def hurried() -> Iterator[None]:
    """Let Python change threads a thousand times as often as it does."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(before / 1000)
    yield
    sys.setswitchinterval(before)


def at_once(*actions: Callable[[], object]) -> None:
    """Do all of these at once, each in a thread of its own; an error of any of them is raised."""
    start, errors = threading.Barrier(len(actions)), list[Exception]()

    def do(action: Callable[[], object]) -> None:
        start.wait()
        try:
            action()
        except Exception as error:
            errors.append(error)

    threads = [threading.Thread(target=do, args=[action]) for action in actions]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if errors:
        raise errors[0]


# Drawing


@pytest.mark.usefixtures("hurried")
def test_first_maps_at_once_measure_as_one_does() -> None:
    letters = list(map(chr, [*range(0x20, 0x7F), *range(0xA1, 0x250), *range(0x391, 0x3C9), *range(0x410, 0x44F)]))
    wide = sum(lettering.width(letter, 10, True) for letter in letters)
    for round in range(20 * SOAK):
        for cache in (lettering.width, lettering._advance, lettering._kerning, lettering._face):
            cache.cache_clear()
        found: list[float] = []

        def measure(order: list[str], found: list[float] = found) -> None:
            found.append(sum(lettering.width(letter, 10, True) for letter in order))

        rng = random.Random(round)
        at_once(*(partial(measure, rng.sample(letters, len(letters))) for _ in range(THREADS)))
        assert found == [wide] * THREADS


@pytest.mark.usefixtures("hurried")
def test_pictures_at_once_leave_the_settings_of_matplotlib_alone() -> None:
    before = dict(matplotlib.rcParams)

    def draw() -> None:
        for _ in range(50):
            with steady_style():
                assert matplotlib.rcParams["text.hinting"] == "default"

    with matplotlib.rc_context({"text.hinting": "none"}):
        at_once(*[draw] * THREADS)
        assert matplotlib.rcParams["text.hinting"] == "none"
    assert dict(matplotlib.rcParams) == before


def test_a_setting_that_a_cell_changes_while_a_picture_is_drawn_stays() -> None:
    with matplotlib.rc_context():
        with steady_style():
            matplotlib.rcParams["figure.dpi"] = 300
        assert matplotlib.rcParams["figure.dpi"] == 300


# Networks


class Changing:
    """An EC2 client of a network that changes: each call is answered for the next of some states, or the last one."""

    def __init__(self, *states: Build) -> None:
        self.states, self.calls = states, 0

    def get_paginator(self, operation: str) -> Any:
        key = next((key for key, name in OPERATIONS.items() if name.replace("-", "_") == operation), None)
        if key is None:  # the entries of prefix lists, of which there are none
            return SimpleNamespace(paginate=None)
        state = self.states[min(self.calls, len(self.states) - 1)]
        self.calls += 1
        return SimpleNamespace(paginate=lambda: [{key: state.parts[key]}])


@pytest.mark.parametrize(("before", "after"), [(Build(), connected()), (connected(), Build())])
def test_a_network_that_a_cell_changes_while_it_is_read_fits_together(before: Build, after: Build) -> None:
    for at in range(len(OPERATIONS) + 1):
        network = Network.from_ec2(Changing(*[before] * at, after))
        assert network in (before.network(), after.network()) or not list(gaps(network))


def test_a_network_that_never_stands_still_is_refused() -> None:
    states = [two_vpcs(), Build()] * 100
    with pytest.raises(NetworkError, match="it changed each time while it was read"):
        Network.from_ec2(Changing(*states))


def test_what_is_never_described_is_done_without() -> None:
    """Who shares a subnet with other accounts may see it without all that belongs to it.
    https://docs.aws.amazon.com/vpc/latest/userguide/vpc-sharing-share-subnet-working-with.html
    """
    build = two_vpcs()
    build.parts["SecurityGroups"].clear()
    client = Changing(build)
    assert Network.from_ec2(client) == build.network() and client.calls == 2 * len(OPERATIONS)


# The lab


@pytest.mark.parametrize(
    "behaviors", [(), ("eventual-consistency", "query-states", "throttling")], ids=["plain", "contrary"]
)
def test_all_that_a_lab_does_can_be_done_at_once(behaviors: tuple[str, ...], outcomes: Outcomes) -> None:
    with fresh_lab(*behaviors) as lab, redirect_stdout(io.StringIO()):
        catch_up("05", {"lab": lab})
        lab.shell("instance-1", "ping -c 3 10.2.0.126")
        lab.wait_for_flow_logs()
        ec2, records = lab.client("ec2"), flowlogs.read(lab.records())
        packet, replay = lab.widgets.packet_lab(), lab.widgets.replay("instance-1", "instance-2")
        box, explorer = lab.widgets.insights("stats count(*) by action"), lab.widgets.flow_explorer(records)

        def come_and_go() -> None:
            vpc = ec2.create_vpc(CidrBlock="10.9.0.0/16", TagSpecifications=lab.tags("vpc", "vpc-9"))["Vpc"]["VpcId"]
            subnet = ec2.create_subnet(VpcId=vpc, CidrBlock="10.9.0.0/24")["Subnet"]["SubnetId"]
            ec2.delete_subnet(SubnetId=subnet)
            ec2.delete_vpc(VpcId=vpc)

        does: tuple[Callable[[], object], ...] = (
            come_and_go,
            lambda: lab.map(lab.trace("instance-1", "instance-2")).png(),
            lambda: lab.shell("instance-1", "ping -c 1 10.2.0.126"),
            lambda: lab.records(since=lab.clock - timedelta(minutes=5)),
            lambda: lab.insights("stats count(*) as n by action"),
            lambda: flowlogs.top_talkers(records),
            lambda: (lab.check(), lab.progress(), lab.quiz("03").answer(1, "b")),
            lambda: (packet.catch_up(), repr(packet), replay.next.click()),
            lambda: (box.run.click(), explorer.reset.click()),
            lambda: Lab(lab._account).client("ec2"),
        )

        def work(seed: int) -> None:
            rng = random.Random(seed)
            for _ in range(4 * SOAK):
                do = rng.choice(does)
                with outcomes.of(does.index(do), ClientError):
                    do()

        at_once(*(partial(work, seed) for seed in range(THREADS)))
        shown = packet.verdict.value, replay.verdict.value, box.status.value
    assert not [each for each in shown if "This went wrong" in each]


# Widgets


def say(control: Any, **state: object) -> None:
    """Let the front end say how a control was moved."""
    data = {"method": "update", "state": state, "buffer_paths": []}
    control._handle_msg({"content": {"data": data}, "buffers": []})


@pytest.mark.usefixtures("hurried")
def test_a_person_at_several_controls_and_a_cell_move_a_widget_at_once(caplog: pytest.LogCaptureFixture) -> None:
    lab, said = both_routes(), list[str]()
    shown = PacketLab(lab)
    shown.verdict.observe(lambda change: said.append(change["new"]), "value")

    def often(*moves: Callable[[], object]) -> Callable[[], None]:
        return lambda: [move() for _ in range(15 * SOAK) for move in moves]

    def change_the_network(*routes: Any) -> None:
        lab.build = the_lab(*routes)
        lab.changed()
        shown.catch_up()

    at_once(
        often(lambda: say(shown.hops, index=0), lambda: say(shown.hops, index=7)),
        often(lambda: say(shown.protocol, index=1), lambda: say(shown.protocol, index=0)),
        often(lambda: say(shown.port, value="80"), lambda: say(shown.port, value="no port")),
        often(lambda: shown.map.buttons[0].click(), lambda: setattr(shown.port, "value", "443")),
        often(lambda: change_the_network(TO_2), lambda: change_the_network(TO_2, TO_1)),
        often(lambda: repr(shown)),
    )
    assert not [each for each in said if "This went wrong" in each] and not caplog.text
    shown.protocol.value = "icmp"
    assert len(shown.hops.options) == len(shown.map.buttons) == sum(len(leg.hops) for leg in shown.path.legs.values())


#: Makes the lab, and one of each widget.
FIRST = """
import json
from contextlib import suppress
import boto3, ipywidgets, labkit
from IPython.display import display
from labkit import flowlogs
from labkit.errors import LabError
lab = labkit.connect()
lab.catch_up("05")
lab.shell("instance-1", "ping -c 3 10.2.0.126")
lab.wait_for_flow_logs()
ec2, table, peering = boto3.client("ec2"), lab.find("route-table-1"), lab.find("peering-1-2")
to_vpc_2 = {"RouteTableId": table, "DestinationCidrBlock": "10.2.0.0/16"}
shown = {
    "packet": lab.widgets.packet_lab("instance-1", "instance-2", "tcp", 443),
    "routes": lab.widgets.route_editor("route-table-1"),
    "rules": lab.widgets.rule_editor("allow-icmp-1"),
    "acl": lab.widgets.acl_editor("subnet-1"),
    "replay": lab.widgets.replay("instance-1", "instance-2"),
    "flows": lab.widgets.flow_explorer(flowlogs.read(lab.records())),
    "insights": lab.widgets.insights("stats count(*) by action"),
    "record": lab.widgets.record_decoder(lab.records()[0]),
    "quiz": lab.quiz("03"),
}
display(*shown.values())
"""

#: Tells the kind, the model id and the number of options of each control.
CONTROLS = """
def controls(widget):
    yield widget
    for child in getattr(widget, "children", ()):
        yield from controls(child)
print(json.dumps([
    (type(each).__name__, each.model_id, len(getattr(each, "options", ())))
    for one in shown.values() for each in controls(one.widget)
]))
"""

#: What cells do meanwhile.
CELLS = (
    "with suppress(LabError): lab.shell('instance-1', 'ping -c 2 10.2.0.126')",
    "with lab.unless('InvalidRoute.NotFound'): ec2.delete_route(**to_vpc_2)",
    "lab.map()",
    "with lab.unless('RouteAlreadyExists'): ec2.create_route(**to_vpc_2, VpcPeeringConnectionId=peering)",
    "lab.map(lab.trace('instance-1', 'instance-2'))",
    "assert lab.records()",
    "lab.insights('stats count(*) as n by action', hint=False)",
    "vpc = ec2.create_vpc(CidrBlock='10.9.0.0/16')['Vpc']['VpcId']\n"
    "subnet = ec2.create_subnet(VpcId=vpc, CidrBlock='10.9.0.0/24')['Subnet']['SubnetId']\n"
    "interface = ec2.create_network_interface(SubnetId=subnet)['NetworkInterface']['NetworkInterfaceId']",
    "lab.check()",
    "ec2.delete_network_interface(NetworkInterfaceId=interface)\n"
    "ec2.delete_subnet(SubnetId=subnet)\nec2.delete_vpc(VpcId=vpc)",
    "lab.widgets.packet_lab('instance-1', 'instance-2')",
    "lab.progress()",
    "shown['packet'].port.value = '80'",
)

#: At the end, each widget shows the network as it is.
LAST = """
for one in ("packet", "routes", "rules", "acl", "replay"):
    shown[one].catch_up()
packet, network = shown["packet"], lab.network
packet.source.choice.value, packet.destination.choice.value, packet.protocol.value = "instance-1", "instance-2", "icmp"
assert packet.path == network.trace_between("instance-1", "instance-2")
assert len(packet.hops.options) == len(packet.map.buttons) == sum(len(leg.hops) for leg in packet.path.legs.values())
assert shown["routes"].part == network.route_tables[table]
"""


def moves(controls: list[tuple[str, str, int]], rng: random.Random) -> list[tuple[str, dict[str, Any]]]:
    """Choose some thousand moves, each of a control to something that it can be set to, or to a place out of reach."""
    texts = "443", "80", "x", "", "10.2.0.0/16", "10.2.0.126", "0.0.0.0/0"
    choices = {"Dropdown", "Select", "ToggleButtons", "RadioButtons"}
    made: list[tuple[str, dict[str, Any]]] = []
    while len(made) < 5000:
        kind, comm, options = rng.choice(controls)
        if kind == "Button":
            made.append((comm, {"content": {"event": "click"}}))
        elif kind in choices and options:
            made.append((comm, {"state": {"index": rng.randrange(options + 2)}}))
        elif kind in ("Text", "Combobox"):
            made.append((comm, {"state": {"value": rng.choice(texts)}}))
        elif kind == "IntSlider":
            made.append((comm, {"state": {"value": rng.randrange(40)}}))
        elif kind == "SelectionRangeSlider":
            made.append((comm, {"state": {"index": sorted(rng.choices(range(options), k=2))}}))
    return made


def answers_beside_a_cell(running: Kernel, control: str) -> bool:
    """Whether a control that is moved while a cell runs answers before the cell ends.

    ipykernel 7.4 sends a message to the shell that used the control last; the first move lets that be the subshell.
    """
    subshell = running.subshell()
    first = running.move(subshell, control, state={"value": "22"})
    while running.listen(30) != first:
        pass
    cell = running.begin("import time; time.sleep(2)")
    move = running.move(subshell, control, state={"value": "8080"})
    ended = []
    while cell not in ended:
        ended.append(running.listen(30))
    return move in ended


def test_widgets_hold_beside_running_cells(tmp_path: Path, outcomes: Outcomes) -> None:
    with kernel(tmp_path) as running:
        running.run(FIRST)
        controls = json.loads(running.run(CONTROLS))
        assert answers_beside_a_cell(running, next(comm for kind, comm, _ in controls if kind == "Text"))
        for subshells in (1, 3):  # one for all controls, or several
            chosen = moves(controls, random.Random(subshells))
            outcomes.tried += sum(drive(running, CELLS, chosen, subshells, seconds=2.5 * SOAK))
        running.run(LAST)
    outcomes.raw = running.raw
