"""read(write(x)) = x, for any format in any order and any legal values of its fields."""

from __future__ import annotations

import ipaddress
import re
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from labkit.flowlogs import FIELDS, FlowLogFormatError, Format, read, scan, write
from labkit.flowlogs.writing import s3_key

VALUES: dict[str, st.SearchStrategy[object]] = {
    "version": st.integers(2, 11),
    "account-id": st.from_regex(r"[0-9]{12}", fullmatch=True) | st.just("unknown"),
    "protocol": st.integers(0, 255),
    "tcp-flags": st.integers(0, 63),
    "traffic-path": st.integers(1, 8),
    "action": st.sampled_from(["ACCEPT", "REJECT"]),
    "log-status": st.sampled_from(["OK", "NODATA", "SKIPDATA"]),
    "type": st.sampled_from(["IPv4", "IPv6", "EFA"]),
    "flow-direction": st.sampled_from(["ingress", "egress"]),
    "packets": st.integers(0, 2**31),
    "bytes": st.integers(2**31, 2**63 - 1),
    "start": st.integers(1_400_000_000, 1_800_000_000),
    "end": st.integers(1_800_000_000, 2_000_000_000),
}
ADDRESSES = st.ip_addresses().map(str)
PREFIXES = {"instance-id": "i", "interface-id": "eni", "subnet-id": "subnet", "vpc-id": "vpc"}
# '-' is null in text; any other word of printable characters may be the value of a tag, say.
WORDS = st.text(
    st.characters(min_codepoint=33, max_codepoint=0x2FF, categories=["L", "N", "P", "S"]), min_size=1
).filter(lambda word: word != "-" and word.split() == [word])


def value(name: str) -> st.SearchStrategy[object]:
    short = name.removeprefix("next-hop-")
    if short in PREFIXES:
        return st.from_regex(rf"{PREFIXES[short]}-[0-9a-f]{{17}}", fullmatch=True)
    if name.endswith("addr"):
        return ADDRESSES
    if name.endswith("port"):
        return st.integers(0, 65535)
    return VALUES.get(name, WORDS)


@st.composite
def records(draw: Callable[[Any], Any], at_least: tuple[str, ...] = ()) -> tuple[Format, list[str]]:
    some = draw(st.lists(st.sampled_from(sorted(FIELDS)), min_size=2, unique=True))
    form = Format(tuple(dict.fromkeys([*some, *at_least])))
    rows = draw(st.lists(st.fixed_dictionaries({name: st.none() | value(name) for name in form.names}), max_size=5))
    return form, [form.line(row) for row in rows]


@settings(max_examples=150, deadline=None)
@given(records())
def test_every_word_of_every_line_arrives_in_its_column(given: tuple[Format, list[str]]) -> None:
    form, lines = given
    table = read(lines, format=form)
    assert tuple(table.columns) == form.columns
    words = [line.split(" ") for line in lines]
    for at, (name, column) in enumerate(zip(form.names, form.columns, strict=True)):
        found = [None if pd.isna(item) else item for item in table[column]]
        if name in ("start", "end"):
            found = [item and int(item.timestamp()) for item in found]
        assert ["-" if item is None else str(item) for item in found] == [line[at] for line in words]


@settings(max_examples=60, deadline=None)
@given(records())
def test_files_give_the_table_back_and_are_the_same_each_time(given: tuple[Format, list[str]]) -> None:
    form, lines = given
    table = read(lines, format=form)
    with tempfile.TemporaryDirectory() as folder:
        for name in ("a.log", "a.log.gz", "a.parquet"):
            for path in (Path(folder, name), Path(folder, f"again-{name}")):
                write(table, path)
            pd.testing.assert_frame_equal(read(path), table)
            assert path.read_bytes() == Path(folder, name).read_bytes()
        write(table, Path(folder, "bare.log"), header=False)
        pd.testing.assert_frame_equal(read(Path(folder, "bare.log"), format=form), table)


@settings(max_examples=40, deadline=None)
@given(records(at_least=("start",)), st.booleans(), st.sampled_from(["log.gz", "log.parquet"]))
def test_s3s_layout_gives_the_table_back_by_day(given: tuple[Format, list[str]], hive: bool, kind: Any) -> None:
    # https://docs.aws.amazon.com/vpc/latest/userguide/flow-logs-s3-path.html
    form, lines = given
    table = read(lines, format=form)
    table = table[table["start"].notna()]
    with tempfile.TemporaryDirectory() as folder:
        for day, rows in table.groupby(table["start"].dt.floor("D")):
            path = Path(folder, s3_key("000000000012", "us-east-1", "fl-0", day, hive, kind))
            assert re.fullmatch(r"000000000012_vpcflowlogs_us-east-1_fl-0_\d{8}T0000Z_[0-9a-f]{8}\." + kind, path.name)
            path.parent.mkdir(parents=True)
            write(rows, path)
        if not len(table):
            return
        found = read(folder)
    days = table["start"].dt.floor("D")
    expected = table.loc[days.sort_values(kind="stable").index].reset_index(drop=True)
    pd.testing.assert_frame_equal(found[list(form.columns)], expected)
    assert set(found["account"]) == {"000000000012"}
    assert [f"{day:%Y%m%d}" for day in found["day"]] == [f"{time:%Y%m%d}" for time in expected["start"]]


@settings(max_examples=60, deadline=None)
@given(records(), st.text(max_size=30))
def test_any_other_line_is_reported_or_was_legal(given: tuple[Format, list[str]], line: str) -> None:
    form, lines = given
    lines = [*lines, line.replace("\n", "").replace("\r", "")]
    header = " ".join(form.names)
    try:
        table = read([header, *lines], errors="report")
    except FlowLogFormatError:  # the only line there is, of another usual format
        return
    left_out = len(table.attrs["errors"])
    assert len(table) + left_out == sum(bool(one.encode(errors="replace").split()) for one in lines if one != header)


def test_parquet_has_awss_types_and_times_in_seconds(tmp_path: Path) -> None:
    write(read(["start srcport bytes", "1764774316 0 84"]), tmp_path / "a.parquet")
    assert [str(field.type) for field in pq.read_schema(tmp_path / "a.parquet")] == ["int64", "int32", "int64"]


def test_what_can_not_be_text_is_refused(tmp_path: Path) -> None:
    table = read(["srcaddr", "10.1.15.80"])
    with pytest.raises(ValueError, match="name holds texts that aren't one word"):
        write(table.assign(name=pd.Series(["web server"], dtype="string[pyarrow]")), tmp_path / "a.log")
    with pytest.raises(ValueError, match="size is no field"):
        write(table.assign(size=pd.Series([1.5], dtype="double[pyarrow]")), tmp_path / "a.log")


@given(st.lists(ADDRESSES, min_size=1, max_size=20))
def test_an_address_column_is_checked_as_a_whole_as_it_is_word_by_word(addresses: list[str]) -> None:
    assert [ipaddress.ip_address(word) for word in read(["srcaddr", *addresses])["srcaddr"]]
    with pytest.raises(FlowLogFormatError):
        read(["srcaddr", *addresses, "443"])
    assert sum(batch.num_rows for batch in scan(["srcaddr", *addresses])) == len(addresses)
