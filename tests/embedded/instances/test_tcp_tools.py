"""`curl` 8.11.1 and `nc` (Ncat 7.93): open, refused, silent; every segment is a packet that capture can count."""

from __future__ import annotations

import re

import pytest

from labkit.embedded.dataplane.transmission import ACK, FIN, PSH, RST, SYN

PEER = "10.2.0.126"
PAGE = "<h1>Hello from ip-10-2-0-126.ec2.internal</h1>\n"


def flags(played):
    """For each segment sent: its flags, its length, and those of the replies."""
    return [(one.flags, one.length, [(reply.flags, reply.length) for reply in one.replies]) for one in played.sent]


def test_curl_fetches_the_lab_instances_page(play):
    played = play("curl -s http://10.2.0.126/")
    assert (played.out, played.err, played.code) == (PAGE, "", 0)


def test_a_fetch_is_a_handshake_a_request_an_answer_and_a_close(play):
    played = play("curl -s http://10.2.0.126/")
    request = len("GET / HTTP/1.1\r\nHost: 10.2.0.126\r\nUser-Agent: curl/8.11.1\r\nAccept: */*\r\n\r\n")
    sent = flags(played)
    assert sent[0] == (SYN, 60, [(SYN | ACK, 60)])
    assert sent[1] == (ACK, 52, [])
    assert sent[2][:2] == (PSH | ACK, 52 + request) and [one[0] for one in sent[2][2]] == [ACK, PSH | ACK]
    assert sent[3:] == [(ACK, 52, []), (FIN | ACK, 52, [(FIN | ACK, 52)]), (ACK, 52, [])]
    assert len({(one.packet.src_port, one.packet.dst_port) for one in played.sent}) == 1
    assert 32768 <= played.sent[0].packet.src_port <= 60999


def test_refused_is_one_segment_answered_by_a_reset(play):
    played = play("curl -sS http://10.2.0.126:8080")
    assert played.err == (
        "curl: (7) Failed to connect to 10.2.0.126 port 8080 after 0 ms: Could not connect to server\n"
        "failed to run commands: exit status 7"
    )
    assert flags(played) == [(SYN, 60, [(RST | ACK, 40)])] and played.code == 7


def test_curl_gives_up_when_told_to(play):
    for option in ("-m 5", "--connect-timeout 5", "--max-time 5"):
        played = play(f"curl -sS {option} http://10.2.0.126", silent=(PEER,))
        assert re.match(r"curl: \(28\) Connection timed out after 500[1-3] milliseconds\n", played.err)
        assert played.code == 28 and played.took == pytest.approx(5, abs=0.005)


def test_left_alone_the_kernel_gives_up_after_six_retransmissions(play):
    """SYNs after 1, 3, 7, 15, 31 and 63 s, and the end at 127 s, each timer a little late: tcp_syn_retries = 6."""
    played = play("curl -sS http://10.2.0.126", silent=(PEER,))
    assert re.match(
        r"curl: \(28\) Failed to connect to 10\.2\.0\.126 port 80 after 1[23]\d{4} ms: Could not connect to server\n",
        played.err,
    )
    start = played.sent[0].at
    waits = [one.at - start for one in played.sent]
    assert waits == pytest.approx([0, 1, 3, 7, 15, 31, 63], rel=0.06)
    assert all(wait >= least for wait, least in zip(waits, (0, 1, 3, 7, 15, 31, 63), strict=True))
    assert 127 <= played.took < 135


def test_a_lost_syn_costs_a_second(play):
    played = play("curl -s http://10.2.0.126", lost=(0,))
    assert played.out == PAGE and 1 < played.took < 1.1


def test_more_of_curl(play):
    head = play("curl -sI http://10.2.0.126").out
    assert head.startswith("HTTP/1.1 200 OK\r\nDate: Wed, 03 Dec 2025 14:41:00 GMT\r\n") and head.endswith("\r\n\r\n")
    assert play("curl -sI http://10.2.0.126/nothing").out.startswith("HTTP/1.1 404 Not Found\r\n")
    assert "<title>404 Not Found</title>" in play("curl -s 10.2.0.126/nothing").out
    assert play("curl -s -o /dev/null http://10.2.0.126/").out == ""
    ssh = play("curl -sS http://10.2.0.126:22")
    assert ssh.err.startswith("curl: (1) Received HTTP/0.9 when not allowed\n") and ssh.code == 1
    assert "modeled internet" in play("curl -s http://93.184.215.14").out


def test_nc_finds_an_open_port(play):
    played = play("nc -vz 10.2.0.126 22")
    assert played.err == (
        "Ncat: Version 7.93 ( https://nmap.org/ncat )\n"
        "Ncat: Connected to 10.2.0.126:22.\n"
        "Ncat: 0 bytes sent, 0 bytes received in 0.01 seconds.\n"
    )
    assert played.out == "" and played.code == 0
    assert [one.flags for one in played.sent] == [SYN, ACK, FIN | ACK, ACK]


def test_nc_finds_a_closed_port_and_silence(play):
    assert play("nc -vz 10.2.0.126 8080").err == (
        "Ncat: Version 7.93 ( https://nmap.org/ncat )\nNcat: Connection refused.\nfailed to run commands: exit status 1"
    )
    for option, seconds in (("-w 3", 3), ("-w 0.5s", 0.5), ("", 10)):
        played = play(f"nc -vz {option} 10.2.0.126 22", silent=(PEER,))
        assert "Ncat: TIMEOUT.\n" in played.err and played.code == 1
        assert played.took == pytest.approx(seconds, abs=0.02)
    assert play("nc -z 10.2.0.126 8080").err == "failed to run commands: exit status 1"  # -z without -v is mute
