"""The widgets in a lab with a running AWS: a cell's call, a click and a look are about the same network."""

from __future__ import annotations

import re
import subprocess
import sys
from html import unescape
from types import SimpleNamespace
from typing import Any

import boto3
import pytest

from labkit.errors import LabError
from labkit.lab import Lab
from labkit.network import Network
from labkit.network.packet import TCP
from labkit.network.read import is_partial
from labkit.show.widgets import base, live
from tests.lab.conftest import Built


@pytest.fixture
def peered(built: Built) -> Built:
    """With the peering connection of notebook 04, and no route to it yet."""
    ec2 = built.ec2
    tags = built.lab.tags("vpc-peering-connection", "peering-1-2")
    asked = ec2.create_vpc_peering_connection(VpcId=built.vpc_1, PeerVpcId=built.vpc_2, TagSpecifications=tags)
    built.names["peering"] = asked["VpcPeeringConnection"]["VpcPeeringConnectionId"]
    ec2.accept_vpc_peering_connection(VpcPeeringConnectionId=built.peering)
    return built


def route(built: Built, number: int, destination: str) -> dict[str, str]:
    table = built.lab.find(f"route-table-{number}") or ""
    return {"RouteTableId": table, "DestinationCidrBlock": destination, "VpcPeeringConnectionId": built.peering}


def test_the_lab_lists_its_widgets(lab: Lab) -> None:
    assert {"packet_lab", "replay", "route_editor", "rule_editor"} <= set(dir(lab.widgets))
    assert "lab.widgets.packet_lab(…)" in repr(lab.widgets)


def test_nothing_is_loaded_before_a_widget_is_made() -> None:
    code = "import labkit.lab, labkit.show.widgets as s, sys; s.Widgets(None); sys.exit('ipywidgets' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_a_route_that_a_cell_makes_is_on_the_map_with_the_next_move(peered: Built) -> None:
    shown = peered.lab.widgets.packet_lab("instance-1", "instance-2")
    assert shown.hops.value == "5 ✗ internet gateway igw-1"
    boto3.client("ec2").create_route(**route(peered, 1, "10.2.0.0/16"))
    shown.protocol.value = "tcp"
    shown.protocol.value = "icmp"
    assert shown.hops.value == "↩5 ✗ internet gateway igw-2"
    boto3.client("ec2").create_route(**route(peered, 2, "10.1.0.0/16"))
    shown.catch_up()
    assert shown.path is not None and shown.path.replied


def test_what_is_on_the_page_follows_the_cells(peered: Built, monkeypatch: pytest.MonkeyPatch) -> None:
    events: dict[str, list[Any]] = {"post_run_cell": []}
    registered = SimpleNamespace(callbacks=events, register=lambda name, what: events[name].append(what))
    shell = SimpleNamespace(events=registered, display_formatter=SimpleNamespace(format=lambda still: ({}, {})))
    monkeypatch.setitem(sys.modules, "IPython", SimpleNamespace(get_ipython=lambda: shell))  # type: ignore[arg-type]
    monkeypatch.setattr(live, "is_live", lambda: True)
    shown = [peered.lab.widgets.packet_lab(), peered.lab.widgets.route_editor("route-table-1")]
    for widget in shown * 2:
        widget._repr_mimebundle_()
    peered.ec2.create_route(**route(peered, 1, "10.2.0.0/16"))
    assert shown[0].path.reached is False  # type: ignore[union-attr]
    (after_cell,) = events["post_run_cell"]
    after_cell(None)
    assert shown[0].path.reached is True  # type: ignore[union-attr]
    assert "peering-1-2" in shown[1].table.value  # type: ignore[union-attr]


def test_where_no_front_end_is_each_shows_its_still_form(built: Built, monkeypatch: pytest.MonkeyPatch) -> None:
    from IPython.core.formatters import DisplayFormatter

    shell = SimpleNamespace(display_formatter=DisplayFormatter())
    widgets = built.lab.widgets
    shown = [widgets.packet_lab(), widgets.route_editor("route-table-1"), widgets.replay("instance-1", "instance-2")]
    monkeypatch.setattr(sys.modules["IPython"], "get_ipython", lambda: shell)
    for widget in shown:
        data, _ = widget._repr_mimebundle_()
        assert data["text/plain"] == repr(widget)
        assert "\n" in data["text/plain"]
        assert "application/vnd.jupyter.widget-view+json" not in data
    assert "image/png" in shown[0]._repr_mimebundle_()[0]


def test_a_saved_notebook_keeps_the_words(built: Built, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(base, "is_live", lambda: True)
    shown = built.lab.widgets.route_editor("route-table-1")
    data = shown._repr_mimebundle_()
    assert isinstance(data, dict)
    assert data["text/plain"] == repr(shown)
    assert data["application/vnd.jupyter.widget-view+json"]["model_id"] == shown.widget.model_id


def test_a_click_in_the_route_editor_makes_the_route(peered: Built) -> None:
    editor = peered.lab.widgets.route_editor("route-table-1")
    shown = peered.lab.widgets.packet_lab()
    editor.destination.value = "10.2.0.0/16"
    assert peered.lab.trace("instance-1", "instance-2").reached is False  # nothing happens without a click
    editor.button.click()
    assert peered.lab.trace("instance-1", "instance-2").reached is True
    shown.catch_up()
    assert shown.path is not None and shown.path.reached
    assert "  10.2.0.0/16  peering-1-2" in repr(editor)


def test_the_call_that_was_shown_runs_in_a_cell(peered: Built) -> None:
    editor = peered.lab.widgets.route_editor("route-table-1")
    editor.destination.value = "10.2.0.0/16"
    exec(editor.code.value, {"ec2": boto3.client("ec2")})
    assert peered.lab.trace("instance-1", "instance-2").reached is True
    rules = peered.lab.widgets.rule_editor("allow-icmp-2")
    rules.protocol.value, rules.ports.value = TCP, "22"
    exec(rules.code.value, {"ec2": boto3.client("ec2")})
    rules.catch_up()
    assert "inbound    TCP port 22 from 0.0.0.0/0" in repr(rules)


def test_what_aws_refuses_is_told_in_its_words(peered: Built) -> None:
    editor = peered.lab.widgets.route_editor("route-table-1")
    editor.destination.value = "0.0.0.0/0"
    editor.button.click()
    assert "AWS refused: The route identified by 0.0.0.0/0 already exists. (RouteAlreadyExists)" in editor.verdict.value
    peered.ec2.create_route(**route(peered, 1, "10.2.0.0/16"))
    editor.catch_up()
    editor.action.value, editor.route.value = "delete_route", "10.2.0.0/16"
    peered.ec2.delete_route(RouteTableId=editor.id, DestinationCidrBlock="10.2.0.0/16")
    editor.button.click()
    assert "(InvalidRoute.NotFound)" in editor.verdict.value


def test_a_rule_is_removed_and_added_again(built: Built) -> None:
    editor = built.lab.widgets.rule_editor("allow-icmp-1")
    before = repr(editor)
    editor.action.value = "revoke"
    editor.button.click()
    assert "✓ Done: ec2.revoke_security_group_ingress" in editor.verdict.value
    assert "ICMP" not in repr(editor)
    editor.action.value = "authorize"
    editor.button.click()
    assert repr(editor) == before
    editor.button.click()
    assert "(InvalidPermission.Duplicate)" in editor.verdict.value


def test_an_instance_that_is_terminated_meanwhile_is_missed(built: Built) -> None:
    shown = built.lab.widgets.packet_lab("instance-1", "instance-2")
    built.ec2.terminate_instances(InstanceIds=[built.lab.find("instance-2")])
    shown.catch_up()
    assert "There is no instance, interface or address 'instance-2'" in unescape(shown.verdict.value)


def test_a_route_table_that_is_deleted_meanwhile_is_missed(built: Built) -> None:
    table = built.ec2.create_route_table(VpcId=built.vpc_1)["RouteTable"]["RouteTableId"]
    editor = built.lab.widgets.route_editor(table)
    built.ec2.delete_route_table(RouteTableId=table)
    editor.catch_up()
    assert f"There is no route table '{table}'." in unescape(editor.verdict.value)
    assert editor.button.disabled


def test_on_an_empty_account_each_widget_is_a_sentence(lab: Lab) -> None:
    assert "Say from where to where" in lab.widgets.packet_lab().verdict.value
    with pytest.raises(LabError, match="There is no security group 'allow-icmp-1'"):
        lab.widgets.rule_editor("allow-icmp-1")
    with pytest.raises(LabError, match="There is no instance, interface or address 'instance-1'"):
        lab.widgets.replay("instance-1", "instance-2")


def test_a_replay_shows_the_records_of_the_ping_and_which_never_come(built: Built) -> None:
    before = built.lab.clock
    built.lab.shell("instance-1", "ping -c 3 10.2.0.126")
    replay = built.lab.widgets.replay("instance-1", "instance-2", since=before)
    replay.slider.value = replay.slider.max
    assert "none (yet)" in replay.table.value
    built.lab.wait_for_flow_logs()
    replay.refresh()
    first, *others = repr(replay).splitlines()[3:]
    assert re.search(r"egress +10.1.15.80 → 10.2.0.126 +ACCEPT +3 +1 record, 3 packets$", first)
    assert [line.split()[-1] for line in others] == ["come"] * 3
    (line,) = built.lab.records("10.2.0.126", "10.1.15.80", since=before)
    assert line in replay.lines.value


@pytest.mark.parametrize("changed", ["route", "rule", "entry"])
def test_after_a_route_or_a_rule_only_that_is_read_again(peered: Built, changed: str) -> None:
    before, ec2 = peered.lab.network, peered.ec2
    acl, group = before.network_acl_of(peered.lab.find("subnet-1") or "").id, peered.lab.find("allow-icmp-1")
    ssh = {"IpProtocol": "tcp", "FromPort": 22, "ToPort": 22, "CidrIp": "0.0.0.0/0"}
    deny = {"RuleNumber": 90, "Protocol": "1", "RuleAction": "deny", "Egress": False, "CidrBlock": "0.0.0.0/0"}
    known = len(peered.lab.changes)
    if changed == "route":
        ec2.create_route(**route(peered, 1, "8.8.8.0/24"))
    elif changed == "rule":
        ec2.authorize_security_group_ingress(GroupId=group, **ssh)
    else:
        ec2.create_network_acl_entry(NetworkAclId=acl, **deny)
    asked: list[str] = []
    ec2.meta.events.register("before-call.ec2", lambda model, **_: asked.append(model.name), unique_id="asked")
    after = before.reread(ec2, peered.lab.changes[known:])
    ec2.meta.events.unregister("before-call.ec2", unique_id="asked")
    assert len(asked) == 1
    assert after == peered.lab.network != before
    assert isinstance(after, Network)


def test_looking_is_no_change(built: Built) -> None:
    known = len(built.lab.changes)
    _ = built.lab.network
    built.ec2.describe_vpcs()
    assert len(built.lab.changes) == known
    built.ec2.create_tags(Resources=[built.vpc_1], Tags=[{"Key": "Name", "Value": "vpc-one"}])
    assert list(built.lab.changes[known:]) == ["CreateTags"]
    assert not is_partial("CreateTags")
