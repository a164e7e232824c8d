"""Figures that carry a description in words, so that everybody can read them and a test can compare them.

The notebooks make their own with `blank_figure` and `DescribedFigure`; the map's `Drawing` is one of them.
"""

from __future__ import annotations

import io
import threading
from abc import ABC, abstractmethod
from collections.abc import Container, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from matplotlib import rcParams
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

#: Dots per inch of every figure: one pixel is 0.01 inch.
DPI = 100

#: The only font. matplotlib ships it, so figures are the same on every machine.
FONT = "DejaVu Sans"

#: Okabe and Ito's colors, told apart by people with any kind of color vision. https://jfly.uni-koeln.de/color/
BLUE, GREEN, VERMILION = "#0072B2", "#009E73", "#D55E00"

#: Held by whoever uses FreeType or changes matplotlib's settings, which belong to the process: JupyterLab runs widgets
#: beside a cell, and two threads in one face of a font crash the kernel.
#: https://freetype.org/freetype2/docs/reference/ft2-face_creation.html#ft_face
DRAWING = threading.RLock()

#: PNG metadata that leaves out the version of matplotlib, so that the bytes do not depend on it.
METADATA: dict[str, Any] = {"Software": None}

# The settings of a matplotlibrc that would make the same figure look different.
_STYLE: dict[str, Any] = {
    "font.family": [FONT], "text.usetex": False, "text.hinting": "default", "text.antialiased": True,
    "path.sketch": None, "path.effects": [], "savefig.bbox": None, "savefig.transparent": False,
}  # fmt: skip


class Described(ABC):
    """A picture with a description in words.

    A notebook shows it as an image whose text form is the description: strict nbval compares the words, not the
    pixels.

    Attributes:
        description: All that a person who cannot see the picture needs.
    """

    description: str

    @abstractmethod
    def png(self) -> bytes:
        """Return the image as PNG, the same bytes each time."""

    def __repr__(self) -> str:
        return self.description

    def _repr_mimebundle_(
        self, include: Container[str] | None = None, exclude: Container[str] | None = None
    ) -> tuple[dict[str, Any], dict[str, Any]]:
        data = {"image/png": self.png(), "text/plain": self.description}
        return data, {"image/png": {"alt": self.description}}


@dataclass(frozen=True, repr=False)
class DescribedFigure(Described):
    """A matplotlib figure with a description in words.

    Attributes:
        figure: The figure.
        description: All that a person who cannot see the figure needs.

    >>> shown = DescribedFigure(blank_figure(4, 3), "An empty figure.")
    >>> shown
    An empty figure.
    >>> shown.png()[:4]
    b'\\x89PNG'
    """

    figure: Figure
    description: str

    def png(self) -> bytes:
        """Return the figure as PNG, the same bytes each time."""
        buffer = io.BytesIO()
        with steady_style():
            self.figure.savefig(buffer, format="png", dpi=DPI, metadata=METADATA)
        return buffer.getvalue()


@contextmanager
def steady_style() -> Iterator[None]:
    """Let figures look the same whatever the person's own matplotlibrc says; one thread at a time is in the context.

    Other settings than these are left alone, because a cell may change them meanwhile. `rc_context` would undo that.
    """
    settings: Any = rcParams
    with DRAWING:
        before = {name: settings[name] for name in _STYLE}
        settings.update(_STYLE)
        try:
            yield
        finally:
            settings.update(before)


def blank_figure(width: float, height: float) -> Figure:
    """Return a white figure that belongs to no pyplot state, so nothing has to be closed.

    Args:
        width: In inches.
        height: In inches.
    """
    figure = Figure(figsize=(width, height), dpi=DPI, facecolor="white")
    FigureCanvasAgg(figure)
    return figure
