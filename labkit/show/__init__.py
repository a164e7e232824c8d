"""Everything seen: the map of a network, and figures that say in words what they show.

The names load on first use (PEP 562), as matplotlib takes a while: `labkit.show.magics` needs none of it.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from labkit.show.figure import DescribedFigure, blank_figure
    from labkit.show.map import Drawing, draw

__all__ = ["DescribedFigure", "Drawing", "blank_figure", "draw"]

_HOMES = {"DescribedFigure": "figure", "Drawing": "map", "blank_figure": "figure", "draw": "map"}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"labkit.show has no '{name}'; it has {', '.join(__all__)}.")
    return getattr(import_module(f"labkit.show.{_HOMES[name]}"), name)
