"""Bytes and packets are kept from the packet to the record, to the table, to Logs Insights and to top_talkers."""

from __future__ import annotations

from collections import Counter

from hypothesis import given, settings
from hypothesis import strategies as st

from labkit import flowlogs, insights
from labkit.embedded.dataplane.capture import Capture
from labkit.embedded.dataplane.flow_log_records import lines
from labkit.embedded.dataplane.flow_logs import FlowLog
from labkit.flowlogs.fields import DEFAULT_FORMAT
from labkit.flowlogs.format import Format
from labkit.insights import event_table
from labkit.network import Sighting, echo_request, tcp, udp

FLOW_LOG = FlowLog("fl-1", "vpc-1", "ALL", 60, Format.parse(DEFAULT_FORMAT), "g", "arn:aws:iam::1:role/r")
ADDRESSES = ["10.1.15.80", "10.2.0.126", "8.8.8.8"]
T = 1_764_774_000
ACCOUNT = "123456789012"

packets = st.tuples(
    st.floats(0, 200),  # seconds after T
    st.sampled_from(["eni-a", "eni-b"]),
    st.sampled_from(["egress", "ingress"]),
    st.sampled_from(["ACCEPT", "REJECT"]),
    st.sampled_from([(a, b) for a in ADDRESSES for b in ADDRESSES if a != b]),
    st.sampled_from([1, 6, 17]),
    st.integers(1, 3),  # port
    st.integers(28, 2**40),  # bytes: more than a 32-bit number holds
)
sent_packets = st.lists(packets, min_size=1, max_size=40)
closings = st.lists(st.floats(0, 500), max_size=4)


@settings(max_examples=15)
@given(sent_packets, closings)
def test_sums_are_kept_all_the_way(
    sent: list[tuple[float, str, str, str, tuple[str, str], int, int, int]], closings: list[float]
) -> None:
    capture = Capture(60)
    text: list[str] = []
    times: list[int] = []
    seen: Counter[tuple[str, str, str]] = Counter()
    number: Counter[tuple[str, str]] = Counter()
    timeline = [(at, None) for at in closings] + [(one[0], one) for one in sent]
    for at, one in [*sorted(timeline, key=lambda each: each[0]), (2000.0, None)]:
        if one is None:
            for window in capture.close(T + at, present=["eni-a"]):
                text += lines(window, FLOW_LOG, {"account-id": ACCOUNT, "interface-id": window.interface})
                times += [window.start * 1000] * (len(text) - len(times))
            continue
        _, interface, direction, action, (source, target), protocol, port, length = one
        make = {6: tcp, 17: udp}.get(protocol)
        packet = make(source, target, port) if make else echo_request(source, target)
        capture.see(Sighting(interface, direction, action, packet, packet), T + at, length)
        seen[interface, source, target] += length
        number[source, target] += 1
    pairs: Counter[tuple[str, str]] = Counter()
    for (_, source, target), length in seen.items():
        pairs[source, target] += length
    most = {pair: max(n for (_, *ends), n in seen.items() if tuple(ends) == pair) for pair in pairs}

    table = flowlogs.read(text, format=DEFAULT_FORMAT)
    assert table["bytes"].sum() == sum(pairs.values())
    assert table["packets"].sum() == len(sent)

    events = event_table(text, times, times, ["eni-all"] * len(text), range(len(text)), log=f"{ACCOUNT}:g")
    query = 'filter logStatus = "OK" | stats sum(bytes) as b, sum(packets) as p by srcAddr, dstAddr'
    answer = insights.query(events, query)
    assert {(r.srcAddr, r.dstAddr): (r.b, r.p) for r in answer.itertuples()} == {
        pair: (length, number[pair]) for pair, length in pairs.items()
    }
    (row,) = insights.run(events, "filter ispresent(bytes) | stats sum(bytes) as b").rows
    assert row == [("b", str(sum(pairs.values())))]

    for each_side, expected in ((True, dict(pairs)), (False, most)):
        top = flowlogs.top_talkers(table, n=100, each_side=each_side)
        assert {(r.srcaddr, r.dstaddr): r.bytes for r in top.itertuples()} == expected
