"""`traceroute` 2.1: AWS's routers never answer, so a reachable instance is hop 1 and an unreachable one is stars."""

from __future__ import annotations

import re

import pytest

from labkit.network.packet import ICMP, UDP

PEER = "10.2.0.126"


def test_over_a_peering_connection_the_destination_is_hop_1(play):
    played = play("traceroute 10.2.0.126")
    assert re.fullmatch(
        r"traceroute to 10\.2\.0\.126 \(10\.2\.0\.126\), 30 hops max, 60 byte packets\n"
        r" 1  ip-10-2-0-126\.ec2\.internal \(10\.2\.0\.126\)(  0\.\d{3} ms){3}\n",
        played.out,
    )
    assert played.code == 0


def test_sixteen_probes_are_under_way_at_once_each_to_a_port_of_its_own(play):
    sent = play("traceroute -n 10.2.0.126").sent
    assert [one.packet.dst_port for one in sent] == list(range(33434, 33434 + 16))
    assert [one.ttl for one in sent] == [1, 1, 1, 2, 2, 2, 3, 3, 3, 4, 4, 4, 5, 5, 5, 6]
    assert {(one.packet.protocol, one.length) for one in sent} == {(UDP, 60)}
    assert {one.replies[0].icmp for one in sent} == {(3, 3)}  # nothing listens: port unreachable


def test_echoes_as_probes(play):
    played = play("traceroute -n -I 10.2.0.126")
    assert {one.packet.protocol for one in played.sent} == {ICMP}
    assert played.out.splitlines()[1].startswith(" 1  10.2.0.126  ")


def test_unreachable_is_thirty_rows_of_stars_and_half_a_minute(play):
    played = play("traceroute 10.2.0.126", silent=(PEER,))
    assert played.out.splitlines()[1:] == [f"{hop:2}  * * *" for hop in range(1, 31)]
    assert played.code == 0 and len(played.sent) == 90
    assert played.took == pytest.approx(30)  # 90 probes, 16 at a time, 5 s each


def test_m_limits_the_hops(play):
    played = play("traceroute -m 4 10.2.0.126", silent=(PEER,))
    assert played.out.splitlines()[1:] == [" 1  * * *", " 2  * * *", " 3  * * *", " 4  * * *"]
    assert played.took == pytest.approx(5)


def test_a_lost_probe_among_answered_ones_is_one_star(play):
    assert re.search(r"\n 1  10\.2\.0\.126  \S+ ms \*  \S+ ms\n", play("traceroute -n 10.2.0.126", lost=(1,)).out)


def test_on_the_internet_the_routers_before_the_end_are_silent(play):
    rows = play("traceroute -n 8.8.8.8").out.splitlines()[1:]
    assert {row[2:] for row in rows[:-1]} == {"  * * *"}
    assert re.fullmatch(r"\d+  8\.8\.8\.8(  \d+\.\d{3} ms){3}", rows[-1].strip())
