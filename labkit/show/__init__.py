"""Everything that a student sees: described figures, the map of a network, the widgets, and the notebook's magics.

`labkit.lab` and the notebooks use it. matplotlib and ipywidgets load with the first name that needs them (PEP 562), so
importing the package is cheap.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from labkit.show.figure import BLUE, GREEN, VERMILION, DescribedFigure, blank_figure
    from labkit.show.map import Drawing, draw
    from labkit.show.widgets import Widgets

__all__ = ["BLUE", "GREEN", "VERMILION", "DescribedFigure", "Drawing", "Widgets", "blank_figure", "draw"]

_HOMES = {"Drawing": "map", "draw": "map", "Widgets": "widgets"}


def __getattr__(name: str) -> object:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_HOMES.get(name, 'figure')}"), name)
