"""Broken, slow, forged and foreign requests to the embedded AWS: each costs its own connection, and nothing else."""

from __future__ import annotations

import random
import socket
import threading
import time
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest

from labkit.embedded import EmbeddedAws, start
from labkit.embedded.api import loopback
from labkit.embedded.api.signatures import Keys
from tests.embedded.support import KEYS, client, sign
from tests.hostile.fuzzing import SOAK, Outcomes, mutate_bytes

FORM = {"Content-Type": "application/x-www-form-urlencoded"}
LOOK, MAKE = b"Action=DescribeVpcs&Version=2016-11-15", b"Action=CreateVpc&CidrBlock=10.1.0.0%2F16&Version=2016-11-15"

#: How long a good call may take while others misbehave, in seconds: less than anything waits for them.
AT_ONCE = loopback.SECONDS / 2


@pytest.fixture(scope="module")
def aws() -> Iterator[EmbeddedAws]:
    start().stop()
    with start() as running:
        client(running, "ec2").describe_vpcs()  # which makes the default VPC
        yield running


def connect(aws: EmbeddedAws) -> socket.socket:
    return socket.create_connection(("127.0.0.1", urlsplit(aws.endpoint_url).port or 0), timeout=5)


def message(
    aws: EmbeddedAws, body: bytes = LOOK, keys: Keys = KEYS, version: str = "1.1", path: str = "/",
    service: str = "ec2", **headers: str,
) -> bytes:  # fmt: skip
    """Return the bytes of a request that is signed with some keys; headers may be added, or changed after signing."""
    signed = sign(aws, "POST", path, body, FORM, service, keys)
    fields = {"Host": urlsplit(aws.endpoint_url).netloc, "Content-Length": str(len(body)), **signed}
    fields |= {name.replace("_", "-"): value for name, value in headers.items()}
    lines = [f"POST {path} HTTP/{version}", *(f"{name}: {value}" for name, value in fields.items() if value), "", ""]
    return "\r\n".join(lines).encode() + body


def answer(aws: EmbeddedAws, sent: bytes, *, close: bool = False) -> bytes:
    """Return all that comes back until the server closes the connection."""
    with connect(aws) as connection:
        try:
            connection.sendall(sent)
            if close:
                connection.shutdown(socket.SHUT_WR)
            return b"".join(iter(lambda: connection.recv(65536), b""))
        except ConnectionError:
            return b""


def status(aws: EmbeddedAws, sent: bytes) -> int:
    return int(answer(aws, sent).split(b" ", 2)[1])


def vpcs(aws: EmbeddedAws) -> int:
    """How many VPCs there are, as a good client learns at once."""
    began = time.monotonic()
    found = answer(aws, message(aws))
    assert time.monotonic() - began < AT_ONCE
    assert found.split(b" ", 2)[1] == b"200", found
    return found.count(b"<vpcId>")


# Slow


@pytest.mark.parametrize("part", [0, 10, 200, -5], ids=["nothing", "half a line", "half a head", "half a body"])
def test_who_sends_half_a_request_keeps_nobody_waiting_and_is_given_up(
    aws: EmbeddedAws, monkeypatch: pytest.MonkeyPatch, part: int
) -> None:
    with connect(aws) as slow:
        slow.sendall(message(aws)[:part])
        assert vpcs(aws) == 1
    monkeypatch.setattr(loopback, "SECONDS", 0.3)
    with connect(aws) as slow:
        slow.sendall(message(aws)[:part])
        assert slow.recv(1000) == b""


def test_a_byte_now_and_then_does_not_buy_more_time(aws: EmbeddedAws, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loopback, "SECONDS", 0.3)
    began = time.monotonic()
    with connect(aws) as slow, pytest.raises(ConnectionError):
        while time.monotonic() - began < 5:
            slow.sendall(b"x")
            time.sleep(0.02)
    assert time.monotonic() - began < AT_ONCE


def test_of_too_many_slow_clients_the_slowest_are_given_up(aws: EmbeddedAws, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loopback, "MOST", 5)
    held = [connect(aws) for _ in range(12)]
    try:
        for each in held:
            each.sendall(b"POST / HTTP/1.1\r\n")
        assert vpcs(aws) == 1
        time.sleep(0.2)
        assert sum("process_request" in thread.name for thread in threading.enumerate()) <= 5
    finally:
        for each in held:
            each.close()


def test_who_does_not_take_the_answer_keeps_nobody_waiting(aws: EmbeddedAws, capfd: pytest.CaptureFixture[str]) -> None:
    aws.server.handlers["logs", "Long"] = lambda _: {"answer": "x" * 2**24}
    with connect(aws) as deaf:
        deaf.sendall(message(aws, b"{}", service="logs", X_Amz_Target="Logs.Long"))
        time.sleep(0.2)
        assert vpcs(aws) == 1
    time.sleep(0.2)
    assert capfd.readouterr() == ("", ""), "nothing of it is printed into a notebook"


# Broken


@pytest.mark.parametrize(
    ("length", "code"),
    [("-1", 400), ("+38", 400), ("3 8", 400), ("0x26", 400), ("٣٨", 400), ("38, 39", 400), ("1e3", 400),
     ("9" * 30, 413), (str(loopback.LARGEST + 1), 413)],
)  # fmt: skip
def test_a_content_length_is_one_number_of_a_size_that_can_be_meant(
    aws: EmbeddedAws, monkeypatch: pytest.MonkeyPatch, length: str, code: int
) -> None:
    monkeypatch.setattr(loopback, "SECONDS", 0.3)
    assert status(aws, message(aws, Content_Length=length)) == code
    assert vpcs(aws) == 1


def test_two_lengths_that_differ_are_refused(aws: EmbeddedAws) -> None:
    twice = message(aws).replace(b"Content-Length", b"Content-Length: 3\r\nContent-Length", 1)
    assert status(aws, twice) == 400


def test_a_body_that_is_too_large_is_refused_with_a_sentence_even_while_it_is_being_sent(aws: EmbeddedAws) -> None:
    large = b"Action=DescribeVpcs&Version=2016-11-15&Filler=" + b"x" * loopback.LARGEST
    found = answer(aws, message(aws, large), close=True)
    assert found.startswith(b"HTTP/1.0 413") and b"larger than" in found


def test_a_body_in_chunks_is_refused_with_a_sentence(aws: EmbeddedAws) -> None:
    """AWS's clients send none to these services; with a length beside it, two readers could disagree where it ends."""
    for more in ({}, {"Content_Length": ""}):
        chunked = message(aws, Transfer_Encoding="chunked", **more)
        assert answer(aws, chunked).startswith(b"HTTP/1.0 411")


def test_a_client_that_asks_before_it_sends_is_told_to_go_on(aws: EmbeddedAws) -> None:
    head, _, body = message(aws, Expect="100-continue").partition(b"\r\n\r\n")
    with connect(aws) as connection:
        connection.sendall(head + b"\r\n\r\n")
        assert connection.recv(1000) == b"HTTP/1.1 100 Continue\r\n\r\n"
        connection.sendall(body)
        assert b"".join(iter(lambda: connection.recv(65536), b"")).startswith(b"HTTP/1.0 200")


def test_one_request_a_connection_is_answered_in_either_version_of_http(aws: EmbeddedAws) -> None:
    for version in ("1.0", "1.1"):
        assert answer(aws, message(aws, version=version) + message(aws)).count(b"<vpcSet>") == 1
    assert vpcs(aws) == 1


@pytest.mark.parametrize("body", [b"[]", b"null", b"5", b"{", b"\xff", b"[" * 100_000], ids=lambda body: repr(body[:9]))
def test_a_body_that_is_no_json_object_is_named(aws: EmbeddedAws, body: bytes) -> None:
    """A signed request can still be malformed; it is not a defect of the embedded AWS."""
    for action in ("Logs_20140328.DescribeLogGroups", "Logs_20140328.GetQueryResults", "AmazonSSM.SendCommand"):
        service = "ssm" if "SSM" in action else "logs"
        assert b"SerializationException" in answer(aws, message(aws, body, service=service, X_Amz_Target=action))


def test_mutated_requests_are_answered_or_closed_and_change_nothing(
    aws: EmbeddedAws, outcomes: Outcomes, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(loopback, "SECONDS", 0.3)
    rng = random.Random(14)
    before = aws.client("ec2").describe_vpcs()["Vpcs"]
    # A request of unknown keys: whatever a mutation makes of it, it must not be carried out.
    good = message(aws, MAKE, Keys("LABKIT00000000000000", "guessed"))
    for tried in range(400 * SOAK):
        sent = mutate_bytes(rng, good)
        with outcomes.of(sent):
            found = answer(aws, sent, close=True)
            code = found[:12]
            assert not found or code in {b"HTTP/1.0 400", b"HTTP/1.0 403", b"HTTP/1.0 401", b"HTTP/1.0 405",
                                         b"HTTP/1.0 411", b"HTTP/1.0 413", b"HTTP/1.0 414", b"HTTP/1.0 431",
                                         b"HTTP/1.0 505"} or found.startswith(b"<!DOCTYPE"), found  # fmt: skip
            outcomes.refused += 1
        if tried % 50 == 0:
            assert vpcs(aws) == 1
    assert aws.client("ec2").describe_vpcs()["Vpcs"] == before
    assert capfd.readouterr() == ("", "")


def test_what_is_signed_cannot_be_changed_afterwards(aws: EmbeddedAws, outcomes: Outcomes) -> None:
    rng = random.Random(15)
    query = "Probe=1"
    good = message(aws, MAKE, path=f"/?{query}")
    date = good.partition(b"X-Amz-Date: ")[2].partition(b"\r\n")[0]
    parts = (MAKE, query.encode(), date, FORM["Content-Type"].encode())
    before = aws.client("ec2").describe_vpcs()["Vpcs"]
    for tried in range(400 * SOAK):
        part = parts[tried % len(parts)]
        changed = mutate_bytes(rng, part)
        if b"".join(changed.split()) == b"".join(part.split()):  # white space around a header's value is not signed
            continue
        sent = good.replace(part, changed, 1)
        if part == MAKE:
            sent = sent.replace(f"Length: {len(part)}".encode(), f"Length: {len(changed)}".encode(), 1)
        with outcomes.of(sent):
            found = answer(aws, sent, close=True)
            assert not found.startswith(b"HTTP/1.0 2") and b" 500 " not in found[:20], found
            outcomes.refused += 1
    assert aws.client("ec2").describe_vpcs()["Vpcs"] == before
