"""A figure shows as an image that says in words what it shows."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from labkit.show import DescribedFigure, blank_figure


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


@pytest.mark.parametrize(("ending", "start"), [("png", b"\x89PNG"), ("svg", b"<?xml"), ("pdf", b"%PDF")])
def test_it_saves_in_the_format_that_the_name_says(
    shown: DescribedFigure, tmp_path: Path, ending: str, start: bytes
) -> None:
    first, second = tmp_path / f"map.{ending}", tmp_path / f"again.{ending}"
    shown.save(first)
    shown.save(str(second))
    assert first.read_bytes().startswith(start)
    assert first.read_bytes() == second.read_bytes()


def test_an_ending_that_is_no_format_is_refused_in_a_sentence(shown: DescribedFigure, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"can't be saved as .*: end the name in \.png, \.svg or \.pdf\."):
        shown.save(tmp_path / "map.txt")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("code", "unloaded"),
    [
        ("import labkit.show", "matplotlib"),
        ("from labkit.show import blank_figure, draw; blank_figure(4, 3)", "matplotlib.pyplot"),
    ],
)
def test_nothing_is_loaded_that_is_not_used(code: str, unloaded: str) -> None:
    ask = f"import sys; {code}; sys.exit({unloaded!r} in sys.modules)"
    assert subprocess.run([sys.executable, "-c", ask], check=False).returncode == 0
