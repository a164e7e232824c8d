"""Paint a sheet as PNG, for committed notebooks, pages and slides. `Drawing.png` calls it.

It uses matplotlib's renderer directly: a figure with artists gives the same bytes in twice the time.
"""

from __future__ import annotations

import io
from typing import Any

from matplotlib.backends.backend_agg import RendererAgg
from matplotlib.colors import to_rgba
from matplotlib.image import imsave
from matplotlib.patches import BoxStyle
from matplotlib.path import Path as Curve
from matplotlib.transforms import Affine2D

from labkit.show.figure import BLUE, DPI, GREEN, METADATA, VERMILION
from labkit.show.map.lettering import font
from labkit.show.map.sheet import Box, Line, Sheet, Text

_QUIET, _WATER = "#52606D", "#0B6FA4"
#: By kind of box: its fill, the color of its edge and the edge's width in points.
_BOXES = {
    "internet": ("#E3F2FB", _WATER, 1.2),
    "VPC": ("#FFFFFF", _QUIET, 1.6),
    "subnet": ("#F5F7FA", "#9AA5B1", 1.0),
    "card": ("#FFFFFF", _QUIET, 1.2),
    "gateway": ("#E3F2FB", _WATER, 1.2),
    "callout": ("#FFF4EC", VERMILION, 1.4),
    "chip there": (BLUE, BLUE, 1.8),
    "chip back": ("white", GREEN, 1.8),
    "chip lost": ("white", VERMILION, 1.8),
}
#: By kind of line: its color, its width in points and its dashes, in widths. Streets are broad, cables between VPCs and
#: to the internet thin; a cable that carries no traffic is dashed.
_LINES: dict[str, tuple[str, float, tuple[float, ...]]] = {
    "internet road": ("#C3E1F3", 10, ()),
    "street": ("#E1E7ED", 10, ()),
    "cable": (_QUIET, 1.6, ()),
    "dead cable": (_QUIET, 1.6, (4, 3)),
    "there": (BLUE, 3.4, ()),
    "back": (GREEN, 3.4, (3.2, 1.4)),
}
_INKS = {"plain": "#1F2933", "quiet": _QUIET, "alarm": "#A84300", "internet": "#0B4F75", "white": "white"}


def png(sheet: Sheet) -> bytes:
    """Paint a sheet, one pixel for each 0.01 inch. Call it within `steady_style`.

    Returns:
        The picture as PNG, the same bytes each time.
    """
    wide, high = (side + 1e-6 for side in sheet.size)  # rounding a float down must not lose a pixel
    pen = _Pen(wide, high)
    for mark in sheet.in_order():
        if isinstance(mark, Box):
            pen.box(mark)
        elif isinstance(mark, Text):
            pen.text(mark)
        else:
            pen.line(mark)
    buffer = io.BytesIO()
    imsave(buffer, pen.pixels(), format="png", origin="upper", dpi=DPI, metadata=METADATA)
    return buffer.getvalue()


class _Pen:
    """Draws marks on white pixels."""

    def __init__(self, wide: float, high: float) -> None:
        self._renderer: Any = RendererAgg(wide, high, DPI)  # type: ignore[no-untyped-call]
        self._upright = Affine2D().scale(1, -1).translate(0, high)  # matplotlib's y axis points up
        self._draw(Curve.unit_rectangle(), Affine2D().scale(wide, high), "white", 0, "white")

    def pixels(self) -> Any:
        return self._renderer.buffer_rgba()

    def box(self, box: Box) -> None:
        fill, edge, width = _BOXES[box.kind]
        outline = BoxStyle.Round(pad=0, rounding_size=box.corner)(box.x, box.y, box.wide, box.high, 1)
        self._draw(outline, self._upright, edge, width, fill)

    def text(self, text: Text) -> None:
        context = self._renderer.new_gc()
        context.set_foreground(to_rgba(_INKS[text.role]), isRGBA=True)
        self._renderer.draw_text(context, text.left, text.baseline, text.words, font(text.size, text.bold), 0)

    def line(self, line: Line) -> None:
        vertices, codes = [line.points[0]], [Curve.MOVETO]
        for corner in line.rounded():
            vertices += corner
            codes += [Curve.LINETO, Curve.CURVE3, Curve.CURVE3]
        curve = Curve([*vertices, line.points[-1]], [*codes, Curve.LINETO])
        color, width, dashes = _LINES[line.kind]
        self._draw(curve, self._upright, color, width, dashes=dashes)

    def _draw(
        self, path: Curve, transform: Affine2D, color: str, width: float, fill: str | None = None,
        dashes: tuple[float, ...] = (),
    ) -> None:  # fmt: skip
        context = self._renderer.new_gc()
        context.set_foreground(to_rgba(color), isRGBA=True)
        context.set_linewidth(width)
        context.set_joinstyle("miter" if fill else "round")
        context.set_capstyle("butt" if fill else "round")
        if dashes:
            context.set_dashes(0, [length * width for length in dashes])
        self._renderer.draw_path(context, path, transform, to_rgba(fill) if fill else None)
