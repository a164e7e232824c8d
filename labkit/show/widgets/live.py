"""Widgets of the network as it stands: they notice that a cell, or another widget, has changed it."""

from __future__ import annotations

from abc import abstractmethod
from collections import deque
from collections.abc import Sequence
from typing import Any, Protocol

import ipywidgets as w

from labkit.network.model import Network
from labkit.network.read import is_partial
from labkit.show.widgets import parts
from labkit.show.widgets.base import Interactive
from labkit.status import is_live, shell


class LabLike(Protocol):
    """What the widgets need of a lab. `changes` are the EC2 operations that may have changed the network, in order."""

    @property
    def network(self) -> Network: ...

    @property
    def changes(self) -> Sequence[str]: ...

    def client(self, service: str) -> Any: ...

    def records(self, *containing: object, since: Any = None) -> list[str]: ...


#: States that pass by themselves, without a call that could be noticed.
_PASSING = {"pending", "stopping", "shutting-down", "initiating-request", "provisioning", "deleting"}


class _Snapshot:
    """The network as it was read last, for all widgets: reading it takes a dozen calls and an eighth of a second."""

    def __init__(self) -> None:
        self._lab: LabLike | None = None
        self._known = 0  # of the lab's changes
        self._network: Network | None = None

    def of(self, lab: LabLike, anew: bool) -> Network:
        network, known = self._network, len(lab.changes)
        kept = not anew and self._lab is lab and self.is_settled()
        if network is None or not kept or not all(map(is_partial, lab.changes[self._known :])):
            network = lab.network
        elif self._known < known:  # a route or a rule: one call instead of a dozen
            network = network.reread(lab.client("ec2"), lab.changes[self._known :])
        self._lab, self._known, self._network = lab, known, network
        return network

    def is_settled(self) -> bool:
        """Whether the network, as it was read, will stay as it is until somebody changes it."""
        network = self._network
        if network is None:
            return False
        states = {one.state for kind in (network.instances, network.nat_gateways) for one in kind.values()}
        return _PASSING.isdisjoint(states | {one.status for one in network.peering_connections.values()})


_snapshot = _Snapshot()

#: The widgets displayed last, which are kept up to date; older ones are again when somebody moves them.
_displayed: deque[Living] = deque(maxlen=6)


class Living(Interactive):
    """A widget that shows the network as it stands.

    A subclass answers in `_answer`, with `network()`; it is asked again when the network may have changed. `verdict` is
    the line that says the outcome, and also what went wrong.
    """

    def __init__(self, lab: LabLike) -> None:
        self.lab = lab
        self.verdict = parts.html()
        self._answered = -1

    def network(self, anew: bool = False) -> Network:
        """The network, read again only where a call of this notebook may have changed it, or where `anew`.

        What others change, in the console say, is seen with `anew`.
        """
        network = _snapshot.of(self.lab, anew)
        self._answered = len(self.lab.changes)
        return network

    @abstractmethod
    def _answer(self, anew: bool) -> None:
        """Show the answer for the network as it stands now."""

    def refresh(self, anew: bool = False) -> None:
        """Answer again, for the network as it stands now; `anew` reads it in any case."""
        try:
            self._answer(anew)
        except Exception as error:  # whatever it is, the person at the widget has to be told
            self.verdict.value = parts.sentence(parts.refusal(error), "bad")

    def read_again(self) -> w.Button:
        """A button to read the network again."""
        why = "Read the network again: needed after changes made elsewhere, such as in the console"
        return parts.button("Refresh", why, lambda: self.refresh(anew=True))

    def catch_up(self) -> None:
        """Answer again if the network may have changed since the last answer."""
        if self._answered != len(self.lab.changes) or not _snapshot.is_settled():
            self.refresh()

    def _repr_mimebundle_(self, **more: Any) -> tuple[dict[str, Any], dict[str, Any]] | dict[str, Any]:
        self.catch_up()
        if is_live() and self not in _displayed:
            _displayed.append(self)
            _listen()
        return super()._repr_mimebundle_(**more)


def tell_displayed() -> None:
    """Let what is on the page show the network as it is now."""
    for shown in list(_displayed):
        shown.catch_up()


def _after_cell(*_: object) -> None:
    tell_displayed()


def _listen() -> None:
    ipython = shell()
    if ipython and _after_cell not in ipython.events.callbacks["post_run_cell"]:
        ipython.events.register("post_run_cell", _after_cell)
