"""The interactive map, `lab.widgets.packet_lab`: trace any packet from anywhere to anywhere in the network as it is."""

from __future__ import annotations

import json

from labkit.errors import LabError
from labkit.network import Network, Path
from labkit.show.map.drawing import Drawing, draw
from labkit.show.map.svg import svg
from labkit.show.widgets import parts
from labkit.show.widgets.endpoint_picker import ON_THE_INTERNET, EndpointPicker
from labkit.show.widgets.hops import Step, step_html, steps
from labkit.show.widgets.live import LabLike, LiveWidget
from labkit.show.widgets.step_map import StepMap

PROTOCOLS = [("ICMP (ping)", "icmp"), ("TCP", "tcp"), ("UDP", "udp")]
_USUAL_PORT = 443


def trace(network: Network, source: str, destination: str, protocol: str, port: str | int | None) -> Path:
    """Follow a packet as `lab.trace` does, in a network that has been read already.

    Raises:
        LabError: An end is missing or not in the network, or the port is none.
    """
    if not source or not destination:
        raise LabError("Say from where to where: choose both ends, or type an address and press Enter.")
    return network.trace_between(source, destination, protocol, None if protocol == "icmp" else _port(port))


def trace_code(source: str, destination: str, protocol: str, port: str | int | None) -> str:
    """Return the call that gives the same path.

    >>> trace_code("instance-1", "instance-2", "tcp", 22)
    'lab.trace("instance-1", "instance-2", "tcp", 22)'
    """
    more = "" if protocol == "icmp" else f', "{protocol}", {_port(port)}'
    ends = ", ".join(json.dumps(end, ensure_ascii=False) for end in (source, destination))
    return f"lab.trace({ends}{more})"


def _port(port: str | int | None) -> int:
    word = str(port if port is not None else "").strip()
    if not word.isascii() or not word.isdigit() or int(word) > 65535:
        raise LabError(f"{word!r} is not a port: give a number from 0 to 65535, such as 443.")
    return int(word)


class PacketLab(LiveWidget):
    """Choose the ends, the protocol and the port, and see the path; choose a step of it, and see the rule that decided.

    The plain functions are `lab.trace(source, destination, protocol, port)` and `lab.map(path)`.

    Attributes:
        path: The path of the chosen packet, or None if there is none.
    """

    def __init__(
        self, lab: LabLike, source: str | None = None, destination: str | None = None, protocol: str = "icmp",
        port: int | None = None,
    ) -> None:  # fmt: skip
        """Show the path of a packet; the arguments are those of `lab.trace`.

        An end that is not given is the first instance, or the second.

        Raises:
            LabError: An end that is given is not there, or the protocol or the port is none.
        """
        super().__init__(lab)
        if protocol not in dict(PROTOCOLS).values():
            raise LabError(f"{protocol!r} is not a protocol that labkit sends: use 'icmp', 'tcp' or 'udp'.")
        self.path: Path | None = None
        self._network = self.network()
        if source or destination:  # what is wrong in a cell is answered with an error, as lab.trace does
            first, second = _usual_ends(self._network)
            trace(self._network, source or first, destination or second, protocol, port or _USUAL_PORT)
        self.source = EndpointPicker("From", source, False, self.refresh)
        self.destination = EndpointPicker("To", destination, True, self.refresh)
        self.protocol = parts.dropdown("Protocol", PROTOCOLS, value=protocol)
        self.port = parts.text("Port", str(port or _USUAL_PORT), width="9em")
        self.again = self.read_again()
        self.map, self.detail, self.code = StepMap(self._choose), parts.html(), parts.code()
        self.hops = parts.choice("Steps", "The components that the packet met, in order", "auto", 8)
        self._steps: list[Step] = []
        self._moves = parts.Moves()
        self._moves.watch(self.refresh, self.protocol, self.port)
        self._moves.watch(self._show, self.hops)
        self.widget = parts.root(
            "packet-lab",
            parts.row(self.source.widget, self.destination.widget, self.protocol, self.port, self.again),
            parts.answer(self.verdict, parts.beside(self.map.widget, self.hops, self.detail), self.code),
        )
        self.refresh()

    def still(self) -> Drawing:
        """Return the map with the path on it, a picture with a description in words."""
        return draw(self._network, self.path)

    def still_html(self) -> str:
        """Return the same map in the colors of the page."""
        still = self.still()
        return svg(still.sheet, "Map of the network", still.description)

    def _answer(self, anew: bool) -> None:
        self._network = self.network(anew)
        first, second = _usual_ends(self._network)
        self.source.offer(self._network, first)
        self.destination.offer(self._network, second)
        self.port.layout.display = "none" if self.protocol.value == "icmp" else ""
        before, asked = self.path, (self.source.value, self.destination.value, self.protocol.value, self.port.value)
        try:
            self.path = path = trace(self._network, *asked)
        except LabError as error:
            self.path, self._steps = None, []
            self.verdict.value = parts.sentence(str(error), "bad")
            parts.show_code(self.code, "lab.map()")
        else:
            self._steps = steps(path)
            said = f"{path.packet}. {path.verdict}"
            self.verdict.value = parts.sentence(said, "good" if path.replied else "bad")
            parts.show_code(self.code, f"path = {trace_code(*asked)}\nlab.map(path)")
        if self.path is None or self.path != before:
            self._offer_steps()
        self._show()

    @property
    def step(self) -> Step | None:
        """The step that is chosen."""
        index = self.hops.index
        return self._steps[index] if index is not None and index < len(self._steps) else None

    def _choose(self, place: int) -> None:
        """Choose the step at a place of the list: its number on the map was clicked."""
        self.hops.index = place

    def _offer_steps(self) -> None:
        """Offer the steps of a new path, and choose the last, which is the one that stopped the packet if any did."""
        with self._moves.quiet():
            self.hops.options = [str(step) for step in self._steps]
            self.hops.rows = max(2, min(len(self._steps), 18))
            self.hops.layout.display = "" if self._steps else "none"
            self.hops.index = len(self._steps) - 1 if self._steps else None

    def _show(self) -> None:
        """Show the map with a ring around the chosen step, and that step in full."""
        step = self.step
        title = f"Map of the network. {self.path.verdict}" if self.path else "Map of the network"
        self.map.show(self._network, self.path, self._steps, step, title)
        self.detail.value = step_html(self._network, step) if step else ""


def _usual_ends(network: Network) -> tuple[str, str]:
    """Return two ends to begin with: the first two instances by name, or the internet if there is only one."""
    alive = sorted(
        instance.name
        for instance in network.instances.values()
        if instance.state != "terminated" and network.primary_interface(instance.id)
    )
    first, second, *_ = [*alive, "", ""]
    return first, second or (ON_THE_INTERNET if first else "")
