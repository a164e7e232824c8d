"""Errors about a query: where the fault is, what to write instead, and how to show both.

The parser and the compiler build their QueryErrors here; `explain_error` shows one to a person.
"""

from __future__ import annotations

import difflib
import re
import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from lark import Token, Tree

from labkit.errors import QueryError

UNSUPPORTED: Mapping[str, Mapping[str, str]] = tomllib.loads(
    Path(__file__).with_name("unsupported.toml").read_text(encoding="utf-8")
)
"""The `commands` and `functions` of the language that labkit does not have, each with what to write instead or ""."""

#: What may stand in quotes, such as an address, a range or an id; and what stands before it where it is compared.
_TEXT, _COMPARED = re.compile(r"[\w.:/-]+"), re.compile(r"[\w@.`]+\s*(?:[!<>]?=|[<>])\s*$")


def error_at(where: Tree[Token] | Token, message: str) -> QueryError:
    """Return the error about one part of a query.

    Args:
        where: The part, as the parser gives it.
        message: What is wrong with it.

    Returns:
        The error, which the caller raises.
    """
    if isinstance(where, Token):
        return QueryError(message, where.start_pos or 0, where.end_pos or 0)
    return QueryError(message, where.meta.start_pos, where.meta.end_pos)


def explain_error(text: str, error: QueryError | Mapping[str, Any]) -> str:
    """Show a query with the wrong part underlined, and below it what is wrong.

    Args:
        text: The query.
        error: The error, or the `response` of boto3's MalformedQueryException.

    Returns:
        The lines of the query, the marks and the message.

    >>> print(explain_error("fields bytes\\n| sorted bytes", QueryError("There is no such command.", 15, 21)))
    fields bytes
    | sorted bytes
      ^^^^^^
    There is no such command.
    """
    if not isinstance(error, QueryError):
        found = error.get("queryCompileError") or {}
        place = found.get("location") or {}
        message = found.get("message") or error.get("Error", {}).get("Message", "The query is malformed.")
        error = QueryError(message, place.get("startCharOffset", -1), place.get("endCharOffset", -1))
    lines: list[str] = []
    begin = 0
    for line in text.split("\n"):
        end = begin + len(line)
        lines.append(line)
        if begin <= error.start <= end:
            marks = max(1, min(error.end, end) - error.start)
            # A tab stays a tab: then the marks are under the word, however wide the tab is.
            lines.append("".join(c if c == "\t" else " " for c in line[: error.start - begin]) + "^" * marks)
        begin = end + 1
    return "\n".join([*lines, error.message])


def quotes_wanted(text: str, at: int) -> QueryError | None:
    """Return the error about a text without quotes, with the comparison as it should be written.

    Args:
        text: The query.
        at: A place in the text that lacks its quotes.

    Returns:
        The error, or None if there is no such text there.

    >>> quotes_wanted("filter srcAddr = 10.1.15.80", 21)
    QueryError('Put text in quotes: srcAddr = "10.1.15.80".')
    """
    word = next((each for each in _TEXT.finditer(text) if each.start() <= at < each.end()), None)
    if word is None:
        return None
    before = _COMPARED.search(text[: word.start()])
    compared = f"{' '.join(before[0].split())} " if before else ""
    return QueryError(f'Put text in quotes: {compared}"{word[0]}".', word.start(), word.end())


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Return a question to add to an error, or an empty text where no known name is similar.

    >>> did_you_mean("srcaddr", ["srcAddr", "dstAddr"])
    ' Did you mean srcAddr?'
    """
    by_lower = {each.lower(): each for each in known}
    near = difflib.get_close_matches(name.lower(), by_lower, n=1, cutoff=0.7)
    return f" Did you mean {by_lower[near[0]]}?" if near else ""
