"""A lab without an AWS: a network that a test builds and changes, and the records that a test puts there."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import ipywidgets as w

from labkit.network import Network
from tests.network.build import Build
from tests.show.networks import TO_1, TO_2, the_lab


class PaperLab:
    """What the widgets need of a lab. `read` counts how often the network was read; `changed()` notes a change."""

    def __init__(self, build: Build, records: Iterable[str] = ()) -> None:
        self.build, self.read = build, 0
        self.changes: list[str] = []
        self.lines = list(records)

    @property
    def network(self) -> Network:
        self.read += 1
        return self.build.network()

    def changed(self) -> None:
        self.changes.append("RunInstances")

    def client(self, service: str) -> Any:
        raise AssertionError("nothing was clicked, so nothing is to be called")

    def records(self, *containing: object, since: Any = None) -> list[str]:
        return [line for line in self.lines if {str(word) for word in containing} <= set(line.split())]


def one_route() -> PaperLab:
    return PaperLab(the_lab(TO_2))


def both_routes() -> PaperLab:
    return PaperLab(the_lab(TO_2, TO_1))


def labeled_controls(widget: w.Widget, name: str) -> list[w.Widget]:
    """The controls in a course widget of this name, which must all have a label."""
    kinds = (w.Dropdown, w.Text, w.Combobox, w.Textarea, w.Select, w.Button)
    found = [control for control in controls(widget) if isinstance(control, kinds)]
    assert [control for control in found if not control.description] == []
    assert f"labkit-{name}" in widget._dom_classes
    return found


def controls(widget: w.Widget) -> list[w.Widget]:
    """A widget and all that is in it."""
    return [widget, *(inner for child in getattr(widget, "children", ()) for inner in controls(child))]
