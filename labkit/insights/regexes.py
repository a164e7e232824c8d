"""Regular expressions and globs of the language, as DuckDB takes them. Both use RE2.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/CWL_QuerySyntax-Parse.html
https://github.com/google/re2/wiki/Syntax
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

import duckdb
from lark import Token

from labkit.errors import QueryError

# An escaped character, a class in brackets, or the beginning of a group.
_PART = re.compile(r"\\.|\[\^?\]?(?:\\.|\[:\^?\w+:\]|[^\]\\])*\]|\((?!\?)|\(\?P?<(?![=!])([^>]*)>", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Regex:
    """A pattern whose capturing groups are the named ones, and their names in order."""

    pattern: str
    names: tuple[str, ...]


def checked(token: Token) -> Regex:
    """A regular expression between slashes, made ready. Raises QueryError where RE2 has no such expression."""
    regex = _converted(str(token)[1:-1])
    fault = _fault(regex.pattern)
    if fault is not None:
        start = token.start_pos or 0
        raise QueryError(fault, start, start + len(token))
    return regex


def of_glob(glob: str) -> str:
    """A glob as a regular expression: each * takes as little as it can, the last one of the text all there is.

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


def _converted(pattern: str) -> Regex:
    names: list[str] = []

    def part(found: re.Match[str]) -> str:
        if found[1] is not None:
            names.append(found[1])
            return f"(?P<g{len(names)}>"
        return "(?:" if found[0] == "(" else found[0]

    return Regex(_PART.sub(part, pattern), tuple(names))


@lru_cache(maxsize=256)
def _fault(pattern: str) -> str | None:
    """What RE2 has against a pattern, in a sentence."""
    with duckdb.connect() as connection:
        try:
            connection.execute("SELECT regexp_matches('', ?)", [pattern])
        except duckdb.Error as error:
            reason = str(error).partition("Error: ")[2].splitlines()[0]
            if "invalid perl operator" in reason:
                return "Regular expressions here are RE2, which has no look-around such as (?=…) or (?<!…)."
            plain = reason.replace("(?:", "(")
            return f"This isn't a regular expression as RE2 has them: {plain}."
    return None
