"""The base of every widget of the course: something to move, and a still form for where nobody can move it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from html import escape
from pathlib import Path
from typing import Any

import ipywidgets

from labkit.show.widgets.controls import in_turn
from labkit.status import is_live, shell

_STYLE = f"<style>{Path(__file__).with_name('still.css').read_text(encoding='utf-8')}</style>"

#: Where the still form is shown, the kernel is a new one, which knows none of the notebook's names.
_AS_IT_WAS = (
    "As it was when the cell ran. To use it, run the notebook's first cell, then this one. "
    "If a name is missing, run the cells between them, too."
)


class Interactive(ABC):
    """A widget that displays as itself in a front end, and by its still form elsewhere.

    Elsewhere is a notebook that runs without a browser, strict nbval, a saved notebook, or a terminal. A subclass
    builds `widget` in its constructor, and returns in `still` what is shown instead.

    A front end gets both: the notebook that is saved there keeps the still form, which JupyterLab shows when it opens
    the notebook another day, without the kernel in which the widget lived. JupyterLab's own setting to save the state
    of widgets would not do: it keeps only those whose kernel is alive at each save, and shows buttons that do nothing.

    Attributes:
        widget: What a front end shows.
    """

    widget: ipywidgets.DOMWidget

    @abstractmethod
    def still(self) -> object:
        """Return what is shown without a front end: a text, a table or a described figure of the present state."""

    def still_html(self) -> str:
        """Return the still form for a front end, in which no kernel answers any more."""
        still = self.still()
        as_html = getattr(still, "_repr_html_", None)
        return str(as_html()) if as_html else f"<pre>{escape(str(still))}</pre>"

    @in_turn
    def __repr__(self) -> str:
        return str(self.still())

    @in_turn
    def _ipython_display_(self) -> None:
        if not is_live():
            raise NotImplementedError  # so that IPython asks for the bundle
        publish = shell().display_pub.publish
        publish(self._repr_mimebundle_())
        then = f"<p class='quiet'>{_AS_IT_WAS}</p>"
        html = f"{_STYLE}<div class='labkit-still mathjax_ignore tex2jax_ignore'>{self.still_html()}{then}</div>"
        publish({"text/html": html, "text/plain": ""})

    @in_turn
    def _repr_mimebundle_(self, **_: Any) -> tuple[dict[str, Any], dict[str, Any]] | dict[str, Any]:
        if is_live():
            return {**self.widget._repr_mimebundle_(), "text/plain": repr(self)}
        ipython = shell()
        if ipython is None:
            return {"text/plain": repr(self)}
        return ipython.display_formatter.format(self.still())  # type: ignore[no-any-return]
