"""The rules of a security group, and the calls that change them."""

from __future__ import annotations

import re
from dataclasses import replace
from ipaddress import ip_network
from typing import Any

import ipywidgets as w

from labkit.errors import LabError
from labkit.network.filters import permission_text
from labkit.network.model import Network
from labkit.network.packet import ICMP, ICMPV6, TCP, UDP
from labkit.network.parts import Permission, SecurityGroup
from labkit.show.widgets import parts
from labkit.show.widgets.editor import Call, Editor, find, keep, show

PROTOCOLS = [("ICMP", "icmp"), ("TCP", "tcp"), ("UDP", "udp"), ("all traffic", "-1")]
_NAMES = {ICMP: "icmp", TCP: "tcp", UDP: "udp", ICMPV6: "icmpv6", None: "-1"}


class RuleEditor(Editor):
    """The rules of a security group, and controls to add and remove one.

    The plain functions are `ec2.authorize_security_group_ingress`, `ec2.revoke_security_group_ingress` and the same for
    `egress`; the widget shows the call before a click makes it. Raises LabError where there is no such security group.
    """

    kind, name = "security group", "rule-editor"
    header = ("direction", "allows")
    actions = (("add a rule", "authorize"), ("remove a rule", "revoke"))

    def _find(self, network: Network, key: str) -> SecurityGroup:
        self._network = network
        self._group = find(self.kind, network.security_groups, key)
        return self._group

    def _controls(self) -> list[w.Widget]:
        self.rule = parts.dropdown("Rule", [], layout=w.Layout(width="auto"))
        ways = [("inbound", "ingress"), ("outbound", "egress")]
        self.direction = parts.dropdown("Direction", ways, layout=w.Layout(width="auto"))
        self.protocol = parts.dropdown("Protocol", PROTOCOLS, layout=w.Layout(width="auto"))
        self.ports = parts.text("Port or ports", "443", "443 or 8000-8080", layout=w.Layout(width="14em"))
        self.peer = w.Combobox(
            value="0.0.0.0/0", description="From or to", placeholder="10.1.0.0/16", continuous_update=False,
            ensure_option=False, tooltip="A CIDR block, or a security group by its name or id",
            style={"description_width": "initial"},
        )  # fmt: skip
        return [self.rule, self.direction, self.protocol, self.ports, self.peer]

    def _offer(self, network: Network) -> None:
        self._rules = _rules(self._group)
        keep(self.rule, [(self._text(way, rule), str(i)) for i, (way, rule) in enumerate(self._rules)])
        blocks = [str(cidr) for vpc in network.vpcs.values() for cidr in vpc.cidrs]
        near = {self._group.vpc, *network.active_peers(self._group.vpc)}
        groups = [group.name for group in network.security_groups.values() if group.vpc in near]
        self.peer.options = tuple(dict.fromkeys(["0.0.0.0/0", *blocks, *groups]))
        new = [self.direction, self.protocol, *([self.ports] if self._has_ports() else []), self.peer]
        everything = [self.rule, self.direction, self.protocol, self.ports, self.peer]
        show(new if self.action.value == "authorize" else [self.rule], everything)

    def _has_ports(self) -> bool:
        return self.protocol.value in ("tcp", "udp")

    def call(self) -> Call:
        if self.action.value == "authorize":
            way, permission = self.direction.value, self._new()
        elif self.rule.value is None:
            raise LabError("This security group has no rule to remove.")
        else:
            way, rule = self._rules[int(self.rule.value)]
            permission = _as_asked(rule)
        operation = f"{self.action.value}_security_group_{way}"
        return Call(operation, {"GroupId": self.id, "IpPermissions": [permission]})

    def _new(self) -> dict[str, Any]:
        first, last = ports_of(self.ports.value) if self._has_ports() else (-1, -1)
        ports = {} if self.protocol.value == "-1" else {"FromPort": first, "ToPort": last}
        return {"IpProtocol": self.protocol.value, **ports, **self._peer(self.peer.value.strip())}

    def _peer(self, peer: str) -> dict[str, Any]:
        if peer.startswith("pl-"):
            return {"PrefixListIds": [{"PrefixListId": peer}]}
        try:
            version = ip_network(peer, strict=False).version if "/" in peer else None
        except ValueError:
            version = None
        if version:
            return _blocks([peer] if version == 4 else [], [peer] if version == 6 else [])
        try:
            return {"UserIdGroupPairs": [{"GroupId": find(self.kind, self._network.security_groups, peer).id}]}
        except LabError:
            raise LabError(
                f"{peer!r} is neither a range of addresses, such as 10.1.0.0/16 or 10.1.15.80/32, nor a security group."
            ) from None

    def rows(self) -> tuple[str, list[tuple[str, ...]]]:
        users = [
            network_name
            for interface in self._network.interfaces.values()
            if self.id in interface.groups
            for network_name in [self._network.name(interface.instance or interface.id)]
        ]
        rows: list[tuple[str, ...]] = []
        for way, rule in _rules(self._group):
            direction, _, allows = self._text(way, rule).partition(": ")
            rows.append((direction, allows))
        caption = f"Rules of {self._group.name}, used by {', '.join(dict.fromkeys(users)) or 'no interface'}"
        return caption, rows or [("none", "nothing is allowed")]

    def _text(self, way: str, rule: Permission) -> str:
        said = permission_text(rule, way == "egress")
        named = " ".join(self._network.name(word) for word in said.split(" "))
        return f"{'inbound' if way == 'ingress' else 'outbound'}: {named}"


def _rules(group: SecurityGroup) -> list[tuple[str, Permission]]:
    """The rules of a group as (`ingress` or `egress`, rule), one for each peer, as AWS counts them."""
    found = []
    for way, permissions in (("ingress", group.ingress), ("egress", group.egress)):
        for one in permissions:
            alone = replace(one, cidrs=(), groups=(), prefix_lists=())
            found += [(way, replace(alone, cidrs=(cidr,))) for cidr in one.cidrs]
            found += [(way, replace(alone, groups=(id,))) for id in one.groups]
            found += [(way, replace(alone, prefix_lists=(id,))) for id in one.prefix_lists]
    return found


def _as_asked(rule: Permission) -> dict[str, Any]:
    """A rule as the API writes it."""
    ports = {} if rule.protocol is None else {"FromPort": rule.from_port, "ToPort": rule.to_port}
    blocks = _blocks(*([str(cidr) for cidr in rule.cidrs if cidr.version == version] for version in (4, 6)))
    groups = {"UserIdGroupPairs": [{"GroupId": id} for id in rule.groups]} if rule.groups else {}
    lists = {"PrefixListIds": [{"PrefixListId": id} for id in rule.prefix_lists]} if rule.prefix_lists else {}
    return {"IpProtocol": _NAMES.get(rule.protocol, str(rule.protocol)), **ports, **blocks, **groups, **lists}


def _blocks(v4: list[str], v6: list[str]) -> dict[str, Any]:
    found: dict[str, Any] = {"IpRanges": [{"CidrIp": cidr} for cidr in v4]} if v4 else {}
    return found | ({"Ipv6Ranges": [{"CidrIpv6": cidr} for cidr in v6]} if v6 else {})


def ports_of(text: str) -> tuple[int, int]:
    """The first and the last port that a text means. Raises LabError where it means none.

    >>> ports_of("443"), ports_of("8000-8080")
    ((443, 443), (8000, 8080))
    """
    numbers = re.fullmatch(r"\s*(\d{1,5})\s*(?:[-–]\s*(\d{1,5}))?\s*", text, re.ASCII)
    first, last = (int(numbers[1]), int(numbers[2] or numbers[1])) if numbers else (1, 0)
    if not 0 <= first <= last <= 65535:
        raise LabError(f"{text!r} is neither a port nor a range of ports: write 443, or 8000-8080.")
    return first, last
