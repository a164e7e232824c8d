"""A figure shows as an image that says in words what it shows."""

from __future__ import annotations

import subprocess
import sys

import pytest

from labkit.show.figure import DescribedFigure, blank_figure


@pytest.fixture
def shown() -> DescribedFigure:
    figure = blank_figure(4, 3)
    figure.add_subplot().plot([1, 2, 3])
    return DescribedFigure(figure, "A line that rises from 1 to 3.")


def test_it_displays_as_an_image_with_its_words(shown: DescribedFigure) -> None:
    data, metadata = shown._repr_mimebundle_()
    assert data == {"image/png": shown.png(), "text/plain": "A line that rises from 1 to 3."}
    assert metadata == {"image/png": {"alt": "A line that rises from 1 to 3."}}
    assert repr(shown) == "A line that rises from 1 to 3."


def test_ipython_takes_the_bundle_as_it_is(shown: DescribedFigure) -> None:
    from IPython.core.formatters import DisplayFormatter

    data, metadata = DisplayFormatter().format(shown)
    assert set(data) == {"image/png", "text/plain"}
    assert metadata == {"image/png": {"alt": "A line that rises from 1 to 3."}}


def test_the_bytes_do_not_name_the_software(shown: DescribedFigure) -> None:
    assert shown.png() == shown.png()
    assert b"atplotlib" not in shown.png()


def test_nothing_is_loaded_that_is_not_used() -> None:
    for code, unloaded in (
        ("import labkit.show", "matplotlib"),
        ("import labkit.show.magics", "matplotlib"),
        ("from labkit.show import Widgets", "ipywidgets"),
        ("from labkit.show import blank_figure, draw; blank_figure(4, 3)", "matplotlib.pyplot"),
    ):
        ask = f"import sys; {code}; sys.exit({unloaded!r} in sys.modules)"
        assert subprocess.run([sys.executable, "-c", ask], check=False).returncode == 0, code
