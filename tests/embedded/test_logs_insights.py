"""Logs Insights through boto3: the API's shapes, statistics and errors.

https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_StartQuery.html
https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_GetQueryResults.html
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any

import pytest

from labkit.embedded import EmbeddedAws
from labkit.embedded.api import logs_insights
from labkit.errors import LabError
from labkit.insights import database, explain_error
from labkit.session.insights import ask as ask_insights
from tests.embedded.support import refused

GROUP, STREAM = "NimbusVPCFlowLogsGroup", "eni-01ab329f120ebcf5-all"
TOP_TRANSFERS = "stats sum(bytes) as bytesTransferred by srcAddr, dstAddr | sort bytesTransferred desc | limit 10"


def record(source: str, target: str, size: int, start: int) -> str:
    return f"2 123456789012 eni-01ab329f120ebcf5 {source} {target} 0 0 1 1 {size} {start} {start + 60} ACCEPT OK"


@pytest.fixture
def start(aws: EmbeddedAws, logs: Any) -> int:
    """A log group with four records, a minute apart; the moment of the first."""
    begin = int(aws.clock.time())
    events = [
        (begin, record("10.1.15.80", "10.2.0.126", 84, begin)),
        (begin + 60, record("10.2.0.126", "10.1.15.80", 84, begin + 60)),
        (begin + 120, record("10.1.15.80", "10.2.0.126", 336, begin + 120)),
        (begin + 180, f"2 123456789012 eni-01ab329f120ebcf5 - - - - - - - {begin} {begin + 60} - NODATA"),
    ]
    fill(logs, GROUP, events)
    return begin


def fill(logs: Any, group: str, events: list[tuple[int, str]]) -> None:
    logs.create_log_group(logGroupName=group)
    logs.create_log_stream(logGroupName=group, logStreamName=STREAM)
    put(logs, group, events)


def put(logs: Any, group: str, events: list[tuple[int, str]]) -> None:
    made = [{"timestamp": at * 1000, "message": message} for at, message in events]
    logs.put_log_events(logGroupName=group, logStreamName=STREAM, logEvents=made)


def ask(logs: Any, start: int, text: str, end: int | None = None, **more: Any) -> dict[str, Any]:
    more = more or {"logGroupName": GROUP}
    end = start + 3600 if end is None else end
    query = logs.start_query(startTime=start, endTime=end, queryString=text, **more)["queryId"]
    return dict(logs.get_query_results(queryId=query))


def table(answer: dict[str, Any]) -> list[dict[str, str]]:
    return [{cell["field"]: cell["value"] for cell in row} for row in answer["results"]]


def test_the_consoles_top_ten_byte_transfers(logs: Any, start: int) -> None:
    answer = ask(logs, start, TOP_TRANSFERS)
    pairs = [("10.1.15.80", "10.2.0.126", "420"), ("10.2.0.126", "10.1.15.80", "84")]
    assert answer["results"] == [
        [
            {"field": name, "value": value}
            for name, value in zip(("srcAddr", "dstAddr", "bytesTransferred"), row, strict=True)
        ]
        for row in pairs
    ]
    assert answer["status"] == "Complete"
    assert answer["statistics"] == {
        "recordsMatched": 4.0,
        "recordsScanned": 4.0,
        "estimatedRecordsSkipped": 0.0,
        "bytesScanned": float(sum(len(row["@message"]) for row in table(ask(logs, start, "fields @message")))),
        "estimatedBytesSkipped": 0.0,
        "logGroupsScanned": 1.0,
        "resultCount": 2.0,
    }


def test_events_have_the_fields_in_order_and_a_pointer_last(logs: Any, start: int) -> None:
    answer = ask(logs, start, "fields @timestamp, srcAddr, bytes | filter bytes > 100")
    ((time, source, size, pointer),) = answer["results"]
    assert [each["field"] for each in (time, source, size, pointer)] == ["@timestamp", "srcAddr", "bytes", "@ptr"]
    assert (time["value"], size["value"]) == ("2025-12-03 14:43:00.000", "336")
    whole = logs.get_log_record(logRecordPointer=pointer["value"])["logRecord"]
    own = (whole["dstAddr"], whole["@logStream"], whole["@log"])
    assert own == ("10.2.0.126", STREAM, f"123456789012:{GROUP}")


def test_the_time_range_is_in_seconds_and_includes_both_ends(logs: Any, start: int) -> None:
    assert len(ask(logs, start, "fields bytes", start + 60)["results"]) == 2
    assert len(ask(logs, start + 1, "fields bytes", start + 59)["results"]) == 0
    with refused("InvalidParameterException", "looks like milliseconds"):
        ask(logs, start * 1000, "fields bytes", start * 1000 + 1)
    with refused("InvalidParameterException", "End time should not be before start time"):
        ask(logs, start, "fields bytes", start - 1)


def test_bin_boxes_the_events_times(logs: Any, start: int) -> None:
    rows = table(ask(logs, start, "stats count(*) as records by bin(5m) as time"))
    assert sum(int(row["records"]) for row in rows) == 4
    assert all(row["time"].endswith(":00.000") for row in rows)


def test_new_events_are_seen_by_the_next_query(logs: Any, start: int) -> None:
    assert len(ask(logs, start, "fields bytes")["results"]) == 4
    put(logs, GROUP, [(start + 200, record("10.1.15.80", "10.2.0.126", 84, start + 200))])
    assert len(ask(logs, start, "fields bytes")["results"]) == 5


def test_a_group_made_anew_is_another_group(logs: Any, start: int) -> None:
    events = [(start + each, record("192.0.2.1", "10.1.15.80", 40, start)) for each in range(4)]
    assert len(ask(logs, start, "filter srcAddr = '192.0.2.1'")["results"]) == 0
    logs.delete_log_group(logGroupName=GROUP)
    fill(logs, GROUP, events)
    assert len(ask(logs, start, "filter srcAddr = '192.0.2.1'")["results"]) == 4


def test_log_groups_are_named_in_one_of_four_ways(logs: Any, start: int) -> None:
    fill(logs, "NimbusOther", [(start, "hello")])
    arn = f"arn:aws:logs:us-east-1:123456789012:log-group:{GROUP}"
    count = "stats count(*) as n"
    assert table(ask(logs, start, count, logGroupNames=[GROUP, "NimbusOther"])) == [{"n": "5"}]
    assert table(ask(logs, start, count, logGroupIdentifiers=[arn, "NimbusOther"])) == [{"n": "5"}]
    source = f"SOURCE logGroups(namePrefix: ['Nimbus']) | {count}"
    for query, records, groups in ((source, "3", 2.0), (source.replace("Nimbus", "Other"), "0", 0.0)):
        id = logs.start_query(startTime=start, endTime=start + 60, queryString=query)["queryId"]
        answer = logs.get_query_results(queryId=id)
        assert (table(answer), answer["statistics"]["logGroupsScanned"]) == ([{"n": records}], groups)
    for more in ({"logGroupName": GROUP, "logGroupNames": [GROUP]}, {"queryLanguage": "CWLI"}):
        with refused("InvalidParameterException", "in exactly one way"):
            ask(logs, start, count, **more)
    with refused("InvalidParameterException", "must not end with an asterisk"):
        ask(logs, start, count, logGroupIdentifiers=[f"{arn}:*"])


def test_a_group_that_does_not_exist(logs: Any, start: int) -> None:
    """The wording as in https://github.com/lumigo-io/lumigo-CLI/issues/79."""
    message = "Log group 'nosuch' does not exist for account ID '123456789012'"
    with refused("ResourceNotFoundException", message):
        ask(logs, start, "fields bytes", logGroupName="nosuch")


def test_a_malformed_query_says_where(logs: Any, start: int) -> None:
    text = "fields bytes | pattern @message"
    with pytest.raises(logs.exceptions.MalformedQueryException) as caught:
        ask(logs, start, text)
    response = caught.value.response
    assert response["queryCompileError"]["location"] == {"startCharOffset": 15, "endCharOffset": 22}
    assert response["queryCompileError"]["message"] == response["Error"]["Message"]
    assert explain_error(text, response).splitlines()[:2] == [text, " " * 15 + "^^^^^^^"]


def test_limits(logs: Any, start: int) -> None:
    assert len(ask(logs, start, "fields bytes", logGroupName=GROUP, limit=2)["results"]) == 2
    with refused("InvalidParameterException", "limit must be from 1 to 100,000"):
        ask(logs, start, "fields bytes", logGroupName=GROUP, limit=100_001)
    with refused("InvalidParameterException", "at most 10,000 characters"):
        ask(logs, start, "fields bytes # " + "x" * 10_000)


def test_long_answers_come_in_pages(logs: Any, start: int) -> None:
    query = logs.start_query(logGroupName=GROUP, startTime=start, endTime=start + 600, queryString="fields bytes")
    first = logs.get_query_results(queryId=query["queryId"], maxItems=3)
    rest = logs.get_query_results(queryId=query["queryId"], nextToken=first["nextToken"])
    assert (len(first["results"]), len(rest["results"]), "nextToken" in rest) == (3, 1, False)


def test_only_records_of_the_default_format_have_fields_others_are_parsed(
    logs: Any, ec2: Any, vpc: str, start: int
) -> None:
    """https://repost.aws/knowledge-center/cloudwatch-vpc-flow-logs"""
    ec2.create_flow_logs(
        ResourceIds=[vpc], ResourceType="VPC", TrafficType="ALL", LogGroupName=GROUP,
        DeliverLogsPermissionArn="arn:aws:iam::123456789012:role/NimbusVPCFlowLogsRole",
        LogFormat="${srcaddr} ${tcp-flags} ${pkt-src-aws-service}",
    )  # fmt: skip
    put(logs, GROUP, [(start + 300, "10.1.15.80 18 EC2")])
    own = 'filter @message = "10.1.15.80 18 EC2"'
    (found,) = ask(logs, start, f"{own} | fields @timestamp, @message, @logStream, @log, @ingestionTime, srcAddr")[
        "results"
    ]
    assert [each["field"] for each in found] == [
        "@timestamp",
        "@message",
        "@logStream",
        "@log",
        "@ingestionTime",
        "@ptr",
    ]
    assert set(logs.get_log_record(logRecordPointer=found[-1]["value"])["logRecord"]) >= {"@message", "@timestamp"}
    assert ask(logs, start, "filter tcpFlags = 18 or pktSrcAwsService = 'EC2'")["results"] == []
    parsed = f"{own} | parse '* * *' as srcAddr, tcpFlags, service | filter tcpFlags = 18 | display srcAddr, service"
    ((source, service, _),) = ask(logs, start, parsed)["results"]
    assert (source["value"], service["value"]) == ("10.1.15.80", "EC2")
    assert len(ask(logs, start, "filter bytes > 0")["results"]) == 3


def test_queries_are_described_the_newest_first_and_have_ended(logs: Any, start: int) -> None:
    for text in ("fields bytes", "fields packets"):
        ask(logs, start, text)
    queries = logs.describe_queries(logGroupName=GROUP, status="Complete")["queries"]
    assert [each["queryString"] for each in queries] == ["fields packets", "fields bytes"]
    assert logs.describe_queries(status="Running")["queries"] == []
    # https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_StopQuery.html
    with refused("InvalidParameterException", "is not running"):
        logs.stop_query(queryId=queries[0]["queryId"])
    with refused("ResourceNotFoundException"):
        logs.get_query_results(queryId="nosuch")
    with refused("ResourceNotFoundException"):
        logs.get_log_record(logRecordPointer="nosuch")


# --- queries that take long or much ---

#: Each record takes milliseconds.
SLOW = "parse @message /(?<x>((.?){30}){30})$/ | stats count(x)"


@pytest.fixture
def slow(logs: Any, start: int, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A query under way that takes far longer than any answer waits for it; its id."""
    monkeypatch.setattr(logs_insights, "_PATIENCE", 0.05)
    for _ in range(3):
        put(logs, GROUP, [(start, record("10.1.15.80", "10.2.0.126", 84, start))] * 3000)
    id = logs.start_query(logGroupName=GROUP, startTime=start, endTime=start + 60, queryString=SLOW)["queryId"]
    yield id
    if status(logs, id) == "Running":
        logs.stop_query(queryId=id)


def status(logs: Any, query: str) -> str:
    return str(logs.get_query_results(queryId=query)["status"])


def test_while_a_slow_query_runs_other_calls_are_answered(logs: Any, ec2: Any, slow: str) -> None:
    ec2.describe_vpcs()
    began = time.monotonic()
    ec2.describe_vpcs()
    assert time.monotonic() - began < 0.2
    running = logs.get_query_results(queryId=slow)
    assert (running["status"], running["results"]) == ("Running", [])
    assert [each["queryId"] for each in logs.describe_queries(status="Running")["queries"]] == [slow]


def test_a_running_query_can_be_stopped(logs: Any, slow: str) -> None:
    assert logs.stop_query(queryId=slow)["success"]
    assert status(logs, slow) == "Cancelled"
    with refused("InvalidParameterException", "is not running: it is cancelled"):
        logs.stop_query(queryId=slow)


def test_only_so_many_queries_are_under_way(logs: Any, start: int, slow: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Thirty. https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_StartQuery.html"""
    monkeypatch.setattr(logs_insights, "_MOST_UNDER_WAY", 3)
    asked = {"logGroupName": GROUP, "startTime": start, "endTime": start + 60, "queryString": SLOW}
    more = [logs.start_query(**asked)["queryId"] for _ in range(2)]
    assert status(logs, more[-1]) == "Scheduled"
    with refused("LimitExceededException"):
        logs.start_query(**asked)
    for id in more:
        logs.stop_query(queryId=id)


def test_a_query_that_takes_too_long_ends_as_timeout(
    logs: Any, start: int, slow: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    logs.stop_query(queryId=slow)
    monkeypatch.setattr(database, "SECONDS", 0.3)
    now = datetime.fromtimestamp(start, UTC)
    with pytest.raises(LabError, match="ended as Timeout: it took too long. Ask for a shorter time range"):
        ask_insights(logs, SLOW, GROUP, now, now)


def test_a_query_that_makes_too_long_texts_fails(logs: Any, start: int) -> None:
    """Seven such steps took five gigabytes."""
    names = ["@message", *"abcdefg"]
    steps = [f"fields concat({', '.join([old] * 10)}) as {new}" for old, new in pairwise(names)]
    assert ask(logs, start, " | ".join([*steps, "stats max(strlen(g))"]))["status"] == "Failed"


def test_asking_takes_no_virtual_time(aws: EmbeddedAws, logs: Any, start: int) -> None:
    before = aws.clock.time()
    ask(logs, start, TOP_TRANSFERS)
    assert aws.clock.time() == before


def test_query_definitions(logs: Any, start: int) -> None:
    id = logs.put_query_definition(name="top", queryString=TOP_TRANSFERS, logGroupNames=[GROUP])["queryDefinitionId"]
    logs.put_query_definition(name="events", queryString="fields @message")
    logs.put_query_definition(name="top ten", queryString=TOP_TRANSFERS, queryDefinitionId=id)
    found = logs.describe_query_definitions()["queryDefinitions"]
    assert [each["name"] for each in found] == ["events", "top ten"]
    (top,) = logs.describe_query_definitions(queryDefinitionNamePrefix="top")["queryDefinitions"]
    assert (top["queryDefinitionId"], top["queryString"]) == (id, TOP_TRANSFERS)
    assert logs.delete_query_definition(queryDefinitionId=id)["success"]
    with refused("ResourceNotFoundException", "There is no query definition"):
        logs.delete_query_definition(queryDefinitionId=id)
    with refused("ResourceNotFoundException"):
        logs.put_query_definition(name="x", queryString="fields a", queryDefinitionId=id)
