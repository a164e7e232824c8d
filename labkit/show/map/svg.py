"""A sheet as SVG, for where somebody looks: crisp at any size, in the colours of the page's light or dark theme."""

from __future__ import annotations

from collections.abc import Iterator
from hashlib import sha256
from html import escape

from labkit.show.figure import BLUE, DPI, FONT, GREEN, VERMILION
from labkit.show.map.sheet import Box, Line, Sheet, Words

#: The page's own colours where it is JupyterLab, and light ones elsewhere; the rest is mixed from them, so that what is
#: readable in a light theme is in a dark one. https://jupyterlab.readthedocs.io/en/stable/developer/css.html
_STYLE = f"""\
.labkit-map {{
  --ink: var(--jp-ui-font-color1, #1f2933); --ground: var(--jp-layout-color1, #fff);
  --quiet: color-mix(in srgb, var(--ink) 72%, var(--ground));
  --thin: color-mix(in srgb, var(--ink) 45%, var(--ground));
  --street: color-mix(in srgb, var(--ink) 14%, var(--ground));
  --field: color-mix(in srgb, var(--ink) 5%, var(--ground));
  --water: color-mix(in srgb, {BLUE} 14%, var(--ground)); --shore: color-mix(in srgb, {BLUE} 75%, var(--ink));
  --there: color-mix(in srgb, {BLUE} 85%, var(--ink)); --back: color-mix(in srgb, {GREEN} 85%, var(--ink));
  --lost: {VERMILION}; --alarm: color-mix(in srgb, {VERMILION} 62%, var(--ink));
  --warm: color-mix(in srgb, {VERMILION} 9%, var(--ground));
  font-family: "{FONT}", Verdana, sans-serif; max-width: 100%; height: auto; background: var(--ground);
}}
.labkit-map text {{ fill: var(--ink); }}
.labkit-map .bold {{ font-weight: bold; }}
.labkit-map text.middle {{ text-anchor: middle; }}
.labkit-map text.quiet {{ fill: var(--quiet); }}
.labkit-map text.alarm {{ fill: var(--alarm); }}
.labkit-map text.internet {{ fill: var(--shore); }}
.labkit-map text.white {{ fill: #fff; }}
.labkit-map rect {{ fill: var(--ground); stroke: var(--quiet); stroke-width: 1.5; }}
.labkit-map .vpc {{ stroke-width: 2.2; }}
.labkit-map .subnet {{ fill: var(--field); stroke: var(--thin); }}
.labkit-map rect.internet, .labkit-map .gateway {{ fill: var(--water); stroke: var(--shore); }}
.labkit-map .callout {{ fill: var(--warm); stroke: var(--lost); stroke-width: 2; }}
.labkit-map .chip {{ stroke-width: 2.4; }}
.labkit-map .chip-there {{ fill: {BLUE}; stroke: var(--there); }}
.labkit-map .chip-back {{ stroke: var(--back); }}
.labkit-map .chip-lost {{ stroke: var(--lost); }}
.labkit-map .halo {{ fill: none; stroke: var(--ink); stroke-width: 2.6; }}
.labkit-map path {{ fill: none; stroke-linecap: round; stroke-linejoin: round; }}
.labkit-map .street {{ stroke: var(--street); stroke-width: 14; }}
.labkit-map .internet-road {{ stroke: color-mix(in srgb, {BLUE} 28%, var(--ground)); stroke-width: 14; }}
.labkit-map .cable, .labkit-map .dead-cable {{ stroke: var(--quiet); stroke-width: 2.2; }}
.labkit-map .dead-cable {{ stroke-dasharray: 9 7; }}
.labkit-map .there, .labkit-map .back {{ stroke: var(--there); stroke-width: 4.7; }}
.labkit-map .back {{ stroke: var(--back); stroke-linecap: butt; stroke-dasharray: 15 7; }}"""

#: Pixels of a sheet that are as wide as the letter m of the page: a map grows with the page's font.
_PER_EM = 14


def svg(sheet: Sheet, title: str, description: str, step: str | None = None) -> str:
    """The sheet as one `<svg>` element, which may stand in a page or in a file of its own.

    Parameters: `title` and `description` are what is read out in its place; `step` (`there-3`) is the step of a
    packet's way to be ringed. The same sheet gives the same text.
    """
    marks = "\n".join(line for mark in sheet.in_order() for line in _mark(mark, step))
    wide, high = sheet.size
    # Two pictures on a page must not share an id; two that say and show the same may.
    id = "map-" + sha256(f"{title}{description}{marks}".encode()).hexdigest()[:12]
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" class="labkit-map" role="img" viewBox="0 0 {_n(wide)} {_n(high)}"'
        f' style="width:{_n(wide / _PER_EM)}em" aria-labelledby="{id}-title" aria-describedby="{id}-text">\n'
        f'<title id="{id}-title">{escape(title)}</title>\n<desc id="{id}-text">{escape(description)}</desc>\n'
        f"<style>{_STYLE}</style>\n{marks}\n</svg>"
    )


def _mark(mark: Box | Words | Line, step: str | None) -> Iterator[str]:
    if isinstance(mark, Words):
        yield _words(mark)
    elif isinstance(mark, Line):
        yield f'<path class="{_class(mark.kind)}" d="{_way(mark)}"/>'
    else:
        if step is not None and step in mark.steps:
            yield _rect("halo", mark, 3)  # no more: beside it is the other way's number
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


def _words(words: Words) -> str:
    kind = words.role + (" bold" if words.bold else "") + (" middle" if words.centered else "")
    size = words.size * DPI / 72
    # With its length given, a text keeps its place also in the font of a system that lacks ours.
    return (
        f'<text class="{kind}" x="{_n(words.x)}" y="{_n(words.y + 0.36 * size)}" font-size="{_n(size)}"'
        f' textLength="{_n(words.wide)}" lengthAdjust="spacingAndGlyphs">{escape(words.text)}</text>'
    )


def _way(line: Line) -> str:
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
