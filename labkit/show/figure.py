"""Figures that carry a description, so that everybody can read them and a test can compare them."""

from __future__ import annotations

import io
from collections.abc import Container
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any

from matplotlib import rc_context
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

#: Dots per inch of every figure: one pixel is 0.01 inch.
DPI = 100

#: The one font: matplotlib brings it along, so figures are the same on every machine.
FONT = "DejaVu Sans"

#: Okabe and Ito's colors, told apart by people with any kind of color vision. https://jfly.uni-koeln.de/color/
BLUE, GREEN, VERMILION = "#0072B2", "#009E73", "#D55E00"

# What would make the same figure differ from one matplotlibrc to the next.
_STYLE: dict[str, Any] = {
    "font.family": [FONT], "text.usetex": False, "text.hinting": "default", "text.antialiased": True,
    "path.sketch": None, "path.effects": [], "savefig.bbox": None, "savefig.transparent": False,
}  # fmt: skip


class Described:
    """What has a matplotlib `figure` and, in words, a `description` of what it shows.

    In a notebook it displays as an image whose text form is the description: strict nbval compares the words, not the
    pixels.
    """

    figure: Figure
    description: str

    def png(self) -> bytes:
        """The image as PNG, the same bytes each time."""
        buffer = io.BytesIO()
        with steady_style():
            # The metadata would else name the version of matplotlib.
            self.figure.savefig(buffer, format="png", dpi=DPI, metadata={"Software": None})
        return buffer.getvalue()

    def __repr__(self) -> str:
        return self.description

    def _repr_mimebundle_(
        self, include: Container[str] | None = None, exclude: Container[str] | None = None
    ) -> tuple[dict[str, Any], dict[str, Any]]:
        data = {"image/png": self.png(), "text/plain": self.description}
        return data, {"image/png": {"alt": self.description}}


@dataclass(frozen=True, repr=False)
class DescribedFigure(Described):
    """A matplotlib figure and, in words, what it shows.

    Parameters: `figure` is the matplotlib Figure; `description` says all that a person who cannot see it needs.

    >>> shown = DescribedFigure(blank_figure(4, 3), "An empty figure.")
    >>> shown
    An empty figure.
    >>> shown.png()[:4]
    b'\\x89PNG'
    """

    figure: Figure
    description: str


def steady_style() -> AbstractContextManager[None]:
    """What makes figures the same whatever the person's own matplotlibrc says; measuring text needs it too."""
    return rc_context(_STYLE)  # type: ignore[arg-type]


def blank_figure(width: float, height: float) -> Figure:
    """A white figure of `width` by `height` inches that belongs to no pyplot state: nothing has to be closed."""
    figure = Figure(figsize=(width, height), dpi=DPI, facecolor="white")
    FigureCanvasAgg(figure)
    return figure
