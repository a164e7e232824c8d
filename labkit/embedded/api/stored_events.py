"""The events of log groups: how delivery keeps them, and how FilterLogEvents and GetLogEvents read them page by page.

A stream's events are brought into order once after it has got more. So a page begins with a binary search, and costs
what it holds; moto goes through all events of a group for each page.

https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_FilterLogEvents.html
https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_GetLogEvents.html
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, islice
from operator import attrgetter
from typing import Any
from weakref import WeakKeyDictionary

from labkit.embedded.api.refusals import AwsError
from labkit.embedded.api.scope import ACCOUNT_ID
from labkit.embedded.api.server import Handler

#: The most events of a page, which is also how many it has unless the request says.
_MOST = 10_000

_timestamp = attrgetter("timestamp")
_place = attrgetter("timestamp", "event_id")


@dataclass(slots=True)
class StoredEvent:
    """An event as a log stream keeps it: what moto's LogEvent has, in a third of the memory.

    Attributes:
        timestamp: When it happened, in milliseconds since 1970.
        ingestion_time: When it came to CloudWatch Logs, likewise.
        message: Its text.
        event_id: Its number among all events of the account.
    """

    timestamp: int
    ingestion_time: int
    message: str
    event_id: int


def log_groups(region: str) -> Mapping[str, Any]:
    """Return moto's log groups by name."""
    from moto.logs.models import logs_backends

    groups: Mapping[str, Any] = logs_backends[ACCOUNT_ID][region].groups
    return groups


def next_event_id() -> int:
    """Return the number of the next event, and count it."""
    from moto.logs.models import LogEvent

    number: int = LogEvent._event_id
    LogEvent._event_id += 1
    return number


class StoredEvents:
    """Reads the events of one account's log groups.

    Args:
        region: The account's region.
    """

    def __init__(self, region: str) -> None:
        self._region = region
        self._in_order: WeakKeyDictionary[Any, int] = WeakKeyDictionary()  # stream → how many events were in order

    def handlers(self) -> dict[tuple[str, str], Handler]:
        """Return the API actions that this class answers."""
        return {("logs", "FilterLogEvents"): self.filter, ("logs", "GetLogEvents"): self.get}

    def filter(self, parameters: Mapping[str, Any]) -> dict[str, Any]:
        """Answer FilterLogEvents: the events of several streams, one stream after the other (AWS mixes them)."""
        from moto.logs.utils import EventMessageFilter

        limit, streams = _limit(parameters), self._streams(parameters)
        first, place = _after(parameters.get("nextToken"), streams)
        found: Iterator[tuple[str, Any]] = chain.from_iterable(
            self._between(stream, parameters, place if number == 0 else None)
            for number, stream in enumerate(streams[first:])
        )
        if pattern := parameters.get("filterPattern"):
            matches = EventMessageFilter(pattern).matches
            found = (pair for pair in found if matches(pair[1].message))
        page = list(islice(found, limit))
        answer: dict[str, Any] = {"events": [_event(event, stream) for stream, event in page], "searchedLogStreams": []}
        if len(page) == limit and next(found, None) is not None:
            stream, last = page[-1]
            answer["nextToken"] = f"{last.timestamp}/{last.event_id}/{stream}"
        return answer

    def get(self, parameters: Mapping[str, Any]) -> dict[str, Any]:
        """Answer GetLogEvents: the events of one stream, forward or back from a token, at first the last ones."""
        limit, stream = _limit(parameters), self._stream(parameters)
        events = self._events(stream)
        low = bisect_left(events, parameters.get("startTime") or 0, key=_timestamp)
        end = parameters.get("endTime")
        high = len(events) if end is None else max(low, bisect_left(events, end, key=_timestamp))
        token = parameters.get("nextToken")
        if not token:
            first = low if parameters.get("startFromHead") else max(low, high - limit)
            last = min(first + limit, high)
        else:
            direction, _, number = token.partition("/")
            if direction not in ("f", "b") or not (number.isascii() and number.isdecimal()):
                raise _invalid_token()
            at = min(max(int(number), low), high)
            first, last = (at, min(at + limit, high)) if direction == "f" else (max(low, at - limit), at)
        return {
            "events": [_event(event) for event in events[first:last]],
            "nextForwardToken": f"f/{last:056d}",
            "nextBackwardToken": f"b/{first:056d}",
        }

    def _group(self, parameters: Mapping[str, Any]) -> Any:
        name = parameters.get("logGroupName") or parameters.get("logGroupIdentifier", "").rpartition(":log-group:")[2]
        group = log_groups(self._region).get(name)
        if group is None:
            raise AwsError("ResourceNotFoundException", "The specified log group does not exist.")
        return group

    def _stream(self, parameters: Mapping[str, Any]) -> Any:
        stream = self._group(parameters).streams.get(parameters["logStreamName"])
        if stream is None:
            raise AwsError("ResourceNotFoundException", "The specified log stream does not exist.")
        return stream

    def _streams(self, parameters: Mapping[str, Any]) -> list[Any]:
        """The streams that a FilterLogEvents asks for: all, those it names, or those whose names begin so."""
        names, prefix = parameters.get("logStreamNames"), parameters.get("logStreamNamePrefix")
        if names and prefix:
            raise AwsError(
                "InvalidParameterException", "logStreamNames and logStreamNamePrefix are mutually exclusive parameters."
            )
        streams = self._group(parameters).streams
        if names:
            return [streams[name] for name in dict.fromkeys(names) if name in streams]
        return [stream for name, stream in streams.items() if name.startswith(prefix or "")]

    def _between(
        self, stream: Any, parameters: Mapping[str, Any], after: tuple[int, int] | None
    ) -> Iterator[tuple[str, Any]]:
        """Yield a stream's events in a request's period and behind its token, each with the stream's name."""
        events, name, end = self._events(stream), stream.log_stream_name, parameters.get("endTime")
        low = bisect_left(events, parameters.get("startTime") or 0, key=_timestamp)
        if after is not None:
            low = max(low, bisect_right(events, after, key=_place))
        high = len(events) if end is None else bisect_right(events, end, key=_timestamp)
        return ((name, events[at]) for at in range(low, high))

    def _events(self, stream: Any) -> Sequence[Any]:
        events: list[Any] = stream.events
        if self._in_order.get(stream) != len(events):
            events.sort(key=_place)
            self._in_order[stream] = len(events)
        return events


def _event(event: Any, stream: str | None = None) -> dict[str, Any]:
    """An event as an answer has it; FilterLogEvents names its stream and its id."""
    found = {"timestamp": event.timestamp, "message": event.message, "ingestionTime": event.ingestion_time}
    return found if stream is None else {**found, "logStreamName": stream, "eventId": str(event.event_id)}


def _limit(parameters: Mapping[str, Any]) -> int:
    limit = parameters.get("limit")
    if limit is None:
        return _MOST
    if not 1 <= limit <= _MOST:
        raise AwsError(
            "InvalidParameterException",
            f"1 validation error detected: Value '{limit}' at 'limit' failed to satisfy constraint: "
            f"Member must be between 1 and {_MOST}",
        )
    return int(limit)


def _after(token: str | None, streams: Sequence[Any]) -> tuple[int, tuple[int, int] | None]:
    """The number of the stream in which the page before ended, and the place of its last event there."""
    if not token:
        return 0, None
    timestamp, _, rest = token.partition("/")
    event_id, _, name = rest.partition("/")
    names = [stream.log_stream_name for stream in streams]
    if name not in names or not all(word.isascii() and word.isdecimal() for word in (timestamp, event_id)):
        raise _invalid_token()
    return names.index(name), (int(timestamp), int(event_id))


def _invalid_token() -> AwsError:
    return AwsError("InvalidParameterException", "The specified nextToken is invalid.")
