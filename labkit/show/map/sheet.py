"""The sheet on which `layout` and `drawing` lay out a map: boxes, texts and lines in pixels, and roads between places.

x grows to the right and y downwards. A sheet only remembers; `painting` makes a PNG of it, and `svg` an SVG.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from labkit.show.figure import DPI
from labkit.show.map.lettering import fit, width

Point = tuple[float, float]

#: By kind of box or line: a higher level is drawn over a lower one.
_LEVELS = {
    "internet": 0, "VPC": 0, "subnet": 1, "internet road": 2, "street": 2, "cable": 2.5, "dead cable": 2.5,
    "there": 4, "back": 4, "card": 5, "gateway": 5, "callout": 6,
    "chip there": 9, "chip back": 9, "chip lost": 9,
}  # fmt: skip
_CORNERS = {"internet": 12, "VPC": 12, "subnet": 8, "chip there": 8, "chip back": 8, "chip lost": 8}


@dataclass(frozen=True, slots=True)
class Box:
    """A box with round corners.

    Attributes:
        kind: What it stands for; a key of `_LEVELS`.
        x: Its left edge.
        y: Its upper edge.
        wide: Its width.
        high: Its height.
        steps: The steps of a packet's path whose number stands in it, such as `there-3`.
    """

    kind: str
    x: float
    y: float
    wide: float
    high: float
    steps: tuple[str, ...] = ()

    @property
    def corner(self) -> float:
        return _CORNERS.get(self.kind, 5)


@dataclass(frozen=True, slots=True)
class Text:
    """A line of text.

    Attributes:
        words: The text.
        x: Its left edge, or its middle where `centered`.
        y: The middle of its capitals' height.
        size: Its size in points.
        bold: Whether it is bold.
        role: Its ink: `plain`, `quiet`, `alarm`, `internet` or `white`.
        centered: Whether `x` is its middle.
    """

    words: str
    x: float
    y: float
    size: float
    bold: bool
    role: str
    centered: bool

    @property
    def wide(self) -> float:
        return width(self.words, self.size, self.bold)

    @property
    def left(self) -> float:
        return self.x - self.wide / 2 if self.centered else self.x

    @property
    def baseline(self) -> float:
        """Where its letters stand: capitals are 0.72 of the font's size high."""
        return self.y + 0.36 * self.size * DPI / 72


@dataclass(frozen=True, slots=True)
class Line:
    """A line with rounded corners.

    Attributes:
        kind: A road, a cable, or a packet's leg `there` or `back`; a key of `_LEVELS`.
        points: Where it begins, its corners, and where it ends.
    """

    kind: str
    points: tuple[Point, ...]

    def rounded(self) -> list[tuple[Point, Point, Point]]:
        """Return its corners, each as the points where the curve begins, has its corner, and ends."""
        corners = zip(self.points, self.points[1:], self.points[2:], strict=False)
        return [(_towards(corner, before), corner, _towards(corner, after)) for before, corner, after in corners]


Mark = Box | Text | Line


class Sheet:
    """What has been drawn so far.

    Attributes:
        marks: The boxes, texts and lines.
        points: The places on the map by name.
        leads_to: By the name of a place, the places that a road from it leads to.
        size: Width and height.
    """

    def __init__(self) -> None:
        self.marks: list[Mark] = []
        self.points: dict[str, Point] = {}
        self.leads_to: dict[str, list[str]] = {}
        self.size = (1.0, 1.0)

    def in_order(self) -> list[Mark]:
        """Return the marks, the lowest first, and texts last."""
        return sorted(self.marks, key=lambda mark: 10 if isinstance(mark, Text) else _LEVELS[mark.kind])

    def box(self, kind: str, x: float, y: float, wide: float, high: float, steps: tuple[str, ...] = ()) -> None:
        """Draw a box; the arguments are those of `Box`."""
        self.marks.append(Box(kind, x, y, wide, high, steps))

    def say(
        self, words: str, x: float, y: float, room: float, size: float = 9, bold: bool = False, role: str = "plain",
        centered: bool = False,
    ) -> None:  # fmt: skip
        """Write a line of text, cut to `room` pixels; the other arguments are those of `Text`."""
        self.marks.append(Text(fit(words, room, size, bold), x, y, size, bold, role, centered))

    def road(self, kind: str, *names: str, one_way: bool = False) -> None:
        """Draw a road through named places; packets can go from each to the next and, unless `one_way`, back."""
        self.line(kind, [self.points[name] for name in names])
        for here, there in pairwise(names):
            self.leads_to.setdefault(here, []).append(there)
            if not one_way:
                self.leads_to.setdefault(there, []).append(here)

    def line(self, kind: str, points: Sequence[Point]) -> None:
        """Draw a line along points."""
        self.marks.append(Line(kind, tuple(points)))


def _towards(corner: Point, end: Point, radius: float = 7) -> Point:
    """Return the point on the way from a corner to `end` where the corner's curve begins."""
    length = abs(end[0] - corner[0]) + abs(end[1] - corner[1])
    share = min(radius / length, 0.5) if length else 0
    return corner[0] + (end[0] - corner[0]) * share, corner[1] + (end[1] - corner[1]) * share
