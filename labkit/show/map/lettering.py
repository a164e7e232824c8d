"""Measure texts in the map's font, and cut or break them to fit. `layout`, `drawing` and `sheet` call it."""

from __future__ import annotations

import re
from functools import lru_cache

from matplotlib.font_manager import FontProperties, findfont
from matplotlib.ft2font import FT2Font, Kerning, LoadFlags

from labkit.show.figure import DPI, FONT


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
    letters = _letters(size, bold)
    return (sum(map(letters.advance, text)) + sum(map(letters.kerning, text, text[1:]))) / 64


class _Letters:
    """The letters of a font at one size, measured once each, in 64ths of a pixel."""

    def __init__(self, size: float, bold: bool) -> None:
        self._font = FT2Font(findfont(font(size, bold)))
        self._font.set_size(size, DPI)
        self._em = size * DPI / 72
        self.advance = lru_cache(maxsize=None)(self._advance)
        self.kerning = lru_cache(maxsize=None)(self._kerning)

    def _advance(self, letter: str) -> float:
        if not self._font.get_char_index(ord(letter)):  # the font lacks it: most such letters are about an em wide
            return 64 * self._em
        return float(self._font.load_char(ord(letter), flags=LoadFlags.DEFAULT).horiAdvance)

    def _kerning(self, left: str, right: str) -> float:
        index = self._font.get_char_index
        return float(self._font.get_kerning(index(ord(left)), index(ord(right)), Kerning.UNFITTED))


@lru_cache(maxsize=16)
def _letters(size: float, bold: bool) -> _Letters:
    return _Letters(size, bold)


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
