"""What `parse` takes out of a text.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/CWL_QuerySyntax-Parse.html
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

from lark import Token, Tree

from labkit.insights import regexes
from labkit.insights.nodes import Node, field_name, malformed, unquoted
from labkit.insights.values import quoted


@dataclass(frozen=True, slots=True)
class Extraction:
    """One `parse`: the field that it reads, the pattern, and for each field that it makes its name, where the query
    names it, and the SQL of its value, with {} for the column that sql() gives.
    """

    subject: str
    pattern: str
    fields: tuple[tuple[str, Node | Token, str], ...]

    def sql(self, text: str) -> str:
        """The groups of the pattern as one column, absent where the text doesn't match."""
        groups = ", ".join(f"'g{place}'" for place in range(1, len(self.fields) + 1))
        pattern = quoted(self.pattern)
        return f"CASE WHEN regexp_matches({text}, {pattern}) THEN regexp_extract({text}, {pattern}, [{groups}]) END"


def by_glob(command: Node) -> Extraction:
    """`parse field "glob" as a, b`."""
    pattern = next(each for each in command.children if isinstance(each, Token))
    aliases = [each for each in command.children if isinstance(each, Tree) and each.data == "alias"]
    glob = unquoted(pattern)
    if glob.count("*") != len(aliases):
        raise malformed(
            f"The glob has {glob.count('*')} *, and {len(aliases)} names stand after as. Give each * one name.", pattern
        )
    fields = ((field_name(each), each, f"{{}}.g{place}") for place, each in enumerate(aliases, 1))
    return Extraction(_subject(command), regexes.of_glob(glob), tuple(fields))


def by_regex(command: Node) -> Extraction:
    """`parse field /regular expression/`."""
    pattern = cast(Token, command.children[-1])
    regex = regexes.checked(pattern)
    if not regex.names:
        raise malformed("parse makes a field of each named group, such as (?<port>[0-9]+). This has none.", pattern)
    # RE2 gives an empty text for a group that took no part.
    fields = ((each, pattern, f"nullif({{}}.g{place}, '')") for place, each in enumerate(regex.names, 1))
    return Extraction(_subject(command), regex.pattern, tuple(fields))


def _subject(command: Node) -> str:
    named = [each for each in command.children if isinstance(each, Tree) and each.data == "subject"]
    return field_name(named[0]) if named else "@message"
