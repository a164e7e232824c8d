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

    def set_state(self, sync_data: dict[str, Any]) -> None:
        """Take what the front end says, unless it chose from a list that has become shorter since it saw it."""
        index = sync_data.get("index")
        if isinstance(index, int) and not 0 <= index < len(self.options):  # type: ignore[attr-defined]
            self.send_state("index")  # type: ignore[attr-defined]
        else:
            super().set_state(sync_data)  # type: ignore[misc]


def _moves_in_turn(kind: Any) -> Any:
    """Return a kind of control of ipywidgets that moves in turn."""
    return type(kind.__name__, (_Control, kind), {})


Button = _moves_in_turn(w.Button)
HTML = _moves_in_turn(w.HTML)
Dropdown = _moves_in_turn(w.Dropdown)
Select = _moves_in_turn(w.Select)
RadioButtons = _moves_in_turn(w.RadioButtons)
ToggleButtons = _moves_in_turn(w.ToggleButtons)
ToggleButton = _moves_in_turn(w.ToggleButton)
Text = _moves_in_turn(w.Text)
Combobox = _moves_in_turn(w.Combobox)
Textarea = _moves_in_turn(w.Textarea)
BoundedIntText = _moves_in_turn(w.BoundedIntText)
IntSlider = _moves_in_turn(w.IntSlider)
SelectionRangeSlider = _moves_in_turn(w.SelectionRangeSlider)
Play = _moves_in_turn(w.Play)
