"""A number of a record is decimal digits, whichever way its line is read: fast with others, or by itself.

Source: https://docs.aws.amazon.com/vpc/latest/userguide/flow-log-records.html
"""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from labkit.flowlogs import FIELDS
from labkit.flowlogs.lines import parse

#: Each field of numbers, with its least and its largest value.
RANGES = {
    "version": (2, 99), "srcport": (0, 65535), "dstport": (0, 65535), "protocol": (0, 255), "tcp-flags": (0, 255),
    "traffic-path": (0, 255), "packets": (0, 2**63 - 1), "bytes": (0, 2**63 - 1), "start": (10**9, 10**10 - 1),
    "end": (10**9, 10**10 - 1),
}  # fmt: skip
ODD = [
    "0x1ff", "0X1F", "0x", "0b1", "0o7", "1_000", "1,000", "1e3", "1.0", "+5", "-5", "-0", "--", "5-", "NaN", "nan",
    "Infinity", "inf", "null", "None", "true", "١٢", "５", "²", "1\x00", "\x1f5", "\xa05", "5\x0b", "5\x85", "",
    "2147483647", "2147483648", "4294967296", "4294967298", "9223372036854775807", "9223372036854775808",
    "18446744073709551615", "18446744073709551616", "18446744073709551618", "0" * 30 + "5", "0" * 5000 + "22",
    "9" * 5000,
]  # fmt: skip
words = st.sampled_from(ODD) | st.text("0123456789xXeE+-._aF", max_size=12) | st.integers(0, 2**65).map(str)


def test_every_field_of_numbers_is_here() -> None:
    assert {name for name, field in FIELDS.items() if field.type != "string"} == set(RANGES)


@settings(max_examples=500)
@given(st.sampled_from(sorted(RANGES)), words)
def test_a_number_is_digits_in_its_range_beside_any_line(name: str, word: str) -> None:
    low, high = RANGES[name]
    digits = word.lstrip("0") or "0"
    fits = re.fullmatch("[0-9]+", word) is not None and len(digits) < 20 and low <= int(digits) <= high
    line, other = f"{word} eni-a".encode(), b"no record"
    alone = parse(line, [name, "interface-id"], [name])
    with_another = parse(other + b"\n" + line + b"\n", [name, "interface-id"], [name])
    assert with_another.records.equals(alone.records)
    assert [*with_another.bad] == [1, *([2] if alone.bad else [])]
    if word.encode().split() == [word.encode()] and word != "-":  # a word with white space is two, or none
        assert len(alone.records) == fits, word
    if fits:
        value = alone.records[0].cast("int64")[0].as_py()
        assert value == int(digits)


@pytest.mark.parametrize(
    "text", [b"22\r443\r", b"22\r\n443\n", b"22\n\n443", b"22\n \n443\n", b" 22\n443 ", b"\t22\n443"]
)
def test_lines_end_alike_whichever_way_they_are_read(text: bytes) -> None:
    assert parse(text, ["srcport"], ["srcport"]).records["srcport"].to_pylist() == [22, 443]
    found = parse(text + b"\nx", ["srcport"], ["srcport"])
    assert found.records["srcport"].to_pylist() == [22, 443] and len(found.bad) == 1
