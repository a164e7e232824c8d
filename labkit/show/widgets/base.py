"""The base of every widget of the course: something to move, and a still form for where nobody can move it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any

import ipywidgets

from labkit.status import is_live, shell


class Interactive(ABC):
    """A widget that displays as itself in a front end, and by its still form elsewhere.

    Elsewhere is a notebook that runs without a browser, strict nbval, a saved notebook, or a terminal. A subclass
    builds `widget` in its constructor, and returns in `still` what is shown instead.

    Attributes:
        widget: What a front end shows.
    """

    widget: ipywidgets.DOMWidget

    @abstractmethod
    def still(self) -> object:
        """Return what is shown without a front end: a text, a table or a described figure of the present state."""

    def __repr__(self) -> str:
        return str(self.still())

    def _repr_mimebundle_(self, **_: Any) -> tuple[dict[str, Any], dict[str, Any]] | dict[str, Any]:
        if is_live():
            # A saved notebook keeps the words: they are what is left of a widget whose kernel is gone.
            return {**self.widget._repr_mimebundle_(), "text/plain": repr(self)}
        ipython = shell()
        if ipython is None:
            return {"text/plain": repr(self)}
        return ipython.display_formatter.format(self.still())  # type: ignore[no-any-return]
