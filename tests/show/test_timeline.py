"""The timeline draws the same bytes for the same numbers, and says in words what it shows."""

from __future__ import annotations

from xml.etree import ElementTree

from labkit.show.timeline import Timeline, step_for

BEGIN = 1764806400  # 2025-12-04 00:00 UTC
SVG = "{http://www.w3.org/2000/svg}"


def test_the_same_numbers_give_the_same_bytes() -> None:
    first, second = (Timeline(BEGIN, 900, [5] * 96, [0, 1] * 48) for _ in range(2))
    assert first.svg() == second.svg()


def test_each_bar_is_as_high_as_its_number_says() -> None:
    picture = ElementTree.fromstring(Timeline(BEGIN, 900, [10, 5, 0], [0, 0, 4]).svg())
    bars = [(bar.findtext(f"{SVG}title"), float(bar.get("height", 0))) for bar in picture.iter(f"{SVG}rect")]
    assert bars == [("00:00 ACCEPT 10", 62.0), ("00:15 ACCEPT 5", 31.0), ("00:30 REJECT 4", 62.0)]


def test_accept_and_reject_differ_in_place_and_pattern_and_are_named() -> None:
    picture = ElementTree.fromstring(Timeline(BEGIN, 900, [1], [1]).svg())
    accepted, rejected = picture.iter(f"{SVG}rect")
    assert float(accepted.get("y", 0)) < float(rejected.get("y", 0))
    assert "fill: none" in (rejected.get("style") or "") and "fill: none" not in (accepted.get("style") or "")
    assert {"ACCEPT", "REJECT"} <= {each.text for each in picture.iter(f"{SVG}text")}


def test_it_says_in_words_what_it_shows() -> None:
    picture = ElementTree.fromstring(Timeline(BEGIN, 3600, [10, 5], [0, 0]).svg())
    assert picture.get("role") == "img"
    assert picture.get("aria-label") == (
        "Records from 2025-12-04 00:00 to 02:00 UTC. ACCEPT: 15, most from 00:00 (10). REJECT: none."
    )


def test_a_few_times_are_below_within_the_picture() -> None:
    for bars, step in ((96, 900), (60, 1), (1, 60), (90, 86400), (96, 28 * 86400), (20, 7)):
        picture = ElementTree.fromstring(Timeline(BEGIN + 17, step, [1] * bars, [0] * bars).svg())
        times = [each for each in picture.iter(f"{SVG}text") if ":" in (each.text or "")]
        assert 1 <= len(times) <= 8
        assert all(0 < float(each.get("x", 0)) < 760 for each in times)


def test_times_are_utc_and_midnight_brings_the_date() -> None:
    picture = Timeline(BEGIN - 6 * 3600, 3600, [1] * 12, [0] * 12).svg()
    assert "2025-12-03" in picture and "2025-12-04" in picture and ">UTC<" in picture


def test_the_colors_follow_the_theme() -> None:
    assert "var(--jp-ui-font-color1, #1f2933)" in Timeline(BEGIN, 60, [1], [1]).svg()


def test_there_are_never_more_than_about_a_hundred_bars() -> None:
    for seconds in (0, 1, 59, 600, 86400, 90 * 86400, 5 * 365 * 86400):
        assert step_for(seconds) >= 1 and seconds / step_for(seconds) <= 100, seconds


def test_nothing_at_all_is_drawn_as_nothing() -> None:
    nothing = Timeline(BEGIN, 60, [0], [0])
    assert "<rect" not in nothing.svg()
    assert str(nothing).endswith("ACCEPT: none. REJECT: none.")
