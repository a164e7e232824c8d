"""FilterLogEvents and GetLogEvents: which events, in which order, page by page.

https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_FilterLogEvents.html
https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_GetLogEvents.html
"""

from __future__ import annotations

from typing import Any

import pytest

from labkit.embedded import EmbeddedAws
from tests.embedded.support import refused

#: The events of each stream in the order in which they come: not in that of time.
PUT = {"a": [(3, "a3"), (1, "a1 odd"), (2, "a2")], "b": [(2, "b2"), (1, "b1 odd")], "c": []}


@pytest.fixture
def began(aws: EmbeddedAws, logs: Any) -> int:
    """The moment before the events, in milliseconds; they come a millisecond after the other."""
    now = int(aws.clock.time() * 1000)
    logs.create_log_group(logGroupName="g")
    for stream, events in PUT.items():
        logs.create_log_stream(logGroupName="g", logStreamName=stream)
        for after, message in events:
            event = {"timestamp": now + after, "message": message}
            logs.put_log_events(logGroupName="g", logStreamName=stream, logEvents=[event])
    return now


@pytest.mark.parametrize("size", [1, 2, 3, 5, 10_000])
def test_pages_of_any_size_have_each_event_once(logs: Any, began: int, size: int) -> None:
    pages = list(logs.get_paginator("filter_log_events").paginate(logGroupName="g", limit=size))
    found = [event for page in pages for event in page["events"]]
    assert [event["message"] for event in found] == ["a1 odd", "a2", "a3", "b1 odd", "b2"]
    assert [event["logStreamName"] for event in found] == list("aaabb")
    assert len(pages) == -(-5 // size)


def test_events_are_chosen_by_time_stream_and_words(logs: Any, began: int) -> None:
    def found(**more: Any) -> list[str]:
        return [event["message"] for event in logs.filter_log_events(logGroupName="g", **more)["events"]]

    assert found(startTime=began + 2, endTime=began + 2) == ["a2", "b2"]
    assert found(logStreamNames=["b", "nowhere"]) == found(logStreamNamePrefix="b") == ["b1 odd", "b2"]
    assert found(filterPattern="odd", limit=1) == ["a1 odd"]
    with refused("InvalidParameterException", "mutually exclusive"):
        found(logStreamNames=["a"], logStreamNamePrefix="b")


def test_a_stream_is_read_forth_and_back(logs: Any, began: int) -> None:
    """The last page's forward token is the one that was given: so a reader knows the end."""

    def page(**more: Any) -> tuple[list[str], str, str]:
        answer = logs.get_log_events(logGroupName="g", logStreamName="a", limit=2, **more)
        return [each["message"] for each in answer["events"]], answer["nextForwardToken"], answer["nextBackwardToken"]

    first, forward, _ = page(startFromHead=True)
    second, end, back = page(nextToken=forward)
    assert (first, second, page(nextToken=end)[:2]) == (["a1 odd", "a2"], ["a3"], ([], end))
    assert page(nextToken=back)[0] == ["a1 odd", "a2"]
    assert page()[0] == ["a2", "a3"]
    assert page(endTime=began + 2)[0] == ["a1 odd"]  # the end is not part of it


@pytest.mark.parametrize("token", ["x", "f", "f/", "f/-1", "g/1", "1/2/nowhere", "1/x/a", "²/1/a", ""])
def test_other_tokens_limits_groups_and_streams_are_refused(logs: Any, began: int, token: str) -> None:
    if token:
        for read in (logs.filter_log_events, lambda **more: logs.get_log_events(logStreamName="a", **more)):
            with refused("InvalidParameterException", "nextToken is invalid"):
                read(logGroupName="g", nextToken=token)
    with refused("InvalidParameterException", "'limit'"):
        logs.filter_log_events(logGroupName="g", limit=10_001)
    with refused("ResourceNotFoundException", "log group does not exist"):
        logs.filter_log_events(logGroupName="nowhere")
    with refused("ResourceNotFoundException", "log stream does not exist"):
        logs.get_log_events(logGroupName="g", logStreamName="nowhere")
