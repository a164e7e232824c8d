"""What the editors have in common: one call to EC2, shown as code before it is made, and made only by a click."""

from __future__ import annotations

import json
from abc import abstractmethod
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

import ipywidgets as w

from labkit.errors import LabError
from labkit.network.model import Network
from labkit.show.widgets import parts
from labkit.show.widgets.live import LabLike, Living, tell_displayed


@dataclass(frozen=True)
class Call:
    """A call of an EC2 client's operation."""

    operation: str
    parameters: Mapping[str, Any]

    def code(self) -> str:
        """As a student would write it.

        >>> print(Call("delete_route", {"RouteTableId": "rtb-1", "DestinationCidrBlock": "10.2.0.0/16"}).code())
        ec2.delete_route(RouteTableId="rtb-1", DestinationCidrBlock="10.2.0.0/16")
        """
        arguments = [f"{key}={_literal(value)}" for key, value in self.parameters.items()]
        line = f"ec2.{self.operation}({', '.join(arguments)})"
        if len(line) <= 80:
            return line
        return f"ec2.{self.operation}(\n" + "".join(f"    {argument},\n" for argument in arguments) + ")"

    def make(self, ec2: Any) -> None:
        """Make it; raises botocore's ClientError where AWS refuses."""
        getattr(ec2, self.operation)(**self.parameters)


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


class _Part(Protocol):
    @property
    def id(self) -> str: ...
    @property
    def name(self) -> str: ...


Kind = TypeVar("Kind", bound=_Part)


def find(kind: str, among: Mapping[str, Kind], key: str) -> Kind:
    """The part that a name or an id means. Raises LabError where there is none, or more than one."""
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


class Editor(Living):
    """A table of what is there, controls for one change of it, the call that makes it, and a button to make the call.

    A subclass has `controls`, says what it would `call` and what it shows (`rows`). `made` are the calls made so far.
    """

    #: The kind of thing that is edited, the widget's name, the table's header, and the changes that can be made.
    kind: str
    name: str
    header: tuple[str, ...]
    actions: tuple[tuple[str, str], ...]

    def __init__(self, lab: LabLike, key: str) -> None:
        super().__init__(lab)
        self.id = self._find(self.network(), key).id
        self.made: list[Call] = []
        self._quiet = False
        self.action = parts.dropdown("Change", self.actions, layout=w.Layout(width="auto"))
        self.table, self.hint = parts.html(), parts.html()
        self.code = parts.code("The call")
        self.button = parts.button("Make this call", "Make the call above, as it stands there", self._make)
        controls = self._controls()
        for control in (self.action, *controls):
            control.observe(self._moved, "value")
        self.widget = parts.root(
            self.name,
            parts.answer(self.table, self.verdict),
            parts.row(self.action, *controls),
            self.hint,
            self.code,
            parts.row(self.button, self.read_again()),
        )
        self.refresh()

    @abstractmethod
    def _find(self, network: Network, key: str) -> _Part:
        """What is edited, by name or id."""

    @abstractmethod
    def _controls(self) -> list[w.Widget]:
        """The controls beside `action`, made once."""

    @abstractmethod
    def _offer(self, network: Network) -> None:
        """Offer in the controls what is in the network now, and show those that the chosen action needs."""

    @abstractmethod
    def call(self) -> Call:
        """The call that the controls stand for. Raises LabError where they don't make one."""

    @abstractmethod
    def rows(self) -> tuple[str, list[tuple[str, ...]]]:
        """The table of what is there: its caption and its rows."""

    def still(self) -> parts.Lines:
        """The table in words."""
        caption, rows = self.rows()
        return parts.Lines("\n".join([caption, *("  " + "  ".join(row) for row in rows)]))

    def _answer(self, anew: bool) -> None:
        network = self.network(anew)
        try:
            self._find(network, self.id)
        except LabError:  # somebody has deleted it: there is nothing to edit any more
            self.table.value = self.hint.value = self.code.value = ""
            self.button.disabled = True
            raise
        self._quiet = True
        try:
            self._offer(network)
        finally:
            self._quiet = False
        caption, rows = self.rows()
        self.table.value = parts.table(self.header, rows, caption)
        self._preview()

    def _moved(self, _: object) -> None:
        if not self._quiet:
            self.verdict.value = ""
            self.refresh()

    def _preview(self) -> None:
        """Show the call as it would be made; where the controls make none, say what is missing."""
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
            call.make(self.lab.client("ec2"))
        except Exception as error:  # AWS's refusal, or no way to AWS: either is for the person at the widget
            self.verdict.value = parts.sentence(parts.refusal(error), "bad")
            return
        self.made.append(call)
        self.verdict.value = parts.sentence(
            f"Done: ec2.{call.operation}. The table above shows it as it is now.", "good"
        )
        self.refresh()
        tell_displayed()


def show(controls: Iterable[w.Widget], of: Iterable[w.Widget]) -> None:
    """Of some controls, show just these."""
    shown = list(controls)
    for control in of:
        control.layout.display = "" if control in shown else "none"


def keep(control: w.Dropdown, options: list[tuple[str, str]]) -> None:
    """Offer other options, and leave chosen what is, if it is still there."""
    kept = control.value
    if list(control.options) != options:
        values = [value for _, value in options]
        control.options = options
        control.value = kept if kept in values else values[0] if values else None
