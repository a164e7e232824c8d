"""Write a sheet as SVG: crisp at any size, in the colors of the page's light or dark theme. The widgets show it."""

from __future__ import annotations

from collections.abc import Iterator
from hashlib import sha256
from html import escape
from pathlib import Path

from labkit.show.figure import BLUE, DPI, FONT, GREEN, VERMILION
from labkit.show.map.sheet import Box, Line, Mark, Sheet, Text

_STYLE = Path(__file__).with_name("map.css").read_text(encoding="utf-8")
_COLORS = f"--blue:{BLUE};--green:{GREEN};--vermilion:{VERMILION};--font:'{FONT}'"

#: Pixels of a sheet that are as wide as the letter m of the page: a map grows with the page's font.
_PER_EM = 14


def svg(sheet: Sheet, title: str, description: str, step: str | None = None) -> str:
    """Write a sheet as one `<svg>` element, for a page or a file.

    Args:
        sheet: What is drawn.
        title: What is read out first in place of the picture.
        description: What is read out after the title.
        step: The step of a packet's path to draw a ring around, such as `there-3`.

    Returns:
        The element; the same sheet gives the same text.
    """
    marks = "\n".join(line for mark in sheet.in_order() for line in _mark(mark, step))
    wide, high = sheet.size
    # Two pictures on a page must not share an id, unless they say and show the same.
    id = "map-" + sha256(f"{title}{description}{marks}".encode()).hexdigest()[:12]
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" class="labkit-map" role="img" viewBox="0 0 {_n(wide)} {_n(high)}"'
        f' style="width:{_n(width_in_em(sheet))}em;{_COLORS}"'
        f' aria-labelledby="{id}-title" aria-describedby="{id}-text">\n'
        f'<title id="{id}-title">{escape(title)}</title>\n<desc id="{id}-text">{escape(description)}</desc>\n'
        f"<style>{_STYLE}</style>\n{marks}\n</svg>"
    )


def width_in_em(sheet: Sheet) -> float:
    """Return how wide a sheet is by nature, in widths of the page's letter m."""
    return sheet.size[0] / _PER_EM


def _mark(mark: Mark, step: str | None) -> Iterator[str]:
    if isinstance(mark, Text):
        yield _text(mark)
    elif isinstance(mark, Line):
        yield f'<path class="{_class(mark.kind)}" d="{_curve(mark)}"/>'
    else:
        if step is not None and step in mark.steps:
            yield _rect("halo", mark, 3)  # not wider: the other leg's number is beside it
        yield _rect(_class(mark.kind), mark)


def _class(kind: str) -> str:
    """
    >>> _class("dead cable"), _class("chip lost")
    ('dead-cable', 'chip chip-lost')
    """
    name = kind.lower().replace(" ", "-")
    return f"chip {name}" if kind.startswith("chip ") else name


def _rect(name: str, box: Box, more: float = 0) -> str:
    x, y, wide, high = box.x - more, box.y - more, box.wide + 2 * more, box.high + 2 * more
    steps = f' data-steps="{" ".join(box.steps)}"' if box.steps else ""
    return (
        f'<rect class="{name}"{steps} x="{_n(x)}" y="{_n(y)}" width="{_n(wide)}" height="{_n(high)}"'
        f' rx="{_n(box.corner + more)}"/>'
    )


def _text(text: Text) -> str:
    kind = text.role + (" bold" if text.bold else "") + (" middle" if text.centered else "")
    # With its length given, a text also keeps its place in the font of a system that lacks ours.
    return (
        f'<text class="{kind}" x="{_n(text.x)}" y="{_n(text.baseline)}" font-size="{_n(text.size * DPI / 72)}"'
        f' textLength="{_n(text.wide)}" lengthAdjust="spacingAndGlyphs">{escape(text.words)}</text>'
    )


def _curve(line: Line) -> str:
    parts = [f"M{_point(line.points[0])}"]
    parts += [f"L{_point(start)}Q{_point(corner)} {_point(end)}" for start, corner, end in line.rounded()]
    return "".join([*parts, f"L{_point(line.points[-1])}"])


def _point(point: tuple[float, float]) -> str:
    return f"{_n(point[0])},{_n(point[1])}"


def _n(number: float) -> str:
    """
    >>> _n(12.0), _n(7.256)
    ('12', '7.26')
    """
    return f"{number:.2f}".rstrip("0").rstrip(".")
