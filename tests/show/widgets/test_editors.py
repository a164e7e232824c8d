"""The editors show each call as code before a click makes it, and say in a sentence what AWS refuses."""

from __future__ import annotations

import re
from html import unescape
from typing import Any

import ipywidgets as w
import pytest
from botocore.exceptions import ClientError

from labkit.errors import LabError
from labkit.network.packet import ICMP, TCP, UDP
from labkit.show.widgets.acl_editor import AclEditor
from labkit.show.widgets.editor import ALL_TRAFFIC, Call, Editor
from labkit.show.widgets.route_editor import RouteEditor
from labkit.show.widgets.rule_editor import RuleEditor
from tests.networks import TO_1, TO_2, behind_nat, from_group, tcp_from, the_lab
from tests.show.widgets.build import PaperLab, both_routes, controls, labeled_controls, one_route


class Ec2:
    """Records the calls that are made."""

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


def said(editor: Editor[Any]) -> str:
    return unescape(editor.verdict.value + editor.hint.value)


# Routes


def test_the_routes_are_a_table(routes: RouteEditor) -> None:
    assert repr(routes).splitlines() == [
        "Routes of rtb-subnet-2, used by subnet-2",
        "  destination  target  id  state",
        "  10.2.0.0/16  local       active",
        "  0.0.0.0/0    igw-2       active",
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


def test_a_click_makes_the_call_that_was_shown(routes: RouteEditor, lab: PaperLab) -> None:
    targets = {"VpcPeeringConnectionId": "pcx-12", "GatewayId": "igw-2", "NetworkInterfaceId": "eni-instance-2"}
    for parameter, target in targets.items():
        routes.destination.value, routes.target.value = "10.9.0.0/16", target
        shown = routes.code.value
        routes.button.click()
        call = lab.client("ec2").calls.pop()
        assert lab.client("ec2").calls == [] and call.code() == shown
        route = {"RouteTableId": "rtb-subnet-2", "DestinationCidrBlock": "10.9.0.0/16", parameter: target}
        assert call.parameters == route
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


def test_replacing_and_deleting_offer_the_routes_there_are(routes: RouteEditor, lab: PaperLab) -> None:
    assert routes.route.layout.display == "none"
    routes.action.value = "replace_route"
    assert routes.route.options == (("0.0.0.0/0 → igw-2", "0.0.0.0/0"),)
    assert routes.code.value.startswith("ec2.replace_route(") and routes.destination.layout.display == "none"
    routes.action.value = "delete_route"
    assert routes.code.value == 'ec2.delete_route(RouteTableId="rtb-subnet-2", DestinationCidrBlock="0.0.0.0/0")'
    assert routes.target.layout.display == "none"


def test_after_a_route_is_deleted_a_second_click_deletes_no_other(lab: PaperLab) -> None:
    lab.build = the_lab(TO_2, TO_1)
    routes = RouteEditor(lab, "rtb-subnet-2")
    routes.action.value, routes.route.value = "delete_route", "10.1.0.0/16"
    lab.build = the_lab(TO_2)
    lab.changed()
    routes.catch_up()
    assert "Choose the route." in said(routes) and routes.button.disabled
    routes.route.value = "0.0.0.0/0"
    assert not routes.button.disabled


@pytest.mark.parametrize(
    ("editor", "key"), [(RouteEditor, "rtb-subnet-2"), (RuleEditor, "sg-1"), (AclEditor, "subnet-1")]
)
def test_what_is_typed_counts_with_each_key(lab: PaperLab, editor: type[Editor[Any]], key: str) -> None:
    typed = [control for control in controls(editor(lab, key).widget) if isinstance(control, w.Text)]
    assert typed and all(control.continuous_update for control in typed)


def test_an_ipv6_range_and_a_prefix_list_have_parameters_of_their_own(routes: RouteEditor) -> None:
    routes.destination.value = "::/0"
    assert 'DestinationIpv6CidrBlock="::/0"' in routes.code.value
    routes.destination.value = "pl-63a5400a"
    assert 'DestinationPrefixListId="pl-63a5400a"' in routes.code.value


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
        "  direction  allows",
        "  inbound    all ICMP from 0.0.0.0/0",
        "  outbound   all traffic to 0.0.0.0/0",
        "  outbound   all traffic to ::/0",
    ]


@pytest.mark.parametrize(
    ("protocol", "ports", "peer", "asked"),
    [
        (TCP, "22", "10.2.0.0/16", '"tcp", "FromPort": 22, "ToPort": 22, "IpRanges": [{"CidrIp": "10.2.0.0/16"}]'),
        (UDP, "53-54", "::/0", '"udp", "FromPort": 53, "ToPort": 54, "Ipv6Ranges": [{"CidrIpv6": "::/0"}]'),
        (ICMP, "", "sg-2", '"icmp", "FromPort": -1, "ToPort": -1, "UserIdGroupPairs": [{"GroupId": "sg-2"}]'),
        (ALL_TRAFFIC, "", "pl-1", '"-1", "PrefixListIds": [{"PrefixListId": "pl-1"}]'),
    ],
)
def test_a_new_rule_is_shown_as_the_call_that_makes_it(
    rules: RuleEditor, protocol: int, ports: str, peer: str, asked: str
) -> None:
    rules.protocol.value, rules.ports.value, rules.peer.value = protocol, ports, peer
    code = (
        f'ec2.authorize_security_group_ingress(\n    GroupId="sg-1",\n    IpPermissions=[{{"IpProtocol": {asked}}}],\n)'
    )
    assert rules.code.value == code
    rules.egress.value = True
    assert rules.code.value == code.replace("ingress", "egress")


def test_a_click_makes_the_rule(rules: RuleEditor, lab: PaperLab) -> None:
    rules.protocol.value = TCP
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


def test_the_rule_that_was_chosen_stays_chosen_and_no_other_takes_its_place(lab: PaperLab) -> None:
    lab.build = the_lab()
    every, web, ssh = (tcp_from("0.0.0.0/0", port) for port in (80, 443, 22))
    lab.build.rules("sg-1", [every, web, ssh], [])
    editor = RuleEditor(lab, "sg-1")
    editor.action.value, editor.rule.index = "revoke", 1
    shown = editor.code.value
    lab.build.rules("sg-1", [web, ssh], [])  # somebody removes the one before it
    editor.refresh(anew=True)
    assert editor.code.value == shown
    lab.build.rules("sg-1", [ssh], [])
    editor.button.click()
    assert [call.code() for call in lab.client("ec2").calls] == [shown]
    editor.refresh(anew=True)
    assert editor.rule.value is None and editor.button.disabled
    assert "Choose the rule to remove." in said(editor)


def test_a_group_without_rules_has_none_to_remove() -> None:
    build = the_lab()
    build.rules("sg-1", [], [])
    editor = RuleEditor(PaperLab(build), "sg-1")
    assert "nothing is allowed" in editor.table.value
    editor.action.value = "revoke"
    assert "This security group has no rule to remove." in said(editor)
    assert editor.button.disabled


def test_a_rule_of_a_group_says_the_groups_name() -> None:
    build = the_lab()
    build.rules("sg-1", [from_group("sg-2")])
    build.part("sg-2")["GroupName"] = "web & <db>"
    editor = RuleEditor(PaperLab(build), "sg-1")
    assert "inbound    all traffic from web & <db>" in repr(editor)
    assert "web &amp; &lt;db&gt;" in editor.table.value


# Entries of network ACLs


def test_the_acl_of_a_subnet_is_a_table_in_the_order_of_trial(lab: PaperLab) -> None:
    assert repr(AclEditor(lab, "subnet-1")).splitlines() == [
        "Entries of acl-subnet-1, which guards subnet-1, in the order in which they are tried",
        "  direction  entry",
        "  inbound    rule 100: allow all traffic from 0.0.0.0/0",
        "  outbound   rule 100: allow all traffic to 0.0.0.0/0",
    ]
    assert AclEditor(lab, "acl-subnet-2").id == "acl-subnet-2"


def test_ports_are_asked_for_only_where_there_are_any(lab: PaperLab, rules: RuleEditor) -> None:
    editor = AclEditor(lab, "subnet-1")
    for each in (editor, rules):
        for protocol, shown in ((TCP, ""), (ICMP, "none")):
            each.protocol.value = protocol
            assert each.ports.layout.display == shown
            assert each.egress.layout.display == ""
    editor.action.value = "delete"
    assert [one.layout.display for one in (editor.number, editor.protocol, editor.peer)] == ["", "none", "none"]


def test_an_entry_is_shown_as_the_call_that_makes_it(lab: PaperLab) -> None:
    editor = AclEditor(lab, "subnet-1")
    editor.protocol.value, editor.ports.value = TCP, "22-23"
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
    editor.action.value, editor.egress.value = "delete", True
    assert "".join(editor.code.value.split()) == (
        'ec2.delete_network_acl_entry(NetworkAclId="acl-subnet-1",RuleNumber=90,Egress=True,)'
    )


# All


@pytest.mark.parametrize(
    ("kind", "key", "control", "words", "wrong"),
    [
        (RouteEditor, "rtb-subnet-2", "destination", "is not a range of addresses. Write a CIDR block, such as 10.2",
         ("10.1.0.0", "10.1.0.0/33", "instance-1", "10.1/16", "<b>")),
        (RuleEditor, "sg-1", "ports", "is neither a port nor a range of ports: write 443, or 8000-8080.",
         ("ssh", "22-", "23-22", "70000", "-1", "1,2", "")),
        (RuleEditor, "sg-1", "peer", "is neither a range of addresses",
         ("10.1.15.80", "instance-1", "", "<i>", "0.0.0.0/33")),
        (AclEditor, "subnet-1", "number", "is not the number of an entry", ("0", "32767", "ten")),
        (AclEditor, "subnet-1", "peer", "is not a range of addresses", ("10.1.0.0",)),
    ],
)  # fmt: skip
def test_what_makes_no_sense_makes_no_call(
    lab: PaperLab, kind: Any, key: str, control: str, words: str, wrong: tuple[str, ...]
) -> None:
    for typed in wrong:
        editor = kind(lab, key)
        if kind is RuleEditor:
            editor.protocol.value = TCP
        getattr(editor, control).value = typed
        assert f"{typed!r} {words}" in said(editor)
        assert editor.button.disabled and editor.code.value == ""
        editor.button.click()
        assert lab.client("ec2").calls == []


def test_what_is_not_there_cannot_be_edited() -> None:
    for editor in (RouteEditor, RuleEditor, AclEditor):
        with pytest.raises(LabError, match="There is no .* 'nothing'. There are: "):
            editor(both_routes(), "nothing")


def test_of_two_with_one_name_the_id_is_to_be_given() -> None:
    build = the_lab().rename({"rtb-subnet-1": "table", "rtb-subnet-2": "table"})
    with pytest.raises(LabError, match=re.escape("'table' is the name of 2 route tables: rtb-subnet-1, rtb-subnet-2.")):
        RouteEditor(PaperLab(build), "table")
    assert RouteEditor(PaperLab(build), "rtb-subnet-2").id == "rtb-subnet-2"


def test_every_control_has_a_label_and_the_box_its_name(routes: RouteEditor, rules: RuleEditor) -> None:
    for editor in (routes, rules, AclEditor(rules.lab, "subnet-1")):
        assert len(labeled_controls(editor.widget, editor.name)) >= 6
