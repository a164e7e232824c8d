"""Selections of records: the same rows as a look at each one, and as the pandas code that they show."""

from __future__ import annotations

from datetime import UTC, datetime
from ipaddress import ip_address, ip_network
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from labkit import flowlogs
from labkit.flowlogs.examples import knocks, ping
from labkit.flowlogs.selection import Columns, Selection
from tests.flowlogs.aws_examples import NODATA

DAY = Path(__file__).parents[2] / "data/nimbus-day/parquet"
IPV6 = "2 123456789010 eni-1 2001:db8:1:a100::1 2001:db8:1:a102::2 34892 22 6 54 8855 1477913708 1477913820 ACCEPT OK"

QUESTIONS: list[dict[str, Any]] = [
    {},
    {"action": "REJECT"},
    {"protocol": 1},
    {"port": 443},
    {"port": 0},
    {"address": "10.1.15.80"},
    {"address": "10.1.0.0/16"},
    {"address": "10.1.32.5/30", "protocol": 6},
    {"address": "192.0.2.0/24", "action": "ACCEPT", "port": 443},
    {"address": "2001:db8::/32"},
    {"since": datetime(2025, 12, 4, 8, tzinfo=UTC)},
    {"until": datetime(2025, 12, 4, 0, 0, 30, tzinfo=UTC)},
    {"since": datetime(2025, 12, 4, 12, tzinfo=UTC), "until": datetime(2025, 12, 4, 13, tzinfo=UTC), "port": 22},
    {"address": "203.0.113.250", "port": 1},
]  # fmt: skip


@pytest.fixture(scope="module")
def day() -> pd.DataFrame:
    table = flowlogs.read(DAY)
    # Every hundredth record, and the first minutes, are enough to tell right from wrong.
    return table.iloc[np.r_[0:3000, 3000 : len(table) : 100]].reset_index(drop=True)


def select(table: pd.DataFrame, **wanted: Any) -> pd.DataFrame:
    return table[Columns(table).mask(Selection(**wanted))]


def holds(row: dict[str, Any], name: str, value: Any) -> bool:
    """Return whether one condition holds for one record."""
    if name in ("since", "until"):
        return bool(row["start"] >= value if name == "since" else row["start"] < value)
    if name == "address":
        ends = [row["srcaddr"], row["dstaddr"]]
        return any(pd.notna(end) and ip_address(end) in ip_network(value, strict=False) for end in ends)
    if name == "port":
        return any(pd.notna(port) and port == value for port in (row["srcport"], row["dstport"]))
    return bool(pd.notna(row[name]) and row[name] == value)


def test_each_choice_is_what_row_by_row_its_pandas_code_and_the_question_give(day: pd.DataFrame) -> None:
    rows = day.astype(object).to_dict("records")
    columns = Columns(day)
    for wanted in QUESTIONS:
        selection = Selection(**wanted)
        mask = columns.mask(selection)
        one_by_one = [at for at, row in enumerate(rows) if all(holds(row, *each) for each in wanted.items())]
        assert np.flatnonzero(mask).tolist() == one_by_one, wanted
        names: dict[str, Any] = {"table": day, "pd": pd}
        exec(selection.pandas(), names)
        pd.testing.assert_frame_equal(names["found"], day[mask])
        expected = flowlogs.top_talkers(day[mask], 7)
        assert columns.top_talkers(mask, 7) == [*expected.itertuples(index=False, name=None)], wanted


def test_what_both_ends_recorded_counts_once() -> None:
    both = pd.concat([ping, ping.assign(interface_id="eni-2")], ignore_index=True)
    assert Columns(both).top_talkers(np.ones(len(both), bool), 1) == [("10.1.15.80", "10.2.0.126", 10, 840)]


def test_ipv6_and_records_without_a_flow() -> None:
    table = flowlogs.read([IPV6, NODATA])
    found = {"2001:db8:1:a102::/64": 1, "::1": 0, "0.0.0.0/0": 0}
    assert {address: len(select(table, address=address)) for address in found} == found
    assert len(select(table)) == 2 and len(select(table, action="ACCEPT")) == 1


def test_a_table_of_plain_pandas_types() -> None:
    since = datetime(2025, 12, 3, 15, tzinfo=UTC)
    for dtype in ("datetime64[ns, UTC]", "datetime64[s, UTC]"):
        plain = pd.DataFrame({name: knocks[name].tolist() for name in knocks}).astype({"start": dtype})
        assert len(select(plain, since=since, port=22, address="20.65.136.10")) == 1
        assert len(select(plain, until=since)) == 0


def test_what_makes_no_sense_is_refused_and_named() -> None:
    for make, said in {
        lambda: Selection(address="10.1.300.1"): "'10.1.300.1' is no address and no CIDR",
        lambda: Selection(address="<b>"): "'<b>' is no address and no CIDR",
        lambda: Selection(port=65536): "65536 is no port: it is a whole number from 0 to 65535",
        lambda: Columns(ping.assign(start=[1, 2, 3])): "The column start holds no times, but int64",
        lambda: Columns(ping.assign(bytes=["many"] * 3)): "The column bytes holds something that is no number",
    }.items():
        with pytest.raises(flowlogs.QuestionError, match=said):
            make()


def test_an_empty_table() -> None:
    for table in (pd.DataFrame(), ping.iloc[:0], flowlogs.read([])):
        columns = Columns(table)
        mask = columns.mask(Selection())
        assert len(mask) == 0 and columns.top_talkers(mask, 3) == []
