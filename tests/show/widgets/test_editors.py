"""The editors: they show each call as code before a click makes it, and say in a sentence what AWS refuses."""

from __future__ import annotations

import re
from html import unescape
from typing import Any

import ipywidgets as w
import pytest
from botocore.exceptions import ClientError

from labkit.errors import LabError
from labkit.show.widgets.acl_editor import AclEditor
from labkit.show.widgets.editor import Call, Editor
from labkit.show.widgets.route_editor import RouteEditor
from labkit.show.widgets.rule_editor import RuleEditor
from tests.networks import TO_1, TO_2, behind_nat, from_group, tcp_from, the_lab
from tests.show.widgets.build import PaperLab, both_routes, controls, one_route


class Ec2:
    """Notes the calls that are made."""

    def __init__(self) -> None:
        self.calls: list[Call] = []

    def __getattr__(self, operation: str) -> Any:
        return lambda **parameters: self.calls.append(Call(operation, parameters))


@pytest.fixture
def lab() -> PaperLab:
    made, ec2 = one_route(), Ec2()
    made.client = lambda service: ec2  # type: ignore[method-assign]
    return made


@pytest.fixture
def routes(lab: PaperLab) -> RouteEditor:
    return RouteEditor(lab, "rtb-subnet-2")


@pytest.fixture
def rules(lab: PaperLab) -> RuleEditor:
    return RuleEditor(lab, "sg-1")


def said(editor: Editor) -> str:
    return unescape(editor.verdict.value + editor.hint.value)


# Routes


def test_the_routes_are_a_table(routes: RouteEditor) -> None:
    assert repr(routes).splitlines() == [
        "Routes of rtb-subnet-2, used by subnet-2",
        "  10.2.0.0/16  local    active",
        "  0.0.0.0/0  igw-2    active",
    ]
    assert "<td>0.0.0.0/0</td><td>igw-2</td>" in routes.table.value


def test_targets_are_offered_by_name(routes: RouteEditor) -> None:
    assert [label for label, _ in routes.target.options] == [
        "peering-1-2 · peering connection to vpc-1, active",
        "igw-2 · internet gateway",
        "instance-2 · its interface eni-instance-2",
    ]
    nat = RouteEditor(PaperLab(behind_nat()), "rtb-subnet-private")
    assert "nat-1 · NAT gateway, available" in [label for label, _ in nat.target.options]


def test_the_route_back_is_offered_and_shown_as_code_before_the_click(routes: RouteEditor, lab: PaperLab) -> None:
    assert routes.button.disabled
    assert routes.destination.options == ("10.1.0.0/16",)
    routes.destination.value = "10.1.0.0/16"
    assert not routes.button.disabled
    assert routes.code.value == (
        'ec2.create_route(\n    RouteTableId="rtb-subnet-2",\n    DestinationCidrBlock="10.1.0.0/16",\n'
        '    VpcPeeringConnectionId="pcx-12",\n)'
    )
    assert lab.client("ec2").calls == []


@pytest.mark.parametrize(
    ("target", "parameter"),
    [("pcx-12", "VpcPeeringConnectionId"), ("igw-2", "GatewayId"), ("eni-instance-2", "NetworkInterfaceId")],
)
def test_a_click_makes_the_call_that_was_shown(routes: RouteEditor, lab: PaperLab, target: str, parameter: str) -> None:
    routes.destination.value, routes.target.value = "10.9.0.0/16", target
    shown = routes.code.value
    routes.button.click()
    (call,) = lab.client("ec2").calls
    assert call.code() == shown == routes.made[0].code()
    assert call.parameters == {"RouteTableId": "rtb-subnet-2", "DestinationCidrBlock": "10.9.0.0/16", parameter: target}
    assert "✓ Done: ec2.create_route" in said(routes)


def test_the_table_shows_what_has_been_done(routes: RouteEditor, lab: PaperLab) -> None:
    def create_route(**_: str) -> None:
        lab.build = the_lab(TO_2, TO_1)
        lab.changed()

    lab.client("ec2").create_route = create_route
    routes.destination.value = "10.1.0.0/16"
    routes.button.click()
    assert "<td>10.1.0.0/16</td><td>peering-1-2</td><td>pcx-12</td><td>active</td>" in routes.table.value
    assert routes.destination.options == ()  # nothing more to offer


def test_replacing_and_deleting_offer_the_routes_there_are(routes: RouteEditor) -> None:
    routes.action.value = "replace_route"
    assert routes.destination.options == ("0.0.0.0/0",)
    routes.destination.value = "0.0.0.0/0"
    assert routes.code.value.startswith("ec2.replace_route(")
    routes.action.value = "delete_route"
    assert routes.code.value == 'ec2.delete_route(RouteTableId="rtb-subnet-2", DestinationCidrBlock="0.0.0.0/0")'
    assert routes.target.layout.display == "none"


def test_an_ipv6_range_and_a_prefix_list_have_parameters_of_their_own(routes: RouteEditor) -> None:
    routes.destination.value = "::/0"
    assert 'DestinationIpv6CidrBlock="::/0"' in routes.code.value
    routes.destination.value = "pl-63a5400a"
    assert 'DestinationPrefixListId="pl-63a5400a"' in routes.code.value


@pytest.mark.parametrize("typed", ["10.1.0.0", "10.1.0.0/33", "instance-1", "10.1/16", "<b>"])
def test_a_destination_that_is_no_range_makes_no_call(routes: RouteEditor, lab: PaperLab, typed: str) -> None:
    routes.destination.value = typed
    assert f"'{typed}' is not a range of addresses. Write a CIDR block, such as 10.2.0.0/16" in said(routes)
    assert routes.button.disabled and routes.code.value == ""
    routes.button.click()
    assert lab.client("ec2").calls == []


def test_a_table_with_nothing_to_lead_to_says_so() -> None:
    build = the_lab(status=None)
    for kind in ("InternetGateways", "NetworkInterfaces", "Reservations"):
        build.parts[kind].clear()
    editor = RouteEditor(PaperLab(build), "rtb-subnet-1")
    editor.destination.value = "0.0.0.0/0"
    assert "There is nothing yet that a route of this table could lead to" in said(editor)


def test_what_aws_refuses_is_a_sentence_and_changes_nothing(routes: RouteEditor, lab: PaperLab) -> None:
    words = {"Code": "RouteAlreadyExists", "Message": "The route <10.1.0.0/16> already exists."}

    def refuse(**_: str) -> None:
        raise ClientError({"Error": words}, "CreateRoute")

    lab.client("ec2").create_route = refuse
    routes.destination.value = "10.1.0.0/16"
    routes.button.click()
    assert "✗ AWS refused: The route <10.1.0.0/16> already exists. (RouteAlreadyExists)" in said(routes)
    assert "<10.1" not in routes.verdict.value
    assert routes.made == []
    routes.destination.value = "10.3.0.0/16"
    assert said(routes) == ""


def test_a_route_table_that_is_deleted_meanwhile_cannot_be_edited(routes: RouteEditor, lab: PaperLab) -> None:
    routes.destination.value = "10.1.0.0/16"
    lab.build.parts["RouteTables"].pop()
    lab.build.parts["Subnets"].pop()
    lab.changed()
    routes.catch_up()
    assert "There is no route table 'rtb-subnet-2'. There are: rtb-subnet-1." in said(routes)
    assert routes.button.disabled and routes.code.value == routes.table.value == ""


# Rules


def test_the_rules_are_a_table(rules: RuleEditor) -> None:
    assert repr(rules).splitlines() == [
        "Rules of sg-1, used by instance-1",
        "  inbound  all ICMP from 0.0.0.0/0",
        "  outbound  all traffic to 0.0.0.0/0",
        "  outbound  all traffic to ::/0",
    ]


@pytest.mark.parametrize(
    ("protocol", "ports", "peer", "asked"),
    [
        ("tcp", "22", "10.2.0.0/16", '"tcp", "FromPort": 22, "ToPort": 22, "IpRanges": [{"CidrIp": "10.2.0.0/16"}]'),
        ("udp", "53-54", "::/0", '"udp", "FromPort": 53, "ToPort": 54, "Ipv6Ranges": [{"CidrIpv6": "::/0"}]'),
        ("icmp", "", "sg-2", '"icmp", "FromPort": -1, "ToPort": -1, "UserIdGroupPairs": [{"GroupId": "sg-2"}]'),
        ("-1", "", "pl-1", '"-1", "PrefixListIds": [{"PrefixListId": "pl-1"}]'),
    ],
)
def test_a_new_rule_is_shown_as_the_call_that_makes_it(
    rules: RuleEditor, protocol: str, ports: str, peer: str, asked: str
) -> None:
    rules.protocol.value, rules.ports.value, rules.peer.value = protocol, ports, peer
    code = (
        f'ec2.authorize_security_group_ingress(\n    GroupId="sg-1",\n    IpPermissions=[{{"IpProtocol": {asked}}}],\n)'
    )
    assert rules.code.value == code
    rules.direction.value = "egress"
    assert rules.code.value == code.replace("ingress", "egress")


def test_a_click_makes_the_rule(rules: RuleEditor, lab: PaperLab) -> None:
    rules.protocol.value = "tcp"
    shown = rules.code.value
    rules.button.click()
    assert [call.code() for call in lab.client("ec2").calls] == [shown]


def test_the_rules_that_can_be_removed_are_offered_one_peer_each() -> None:
    build = the_lab()
    build.rules("sg-1", [{**tcp_from("10.1.0.0/16", 22), **{"UserIdGroupPairs": [{"GroupId": "sg-2"}]}}], [])
    editor = RuleEditor(PaperLab(build), "sg-1")
    editor.action.value = "revoke"
    assert [label for label, _ in editor.rule.options] == [
        "inbound: TCP port 22 from 10.1.0.0/16",
        "inbound: TCP port 22 from sg-2",
    ]
    assert '"IpRanges": [{"CidrIp": "10.1.0.0/16"}]' in editor.code.value
    editor.rule.index = 1
    assert '"UserIdGroupPairs": [{"GroupId": "sg-2"}]' in editor.code.value
    assert editor.code.value.startswith("ec2.revoke_security_group_ingress(")


def test_a_group_without_rules_has_none_to_remove() -> None:
    build = the_lab()
    build.rules("sg-1", [], [])
    editor = RuleEditor(PaperLab(build), "sg-1")
    assert "nothing is allowed" in editor.table.value
    editor.action.value = "revoke"
    assert "This security group has no rule to remove." in said(editor)
    assert editor.button.disabled


@pytest.mark.parametrize("ports", ["ssh", "22-", "23-22", "70000", "-1", "1,2", ""])
def test_ports_that_are_none_make_no_call(rules: RuleEditor, ports: str) -> None:
    rules.protocol.value, rules.ports.value = "tcp", ports
    assert f"{ports!r} is neither a port nor a range of ports: write 443, or 8000-8080." in said(rules)
    assert rules.button.disabled


@pytest.mark.parametrize("peer", ["10.1.15.80", "instance-1", "", "<i>", "0.0.0.0/33"])
def test_a_peer_that_is_none_makes_no_call(rules: RuleEditor, peer: str) -> None:
    rules.peer.value = peer
    assert f"{peer!r} is neither a range of addresses" in said(rules)
    assert rules.button.disabled


def test_a_rule_of_a_group_says_the_groups_name() -> None:
    build = the_lab()
    build.rules("sg-1", [from_group("sg-2")])
    build.part("sg-2")["GroupName"] = "web & <db>"
    editor = RuleEditor(PaperLab(build), "sg-1")
    assert "inbound  all traffic from web & <db>" in repr(editor)
    assert "web &amp; &lt;db&gt;" in editor.table.value


# Entries of network ACLs


def test_the_acl_of_a_subnet_is_a_table_in_the_order_of_trial(lab: PaperLab) -> None:
    assert repr(AclEditor(lab, "subnet-1")).splitlines() == [
        "Entries of acl-subnet-1, which guards subnet-1, in the order in which they are tried",
        "  inbound  rule 100: allow all traffic from 0.0.0.0/0",
        "  outbound  rule 100: allow all traffic to 0.0.0.0/0",
    ]
    assert AclEditor(lab, "acl-subnet-2").id == "acl-subnet-2"


def test_ports_are_asked_for_only_where_there_are_any(lab: PaperLab, rules: RuleEditor) -> None:
    editor = AclEditor(lab, "subnet-1")
    for each, tcp, icmp in ((editor, "6", "1"), (rules, "tcp", "icmp")):
        for protocol, shown in ((tcp, ""), (icmp, "none")):
            each.protocol.value = protocol
            assert each.ports.layout.display == shown
            assert each.direction.layout.display == ""
    editor.action.value = "delete"
    assert [one.layout.display for one in (editor.number, editor.protocol, editor.range)] == ["", "none", "none"]


def test_an_entry_is_shown_as_the_call_that_makes_it(lab: PaperLab) -> None:
    editor = AclEditor(lab, "subnet-1")
    editor.protocol.value, editor.ports.value = "6", "22-23"
    assert editor.code.value.splitlines() == [
        "ec2.create_network_acl_entry(",
        '    NetworkAclId="acl-subnet-1",',
        "    RuleNumber=90,",
        "    Egress=False,",
        '    Protocol="6",',
        '    RuleAction="deny",',
        '    CidrBlock="0.0.0.0/0",',
        '    PortRange={"From": 22, "To": 23},',
        ")",
    ]
    editor.button.click()
    assert [call.code() for call in lab.client("ec2").calls] == [editor.code.value]
    editor.action.value, editor.direction.value = "delete", "out"
    assert "".join(editor.code.value.split()) == (
        'ec2.delete_network_acl_entry(NetworkAclId="acl-subnet-1",RuleNumber=90,Egress=True,)'
    )


@pytest.mark.parametrize(
    ("control", "typed", "words"),
    [
        ("number", "0", "'0' is not the number of an entry"),
        ("number", "32767", "'32767' is not the number of an entry"),
        ("number", "ten", "'ten' is not the number of an entry"),
        ("range", "10.1.0.0", "'10.1.0.0' is not a range of addresses"),
    ],
)
def test_an_entry_that_is_none_makes_no_call(lab: PaperLab, control: str, typed: str, words: str) -> None:
    editor = AclEditor(lab, "subnet-1")
    getattr(editor, control).value = typed
    assert words in said(editor)
    assert editor.button.disabled


# All


@pytest.mark.parametrize("editor", [RouteEditor, RuleEditor, AclEditor])
def test_what_is_not_there_cannot_be_edited(editor: Any) -> None:
    with pytest.raises(LabError, match="There is no .* 'nothing'. There are: "):
        editor(both_routes(), "nothing")


def test_of_two_with_one_name_the_id_is_to_be_given() -> None:
    build = the_lab().rename({"rtb-subnet-1": "table", "rtb-subnet-2": "table"})
    with pytest.raises(LabError, match=re.escape("'table' is the name of 2 route tables: rtb-subnet-1, rtb-subnet-2.")):
        RouteEditor(PaperLab(build), "table")
    assert RouteEditor(PaperLab(build), "rtb-subnet-2").id == "rtb-subnet-2"


def test_every_control_has_a_label_and_the_box_its_name(routes: RouteEditor, rules: RuleEditor) -> None:
    for editor in (routes, rules, AclEditor(rules.lab, "subnet-1")):
        kinds = (w.Dropdown, w.Text, w.Combobox, w.Textarea, w.Button)
        inputs = [control for control in controls(editor.widget) if isinstance(control, kinds)]
        assert len(inputs) >= 6
        assert [control for control in inputs if not control.description] == []
        assert f"labkit-{editor.name}" in editor.widget._dom_classes
