"""Queries of CloudWatch Logs Insights that take time."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from labkit.embedded.api.contrary import Account, Behavior, Call, CarryOut
from labkit.embedded.api.paging import page
from labkit.embedded.api.refusals import HttpResponse

#: How long a query is scheduled, then running, in seconds: the least and the most (modeled).
_SCHEDULED, _RUNNING = (0.5, 2.0), (2.0, 5.0)

#: How long an answer about a query takes, in seconds (modeled).
_ASKING = 1.0

_ACTIONS = ("DescribeQueries", "GetQueryResults", "StartQuery", "StopQuery")


@dataclass(slots=True)
class _Query:
    """When a query runs, in seconds since the epoch."""

    begins: float
    ends: float
    stopped: float | None = None

    def status(self, now: float) -> str:
        if self.stopped is not None:
            return "Cancelled"
        return "Scheduled" if now < self.begins else "Running" if now < self.ends else "Complete"

    def share(self, now: float) -> float:
        """How much of its work is done, from 0 to 1."""
        now = now if self.stopped is None else self.stopped
        return min(max((now - self.begins) / (self.ends - self.begins), 0.0), 1.0)


class QueryStates(Behavior):
    """Lets a query wait and run before it is complete; until then it has some of its rows, or none."""

    name = "query-states"
    rule = (
        "A query is `Scheduled`, then `Running` with partial rows, then `Complete`; a query that isn't complete can be "
        "stopped, and is then `Cancelled`. 3 to 7 seconds, and which rows come first, are modeled."
    )
    source = "https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_GetQueryResults.html"

    def __init__(self, account: Account) -> None:
        super().__init__(account)
        self._queries: dict[str, _Query] = {}

    def around(self, call: Call, carry_out: CarryOut) -> HttpResponse:
        if call.service != "logs" or call.action not in _ACTIONS:
            return carry_out()
        id, now = call.parameters.get("queryId", ""), self.account.clock.time()
        if call.action == "StopQuery" and id in self._queries and self._queries[id].share(now) < 1:
            self._queries[id].stopped = now
            return 200, {"content-type": "application/x-amz-json-1.1"}, json.dumps({"success": True})
        if call.action == "DescribeQueries":
            return self._list(call.parameters, carry_out, now)
        status, headers, body = carry_out()
        answer: dict[str, Any] = json.loads(body)
        if call.action == "StartQuery":
            begins = now + self.random.uniform(*_SCHEDULED)
            self._queries[answer["queryId"]] = _Query(begins, begins + self.random.uniform(*_RUNNING))
        elif call.action == "GetQueryResults":
            self._so_far(answer, self._queries[id], now)
            # A cell that sleeps between two questions moves no virtual time.
            self.account.clock.advance(_ASKING)
        return status, headers, json.dumps(answer)

    def _list(self, parameters: dict[str, Any], carry_out: CarryOut, now: float) -> HttpResponse:
        """Let the API list its queries, as many as it lists at once, and cut a page of those with the wanted status."""
        wanted, most, token = (parameters.pop(key, None) for key in ("status", "maxResults", "nextToken"))
        status, headers, body = carry_out()
        found = json.loads(body)["queries"]
        for each in found:
            query = self._queries[each["queryId"]]
            each["status"] = query.status(now) if query.share(now) < 1 else each["status"]
        found = [each for each in found if wanted in (None, each["status"])]
        found, token = page(found, token, most or len(found), code="InvalidParameterException")
        return status, headers, json.dumps({"queries": found} | ({"nextToken": token} if token else {}))

    def _so_far(self, answer: dict[str, Any], query: _Query, now: float) -> None:
        """Take from a complete answer what the query has not found yet."""
        share = query.share(now)
        if share < 1:
            answer["status"] = query.status(now)
            answer.pop("nextToken", None)
            answer["results"] = answer["results"][: int(len(answer["results"]) * share)]
            answer["statistics"] = {name: float(int(each * share)) for name, each in answer["statistics"].items()}
