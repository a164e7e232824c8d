"""CloudWatch Logs Insights behind the API: queries, and saved query definitions.

`labkit.embedded.start` adds the handlers to the server. `labkit.insights` runs the queries over the events that moto's
log groups hold, each in a thread of its own. Whoever asks about a query waits for its end a little, so that all but
slow ones are complete when they are first asked about, whatever the computer.

https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_StartQuery.html
https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutQueryDefinition.html
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from threading import Event
from time import monotonic
from typing import TYPE_CHECKING, Any

from labkit.embedded.api import determinism
from labkit.embedded.api.paging import Items, page
from labkit.embedded.api.refusals import AwsError, NotInEmbeddedAwsError
from labkit.embedded.api.scope import ACCOUNT_ID
from labkit.embedded.api.server import Handler
from labkit.embedded.clock import Clock

if TYPE_CHECKING:
    from labkit.embedded.api.log_events import LogEvents
    from labkit.embedded.api.query_runs import QueryRun

_MOST_GROUPS, _MOST_UNDER_WAY = 50, 30

#: How many queries are kept, and how many bytes of their rows; the oldest go. AWS keeps rows for a time.
_MOST_KEPT, _MOST_BYTES = 1000, 256_000_000

#: How long an answer waits for the end of the query that it is about, in seconds of this computer.
_PATIENCE = 2.0

#: The year 5138 in epoch seconds: larger numbers are milliseconds.
_MILLISECONDS = 10**11


@dataclass(frozen=True, slots=True)
class StartedQuery:
    """What one `start_query` began.

    Attributes:
        log_groups: The names of the log groups that it searches.
        description: The query as DescribeQueries lists it, without its status.
        run: The query in its thread.
    """

    log_groups: tuple[str, ...]
    description: dict[str, Any]
    run: QueryRun


class LogsInsights:
    """The queries and the query definitions of one embedded AWS."""

    def __init__(self, clock: Clock, region: str) -> None:
        self._clock = clock
        self._region = region
        self._queries: dict[str, StartedQuery] = {}
        self._definitions: dict[str, dict[str, Any]] = {}

    def handlers(self) -> dict[tuple[str, str], Handler]:
        """Return the API actions that this class answers."""
        return {
            ("logs", "StartQuery"): self.start,
            ("logs", "GetQueryResults"): self.results,
            ("logs", "StopQuery"): self.stop,
            ("logs", "DescribeQueries"): self.describe,
            ("logs", "GetLogRecord"): self.record,
            ("logs", "PutQueryDefinition"): self.put_definition,
            ("logs", "DescribeQueryDefinitions"): self.describe_definitions,
            ("logs", "DeleteQueryDefinition"): self.delete_definition,
        }

    def waits(self) -> dict[tuple[str, str], Callable[[dict[str, Any]], None]]:
        """Return the actions that wait before they take the lock."""
        return dict.fromkeys(
            (("logs", each) for each in ("GetQueryResults", "StopQuery", "DescribeQueries")), self.settle
        )

    @cached_property
    def _events(self) -> LogEvents:
        # The first query loads pandas, pyarrow and DuckDB, and not the start of the embedded AWS.
        from labkit.embedded.api.log_events import LogEvents

        return LogEvents(self._region)

    def start(self, parameters: dict[str, Any]) -> dict[str, Any]:
        """StartQuery: refuse the query, or start it."""
        from labkit import insights
        from labkit.embedded.api import log_events
        from labkit.embedded.api.query_runs import Found, QueryRun

        _check(parameters)
        if sum(query.run.is_under_way for query in self._queries.values()) >= _MOST_UNDER_WAY:
            raise AwsError("LimitExceededException", f"{_MOST_UNDER_WAY} queries are under way; wait for one of them.")
        text, now = parameters["queryString"], self._clock.time()
        try:
            query = insights.parse(text)
            names = self._groups(parameters, query.source)
            compiled = insights.compile(
                query, insights.kinds(log_events.schema()), now=now, limit=parameters.get("limit")
            )
        except insights.QueryError as error:
            location = {"startCharOffset": error.start, "endCharOffset": error.end}
            compile_error = {"location": location, "message": error.message}
            raise AwsError("MalformedQueryException", error.message, queryCompileError=compile_error) from None
        events = self._events.within(names, parameters["startTime"] * 1000, parameters["endTime"] * 1000)
        id = determinism.new_id()
        description = {
            "queryLanguage": "CWLI",
            "queryId": id,
            "queryString": text,
            "createTime": int(now * 1000),
            "logGroupName": names[0] if names else "",
            "queryDuration": 0,
        }

        def find(stop: Event) -> Found:
            table = events()
            return Found(insights.execute(table, compiled, stop), log_events.size(table))

        self._queries[id] = StartedQuery(tuple(names), description, QueryRun(find))
        self._forget()
        return {"queryId": id}

    def settle(self, parameters: Mapping[str, Any]) -> None:
        """Wait a little for the query that a request is about, or for all: outside of the lock.

        Args:
            parameters: Those of the request.
        """
        id = parameters.get("queryId")
        until = monotonic() + _PATIENCE
        for each in [query for known, query in tuple(self._queries.items()) if id in (None, known)]:
            each.run.wait(max(0.0, until - monotonic()))

    def results(self, parameters: dict[str, Any]) -> dict[str, Any]:
        """GetQueryResults: at most 10,000 rows at once, and nextToken where there are more."""
        query = self._query(parameters)
        found = query.run.found
        results = found.results if found else None
        page = _page("results", () if results is None else results, parameters, "maxItems", 10_000)
        page["results"] = [[{"field": field, "value": value} for field, value in row] for row in page["results"]]
        statistics = {
            "recordsMatched": float(0 if results is None else results.matched),
            "recordsScanned": float(0 if results is None else results.scanned),
            "estimatedRecordsSkipped": 0.0,
            "bytesScanned": _bytes_scanned(query),
            "estimatedBytesSkipped": 0.0,
            "logGroupsScanned": float(len(query.log_groups)),
            "resultCount": float(0 if results is None else len(results)),
        }
        return {"queryLanguage": "CWLI", "statistics": statistics, "status": query.run.status, **page}

    def stop(self, parameters: dict[str, Any]) -> dict[str, Any]:
        """StopQuery: refused where the query is over.

        https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_StopQuery.html
        """
        query = self._query(parameters)
        if not query.run.is_under_way:
            id, status = query.description["queryId"], query.run.status.lower()
            raise AwsError("InvalidParameterException", f"The query {id} is not running: it is {status}.")
        query.run.stop()
        return {"success": True}

    def describe(self, parameters: dict[str, Any]) -> dict[str, Any]:
        """DescribeQueries, the newest first."""
        group, status = parameters.get("logGroupName"), parameters.get("status")
        found = [
            {**query.description, "status": query.run.status, "bytesScanned": _bytes_scanned(query)}
            for query in reversed(self._queries.values())
            if (group is None or group in query.log_groups) and status in (None, query.run.status)
        ]
        return _page("queries", found, parameters, "maxResults", 1000)

    def record(self, parameters: dict[str, Any]) -> dict[str, Any]:
        """GetLogRecord: all fields of the event that an @ptr points to."""
        from labkit import insights

        pointer = parameters["logRecordPointer"]
        event = self._events.event(pointer)
        if event is None:
            raise AwsError("ResourceNotFoundException", f"There is no log event at {pointer}.")
        text = f"display {', '.join(f'`{name}`' for name in event.column_names)}"
        return {"logRecord": dict(insights.run(event, text).rows[0])}

    def put_definition(self, parameters: dict[str, Any]) -> dict[str, Any]:
        """PutQueryDefinition: make a new one or, with its id, change one."""
        if parameters.get("queryLanguage", "CWLI") != "CWLI" or parameters.get("parameters"):
            raise NotInEmbeddedAwsError("keep query definitions with parameters, or in another language than CWLI")
        id = parameters.get("queryDefinitionId")
        id = determinism.new_id() if id is None else self._definition(id)
        self._definitions[id] = {
            "queryLanguage": "CWLI",
            "queryDefinitionId": id,
            "name": parameters["name"],
            "queryString": parameters["queryString"],
            "lastModified": int(self._clock.time() * 1000),
            "logGroupNames": parameters.get("logGroupNames") or [],
        }
        return {"queryDefinitionId": id}

    def describe_definitions(self, parameters: dict[str, Any]) -> dict[str, Any]:
        """DescribeQueryDefinitions, by name."""
        prefix = parameters.get("queryDefinitionNamePrefix", "")
        found = [each for each in self._definitions.values() if each["name"].startswith(prefix)]
        found.sort(key=lambda each: str(each["name"]))
        return _page("queryDefinitions", found, parameters, "maxResults", 1000)

    def delete_definition(self, parameters: dict[str, Any]) -> dict[str, Any]:
        """DeleteQueryDefinition."""
        del self._definitions[self._definition(parameters["queryDefinitionId"])]
        return {"success": True}

    def _definition(self, id: str) -> str:
        if id not in self._definitions:
            raise AwsError("ResourceNotFoundException", f"There is no query definition {id}.")
        return id

    def _groups(self, parameters: dict[str, Any], source: Mapping[str, tuple[str, ...]] | None) -> list[str]:
        """Return the names of the log groups that a query searches."""
        given = [key for key in ("logGroupName", "logGroupNames", "logGroupIdentifiers") if parameters.get(key)]
        if len(given) + (source is not None) != 1:
            raise AwsError(
                "InvalidParameterException",
                "Name the log groups in exactly one way: logGroupName, logGroupNames, logGroupIdentifiers, or a SOURCE "
                "command in the query.",
            )
        if source is not None:
            return _named_by_source(source, self._events.groups)
        value = parameters[given[0]]
        names = list(dict.fromkeys(_name(each) for each in ([value] if isinstance(value, str) else value)))
        if len(names) > _MOST_GROUPS:
            raise AwsError("InvalidParameterException", f"A query reads at most {_MOST_GROUPS} log groups.")
        for each in names:
            if each not in self._events.groups:
                message = f"Log group '{each}' does not exist for account ID '{ACCOUNT_ID}'"
                raise AwsError("ResourceNotFoundException", message)
        return names

    def _forget(self) -> None:
        """Forget the oldest queries that are over, where there are too many or their rows take too much."""
        kept = size = 0
        for id, query in reversed(list(self._queries.items())):
            kept, size = kept + 1, size + query.run.nbytes
            if (kept > _MOST_KEPT or size > _MOST_BYTES) and not query.run.is_under_way:
                del self._queries[id]

    def _query(self, parameters: dict[str, Any]) -> StartedQuery:
        query = self._queries.get(parameters["queryId"])
        if query is None:
            raise AwsError("ResourceNotFoundException", f"There is no query {parameters['queryId']}.")
        return query


def _bytes_scanned(query: StartedQuery) -> float:
    found = query.run.found
    return float(found.bytes_scanned) if found else 0.0


def _check(parameters: dict[str, Any]) -> None:
    from labkit.insights import MOST_CHARACTERS, MOST_ROWS

    if parameters.get("queryLanguage", "CWLI") != "CWLI":
        raise NotInEmbeddedAwsError(f"run queries in {parameters['queryLanguage']}, only in Logs Insights QL (CWLI)")
    start, end = parameters["startTime"], parameters["endTime"]
    if max(start, end) >= _MILLISECONDS:
        message = f"startTime and endTime are in seconds since 1970; {max(start, end)} looks like milliseconds."
    elif end < start:
        message = "End time should not be before start time"
    elif len(parameters["queryString"]) > MOST_CHARACTERS:
        message = f"A query has at most {MOST_CHARACTERS:,} characters, this one {len(parameters['queryString']):,}."
    elif not 1 <= parameters.get("limit", 1) <= MOST_ROWS:
        message = f"limit must be from 1 to {MOST_ROWS:,}, not {parameters['limit']}."
    else:
        return
    raise AwsError("InvalidParameterException", message)


def _name(identifier: str) -> str:
    """Return the name of a log group from its name or its ARN."""
    if not identifier.startswith("arn:"):
        return identifier
    if identifier.endswith("*"):
        raise AwsError("InvalidParameterException", "The ARN in logGroupIdentifiers must not end with an asterisk (*).")
    return identifier.partition(":log-group:")[2]


def _named_by_source(source: Mapping[str, tuple[str, ...]], groups: Mapping[str, Any]) -> list[str]:
    """Return the log groups that `SOURCE logGroups(…)` chooses.

    https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/CWL_QuerySyntax-Source.html
    """
    if source.get("class", ("STANDARD",)) != ("STANDARD",):
        raise NotInEmbeddedAwsError(f"have log groups of the class {source['class'][0]}, only STANDARD")
    if ACCOUNT_ID not in source.get("accountIdentifiers", (ACCOUNT_ID,)):
        return []
    prefixes = source.get("namePrefix", ("",))
    return [name for name in sorted(groups) if name.startswith(prefixes)][:_MOST_GROUPS]


def _page(key: str, items: Items[Any], parameters: dict[str, Any], most_key: str, most: int) -> dict[str, Any]:
    """Return one page of an answer: as many items as the request wants at most, and the token of the next page."""
    size = min(parameters.get(most_key) or most, most)
    found, token = page(items, parameters.get("nextToken"), size, code="InvalidParameterException")
    return {key: found} | ({"nextToken": token} if token else {})
