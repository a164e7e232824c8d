"""`ping` as iputils 20210202 prints it: https://github.com/iputils/iputils/blob/20210202/ping/ping_common.c."""

from __future__ import annotations

import re
from itertools import pairwise

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

PEER = "10.2.0.126"
#: The original lab's 23 times over its peering connection, as ping printed them.
MEASURED = [
    *("0.747", "0.475", "1.17", "0.557", "0.438", "0.532", "0.459", "0.501", "0.504", "0.499", "0.502", "0.531"),
    *("0.470", "0.459", "0.512", "0.567", "0.506", "0.469", "0.518", "0.486", "0.499", "0.576", "0.540"),
]


def test_the_original_labs_ping_over_the_peering_connection(play):
    played = play("ping -c 23 10.2.0.126")
    lines = played.out.splitlines()
    assert lines[0] == "PING 10.2.0.126 (10.2.0.126) 56(84) bytes of data."
    assert lines[1] == "64 bytes from 10.2.0.126: icmp_seq=1 ttl=127 time=0.747 ms"
    assert re.findall(r"time=(\S+) ms", played.out) == MEASURED
    assert lines[24:27] == ["", "--- 10.2.0.126 ping statistics ---", lines[26]]
    assert re.fullmatch(r"23 packets transmitted, 23 received, 0% packet loss, time 22\d{3}ms", lines[26])
    assert lines[27] == "rtt min/avg/max/mdev = 0.438/0.544/1.170/0.146 ms"
    assert played.code == 0 and played.err == ""


def test_silence_is_100_percent_loss_exit_1_and_a_wait_of_ten_seconds(play):
    """iputils waits MAXWAIT, 10 s, after the last echo when none was answered; then an empty line ends the block."""
    played = play("ping -c 5 10.2.0.126", silent=(PEER,))
    assert re.fullmatch(
        r"PING 10\.2\.0\.126 \(10\.2\.0\.126\) 56\(84\) bytes of data\.\n\n--- 10\.2\.0\.126 ping statistics ---\n"
        r"5 packets transmitted, 0 received, 100% packet loss, time 40[78]\dms\n\n",
        played.out,
    )
    assert played.code == 1
    assert played.err == "failed to run commands: exit status 1"
    assert played.took == pytest.approx(played.sent[-1].at - played.sent[0].at + 10)


def test_w_shortens_the_wait_for_nothing(play):
    played = play("ping -c 2 -W 1 10.2.0.126", silent=(PEER,))
    assert played.took == pytest.approx(played.sent[-1].at - played.sent[0].at + 1)


def test_lost_echoes_leave_gaps_in_the_sequence(play):
    played = play("ping -c 5 10.2.0.126", lost=(1, 4))
    assert re.findall(r"icmp_seq=(\d+)", played.out) == ["1", "3", "4"]
    assert "5 packets transmitted, 3 received, 40% packet loss" in played.out
    assert played.code == 0


@given(count=st.integers(1, 12), lost=st.sets(st.integers(0, 11)), size=st.integers(16, 1400))
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_the_statistics_agree_with_the_lines_above_them(play, count, lost, size):
    played = play(f"ping -c {count} -s {size} 10.2.0.126", lost=tuple(lost))
    times = [float(text) for text in re.findall(r"time=(\S+) ms", played.out)]
    sent, received, loss = re.search(
        r"(\d+) packets transmitted, (\d+) received, (\S+)% packet loss", played.out
    ).groups()
    assert (int(sent), int(received)) == (count, len(times))
    assert loss == f"{100 * (count - len(times)) / count:g}"
    assert played.code == (0 if times else 1)
    assert [one.length for one in played.sent] == [size + 28] * count
    if times:
        low, mean, high, _ = map(float, re.search(r"mdev = (\S+)/(\S+)/(\S+)/(\S+) ms", played.out).groups())
        assert low == pytest.approx(min(times), abs=0.005) and high == pytest.approx(max(times), abs=0.005)
        assert low <= mean <= high


def test_echoes_go_out_one_a_second_and_lines_bear_their_times(play):
    """After a reply of under 1 ms the kernel's coarse timer makes the second 1024 ms; after a slower one, 1001 ms."""
    played = play("ping -c 6 10.2.0.126")
    times = [one.at for one in played.sent]
    gaps = [round(later - earlier, 3) for earlier, later in pairwise(times)]
    assert gaps[1] == gaps[4] == 1.024
    assert 1.0 < gaps[2] < 1.003  # the third echo took 1.17 ms
    replies = [line for line in played.result.lines if "icmp_seq" in line.text]
    assert [line.at - at for line, at in zip(replies, times, strict=True)] == pytest.approx(
        [float(text) / 1000 for text in MEASURED[:6]], abs=1e-6
    )
    assert f"time {round((times[-1] - times[0]) * 1000)}ms" in played.out


def test_interval_and_quiet(play):
    played = play("ping -q -i 0.2 -c 10 10.2.0.126")
    assert "icmp_seq" not in played.out and "10 packets transmitted, 10 received" in played.out
    assert len(played.sent) == 10 and 1.8 < played.took < 2


def test_ttl_of_other_destinations(play):
    """126 from another instance's public address; less from the internet, whose routers each lower it."""
    assert "ttl=126" in play("ping -c 1 52.90.1.2").out
    ttl = int(re.search(r"ttl=(\d+)", play("ping -c 1 8.8.8.8").out)[1])
    assert 40 <= ttl <= 60
    assert "100% packet loss" in play("ping -c 1 -t 2 8.8.8.8").out
    assert "0% packet loss" in play("ping -c 1 -t 1 10.2.0.126").out  # nothing in a VPC lowers it


def test_a_name_is_shown_with_its_address_and_the_reverse_name(play):
    out = play("ping -c 1 two.example", names={"two.example": PEER}).out
    assert out.startswith("PING two.example (10.2.0.126) 56(84) bytes of data.\n")
    assert "64 bytes from ip-10-2-0-126.ec2.internal (10.2.0.126): icmp_seq=1" in out
    assert "--- two.example ping statistics ---" in out
    assert "from 10.2.0.126: " in play("ping -n -c 1 two.example", names={"two.example": PEER}).out


def test_what_a_host_sends_to_itself_never_leaves_it(play):
    played = play("ping -c 1 10.1.15.80; ping -c 1 localhost")
    assert played.sent == [] and played.code == 0


def test_without_room_for_a_timestamp_there_are_no_times(play):
    out = play("ping -s 8 -c 1 10.2.0.126").out
    assert "16 bytes from 10.2.0.126: icmp_seq=1 ttl=127\n" in out and "rtt" not in out


def test_without_a_count_it_runs_until_run_command_kills_it(play):
    played = play("ping 10.2.0.126", timeout=30)
    assert played.result.timed_out and played.code == 137
    assert played.took == pytest.approx(30)
    assert "statistics" not in played.out and len(played.sent) == 30
