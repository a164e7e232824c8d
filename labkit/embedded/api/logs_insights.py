"""CloudWatch Logs Insights behind the API: a query is answered at once, over the events that the log groups hold.

Query definitions are kept in query_definitions.py.
https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_StartQuery.html
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from labkit.embedded.api import determinism
from labkit.embedded.api.query_definitions import QueryDefinitions, page
from labkit.embedded.api.refusals import AwsError, NotInEmbeddedAwsError
from labkit.embedded.api.scope import ACCOUNT_ID
from labkit.embedded.api.server import Handler
from labkit.embedded.clock import Clock

if TYPE_CHECKING:
    from labkit.embedded.api.log_events import LogEvents

_LONGEST_QUERY, _MOST_ROWS, _MOST_GROUPS, _PAGE = 10_000, 100_000, 50, 10_000

#: Later than any time in epoch seconds that a student means: the year 5138.
_MILLISECONDS = 10**11


@dataclass(frozen=True, slots=True)
class Query:
    """One `start_query` and its answer."""

    id: str
    text: str
    log_groups: tuple[str, ...]
    created: int
    results: list[list[dict[str, str]]]
    statistics: dict[str, float]


class LogsInsights:
    """The queries of one embedded AWS."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._queries: dict[str, Query] = {}
        self._definitions = QueryDefinitions(clock)

    def handlers(self) -> dict[tuple[str, str], Handler]:
        """The API actions that this class answers."""
        return {
            ("logs", "StartQuery"): self.start,
            ("logs", "GetQueryResults"): self.results,
            ("logs", "StopQuery"): self.stop,
            ("logs", "DescribeQueries"): self.describe,
            ("logs", "GetLogRecord"): self.record,
            **self._definitions.handlers(),
        }

    @cached_property
    def _events(self) -> LogEvents:
        # Only the first query loads pandas, pyarrow and DuckDB, and not the start of the embedded AWS.
        from labkit.embedded.api.log_events import LogEvents

        return LogEvents()

    def start(self, parameters: dict[str, Any]) -> dict[str, Any]:
        """StartQuery: run the query, and keep its answer for GetQueryResults."""
        from labkit import insights

        _check(parameters)
        text, now = parameters["queryString"], self._clock.time()
        try:
            source = insights.compile(text, {"@timestamp": "time"}, now=now).source
            names = self._groups(parameters, source)
            table = self._events.table(names, parameters["startTime"] * 1000, parameters["endTime"] * 1000)
            answer = insights.run(table, text, now=now, limit=parameters.get("limit"))
        except insights.QueryError as error:
            location = {"startCharOffset": error.start, "endCharOffset": error.end}
            compile_error = {"location": location, "message": error.message}
            raise AwsError("MalformedQueryException", error.message, queryCompileError=compile_error) from None
        query = Query(
            determinism.new_id(),
            text,
            tuple(names),
            int(now * 1000),
            [[{"field": field, "value": value} for field, value in row] for row in answer.rows],
            {
                "recordsMatched": float(answer.matched),
                "recordsScanned": float(answer.scanned),
                "estimatedRecordsSkipped": 0.0,
                "bytesScanned": float(self._events.size(table)),
                "estimatedBytesSkipped": 0.0,
                "logGroupsScanned": float(len(names)),
                "resultCount": float(len(answer.rows)),
            },
        )
        self._queries[query.id] = query
        return {"queryId": query.id}

    def results(self, parameters: dict[str, Any]) -> dict[str, Any]:
        """GetQueryResults: at most 10,000 rows at once, and nextToken where there are more."""
        query = self._query(parameters)
        rows, token = page(query.results, parameters, "maxItems", _PAGE)
        return {
            "queryLanguage": "CWLI",
            "results": rows,
            "statistics": query.statistics,
            "status": "Complete",
            **token,
        }

    def stop(self, parameters: dict[str, Any]) -> dict[str, Any]:
        """StopQuery: refused, for every query has already ended.

        https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_StopQuery.html
        """
        query = self._query(parameters)
        raise AwsError("InvalidParameterException", f"The query {query.id} is not running: it is complete.")

    def describe(self, parameters: dict[str, Any]) -> dict[str, Any]:
        """DescribeQueries, the newest first."""
        group, status = parameters.get("logGroupName"), parameters.get("status")
        found = [
            {
                "queryLanguage": "CWLI",
                "queryId": query.id,
                "queryString": query.text,
                "status": "Complete",
                "createTime": query.created,
                "logGroupName": query.log_groups[0],
                "queryDuration": 0,
                "bytesScanned": query.statistics["bytesScanned"],
            }
            for query in reversed(self._queries.values())
            if (group is None or group in query.log_groups) and status in (None, "Complete")
        ]
        queries, token = page(found, parameters, "maxResults", 1000)
        return {"queries": queries, **token}

    def record(self, parameters: dict[str, Any]) -> dict[str, Any]:
        """GetLogRecord: all fields of the event that an @ptr points to."""
        from labkit import insights

        pointer = parameters["logRecordPointer"]
        event = self._events.event(pointer)
        if event is None:
            raise AwsError("ResourceNotFoundException", f"There is no log event at {pointer}.")
        text = f"display {', '.join(f'`{name}`' for name in event.column_names)}"
        return {"logRecord": dict(insights.run(event, text).rows[0])}

    def _groups(self, parameters: dict[str, Any], source: Any) -> list[str]:
        """The names of the log groups that a query reads."""
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

    def _query(self, parameters: dict[str, Any]) -> Query:
        query = self._queries.get(parameters["queryId"])
        if query is None:
            raise AwsError("ResourceNotFoundException", f"There is no query {parameters['queryId']}.")
        return query


def _check(parameters: dict[str, Any]) -> None:
    if parameters.get("queryLanguage", "CWLI") != "CWLI":
        raise NotInEmbeddedAwsError(f"run queries in {parameters['queryLanguage']}, only in Logs Insights QL (CWLI)")
    start, end = parameters["startTime"], parameters["endTime"]
    if max(start, end) >= _MILLISECONDS:
        message = f"startTime and endTime are in seconds since 1970; {max(start, end)} looks like milliseconds."
    elif end < start:
        message = "End time should not be before start time"
    elif len(parameters["queryString"]) > _LONGEST_QUERY:
        message = f"A query has at most {_LONGEST_QUERY:,} characters, this one {len(parameters['queryString']):,}."
    elif not 1 <= parameters.get("limit", 1) <= _MOST_ROWS:
        message = f"limit must be from 1 to {_MOST_ROWS:,}, not {parameters['limit']}."
    else:
        return
    raise AwsError("InvalidParameterException", message)


def _name(identifier: str) -> str:
    """The name of a log group from its name or its ARN."""
    if not identifier.startswith("arn:"):
        return identifier
    if identifier.endswith("*"):
        raise AwsError("InvalidParameterException", "The ARN in logGroupIdentifiers must not end with an asterisk (*).")
    return identifier.partition(":log-group:")[2]


def _named_by_source(source: Any, groups: Any) -> list[str]:
    """The log groups that `SOURCE logGroups(…)` chooses.

    https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/CWL_QuerySyntax-Source.html
    """
    if source.get("class", ("STANDARD",)) != ("STANDARD",):
        raise NotInEmbeddedAwsError(f"have log groups of the class {source['class'][0]}, only STANDARD")
    if ACCOUNT_ID not in source.get("accountIdentifiers", (ACCOUNT_ID,)):
        return []
    prefixes = source.get("namePrefix", ("",))
    return [name for name in sorted(groups) if name.startswith(prefixes)][:_MOST_GROUPS]
