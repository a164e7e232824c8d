"""The sheet that a map is drawn on, in pixels, x to the right and y downwards: boxes, words, and the roads between."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache
from itertools import pairwise
from typing import Any

from matplotlib.backends.backend_agg import RendererAgg
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties
from matplotlib.patches import FancyBboxPatch, PathPatch
from matplotlib.path import Path as Curve

from labkit.show.figure import DPI, FONT, VERMILION, blank_figure

Point = tuple[float, float]

_QUIET, _WATER = "#52606D", "#0B6FA4"
_BOXES: dict[str, dict[str, Any]] = {
    "internet": {"facecolor": "#E3F2FB", "edgecolor": _WATER, "linewidth": 1.2, "zorder": 0},
    "VPC": {"facecolor": "#FFFFFF", "edgecolor": _QUIET, "linewidth": 1.6, "zorder": 0},
    "subnet": {"facecolor": "#F5F7FA", "edgecolor": "#9AA5B1", "linewidth": 1.0, "zorder": 1},
    "card": {"facecolor": "#FFFFFF", "edgecolor": _QUIET, "linewidth": 1.2, "zorder": 5},
    "gateway": {"facecolor": "#E3F2FB", "edgecolor": _WATER, "linewidth": 1.2, "zorder": 5},
    "callout": {"facecolor": "#FFF4EC", "edgecolor": VERMILION, "linewidth": 1.4, "zorder": 6},
    "chip": {"linewidth": 1.8, "zorder": 9},
}
_CORNERS = {"internet": 12, "VPC": 12, "subnet": 8, "chip": 8}
#: Streets are broad, cables between VPCs and to the internet thin; a cable that carries no traffic is dashed.
_ROADS: dict[str, dict[str, Any]] = {
    "internet": {"color": "#C3E1F3", "linewidth": 10, "zorder": 2},
    "street": {"color": "#E1E7ED", "linewidth": 10, "zorder": 2},
    "cable": {"color": _QUIET, "linewidth": 1.6, "zorder": 2.5},
    "dead cable": {"color": _QUIET, "linewidth": 1.6, "zorder": 2.5, "linestyle": (0, (4, 3))},
}
_INKS = {"plain": "#1F2933", "quiet": _QUIET, "alarm": "#A84300", "internet": "#0B4F75", "white": "white"}


class Sheet:
    """What is drawn so far: on it, `points` by name, and from each those that a road leads to."""

    def __init__(self) -> None:
        self.points: dict[str, Point] = {}
        self.leads_to: dict[str, list[str]] = {}
        self._figure = blank_figure(1, 1)
        self._axes = self._figure.add_axes((0, 0, 1, 1))
        self._axes.set_axis_off()

    def figure(self, wide: float, high: float) -> Figure:
        """The drawing, cut to this size."""
        self._axes.set(xlim=(0, wide), ylim=(high, 0))
        self._figure.set_size_inches(wide / DPI, high / DPI)
        return self._figure

    def box(self, kind: str, x: float, y: float, wide: float, high: float, **style: Any) -> None:
        shape = f"round,pad=0,rounding_size={_CORNERS.get(kind, 5)}"
        self._axes.add_patch(
            FancyBboxPatch((x, y), wide, high, boxstyle=shape, mutation_aspect=1, **_BOXES[kind], **style)
        )

    def say(
        self, text: str, x: float, y: float, room: float, size: float = 9, bold: bool = False, role: str = "plain",
        centered: bool = False, zorder: float = 8,
    ) -> None:  # fmt: skip
        """Write a line of text, cut to `room` pixels.

        Parameters: `x` is its left edge, or its middle where `centered`; `y` is the middle of its height.
        """
        # The middle of a line's height is that of its capitals, whatever letters it has: hence the baseline.
        self._axes.text(
            x, y + 0.36 * size * DPI / 72, fit(text, room, size, bold), color=_INKS[role], zorder=zorder,
            fontproperties=_font(size, bold), ha="center" if centered else "left", va="baseline", parse_math=False,
        )  # fmt: skip

    def road(self, kind: str, *names: str, one_way: bool = False) -> None:
        """Draw a road through the named points, on which packets can go from each to the next, and back."""
        self.line([self.points[name] for name in names], **_ROADS[kind])
        for here, there in pairwise(names):
            self.leads_to.setdefault(here, []).append(there)
            if not one_way:
                self.leads_to.setdefault(there, []).append(here)

    def line(self, points: Sequence[Point], **style: Any) -> None:
        """A line with rounded corners."""
        vertices, codes = [points[0]], [Curve.MOVETO]
        for before, corner, after in zip(points, points[1:], points[2:], strict=False):
            vertices += [_towards(corner, before), corner, _towards(corner, after)]
            codes += [Curve.LINETO, Curve.CURVE3, Curve.CURVE3]
        vertices.append(points[-1])
        codes.append(Curve.LINETO)
        self._axes.add_patch(
            PathPatch(Curve(vertices, codes), fill=False, capstyle="round", joinstyle="round", **style)
        )


def _towards(corner: Point, end: Point, radius: float = 7) -> Point:
    length = abs(end[0] - corner[0]) + abs(end[1] - corner[1])
    share = min(radius / length, 0.5) if length else 0
    return corner[0] + (end[0] - corner[0]) * share, corner[1] + (end[1] - corner[1]) * share


@lru_cache(maxsize=4096)
def width(text: str, size: float = 9, bold: bool = False) -> float:
    """The width of a text in pixels, at a font size in points."""
    return float(_renderer().get_text_width_height_descent(text, _font(size, bold), False)[0])  # type: ignore[no-untyped-call]


@lru_cache(maxsize=16)
def _font(size: float, bold: bool) -> FontProperties:
    return FontProperties(family=FONT, size=size, weight="bold" if bold else "normal")


@lru_cache(maxsize=1)
def _renderer() -> RendererAgg:
    return RendererAgg(16, 16, DPI)  # type: ignore[no-untyped-call]


def fit(text: str, room: float, size: float = 9, bold: bool = False) -> str:
    """The text, cut to `room` pixels with an ellipsis where it is longer."""
    if width(text, size, bold) <= room:
        return text
    while text and width(text + "…", size, bold) > room:
        text = text[:-1]
    return text.rstrip() + "…"


def wrap(text: str, room: float, size: float = 9, bold: bool = False) -> list[str]:
    """The text in lines of at most `room` pixels, broken at spaces and after underscores and colons."""
    lines, line = [], ""
    for word in re.findall(r"[^\s_:]*(?:[_:]|\s+|$)", text):
        if line and width((line + word).rstrip(), size, bold) > room:
            lines.append(line.rstrip())
            line = ""
        line += word
    return [fit(line, room, size, bold) for line in [*lines, line.rstrip()] if line]
