"""Parse a query with grammar.lark into its commands, or report an error in plain words.

`compile` and `run` call it, and so does StartQuery, which needs the log groups of SOURCE before it has a table.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import cast

from lark import Lark, Token, Tree
from lark.exceptions import UnexpectedCharacters, UnexpectedInput, UnexpectedToken

from labkit.errors import QueryError
from labkit.insights import query_errors
from labkit.insights.query_errors import did_you_mean, error_at, quotes_wanted

Node = Tree[Token]

MOST_CHARACTERS = 10_000
"""https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_StartQuery.html"""

#: AWS documents no such number. DuckDB plans queries of hundreds of steps for minutes.
_MOST_COMMANDS = 100

MOST_STATS = 10
"""https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/CWL_QuerySyntax-Stats.html#CWL_QuerySyntax-stats-multi"""

COMMANDS = ("fields", "display", "filter", "where", "filterIndex", "parse", "stats", "sort", "limit", "dedup", "SOURCE")
UNSUPPORTED = query_errors.UNSUPPORTED["commands"]

#: https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/CWL_QuerySyntax-Source.html
_SOURCE_OPTIONS = ("namePrefix", "class", "accountIdentifiers")

_EXPECTED = {
    "$END": "the end of the query", "VBAR": "|", "COMMA": "a comma", "_AS": "as", "_BY": "by",
    "STRING": "a text in quotes", "REGEX": "a regular expression between slashes", "NUMBER": "a number",
    "WORD": "a name", "RPAR": ")", "LPAR": "(", "RSQB": "]", "LSQB": "[", "COLON": ":",
}  # fmt: skip
# What an expression can begin with or continue with; listing all of it would not help.
_BEGINS, _CONTINUES = {"STRING", "NUMBER", "WORD"}, {"COMPARE", "PLUS_MINUS"}
#: An address or a range of IPv4 or IPv6, or the id of a resource, which all are texts.
_VALUE = re.compile(r"\d+(?:\.\d+){3}(?:/\d+)?|[0-9a-fA-F]*:[0-9a-fA-F:]*:[0-9a-fA-F:]*(?:/\d+)?|[a-z]+-[0-9a-f]{8,17}")
_WORD = re.compile(r"[^\s|,()\[\]]+|.", re.DOTALL)


@dataclass(frozen=True, slots=True)
class ParsedQuery:
    """A query whose commands are known.

    Attributes:
        text: The query as it was written.
        commands: The tree of each command in order, without SOURCE.
        source: The options of the SOURCE command, each with its texts; None where there is none.
    """

    text: str
    commands: Sequence[Node]
    source: Mapping[str, tuple[str, ...]] | None


def parse(text: str) -> ParsedQuery:
    """Parse a query.

    Args:
        text: The query, in CloudWatch Logs Insights QL.

    Returns:
        Its commands. Names of fields and functions are not checked yet.

    Raises:
        QueryError: The query does not follow the grammar, is too long, or its commands are in a wrong order.

    Source: https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/CWL_QuerySyntax.html
    """
    if len(text) > MOST_CHARACTERS:
        raise QueryError(f"A query has at most {MOST_CHARACTERS:,} characters, this one {len(text):,}.", 0, len(text))
    if "\0" in text or any(0xD800 <= ord(each) < 0xE000 for each in text):
        raise QueryError("The query holds a character that isn't text.", 0, len(text))
    try:
        commands = cast("list[Node]", _lark().parse(text).children)
    except UnexpectedInput as unexpected:
        raise _explained(text, unexpected) from None
    source = None
    if commands[0].data == "source":
        source = _source_options(commands.pop(0))
    _check_order(commands)
    return ParsedQuery(text, tuple(commands), source)


def field_name(node: Node) -> str:
    """Return the name of a field, an alias or the subject of `parse`, without its backticks."""
    return str(node.children[0]).strip("`")


def unquoted(token: Token) -> str:
    """Return what a text in quotes means: a backslash before a quote or a backslash goes, any other stays."""
    return re.sub(r"\\([\"'\\])", r"\1", str(token)[1:-1])


@cache
def _lark() -> Lark:
    grammar = Path(__file__).with_name("grammar.lark").read_text(encoding="utf-8")
    return Lark(grammar, parser="lalr", propagate_positions=True, maybe_placeholders=False)


def _source_options(command: Node) -> dict[str, tuple[str, ...]]:
    kind, *options = command.children
    if str(kind).lower() != "loggroups":
        raise error_at(kind, 'SOURCE takes logGroups(namePrefix: ["…"]).')
    found: dict[str, tuple[str, ...]] = {}
    for option in cast("list[Node]", options):
        key, *texts = cast("list[Token]", option.children)
        if key not in _SOURCE_OPTIONS:
            raise error_at(key, f"labkit's logGroups() has no {key}, only {', '.join(_SOURCE_OPTIONS)}.")
        found[str(key)] = tuple(map(unquoted, texts))
    return found


def _check_order(commands: Sequence[Node]) -> None:
    """Check which command follows which.

    https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/CWL_QuerySyntax-Stats.html#CWL_QuerySyntax-stats-multi
    https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/CWL_QuerySyntax-Dedup.html
    """
    names = [command.data for command in commands]
    if len(commands) > _MOST_COMMANDS:
        raise error_at(commands[_MOST_COMMANDS], f"A query of labkit has at most {_MOST_COMMANDS} commands.")
    stats = [place for place, name in enumerate(names) if name == "stats"]
    if len(stats) > MOST_STATS:
        raise error_at(commands[stats[MOST_STATS]], f"A query has at most {MOST_STATS} stats commands.")
    for place, (name, command) in enumerate(zip(names, commands, strict=True)):
        if "dedup" in names[:place] and name != "limit":
            raise error_at(command, "Only limit may stand after dedup.")
        if stats and place < stats[-1] and (name == "limit" or (name == "sort" and len(stats) > 1)):
            raise error_at(command, f"{name} stands after the last stats of a query, not before it.")


def _explained(text: str, error: UnexpectedInput) -> QueryError:
    """Return the error of the parser in words, at the word that does not fit."""
    # What could have been there instead. Lark's match_examples would need an example for each state of the parser.
    wanted = set(getattr(error, "accepts", None) or getattr(error, "expected", None) or ()) - {"$END"}
    if isinstance(error, UnexpectedToken) and error.token.type == "$END":
        start = len(text.rstrip())
        if not start:
            return QueryError("The query is empty. Begin with a command, such as fields @message.", 0, 0)
        return QueryError(f"The query ends too early: {_in_words(wanted)} is missing.", start, start)
    start = int(error.pos_in_stream or 0)
    found = _WORD.match(text, start)
    word = found[0] if found else ""
    end = start + len(word)
    if (unquoted := quotes_wanted(text, start)) and _VALUE.fullmatch(text[unquoted.start : unquoted.end]):
        return unquoted
    if isinstance(error, UnexpectedCharacters):
        return QueryError(_bad_character(word), start, end)
    # In `parse csv @message` the word before the one that does not fit is what labkit does not have.
    before = [(each[0], each.start()) for each in re.finditer(r"[A-Za-z]+", text[:start])][-1:]
    for name, at in [(word, start), *before]:
        if (instead := UNSUPPORTED.get(name.lower())) is not None:
            message = f"labkit doesn't have {name} of the query language. {instead}".rstrip()
            return QueryError(message, at, at + len(name))
    message = f"{word!r} doesn't belong here: {_in_words(wanted)} should follow."
    if "_FIELDS" in wanted:
        hint = did_you_mean(word, COMMANDS)
        message = (
            f"There is no command {word}.{hint} A query begins with a command, and each further command follows a |."
        )
    return QueryError(message, start, end)


def _bad_character(word: str) -> str:
    if word[0] in "\"'":
        return f"The text that begins here with {word[0]} has no {word[0]} at its end."
    if word[0] == "`":
        return "The name that begins here with ` has no ` at its end."
    if word[0] == "-":
        return f"{word!r} doesn't belong here. Put backticks around a name with a hyphen: `a-b`."
    return f"{word!r} isn't part of the query language."


def _in_words(terminals: set[str]) -> str:
    if "_FIELDS" in terminals:
        return "a command"
    if terminals >= _BEGINS:
        return "a field, a value or a function"
    if terminals >= _CONTINUES:
        return "an operator, a comma or |"
    words = [words for name, words in _EXPECTED.items() if name in terminals]
    return " or ".join(words) or "something else"
