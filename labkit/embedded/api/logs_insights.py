"""CloudWatch Logs Insights behind the API: queries, which are complete at once, and saved query definitions.

`labkit.embedded.start` adds the handlers to the server. `labkit.insights` runs the queries over the events that moto's
log groups hold.

https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_StartQuery.html
https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutQueryDefinition.html
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from labkit.embedded.api import determinism
from labkit.embedded.api.paging import page
from labkit.embedded.api.refusals import AwsError, NotInEmbeddedAwsError
from labkit.embedded.api.scope import ACCOUNT_ID
from labkit.embedded.api.server import Handler
from labkit.embedded.clock import Clock

if TYPE_CHECKING:
    from labkit.embedded.api.log_events import LogEvents

_LONGEST_QUERY, _MOST_ROWS, _MOST_GROUPS = 10_000, 100_000, 50

#: The year 5138 in epoch seconds: larger numbers are milliseconds.
_MILLISECONDS = 10**11


@dataclass(frozen=True, slots=True)
class StartedQuery:
    """What one `start_query` found.

    Attributes:
        log_groups: The names of the log groups that it searched.
        description: The query as DescribeQueries lists it.
        results: Its rows, each a list of `{"field": …, "value": …}`.
        statistics: How much it searched, as GetQueryResults says it.
    """

    log_groups: tuple[str, ...]
    description: dict[str, Any]
    results: list[list[dict[str, str]]]
    statistics: dict[str, float]


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

    @cached_property
    def _events(self) -> LogEvents:
        # The first query loads pandas, pyarrow and DuckDB, and not the start of the embedded AWS.
        from labkit.embedded.api.log_events import LogEvents

        return LogEvents(self._region)

    def start(self, parameters: dict[str, Any]) -> dict[str, Any]:
        """StartQuery: run the query, and keep its rows for GetQueryResults."""
        from labkit import insights

        _check(parameters)
        text, now = parameters["queryString"], self._clock.time()
        try:
            query = insights.parse(text)
            names = self._groups(parameters, query.source)
            table = self._events.table(names, parameters["startTime"] * 1000, parameters["endTime"] * 1000)
            found = insights.run(table, query, now=now, limit=parameters.get("limit"))
        except insights.QueryError as error:
            location = {"startCharOffset": error.start, "endCharOffset": error.end}
            compile_error = {"location": location, "message": error.message}
            raise AwsError("MalformedQueryException", error.message, queryCompileError=compile_error) from None
        id, size = determinism.new_id(), float(self._events.size(table))
        self._queries[id] = StartedQuery(
            tuple(names),
            {
                "queryLanguage": "CWLI",
                "queryId": id,
                "queryString": text,
                "status": "Complete",
                "createTime": int(now * 1000),
                "logGroupName": names[0] if names else "",
                "queryDuration": 0,
                "bytesScanned": size,
            },
            [[{"field": field, "value": value} for field, value in row] for row in found.rows],
            {
                "recordsMatched": float(found.matched),
                "recordsScanned": float(found.scanned),
                "estimatedRecordsSkipped": 0.0,
                "bytesScanned": size,
                "estimatedBytesSkipped": 0.0,
                "logGroupsScanned": float(len(names)),
                "resultCount": float(len(found.rows)),
            },
        )
        return {"queryId": id}

    def results(self, parameters: dict[str, Any]) -> dict[str, Any]:
        """GetQueryResults: at most 10,000 rows at once, and nextToken where there are more."""
        query = self._query(parameters)
        results = _page("results", query.results, parameters, "maxItems", 10_000)
        return {"queryLanguage": "CWLI", "statistics": query.statistics, "status": "Complete", **results}

    def stop(self, parameters: dict[str, Any]) -> dict[str, Any]:
        """StopQuery: refused, because every query is already complete.

        https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_StopQuery.html
        """
        id = self._query(parameters).description["queryId"]
        raise AwsError("InvalidParameterException", f"The query {id} is not running: it is complete.")

    def describe(self, parameters: dict[str, Any]) -> dict[str, Any]:
        """DescribeQueries, the newest first."""
        group, status = parameters.get("logGroupName"), parameters.get("status")
        found = [
            query.description
            for query in reversed(self._queries.values())
            if (group is None or group in query.log_groups) and status in (None, "Complete")
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

    def _query(self, parameters: dict[str, Any]) -> StartedQuery:
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


def _page(key: str, items: Sequence[Any], parameters: dict[str, Any], most_key: str, most: int) -> dict[str, Any]:
    """Return one page of an answer: as many items as the request wants at most, and the token of the next page."""
    size = min(parameters.get(most_key) or most, most)
    found, token = page(items, parameters.get("nextToken"), size, code="InvalidParameterException")
    return {key: found} | ({"nextToken": token} if token else {})
