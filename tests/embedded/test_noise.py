"""The internet's noise: the same each time, as frequent as it says, at public addresses alone, and let in by nobody
but a security group.
"""

from __future__ import annotations

from datetime import timedelta
from ipaddress import ip_address

import pytest

from labkit.embedded.dataplane.noise import MEAN_GAP, knocks
from labkit.network.packet import ICMP, TCP, UDP
from labkit.network.trace import is_public
from tests.embedded.site import ADDRESSES, Site

ADDRESS = ip_address("52.90.1.2")
START = 1764772860.0
DAY = 86400.0


def test_the_same_address_and_time_hear_the_same() -> None:
    assert list(knocks(ADDRESS, START, START + DAY)) == list(knocks(ADDRESS, START, START + DAY))
    assert list(knocks(ADDRESS, START, START + DAY)) != list(knocks(ip_address("52.90.1.3"), START, START + DAY))


def test_it_does_not_matter_in_which_steps_time_passes() -> None:
    end = START + 5000.0
    for step in (0.7, 15.0, 61.3, 5000.0):
        at, heard = START, []
        while at < end:
            heard += list(knocks(ADDRESS, at, min(at + step, end)))
            at += step
        assert heard == list(knocks(ADDRESS, START, end))
        assert [each.at for each in heard] == sorted(each.at for each in heard)


def test_knocks_come_about_as_often_as_said() -> None:
    count = len(list(knocks(ADDRESS, START, START + 10 * DAY)))
    assert count == pytest.approx(10 * DAY / MEAN_GAP, rel=0.03)


def test_knocks_come_from_public_hosts_and_look_like_scans() -> None:
    heard = list(knocks(ADDRESS, START, START + 5 * DAY))
    assert all(is_public(each.packet.src) and each.packet.dst == ADDRESS for each in heard)
    shares = {protocol: sum(each.packet.protocol == protocol for each in heard) / len(heard) for protocol in (1, 6, 17)}
    assert shares[TCP] == pytest.approx(0.8, abs=0.03)
    assert shares[UDP] == pytest.approx(0.12, abs=0.02) and shares[ICMP] == pytest.approx(0.08, abs=0.02)
    ports = [each.packet.dst_port for each in heard if each.packet.protocol == TCP]
    assert max(set(ports), key=ports.count) in (22, 23, 3389)


# On the network


def hear(site: Site, hours: float) -> list[list[str]]:
    """The records of noise of some hours: (words) of the default format."""
    site.record(site.vpc)
    site.aws.clock.jump_to(site.aws.clock.now() + timedelta(hours=hours))
    site.settle()
    return site.lines("g", "OK")


def test_what_no_group_lets_in_is_rejected_and_what_one_does_is_answered(site: Site) -> None:
    """The groups let ICMP in: scanners' pings are answered; TCP and UDP are not."""
    records = hear(site, 6)
    pings = [words for words in records if words[7] == "1"]
    assert pings and {words[12] for words in pings} == {"ACCEPT"}
    asked = sorted((words[3], words[4], words[8]) for words in pings if words[4] in ADDRESSES)
    answered = sorted((words[4], words[3], words[8]) for words in pings if words[3] in ADDRESSES)
    assert asked == answered
    others = [words for words in records if words[7] != "1"]
    assert len(others) > 200 and {words[12] for words in others} == {"REJECT"}
    assert all(words[4] in ADDRESSES and words[3] not in ADDRESSES for words in others)


def test_an_open_port_that_listens_answers_with_syn_ack_and_one_that_does_not_with_a_reset(site: Site) -> None:
    """https://docs.aws.amazon.com/vpc/latest/userguide/flow-log-records.html (tcp-flags)"""
    site.allow("tcp", 22, 23)
    site.record(site.vpc, "flags", LogFormat="flow-direction srcport dstport action tcp-flags protocol log-status")
    hear(site, 12)
    seen = {tuple(words) for words in site.lines("flags", "OK") if words[5] == "6"}
    ssh_in = {words[4] for words in seen if words[0] == "ingress" and words[2] == "22"}
    ssh_out = {words[4] for words in seen if words[0] == "egress" and words[1] == "22"}
    assert (ssh_in, ssh_out) == ({"2"}, {"18"})
    telnet_out = {words[4] for words in seen if words[0] == "egress" and words[1] == "23"}
    assert telnet_out == {"4"}  # RST; a lone ACK is not logged
    assert {words[3] for words in seen if {"22", "23"} & {words[1], words[2]}} == {"ACCEPT"}
    assert {words[3] for words in seen if words[2] not in ("22", "23") and words[0] == "ingress"} == {"REJECT"}


def test_an_open_udp_port_without_a_service_is_answered_by_icmp(site: Site) -> None:
    """RFC 792: destination unreachable, port unreachable, with the head of the datagram that it is about."""
    site.allow("udp", 0, 65535)
    records = hear(site, 6)
    datagrams = [words for words in records if words[7] == "17"]
    assert {words[12] for words in datagrams} == {"ACCEPT"}
    errors = {(words[3], words[4]) for words in records if words[7] == "1" and words[3] in ADDRESSES}
    assert {(words[4], words[3]) for words in datagrams} <= errors


def test_who_has_no_public_address_is_left_alone(site: Site) -> None:
    _, interface = site.launch("10.1.0.30", public=False)
    site.record(interface, "private")
    assert len(hear(site, 1)) > 50
    assert site.lines("private", "OK") == []
    assert len(site.lines("private", "NODATA")) >= 59


def test_a_stopped_instance_hears_nothing(site: Site) -> None:
    site.record(site.eni_there, "stopped")
    address = site.ec2.allocate_address(Domain="vpc")["AllocationId"]
    site.ec2.associate_address(AllocationId=address, InstanceId=site.there)
    site.ec2.stop_instances(InstanceIds=[site.there])
    site.settle()
    before = len(site.lines("stopped", "OK"))
    hear(site, 1)
    assert len(site.lines("stopped", "OK")) == before
