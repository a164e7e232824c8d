"""Aggregation windows: one record a flow, direction, interface and window; no packet lost or counted twice.

https://docs.aws.amazon.com/vpc/latest/userguide/flow-logs-basics.html
"""

from __future__ import annotations

from dataclasses import astuple

from hypothesis import given
from hypothesis import strategies as st

from labkit.embedded.dataplane.capture import Capture
from labkit.network import Sighting, echo_request, tcp

OUT = echo_request("10.1.15.80", "10.2.0.126")


def sighting(interface: str = "eni-1", direction: str = "egress", action: str = "ACCEPT") -> Sighting:
    packet = OUT if direction == "egress" else OUT.reply()
    return Sighting(interface, direction, action, packet, packet, "pcx-1" if direction == "egress" else None)


def test_one_flow_in_one_window_is_one_count() -> None:
    capture = Capture(60)
    for at in (100.0, 101.0, 102.5):
        capture.see(sighting(), at, 84)
    (window,) = capture.close(1000, present=[])
    ((flow, count),) = window.flows
    assert (flow.direction, flow.action) == ("egress", "ACCEPT")
    assert (count.packets, count.bytes) == (3, 252)


def test_directions_and_verdicts_are_flows_of_their_own() -> None:
    capture = Capture(60)
    for each in (sighting(), sighting(direction="ingress"), sighting(action="REJECT")):
        capture.see(each, 100.0, 84)
    (window,) = capture.close(1000, present=[])
    assert len(window.flows) == 3


def test_tcp_flags_are_ored() -> None:
    """https://docs.aws.amazon.com/vpc/latest/userguide/flow-log-records.html (tcp-flags)"""
    capture = Capture(60)
    for flags in (2, 0, 1):
        capture.see(sighting(), 100.0, 40, flags)
    (window,) = capture.close(1000, present=[])
    assert window.flows[0][1].tcp_flags == 3


def test_a_window_stays_open_until_it_has_ended() -> None:
    capture = Capture(60)
    capture.see(sighting(), 100.0, 84)
    end = capture.end_of_window("eni-1", 100.0)
    assert list(capture.close(end - 1, present=["eni-1"])) == []
    assert [window.end for window in capture.close(end, present=["eni-1"])] == [end]


def test_a_watched_interface_yields_a_window_even_if_it_was_silent() -> None:
    capture = Capture(60)
    capture.watch("eni-1", 0.0)
    windows = list(capture.close(600, present=["eni-1"]))
    assert len(windows) in (9, 10) and all(window.flows == () for window in windows)
    assert list(capture.close(600, present=["eni-1"])) == []


def test_an_interface_that_is_gone_yields_no_silence() -> None:
    capture = Capture(60)
    capture.watch("eni-1", 0.0)
    assert list(capture.close(600, present=[])) == []


events = st.tuples(
    st.sampled_from(["eni-a", "eni-b", "eni-c"]), st.sampled_from(["egress", "ingress"]), st.integers(28, 9001)
)


@given(
    st.lists(st.tuples(st.floats(0, 200), events), max_size=60),
    st.lists(st.floats(0, 400), max_size=6),
    st.sampled_from([60, 600]),
)
def test_no_packet_is_lost_or_counted_twice(
    steps: list[tuple[float, tuple[str, str, int]]], closings: list[float], interval: int
) -> None:
    """Over any sequence of packets and closings, in order of time, the sums of the records are the sums of the
    packets.
    """
    capture = Capture(interval)
    timeline: list[tuple[float, tuple[str, str, int] | None]] = []
    now = 0.0
    for gap, event in steps:
        now += gap
        timeline.append((now, event))
    timeline += [(at, None) for at in closings]
    seen: dict[tuple[str, str], tuple[int, int]] = {}
    recorded: dict[tuple[str, str], tuple[int, int]] = {}
    windows = []
    for at, event in sorted(timeline, key=lambda each: each[0]):
        if event is None:
            windows += list(capture.close(at, present=["eni-a"]))
        else:
            interface, direction, length = event
            capture.see(sighting(interface, direction), at, length)
            packets, total = seen.get((interface, direction), (0, 0))
            seen[interface, direction] = (packets + 1, total + length)
    windows += list(capture.close(now + 2 * interval + 400, present=[]))
    for window in windows:
        for flow, count in window.flows:
            packets, total = recorded.get((flow.interface, flow.direction), (0, 0))
            recorded[flow.interface, flow.direction] = (packets + count.packets, total + count.bytes)
    assert recorded == seen
    assert len({(window.interface, window.start) for window in windows}) == len(windows)


@given(
    st.lists(st.tuples(st.floats(0, 90), st.floats(0, 130), events), max_size=30),
    st.lists(st.floats(0, 2000), max_size=8),
    st.sampled_from([60, 600]),
)
def test_it_does_not_matter_when_windows_are_closed(
    steps: list[tuple[float, float, tuple[str, str, int]]], closings: list[float], interval: int
) -> None:
    """Closed at any moments, or once at the end: the same windows, in the same order. An answer is counted at once for
    the moment at which it will be there, which may lie in a later window.
    """
    timeline: list[tuple[float, float, tuple[str, str, int] | None]] = [(at, 0.0, None) for at in closings]
    now = 0.0
    for gap, delay, event in steps:
        now += gap
        timeline.append((now, delay, event))
    last = max([now + 130, *closings]) + 2 * interval
    found = []
    for close_on_the_way in (True, False):
        capture = Capture(interval)
        capture.watch("eni-a", 0.0)
        windows = []
        for at, delay, event in sorted(timeline, key=lambda each: each[0]):
            if event is not None:
                interface, direction, length = event
                capture.see(sighting(interface, direction), at + delay, length)
            elif close_on_the_way:
                windows += list(capture.close(at, present=["eni-a"]))
        windows += list(capture.close(last, present=["eni-a"]))
        found.append([(w.interface, w.start, w.end, [(f, astuple(count)) for f, count in w.flows]) for w in windows])
    assert found[0] == found[1]


def test_a_long_connections_flags_are_2_and_18_then_0_then_1_and_1() -> None:
    """SYN and SYN-ACK in the interval in which it opens, FIN in that in which it closes, none in between.

    https://docs.aws.amazon.com/vpc/latest/userguide/flow-logs-records-examples.html
    """
    capture = Capture(60)
    request = tcp("52.213.180.42", "10.0.0.62", 5001, 43418)
    begin = capture.end_of_window("eni-1", 0.0)
    segments = [("ingress", 2), ("egress", 18), ("ingress", 0), ("egress", 0), ("ingress", 1), ("egress", 1)]
    for minute in range(3):
        for direction, flags in (*segments[2 * minute : 2 * minute + 2], ("ingress", 0), ("egress", 0)):
            packet = request if direction == "ingress" else request.reply()
            capture.see(Sighting("eni-1", direction, "ACCEPT", packet, packet), begin + 60 * minute + 1, 52, flags)
    found = [
        {flow.direction: count.tcp_flags for flow, count in window.flows}
        for window in capture.close(begin + 600, present=[])
    ]
    assert found == [{"ingress": 2, "egress": 18}, {"ingress": 0, "egress": 0}, {"ingress": 1, "egress": 1}]
