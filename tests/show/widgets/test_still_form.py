"""What a front end is given of a widget: the widget, and below it the still form, for when its kernel is gone."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import ipywidgets
import pytest

from labkit.show.widgets import base


class Shown(base.Interactive):
    def __init__(self, still: object) -> None:
        self.widget = ipywidgets.HTML()
        self._still = still

    def still(self) -> object:
        return self._still


class Table:
    def _repr_html_(self) -> str:
        return "<table></table>"


@pytest.fixture
def displayed(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """What is displayed in a front end."""
    found: list[dict[str, Any]] = []
    monkeypatch.setattr(base, "is_live", lambda: True)
    publisher = SimpleNamespace(publish=found.append)
    monkeypatch.setattr(base, "shell", lambda: SimpleNamespace(display_pub=publisher))
    return found


@pytest.mark.parametrize(("still", "html"), [("a < b", "<pre>a &lt; b</pre>"), (Table(), "<table></table>")])
def test_a_front_end_gets_the_widget_and_its_still_form(
    displayed: list[dict[str, Any]], still: object, html: str
) -> None:
    shown = Shown(still)
    shown._ipython_display_()
    alive, kept = displayed
    assert alive["application/vnd.jupyter.widget-view+json"]["model_id"] == shown.widget.model_id
    assert f"<div class='labkit-still mathjax_ignore tex2jax_ignore'>{html}" in kept["text/html"]
    assert "run the notebook's first cell, then this one" in kept["text/html"]


def test_elsewhere_ipython_takes_the_still_form_alone() -> None:
    with pytest.raises(NotImplementedError):
        Shown("text")._ipython_display_()
    assert Shown("text")._repr_mimebundle_() == {"text/plain": "text"}
