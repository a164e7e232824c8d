"""The editor of a security group's rules: `lab.widgets.rule_editor`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import ipywidgets as w

from labkit.errors import LabError
from labkit.network import Network, Permission, permission_text
from labkit.network.packet import PROTOCOL_NAMES
from labkit.network.parts import SecurityGroup
from labkit.show.widgets import parts
from labkit.show.widgets.editor import ALL_TRAFFIC, Call, FilterEditor, direction, find, ip_version, keep, ports_of


class RuleEditor(FilterEditor[SecurityGroup]):
    """The rules of a security group, and controls to add and remove one.

    The plain functions are `ec2.authorize_security_group_ingress`, `ec2.revoke_security_group_ingress` and the same for
    `egress`: the call is shown before a click makes it.
    """

    kind, name = "security group", "rule-editor"
    header = ("direction", "allows")
    actions = (("add a rule", "authorize"), ("remove a rule", "revoke"))

    def _among(self, network: Network) -> Mapping[str, SecurityGroup]:
        return network.security_groups

    def _controls(self) -> list[w.Widget]:
        self.rule = parts.dropdown("Rule", [])
        traffic = super()._controls()
        self.peer.tooltip = "A CIDR block, or a security group by its name or id"
        return [self.rule, *traffic]

    def _offer(self) -> list[w.Widget]:
        network, vpc = self._network, self.part.vpc
        self._rules = {repr(rule): rule for rule in _rules(self.part)}
        keep(self.rule, [(": ".join(self._row(*rule)), key) for key, rule in self._rules.items()], or_first=False)
        blocks = [str(cidr) for one in network.vpcs.values() for cidr in one.cidrs]
        near = {vpc, *network.active_peers(vpc)}
        groups = [group.name for group in network.security_groups.values() if group.vpc in near]
        self.peer.options = tuple(dict.fromkeys(["0.0.0.0/0", *blocks, *groups]))
        return self._traffic() if self.action.value == "authorize" else [self.rule]

    def call(self) -> Call:
        if self.action.value == "authorize":
            egress, peer, protocol = self.egress.value, self._peer(), self.protocol.value
            first, last = ports_of(self.ports.value) if self._has_ports() else (-1, -1)
        elif self.rule.value is None:
            raise LabError(
                "Choose the rule to remove." if self._rules else "This security group has no rule to remove."
            )
        else:
            egress, rule = self._rules[self.rule.value]
            (peer,) = [*map(str, rule.cidrs), *rule.groups, *rule.prefix_lists]
            protocol, first, last = rule.protocol, rule.from_port, rule.to_port
        # The API takes a protocol by name where it has one, else by number, and -1 for all of them.
        asked: dict[str, Any] = {"IpProtocol": PROTOCOL_NAMES.get(protocol, str(protocol or ALL_TRAFFIC)).lower()}
        asked |= {"FromPort": first, "ToPort": last} if protocol not in (None, ALL_TRAFFIC) else {}
        operation = f"{self.action.value}_security_group_{'egress' if egress else 'ingress'}"
        return Call(operation, {"GroupId": self.id, "IpPermissions": [asked | _as_asked(peer)]})

    def _peer(self) -> str:
        """Return the CIDR block, the id of the prefix list or the id of the group that is typed in."""
        peer, groups = str(self.peer.value.strip()), self._network.security_groups
        if peer.startswith("pl-") or ip_version(peer):
            return peer
        if not any(peer in (group.id, group.name) for group in groups.values()):
            raise LabError(
                f"{peer!r} is neither a range of addresses, such as 10.1.0.0/16 or 10.1.15.80/32, nor a security group."
            )
        return find(self.kind, groups, peer).id

    def rows(self) -> tuple[str, list[tuple[str, ...]]]:
        name, interfaces = self._network.name, self._network.interfaces.values()
        users = dict.fromkeys(name(one.instance or one.id) for one in interfaces if self.id in one.groups)
        rows = [self._row(*rule) for rule in _rules(self.part)] or [("none", "nothing is allowed")]
        return f"Rules of {self.part.name}, used by {', '.join(users) or 'no interface'}", rows

    def _row(self, egress: bool, rule: Permission) -> tuple[str, ...]:
        named = replace(rule, groups=tuple(map(self._network.name, rule.groups)))
        return direction(egress), permission_text(named, egress)


def _rules(group: SecurityGroup) -> list[tuple[bool, Permission]]:
    """Return the rules of a group as (egress, rule), one for each peer, as AWS counts them."""
    found = []
    for egress, permissions in ((False, group.ingress), (True, group.egress)):
        for one in permissions:
            alone = replace(one, cidrs=(), groups=(), prefix_lists=())
            found += [(egress, replace(alone, cidrs=(cidr,))) for cidr in one.cidrs]
            found += [(egress, replace(alone, groups=(id,))) for id in one.groups]
            found += [(egress, replace(alone, prefix_lists=(id,))) for id in one.prefix_lists]
    return found


def _as_asked(peer: str) -> dict[str, Any]:
    """Return a peer as the API writes it."""
    if peer.startswith("pl-"):
        return {"PrefixListIds": [{"PrefixListId": peer}]}
    version = ip_version(peer)
    if version is None:
        return {"UserIdGroupPairs": [{"GroupId": peer}]}
    return {"IpRanges": [{"CidrIp": peer}]} if version == 4 else {"Ipv6Ranges": [{"CidrIpv6": peer}]}
