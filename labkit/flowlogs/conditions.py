"""Check a condition that a person wrote, and say what to write instead where it is wrong; the questions call it.

DuckDB judges whether a condition is one. What is wrong with it is found in its words, and what is proposed instead has
been judged by DuckDB, too. https://duckdb.org/docs/stable/sql/expressions/overview
"""

from __future__ import annotations

import difflib
import ipaddress
import re
from collections.abc import Sequence
from dataclasses import dataclass

import duckdb
import pyarrow as pa

from labkit.errors import QuestionError
from labkit.flowlogs import expressions
from labkit.flowlogs.enrich import PROTOCOLS, SERVICES
from labkit.flowlogs.fields import FIELDS
from labkit.status import quoted

_TOKEN = re.compile(
    r"""(?P<space>\s+) | (?P<text>'(?:[^']|'')*') | (?P<quoted>"[^"]*")
    | (?P<time>\d{4}-\d\d?-\d\d?(?:[ T]\d\d?:\d\d(?::\d\d(?:\.\d+)?)?(?:Z|[+-]\d\d(?::?\d\d)?)?)?(?![\w.:/]))
    | (?P<address>\d{1,3}(?:\.\d{1,3}){3}(?:/\d+)?(?![\w./]) | \d{1,3}(?:\.\d{1,3}){0,2}\.[*%]
        | (?<![\w)])[0-9A-Fa-f]{0,4}:[0-9A-Fa-f:]*:[0-9A-Fa-f:.]*(?:/\d+)?(?!\w))
    | (?P<clock>\d\d?:\d\d(?::\d\d)?(?!\w)) | (?P<number>\d+(?:\.\d+)?\w*) | (?P<word>[A-Za-z_]\w*(?:-\w+)*)
    | (?P<sign>&& | \|\| | [<>=!]= | =[<>!] | <> | .)""",
    re.VERBOSE | re.DOTALL,
)
_SQL = {
    "and", "or", "not", "in", "is", "null", "like", "ilike", "glob", "between", "true", "false", "case", "when", "then",
    "else", "interval", "date", "timestamp", "timestamptz", "similar", "to", "escape", "distinct", "from", "cast", "as",
}  # fmt: skip
_ENDS = {"", ")", "and", "or"}  # of a condition
_COMPARES = {"=", "==", "!=", "<>", "<", ">", "<=", ">=", "like", "ilike", "between"}
_SIGNS = {"&&": "AND", "||": "OR", "=>": ">=", "=<": "<=", "=!": "!=", "!": "NOT", "&": "AND", "|": "OR"}
_CALLED = {"src": "srcaddr", "srcip": "srcaddr", "source": "srcaddr", "dst": "dstaddr", "dstip": "dstaddr",
           "dest": "dstaddr", "destination": "dstaddr", "port": "dstport", "proto": "protocol"}  # fmt: skip
_NUMBERS = {field.column for field in FIELDS.values() if field.type != "string"} - {"start", "end"}
_NAMED = {
    "protocol": {name.lower(): number for number, name in PROTOCOLS.items()},
    "srcport": {name: number for number, name in SERVICES.items()},
    "dstport": {name: number for number, name in SERVICES.items()},
}
_EXAMPLE = "dstport = 443 AND srcaddr = '10.1.15.80'"


def check(where: str, schema: pa.Schema, duck: duckdb.DuckDBPyConnection) -> None:
    """Check a condition.

    Args:
        where: The condition in SQL.
        schema: The columns of the records that it is about.
        duck: A database to judge it with.

    Raises:
        QuestionError: It is no condition on these columns, or no record can ever fulfill it. The error says what to
            write.

    >>> from labkit.flowlogs.duck import open_duckdb
    >>> check("srcaddr = 10.2.32.30", pa.schema({"srcaddr": pa.string()}), open_duckdb())
    Traceback (most recent call last):
    labkit.errors.QuestionError: 10.2.32.30 is text, which wants single quotes. Write "srcaddr = '10.2.32.30'".
    """
    problem = _problem(where, schema, duck)
    mended = _Mended(where, schema.names)
    if problem is None and not mended.is_surely_wrong:
        return
    reasons = " ".join(mended.reasons)
    if mended.text != where and _problem(mended.text, schema, duck) is None:
        # As it is written in a shell, and in Python too.
        written = mended.text.replace('"', '\\"')
        raise QuestionError(f'{reasons} Write "{written}".')
    raise QuestionError(
        f"{quoted(where)} is no condition on these records. {reasons or f'{problem}.'} "
        f'Write one such as "{_EXAMPLE}"; the records have the columns {", ".join(schema.names)}.'
    )


def _problem(where: str, schema: pa.Schema, duck: duckdb.DuckDBPyConnection) -> str | None:
    """Return what is wrong with a condition, as a sentence without its full stop, or None."""
    if found := expressions.problem(where, schema.names, duck):
        return found
    # A record without any value: what a constant becomes is found out with a record only.
    duck.register("one", pa.table([pa.nulls(1, field.type) for field in schema], schema=schema))
    try:
        answer = duck.sql(f"SELECT ({where}\n) FROM one WHERE ({where}\n)")
        answer.fetchall()
        if str(answer.types[0]) != "BOOLEAN":
            return f"It is a value of the type {answer.types[0]}"
    except duckdb.Error as error:
        return expressions.said(str(error))
    finally:
        duck.unregister("one")
    return None


def _parentheses(where: str) -> str:
    """Return which parenthesis has no other, if any: `true) OR (true` would be more than one expression."""
    depth = 0
    for token in _tokens(where):
        depth += (token.written == "(") - (token.written == ")")
        if depth < 0:
            return "A ) has no ( before it."
    return "A ( has no ) after it." if depth else ""


@dataclass(frozen=True, slots=True)
class _Token:
    """A word of a condition, or a sign, a value or white space.

    Attributes:
        kind: The name of its group in `_TOKEN`.
        written: How it is written.
    """

    kind: str
    written: str


def _tokens(where: str) -> list[_Token]:
    return [_Token(str(found.lastgroup), found[0]) for found in _TOKEN.finditer(where)]


class _Mended:
    """A condition with what a person has probably meant in place of what is wrong.

    Attributes:
        text: The condition.
        reasons: Why something was replaced, or cannot be.
        is_surely_wrong: Whether it can't be meant, even if it is SQL: it holds of no record, or of all.
    """

    def __init__(self, where: str, columns: Sequence[str]) -> None:
        self._columns = {re.sub(r"[_-]", "", name).lower(): name for name in columns}
        self.reasons: list[str] = []
        self.is_surely_wrong = False
        tokens = _tokens(where.strip())
        self._has_case = any(token.written.lower() == "case" for token in tokens)
        self._before: list[str] = []  # kinds of the tokens before, without space: column, value, compare, logic, other
        self._left: str | None = None  # the column that a value is compared with
        self._compared = ""  # the last comparison as it is written, without the value
        self._listed = False  # in the parentheses of IN
        self._between = False  # between BETWEEN and its AND
        self._out: list[str] = []
        words = [token for token in tokens if token.kind != "space"]
        at = -1
        for token in tokens:
            if token.kind == "space":
                self._out.append("" if self._out[-1].endswith(" ") else token.written)
                continue
            at += 1
            self._mend(token, words[at + 1].written if at + 1 < len(words) else "")
        self.text = "".join(self._out).strip()
        if not words:
            self.reasons.append("It is empty.")
        elif self._before[-1] in ("compare", "logic"):
            self.reasons.append(f"Something is missing after {words[-1].written}.")
        self.reasons += filter(None, [_parentheses(where)])

    def _mend(self, token: _Token, after: str) -> None:
        written, lower = token.written, token.written.lower()
        if token.kind == "sign":
            self._sign(written, after)
        elif token.kind == "word" and lower == "where" and not self._before:
            self._say("The word WHERE is not part of a condition.", "", "other")
        elif token.kind == "word" and (lower in _SQL or after == "(" or (lower == "end" and self._has_case)):
            self._keyword(lower, after)
            self._out.append(written)
        elif token.kind == "word" and (column := self._columns.get(re.sub(r"[_-]", "", lower))):
            self._column(written, column)
        elif token.kind == "quoted" and written[1:-1].lower() in map(str.lower, self._columns.values()):
            self._operand("column", written)
            self._out.append(written)
            self._left = written[1:-1].lower()
        elif token.kind == "word" and not self._is_value(after):
            self._unknown(written)
        else:
            self._operand("value", written)
            if self._is_alone(after):
                self.is_surely_wrong = True
                self.reasons.append("Each side of AND and OR is a whole condition.")
                self._out.append(f"{self._compared} ")
                self._before[-1:] = ["compare", "value"]
                self._left = self._compared.split()[0]
            self._out.append(self._value(token))

    def _say(self, reason: str, instead: str, kind: str) -> None:
        if reason not in self.reasons:
            self.reasons.append(reason)
        self._out.append(instead)
        self._before.append(kind)

    def _is_value(self, after: str) -> bool:
        """Return whether a word that is no column stands where a value stands."""
        last = self._before[-1] if self._before else "other"
        alone = last == "logic" and bool(self._compared) and after.lower() in _ENDS
        return self._listed or alone or last in ("compare", "column")

    def _is_alone(self, after: str) -> bool:
        """Return whether the last value is a whole side of AND or OR, as 22 in `dstport = 443 OR 22`."""
        return self._before[-2:-1] == ["logic"] and bool(self._compared) and after.lower() in _ENDS

    def _sign(self, written: str, after: str) -> None:
        instead = _SIGNS.get(written)
        if written == "," and not self._listed and "(" not in "".join(self._out):
            if re.fullmatch(r"\d{3}", after):
                self._say("Numbers have no commas.", "", "other")
            else:
                self._say("A comma joins no conditions: AND does.", " AND", "logic")
        elif instead:
            kind = "compare" if instead in _COMPARES else "logic"
            self._say(f"SQL writes {instead} for {written}.", f"{instead} " if written == "!" else instead, kind)
        elif written in ("'", '"'):
            self._say(f"A {written} has no second one at the end of the text.", written, "other")
        else:
            self._out.append(written)
            closes = "value" if written == ")" else "other"
            self._before.append("compare" if written in _COMPARES else closes)
        if written == ")":
            self._listed = False
        if self._before[-1] == "compare" and self._before[-2:-1] != ["column"]:
            self._left = None
        elif self._before[-1] == "compare":
            self._compared = f"{self._left} {instead or written}"

    def _keyword(self, lower: str, after: str) -> None:
        if lower == "in":
            self._listed = True
            if after not in ("(", "["):
                self.reasons.append("IN wants its values in parentheses: dstport IN (22, 443).")
        if lower in ("like", "ilike") or lower not in _COMPARES | {"in", "not"}:
            self._left = None
        kind = "logic" if lower in ("and", "or") else "other"
        if lower == "and" and self._between:
            kind = "compare"
        self._between = lower == "between" or (self._between and lower != "and")
        self._before.append("compare" if lower in _COMPARES else kind)

    def _operand(self, kind: str, written: str) -> None:
        """Note an operand, with a comparison or AND before it where one is missing."""
        last = self._before[-1] if self._before else "other"
        if last == "column" and kind == "value":
            self._say(f"A comparison such as = is missing before {written}.", "= ", "compare")
        elif last in ("value", "column") and not self._listed:
            self._say(f"AND or OR is missing before {written}.", "AND ", "other")
        self._before.append(kind)

    def _column(self, written: str, column: str) -> None:
        self._operand("column", written)
        self._left = column
        if written.lower() == column and column != "end":
            self._out.append(written)
            return
        name = f'"{column}"' if column == "end" else column
        reason = f"The column is called {column}." if column != "end" else "As a word of SQL, end wants double quotes."
        self.reasons.append(reason)
        self._out.append(name)

    def _unknown(self, written: str) -> None:
        name = re.sub(r"[_-]", "", written.lower())
        near = difflib.get_close_matches(_CALLED.get(name, name), self._columns, n=1, cutoff=0.6)
        column = self._columns[near[0]] if near else None
        self._operand("column", written)
        self._left = column
        guess = f" Did you mean {column}?" if column else ""
        self.reasons.append(f"The records have no column {written}.{guess}")
        self._out.append(column or written)

    def _value(self, token: _Token) -> str:
        """Return a value as SQL writes it for the column that it is compared with."""
        written = token.written
        left = self._left if self._listed or self._before[-2:-1] == ["compare"] else None
        plain = written[1:-1] if token.kind in ("text", "quoted") else written
        if left in ("start", "end") and re.fullmatch(r"\d\d?:\d\d(:\d\d)?", plain):
            self.reasons.append(f"{plain} has no date: write it as in {left} > '2025-12-04 {plain}'.")
            return written
        if token.kind == "number" and written.isdigit():
            if left in ("start", "end"):
                self.reasons.append(f"{left} is a time, and to_timestamp makes one of seconds.")
                return f"to_timestamp({written})"
            return written
        if left in _NUMBERS and not plain.lstrip("-").isdigit():
            number = _NAMED.get(left or "", {}).get(plain.lower())
            self.reasons.append(f"{left} is a number" + ("." if number is None else f": {plain} is {number}."))
            return str(number) if number is not None else written
        if left in ("action", "log_status") and plain != plain.upper():
            self.is_surely_wrong = True
            self.reasons.append(f"{left} is written in capitals.")
            plain = plain.upper()
        elif left and left.endswith("addr") and (ranged := _beginning(plain)) is not None:
            return self._range(plain, ranged) or written
        elif token.kind == "quoted":
            self.reasons.append(f"Double quotes are for names of columns; {plain} is text, which wants single quotes.")
        elif token.kind != "text":
            what = "a time" if token.kind == "time" else "text"
            self.reasons.append(f"{plain} is {what}, which wants single quotes.")
        return written if token.kind == "text" and f"'{plain}'" == written else f"'{plain}'"

    def _range(self, plain: str, beginning: str) -> str:
        """Return the pattern for a range, in place of the comparison with the range itself; nothing if it has none."""
        self.is_surely_wrong = True
        place = next((at for at in range(len(self._out) - 1, -1, -1) if self._out[at].strip()), 0)
        instead = {"=": "LIKE", "==": "LIKE", "!=": "NOT LIKE", "<>": "NOT LIKE"}.get(self._out[place])
        if not beginning or not instead:
            self.reasons.append(f"No address equals the range {plain}: compare how it begins, as in LIKE '10.2.%'.")
            return ""
        self.reasons.append(f"No address equals the range {plain}: compare how it begins.")
        self._out[place] = instead
        return f"'{beginning}%'"


def _beginning(plain: str) -> str | None:
    """Return how the addresses of a range begin; an empty text where that can't be said; None of what is no range.

    >>> _beginning("10.2.0.0/16"), _beginning("10.2.*"), _beginning("10.2.16.0/20"), _beginning("10.2.0.126")
    ('10.2.', '10.2.', '', None)
    """
    if re.fullmatch(r"\d{1,3}(\.\d{1,3}){0,2}\.[*%]", plain):
        return plain[:-1]
    try:
        network = ipaddress.ip_network(plain, strict=False) if "/" in plain else None
    except ValueError:
        return None
    if network is None:
        return None
    whole, rest = divmod(network.prefixlen, 8)
    if network.version == 6 or rest or whole not in (1, 2, 3):
        return ""
    return "".join(f"{part}." for part in str(network.network_address).split(".")[:whole])
