"""Queries that take time.

https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_StartQuery.html and
https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_GetQueryResults.html
"""

from __future__ import annotations

from typing import Any

import pytest

from labkit.embedded import EmbeddedAws
from tests.embedded.support import refused

pytestmark = pytest.mark.behaves("query-states")

ROWS = 40


@pytest.fixture
def query(aws: EmbeddedAws, logs: Any) -> str:
    """A query for forty events that has just been started; its id."""
    logs.create_log_group(logGroupName="g")
    logs.create_log_stream(logGroupName="g", logStreamName="s")
    now = int(aws.clock.time())
    events = [{"timestamp": now * 1000 + each, "message": f"event {each}"} for each in range(ROWS)]
    logs.put_log_events(logGroupName="g", logStreamName="s", logEvents=events)
    text = "fields @message | sort @timestamp"
    started = logs.start_query(logGroupName="g", startTime=now - 60, endTime=now + 60, queryString=text)
    return str(started["queryId"])


def answers(aws: EmbeddedAws, logs: Any, query: str) -> list[dict[str, Any]]:
    """Ask for the results until the query is complete, as a client does."""
    found = []
    while True:
        found.append(logs.get_query_results(queryId=query))
        if found[-1]["status"] not in ("Scheduled", "Running"):
            return found
        aws.clock.advance(0.3)


def test_a_query_is_scheduled_then_running_then_complete(aws: EmbeddedAws, logs: Any, query: str) -> None:
    found = answers(aws, logs, query)
    assert list(dict.fromkeys(each["status"] for each in found)) == ["Scheduled", "Running", "Complete"]
    assert len(found[-1]["results"]) == ROWS
    assert found[-1]["statistics"]["recordsMatched"] == ROWS


def test_a_running_query_has_some_of_its_rows(aws: EmbeddedAws, logs: Any, query: str) -> None:
    found = answers(aws, logs, query)
    counts = [len(each["results"]) for each in found]
    assert counts == sorted(counts), "more and more"
    assert all(not each["results"] for each in found if each["status"] == "Scheduled")
    assert any(0 < len(each["results"]) < ROWS for each in found if each["status"] == "Running")
    assert all(each["statistics"]["recordsMatched"] < ROWS for each in found[:-1])
    whole = found[-1]["results"]
    assert all(each["results"] == whole[: len(each["results"])] for each in found)


def test_asking_again_and_again_gets_there_without_a_pause(logs: Any, query: str) -> None:
    for _ in range(50):
        if logs.get_query_results(queryId=query)["status"] == "Complete":
            return
    raise AssertionError("Each call takes a little time.")


def test_queries_are_listed_with_their_status(aws: EmbeddedAws, logs: Any, query: str) -> None:
    assert [each["status"] for each in logs.describe_queries()["queries"]] == ["Scheduled"]
    assert not logs.describe_queries(status="Complete")["queries"]
    aws.clock.advance(10)
    assert [each["queryId"] for each in logs.describe_queries(status="Complete")["queries"]] == [query]


def test_queries_are_listed_in_pages_of_those_with_the_status(aws: EmbeddedAws, logs: Any, query: str) -> None:
    """https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_DescribeQueries.html"""
    now = int(aws.clock.time())
    aws.clock.advance(10)

    def start() -> str:
        asked = {"startTime": now, "endTime": now + 60, "queryString": "fields @message"}
        return str(logs.start_query(logGroupName="g", **asked)["queryId"])

    second = start()
    aws.clock.advance(10)
    start()
    first_page = logs.describe_queries(status="Complete", maxResults=1)
    assert [each["queryId"] for each in first_page["queries"]] == [second], "the newest is not complete yet"
    last = logs.describe_queries(status="Complete", maxResults=1, nextToken=first_page["nextToken"])
    assert [each["queryId"] for each in last["queries"]] == [query]
    assert "nextToken" not in last
    assert len(logs.describe_queries()["queries"]) == 3
    with refused("InvalidParameterException", "The token 'x' is not one"):
        logs.describe_queries(nextToken="x")


def test_a_query_can_be_stopped_until_it_is_complete(aws: EmbeddedAws, logs: Any, query: str) -> None:
    """https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_StopQuery.html"""
    aws.clock.advance(2)
    assert logs.stop_query(queryId=query)["success"] is True
    aws.clock.advance(10)
    stopped = logs.get_query_results(queryId=query)
    assert stopped["status"] == "Cancelled"
    assert len(stopped["results"]) < ROWS


def test_a_complete_query_can_not_be_stopped(aws: EmbeddedAws, logs: Any, query: str) -> None:
    aws.clock.advance(10)
    with refused("InvalidParameterException"):
        logs.stop_query(queryId=query)


def test_a_wrong_query_is_refused_at_once(logs: Any) -> None:
    with refused("ResourceNotFoundException"):
        logs.start_query(logGroupName="none", startTime=0, endTime=1, queryString="fields @message")
    with refused("ResourceNotFoundException"):
        logs.get_query_results(queryId="none")


@pytest.mark.behaves()
def test_without_the_behavior_a_query_is_complete_at_once(logs: Any, query: str) -> None:
    assert logs.get_query_results(queryId=query)["status"] == "Complete"
