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


# One part of a regular expression as RE2 takes it: a count, flags, the beginning of a group, a class, or a character.
_SIZED = re.compile(
    r"\{(?P<count>\d+)(?:,(?P<most>\d*))?\}|\(\?[a-zA-Z-]+\)|(?P<group>\((?:\?(?:P?<[^>]*>|[a-zA-Z-]*:))?)"
    r"|\\[pP](?:\{\^?\w+\}|\w)|\\.|\[\^?\]?(?:\\.|\[:\^?\w+:\]|[^\]\\])*\]|.",
    re.DOTALL,
)

#: How many parts the regular expressions of a query may have together, and from how many on a text can take long.
_MOST_PARTS, _HEAVY = 2000, 100

#: What is no part of its own.
_NO_PART = ("?", "*", "+", "|", "^", "$")

#: How many parts a class such as \pL counts.
_CLASS_OF_MANY = 50


@dataclass(frozen=True, slots=True)
class Extraction:
    """What one `parse` extracts.

    Attributes:
        subject: The field that it reads.
        pattern: The regular expression, whose groups are named g1, g2 and so on.
        groups: How many groups that are.
        fields: For each field that it makes: the name, where the query names it, and the SQL of its value, with {} for
            the column that `sql` gives.
    """

    subject: str
    pattern: str
    groups: int
    fields: tuple[tuple[str, Node | Token, str], ...]

    def sql(self, text: str) -> str:
        """Return the SQL of one column of all groups, NULL where the text does not match."""
        groups = ", ".join(f"'g{place}'" for place in range(1, self.groups + 1))
        pattern = quoted(self.pattern)
        return f"CASE WHEN regexp_matches({text}, {pattern}) THEN regexp_extract({text}, {pattern}, [{groups}]) END"


class Regexes:
    """The regular expressions of one query, which are bounded together: RE2 is linear, in their size as in the text's.

    Attributes:
        are_heavy: Whether a single text can take milliseconds.
    """

    def __init__(self) -> None:
        self._size = 0

    @property
    def are_heavy(self) -> bool:
        return self._size > _HEAVY

    def add(self, pattern: str, where: Token) -> None:
        """Add a regular expression as RE2 takes it. Raises QueryError where they are too large together."""
        self._size += size(pattern)
        if self._size > _MOST_PARTS:
            raise error_at(
                where,
                f"The regular expressions and globs of a query have at most {_MOST_PARTS:,} parts together, and a part "
                "with {30} counts 30 times. Use fewer or smaller counts.",
            )


def size(pattern: str) -> int:
    """Return about how many parts a regular expression has when its counts are written out.

    >>> size("a[bc]+"), size("(ab{2}){10}"), size(r"\\pL{3,5}")
    (2, 40, 250)
    """
    totals, last = [0], 0
    for found in _SIZED.finditer(pattern):
        if found["count"]:
            last *= max(int(found["most"] or 0), int(found["count"]), 1) - 1
            totals[-1] += last
        elif found["group"]:
            totals.append(0)
        elif found[0] == ")":
            last = totals.pop() + 1 if len(totals) > 1 else 1
            totals[-1] += last
        else:
            last = (
                _CLASS_OF_MANY if found[0][:2] in ("\\p", "\\P") else found[0] not in _NO_PART and found[0][:2] != "(?"
            )
            totals[-1] += last
    return sum(totals)


def extraction(command: Node, regexes: Regexes) -> Extraction:
    """Return what a `parse` command extracts, with a glob or with a regular expression.

    Args:
        command: The command.
        regexes: The regular expressions of the query so far, to which its own is added.

    Raises:
        QueryError: The glob and the names do not go together, or the regular expression is not one of RE2's, names no
            group, or is too large.
    """
    subtrees = [each for each in command.children if isinstance(each, Tree)]
    subject = next((field_name(each) for each in subtrees if each.data == "subject"), "@message")
    pattern = next(each for each in command.children if isinstance(each, Token))
    if pattern.type == "REGEX":
        converted, names = regex(pattern, regexes)
        if not names:
            raise error_at(pattern, "parse makes a field of each named group, such as (?<port>[0-9]+). This has none.")
        # RE2 gives an empty text for a group that took no part.
        fields = tuple((name, pattern, f"nullif({{}}.g{place}, '')") for place, name in enumerate(names, 1))
        return Extraction(subject, converted, len(names), fields)
    aliases = [each for each in subtrees if each.data == "alias"]
    glob = unquoted(pattern)
    if (stars := glob.count("*")) != len(aliases):
        message = f"The glob has {stars} *, and {len(aliases)} names stand after as. Give each * one name."
        raise error_at(pattern, message)
    regexes.add(converted := of_glob(glob), pattern)
    named = []
    groups = 0
    for alias, following in zip(aliases, [*glob.split("*")[1:-1], "the end"], strict=True):
        # Of stars in a row, all but the last match nothing.
        groups += bool(following)
        value = f"{{}}.g{groups}" if following else "CASE WHEN {} IS NOT NULL THEN '' END"
        named.append((field_name(alias), alias, value))
    return Extraction(subject, converted, groups, tuple(named))


def regex(token: Token, regexes: Regexes) -> tuple[str, tuple[str, ...]]:
    """Return a regular expression of the query as DuckDB takes it, and the names of its named groups in order.

    Only the named groups capture: they are g1, g2 and so on.

    Raises:
        QueryError: RE2 has no such regular expression, or it is too large.
    """
    names: list[str] = []

    def part(found: re.Match[str]) -> str:
        if found[1] is not None:
            names.append(found[1])
            return f"(?P<g{len(names)}>"
        return "(?:" if found[0] == "(" else found[0]

    pattern = _PART.sub(part, str(token)[1:-1])
    regexes.add(pattern, token)
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

    Stars in a row have one group. A star before a single character is all but this character, which RE2 matches many
    times faster.

    >>> of_glob("from=*;**to=*")
    '(?s)from=([^;]*);(.*?)to=(.*)$'
    """
    first, *literals = re.split(r"\*+", glob)
    rest = [
        (f"([^{re.escape(each)}]*)" if len(each) == 1 else "(.*?)" if each else "(.*)$") + re.escape(each)
        for each in literals
    ]
    return ("(?s)^" if glob.startswith("*") else "(?s)") + re.escape(first) + "".join(rest)
