"""The flow explorer shows what matches what is chosen; here without a browser."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from labkit import flowlogs
from labkit.errors import LabError
from labkit.flowlogs.examples import knocks, ping
from labkit.show.widgets import Widgets
from labkit.show.widgets.flow_explorer import _COLUMNS, SHOWN, FlowExplorer

DAY = Path(__file__).parents[3] / "data/nimbus-day/parquet"
NODATA = "2 123456789010 eni-1235b8ca123456789 - - - - - - - 1431280876 1431280934 - NODATA"


@pytest.fixture(scope="module")
def day() -> pd.DataFrame:
    return flowlogs.read(DAY)


@pytest.fixture(scope="module")
def whole(day: pd.DataFrame) -> FlowExplorer:
    return Widgets(None).flow_explorer(day)  # type: ignore[arg-type]


@pytest.fixture
def explorer(whole: FlowExplorer) -> FlowExplorer:
    whole.reset.click()
    return whole


@pytest.fixture
def small() -> FlowExplorer:
    return FlowExplorer(pd.concat([ping, knocks], ignore_index=True))


def text(html: str) -> str:
    return re.sub("<[^>]+>", " ", html)


# On a day of 200,000 records


def test_at_first_everything_is_shown(explorer: FlowExplorer, day: pd.DataFrame) -> None:
    assert "201,178 of 201,178 records match." in explorer.count.value
    assert "4,165 of them say nothing of traffic" in explorer.count.value
    assert len(explorer.found) == len(day)
    assert explorer.records.value.count("<tr>") == SHOWN + 1


def test_rejected_from_outside_at_a_port(explorer: FlowExplorer, day: pd.DataFrame) -> None:
    explorer.verdict.value, explorer.protocol.value, explorer.port.value = "REJECT", 6, "22"
    expected = day[(day.action == "REJECT") & (day.protocol == 6) & ((day.srcport == 22) | (day.dstport == 22))]
    pd.testing.assert_frame_equal(explorer.found, expected)
    assert f"{len(expected):,} of 201,178 records match." in explorer.count.value
    assert "ACCEPT: none." in explorer.when.value and f"REJECT: {len(expected):,}" in explorer.when.value


def test_a_subnet_within_an_hour(explorer: FlowExplorer, day: pd.DataFrame) -> None:
    explorer.since.value, explorer.until.value = "08:00", "2025-12-04 09:00"
    explorer.address.value = "10.1.16.0/24"
    hour = day[(day.start >= pd.Timestamp("2025-12-04 08:00Z")) & (day.start < pd.Timestamp("2025-12-04 09:00Z"))]
    app = hour.srcaddr.str.startswith("10.1.16.").fillna(False) | hour.dstaddr.str.startswith("10.1.16.").fillna(False)
    pd.testing.assert_frame_equal(explorer.found, hour[app.astype(bool)])
    assert explorer.time.value == (pd.Timestamp("2025-12-04 08:00Z"), pd.Timestamp("2025-12-04 09:00Z"))


def test_the_slider_writes_its_ends_beside_it(explorer: FlowExplorer) -> None:
    explorer.time.index = (12, 24)
    assert (explorer.since.value, explorer.until.value) == ("2025-12-04 01:00", "2025-12-04 02:00")
    assert "Records from 2025-12-04 01:00 to 02:00 UTC." in explorer.when.value


def test_the_bars_add_up_to_the_records(explorer: FlowExplorer) -> None:
    explorer.address.value = "10.1.1.10"
    timeline = explorer._timeline()
    counts = explorer.found["action"].value_counts()
    assert timeline and (sum(timeline.accepted), sum(timeline.rejected)) == (counts["ACCEPT"], counts["REJECT"])


def test_the_top_talkers_are_the_questions(explorer: FlowExplorer) -> None:
    explorer.verdict.value = "ACCEPT"
    expected = flowlogs.top_talkers(explorer.found, 10)
    _, _, rows = explorer._top_talkers()
    assert [row[:2] for row in rows] == expected[["srcaddr", "dstaddr"]].values.tolist()
    assert [str(row[3]).replace(",", "") for row in rows] == expected["bytes"].astype(str).tolist()


def test_the_code_finds_the_same(explorer: FlowExplorer, day: pd.DataFrame) -> None:
    explorer.time.index = (100, 120)
    explorer.address.value, explorer.port.value = "10.1.0.0/16", "443"
    names: dict[str, Any] = {"table": day, "flowlogs": flowlogs}
    exec(explorer.code.value, names)
    pd.testing.assert_frame_equal(names["found"], explorer.found)


def test_the_same_choice_shows_the_same_bytes(explorer: FlowExplorer) -> None:
    seen = []
    for _ in range(2):
        explorer.reset.click()
        explorer.verdict.value = "REJECT"
        seen.append((explorer.when.value, explorer.talkers.value, explorer.records.value, str(explorer.still())))
    assert seen[0] == seen[1]


# On a few


def test_its_still_form_is_the_present_answer(small: FlowExplorer) -> None:
    small.verdict.value = "REJECT"
    *lines, head, first, _, _ = str(small.still()).splitlines()
    assert head.split() == list(_COLUMNS)
    assert " ".join(first.split()) == ("2025-12-03 15:05:16 REJECT 20.65.136.10 36333 10.1.15.80 22 6 1 52 eni-1 OK")
    assert lines == [
        "3 of 6 records match.",
        "",
        "Records from 2025-12-03 15:05:10 to 15:15:20 UTC. ACCEPT: none. REJECT: 3, most from 15:05:10 (3).",
        "",
        "Who sent the most bytes to whom (what both ends recorded counts once):",
        "      srcaddr    dstaddr packets bytes",
        "198.51.100.99 10.1.15.80       2   104",
        " 20.65.136.10 10.1.15.80       2   104",
        "",
        "These records:",
    ]


def test_the_protocols_are_those_of_the_table(small: FlowExplorer) -> None:
    assert [label for label, _ in small.protocol.options] == ["any", "ICMP (1)", "TCP (6)"]


# Bad input


def test_garbage_is_refused_and_the_answer_stays(small: FlowExplorer) -> None:
    before = small.records.value
    for control, typed, said in (
        ("address", "10.1.300", "is no address and no CIDR"),
        ("address", "<script>", "&lt;script&gt;"),
        ("port", "ssh", "is no port"),
        ("port", "70000", "70000 is no port"),
        ("port", "-1", "is no port"),
        ("since", "yesterday", "is no time. Write one such as 2025-12-03 15:05"),
        ("until", "2025-12-03 15:00", "That time ends before it begins."),
    ):
        getattr(small, control).value = typed
        assert said in small.problem.value and "<script>" not in small.problem.value
        assert small.records.value == before
        small.reset.click()
        assert small.problem.value == "" and "6 of 6" in small.count.value


def test_an_empty_table() -> None:
    for table in (pd.DataFrame(), ping.iloc[:0], flowlogs.read([])):
        explorer = FlowExplorer(table)
        assert "0 of 0 records match." in explorer.count.value
        assert explorer.time.disabled and "There is no timeline" in str(explorer)
        explorer.reset.click()
        explorer.verdict.value = "ACCEPT" if len(table.columns) else None
        assert len(explorer.found) == 0


def test_a_table_of_nodata_only() -> None:
    explorer = FlowExplorer(flowlogs.read([NODATA, NODATA]))
    assert "2 of them say nothing of traffic" in explorer.count.value
    assert explorer.talkers.value == "" and "ACCEPT: none. REJECT: none." in explorer.when.value
    explorer.address.value = "0.0.0.0/0"
    assert "0 of 2 records match." in explorer.count.value


def test_what_needs_a_missing_column_is_switched_off() -> None:
    explorer = FlowExplorer(ping[["srcaddr", "dstaddr", "bytes"]])
    off = [explorer.time, explorer.since, explorer.until, explorer.verdict, explorer.protocol, explorer.port]
    assert all(control.disabled for control in off) and not explorer.address.disabled
    explorer.address.value = "10.2.0.126"
    assert "3 of 3 records match." in explorer.count.value
    assert "the table has no column start" in text(explorer.when.value)


def test_what_is_no_table_of_records_is_refused() -> None:
    bad: dict[str, Any] = {
        "and not NoneType": None,
        "and not list": ["2 1234 eni-1"],
        "The column start holds no times": ping.assign(start="noon"),
    }
    for said, table in bad.items():
        with pytest.raises(LabError, match=said):
            FlowExplorer(table)


def test_html_in_a_table_is_shown_as_text() -> None:
    explorer = FlowExplorer(ping.assign(srcaddr="<b>me</b>", interface_id="<i>"))
    shown = explorer.records.value + explorer.talkers.value
    assert "<b>me" not in shown and "&lt;b&gt;me&lt;/b&gt;" in shown and "<i>" not in shown


def test_the_table_changes_under_it_and_it_still_answers() -> None:
    table = ping.copy()
    explorer = FlowExplorer(table)
    del table["action"]
    table.loc[0, "srcaddr"] = "10.9.9.9"
    explorer.verdict.value = "ACCEPT"
    assert "3 of 3 records match." in explorer.count.value
    pd.testing.assert_frame_equal(explorer.found, ping)
