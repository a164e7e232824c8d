"""Widgets that show the network as it is: they notice that a cell, or another widget, has changed it.

The packet lab, the replay and the editors are such widgets.
"""

from __future__ import annotations

from abc import abstractmethod
from collections import deque
from collections.abc import Sequence
from typing import Any, Protocol

import ipywidgets as w

from labkit.network import Network
from labkit.network.read import is_partial
from labkit.show.widgets import parts
from labkit.show.widgets.base import Interactive
from labkit.show.widgets.controls import in_turn
from labkit.status import is_live, shell


class LabLike(Protocol):
    """What the widgets need of a lab; `labkit.lab.Lab` is one."""

    @property
    def network(self) -> Network:
        """The network, read anew."""

    @property
    def changes(self) -> Sequence[str]:
        """The EC2 operations, in order, that may have changed the network."""

    def client(self, service: str) -> Any:
        """Return a boto3 client."""

    def name(self, name: str) -> str:
        """Return the name that something of the lab's has in this account."""

    def records(self, *containing: object, since: Any = None) -> list[str]:
        """Return the flow log records that contain the words."""


#: States that end by themselves, without a call that could be noticed.
_PASSING = {"pending", "stopping", "shutting-down", "initiating-request", "provisioning", "deleting"}


class _Snapshot:
    """The network as it was read last, for all widgets: reading it takes a dozen calls and an eighth of a second."""

    def __init__(self) -> None:
        self._lab: LabLike | None = None
        self._known = 0  # how many of the lab's changes were made before the network was read
        self._network: Network | None = None

    def of(self, lab: LabLike, anew: bool) -> tuple[Network, int]:
        """Return the network of a lab, read again only as far as it may have changed, or wholly if `anew`.

        Returns:
            The network, and how many of the lab's changes are sure to be in it: a cell may make more meanwhile.
        """
        network, known = self._network, len(lab.changes)
        made = lab.changes[self._known : known]
        kept = not anew and self._lab is lab and self.is_settled()
        if network is None or not kept or not all(map(is_partial, made)):
            network = lab.network
        elif made:  # a route or a rule: one call instead of a dozen
            network = network.reread(lab.client("ec2"), made) or lab.network
        self._lab, self._known, self._network = lab, known, network
        return network, known

    def is_settled(self) -> bool:
        """Whether the network will stay as it was read until somebody changes it."""
        network = self._network
        if network is None:
            return False
        states = {one.state for kind in (network.instances, network.nat_gateways) for one in kind.values()}
        return _PASSING.isdisjoint(states | {one.status for one in network.peering_connections.values()})


_snapshot = _Snapshot()

#: The widgets displayed last, which are kept up to date; an older one catches up when somebody moves it.
_displayed: deque[LiveWidget] = deque(maxlen=6)


class LiveWidget(Interactive):
    """A widget that shows the network as it is.

    A subclass answers in `_answer`, using `network()`; it is called again when the network may have changed.

    Attributes:
        lab: A connected lab.
        verdict: The line that tells the outcome, or what went wrong.
    """

    def __init__(self, lab: LabLike) -> None:
        self.lab = lab
        self.verdict = parts.html()
        self._answered = -1

    @in_turn
    def network(self, anew: bool = False) -> Network:
        """Return the network, read again only if a call of this notebook may have changed it.

        Args:
            anew: Read it in any case: needed to see what others changed, in the console for example.
        """
        network, self._answered = _snapshot.of(self.lab, anew)
        return network

    @abstractmethod
    def _answer(self, anew: bool) -> None:
        """Show the answer for the network as it is now."""

    @in_turn
    def refresh(self, anew: bool = False) -> None:
        """Answer again for the network as it is now; the argument is that of `network`."""
        try:
            self._answer(anew)
        except Exception as error:  # whatever it is, the person at the widget has to know
            self.verdict.value = parts.sentence(parts.refusal(error), "bad")

    def read_again(self) -> w.Button:
        """Return a button to read the network again."""
        why = "Read the network again: needed after changes made elsewhere, such as in the console"
        return parts.button("Refresh", why, lambda: self.refresh(anew=True))

    @in_turn
    def catch_up(self) -> None:
        """Answer again if the network may have changed since the last answer."""
        if self._answered != len(self.lab.changes) or not _snapshot.is_settled():
            self.refresh()

    @in_turn
    def _repr_mimebundle_(self, **more: Any) -> tuple[dict[str, Any], dict[str, Any]] | dict[str, Any]:
        self.catch_up()
        if is_live() and self not in _displayed:
            _displayed.append(self)
            ipython = shell()
            if ipython and tell_displayed not in ipython.events.callbacks["post_run_cell"]:
                ipython.events.register("post_run_cell", tell_displayed)
        return super()._repr_mimebundle_(**more)


@in_turn
def tell_displayed(*_: object) -> None:
    """Let the widgets on the page show the network as it is now; IPython calls it after each cell."""
    for shown in list(_displayed):
        shown.catch_up()
