"""Regular expressions and globs of the language, as DuckDB takes them, and what `parse` extracts with them.

Logs Insights and DuckDB both use RE2. The compiler calls this for `parse`, expressions for `like`.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/CWL_QuerySyntax-Parse.html
https://github.com/google/re2/wiki/Syntax
"""

from __future__ import annotations

import re
from dataclasses import dataclass

import duckdb
from lark import Token, Tree

from labkit.insights import database
from labkit.insights.parser import Node, field_name, unquoted
from labkit.insights.query_errors import error_at
from labkit.insights.values import quoted

# An escaped character, a class in brackets, or the beginning of a group.
_PART = re.compile(r"\\.|\[\^?\]?(?:\\.|\[:\^?\w+:\]|[^\]\\])*\]|\((?!\?)|\(\?P?<(?![=!])([^>]*)>", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Extraction:
    """What one `parse` extracts.

    Attributes:
        subject: The field that it reads.
        pattern: The regular expression, whose groups are named g1, g2 and so on.
        fields: For each field that it makes: the name, where the query names it, and the SQL of its value, with {} for
            the column that `sql` gives.
    """

    subject: str
    pattern: str
    fields: tuple[tuple[str, Node | Token, str], ...]

    def sql(self, text: str) -> str:
        """Return the SQL of one column of all groups, NULL where the text does not match."""
        groups = ", ".join(f"'g{place}'" for place in range(1, len(self.fields) + 1))
        pattern = quoted(self.pattern)
        return f"CASE WHEN regexp_matches({text}, {pattern}) THEN regexp_extract({text}, {pattern}, [{groups}]) END"


def extraction(command: Node) -> Extraction:
    """Return what a `parse` command extracts, with a glob or with a regular expression.

    Raises:
        QueryError: The glob and the names do not go together, or the regular expression is not one of RE2's or names
            no group.
    """
    subtrees = [each for each in command.children if isinstance(each, Tree)]
    subject = next((field_name(each) for each in subtrees if each.data == "subject"), "@message")
    pattern = next(each for each in command.children if isinstance(each, Token))
    if command.data == "parse_regex":
        converted, names = regex(pattern)
        if not names:
            raise error_at(pattern, "parse makes a field of each named group, such as (?<port>[0-9]+). This has none.")
        # RE2 gives an empty text for a group that took no part.
        fields = tuple((name, pattern, f"nullif({{}}.g{place}, '')") for place, name in enumerate(names, 1))
        return Extraction(subject, converted, fields)
    aliases = [each for each in subtrees if each.data == "alias"]
    glob = unquoted(pattern)
    if (stars := glob.count("*")) != len(aliases):
        message = f"The glob has {stars} *, and {len(aliases)} names stand after as. Give each * one name."
        raise error_at(pattern, message)
    named = tuple((field_name(each), each, f"{{}}.g{place}") for place, each in enumerate(aliases, 1))
    return Extraction(subject, of_glob(glob), named)


def regex(token: Token) -> tuple[str, tuple[str, ...]]:
    """Return a regular expression of the query as DuckDB takes it, and the names of its named groups in order.

    Only the named groups capture: they are g1, g2 and so on.

    Raises:
        QueryError: RE2 has no such regular expression.
    """
    names: list[str] = []

    def part(found: re.Match[str]) -> str:
        if found[1] is not None:
            names.append(found[1])
            return f"(?P<g{len(names)}>"
        return "(?:" if found[0] == "(" else found[0]

    pattern = _PART.sub(part, str(token)[1:-1])
    with database.cursor() as cursor:
        try:
            cursor.execute("SELECT regexp_matches('', ?)", [pattern])
        except duckdb.Error as error:
            reason = str(error).partition("Error: ")[2].splitlines()[0]
            message = f"This isn't a regular expression as RE2 has them: {reason.replace('(?:', '(')}."
            if "invalid perl operator" in reason:
                message = "Regular expressions here are RE2, which has no look-around such as (?=…) or (?<!…)."
            raise error_at(token, message) from None
    return pattern, tuple(names)


def of_glob(glob: str) -> str:
    """Return a glob as a regular expression: each * matches as little as it can, one at the end all there is.

    >>> of_glob("user=*;id=*")
    '(?s)user=(.*?);id=(.*)$'
    """
    literals = [re.escape(part) for part in glob.split("*")]
    groups = ["(.*?)"] * (len(literals) - 1)
    if groups and not literals[-1]:
        groups[-1] = "(.*)$"
    begin = "(?s)^" if glob.startswith("*") else "(?s)"
    rest = (group + literal for group, literal in zip(groups, literals[1:], strict=True))
    return begin + literals[0] + "".join(rest)
