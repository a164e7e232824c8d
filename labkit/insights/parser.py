"""From the text of a query to its tree, or to an error that a person understands."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

from lark import Lark
from lark.exceptions import UnexpectedCharacters, UnexpectedInput, UnexpectedToken

from labkit.errors import QueryError
from labkit.insights.errors import did_you_mean
from labkit.insights.nodes import Node

COMMANDS = ("fields", "display", "filter", "where", "filterIndex", "parse", "stats", "sort", "limit", "dedup", "SOURCE")

#: Words of the language that labkit doesn't have, and what to write instead where there is something.
#: https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/CWL_QuerySyntax.html
UNSUPPORTED = {
    "anomaly": "",
    "csv": "Use parse with a glob, such as parse @message \"*,*\" as a, b.",
    "diff": "Run the query once for each time range and compare the answers.",
    "join": "Run two queries and merge their answers in pandas.",
    "logfmt": "Use parse with a glob, such as parse @message \"user=* \" as user.",
    "lookup": "Run the query and merge its answer with a table in pandas.",
    "offset": "Run the query again over a shifted time range.",
    "pattern": "Use parse to cut the message into fields, and stats to count them.",
    "tail": "Sort the other way round and use limit.",
    "unmask": "",
    "unnest": "",
}  # fmt: skip

_EXPECTED = {
    "$END": "the end of the query",
    "VBAR": "|",
    "COMMA": "a comma",
    "_AS": "as",
    "_BY": "by",
    "STRING": "a text in quotes",
    "REGEX": "a regular expression between slashes",
    "NUMBER": "a number",
    "WORD": "a name",
    "RPAR": ")",
    "LPAR": "(",
    "RSQB": "]",
    "LSQB": "[",
    "COLON": ":",
}
# What an expression can begin with or go on with; listing it all would not help.
_BEGINS, _GOES_ON = {"STRING", "NUMBER", "WORD"}, {"COMPARE", "PLUS_MINUS"}
_WORD = re.compile(r"[^\s|,()\[\]]+|.", re.DOTALL)


@cache
def _lark() -> Lark:
    grammar = Path(__file__).with_name("grammar.lark").read_text(encoding="utf-8")
    return Lark(grammar, parser="lalr", propagate_positions=True, maybe_placeholders=False)


def parse(text: str) -> Node:
    """The tree of a query, as grammar.lark describes it. Raises QueryError."""
    try:
        return _lark().parse(text)
    except UnexpectedInput as unexpected:
        raise _explained(text, unexpected) from None


def _explained(text: str, error: UnexpectedInput) -> QueryError:
    if isinstance(error, UnexpectedToken) and error.token.type == "$END":
        start = len(text.rstrip())
        if not start:
            return QueryError("The query is empty. Begin with a command, such as fields @message.", 0, 0)
        wanted = _wanted(_possible(error))
        return QueryError(f"The query ends too early: {wanted} is missing.", start, start)
    start = int(error.pos_in_stream or 0)
    found = _WORD.match(text, start)
    word = found[0] if found else ""
    end = start + len(word)
    if isinstance(error, UnexpectedCharacters):
        return QueryError(_bad_character(word), start, end)
    for name, at in _around(text, start, word):
        instead = UNSUPPORTED.get(name.lower())
        if instead is not None:
            message = f"labkit doesn't have {name} of the query language. {instead}".rstrip()
            return QueryError(message, at, at + len(name))
    wants = _possible(error)
    if "_FIELDS" in wants:
        return QueryError(
            f"There is no command {word}.{did_you_mean(word, COMMANDS)} A query begins with a command, "
            "and | stands before each further one.",
            start,
            end,
        )
    return QueryError(f"{word!r} doesn't belong here: {_wanted(wants)} should follow.", start, end)


def _possible(error: UnexpectedInput) -> set[str]:
    """The terminals that could have stood where the error is."""
    return set(getattr(error, "accepts", None) or getattr(error, "expected", None) or ()) - {"$END"}


def _around(text: str, start: int, word: str) -> list[tuple[str, int]]:
    """The offending word and the one before it: in `parse csv @message`, it is csv that isn't supported."""
    before = list(re.finditer(r"[A-Za-z]+", text[:start]))[-1:]
    return [(word, start), *((each[0], each.start()) for each in before)]


def _bad_character(word: str) -> str:
    if word[0] in "\"'":
        return f"The text that begins here with {word[0]} has no {word[0]} at its end."
    if word[0] == "`":
        return "The name that begins here with ` has no ` at its end."
    if word[0] == "-":
        return f"{word!r} doesn't belong here. A name with a hyphen in it stands between backticks: `a-b`."
    return f"{word!r} isn't part of the query language."


def _wanted(names: set[str]) -> str:
    if "_FIELDS" in names:
        return "a command"
    if names >= _BEGINS:
        return "a field, a value or a function"
    if names >= _GOES_ON:
        return "an operator, a comma or |"
    words = [words for name, words in _EXPECTED.items() if name in names]
    return " or ".join(words) or "something else"
