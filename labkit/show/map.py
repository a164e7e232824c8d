"""The map of a network, and a packet's path laid over it."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import FancyBboxPatch, PathPatch
from matplotlib.path import Path as Curve

from labkit.network.model import Network
from labkit.network.path import Hop, Leg, Path
from labkit.show.contents import EMPTY, Contents, contents_of
from labkit.show.describe import describe
from labkit.show.figure import BLUE, DPI, GREEN, VERMILION, DescribedFigure, blank_figure, steady_style
from labkit.show.layout import LANE, MARGIN, ROW, lay_out
from labkit.show.sheet import Box, Callout, Layout, Words
from labkit.show.text import fit, font, named, short, width, wrap
from labkit.show.way import Point, keep_left, places

_INK, _QUIET, _STREET = "#1F2933", "#52606D", "#E1E7ED"
_BOXES: dict[str, dict[str, Any]] = {
    "internet": {"facecolor": "#E3F2FB", "edgecolor": "#0B6FA4", "linewidth": 1.2, "zorder": 0},
    "VPC": {"facecolor": "#FFFFFF", "edgecolor": "#52606D", "linewidth": 1.6, "zorder": 0},
    "subnet": {"facecolor": "#F5F7FA", "edgecolor": "#9AA5B1", "linewidth": 1.0, "zorder": 1},
    "card": {"facecolor": "#FFFFFF", "edgecolor": "#52606D", "linewidth": 1.2, "zorder": 5},
    "gateway": {"facecolor": "#E3F2FB", "edgecolor": "#0B6FA4", "linewidth": 1.2, "zorder": 5},
    "callout": {"facecolor": "#FFF4EC", "edgecolor": VERMILION, "linewidth": 1.4, "zorder": 6},
}
_ROLES = {"plain": _INK, "quiet": _QUIET, "alarm": "#A84300", "internet": "#0B4F75"}


class Drawing(DescribedFigure):
    """The map of a network: a figure and, in words, what it shows."""


@dataclass(frozen=True, slots=True)
class _Way:
    """How one way of a packet is drawn: told apart by line and number, not by color alone."""

    leg: Leg
    prefix: str
    title: str
    color: str
    dashes: Any
    filled: bool

    def number(self, step: int) -> str:
        return f"{self.prefix}{step}"


def draw(network: Network, path: Path | None = None) -> Drawing:
    """Draw the map of a network, with a packet's path over it.

    Parameters: `network` is what is drawn; `path`, from `network.trace(…)`, is laid over it: there as a solid line with
    steps 1, 2, …, back as a dashed one with steps ↩1, ↩2, …, and a ✗ where the packet stopped.
    """
    contents = contents_of(network, path)
    description = describe(network, contents, path)
    with steady_style():
        figure = _draw(network, contents, path) if contents.vpcs else _draw_nothing(contents)
    return Drawing(figure, description)


def _draw(network: Network, contents: Contents, path: Path | None) -> Figure:
    ways = _ways(path)
    layout = lay_out(network, contents, _callout(network, path, ways), _used(network, ways))
    steps = _Steps(network, path, ways, layout) if path else None
    axes = _axes(layout.width, layout.height + (steps.height if steps else 0))
    _draw_map(axes, layout)
    if steps:
        _draw_ways(axes, network, layout, ways)
        steps.draw(axes)
    return _figure_of(axes)


def _ways(path: Path | None) -> list[_Way]:
    ways = []
    if path:
        ways.append(_Way(path.forward, "", "There", BLUE, "solid", True))
    if path and path.back:
        ways.append(_Way(path.back, "↩", "Back", GREEN, (0, (3.2, 1.4)), False))
    return ways


def _callout(network: Network, path: Path | None, ways: list[_Way]) -> Callout | None:
    hop = path.stopped_at if path else None
    if hop is None:
        return None
    way = ways[-1]
    headline = f"✗ {way.number(len(way.leg.hops))}  {_component(network, hop)}"
    first, _, rest = hop.sentence.partition(" ")
    # A name stays as it is at the beginning of a sentence, too.
    sentence = named(network, f"{first.capitalize() if first.isalpha() else first} {rest}") + "."
    return Callout(places(network, way.leg)[-1], hop.vpc, headline, hop.code, sentence)


def _component(network: Network, hop: Hop) -> str:
    name = short(network.name(hop.component))
    return name if name == hop.kind else f"{hop.kind} {name}"


def _used(network: Network, ways: list[_Way]) -> set[tuple[str, str]]:
    found = set()
    for way in ways:
        for hop, place in zip(way.leg.hops, places(network, way.leg), strict=True):
            if hop.kind == "route table" and hop.rule:
                found.add((place.partition(":")[2], hop.rule.split(" ")[0]))
    return found


# Drawing


def _axes(wide: float, high: float) -> Axes:
    """Axes whose units are pixels, y downwards."""
    axes = blank_figure(wide / DPI, high / DPI).add_axes((0, 0, 1, 1))
    axes.set(xlim=(0, wide), ylim=(high, 0))
    axes.set_axis_off()
    return axes


def _figure_of(axes: Axes) -> Figure:
    figure = axes.get_figure(root=True)
    assert figure is not None
    return figure


def _draw_nothing(contents: Contents) -> Figure:
    lines = [(line, True) for line in wrap(EMPTY, 560)] + [
        (line, False) for note in contents.notes for line in wrap(note, 560)
    ]
    axes = _axes(640, 60 + ROW * len(lines))
    _box(axes, Box("", "VPC", MARGIN, MARGIN, 600, 20 + ROW * len(lines)))
    for i, (line, first) in enumerate(lines):
        _words(axes, Words(line, 2 * MARGIN, MARGIN + 10 + ROW * (i + 0.5), role="plain" if first else "quiet"))
    return _figure_of(axes)


def _draw_map(axes: Axes, layout: Layout) -> None:
    for box in layout.boxes:
        _box(axes, box)
    for road in layout.streets:
        if road.kind in ("street", "internet"):
            color = _STREET if road.kind == "street" else "#C3E1F3"
            _line(axes, road.points, color=color, linewidth=10, zorder=2)
        else:
            _line(
                axes,
                road.points,
                color=_QUIET,
                linewidth=1.6,
                linestyle="solid" if road.is_open else (0, (4, 3)),
                zorder=2.5,
            )
    for words in layout.words:
        _words(axes, words)


def _box(axes: Axes, box: Box) -> None:
    round_by = {"VPC": 12, "internet": 12, "subnet": 8}.get(box.kind, 5)
    style = f"round,pad=0,rounding_size={round_by}"
    axes.add_patch(
        FancyBboxPatch((box.x, box.y), box.width, box.height, boxstyle=style, mutation_aspect=1, **_BOXES[box.kind])
    )


def _words(axes: Axes, words: Words, zorder: float = 8, color: str | None = None) -> None:
    # The middle of a line's height is that of its capitals, whatever letters it has: hence the baseline.
    axes.text(
        words.x, words.y + 0.36 * words.size * DPI / 72, words.text, color=color or _ROLES[words.role], zorder=zorder,
        fontproperties=font(words.size, words.bold), ha="center" if words.centered else "left", va="baseline",
        parse_math=False,
    )  # fmt: skip


def _line(axes: Axes, points: Any, radius: float = 7, **style: Any) -> None:
    """A line with rounded corners."""
    vertices, codes = [points[0]], [Curve.MOVETO]
    for before, corner, after in zip(points, points[1:], points[2:], strict=False):
        for end in (before, after):
            near = _towards(corner, end, radius)
            if end is before:
                vertices.append(near)
                codes.append(Curve.LINETO)
            else:
                vertices += [corner, near]
                codes += [Curve.CURVE3, Curve.CURVE3]
    vertices.append(points[-1])
    codes.append(Curve.LINETO)
    axes.add_patch(PathPatch(Curve(vertices, codes), fill=False, capstyle="round", joinstyle="round", **style))


def _towards(corner: Point, end: Point, radius: float) -> Point:
    length = abs(end[0] - corner[0]) + abs(end[1] - corner[1])
    share = min(radius / length, 0.5) if length else 0
    return corner[0] + (end[0] - corner[0]) * share, corner[1] + (end[1] - corner[1]) * share


def _draw_ways(axes: Axes, network: Network, layout: Layout, ways: list[_Way]) -> None:
    trips = [layout.roads.travel(places(network, way.leg)) for way in ways]
    streets = [{step for piece in pieces for step in pairwise(piece)} for pieces, _ in trips]
    # Where a NAT gateway turns packets round, both ways take the same road in the same direction.
    shared = len(ways) == 2 and bool(streets[0] & streets[1])
    distances = (LANE + 4, LANE - 4) if shared else (LANE, LANE)
    taken: list[tuple[float, float, float]] = []
    for way, (pieces, found), distance in zip(ways, trips, distances, strict=False):
        on_line = []
        for piece in pieces:
            line, spots = keep_left([layout.points[name] for name in piece], distance)
            on_line.append(spots)
            if len(line) > 1:
                _line(axes, line, color=way.color, linewidth=3.4, linestyle=way.dashes, zorder=4)
        steps: dict[str, list[int]] = {}
        spots_of: dict[str, tuple[Point, Point]] = {}
        for step, (stop, (i, j)) in enumerate(zip(places(network, way.leg), found, strict=True), start=1):
            steps.setdefault(stop, []).append(step)
            spots_of.setdefault(stop, (on_line[i][j], layout.points[pieces[i][j]]))
        for stop, numbers in steps.items():
            lost = not way.leg.arrived and numbers[-1] == len(way.leg.hops)
            text = ("✗ " if lost else "") + way.prefix + _in_short(numbers)
            _chip(axes, way, text, *spots_of[stop], lost, taken)


def _in_short(steps: list[int]) -> str:
    """
    >>> _in_short([1, 2]), _in_short([5, 7])
    ('1–2', '5·7')
    """
    if len(steps) > 1 and steps == list(range(steps[0], steps[-1] + 1)):
        return f"{steps[0]}–{steps[-1]}"
    return "·".join(map(str, steps))


def _chip(
    axes: Axes, way: _Way, text: str, spot: Point, road: Point, lost: bool, taken: list[tuple[float, float, float]]
) -> None:
    """A step's number on the line, grown away from the road's middle, so that the other way's number has its place."""
    wide = _chip_width(text)
    x, y = spot
    if x != road[0]:
        x = road[0] + (wide / 2 + 1) * (1 if x > road[0] else -1)
    while any(abs(x - x_2) < (wide + wide_2) / 2 and abs(y - y_2) < 17 for x_2, y_2, wide_2 in taken):
        y -= 3
    taken.append((x, y, wide))
    _chip_at(axes, way, text, x, y, wide, lost)


def _chip_width(text: str) -> float:
    return max(width(text, 9, True) + 9, 19)


def _chip_at(axes: Axes, way: _Way, text: str, x: float, y: float, wide: float, lost: bool) -> None:
    color = VERMILION if lost else way.color
    axes.add_patch(
        FancyBboxPatch(
            (x - wide / 2, y - 8.5), wide, 17, boxstyle="round,pad=0,rounding_size=8", mutation_aspect=1, zorder=9,
            facecolor=color if way.filled and not lost else "white", edgecolor=color, linewidth=1.8,
        )
    )  # fmt: skip
    ink = "white" if way.filled and not lost else _ROLES["alarm"] if lost else _INK
    _words(axes, Words(text, x, y, 9, True, centered=True), zorder=10, color=ink)


class _Steps:
    """The list of steps under the map, one column a way."""

    def __init__(self, network: Network, path: Path, ways: list[_Way], layout: Layout) -> None:
        self.top = layout.height
        self.wide = layout.width - 2 * MARGIN
        self.ways = ways
        self.network = network
        self.title = wrap(f"{path.packet}. {path.verdict}", self.wide, 10, True)
        self.height = 8 + 20 * len(self.title) + 26 + 20 * max(len(way.leg.hops) for way in ways) + MARGIN

    def draw(self, axes: Axes) -> None:
        for i, line in enumerate(self.title):
            _words(axes, Words(line, MARGIN, self.top + 8 + 20 * i, 10, True))
        column = self.wide / len(self.ways)
        for i, way in enumerate(self.ways):
            x, y = MARGIN + i * column, self.top + 14 + 20 * len(self.title)
            _line(axes, [(x, y), (x + 44, y)], color=way.color, linewidth=3.4, linestyle=way.dashes, zorder=4)
            _words(axes, Words(way.title, x + 54, y, 9, True))
            for step, hop in enumerate(way.leg.hops, start=1):
                y += 20
                lost = not hop.passes
                text = ("✗ " if lost else "") + way.number(step)
                wide = _chip_width(text)
                _chip_at(axes, way, text, x + 22, y, wide, lost)
                said = _component(self.network, hop)
                if hop.rule and hop.kind == "route table":
                    rule = f"{said}: {named(self.network, hop.rule)}"
                    said = rule if width(rule) < column - 70 else said
                _words(axes, Words(fit(said, column - 70), x + 54, y))
