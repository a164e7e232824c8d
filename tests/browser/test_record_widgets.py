"""The widgets of flow log records, and the quiz, in a browser answer what pandas, DuckDB and the lab say."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.browser.notebook import Notebook
from tests.browser.widget import Measured, Widget

CELLS = {
    "lab": """\
import labkit
import pandas as pd
from labkit import flowlogs

lab = labkit.connect()
lab.catch_up("05")""",
    "traffic": """\
_ = lab.shell("instance-1", "ping -c 3 10.2.0.126")
lab.wait_for_flow_logs()
own = flowlogs.read(lab.records())
day = flowlogs.read("../data/nimbus-day/parquet")""",
    "expected": """\
rejected = day["action"] == "REJECT"
at_443 = (day["srcport"] == 443) | (day["dstport"] == 443)
from_noon = day["start"] >= pd.Timestamp("2025-12-04 12:00", tz="UTC")
for wanted in (rejected, rejected & at_443.fillna(False), from_noon):
    print(f"{wanted.sum():,} of {len(day):,} records match")
print((own["action"] == "REJECT").sum())""",
    "flow-explorer": "lab.widgets.flow_explorer(day)",
    "insights": 'lab.widgets.insights("stats count(*) as n by action")',
    "record-decoder": """\
line = own.index[own["protocol"] == 1][0]
lab.widgets.record_decoder(lab.records()[line])""",
    "quiz": 'lab.quiz("03")',
}
PLACES = {name: place for place, name in enumerate(CELLS)}


@pytest.fixture(scope="module")
def notebook(opened_once: Callable[..., Notebook]) -> Notebook:
    """A notebook with a widget in each cell, run."""
    opened = opened_once("record-widgets", list(CELLS.values()))
    opened.run_all()
    return opened


@pytest.fixture
def expected(notebook: Notebook) -> list[str]:
    """What pandas says."""
    return notebook.output(PLACES["expected"]).splitlines()


def test_the_explorer_finds_in_200_000_records_what_pandas_finds(
    notebook: Notebook, expected: list[str], measured: Measured
) -> None:
    explorer = Widget(notebook, "flow-explorer", measured)
    rejected, at_443, from_noon = expected[:3]
    with explorer.answering(rejected, "flow explorer, 200,000 records: by verdict"):
        explorer.choose("Verdict", "REJECT")
    with explorer.answering(at_443, "flow explorer, 200,000 records: by port too"):
        explorer.type("Port", "443")
    explorer.press("Show all")
    with explorer.answering(from_noon, "flow explorer, 200,000 records: by time"):
        explorer.type("From", "2025-12-04 12:00")
    with explorer.answering("10.1.0.0/16", "flow explorer, 200,000 records: by a range of addresses too"):
        explorer.type("Address", "10.1.0.0/16")


def test_the_time_is_moved_by_mouse(notebook: Notebook, measured: Measured) -> None:
    explorer = Widget(notebook, "flow-explorer", measured)
    explorer.press("Show all")
    explorer.wait_for(" of ")
    handle = explorer.root.locator(".noUi-handle-upper")
    handle.scroll_into_view_if_needed()
    box, whole = handle.bounding_box(), explorer.root.locator(".noUi-base").bounding_box()
    assert box and whole
    page = explorer.page
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.mouse.down()
    with explorer.answering('["start"] < pd.Timestamp', "flow explorer, 200,000 records: the time, dragged"):
        page.mouse.move(whole["x"] + whole["width"] / 2, box["y"] + box["height"] / 2, steps=3)
    page.mouse.up()


def test_what_is_no_port_is_said_in_a_sentence(notebook: Notebook) -> None:
    explorer = Widget(notebook, "flow-explorer")
    with explorer.answering("'https' is no port"):
        explorer.type("Port", "https")
    explorer.press("Show all")
    assert notebook.failed_cells() == []


def test_the_insights_box_asks_and_marks_the_wrong_word(
    notebook: Notebook, expected: list[str], measured: Measured
) -> None:
    box = Widget(notebook, "insights", measured)
    assert f"REJECT {expected[3]}" in box.root.locator("table").inner_text().replace("\t", " ")
    with box.answering("1 row.", "insights: a query, asked"):
        box.control("Query").fill("stats count(*) as everything")
        box.press("Run query")
    with box.answering("^"):
        box.control("Query").fill("stats cout(*) by action")
        box.press("Run query")
    assert notebook.failed_cells() == []


def test_the_decoder_explains_and_asks(notebook: Notebook, measured: Measured) -> None:
    decoder = Widget(notebook, "record-decoder", measured)
    with decoder.answering("Protocol 1 is ICMP.", "record decoder: another field"):
        decoder.choose("Field", "protocol")
    with decoder.answering("packets:"):
        decoder.control("Word").click()
        decoder.page.keyboard.press("ArrowUp")
    decoder.press("Quiz me")
    decoder.root.get_by_text("the 3rd: eni-").click()
    with decoder.answering("✓", "record decoder: an answer, judged"):
        decoder.press("Check")


def test_a_quiz_is_answered_by_click(notebook: Notebook, measured: Measured) -> None:
    quiz = Widget(notebook, "quiz", measured)
    # The ping of this notebook got through, so both interfaces have seen it.
    with quiz.answering("Right", "quiz: an answer, judged"):
        quiz.root.get_by_text("at both interfaces, ACCEPT").click()


def test_the_browser_complained_of_nothing(notebook: Notebook) -> None:
    assert notebook.problems == []
    assert notebook.abroad == []
