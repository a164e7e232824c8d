"""Measure texts in the map's font, and cut or break them to fit. `layout`, `drawing` and `sheet` call it."""

from __future__ import annotations

import re
from functools import cache, lru_cache
from itertools import pairwise

from matplotlib.font_manager import FontProperties, findfont
from matplotlib.ft2font import FT2Font, Kerning, LoadFlags

from labkit.show.figure import DPI, DRAWING, FONT


@lru_cache(maxsize=16)
def font(size: float, bold: bool) -> FontProperties:
    """Return the map's font at a size in points."""
    return FontProperties(family=FONT, size=size, weight="bold" if bold else "normal")


@lru_cache(maxsize=4096)
def width(text: str, size: float = 9, bold: bool = False) -> float:
    """Return the width of a text in pixels, at a font size in points.

    It adds up the letters and the kerning between them, because matplotlib's own layout takes much longer.

    >>> width("10.1.0.0/16"), width("AV") < width("A") + width("V")
    (72.0, True)
    """
    advances = sum(_advance(letter, size, bold) for letter in text)
    return (advances + sum(_kerning(left, right, size, bold) for left, right in pairwise(text))) / 64


@lru_cache(maxsize=16)
def _face(size: float, bold: bool) -> FT2Font:
    """Return the font at a size; it is used with `DRAWING` held."""
    face = FT2Font(findfont(font(size, bold)))
    face.set_size(size, DPI)
    return face


@cache
def _advance(letter: str, size: float, bold: bool) -> float:
    """Return how wide a letter is, in 64ths of a pixel."""
    with DRAWING:
        face = _face(size, bold)
        if not face.get_char_index(ord(letter)):  # the font lacks it: most such letters are about an em wide
            return 64 * size * DPI / 72
        return float(face.load_char(ord(letter), flags=LoadFlags.DEFAULT).horiAdvance)


@cache
def _kerning(left: str, right: str, size: float, bold: bool) -> float:
    """Return how much closer or farther apart two letters are, in 64ths of a pixel."""
    with DRAWING:
        face = _face(size, bold)
        indices = face.get_char_index(ord(left)), face.get_char_index(ord(right))
        return float(face.get_kerning(*indices, Kerning.UNFITTED))


def fit(text: str, room: float, size: float = 9, bold: bool = False) -> str:
    """Return the text, cut to `room` pixels with an ellipsis if it is longer."""
    if width(text, size, bold) <= room:
        return text
    while text and width(text + "…", size, bold) > room:
        text = text[:-1]
    return text.rstrip() + "…"


def wrap(text: str, room: float, size: float = 9, bold: bool = False) -> list[str]:
    """Return the text in lines of at most `room` pixels, broken at spaces and after underscores and colons."""
    lines, line = [], ""
    for word in re.findall(r"[^\s_:]*(?:[_:]|\s+|$)", text):
        if line and width((line + word).rstrip(), size, bold) > room:
            lines.append(line.rstrip())
            line = ""
        line += word
    return [fit(line, room, size, bold) for line in [*lines, line.rstrip()] if line]
