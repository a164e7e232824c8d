"""The pages that `labkit run` makes: what cannot be seen is said."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import nbformat
import pytest
from bs4 import BeautifulSoup

from labkit.cli.run import _page
from labkit.show import DescribedFigure, blank_figure

NOTEBOOKS = sorted((Path(__file__).parents[2] / "notebooks").glob("[0-9]*.ipynb"))
SVG = '<svg xmlns="http://www.w3.org/2000/svg" width="1" height="1"></svg>'


def images(*outputs: Any) -> list[Any]:
    """The images on the page of a notebook with these outputs."""
    cell = nbformat.v4.new_code_cell("lab.map()", execution_count=1, outputs=list(outputs))
    return list(BeautifulSoup(_page(nbformat.v4.new_notebook(cells=[cell]), "page"), "html.parser").select("img"))


def output(data: dict[str, Any], metadata: dict[str, Any] | None = None) -> Any:
    return nbformat.v4.new_output("display_data", data, metadata=metadata or {})


def test_a_figure_says_on_the_page_what_it_shows() -> None:
    said = 'Bytes by hour: "most" at 3 < 4 & fewest at night.'
    data, metadata = DescribedFigure(blank_figure(1, 1), said)._repr_mimebundle_()
    data["image/png"] = "iVBORw0KGgo="
    [image] = images(output(data, metadata))
    assert image["alt"] == said


@pytest.mark.parametrize(
    ("kind", "content"), [("image/png", "iVBORw0KGgo="), ("image/jpeg", "/9g="), ("image/svg+xml", SVG)]
)
def test_each_kind_of_image_says_what_its_metadata_or_its_text_say(kind: str, content: str) -> None:
    with_alt = output({kind: content, "text/plain": "in words"}, {kind: {"alt": "the map"}})
    without = output({kind: content, "text/plain": "in words"})
    assert [image["alt"] for image in images(with_alt, without)] == ["the map", "in words"]


def test_the_name_of_a_type_is_no_description() -> None:
    [image] = images(output({"image/png": "iVBORw0KGgo=", "text/plain": "<Figure size 640x480 with 1 Axes>"}))
    assert image["alt"].startswith("No description")


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_no_image_of_the_course_lacks_its_description(path: Path) -> None:
    notebook = nbformat.read(path, as_version=4)
    shown = [one for cell in notebook.cells for one in cell.get("outputs", ()) if "image/png" in one.get("data", ())]
    page = BeautifulSoup(_page(notebook, path.stem), "html.parser")
    found = [image["alt"] for image in page.select("img")]
    assert not [alt for alt in found if alt.startswith("No description")]
    assert {one.metadata["image/png"]["alt"] for one in shown} <= set(found)
