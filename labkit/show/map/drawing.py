"""Draw the map of a network, with a packet's path over it. `lab.map` and the widgets call `draw`."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

from labkit.network import ComponentKind, Hop, Leg, Network, NetworkError, Path, Route
from labkit.show.figure import Described, steady_style
from labkit.show.map import painting
from labkit.show.map.layout import LANE, MARGIN, Callout, Layout
from labkit.show.map.lettering import width, wrap
from labkit.show.map.map_contents import MapContents
from labkit.show.map.routing import Roads, keep_left, places
from labkit.show.map.sheet import Point, Sheet


@dataclass(frozen=True, repr=False)
class Drawing(Described):
    """The map of a network: a picture with a description in words.

    Attributes:
        sheet: The map as it is laid out.
        description: What it shows, in words.
    """

    sheet: Sheet
    description: str

    def png(self) -> bytes:
        """Return the map as PNG, the same bytes each time."""
        with steady_style():
            return painting.png(self.sheet)


@dataclass(frozen=True, slots=True)
class _DrawnLeg:
    """A leg of a path as it is drawn: `there` or `back`, told apart by line and number, not by color alone."""

    kind: str
    leg: Leg
    places: list[str]

    def number(self, steps: list[int]) -> str:
        """Return what the chip of a step says, or of several steps at one place: ✗ is where the packet stopped."""
        return ("✗ " if self.lost(steps) else "") + ("↩" if self.kind == "back" else "") + _in_short(steps)

    def lost(self, steps: list[int]) -> bool:
        return not self.leg.arrived and steps[-1] == len(self.leg.hops)


def draw(network: Network, path: Path | None = None, listed: bool = True) -> Drawing:
    """Draw the map of a network, with a packet's path over it.

    Args:
        network: What is drawn.
        path: A path from `network.trace(…)`. It is drawn as a solid line with steps 1, 2, … for the packet, a dashed
            line with steps ↩1, ↩2, … for the reply, and a ✗ where either stopped.
        listed: Whether the steps are also listed under the map.

    Returns:
        The map, with a description in words.

    Raises:
        NetworkError: The path is one of another network, or leads through what has been deleted.
    """
    hops = [hop for leg in path.legs.values() for hop in leg.hops] if path else []
    gone = next((hop.interface for hop in hops if hop.interface and hop.interface not in network.interfaces), None)
    if gone is not None:
        raise NetworkError(
            f"The path leads through the interface {gone}, and the network has none of that id now. Follow the packet "
            "again, through the network as it is: lab.map(lab.trace('instance-1', 'instance-2'))."
        )
    contents = MapContents(network, path)
    return Drawing(_draw(contents, path, listed), contents.describe())


def _draw(contents: MapContents, path: Path | None, listed: bool) -> Sheet:
    legs = [_DrawnLeg(kind, leg, places(contents.network, leg)) for kind, leg in path.legs.items()] if path else []
    used = {
        (place.removeprefix("routes:"), hop.decided_by.destination)
        for drawn in legs
        for place, hop in zip(drawn.places, drawn.leg.hops, strict=True)
        if place.startswith("routes:") and isinstance(hop.decided_by, Route)
    }
    layout = Layout(contents, _callout(contents, path, legs), used)
    height = layout.height
    if path:
        _draw_legs(layout.sheet, legs)
        height = _draw_steps(layout, contents, path, legs) if listed else height
    layout.sheet.size = (layout.width, height)
    return layout.sheet


def _callout(contents: MapContents, path: Path | None, legs: list[_DrawnLeg]) -> Callout | None:
    hop = path.stopped_at if path else None
    if hop is None:
        return None
    last = legs[-1]
    headline = f"{last.number([len(last.leg.hops)])}  {_component(contents, hop)}"
    return Callout(last.places[-1], hop.vpc, headline, hop.code, contents.named(hop).statement)


def _component(contents: MapContents, hop: Hop) -> str:
    name = contents.name(hop.component)
    return name if name == hop.kind else f"{hop.kind} {name}"


def _draw_legs(sheet: Sheet, legs: list[_DrawnLeg]) -> None:
    """Draw the lines along the roads, with the steps' numbers on them."""
    roads = Roads(sheet.points, sheet.leads_to)
    trips = [roads.travel(leg.places) for leg in legs]
    streets = [{step for piece in pieces for step in pairwise(piece)} for pieces, _ in trips]
    # Where a NAT gateway turns packets around, both legs take the same road in the same direction.
    shared = len(legs) == 2 and bool(streets[0] & streets[1])
    distances = (LANE + 4, LANE - 4) if shared else (LANE, LANE)
    taken: list[tuple[float, float, float]] = []
    for leg, (pieces, found), distance in zip(legs, trips, distances, strict=False):
        on_line = []
        for piece in pieces:
            line, spots = keep_left([sheet.points[name] for name in piece], distance)
            on_line.append(spots)
            if len(line) > 1:
                sheet.line(leg.kind, line)
        steps: dict[str, list[int]] = {}
        for step, place in enumerate(leg.places, start=1):
            steps.setdefault(place, []).append(step)
        for numbers in steps.values():
            i, j = found[numbers[0] - 1]
            _chip_beside(sheet, leg, numbers, on_line[i][j], sheet.points[pieces[i][j]], taken)


def _in_short(steps: list[int]) -> str:
    """
    >>> _in_short([1, 2]), _in_short([5, 7])
    ('1–2', '5·7')
    """
    if len(steps) > 1 and steps == list(range(steps[0], steps[-1] + 1)):
        return f"{steps[0]}–{steps[-1]}"
    return "·".join(map(str, steps))


def _chip_beside(
    sheet: Sheet, leg: _DrawnLeg, steps: list[int], spot: Point, road: Point, taken: list[tuple[float, float, float]]
) -> None:
    """Draw a step's number on the line, away from the road's middle, to leave room for the other leg's number."""
    wide = _chip_width(leg.number(steps))
    x, y = spot
    if x != road[0]:
        x = road[0] + (wide / 2 + 1) * (1 if x > road[0] else -1)
    while any(abs(x - x_2) < (wide + wide_2) / 2 and abs(y - y_2) < 17 for x_2, y_2, wide_2 in taken):
        y -= 3
    taken.append((x, y, wide))
    _chip(sheet, leg, steps, x, y)


def _chip_width(text: str) -> float:
    return max(width(text, 9, True) + 9, 19)


def _chip(sheet: Sheet, leg: _DrawnLeg, steps: list[int], x: float, y: float) -> None:
    text, kind = leg.number(steps), "lost" if leg.lost(steps) else leg.kind
    wide, keys = _chip_width(text), tuple(f"{leg.kind}-{step}" for step in steps)
    sheet.box(f"chip {kind}", x - wide / 2, y - 8.5, wide, 17, keys)
    role = {"there": "white", "back": "plain", "lost": "alarm"}[kind]
    sheet.say(text, x, y, wide, bold=True, role=role, centered=True)


def _draw_steps(layout: Layout, contents: MapContents, path: Path, legs: list[_DrawnLeg]) -> float:
    """List the steps under the map, one column for each leg; return the y where the list ends."""
    sheet, wide = layout.sheet, layout.width - 2 * MARGIN
    top = layout.height + 8
    for line in wrap(f"{path.packet}. {path.verdict}", wide, 10, True):
        sheet.say(line, MARGIN, top, wide, 10, True)
        top += 20
    column = wide / len(legs)
    for i, leg in enumerate(legs):
        x, y = MARGIN + i * column, top + 6
        sheet.line(leg.kind, [(x, y), (x + 44, y)])
        sheet.say(leg.kind.capitalize(), x + 54, y, column, bold=True)
        for step, hop in enumerate(leg.leg.hops, start=1):
            y += 20
            _chip(sheet, leg, [step], x + 22, y)
            said = _component(contents, hop)
            if hop.kind is ComponentKind.ROUTE_TABLE and hop.decided_by:
                rule = f"{said}: {contents.named(hop).rule}"
                said = rule if width(rule) < column - 70 else said
            sheet.say(said, x + 54, y, column - 70)
    return top + 26 + 20 * max(len(leg.leg.hops) for leg in legs) + MARGIN
