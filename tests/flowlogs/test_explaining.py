"""Explanations of records: https://docs.aws.amazon.com/vpc/latest/userguide/flow-log-records.html"""

from __future__ import annotations

import pytest

from labkit.flowlogs import DEFAULT_FORMAT, FIELDS, FlowLogFormatError, Format, explain
from labkit.flowlogs.explaining import says
from tests.flowlogs.aws_examples import LAB, NODATA, SHORT, SKIPDATA, TCP_FIELDS


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
    shared = "In published records, all records of an interface and interval share it."
    first, last = "2025-12-03 at 15:05:16 UTC", "2025-12-03 at 15:06:16 UTC, 60 s after the start"
    assert found["start"] == f"By AWS's definition, when the first packet was seen: {first}. {shared}"
    assert found["end"] == f"By AWS's definition, when the last packet was seen: {last}. {shared}"
    assert found["srcaddr"] == "The traffic came from 10.1.15.80, a private address."
    assert found["dstaddr"] == "The traffic went to 157.185.170.119, a public address."
    assert found["action"].endswith("It does not say that the traffic arrived.")


def test_somebody_knocks() -> None:
    found = said(LAB[1])
    assert found["protocol"] == "Protocol 6 is TCP."
    assert found["dstport"] == "Port 443, where https usually listens."
    assert "ephemeral" in found["srcport"]
    assert found["packets"] == "1 packet in the interval."
    assert found["bytes"] == "52 bytes in the interval, IP headers included."
    assert "security group or a network ACL" in found["action"]


def test_a_record_without_a_flow() -> None:
    for line, status in ((NODATA, "NODATA"), (SKIPDATA, "SKIPDATA")):
        found = said(line)
        dashes = {found[name] for name in ("srcaddr", "dstport", "protocol", "bytes", "action")}
        assert dashes == {f"A dash: a {status} record describes no flow."}
        assert found["start"] == "The interval began on 2015-05-10 at 18:01:16 UTC."
        assert found["end"] == "The interval ended on 2015-05-10 at 18:02:14 UTC, 58 s after the start."


def test_the_tcp_flags_of_a_short_connection_in_a_custom_format_with_a_double_space() -> None:
    client, server = (said(line, TCP_FIELDS) for line in SHORT)
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


VALUES = [
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
]


def test_a_value() -> None:
    for name, word, part in VALUES:
        assert part in says(name, {name: word}), name


def test_every_field_says_something_of_any_value() -> None:
    for name in FIELDS:
        for word in ("-", "10.1.2.3" if name.endswith("addr") else "1"):
            assert says(name, {name: word}).endswith("."), name


# --- lines that are not records


def test_a_record_of_another_version_is_recognized() -> None:
    for version in (3, 4, 5):
        names = [name for name, field in FIELDS.items() if field.version <= version]
        words = LAB[1].split() + ["-"] * (len(names) - 14)
        with pytest.raises(FlowLogFormatError, match=f"it has {len(names)} fields, and the format has 14") as error:
            explain(" ".join(words))
        assert error.value.likely is not None and error.value.likely.version == version


def test_a_line_that_is_not_a_record_says_why_and_what_to_do() -> None:
    for line, reason in (
        ("", "it has 0 fields, and the format has 14"),
        (LAB[0].replace("ACCEPT", "DENY"), "action is 'DENY', not ACCEPT or REJECT"),
        (LAB[0].replace("10.1.15.80", "<b>10</b>"), "srcaddr is '<b>10</b>', not an IP address"),
    ):
        with pytest.raises(FlowLogFormatError, match=reason) as error:
            explain(line)
        assert "describe_flow_logs()" in str(error.value)
