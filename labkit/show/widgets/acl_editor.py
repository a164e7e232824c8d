"""The editor of a network ACL's entries: `lab.widgets.acl_editor`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import ipywidgets as w

from labkit.errors import LabError
from labkit.network import Network, entry_text
from labkit.network.packet import ICMP
from labkit.network.parts import NetworkAcl
from labkit.show.widgets import parts
from labkit.show.widgets.editor import Call, FilterEditor, direction, ip_version, ports_of


class AclEditor(FilterEditor[NetworkAcl]):
    """The entries of a network ACL, and controls to create, replace and delete one.

    The plain functions are `ec2.create_network_acl_entry`, `ec2.replace_network_acl_entry` and
    `ec2.delete_network_acl_entry`: the call is shown before a click makes it. The key is the ACL's name or id, or those
    of a subnet that it guards. https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateNetworkAclEntry.html
    """

    kind, name = "network ACL", "acl-editor"
    header = ("direction", "entry")
    actions = (("create an entry", "create"), ("replace an entry", "replace"), ("delete an entry", "delete"))

    def _among(self, network: Network) -> Mapping[str, NetworkAcl]:
        return network.network_acls

    def _find(self, network: Network, key: str) -> None:
        guarded = [subnet.id for subnet in network.subnets.values() if key in (subnet.id, subnet.name)]
        super()._find(network, network.network_acl_of(guarded[0]).id if len(guarded) == 1 else key)

    def _controls(self) -> list[w.Widget]:
        traffic = super()._controls()
        tip = "Entries are tried by number, the lowest first"
        self.number = parts.text("Rule number", "90", "90", tip, width="10em", at_once=True)
        self.allows = parts.dropdown("Verdict", [("deny", "deny"), ("allow", "allow")])
        return [traffic[0], self.number, self.allows, *traffic[1:]]

    def _offer(self) -> list[w.Widget]:
        entry = [self.egress, self.number]
        return entry if self.action.value == "delete" else [*entry, self.allows, *self._traffic()]

    def call(self) -> Call:
        parameters: dict[str, Any] = {"NetworkAclId": self.id, "RuleNumber": self._number()}
        parameters["Egress"] = self.egress.value
        if self.action.value != "delete":
            parameters |= {"Protocol": str(self.protocol.value), "RuleAction": self.allows.value, **self._range()}
            if self._has_ports():
                first, last = ports_of(self.ports.value)
                parameters["PortRange"] = {"From": first, "To": last}
            elif self.protocol.value == ICMP:
                parameters["IcmpTypeCode"] = {"Type": -1, "Code": -1}
        return Call(f"{self.action.value}_network_acl_entry", parameters)

    def _number(self) -> int:
        word = self.number.value.strip()
        if not (word.isascii() and word.isdigit() and 1 <= int(word) <= 32766):
            raise LabError(f"{word!r} is not the number of an entry: give one from 1 to 32766, such as 90.")
        return int(word)

    def _range(self) -> dict[str, str]:
        block = self.peer.value.strip()
        version = ip_version(block)
        if version is None:
            raise LabError(f"{block!r} is not a range of addresses: write a CIDR block, such as 10.1.0.0/16.")
        return {"CidrBlock" if version == 4 else "Ipv6CidrBlock": block}

    def rows(self) -> tuple[str, list[tuple[str, ...]]]:
        entries = sorted(self.part.entries, key=lambda entry: (entry.egress, entry.number))
        guarded = ", ".join(map(self._network.name, self.part.subnets)) or "no subnet"
        caption = f"Entries of {self.part.name}, which guards {guarded}, in the order in which they are tried"
        return caption, [(direction(one.egress), entry_text(one)) for one in entries]
