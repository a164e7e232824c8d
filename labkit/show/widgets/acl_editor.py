"""The entries of a network ACL, and the calls that change them."""

from __future__ import annotations

from ipaddress import ip_network
from typing import Any

import ipywidgets as w

from labkit.errors import LabError
from labkit.network.filters import entry_text
from labkit.network.model import Network
from labkit.network.parts import NetworkAcl
from labkit.show.widgets import parts
from labkit.show.widgets.editor import Call, Editor, find, show
from labkit.show.widgets.rule_editor import ports_of

#: https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateNetworkAclEntry.html
_PROTOCOLS = [("ICMP", "1"), ("TCP", "6"), ("UDP", "17"), ("all traffic", "-1")]


class AclEditor(Editor):
    """The entries of a network ACL, and controls to create, replace and delete one.

    The plain functions are `ec2.create_network_acl_entry`, `ec2.replace_network_acl_entry` and
    `ec2.delete_network_acl_entry`; the widget shows the call before a click makes it. The ACL is given by name or id,
    or by the subnet that it guards. Raises LabError where there is no such ACL.
    """

    kind, name = "network ACL", "acl-editor"
    header = ("direction", "entry")
    actions = (("create an entry", "create"), ("replace an entry", "replace"), ("delete an entry", "delete"))

    def _find(self, network: Network, key: str) -> NetworkAcl:
        self._network = network
        guarded = [subnet.id for subnet in network.subnets.values() if key in (subnet.id, subnet.name)]
        acl = network.network_acl_of(guarded[0]).id if len(guarded) == 1 else key
        self._acl = find(self.kind, network.network_acls, acl)
        return self._acl

    def _controls(self) -> list[w.Widget]:
        self.direction = parts.dropdown(
            "Direction", [("inbound", "in"), ("outbound", "out")], layout=w.Layout(width="auto")
        )
        self.number = parts.text(
            "Rule number", "90", "90", "Entries are tried by number, the lowest first", layout=w.Layout(width="10em")
        )
        self.verdict_of = parts.dropdown(
            "Verdict", [("deny", "deny"), ("allow", "allow")], layout=w.Layout(width="auto")
        )
        self.protocol = parts.dropdown("Protocol", _PROTOCOLS, layout=w.Layout(width="auto"))
        self.ports = parts.text("Port or ports", "443", "443 or 8000-8080", layout=w.Layout(width="14em"))
        self.range = parts.text("From or to", "0.0.0.0/0", "10.1.0.0/16", layout=w.Layout(width="auto"))
        return [self.direction, self.number, self.verdict_of, self.protocol, self.ports, self.range]

    def _offer(self, network: Network) -> None:
        everything = [self.direction, self.number, self.verdict_of, self.protocol, self.ports, self.range]
        hidden = [] if self._has_ports() else [self.ports]
        shown = everything[:2] if self.action.value == "delete" else everything
        show([control for control in shown if control not in hidden], everything)

    def _has_ports(self) -> bool:
        return self.protocol.value in ("6", "17")

    def call(self) -> Call:
        parameters: dict[str, Any] = {"NetworkAclId": self.id, "RuleNumber": self._number()}
        parameters["Egress"] = self.direction.value == "out"
        if self.action.value != "delete":
            parameters |= {"Protocol": self.protocol.value, "RuleAction": self.verdict_of.value, **self._range()}
            if self._has_ports():
                first, last = ports_of(self.ports.value)
                parameters["PortRange"] = {"From": first, "To": last}
            elif self.protocol.value == "1":
                parameters["IcmpTypeCode"] = {"Type": -1, "Code": -1}
        return Call(f"{self.action.value}_network_acl_entry", parameters)

    def _number(self) -> int:
        word = self.number.value.strip()
        if not (word.isascii() and word.isdigit() and 1 <= int(word) <= 32766):
            raise LabError(f"{word!r} is not the number of an entry: give one from 1 to 32766, such as 90.")
        return int(word)

    def _range(self) -> dict[str, str]:
        block = self.range.value.strip()
        try:
            version = ip_network(block, strict=False).version if "/" in block else None
        except ValueError:
            version = None
        if version is None:
            raise LabError(f"{block!r} is not a range of addresses: write a CIDR block, such as 10.1.0.0/16.")
        return {"CidrBlock" if version == 4 else "Ipv6CidrBlock": block}

    def rows(self) -> tuple[str, list[tuple[str, ...]]]:
        acl = self._acl
        entries = sorted(acl.entries, key=lambda entry: (entry.egress, entry.number))
        rows: list[tuple[str, ...]] = [("outbound" if one.egress else "inbound", entry_text(one)) for one in entries]
        guarded = ", ".join(map(self._network.name, acl.subnets)) or "no subnet"
        return f"Entries of {acl.name}, which guards {guarded}, in the order in which they are tried", rows
