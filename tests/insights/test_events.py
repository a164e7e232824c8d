"""The fields that Logs Insights discovers in flow log records.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/CWL_AnalyzeLogData-discoverable-fields.html
"""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from labkit import insights
from labkit.flowlogs import DEFAULT_FORMAT, Format
from labkit.insights import event_table
from tests.insights.flows import NAMES

# The records of https://docs.aws.amazon.com/vpc/latest/userguide/flow-logs-records-examples.html
ACCEPTED = (
    "2 123456789010 eni-1235b8ca123456789 172.31.16.139 172.31.16.21 20641 22 6 20 4249 1418530010 1418530070 ACCEPT OK"
)
NODATA = "2 123456789010 eni-1235b8ca123456789 - - - - - - - 1431280876 1431280934 - NODATA"
IPV6 = (
    "2 123456789010 eni-1235b8ca123456789 2001:db8:1234:a100:8d6e:3477:df66:f105 "
    "2001:db8:1234:a102:3304:8879:34cf:4071 34892 22 6 54 8855 1477913708 1477913820 ACCEPT OK"
)


def table(*messages: str, **more: Any) -> Any:
    count = len(messages)
    return event_table(messages, range(count), range(count), ["s"] * count, range(count), log="1:flows", **more)


def test_the_fourteen_fields_of_the_default_format() -> None:
    (record,) = table(ACCEPTED).to_pylist()
    assert {name: record[name] for name in NAMES} == {
        "version": 2,
        "accountId": "123456789010",
        "interfaceId": "eni-1235b8ca123456789",
        "srcAddr": "172.31.16.139",
        "dstAddr": "172.31.16.21",
        "srcPort": 20641,
        "dstPort": 22,
        "protocol": 6,
        "packets": 20,
        "bytes": 4249,
        "startTime": 1418530010,
        "endTime": 1418530070,
        "action": "ACCEPT",
        "logStatus": "OK",
    }


def test_an_events_own_fields() -> None:
    """https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/CWL_AnalyzeLogData-discoverable-fields.html"""
    made = event_table([ACCEPTED], [1418530010123], [1418530310000], ["eni-all"], [7], log="1:flows")
    ((*fields, (last, _)),) = insights.run(made, "fields @timestamp, @message, @logStream, @log, @ingestionTime").rows
    assert fields == [
        ("@timestamp", "2014-12-14 04:06:50.123"),
        ("@message", ACCEPTED),
        ("@logStream", "eni-all"),
        ("@log", "1:flows"),
        ("@ingestionTime", "2014-12-14 04:11:50.000"),
    ]
    assert last == "@ptr"


def test_a_dash_is_an_absent_field() -> None:
    (record,) = table(NODATA).to_pylist()
    assert (record["srcAddr"], record["bytes"], record["action"]) == (None, None, None)
    assert (record["logStatus"], record["startTime"]) == ("NODATA", 1431280876)


def test_what_is_no_record_has_no_fields_and_stays() -> None:
    other = ["hello", "", "a b c d e f g h i j k l m n", 'a "quoted, one" \n here', IPV6, f"{ACCEPTED} more"]
    found = table(*other, ACCEPTED).to_pylist()
    assert [each["@message"] for each in found] == [*other, ACCEPTED]
    assert [each["bytes"] for each in found] == [None, None, None, None, 8855, None, 4249]


def test_any_run_of_spaces_separates() -> None:
    """One of the examples in AWS's documentation has two."""
    (record,) = table(ACCEPTED.replace(" 22 ", "  22 ")).to_pylist()
    assert (record["dstPort"], record["@message"]) == (22, ACCEPTED.replace(" 22 ", "  22 "))


def test_an_account_keeps_its_zeros() -> None:
    (record,) = table(ACCEPTED.replace("123456789010", "000000000012")).to_pylist()
    assert record["accountId"] == "000000000012"


def test_custom_formats_and_the_default_one_in_a_group() -> None:
    custom = "${srcaddr} ${tcp-flags} ${flow-direction}"
    found = table(
        "10.1.15.80 18 egress", ACCEPTED, "10.1.15.80 - ingress", formats=[custom, DEFAULT_FORMAT]
    ).to_pylist()
    assert [(each["srcAddr"], each["tcpFlags"], each["flowDirection"], each["bytes"]) for each in found] == [
        ("10.1.15.80", 18, "egress", None),
        ("172.31.16.139", None, None, 4249),
        ("10.1.15.80", None, "ingress", None),
    ]


def test_an_empty_group_can_be_asked() -> None:
    assert insights.run(table(), "stats count(*) by srcAddr").rows == []


RECORDS = [
    ACCEPTED, NODATA, IPV6, ACCEPTED.replace(" 22 ", "  22 "), f" {ACCEPTED} ", "10.1.15.80 18 egress", "- - -",
]  # fmt: skip
NO_RECORDS = [
    "", " ", "\xa0 \xa0 \xa0", "a b c", "10.1.15.80 x egress", "10.1.15.80\t18\tegress", "10.1.15.80 18 egress\n",
    f"{ACCEPTED}\n{ACCEPTED}", ACCEPTED.replace(" ", "\r", 1), ACCEPTED.replace("ACCEPT", "DENY"),
    "srcaddr tcp-flags flow-direction", "srcaddr dstaddr action", " ".join(Format.parse(DEFAULT_FORMAT).names),
]  # fmt: skip
FORMATS = ["${srcaddr} ${tcp-flags} ${flow-direction}", DEFAULT_FORMAT, "${instance-tag}"]


@settings(max_examples=60, deadline=None)
@given(st.lists(st.sampled_from([*RECORDS, *NO_RECORDS]) | st.text(max_size=12), max_size=12))
def test_each_event_has_the_fields_that_it_has_alone(messages: list[str]) -> None:
    def fields(*some: str) -> list[dict[str, Any]]:
        own = table(*some, formats=FORMATS).drop_columns(["@timestamp", "@ingestionTime", "@ptr"])
        return [dict(each) for each in own.to_pylist()]

    assert fields(*messages) == [fields(each)[0] for each in messages]


def test_what_is_a_record_and_what_is_none() -> None:
    found = {each: table(each, formats=FORMATS[:2]).to_pylist()[0] for each in RECORDS + NO_RECORDS}
    for message, event in found.items():
        dashes = set(message) <= {"-", " "}
        assert any(event[name] is not None for name in NAMES) == (message in RECORDS and not dashes), message
