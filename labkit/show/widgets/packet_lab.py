"""Send any packet from anywhere to anywhere, on the map of the network as it stands."""

from __future__ import annotations

import json

import ipywidgets as w

from labkit.errors import LabError
from labkit.network.model import Network
from labkit.network.path import Path
from labkit.show.map.drawing import Drawing, draw
from labkit.show.map.svg import svg
from labkit.show.widgets import parts
from labkit.show.widgets.endpoint_picker import End
from labkit.show.widgets.hops import Step, step_html, steps
from labkit.show.widgets.live import LabLike, Living

PROTOCOLS = [("ICMP (ping)", "icmp"), ("TCP", "tcp"), ("UDP", "udp")]
_USUAL_PORT = 443


def trace(network: Network, source: str, destination: str, protocol: str, port: str | int | None) -> Path:
    """The path of a packet between two ends, as `lab.trace` follows it in a network that has been read already.

    Raises LabError for an end that is not there, and for a port that is none.
    """
    if not source or not destination:
        raise LabError("Say from where to where: choose both ends, or type an address.")
    number = None if protocol == "icmp" else _port(port)
    return network.trace_between(source, destination, protocol, number)


def trace_code(source: str, destination: str, protocol: str, port: str | int | None) -> str:
    """The call that gives the same path.

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


class PacketLab(Living):
    """The interactive map: choose the ends, the protocol and the port, and see the path; choose a step of it, and see
    the rule that decided.

    The plain functions are `lab.trace(source, destination, protocol, port)` and `lab.map(path)`. Parameters are as for
    `lab.trace`; an end that is not given is the first instance, and the second. `path` is the present path, or None
    where there is none, and `said` says why. Raises LabError for an end that is given and not there.
    """

    def __init__(
        self, lab: LabLike, source: str | None = None, destination: str | None = None, protocol: str = "icmp",
        port: int | None = None,
    ) -> None:  # fmt: skip
        super().__init__(lab)
        if protocol not in dict(PROTOCOLS).values():
            raise LabError(f"{protocol!r} is not a protocol that labkit sends: use 'icmp', 'tcp' or 'udp'.")
        self.path: Path | None = None
        self.said = ""
        self._network = self.network()
        if source or destination:  # what is wrong in a cell is answered with an error, as lab.trace does
            first, second = _instances(self._network)
            trace(self._network, source or first, destination or second, protocol, port or _USUAL_PORT)
        self.source = End("From", source, False, self.refresh)
        self.destination = End("To", destination, True, self.refresh)
        self.protocol = parts.dropdown("Protocol", PROTOCOLS, value=protocol, layout=w.Layout(width="auto"))
        self.port = parts.text("Port", str(port or _USUAL_PORT), layout=w.Layout(width="9em"))
        self.again = self.read_again()
        self.map, self.detail = parts.html(), parts.html()
        self.hops = w.Select(
            options=[], rows=8, description="Steps", style={"description_width": "initial"},
            tooltip="The components that the packet met, in order", layout=w.Layout(width="24em"),
        )  # fmt: skip
        self.code = parts.code()
        self._steps: list[Step] = []
        self._quiet = False
        for control in (self.protocol, self.port):
            control.observe(lambda _: self.refresh(), "value")
        self.hops.observe(self._chosen, "value")
        self.widget = parts.root(
            "packet-lab",
            parts.row(self.source.widget, self.destination.widget),
            parts.row(self.protocol, self.port, self.again),
            parts.answer(self.verdict, self.map, parts.columns(self.hops, self.detail), self.code),
        )
        self.refresh()

    def still(self) -> Drawing:
        """The map with the path on it, as a picture that says in words what it shows."""
        return draw(self._network, self.path)

    def _answer(self, anew: bool) -> None:
        self._network = self.network(anew)
        first, second = _instances(self._network)
        self.source.offer(self._network, first)
        self.destination.offer(self._network, second)
        self.port.layout.display = "none" if self.protocol.value == "icmp" else ""
        before, ends = self.path, self._asked()
        try:
            self.path, self.said = trace(self._network, *ends), ""
        except LabError as error:
            self.path, self.said = None, str(error)
        path = self.path
        if path is None:
            self.verdict.value = parts.sentence(self.said, "bad")
        else:
            self.verdict.value = parts.sentence(f"{path.packet}. {path.verdict}", "good" if path.replied else "bad")
        call = trace_code(*ends) if path else ""
        parts.show_code(self.code, f"path = {call}\nlab.map(path)" if path else "lab.map()")
        self._steps = steps(path) if path else []
        if path is None or path != before:
            self._offer_steps()
        self._show()

    @property
    def step(self) -> Step | None:
        """The step that is chosen."""
        index = self.hops.index
        return self._steps[index] if index is not None and index < len(self._steps) else None

    def _asked(self) -> tuple[str, str, str, str]:
        return self.source.value, self.destination.value, self.protocol.value, self.port.value

    def _offer_steps(self) -> None:
        """Offer the steps of a new path; the one that stopped the packet is chosen, or the last."""
        self._quiet = True
        self.hops.options = [str(step) for step in self._steps]
        self.hops.rows = max(2, min(len(self._steps), 18))
        self.hops.layout.display = "" if self._steps else "none"
        if self._steps:
            self.hops.index = len(self._steps) - 1
        self._quiet = False

    def _chosen(self, _: object) -> None:
        if not self._quiet:
            self._show()

    def _show(self) -> None:
        """The map with the chosen step ringed, and that step in full."""
        drawing, step = draw(self._network, self.path, listed=False), self.step
        title = f"Map of the network. {self.path.verdict}" if self.path else "Map of the network"
        self.map.value = svg(drawing.sheet, title, drawing.description, step.key if step else None)
        self.detail.value = step_html(self._network, step) if step else ""


def _instances(network: Network) -> tuple[str, str]:
    """Two ends to begin with: the first two instances by name, or the internet where there is but one."""
    alive = sorted(
        instance.name
        for instance in network.instances.values()
        if instance.state != "terminated" and network.primary_interface(instance.id)
    )
    first, second, *_ = [*alive, "", ""]
    return first, second or ("8.8.8.8" if first else "")
