"""A rule says of a whole column what it says of each word in it. Only numbers above 255 in IPv4 addresses may pass."""

from __future__ import annotations

from collections.abc import Sequence

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from labkit.flowlogs.validation import RULES, Text, Whole, fits

WORDS = [
    *("ACCEPT", "REJECT", "ACCECT", "REJEPT", "ACCEP", "OK", "NODATA", "SKIPDATA", "OK ", "ingress", "egress"),
    *("123456789012", "12345678901x", "١٢٣٤٥٦٧٨٩٠١٢", "unknown", "eni-0123456789abcdef0", "eni-0123456789abcdéf0"),
    *("eni-", "eni-1", "eny-0123456789abcdef0", "i-1", "x-1", "10.1.15.80", "10.1.15", "10.1.15.80.1", "2001:db8::1"),
    *("10.1.15.8/", "1./2.3.4", "........", "IPv4", "IPv6", "EFA", "vpc-1", "subnet-1"),
]
columns = st.lists(st.sampled_from(WORDS) | st.none(), max_size=6).map(lambda words: words * 3)
worded = pytest.mark.parametrize("name", [name for name, rule in RULES.items() if not isinstance(rule, Whole)])


def fit(name: str, words: Sequence[str | None]) -> bool:
    return all(word is None or RULES[name].fits(word) for word in words)


@worded
@given(columns)
def test_a_column_fits_when_each_of_its_words_does(name: str, words: list[str | None]) -> None:
    assert fits(pa.table({"words": pa.array(words, pa.string())}), [name]) == fit(name, words)


@worded
@given(columns, columns)
def test_it_does_in_two_chunks_and_in_a_part_of_a_column_too(
    name: str, some: list[str | None], others: list[str | None]
) -> None:
    column = pa.chunked_array([pa.array([*some, *others], pa.string())[len(some) :], pa.array(some, pa.string())])
    assert fits(pa.table({"words": column}), [name]) == fit(name, [*some, *others])


@pytest.mark.parametrize("name", [name for name, rule in RULES.items() if isinstance(rule, Whole)])
@given(st.lists(st.none() | st.integers(0, 10**10) | st.integers(0, 300), max_size=6))
def test_a_column_of_numbers_fits_when_each_of_them_does(name: str, numbers: list[int | None]) -> None:
    column = pa.array(numbers, pa.int64())
    assert fits(pa.table({"numbers": column}), [name]) == fit(name, [None if n is None else str(n) for n in numbers])


@given(st.lists(st.tuples(st.none() | st.integers(0, 9), st.none() | st.integers(0, 9)), max_size=6))
def test_no_more_packets_than_bytes(pairs: list[tuple[int | None, int | None]]) -> None:
    packets, size = (pa.array([pair[at] for pair in pairs], pa.int64()) for at in (0, 1))
    table = pa.table({"packets": packets, "bytes": size})
    assert fits(table, ["packets", "bytes"]) == all(None in pair or pair[0] <= pair[1] for pair in pairs)


def test_the_words_that_the_rules_are_tried_with_fit_some_and_do_not_fit_others() -> None:
    for rule in RULES.values():
        if not isinstance(rule, Whole | Text):
            assert {rule.fits(word) for word in WORDS} == {True, False}, rule.what
