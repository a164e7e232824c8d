"""The map as SVG has the picture's words, is well-formed whatever the names are, and can have a ring around a step."""

from __future__ import annotations

import re
from functools import cache
from xml.etree.ElementTree import Element, fromstring

import pytest
from matplotlib.backends.backend_agg import RendererAgg

from labkit.show.figure import DPI, steady_style
from labkit.show.map.drawing import Drawing, draw
from labkit.show.map.lettering import font, width
from labkit.show.map.svg import svg
from tests.network.build import Build
from tests.show.networks import TO_1, TO_2, rename, the_lab
from tests.show.test_map import CASES, drawn, ping, texts

NAME = "{http://www.w3.org/2000/svg}"
NASTY = "</text><script>alert('1')</script> & \"co\" $x^2$"


def written(drawing: Drawing, step: str | None = None) -> Element:
    return fromstring(svg(drawing.sheet, "Map of the network", drawing.description, step))


@cache
def of(case: str) -> Element:
    return written(drawn(case))


def words(picture: Element) -> list[str]:
    return [text.text or "" for text in picture.iter(f"{NAME}text")]


def boxes(picture: Element, name: str) -> list[Element]:
    return [box for box in picture.iter(f"{NAME}rect") if name in box.attrib["class"].split()]


def test_it_has_the_words_of_the_picture_at_their_width() -> None:
    for case in CASES:
        assert sorted(words(of(case))) == sorted(texts(drawn(case)))
        wide = float(of(case).attrib["viewBox"].split()[2])
        for text in of(case).iter(f"{NAME}text"):
            length, x = float(text.attrib["textLength"]), float(text.attrib["x"])
            left = x - length / 2 if "middle" in text.attrib["class"] else x
            assert left >= 0 and left + length <= wide, f"{case}: {text.text}"


def test_it_says_in_words_what_it_shows() -> None:
    for case in CASES:
        picture = of(case)
        title, description = picture.find(f"{NAME}title"), picture.find(f"{NAME}desc")
        assert title is not None and description is not None
        assert title.text == "Map of the network"
        assert description.text == drawn(case).description
        assert picture.attrib["role"] == "img"
        assert picture.attrib["aria-labelledby"] == title.attrib["id"]
        assert picture.attrib["aria-describedby"] == description.attrib["id"]


def test_pictures_of_different_paths_share_no_id() -> None:
    ids = [re.findall(r' id="([^"]+)"', svg(drawn(case).sheet, "Map", drawn(case).description)) for case in CASES]
    assert len({id for pair in ids for id in pair}) == 2 * len(CASES)


def test_the_same_map_is_the_same_text() -> None:
    first, second = draw(*CASES["one route"]()), draw(*CASES["one route"]())
    assert svg(first.sheet, "Map", first.description) == svg(second.sheet, "Map", second.description)


def test_names_are_escaped() -> None:
    build = rename(the_lab(TO_2, TO_1), {"vpc-1": NASTY, "igw-1": NASTY, "pcx-12": "<b>", "subnet-1": "a&b"})
    picture = written(draw(*ping(build)))
    assert {NASTY[:12], "<b>", "a&b"} <= {word[:12] for word in words(picture)}
    assert {element.tag for element in picture.iter()} == {
        NAME + tag for tag in ("svg", "title", "desc", "style", "rect", "path", "text")
    }


def test_each_step_has_its_chip() -> None:
    keys = [key for box in boxes(of("both routes"), "chip") for key in box.attrib["data-steps"].split()]
    assert set(keys) == {f"{leg}-{step}" for leg in ("there", "back") for step in range(1, 9)}


def test_the_legs_are_told_apart_by_line_and_number_too() -> None:
    style = of("both routes").find(f"{NAME}style")
    assert style is not None and style.text is not None
    (back,) = [line for line in style.text.splitlines() if line.startswith(".labkit-map .back ")]
    assert "stroke-dasharray" in back
    assert {"1–2", "↩1–2"} <= set(words(of("both routes")))


@pytest.mark.parametrize("step", ["there-1", "there-2", "back-5"])
def test_a_step_is_ringed_on_the_map(step: str) -> None:
    network, path = CASES["one route"]()
    unlisted = draw(network, path, listed=False)
    (ring,) = boxes(written(unlisted, step), "halo")
    chips = boxes(written(unlisted, step), "chip")
    (chip,) = [chip for chip in chips if step in chip.attrib["data-steps"].split()]
    assert float(ring.attrib["x"]) < float(chip.attrib["x"])
    assert boxes(written(unlisted), "halo") == []


def test_a_step_that_is_not_there_rings_nothing() -> None:
    assert boxes(written(drawn("the lab"), "there-1"), "halo") == []


@pytest.mark.parametrize(("size", "bold"), [(9, False), (9, True), (10, True), (12, True)])
def test_texts_are_as_wide_as_matplotlib_makes_them(size: float, bold: bool) -> None:
    for text in ("10.1.0.0/16 → local", "AVATAR To.", "✗ ↩5", "größe", "", "peering-1-2…"):
        with steady_style():
            real = RendererAgg(16, 16, DPI).get_text_width_height_descent(text, font(size, bold), False)[0]
        assert width(text, size, bold) == pytest.approx(real, abs=1), text


def test_an_empty_network_is_a_picture_too() -> None:
    assert "This network has no VPC of yours yet." in " ".join(words(written(draw(Build().network()))))
