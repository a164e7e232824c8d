"""What a student can move: each widget shows what a plain function gives, and says in code how to get it.

Import from the modules, or use `lab.widgets`. Nothing here loads ipywidgets before the first widget is made.
"""

from __future__ import annotations

from typing import Any


class Widgets:
    """The widgets of a lab, one method each: `lab.widgets`.

    Parameters: `lab` is what they ask: a connected lab, or anything with its `network`, `client` and `records`.
    """

    def __init__(self, lab: Any) -> None:
        self._lab = lab

    def __dir__(self) -> list[str]:
        return [name for name in vars(type(self)) if not name.startswith("_")]

    def __repr__(self) -> str:
        return "The widgets of this lab: " + ", ".join(f"lab.widgets.{name}(…)" for name in dir(self))
