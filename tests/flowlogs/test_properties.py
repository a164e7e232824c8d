"""Requests and replies: which records pair up, compared with plain Python, in any order."""

from __future__ import annotations

from typing import Any

import pandas as pd
from hypothesis import given, settings
from hypothesis import strategies as st

from labkit import flowlogs
from labkit.flowlogs import read

T = 1_764_774_000

# Few different values, so that they meet often; several interfaces, each a separate small case: asking costs more
# than the records do.
record = st.tuples(
    st.sampled_from([f"eni-{n}" for n in range(12)]),
    st.sampled_from([(a, b) for a in "123" for b in "123" if a != b]),
    st.sampled_from([("0", "0", "1"), ("40000", "22", "6"), ("22", "40000", "6"), ("40000", "53", "17")]),
    st.integers(1, 9),
    st.integers(0, 300) | st.integers(0, 20_000),
    st.sampled_from([0, 9, 59, 60, 600, 4000]),
    st.sampled_from(["ACCEPT", "ACCEPT", "ACCEPT", "REJECT"]),
)
records = st.lists(record, min_size=1, max_size=90)


def table(found: list[Any]) -> pd.DataFrame:
    return read(
        [
            f"2 123456789012 {eni} 10.0.0.{a} 10.0.0.{b} {sport} {dport} {protocol} {n} {n * 84} "
            f"{T + at} {T + at + for_} {action} OK"
            for eni, (a, b), (sport, dport, protocol), n, at, for_, action in found
        ]
    )


@settings(max_examples=25)
@given(records, st.sampled_from([0, 7, 60, 120, 5000]))
def test_what_was_never_answered_is_what_has_no_mirror_image_in_reach(found: list[Any], patience: int) -> None:
    accepted = [one for one in found if one[6] == "ACCEPT"]
    unanswered: dict[tuple[str, ...], int] = {}
    for eni, (a, b), (sport, dport, protocol), n, at, for_, _ in accepted:
        mirror = eni, (b, a), (dport, sport, protocol)
        if not any(
            other[:3] == mirror and other[4] <= at + for_ + patience and other[4] + other[5] >= at - patience
            for other in accepted
        ):
            key = (eni, f"10.0.0.{a}", f"10.0.0.{b}", sport, dport, protocol)
            unanswered[key] = unanswered.get(key, 0) + n
    answer = flowlogs.accepted_but_never_answered(table(found), patience=f"{patience} seconds")
    assert {
        (r.interface_id, r.srcaddr, r.dstaddr, str(r.srcport), str(r.dstport), str(r.protocol)): r.packets
        for r in answer.itertuples()
    } == unanswered


@settings(max_examples=6)
@given(records, st.randoms())
def test_answers_do_not_depend_on_the_order_of_the_records(found: list[Any], random: Any) -> None:
    shuffled = list(found)
    random.shuffle(shuffled)
    for question in (flowlogs.accepted_but_never_answered, flowlogs.top_talkers):
        pd.testing.assert_frame_equal(question(table(found)), question(table(shuffled)))
