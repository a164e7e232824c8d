"""The map of a network, and a packet's path laid over it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

from matplotlib.figure import Figure

from labkit.network import Hop, Leg, Network, Path, Route
from labkit.show.figure import Described, steady_style
from labkit.show.map import painting
from labkit.show.map.layout import LANE, MARGIN, Callout, Layout
from labkit.show.map.lettering import width, wrap
from labkit.show.map.map_contents import Contents
from labkit.show.map.routing import Roads, keep_left, places
from labkit.show.map.sheet import Point, Sheet


class Drawing(Described):
    """The map of a network: a figure and, in words, what it shows.

    Parameters: `sheet` is the map as it was laid out; `description` says it in words.
    """

    def __init__(self, sheet: Sheet, description: str) -> None:
        self.sheet, self.description = sheet, description

    @cached_property
    def figure(self) -> Figure:  # type: ignore[override]
        """The map as a matplotlib figure, painted when somebody asks for it."""
        with steady_style():
            return painting.paint(self.sheet)

    def png(self) -> bytes:
        """The image as PNG, the same bytes each time, and the same as those of the figure."""
        with steady_style():
            return painting.png(self.sheet)


@dataclass(frozen=True, slots=True)
class _Way:
    """One way of a packet, `there` or `back`: told apart by line and number, not by color alone."""

    leg: Leg
    places: list[str]
    kind: str
    prefix: str
    title: str

    def number(self, steps: list[int]) -> str:
        """What a step's chip says, or that of several at one place: ✗ is where the packet stopped."""
        return ("✗ " if self.lost(steps) else "") + self.prefix + _in_short(steps)

    def lost(self, steps: list[int]) -> bool:
        return not self.leg.arrived and steps[-1] == len(self.leg.hops)


def draw(network: Network, path: Path | None = None, listed: bool = True) -> Drawing:
    """Draw the map of a network, with a packet's path over it.

    Parameters: `network` is what is drawn; `path`, from `network.trace(…)`, is laid over it: there as a solid line with
    steps 1, 2, …, back as a dashed one with steps ↩1, ↩2, …, and a ✗ where the packet stopped; `listed` says whether
    the steps are also listed under the map.
    """
    contents = Contents(network, path)
    return Drawing(_draw(contents, path, listed), contents.describe())


def _draw(contents: Contents, path: Path | None, listed: bool) -> Sheet:
    network, ways = contents.network, list[_Way]()
    if path:
        ways.append(_Way(path.forward, places(network, path.forward), "there", "", "There"))
    if path and path.back:
        ways.append(_Way(path.back, places(network, path.back), "back", "↩", "Back"))
    used = {
        (place.removeprefix("routes:"), hop.decided_by.destination)
        for way in ways
        for place, hop in zip(way.places, way.leg.hops, strict=True)
        if place.startswith("routes:") and isinstance(hop.decided_by, Route)
    }
    layout = Layout(contents, _callout(contents, path, ways), used)
    height = layout.height
    if path:
        _draw_ways(layout.sheet, ways)
        height = _draw_steps(layout, contents, path, ways) if listed else height
    layout.sheet.size = (layout.width, height)
    return layout.sheet


def _callout(contents: Contents, path: Path | None, ways: list[_Way]) -> Callout | None:
    hop = path.stopped_at if path else None
    if hop is None:
        return None
    way = ways[-1]
    headline = f"{way.number([len(way.leg.hops)])}  {_component(contents, hop)}"
    return Callout(way.places[-1], hop.vpc, headline, hop.code, contents.named(hop.statement))


def _component(contents: Contents, hop: Hop) -> str:
    name = contents.name(hop.component)
    return name if name == hop.kind else f"{hop.kind} {name}"


def _draw_ways(sheet: Sheet, ways: list[_Way]) -> None:
    """The lines along the roads, with the steps' numbers on them."""
    roads = Roads(sheet.points, sheet.leads_to)
    trips = [roads.travel(way.places) for way in ways]
    streets = [{step for piece in pieces for step in pairwise(piece)} for pieces, _ in trips]
    # Where a NAT gateway turns packets round, both ways take the same road in the same direction.
    shared = len(ways) == 2 and bool(streets[0] & streets[1])
    distances = (LANE + 4, LANE - 4) if shared else (LANE, LANE)
    taken: list[tuple[float, float, float]] = []
    for way, (pieces, found), distance in zip(ways, trips, distances, strict=False):
        on_line = []
        for piece in pieces:
            line, spots = keep_left([sheet.points[name] for name in piece], distance)
            on_line.append(spots)
            if len(line) > 1:
                sheet.line(way.kind, line)
        steps: dict[str, list[int]] = {}
        for step, place in enumerate(way.places, start=1):
            steps.setdefault(place, []).append(step)
        for numbers in steps.values():
            i, j = found[numbers[0] - 1]
            _chip_beside(sheet, way, numbers, on_line[i][j], sheet.points[pieces[i][j]], taken)


def _in_short(steps: list[int]) -> str:
    """
    >>> _in_short([1, 2]), _in_short([5, 7])
    ('1–2', '5·7')
    """
    if len(steps) > 1 and steps == list(range(steps[0], steps[-1] + 1)):
        return f"{steps[0]}–{steps[-1]}"
    return "·".join(map(str, steps))


def _chip_beside(
    sheet: Sheet, way: _Way, steps: list[int], spot: Point, road: Point, taken: list[tuple[float, float, float]]
) -> None:
    """A step's number on the line, grown away from the road's middle, so that the other way's number has its place."""
    text = way.number(steps)
    wide = _chip_width(text)
    x, y = spot
    if x != road[0]:
        x = road[0] + (wide / 2 + 1) * (1 if x > road[0] else -1)
    while any(abs(x - x_2) < (wide + wide_2) / 2 and abs(y - y_2) < 17 for x_2, y_2, wide_2 in taken):
        y -= 3
    taken.append((x, y, wide))
    _chip(sheet, way, steps, x, y)


def _chip_width(text: str) -> float:
    return max(width(text, 9, True) + 9, 19)


def _chip(sheet: Sheet, way: _Way, steps: list[int], x: float, y: float) -> None:
    text, kind = way.number(steps), "lost" if way.lost(steps) else way.kind
    wide, keys = _chip_width(text), tuple(f"{way.kind}-{step}" for step in steps)
    sheet.box(f"chip {kind}", x - wide / 2, y - 8.5, wide, 17, keys)
    role = {"there": "white", "back": "plain", "lost": "alarm"}[kind]
    sheet.say(text, x, y, wide, bold=True, role=role, centered=True, level=10)


def _draw_steps(layout: Layout, contents: Contents, path: Path, ways: list[_Way]) -> float:
    """The list of steps under the map, one column a way; returns where it ends."""
    sheet, wide = layout.sheet, layout.width - 2 * MARGIN
    top = layout.height + 8
    for line in wrap(f"{path.packet}. {path.verdict}", wide, 10, True):
        sheet.say(line, MARGIN, top, wide, 10, True)
        top += 20
    column = wide / len(ways)
    for i, way in enumerate(ways):
        x, y = MARGIN + i * column, top + 6
        sheet.line(way.kind, [(x, y), (x + 44, y)])
        sheet.say(way.title, x + 54, y, column, bold=True)
        for step, hop in enumerate(way.leg.hops, start=1):
            y += 20
            _chip(sheet, way, [step], x + 22, y)
            said = _component(contents, hop)
            if hop.rule and hop.kind == "route table":
                rule = f"{said}: {contents.named(hop.rule)}"
                said = rule if width(rule) < column - 70 else said
            sheet.say(said, x + 54, y, column - 70)
    return top + 26 + 20 * max(len(way.leg.hops) for way in ways) + MARGIN
