"""A query that can't be run: what is wrong, and where."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from typing import Any

from labkit.errors import QueryError


def explain_error(text: str, error: QueryError | Mapping[str, Any]) -> str:
    """The query with the offending word underlined, and below it what is wrong.

    Parameters: `text` of the query; `error`, a QueryError or the `response` of boto3's MalformedQueryException.

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
            # A tab stays a tab, so that the marks stand under the word however wide it is.
            lines.append("".join(c if c == "\t" else " " for c in line[: error.start - begin]) + "^" * marks)
        begin = end + 1
    return "\n".join([*lines, error.message])


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """A question to add to an error, or nothing where no known name is near.

    >>> did_you_mean("srcaddr", ["srcAddr", "dstAddr"])
    ' Did you mean srcAddr?'
    """
    by_lower = {each.lower(): each for each in known}
    near = difflib.get_close_matches(name.lower(), by_lower, n=1, cutoff=0.7)
    return f" Did you mean {by_lower[near[0]]}?" if near else ""
