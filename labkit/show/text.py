"""How wide words are, and how to make them fit."""

from __future__ import annotations

import re
from functools import lru_cache

from matplotlib.backends.backend_agg import RendererAgg
from matplotlib.font_manager import FontProperties

from labkit.network.model import Network
from labkit.show.figure import DPI, FONT

_ID = re.compile(r"\b[a-z]+-[0-9a-f]{8}(?:[0-9a-f]{9})?\b")


def short(name: str) -> str:
    """A name as it is, and a long id by its first eight digits.

    >>> short("instance-1"), short("vpc-0a1b2c3d4e5f67890")
    ('instance-1', 'vpc-0a1b2c3d…')
    """
    kind, _, digits = name.rpartition("-")
    return f"{kind}-{digits[:8]}…" if _ID.fullmatch(name) and len(digits) > 8 else name


def named(network: Network, text: str) -> str:
    """A text with each id in it replaced by the resource's name, or shortened."""
    return re.sub(r"\b[a-z]+-[\w-]*\w", lambda found: short(network.name(found[0])), text)


@lru_cache(maxsize=4096)
def width(text: str, size: float = 9, bold: bool = False) -> float:
    """The width of a text in pixels, at a font size in points."""
    return float(_renderer().get_text_width_height_descent(text, font(size, bold), False)[0])  # type: ignore[no-untyped-call]


@lru_cache(maxsize=16)
def font(size: float, bold: bool = False) -> FontProperties:
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
