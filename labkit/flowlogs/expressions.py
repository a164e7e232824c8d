"""Decide whether a text is one harmless expression about a record, by DuckDB's own parser; `conditions` asks it.

Only what is listed here is allowed. Everything else in the language, now or in a later version, is refused before
DuckDB runs any of it. Source: https://duckdb.org/docs/stable/data/json/sql_to_and_from_json
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterator
from itertools import accumulate
from typing import Any

import duckdb

from labkit.errors import QuestionError
from labkit.status import quoted

#: The functions of a condition: none reads anything but the record, and none makes a long text of short ones.
FUNCTIONS = {
    "abs", "ceil", "floor", "round", "trunc", "sign", "least", "greatest", "mod", "if", "nullif", "lower", "upper",
    "length", "trim", "ltrim", "rtrim", "left", "right", "substr", "substring", "split_part", "strpos", "position",
    "instr", "contains", "list_value", "list_contains", "starts_with", "prefix", "suffix", "ends_with",
    "regexp_matches", "regexp_full_match", "regexp_extract", "like_escape", "not_like_escape", "ilike_escape",
    "not_ilike_escape", "now", "current_date", "today", "to_timestamp", "make_timestamp", "epoch", "date_trunc",
    "date_part", "date_diff", "time_bucket", "timezone", "strftime", "year", "month", "day", "hour", "minute", "second",
    "dayofweek", "isodow", "dayname", "to_years", "to_months", "to_weeks", "to_days", "to_hours", "to_minutes",
    "to_seconds", "to_milliseconds", "to_microseconds",
}  # fmt: skip
_SIGNS = {
    "+", "-", "*", "/", "//", "%", "&", "|", "~", "<<", ">>", "||", "^@", "~~", "!~~", "~~*", "!~~*", "~~~",
}  # fmt: skip
_CLASSES = {
    "COLUMN_REF", "CONSTANT", "COMPARISON", "CONJUNCTION", "BETWEEN", "CASE", "CAST", "OPERATOR", "FUNCTION", "TYPE",
}  # fmt: skip
_OPERATORS = {"OPERATOR_NOT", "COMPARE_IN", "OPERATOR_IS_NULL", "OPERATOR_IS_NOT_NULL", "OPERATOR_COALESCE"}
_TYPES = {
    "boolean", "tinyint", "smallint", "integer", "bigint", "hugeint", "float", "double", "decimal", "varchar", "text",
    "date", "time", "timestamp", "timestamptz", "interval", "timestamp with time zone",
}  # fmt: skip
#: What SQL writes like a column, and which is one in no table.
_CLOCKS = {"current_date", "current_timestamp"}
#: DuckDB's parser takes a second for 1,000 parentheses that are not closed, and a minute for 5,000.
_LONGEST, _DEEPEST = 100_000, 200
_PLACES = ("query_location", "query_location_length")


def problem(where: str, columns: Collection[str], duck: duckdb.DuckDBPyConnection) -> str | None:
    """Say why a text is not one expression on columns, without running it.

    Args:
        where: The text.
        columns: The names of the columns.
        duck: A database to parse it with.

    Returns:
        The reason as a sentence without its full stop, or None.

    Raises:
        QuestionError: It is SQL that does more than a condition does.

    >>> from labkit.flowlogs.duck import open_duckdb
    >>> problem("dstport = 443", ["dstport"], open_duckdb())
    >>> problem("dstport in 443, 22", ["dstport"], open_duckdb())
    'DuckDB says: syntax error at or near ","'
    >>> problem("dstport = (SELECT 443)", ["dstport"], open_duckdb())
    Traceback (most recent call last):
    labkit.errors.QuestionError: A condition can contain no subquery. It compares columns ...
    """
    if not isinstance(where, str) or "\0" in where or re.search("[\ud800-\udfff]", where):
        raise QuestionError(f'A condition is text, such as "dstport = 443", and not {quoted(where)}.')
    depths = accumulate((sign in "([{") - (sign in ")]}") for sign in where)
    if len(where) > _LONGEST or max(depths, default=0) > _DEEPEST:
        raise QuestionError(f"A condition has up to {_LONGEST:,} characters and {_DEEPEST} parentheses in each other.")
    # Alone, a text that closes a parenthesis is no SQL, and a clause after it shows; in parentheses, a comment or a
    # statement shows. A text that is the same in both is one expression.
    trees = [_parsed(form, duck) for form in (where, f"({where}\n)", "true")]
    for tree in trees:
        if isinstance(tree, str):
            return tree
    alone, enclosed, plain = trees
    if alone != enclosed or {**alone, "where_clause": None} != {**plain, "where_clause": None}:
        raise _refusal("no more than one expression")
    known = {name.lower() for name in columns} | _CLOCKS
    for node in _nodes(alone["where_clause"]):
        kind, name = node["class"], str(node.get("function_name") or node.get("type_name") or "").lower()
        if kind not in _CLASSES or (kind == "OPERATOR" and node["type"] not in _OPERATORS):
            raise _refusal(f"no {node['type' if kind == 'OPERATOR' else 'class'].lower().replace('_', ' ')}")
        if kind == "FUNCTION" and name not in FUNCTIONS | _SIGNS:
            if node.get("is_operator"):
                return f"SQL has no {name} for this"
            raise _refusal(f"no function {name.removesuffix('_star')}")
        if kind == "TYPE" and name not in _TYPES:
            raise _refusal(f"no type {name}")
        if kind == "COLUMN_REF" and ".".join(node["column_names"]).lower() not in known:
            return f"{'.'.join(node['column_names'])} is not one of the columns"
    return None


def _refusal(what: str) -> QuestionError:
    return QuestionError(
        f"A condition can contain {what}. It compares columns with values, joined by AND, OR and NOT, as in "
        f"\"dstport = 443 AND srcaddr = '10.1.15.80'\". Its functions are {', '.join(sorted(FUNCTIONS))}."
    )


def _parsed(where: str, duck: duckdb.DuckDBPyConnection) -> Any:
    """Return the one statement that a condition makes, as data without places in the text; or why there is none."""
    options = "skip_null := true, skip_empty := true, skip_default := true"
    sql = f"SELECT 1 FROM records WHERE {where}"
    ((text,),) = duck.execute(f"SELECT json_serialize_sql($1, {options})", [sql]).fetchall()
    try:
        found = json.loads(text, object_hook=_placeless)
    except RecursionError:
        return "It is nested too deeply"
    if found["error"]:
        return said(found["error_message"])
    statements = found["statements"]
    return statements[0]["node"] if len(statements) == 1 else {"statements": len(statements)}


def said(error: str) -> str:
    """Return DuckDB's error as a sentence without its full stop."""
    return "DuckDB says: " + error.split("\n")[0].rstrip(".")


def _placeless(node: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in node.items() if key not in _PLACES}


def _nodes(tree: Any) -> Iterator[dict[str, Any]]:
    """Yield each part of an expression that has a class."""
    waiting = [tree]
    while waiting:
        part = waiting.pop()
        if isinstance(part, dict):
            if "class" in part:
                yield part
            waiting.extend(part.values())
        elif isinstance(part, list):
            waiting.extend(part)
