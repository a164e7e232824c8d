"""SQL expressions with the kind of value they give, and the conversions of implicit typing between the kinds.

The functions of the language and the compiler of expressions build SQL with these.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

ValueKind = Literal["integer", "number", "text", "time", "bool", "period"]
NUMERIC: frozenset[ValueKind] = frozenset(("integer", "number", "bool"))


class Unfit(Exception):
    """A value cannot be used here.

    It has no position and never leaves this room: `expressions` catches it and raises a QueryError at the expression.
    """


@dataclass(frozen=True, slots=True)
class Sql:
    """One SQL expression.

    Attributes:
        text: The SQL.
        kind: The kind of its value.
        literal: The value of a constant, as the query writes it; None for everything else.
    """

    text: str
    kind: ValueKind
    literal: str | None = None


ABSENT = Sql("CAST(NULL AS VARCHAR)", "text")


def quoted(text: str) -> str:
    """Return a text as an SQL literal.

    >>> quoted("it's")
    "'it''s'"
    """
    return "'" + text.replace("'", "''") + "'"


def identifier(name: str) -> str:
    """Return the name of a column as an SQL identifier."""
    return '"' + name.replace('"', '""') + '"'


def as_float(text: str) -> float | None:
    """Return the finite number that a text means, or None.

    >>> as_float("80"), as_float("ssh"), as_float("nan")
    (80.0, None, None)
    """
    try:
        value = float(text)
    except ValueError:
        return None
    return value if abs(value) < float("inf") else None


def number_literal(text: str) -> Sql:
    """Return a number of the query as SQL."""
    value = as_float(text)
    if value is None:
        raise Unfit(f"The number {text[:20]}… is too large.")
    if text.isdigit() and len(text) <= 15:
        return Sql(str(int(text)), "integer", text)
    return Sql(f"CAST({value!r} AS DOUBLE)", "number", text)


def number(value: Sql) -> str:
    """Return the SQL of a value as a number: NULL for text that is none, milliseconds since 1970 for a time."""
    if value.kind in ("integer", "number"):
        return value.text
    if value.kind == "bool":
        return f"CAST({value.text} AS INTEGER)"
    if value.kind == "time":
        return f"epoch_ms({value.text})"
    if value.kind == "period":
        raise Unfit("A period such as 5m belongs in bin, datefloor or dateceil.")
    return f"TRY_CAST({value.text} AS DOUBLE)"


def double(value: Sql) -> str:
    """Return the SQL of a value as a floating-point number; all arithmetic is done in these, which cannot overflow."""
    return number(value) if value.kind in ("number", "text") else f"CAST({number(value)} AS DOUBLE)"


def text(value: Sql) -> str:
    """Return the SQL of a value as text, as the console shows it."""
    if value.kind == "text":
        return value.text
    if value.kind == "number":
        return f"number_text({value.text})"
    if value.kind == "time":
        return f"strftime({value.text}, '%Y-%m-%d %H:%M:%S.%g')"
    return f"CAST({number(value)} AS VARCHAR)"


def condition(value: Sql) -> str:
    """Return the SQL of a value as a condition; a number is true unless it is 0."""
    if value.kind == "bool":
        return value.text
    if value.kind in NUMERIC:
        return f"({value.text} != 0)"
    raise Unfit('This isn\'t a condition. Compare it with something, as in action = "REJECT".')


def time(value: Sql) -> str:
    """Return the SQL of a value that must be a time."""
    if value.kind != "time":
        raise Unfit("This needs a time, such as @timestamp; fromMillis makes one from milliseconds since 1970.")
    return value.text


def alike(values: list[Sql]) -> tuple[list[str], ValueKind]:
    """Return the SQL of several values brought to one kind: numbers if all are numbers, else text."""
    kinds = {value.kind for value in values if value is not ABSENT}
    if len(kinds) == 1 and "period" not in kinds:
        return ["NULL" if value is ABSENT else value.text for value in values], kinds.pop()
    if kinds and kinds <= NUMERIC:
        return [double(value) for value in values], "number"
    return [text(value) for value in values], "text"


def compare(operator: str, left: Sql, right: Sql) -> str:
    """Return the SQL of a comparison under implicit typing: of numbers where either side is one, else of texts."""
    for one, other in ((left, right), (right, left)):
        if one.kind == "time" and other.kind == "text":
            raise Unfit(
                "Times can't be compared with text. Compare milliseconds since 1970, as in "
                "toMillis(@timestamp) >= now() * 1000 - 3600000, or choose another time range for the query."
            )
    if left.kind == right.kind == "time":
        return f"({left.text} {operator} {right.text})"
    if left.kind == right.kind == "text":
        plain = f"{left.text} {operator} {right.text}"
        if operator in ("=", "!="):
            return f"({plain})"
        # Parsed fields are text, and mean numbers when they look like numbers on both sides.
        return f"coalesce({number(left)} {operator} {number(right)}, {plain})"
    if left.kind != "text" and right.kind != "text":
        return f"({number(left)} {operator} {number(right)})"
    words, numeral = (left, right) if left.kind == "text" else (right, left)
    if words.literal is not None:
        if as_float(words.literal) is None:
            return f"({text(left)} {operator} {text(right)})"
        words = number_literal(words.literal) if words.literal.isdigit() else words
        sides = (words, numeral) if left.kind == "text" else (numeral, words)
        return f"({number(sides[0])} {operator} {number(sides[1])})"
    unequal = "true" if operator == "!=" else "false"
    return (
        f"CASE WHEN {words.text} IS NOT NULL AND {numeral.text} IS NOT NULL "
        f"THEN coalesce({number(left)} {operator} {number(right)}, {unequal}) END"
    )
