"""What a map is made of, in pixels, x to the right and y downwards: boxes, words, roads, and how the roads join.

It knows nothing of matplotlib's figures: an interactive map can be made of it as well.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import pairwise

from labkit.show.text import fit
from labkit.show.way import Point, Roads


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle; `component` is the id of what it stands for, `kind` what that is."""

    component: str
    kind: str
    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True, slots=True)
class Words:
    """One line of text; `x` is its left edge, or its middle where `centered`; `y` is the middle of its height."""

    text: str
    x: float
    y: float
    size: float = 9
    bold: bool = False
    role: str = "plain"
    centered: bool = False


@dataclass(frozen=True, slots=True)
class Road:
    """A road to draw: `kind` is `street` inside a VPC, else `internet`, `gateway` or `peering`.

    `is_open` says whether it carries traffic.
    """

    kind: str
    points: tuple[Point, ...]
    is_open: bool = True


@dataclass(frozen=True, slots=True)
class Callout:
    """Why a packet stopped, to be said beside the place where it did."""

    place: str
    vpc: str | None
    headline: str
    code: str | None
    sentence: str


@dataclass(slots=True)
class Layout:
    """A map: its size, what to draw, and the named points from which roads lead to others."""

    width: float = 0.0
    height: float = 0.0
    boxes: list[Box] = field(default_factory=list)
    words: list[Words] = field(default_factory=list)
    streets: list[Road] = field(default_factory=list)
    points: dict[str, Point] = field(default_factory=dict)
    leads_to: dict[str, list[str]] = field(default_factory=dict)

    @property
    def roads(self) -> Roads:
        return Roads(self.points, self.leads_to)

    def join(self, *names: str) -> None:
        """Let a road lead from each of the named points to the next, and back."""
        for here, there in pairwise(names):
            self.lead(here, there)
            self.lead(there, here)

    def lead(self, here: str, there: str) -> None:
        """Let a road lead one way."""
        self.leads_to.setdefault(here, []).append(there)

    def street(self, kind: str, *points: Point, is_open: bool = True) -> None:
        self.streets.append(Road(kind, points, is_open))

    def say(
        self, text: str, x: float, y: float, room: float, size: float = 9, bold: bool = False, role: str = "plain",
        centered: bool = False,
    ) -> None:  # fmt: skip
        """Write a line of text, cut to `room` pixels."""
        self.words.append(Words(fit(text, room, size, bold), x, y, size, bold, role, centered))
