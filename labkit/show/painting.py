"""A sheet as a matplotlib figure, for where a picture is kept: committed notebooks, pages, slides."""

from __future__ import annotations

from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import FancyBboxPatch, PathPatch
from matplotlib.path import Path as Curve

from labkit.show.figure import BLUE, DPI, GREEN, VERMILION, blank_figure
from labkit.show.lettering import font
from labkit.show.sheet import Box, Line, Sheet, Words

_QUIET, _WATER = "#52606D", "#0B6FA4"
_BOXES: dict[str, dict[str, Any]] = {
    "internet": {"facecolor": "#E3F2FB", "edgecolor": _WATER, "linewidth": 1.2},
    "VPC": {"facecolor": "#FFFFFF", "edgecolor": _QUIET, "linewidth": 1.6},
    "subnet": {"facecolor": "#F5F7FA", "edgecolor": "#9AA5B1", "linewidth": 1.0},
    "card": {"facecolor": "#FFFFFF", "edgecolor": _QUIET, "linewidth": 1.2},
    "gateway": {"facecolor": "#E3F2FB", "edgecolor": _WATER, "linewidth": 1.2},
    "callout": {"facecolor": "#FFF4EC", "edgecolor": VERMILION, "linewidth": 1.4},
    "chip there": {"facecolor": BLUE, "edgecolor": BLUE, "linewidth": 1.8},
    "chip back": {"facecolor": "white", "edgecolor": GREEN, "linewidth": 1.8},
    "chip lost": {"facecolor": "white", "edgecolor": VERMILION, "linewidth": 1.8},
}
#: Streets are broad, cables between VPCs and to the internet thin; a cable that carries no traffic is dashed.
_LINES: dict[str, dict[str, Any]] = {
    "internet road": {"color": "#C3E1F3", "linewidth": 10},
    "street": {"color": "#E1E7ED", "linewidth": 10},
    "cable": {"color": _QUIET, "linewidth": 1.6},
    "dead cable": {"color": _QUIET, "linewidth": 1.6, "linestyle": (0, (4, 3))},
    "there": {"color": BLUE, "linewidth": 3.4},
    "back": {"color": GREEN, "linewidth": 3.4, "linestyle": (0, (3.2, 1.4))},
}
_INKS = {"plain": "#1F2933", "quiet": _QUIET, "alarm": "#A84300", "internet": "#0B4F75", "white": "white"}


def paint(sheet: Sheet) -> Figure:
    """The figure, one pixel a 0.01 inch; a `steady_style` must be in force."""
    wide, high = sheet.size
    figure = blank_figure(wide / DPI, high / DPI)
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set_axis_off()
    axes.set(xlim=(0, wide), ylim=(high, 0))
    for mark in sheet.marks:
        if isinstance(mark, Box):
            _box(axes, mark)
        elif isinstance(mark, Words):
            _words(axes, mark)
        else:
            _line(axes, mark)
    return figure


def _box(axes: Axes, box: Box) -> None:
    shape = f"round,pad=0,rounding_size={box.corner}"
    patch = FancyBboxPatch(
        (box.x, box.y), box.wide, box.high, boxstyle=shape, mutation_aspect=1, zorder=box.level, **_BOXES[box.kind]
    )
    axes.add_artist(patch)


def _words(axes: Axes, words: Words) -> None:
    # The middle of a line's height is that of its capitals, whatever letters it has: hence the baseline.
    axes.text(
        words.x, words.y + 0.36 * words.size * DPI / 72, words.text, color=_INKS[words.role], zorder=words.level,
        fontproperties=font(words.size, words.bold), ha="center" if words.centered else "left", va="baseline",
        parse_math=False,
    )  # fmt: skip


def _line(axes: Axes, line: Line) -> None:
    vertices, codes = [line.points[0]], [Curve.MOVETO]
    for corner in line.rounded():
        vertices += corner
        codes += [Curve.LINETO, Curve.CURVE3, Curve.CURVE3]
    curve = Curve([*vertices, line.points[-1]], [*codes, Curve.LINETO])
    style = {"fill": False, "capstyle": "round", "joinstyle": "round", "zorder": line.level}
    axes.add_artist(PathPatch(curve, **style, **_LINES[line.kind]))
