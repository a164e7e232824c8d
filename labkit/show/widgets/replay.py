"""The replay: a ping packet by packet and step by step, what the interfaces see of it and the records it leaves.

`lab.widgets` makes it.
"""

from __future__ import annotations

from datetime import datetime

import ipywidgets as w

from labkit.errors import LabError
from labkit.network import Path
from labkit.show.widgets import controls, parts
from labkit.show.widgets.hops import Step, steps
from labkit.show.widgets.live import LabLike, LiveWidget
from labkit.show.widgets.packet_lab import trace, trace_code
from labkit.show.widgets.replay_records import Seen, packets_of, seen_on
from labkit.show.widgets.step_map import StepMap

_MOST = 100
_HEADER = ("interface", "direction", "from → to", "verdict", "packets replayed", "flow log records")


class Replay(LiveWidget):
    """A ping, packet by packet and step by step, to the records that it left in the log group, or did not.

    The plain functions are `lab.trace(source, destination, protocol, port)`, whose legs have `sightings`, and
    `lab.records(interface, address, since=since)`.

    Args:
        lab: The lab.
        source: The sender, as for `lab.trace`.
        destination: The receiver, as for `lab.trace`.
        protocol: `icmp`, `tcp` or `udp`.
        port: The destination's port, for TCP and UDP.
        count: The number of packets to send in the replay, from 1 to 100.
        since: Records of traffic before this moment are left out; None for all.

    Raises:
        LabError: An end is not there, or the count is not in range.
    """

    def __init__(
        self, lab: LabLike, source: str, destination: str, protocol: str = "icmp", port: int | None = None,
        count: int = 3, since: datetime | None = None,
    ) -> None:  # fmt: skip
        super().__init__(lab)
        if not isinstance(count, int) or not 1 <= count <= _MOST:
            raise LabError(f"{count!r} packets cannot be replayed: give a number from 1 to {_MOST}.")
        self._ends, self._count, self._since = (source, destination, protocol, port), count, since
        self.path: Path = trace(self.network(), *self._ends)
        self.slider = controls.IntSlider(
            description="Moment", continuous_update=True, readout=False, style={"description_width": "initial"},
            tooltip="Steps of the packets, in order; the last is when the records are there",
            layout=w.Layout(flex="1 1 20em", width="auto"),
        )  # fmt: skip
        self.play = controls.Play(interval=700, show_repeat=False, tooltip="Play")
        w.jslink((self.play, "value"), (self.slider, "value"))
        self.back = parts.button("Previous", "One step back", lambda: self._go(-1))
        self.next = parts.button("Next", "One step on", lambda: self._go(1))
        self.map, self.table, self.lines = StepMap(self._choose), parts.html(), parts.html()
        self.scope, self.code = parts.html(parts.sentence(_scope(count), "quiet")), parts.code()
        self.slider.observe(lambda _: self.refresh(), "value")
        self.widget = parts.root(
            "replay",
            parts.row(self.back, self.next, self.play, self.slider, self.read_again()),
            parts.answer(self.scope, self.verdict, self.map.widget, self.table, self.lines),
            self.code,
        )
        self.refresh()

    @property
    def moment(self) -> int:
        """The step that is shown, from 0; at the last one, the records have been delivered."""
        return int(self.slider.value)

    def _go(self, by: int) -> None:
        self.slider.value = min(max(self.moment + by, 0), self.slider.max)

    def _choose(self, place: int) -> None:
        """Go to a step of the packet that is on its way; after the last one, of the last packet."""
        number = min(self.moment // len(self._steps), self._count - 1)
        self.slider.value = number * len(self._steps) + place

    def _answer(self, anew: bool) -> None:
        network = self.network(anew)
        self.path = trace(network, *self._ends)
        self._names = {
            interface.id: network.name(interface.instance or interface.id) for interface in network.interfaces.values()
        }
        self._steps, self._seen = steps(self.path), seen_on(network, self.path)
        for control in (self.slider, self.play):
            control.max = self._count * len(self._steps)
        number, index = divmod(self.moment, len(self._steps))
        is_over = number == self._count
        step = self._steps[-1 if is_over else index]
        self.verdict.value = "".join(self._said(step, number, index, is_over))
        self.map.show(network, self.path, self._steps, step, f"Map: the packet is at step {step.mark}")
        lines = self._records() if is_over else []
        rows = self._rows(number, index, lines)
        caption = "What the interfaces have seen so far"
        seen = parts.scrolling(parts.table(_HEADER, rows, caption), caption)
        self.table.value = seen if rows else parts.sentence("No interface has seen it yet.", "quiet")
        told = [line for seen in self._seen for line in self._of(seen, lines)]
        caption = "record, as it was delivered"
        found = parts.scrolling(parts.table([caption], [[line] for line in told]), caption)
        self.lines.value = found if told else ""
        source, destination, protocol, port = self._ends
        call = trace_code(source, destination, protocol, port)
        parts.show_code(self.code, f'path = {call}\npath.forward.sightings\nlab.records("{self.path.packet.src}")')

    def _said(self, step: Step, number: int, index: int, is_over: bool) -> list[str]:
        if is_over:
            never = [f"{self._names[seen.interface]} {seen.direction}" for seen in self._seen if seen.at is None]
            rest = f" No record ever comes for: {', '.join(never)}." if never else ""
            said = f"The replay is over; here is what the flow logs tell. {self.path.verdict}{rest}"
            return [parts.sentence(said, "bad" if never else "good")]
        where = f"Packet {number + 1} of {self._count}, at {step.hop.kind} {step.hop.name}: {step.hop.sentence}."
        found = [parts.sentence(where, "plain" if step.hop.passes else "bad")]
        for seen in self._seen:
            if seen.at == index:
                said = f"The interface of {self._names[seen.interface]} has seen it ({seen.direction}): {seen.action}."
                found.append(parts.sentence(said, "good" if seen.action == "ACCEPT" else "bad"))
        return found

    def _records(self) -> list[str]:
        """The records in the log group now, from the time in question."""
        try:
            return list(self.lab.records(since=self._since))
        except LabError as error:
            self.verdict.value += parts.sentence(str(error), "bad")
            return []

    def _of(self, seen: Seen, lines: list[str]) -> list[str]:
        packet = self.path.packet
        return seen.records(lines, packet.protocol, packet.dst_port)

    def _rows(self, number: int, index: int, lines: list[str]) -> list[tuple[object, ...]]:
        """A row for each sighting so far; at the end, also one for each that never comes."""
        is_over = number == self._count
        rows: list[tuple[object, ...]] = []
        for seen in self._seen:
            packets = 0 if seen.at is None else number + (not is_over and seen.at <= index)
            if packets or is_over:
                told = self._told(seen, lines) if is_over else "not yet: they come minutes later"
                flow = f"{seen.src} → {seen.dst}"
                name = f"{self._names[seen.interface]} ({seen.interface})"
                rows.append((name, seen.direction, flow, seen.action or "never seen", packets, told))
        return rows

    def _told(self, seen: Seen, lines: list[str]) -> str:
        found = self._of(seen, lines)
        if not found:
            return "none, and none will come" if seen.at is None else "none (yet): has it been sent, and delivered?"
        packets = packets_of(found)
        counted = "" if packets is None else f", {packets} packets"
        return f"{len(found)} record{'s' if len(found) > 1 else ''}{counted}"

    def still(self) -> parts.Lines:
        """Return in words what each interface sees, and the records it leaves."""
        lines = self._records()
        told = parts.aligned(_HEADER, self._rows(self._count, 0, lines))
        return parts.Lines("\n".join([f"{self.path.packet}. {self.path.verdict}", _scope(self._count), *told]))


def _scope(count: int) -> str:
    """Say how much of a ping is replayed: its records may count more packets."""
    first = "the first packet" if count == 1 else f"the first {count} packets"
    return f"The replay shows {first}. A longer ping goes on in the same way, and its records count all of its packets."
