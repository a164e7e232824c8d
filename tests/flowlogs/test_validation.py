"""A rule says of a whole column what it says of each word in it. Only numbers above 255 in IPv4 addresses may pass."""

from __future__ import annotations

from collections.abc import Sequence

import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from labkit.flowlogs import FIELDS
from labkit.flowlogs.validation import RULES, fits

WORDS = [
    *("ACCEPT", "REJECT", "ACCECT", "REJEPT", "ACCEP", "OK", "NODATA", "SKIPDATA", "OK ", "ingress", "egress"),
    *("123456789012", "12345678901x", "١٢٣٤٥٦٧٨٩٠١٢", "unknown", "eni-0123456789abcdef0", "eni-0123456789abcdéf0"),
    *("eni-", "eni-1", "eny-0123456789abcdef0", "i-1", "x-1", "10.1.15.80", "10.1.15", "10.1.15.80.1", "2001:db8::1"),
    *("10.1.15.8/", "1./2.3.4", "........", "IPv4", "IPv6", "EFA", "vpc-1", "subnet-1"),
]
columns = st.lists(st.sampled_from(WORDS) | st.none(), max_size=6).map(lambda words: words * 3)
words = st.sampled_from([name for name, field in FIELDS.items() if field.type == "string"])
numbers = st.sampled_from([name for name, field in FIELDS.items() if field.type != "string"])
whole_numbers = st.none() | st.integers(0, 10**10) | st.integers(0, 300)


def fit(name: str, words: Sequence[str | None]) -> bool:
    return all(word is None or RULES[name].fits(word) for word in words)


@settings(max_examples=1000)
@given(words, columns, columns)
def test_a_column_fits_when_each_of_its_words_does(name: str, some: list[str | None], others: list[str | None]) -> None:
    """In one chunk, in two, and in a part of a column."""
    assert fits(pa.table({"words": pa.array(some, pa.string())}), [name]) == fit(name, some)
    column = pa.chunked_array([pa.array([*some, *others], pa.string())[len(some) :], pa.array(some, pa.string())])
    assert fits(pa.table({"words": column}), [name]) == fit(name, [*some, *others])


@settings(max_examples=500)
@given(numbers, st.lists(whole_numbers, max_size=6))
def test_a_column_of_numbers_fits_when_each_of_them_does(name: str, numbers: list[int | None]) -> None:
    column = pa.array(numbers, pa.int64())
    assert fits(pa.table({"numbers": column}), [name]) == fit(name, [None if n is None else str(n) for n in numbers])


@given(st.lists(st.tuples(st.none() | st.integers(0, 9), st.none() | st.integers(0, 9)), max_size=6))
def test_no_more_packets_than_bytes(pairs: list[tuple[int | None, int | None]]) -> None:
    packets, size = (pa.array([pair[at] for pair in pairs], pa.int64()) for at in (0, 1))
    table = pa.table({"packets": packets, "bytes": size})
    assert fits(table, ["packets", "bytes"]) == all(None in pair or pair[0] <= pair[1] for pair in pairs)


def test_the_words_that_the_rules_are_tried_with_fit_some_and_do_not_fit_others() -> None:
    for name, rule in RULES.items():
        if FIELDS[name].type == "string" and rule.what != "a word":
            assert {rule.fits(word) for word in WORDS} == {True, False}, rule.what
