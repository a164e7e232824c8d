"""The controls that widgets are made of, for a kernel in which several threads move them.

JupyterLab sends the messages of widgets to subshells, which are threads beside the one that runs cells. A widget then
answers a person while a cell runs, and while it follows what the cell has changed. ipywidgets and traitlets are not
made for that, so whoever moves a control, or reads several of them, holds `TURN`.
https://github.com/jupyter/enhancement-proposals/blob/master/91-kernel-subshells/kernel-subshells.md
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from functools import wraps
from typing import Any, ParamSpec, TypeVar

import ipywidgets as w

P = ParamSpec("P")
R = TypeVar("R")

#: Held by the thread whose turn it is. It is one for all widgets: they share the network, and one updates the others.
TURN = threading.RLock()


def in_turn(function: Callable[P, R]) -> Callable[P, R]:
    """Let a function run in one thread at a time, and not while a control moves."""

    @wraps(function)
    def call(*args: P.args, **kwargs: P.kwargs) -> R:
        with TURN:
            return function(*args, **kwargs)

    return call


class _Control:
    """Moves in turn, whether a person, a cell or another widget moves it, with all that follows from the move."""

    def __setattr__(self, name: str, value: object) -> None:
        with TURN:
            super().__setattr__(name, value)

    def _handle_msg(self, msg: dict[str, Any]) -> None:
        with TURN:
            super()._handle_msg(msg)  # type: ignore[misc]


class _Choice(_Control):
    """A list to choose one of."""

    def set_state(self, sync_data: dict[str, Any]) -> None:
        """Take what the front end says, unless a place is chosen that the list had before it became shorter."""
        index = sync_data.get("index")
        if index is not None and not 0 <= index < len(self.options):  # type: ignore[attr-defined]
            self.send_state("index")  # type: ignore[attr-defined]
            return
        super().set_state(sync_data)  # type: ignore[misc]


class Button(_Control, w.Button):
    """A button."""

    def click(self) -> None:
        """Click it, as a cell can."""
        with TURN:
            super().click()


class HTML(_Control, w.HTML):
    """A place for HTML."""


class Dropdown(_Choice, w.Dropdown):
    """A list that opens."""


class Select(_Choice, w.Select):
    """A list in view."""


class RadioButtons(_Choice, w.RadioButtons):
    """Options below each other."""


class ToggleButtons(_Choice, w.ToggleButtons):
    """Options side by side."""


class ToggleButton(_Control, w.ToggleButton):
    """A switch."""


class Text(_Control, w.Text):
    """A line to type in."""


class Combobox(_Control, w.Combobox):
    """A line to type in that suggests."""


class Textarea(_Control, w.Textarea):
    """Lines to type in."""


class BoundedIntText(_Control, w.BoundedIntText):
    """A number to type in."""


class IntSlider(_Control, w.IntSlider):
    """A slider of numbers."""


class SelectionRangeSlider(_Control, w.SelectionRangeSlider):
    """A slider with two handles."""


class Play(_Control, w.Play):
    """What moves a slider by itself."""
