"""The order of commands and of rows, and the command that comes before all: SOURCE."""

from __future__ import annotations

from typing import cast

from lark import Token

from labkit.insights.nodes import Node, malformed, unquoted
from labkit.insights.values import Sql

MOST_ROWS, MOST_STATS = 100_000, 10
"""https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/CWL_QuerySyntax-Limit.html and …-Stats.html"""

SOURCE_OPTIONS = ("namePrefix", "class", "accountIdentifiers")
"""https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/CWL_QuerySyntax-Source.html"""


def check_order(commands: list[Node]) -> None:
    """Which command may stand before which.

    https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/CWL_QuerySyntax-Stats.html#CWL_QuerySyntax-stats-multi
    https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/CWL_QuerySyntax-Dedup.html
    """
    stats = [place for place, command in enumerate(commands) if command.data == "stats"]
    if len(stats) > MOST_STATS:
        raise malformed(f"A query has at most {MOST_STATS} stats commands.", commands[stats[MOST_STATS]])
    deduplicated = False
    for place, command in enumerate(commands):
        if deduplicated and command.data != "limit":
            raise malformed("Only limit may stand after dedup.", command)
        deduplicated = deduplicated or command.data == "dedup"
        if stats and place < stats[-1] and (command.data == "limit" or (command.data == "sort" and len(stats) > 1)):
            raise malformed(f"{command.data} stands after the last stats of a query, not before it.", command)


def sort_key(value: Sql, downwards: bool) -> str:
    """A sort key. Text is sorted naturally, by its numbers."""
    sql = f"natural_key({value.text})" if value.kind == "text" else value.text
    return f"{sql} {'DESC NULLS LAST' if downwards else 'ASC NULLS FIRST'}"


def source_options(command: Node) -> dict[str, tuple[str, ...]]:
    """The options of `SOURCE logGroups(…)`, each with its texts."""
    kind, *options = command.children
    if str(kind).lower() != "loggroups":
        raise malformed('SOURCE takes logGroups(namePrefix: ["…"]).', kind)
    found: dict[str, tuple[str, ...]] = {}
    for option in cast("list[Node]", options):
        key, *texts = cast("list[Token]", option.children)
        if key not in SOURCE_OPTIONS:
            raise malformed(f"labkit's logGroups() has no {key}, only {', '.join(SOURCE_OPTIONS)}.", key)
        found[str(key)] = tuple(map(unquoted, texts))
    return found
