"""What a record says: https://docs.aws.amazon.com/vpc/latest/userguide/flow-log-records.html"""

from __future__ import annotations

import pytest

from labkit.flowlogs import DEFAULT_FORMAT, FIELDS, FlowLogFormatError, Format, explain
from labkit.flowlogs.explaining import says

LAB = [
    "2 123456789012 eni-01ab329f120ebcf5 10.1.15.80 157.185.170.119 0 0 1 10 610 1764774316 1764774376 ACCEPT OK",
    "2 123456789012 eni-01ab329f120ebcf5 20.65.136.10 10.1.15.80 36333 443 6 1 52 1764774316 1764774376 REJECT OK",
]
NODATA = "2 123456789010 eni-1235b8ca123456789 - - - - - - - 1431280876 1431280934 - NODATA"
SKIPDATA = "2 123456789010 eni-11111111aaaaaaaaa - - - - - - - 1431280876 1431280934 - SKIPDATA"


def said(line: str, format: str | None = None) -> dict[str, str]:
    table = explain(line, format)
    return dict(zip(table["field"], table["meaning"], strict=True))


# --- the original lab's records, and AWS's own:
# https://docs.aws.amazon.com/vpc/latest/userguide/flow-logs-records-examples.html


def test_a_ping() -> None:
    found = said(LAB[0])
    assert list(found) == list(Format.parse(DEFAULT_FORMAT).names)
    assert found["protocol"] == "Protocol 1 is ICMP."
    assert found["srcport"] == found["dstport"] == "ICMP has no ports."
    assert found["packets"] == "10 packets in the interval."
    assert found["bytes"] == "610 bytes in the interval, IP headers included: 61 a packet on average."
    assert found["start"] == "The first packet was seen on 2025-12-03 at 15:05:16 UTC."
    assert found["end"] == "The last packet was seen on 2025-12-03 at 15:06:16 UTC, 60 s after the start."
    assert found["srcaddr"] == "The traffic came from 10.1.15.80, a private address."
    assert found["dstaddr"] == "The traffic went to 157.185.170.119, a public address."


def test_accept_is_a_verdict_and_not_delivery() -> None:
    assert said(LAB[0])["action"].endswith("It does not say that the traffic arrived.")


def test_somebody_knocks() -> None:
    found = said(LAB[1])
    assert found["protocol"] == "Protocol 6 is TCP."
    assert found["dstport"] == "Port 443, where https usually listens."
    assert "ephemeral" in found["srcport"]
    assert found["packets"] == "1 packet in the interval."
    assert found["bytes"] == "52 bytes in the interval, IP headers included."
    assert "security group or a network ACL" in found["action"]


@pytest.mark.parametrize(("line", "status"), [(NODATA, "NODATA"), (SKIPDATA, "SKIPDATA")])
def test_a_record_without_a_flow(line: str, status: str) -> None:
    found = said(line)
    dashes = {found[name] for name in ("srcaddr", "dstport", "protocol", "bytes", "action")}
    assert dashes == {f"A dash: a {status} record describes no flow."}
    assert found["start"] == "The interval began on 2015-05-10 at 18:01:16 UTC."
    assert found["end"] == "The interval ended on 2015-05-10 at 18:02:14 UTC, 58 s after the start."


def test_the_tcp_flags_of_a_short_connection_in_a_custom_format_with_a_double_space() -> None:
    format = (
        "${version} ${vpc-id} ${subnet-id} ${instance-id} ${interface-id} ${account-id} ${type} ${srcaddr} ${dstaddr} "
        "${srcport} ${dstport} ${pkt-srcaddr} ${pkt-dstaddr} ${protocol} ${bytes} ${packets} ${start} ${end} ${action} "
        "${tcp-flags} ${log-status}"
    )
    place = "3 vpc-abcdefab012345678 subnet-aaaaaaaa012345678 i-01234567890123456 eni-1235b8ca123456789 123456789010 "
    client = said(
        place + "IPv4 52.213.180.42 10.0.0.62 43638 5001 52.213.180.42 10.0.0.62 6 1260 17 1566933133 1566933193 "
        "ACCEPT 3 OK",
        format,
    )
    server = said(
        place + "IPv4 10.0.0.62 52.213.180.42 5001 43638  10.0.0.62 52.213.180.42 6 967 14 1566933133 1566933193 "
        "ACCEPT 19 OK",
        format,
    )
    assert client["tcp-flags"].endswith("the sender asked to open a connection (SYN) and closed one (FIN).")
    assert server["tcp-flags"].endswith("the sender agreed to open a connection (SYN-ACK) and closed one (FIN).")
    assert server["bytes"].startswith("967 bytes")
    assert server["vpc-id"] == FIELDS["vpc-id"].meaning


def test_through_a_nat_gateway_the_packets_have_another_source() -> None:
    format = "${instance-id} ${interface-id} ${srcaddr} ${dstaddr} ${pkt-srcaddr} ${pkt-dstaddr}"
    found = said("- eni-1235b8ca123456789 10.0.1.5 10.0.0.220 10.0.1.5 203.0.113.5", format)
    assert found["dstaddr"].endswith("It is an intermediate address: the packets' own is 203.0.113.5.")
    assert "intermediate" not in found["srcaddr"]
    assert "NAT gateway" in found["pkt-dstaddr"]
    assert found["instance-id"] == "A dash: the field does not apply to this traffic, or could not be computed."


# --- single values


@pytest.mark.parametrize(
    ("name", "word", "part"),
    [
        ("protocol", "254", "IANA"),
        ("account-id", "unknown", "an AWS service made the interface"),
        ("srcaddr", "fd00::1", "a private address"),
        ("srcaddr", "2001:4860:4860::8888", "a public address"),
        ("tcp-flags", "0", "a lone ACK counts as none"),
        ("tcp-flags", "4", "(RST)"),
        ("traffic-path", "4", "over a peering connection within the Region"),
        ("traffic-path", "8", "through an internet gateway"),
        ("flow-direction", "egress", "out of the interface"),
        ("reject-reason", "BPA", "Block Public Access"),
        ("encryption-status", "3", "Both"),
        ("pkt-src-aws-service", "S3", "S3"),
        ("dstport", "0", "Port 0"),
    ],
)
def test_a_value(name: str, word: str, part: str) -> None:
    assert part in says(name, {name: word})


@pytest.mark.parametrize("name", FIELDS)
def test_every_field_says_something_of_any_value(name: str) -> None:
    for word in ("-", "10.1.2.3" if name.endswith("addr") else "1"):
        assert says(name, {name: word}).endswith(".")


# --- what is no record


@pytest.mark.parametrize("version", [3, 4, 5])
def test_a_record_of_another_version_is_recognised(version: int) -> None:
    names = [name for name, field in FIELDS.items() if field.version <= version]
    words = LAB[1].split() + ["-"] * (len(names) - 14)
    with pytest.raises(FlowLogFormatError, match=f"it has {len(names)} fields, and the format has 14") as error:
        explain(" ".join(words))
    assert error.value.likely is not None and error.value.likely.version == version


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("", "it has 0 fields, and the format has 14"),
        (LAB[0].replace("ACCEPT", "DENY"), "action is 'DENY', not ACCEPT or REJECT"),
        (LAB[0].replace("10.1.15.80", "<b>10</b>"), "srcaddr is '<b>10</b>', not an IP address"),
    ],
)
def test_what_is_no_record_says_why_and_what_to_do(line: str, reason: str) -> None:
    with pytest.raises(FlowLogFormatError, match=reason) as error:
        explain(line)
    assert "describe_flow_logs()" in str(error.value)
