"""Whatever is asked, the answer is rows or QueryError; and what is counted is what pandas counts."""

from __future__ import annotations

import random

import pandas as pd
from hypothesis import given, settings
from hypothesis import strategies as st

from labkit import insights
from labkit.insights.functions import AGGREGATES, FUNCTIONS
from tests.insights.flows import events, rows
from tests.insights.test_commands import one
from tests.insights.test_samples import SAMPLES

FUNCTION_NAMES = [each.name for each in (*FUNCTIONS.values(), *AGGREGATES.values())]
WORDS = """
fields display filter where filterIndex parse stats by sort order limit head dedup SOURCE as asc desc and or not in like
=~ true | | | | , , , ( ) [ ] : + - * / ^ % = != < > <= >= # @timestamp @message @ptr srcAddr dstAddr srcPort bytes
action logStatus nosuch `a` ` 0 1 17 100000 1e5 .5 9999999999999999999999 5m 1h 300s 2mo 1q 99999y
"""
TOKENS = [
    *WORDS.split(),
    "\n",
    *("'10.2.'", '"REJECT"', '"80"', '""', '"* *"', "'", '"', "/10\\.(?<x>.)/", "/(/", "/(?=a)/", "é", "\0", "{", "}"),
    *(f"{name}(" for name in FUNCTION_NAMES),
]


def answered(text: str) -> None:
    """Run a query: rows, or a QueryError that points into it."""
    try:
        insights.run(events().slice(0, 60), text)
    except insights.QueryError as error:
        assert 0 <= error.start <= error.end <= len(text)
        assert error.message.strip()
        assert insights.explain_error(text, error)


@settings(max_examples=150, deadline=None)
@given(st.lists(st.sampled_from(TOKENS), max_size=18))
def test_a_soup_of_tokens(tokens: list[str]) -> None:
    answered(" ".join(tokens))


@settings(max_examples=150, deadline=None)
@given(st.text(max_size=60))
def test_any_text_after_a_command(text: str) -> None:
    answered(f"fields {text}")


@settings(max_examples=150, deadline=None)
@given(st.sampled_from(list(SAMPLES)), st.integers(0, 10**6), st.integers(1, 3))
def test_a_sample_with_words_changed(sample: str, seed: int, changes: int) -> None:
    chance = random.Random(seed)
    words = sample.split(" ")
    for _ in range(changes):
        place = chance.randrange(len(words))
        what = chance.choice(["drop", "double", "swap", "replace", "insert", "cut"])
        if what == "drop":
            words[place : place + 1] = []
        elif what == "double":
            words.insert(place, words[place])
        elif what == "swap":
            other = chance.randrange(len(words))
            words[place], words[other] = words[other], words[place]
        elif what == "replace":
            words[place] = chance.choice(TOKENS)
        elif what == "insert":
            words.insert(place, chance.choice(TOKENS))
        else:
            words[place] = words[place][: chance.randrange(len(words[place]) + 1)]
        words = words or [""]
    answered(" ".join(words))


ATOMS = st.sampled_from(["srcAddr", "bytes", "@timestamp", "action", "nosuch", "1", "0.5", '"10"', '"x"', "true", "5m"])


def calls(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    names = st.sampled_from([each.name for each in FUNCTIONS.values()])
    operators = st.sampled_from(["+", "-", "*", "/", "^", "%", "=", "!=", "<", ">", "<=", ">=", "and", "or"])
    return st.one_of(
        st.builds(lambda name, args: f"{name}({', '.join(args)})", names, st.lists(inner, max_size=3)),
        st.builds(lambda a, o, b: f"({a} {o} {b})", inner, operators, inner),
        st.builds(lambda a, b: f"({a} in [{b}, 1])", inner, inner),
        st.builds(lambda a: f"(not {a})", inner),
        st.builds(lambda a: f"-{a}", inner),
    )


@settings(max_examples=120, deadline=None)
@given(st.recursive(ATOMS, calls, max_leaves=8))
def test_any_expression_of_any_kinds(expression: str) -> None:
    answered(f"fields {expression} as x | sort x")
    answered(f"stats max(bytes), count({expression}), min({expression}) by {expression} as k")


TABLES = st.lists(
    st.tuples(
        st.sampled_from(["10.1.15.80", "10.2.0.126", "192.0.2.1", None]),
        st.one_of(st.none(), st.integers(-(10**6), 10**6)),
    ),
    max_size=30,
)


@settings(max_examples=60, deadline=None)
@given(TABLES, st.integers(-(10**6), 10**6))
def test_filtered_counts_and_sums_are_those_of_pandas(records: list[tuple[str | None, int | None]], limit: int) -> None:
    frame = pd.DataFrame(records, columns=["srcAddr", "bytes"]).astype({"srcAddr": "string", "bytes": "Int64"})
    kept = frame[(frame["bytes"] > limit).fillna(False)]
    groups = kept.groupby("srcAddr", dropna=False)["bytes"]
    expected = {(None if pd.isna(key) else key): (len(group), int(group.sum())) for key, group in groups}
    found = rows(f"filter bytes > {limit} | stats count(*), sum(bytes) by srcAddr", frame)
    assert {key: (count, total) for key, count, total in found} == expected


def naturally(word: str) -> tuple[object, ...]:
    """AWS's rule, written once more in Python, for words without the sign of a number."""
    if word.isdigit():
        return (1, int(word), word)
    chunks: list[object] = []
    place = 0
    while place < len(word):
        end = place
        while end < len(word) and word[end].isdigit():
            end += 1
        run = word[place:end]
        chunks.append((ord("0"), len(run), run) if run else (ord(word[place]), 0, ""))
        place = end if run else place + 1
    return (0, chunks, word)


@settings(max_examples=100, deadline=None)
@given(st.lists(st.text("abA10.:#", max_size=6).filter(lambda each: each.strip(".0123456789") or each.isdigit())))
def test_natural_order_is_a_total_order_as_the_rule_says(words: list[str]) -> None:
    """https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/CWL_QuerySyntax-Sort.html"""
    import pyarrow as pa

    table = one(a=pa.array(words, pa.string()))
    assert [word for (word,) in rows("sort a", table)] == sorted(words, key=naturally)
