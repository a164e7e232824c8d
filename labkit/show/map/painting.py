"""A sheet as a picture, for where one is kept: committed notebooks, pages, slides.

`png` draws with matplotlib's renderer alone, in half the time of `paint`'s figure, and gives the same bytes.
"""

from __future__ import annotations

import io
from typing import Any

from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import RendererAgg
from matplotlib.colors import to_rgba
from matplotlib.figure import Figure
from matplotlib.image import imsave
from matplotlib.patches import BoxStyle, FancyBboxPatch, PathPatch
from matplotlib.path import Path as Curve
from matplotlib.transforms import Affine2D

from labkit.show.figure import BLUE, DPI, GREEN, VERMILION, blank_figure
from labkit.show.map.lettering import font
from labkit.show.map.sheet import Box, Line, Sheet, Words

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
    axes.text(
        words.x, _baseline(words), words.text, color=_INKS[words.role], zorder=words.level,
        fontproperties=font(words.size, words.bold), ha="center" if words.centered else "left", va="baseline",
        parse_math=False,
    )  # fmt: skip


def _line(axes: Axes, line: Line) -> None:
    style = {"fill": False, "capstyle": "round", "joinstyle": "round", "zorder": line.level}
    axes.add_artist(PathPatch(_curve(line), **style, **_LINES[line.kind]))


def _baseline(words: Words) -> float:
    # The middle of a line's height is that of its capitals, whatever letters it has.
    return words.y + 0.36 * words.size * DPI / 72


def _curve(line: Line) -> Curve:
    vertices, codes = [line.points[0]], [Curve.MOVETO]
    for corner in line.rounded():
        vertices += corner
        codes += [Curve.LINETO, Curve.CURVE3, Curve.CURVE3]
    return Curve([*vertices, line.points[-1]], [*codes, Curve.LINETO])


def png(sheet: Sheet) -> bytes:
    """The picture as PNG, one pixel a 0.01 inch, the same bytes each time; a `steady_style` must be in force."""
    wide, high = (side + 1e-6 for side in sheet.size)  # a pixel must not be lost to the last digit of a float
    pen = _Pen(wide, high)
    for mark in sheet.in_order():
        if isinstance(mark, Box):
            pen.box(mark)
        elif isinstance(mark, Words):
            pen.words(mark)
        else:
            pen.line(mark)
    buffer = io.BytesIO()
    # The metadata would else name the version of matplotlib.
    metadata: dict[str, Any] = {"Software": None}
    imsave(buffer, pen.pixels(), format="png", origin="upper", dpi=DPI, metadata=metadata)
    return buffer.getvalue()


class _Pen:
    """Draws on white pixels what the artists of a figure would draw."""

    def __init__(self, wide: float, high: float) -> None:
        self._renderer: Any = RendererAgg(wide, high, DPI)  # type: ignore[no-untyped-call]
        self._upright = Affine2D().scale(1, -1).translate(0, high)  # matplotlib's y goes upwards
        self._draw(Curve.unit_rectangle(), Affine2D().scale(wide, high), "white", 0, "white")

    def pixels(self) -> Any:
        return self._renderer.buffer_rgba()

    def box(self, box: Box) -> None:
        style = _BOXES[box.kind]
        outline = BoxStyle.Round(pad=0, rounding_size=box.corner)(box.x, box.y, box.wide, box.high, 1)
        self._draw(outline, self._upright, style["edgecolor"], style["linewidth"], style["facecolor"])

    def words(self, words: Words) -> None:
        context = self._renderer.new_gc()
        context.set_foreground(to_rgba(_INKS[words.role]), isRGBA=True)
        left = words.x - words.wide / 2 if words.centered else words.x
        self._renderer.draw_text(context, left, _baseline(words), words.text, font(words.size, words.bold), 0)

    def line(self, line: Line) -> None:
        style = _LINES[line.kind]
        self._draw(_curve(line), self._upright, style["color"], style["linewidth"], None, style.get("linestyle"))

    def _draw(
        self, path: Curve, transform: Affine2D, color: str, width: float, fill: str | None = None, dashes: Any = None
    ) -> None:
        context = self._renderer.new_gc()
        context.set_foreground(to_rgba(color), isRGBA=True)
        context.set_linewidth(width)
        context.set_joinstyle("miter" if fill else "round")
        context.set_capstyle("butt" if fill else "round")
        if dashes:
            offset, pattern = dashes
            context.set_dashes(offset * width, [length * width for length in pattern])
        self._renderer.draw_path(context, path, transform, to_rgba(fill) if fill else None)
