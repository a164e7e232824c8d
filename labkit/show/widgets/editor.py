"""What the editors of routes, rules and network ACL entries share: one call to EC2, shown as code, made by a click."""

from __future__ import annotations

import json
import re
from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import ip_network
from typing import Any, Generic, TypeVar

import ipywidgets as w

from labkit.errors import LabError
from labkit.network import Network
from labkit.network.packet import ICMP, PROTOCOL_NAMES, TCP, UDP
from labkit.network.parts import NetworkAcl, RouteTable, SecurityGroup
from labkit.show.widgets import parts
from labkit.show.widgets.live import LabLike, LiveWidget, tell_displayed

#: In the API, all protocols.
ALL_TRAFFIC = -1


@dataclass(frozen=True)
class Call:
    """A call of an EC2 client's operation.

    Attributes:
        operation: The name of the client's method.
        parameters: Its keyword arguments.
    """

    operation: str
    parameters: Mapping[str, Any]

    def code(self) -> str:
        """Return the call as a student would write it.

        >>> print(Call("delete_route", {"RouteTableId": "rtb-1", "DestinationCidrBlock": "10.2.0.0/16"}).code())
        ec2.delete_route(RouteTableId="rtb-1", DestinationCidrBlock="10.2.0.0/16")
        """
        arguments = [f"{key}={_literal(value)}" for key, value in self.parameters.items()]
        line = f"ec2.{self.operation}({', '.join(arguments)})"
        if len(line) <= 80:
            return line
        return f"ec2.{self.operation}(\n" + "".join(f"    {argument},\n" for argument in arguments) + ")"


def _literal(value: object) -> str:
    """
    >>> _literal([{"CidrIp": "0.0.0.0/0", "Egress": True}])
    '[{"CidrIp": "0.0.0.0/0", "Egress": True}]'
    """
    if isinstance(value, dict):
        return "{" + ", ".join(f'"{key}": {_literal(each)}' for key, each in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_literal, value)) + "]"
    return json.dumps(value, ensure_ascii=False) if isinstance(value, str) else repr(value)


#: What can be edited.
PartT = TypeVar("PartT", bound=RouteTable | SecurityGroup | NetworkAcl)


def find(kind: str, among: Mapping[str, PartT], key: str) -> PartT:
    """Return the part of a network that a name or an id stands for.

    Args:
        kind: What the parts are, in words.
        among: The parts by id.
        key: The name or the id.

    Raises:
        LabError: There is no such part, or more than one.
    """
    found = [part for part in among.values() if key in (part.id, part.name)]
    if len(found) == 1:
        return found[0]
    if found:
        raise LabError(
            f"{key!r} is the name of {len(found)} {kind}s: {', '.join(part.id for part in found)}. Give an id."
        )
    names = ", ".join(sorted(part.name for part in among.values()))
    there = f"There are: {names}." if names else "There is none yet: run the cells that make it."
    raise LabError(f"There is no {kind} {key!r}. {there}")


def ip_version(block: str) -> int | None:
    """Return 4 or 6 for a CIDR block, and None for any other text.

    >>> ip_version("10.1.0.0/16"), ip_version("::/0"), ip_version("10.1.15.80")
    (4, 6, None)
    """
    try:
        return ip_network(block, strict=False).version if "/" in block else None
    except ValueError:
        return None


class Editor(LiveWidget, Generic[PartT]):
    """A table of what is there, controls for one change of it, the call that makes it, and a button to make the call.

    A subclass makes the controls, and says which of them an action needs, what they call and what is in the table.

    Attributes:
        kind: What is edited, in words.
        name: The widget's name.
        header: The table's header.
        actions: The changes that can be made, as (label, value).
        part: What is edited, as it was read last.
    """

    kind: str
    name: str
    header: tuple[str, ...]
    actions: tuple[tuple[str, str], ...]
    part: PartT

    def __init__(self, lab: LabLike, key: str) -> None:
        """Find what to edit and show it.

        Args:
            lab: A connected lab.
            key: The name or id of what is edited.

        Raises:
            LabError: There is no such part, or more than one.
        """
        super().__init__(lab)
        self._find(self.network(), key)
        self.id = self.part.id
        self._moves = parts.Moves()
        self.action = parts.dropdown("Change", self.actions)
        self.table, self.hint = parts.html(), parts.html()
        self.code = parts.code("The call")
        self.button = parts.button("Make this call", "Make the call above as it is shown", self._make)
        self.controls = self._controls()
        self._moves.watch(self._moved, self.action, *self.controls)
        self.widget = parts.root(
            self.name,
            parts.answer(self.table, self.verdict),
            parts.row(self.action, *self.controls),
            self.hint,
            self.code,
            parts.row(self.button, self.read_again()),
        )
        self.refresh()

    @abstractmethod
    def _among(self, network: Network) -> Mapping[str, PartT]:
        """Return the parts that can be edited, by id."""

    @abstractmethod
    def _controls(self) -> list[w.Widget]:
        """Make the controls beside `action`."""

    @abstractmethod
    def _offer(self) -> list[w.Widget]:
        """Offer in the controls what is in the network now; return those that the chosen action needs."""

    @abstractmethod
    def call(self) -> Call:
        """Return the call that the controls stand for.

        Raises:
            LabError: They stand for none.
        """

    @abstractmethod
    def rows(self) -> tuple[str, list[tuple[str, ...]]]:
        """Return the table of what is there: its caption and its rows."""

    def still(self) -> parts.Lines:
        """Return the table in words."""
        caption, lines = self.rows()
        return parts.Lines("\n".join([caption, *parts.aligned(self.header, lines)]))

    def _find(self, network: Network, key: str) -> None:
        self._network = network
        self.part = find(self.kind, self._among(network), key)

    def _answer(self, anew: bool) -> None:
        try:
            self._find(self.network(anew), self.id)
        except LabError:  # somebody has deleted it: there is nothing to edit any more
            self.table.value = self.hint.value = self.code.value = ""
            self.button.disabled = True
            raise
        with self._moves.quiet():
            needed = self._offer()
        for control in self.controls:
            control.layout.display = "" if control in needed else "none"
        caption, lines = self.rows()
        self.table.value = parts.table(self.header, lines, caption)
        self._preview()

    def _moved(self) -> None:
        self.verdict.value = ""
        self.refresh()

    def _preview(self) -> None:
        """Show the call as it would be made; where the controls stand for none, say what is missing."""
        try:
            code, said = self.call().code(), ""
        except LabError as error:
            code, said = "", str(error)
        parts.show_code(self.code, code)
        self.hint.value = parts.sentence(said, "quiet") if said else ""
        self.button.disabled = not code

    def _make(self) -> None:
        try:
            call = self.call()
            getattr(self.lab.client("ec2"), call.operation)(**call.parameters)
        except Exception as error:  # AWS refuses or cannot be reached: the person at the widget has to know
            self.verdict.value = parts.sentence(parts.refusal(error), "bad")
            return
        self.verdict.value = parts.sentence(
            f"Done: ec2.{call.operation}. The table above shows it as it is now.", "good"
        )
        self.refresh()
        tell_displayed()


class FilterEditor(Editor[PartT]):
    """An editor of rules that decide about traffic by direction, protocol, ports and peer."""

    def _controls(self) -> list[w.Widget]:
        protocols = [*((PROTOCOL_NAMES[number], number) for number in (ICMP, TCP, UDP)), ("all traffic", ALL_TRAFFIC)]
        self.egress = parts.dropdown("Direction", [("inbound", False), ("outbound", True)])
        self.protocol = parts.dropdown("Protocol", protocols)
        self.ports = parts.text("Port or ports", "443", "443 or 8000-8080", width="14em", at_once=True)
        self.peer = parts.suggesting("From or to", "0.0.0.0/0", "10.1.0.0/16", "The addresses at the other end")
        return [self.egress, self.protocol, self.ports, self.peer]

    def _traffic(self) -> list[w.Widget]:
        """Return the controls that describe traffic of the chosen protocol."""
        return [self.egress, self.protocol, *([self.ports] if self._has_ports() else []), self.peer]

    def _has_ports(self) -> bool:
        return self.protocol.value in (TCP, UDP)


def direction(egress: bool) -> str:
    """Name the direction of traffic as seen from an interface."""
    return "outbound" if egress else "inbound"


def ports_of(text: str) -> tuple[int, int]:
    """Return the first and the last port that a text stands for.

    Raises:
        LabError: It stands for none.

    >>> ports_of("443"), ports_of("8000-8080")
    ((443, 443), (8000, 8080))
    """
    numbers = re.fullmatch(r"\s*(\d{1,5})\s*(?:[-–]\s*(\d{1,5}))?\s*", text, re.ASCII)
    first, last = (int(numbers[1]), int(numbers[2] or numbers[1])) if numbers else (1, 0)
    if not 0 <= first <= last <= 65535:
        raise LabError(f"{text!r} is neither a port nor a range of ports: write 443, or 8000-8080.")
    return first, last


def keep(control: w.Dropdown, options: list[tuple[str, str]], or_first: bool = True) -> None:
    """Offer other options in a list; what is chosen stays chosen if it is still offered.

    If it is not, the first option is chosen, or none unless `or_first`: a second click must not delete another thing.
    """
    kept = control.value
    if list(control.options) != options:
        values = [value for _, value in options]
        first = values[0] if values and (or_first or kept is None) else None
        control.options = options
        control.value = kept if kept in values else first
