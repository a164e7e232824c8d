"""Saved queries of Logs Insights.

https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutQueryDefinition.html
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from labkit.embedded.api import determinism
from labkit.embedded.api.refusals import AwsError, NotInEmbeddedAwsError
from labkit.embedded.api.server import Handler
from labkit.embedded.clock import Clock


class QueryDefinitions:
    """The query definitions of one embedded AWS."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._definitions: dict[str, dict[str, Any]] = {}

    def handlers(self) -> dict[tuple[str, str], Handler]:
        """The API actions that this class answers."""
        return {
            ("logs", "PutQueryDefinition"): self.put,
            ("logs", "DescribeQueryDefinitions"): self.describe,
            ("logs", "DeleteQueryDefinition"): self.delete,
        }

    def put(self, parameters: dict[str, Any]) -> dict[str, Any]:
        """PutQueryDefinition: a new one, or, with its id, another content for an old one."""
        if parameters.get("queryLanguage", "CWLI") != "CWLI" or parameters.get("parameters"):
            raise NotInEmbeddedAwsError("keep query definitions with parameters, or in another language than CWLI")
        id = parameters.get("queryDefinitionId")
        if id is not None:
            self._check(id)
        id = id or determinism.new_id()
        self._definitions[id] = {
            "queryLanguage": "CWLI",
            "queryDefinitionId": id,
            "name": parameters["name"],
            "queryString": parameters["queryString"],
            "lastModified": int(self._clock.time() * 1000),
            "logGroupNames": parameters.get("logGroupNames") or [],
        }
        return {"queryDefinitionId": id}

    def describe(self, parameters: dict[str, Any]) -> dict[str, Any]:
        """DescribeQueryDefinitions, by name."""
        prefix = parameters.get("queryDefinitionNamePrefix", "")
        found = [each for each in self._definitions.values() if each["name"].startswith(prefix)]
        definitions, token = page(sorted(found, key=lambda each: str(each["name"])), parameters, "maxResults", 1000)
        return {"queryDefinitions": definitions, **token}

    def delete(self, parameters: dict[str, Any]) -> dict[str, Any]:
        """DeleteQueryDefinition."""
        self._check(parameters["queryDefinitionId"])
        del self._definitions[parameters["queryDefinitionId"]]
        return {"success": True}

    def _check(self, id: str) -> None:
        if id not in self._definitions:
            raise AwsError("ResourceNotFoundException", f"There is no query definition {id}.")


def page(
    items: Sequence[Any], parameters: dict[str, Any], most_key: str, most: int
) -> tuple[list[Any], dict[str, str]]:
    """One page of an answer: as many items as the request wants at most, and the token of the next page, if any."""
    token = parameters.get("nextToken", "0")
    if not token.isdigit():
        raise AwsError("InvalidParameterException", "The nextToken is not one that the last call gave.")
    begin = int(token)
    end = begin + min(parameters.get(most_key) or most, most)
    return list(items[begin:end]), {"nextToken": str(end)} if end < len(items) else {}
