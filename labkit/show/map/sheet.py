"""The sheet that a map is drawn on: what stands where, in pixels, x to the right and y downwards.

It only remembers; `painting` makes a matplotlib figure of it, and `svg` an SVG.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from labkit.show.map.lettering import fit, width

Point = tuple[float, float]

#: What lies above what, by kind of box or line.
_LEVELS = {
    "internet": 0, "VPC": 0, "subnet": 1, "internet road": 2, "street": 2, "cable": 2.5, "dead cable": 2.5,
    "there": 4, "back": 4, "card": 5, "gateway": 5, "callout": 6,
    "chip there": 9, "chip back": 9, "chip lost": 9,
}  # fmt: skip
_CORNERS = {"internet": 12, "VPC": 12, "subnet": 8, "chip there": 8, "chip back": 8, "chip lost": 8}


@dataclass(frozen=True, slots=True)
class Box:
    """A box with round corners. `steps` are those of a packet's way whose number stands in it, such as `there-3`."""

    kind: str
    x: float
    y: float
    wide: float
    high: float
    steps: tuple[str, ...] = ()

    @property
    def level(self) -> float:
        return _LEVELS[self.kind]

    @property
    def corner(self) -> float:
        return _CORNERS.get(self.kind, 5)


@dataclass(frozen=True, slots=True)
class Words:
    """A line of text. `x` is its left edge, or its middle where `centered`; `y` is the middle of its capitals' height;
    `size` is in points, `wide` in pixels.
    """

    text: str
    x: float
    y: float
    size: float
    bold: bool
    role: str
    centered: bool
    level: float

    @property
    def wide(self) -> float:
        return width(self.text, self.size, self.bold)


@dataclass(frozen=True, slots=True)
class Line:
    """A line along `points` with rounded corners: a road, a cable, or a packet's way `there` or `back`."""

    kind: str
    points: tuple[Point, ...]

    @property
    def level(self) -> float:
        return _LEVELS[self.kind]

    def rounded(self) -> list[tuple[Point, Point, Point]]:
        """Its corners, each as the points where the curve begins, would have its corner, and ends."""
        corners = zip(self.points, self.points[1:], self.points[2:], strict=False)
        return [(_towards(corner, before), corner, _towards(corner, after)) for before, corner, after in corners]


Mark = Box | Words | Line


class Sheet:
    """What is drawn so far (`marks`); on it, `points` by name, and from each those that a road leads to."""

    def __init__(self) -> None:
        self.marks: list[Mark] = []
        self.points: dict[str, Point] = {}
        self.leads_to: dict[str, list[str]] = {}
        self.size = (1.0, 1.0)

    def in_order(self) -> list[Mark]:
        """The marks, the lowest first."""
        return sorted(self.marks, key=lambda mark: mark.level)

    def box(self, kind: str, x: float, y: float, wide: float, high: float, steps: tuple[str, ...] = ()) -> None:
        self.marks.append(Box(kind, x, y, wide, high, steps))

    def say(
        self, text: str, x: float, y: float, room: float, size: float = 9, bold: bool = False, role: str = "plain",
        centered: bool = False, level: float = 8,
    ) -> None:  # fmt: skip
        """Write a line of text, cut to `room` pixels.

        Parameters: `x` is its left edge, or its middle where `centered`; `y` is the middle of its height.
        """
        self.marks.append(Words(fit(text, room, size, bold), x, y, size, bold, role, centered, level))

    def road(self, kind: str, *names: str, one_way: bool = False) -> None:
        """Draw a road through the named points, on which packets can go from each to the next, and back."""
        self.line(kind, [self.points[name] for name in names])
        for here, there in pairwise(names):
            self.leads_to.setdefault(here, []).append(there)
            if not one_way:
                self.leads_to.setdefault(there, []).append(here)

    def line(self, kind: str, points: Sequence[Point]) -> None:
        self.marks.append(Line(kind, tuple(points)))


def _towards(corner: Point, end: Point, radius: float = 7) -> Point:
    length = abs(end[0] - corner[0]) + abs(end[1] - corner[1])
    share = min(radius / length, 0.5) if length else 0
    return corner[0] + (end[0] - corner[0]) * share, corner[1] + (end[1] - corner[1]) * share
