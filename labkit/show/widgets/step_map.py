"""The map in a widget, on which each number of a packet's path is a button that chooses its step.

The packet lab and the replay show it. ipywidgets can't hear a click in a picture, so buttons without a look of their
own lie over the numbers: mouse and keyboard reach them, without any JavaScript of ours.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import ipywidgets as w

from labkit.network import Network, Path
from labkit.show.map.drawing import draw
from labkit.show.map.sheet import Box, Sheet
from labkit.show.map.svg import svg, width_in_em
from labkit.show.widgets import controls, parts
from labkit.show.widgets.hops import Step

#: How high a map may be, as a share of the window's height, and how small it may become for that.
_HIGH, _SMALLEST = 0.55, 0.7


class StepMap:
    """A map, and a button over the number of each step.

    Attributes:
        widget: What is shown.
        picture: The map as SVG.
        buttons: The buttons, in the order of the steps.
    """

    def __init__(self, choose: Callable[[int], None]) -> None:
        """Make an empty map.

        Args:
            choose: Called with the place of a step in `steps` when a person chooses its number.
        """
        self._choose = choose
        self.picture = parts.html()
        self.buttons: list[w.Button] = []
        self.widget = w.Box([self.picture]).add_class("labkit-step-map")

    def show(self, network: Network, path: Path | None, steps: Sequence[Step], chosen: Step | None, title: str) -> None:
        """Draw a network.

        Args:
            network: The network.
            path: The path to draw over it.
            steps: The path's steps.
            chosen: The step to draw a ring around.
            title: What is read out in place of the picture.
        """
        drawing = draw(network, path, listed=False)
        self.picture.value = svg(drawing.sheet, title, drawing.description, chosen.key if chosen else None)
        self.widget.layout.width = _width(drawing.sheet)
        places = _places(drawing.sheet)
        self._make(len(steps))
        for button, step in zip(self.buttons, steps, strict=True):
            button.description, button.tooltip = step.mark, str(step)
            left, top, wide, high = (f"{100 * share:.3f}%" for share in places[step.key])
            with button.layout.hold_sync():
                button.layout.left, button.layout.top = left, top
                button.layout.width, button.layout.height = wide, high

    def _make(self, count: int) -> None:
        """Keep as many buttons as there are steps."""
        if count == len(self.buttons):
            return
        for place in range(len(self.buttons), count):
            button = controls.Button()
            button.on_click(controls.in_turn(lambda _, place=place: self._clicked(place)))
            self.buttons.append(button)
        del self.buttons[count:]
        self.widget.children = [self.picture, *self.buttons]

    def _clicked(self, place: int) -> None:
        """Choose a step, unless the path has become shorter since the person saw its number."""
        if place < len(self.buttons):
            self._choose(place)


def _width(sheet: Sheet) -> str:
    """Return how wide a map is: not wider than the page, and not so high that nothing else has room beside it."""
    wide, high = sheet.size
    natural = width_in_em(sheet)
    return f"min(100%, {natural:.2f}em, max({_SMALLEST * natural:.2f}em, {100 * _HIGH * wide / high:.1f}vh))"


def _places(sheet: Sheet) -> dict[str, tuple[float, float, float, float]]:
    """Return left, top, width and height of each step's number, as shares of the map.

    Steps that share a number's box, such as `1–2`, have an equal part of it each.
    """
    wide, high = sheet.size
    found = {}
    for box in sheet.marks:
        if isinstance(box, Box):
            part = box.wide / max(len(box.steps), 1)
            for place, key in enumerate(box.steps):
                found[key] = ((box.x + place * part) / wide, box.y / high, part / wide, box.high / high)
    return found
