"""Round-trip times, hop counts and kernel timers: in the ranges of public captures, and the same everywhere."""

from __future__ import annotations

from ipaddress import ip_address
from statistics import median

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labkit.embedded.dataplane import timing
from labkit.embedded.dataplane.timing import Distance

ONE, TWO = ip_address("10.1.15.80"), ip_address("10.2.0.126")


@pytest.mark.parametrize(
    ("distance", "low", "high", "middle"),
    [
        (Distance.SAME_VPC, 0.2, 0.5, 0.3),
        (Distance.PEERED_VPC, 0.44, 1.17, 0.51),
        (Distance.PUBLIC_ADDRESS, 0.6, 1.2, 0.75),
    ],
)
def test_ranges_inside_aws(distance, low, high, middle):
    times = [timing.round_trip(distance, ONE, ip_address("10.2.9.9"), 1, number) * 1000 for number in range(1, 500)]
    assert low <= min(times) and max(times) <= high
    assert median(times) == pytest.approx(middle, abs=0.06)


def test_after_the_measured_ones_the_generator_goes_on_in_the_same_range():
    times = [timing.round_trip(Distance.PEERED_VPC, ONE, TWO, 1, number) * 1000 for number in range(23, 200)]
    assert all(0.438 <= time <= 1.17 for time in times)


def test_the_measured_times_are_pings_alone():
    assert timing.round_trip(Distance.PEERED_VPC, ONE, TWO, 6, 0) != timing.round_trip(
        Distance.PEERED_VPC, ONE, TWO, 1, 0
    )
    assert timing.round_trip(Distance.PEERED_VPC, TWO, ONE, 1, 0) != timing.round_trip(
        Distance.PEERED_VPC, ONE, TWO, 1, 0
    )


def test_the_first_packet_is_slower():
    def extra(host):
        return timing.round_trip(Distance.SAME_VPC, ONE, host, 1, 0) - timing.round_trip(
            Distance.SAME_VPC, ONE, host, 1, 1
        )

    assert median(extra(ip_address(f"10.1.0.{number}")) for number in range(4, 104)) > 0.0002


@given(st.integers(2**24, 2**32 - 1).map(ip_address))
def test_the_internet_is_1_to_80_ms_and_some_hops_away(address):
    assert 0.001 <= timing.round_trip(Distance.INTERNET, ONE, address, 1, 1) <= 0.083
    assert 5 <= timing.hops(Distance.INTERNET, address) < 20
    assert timing.reply_ttl(Distance.INTERNET, address) == 64 - timing.hops(Distance.INTERNET, address)


@given(st.floats(1.7e9, 1.8e9), st.floats(0.01, 100))
def test_a_kernel_timer_is_never_early_and_late_by_no_more_than_its_slot(now, seconds):
    late = timing.kernel_timer(now, seconds) - seconds
    assert -1e-6 < late <= max(0.008, 0.14 * seconds)
