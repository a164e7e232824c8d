"""Expressions of the language as SQL, each with the kind of value it gives.

What AWS doesn't document is chosen here and in functions.py, and nowhere else:
- an absent field is unknown, as NULL is in SQL: neither `=` nor `!=` nor `not like` holds of it, but functions that
  answer yes or no, such as isIpInSubnet, answer no;
- arithmetic is done in floating point; a division by zero, or a result that isn't a finite number, is absent;
- `pct` and `median` interpolate; `stddev` is that of a sample; `count_distinct` is exact, where AWS approximates.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import cast

from lark import Token

from labkit.insights import periods, regexes, values
from labkit.insights.aggregates import AGGREGATES
from labkit.insights.errors import did_you_mean
from labkit.insights.functions import FUNCTIONS, UNSUPPORTED, Context, Function
from labkit.insights.nodes import Node, field_name, malformed, unquoted
from labkit.insights.values import Sql, Unfit

_DEEPEST, _LONGEST = 60, 100_000


@dataclass(frozen=True, slots=True)
class Scope:
    """What names mean: the columns, and what a name that is none of them stands for (or raises)."""

    columns: Mapping[str, Sql]
    absent: Callable[[str, Node], Sql]


class Expressions:
    """Compiles the expressions of one command.

    Parameters: `text` of the query; `scope` of its names; `inner`, the scope inside of an aggregate, where aggregates
    are allowed; `note`, called with a sentence on what a person may not expect.
    """

    def __init__(
        self, text: str, scope: Scope, context: Context, note: Callable[[str], None], inner: Scope | None = None
    ) -> None:
        self._text = text
        self._scope = scope
        self._context = context
        self._note = note
        self._inner = inner
        self._depth = 0

    def compile(self, node: Node) -> Sql:
        """The SQL of an expression. Raises QueryError at the part that can't be compiled."""
        value = self._visit(node)
        if value.kind == "period":
            raise malformed("A period such as 5m belongs in bin, datefloor or dateceil.", node)
        return value

    def _visit(self, node: Node) -> Sql:
        self._depth += 1
        try:
            if self._depth > _DEEPEST:
                raise Unfit("This is nested too deeply. Give a part of it a name with fields … as … first.")
            value = cast(Sql, getattr(self, f"_{node.data}")(node))
            if len(value.text) > _LONGEST:
                raise Unfit("This is too long once it is SQL. Give a part of it a name with fields … as … first.")
            return value
        except Unfit as unfit:
            raise malformed(str(unfit), node) from None
        finally:
            self._depth -= 1

    def condition(self, node: Node) -> str:
        """The SQL of an expression that stands for yes or no."""
        return self._as(values.condition, node)

    def source(self, node: Node) -> str:
        """The text of an expression, as it stands in the query."""
        return self._text[node.meta.start_pos : node.meta.end_pos]

    def _as(self, conversion: Callable[[Sql], str], node: Node) -> str:
        value = self.compile(node)
        try:
            return conversion(value)
        except Unfit as unfit:
            raise malformed(str(unfit), node) from None

    # --- one method for each rule of the grammar ---

    def _number(self, node: Node) -> Sql:
        return values.number_literal(str(node.children[0]))

    def _string(self, node: Node) -> Sql:
        content = unquoted(cast(Token, node.children[0]))
        return Sql(values.quoted(content), "text", content)

    def _true(self, node: Node) -> Sql:
        return Sql("true", "bool")

    def _false(self, node: Node) -> Sql:
        return Sql("false", "bool")

    def _period(self, node: Node) -> Sql:
        return Sql("", "period", str(node.children[0]))

    def _field(self, node: Node) -> Sql:
        name = field_name(node)
        found = self._scope.columns.get(name)
        return self._scope.absent(name, node) if found is None else found

    def _call(self, node: Node) -> Sql:
        written = cast(Token, node.children[0])
        given = node.children[1:]
        named = self._scope.columns.get(self.source(node))
        if named is not None:
            # After stats, `sort count(*)` means the column that stats has made.
            return named
        aggregate = AGGREGATES.get(written.lower())
        function = aggregate or FUNCTIONS.get(written.lower())
        if function is None:
            raise malformed(_unknown(str(written)), written)
        if aggregate and self._inner is None:
            raise Unfit(
                f"{function.name}() belongs in stats, and not inside of another aggregate. "
                f"Give it a name there, as in stats {function.name}(…) as x, and use the name."
            )
        inside = self._inside() if aggregate else self
        args: list[Sql] = []
        for each in given:
            if isinstance(each, Token):
                if function.name != "count":
                    raise malformed(f"Only count takes *. {function.name}() takes a field.", each)
            else:
                args.append(inside._argument(each, function))
        _check_number(function, len(args))
        return function.build(args, self._context)

    def _inside(self) -> Expressions:
        """What compiles the arguments of an aggregate."""
        assert self._inner is not None
        inside = Expressions(self._text, self._inner, self._context, self._note)
        inside._depth = self._depth
        return inside

    def _argument(self, node: Node, function: Function) -> Sql:
        value = self._visit(node)
        if value.kind == "period":
            if function.name not in ("bin", "datefloor", "dateceil"):
                raise malformed("A period such as 5m belongs in bin, datefloor or dateceil.", node)
            if periods.is_capped(value.literal or ""):
                count, unit = periods.read(value.literal or "")
                self._note(f"{value.literal} means {count}{unit}, on AWS too: no unit counts further than to the next.")
        return value

    def _arithmetic(self, node: Node) -> Sql:
        left, operator, right = cast("tuple[Node, Token, Node]", tuple(node.children))
        a, b = self._as(values.double, left), self._as(values.double, right)
        if operator in ("/", "%"):
            return Sql(f"({a} {operator} nullif({b}, 0))", "number")
        if operator == "^":
            return Sql(f"finite(pow({a}, {b}))", "number")
        return Sql(f"({a} {operator} {b})", "number")

    def _sign(self, node: Node) -> Sql:
        sign, operand = cast("tuple[Token, Node]", tuple(node.children))
        value = self.compile(operand)
        literal = f"-{value.literal}" if sign == "-" and value.literal else None
        return Sql(f"({sign}{values.double(value)})", "number", literal)

    def _or_(self, node: Node) -> Sql:
        return Sql(f"({' OR '.join(map(self.condition, _chain(node)))})", "bool")

    def _and_(self, node: Node) -> Sql:
        return Sql(f"({' AND '.join(map(self.condition, _chain(node)))})", "bool")

    def _not_(self, node: Node) -> Sql:
        return Sql(f"(NOT {self.condition(cast(Node, node.children[0]))})", "bool")

    def _compare(self, node: Node) -> Sql:
        left, operator, right = cast("tuple[Node, Token, Node]", tuple(node.children))
        return Sql(values.compare(str(operator), self.compile(left), self.compile(right)), "bool")

    def _in_(self, node: Node) -> Sql:
        left, choices = cast("tuple[Node, Node]", tuple(node.children))
        value = self.compile(left)
        among = [self.compile(each) for each in cast("list[Node]", choices.children)]
        if value.kind == "text" and all(each.kind == "text" and each.literal is not None for each in among):
            return Sql(f"({value.text} IN ({', '.join(each.text for each in among)}))", "bool")
        return Sql(f"({' OR '.join(values.compare('=', value, each) for each in among)})", "bool")

    def _not_in(self, node: Node) -> Sql:
        return Sql(f"(NOT {self._in_(node).text})", "bool")

    def _like(self, node: Node) -> Sql:
        value = self._as(values.text, cast(Node, node.children[0]))
        pattern = cast(Token, node.children[1])
        if pattern.type == "STRING":
            return Sql(f"contains({value}, {values.quoted(unquoted(pattern))})", "bool")
        return Sql(f"regexp_matches({value}, {values.quoted(regexes.checked(pattern).pattern)})", "bool")

    def _not_like(self, node: Node) -> Sql:
        return Sql(f"(NOT {self._like(node).text})", "bool")


def _chain(node: Node) -> list[Node]:
    """What `or`, or `and`, joins: a chain of them is as deep as it is long."""
    parts: list[Node] = []
    kind = node.data
    while node.data == kind:
        left, right = cast("tuple[Node, Node]", tuple(node.children))
        parts.append(right)
        node = left
    return [node, *reversed(parts)]


def _check_number(function: Function, given: int) -> None:
    if given >= function.least and (function.most is None or given <= function.most):
        return
    if function.most is None:
        wanted = f"at least {function.least}"
    elif function.least == function.most:
        wanted = str(function.least)
    else:
        wanted = f"{function.least} to {function.most}"
    plural = "" if wanted.endswith("1") else "s"
    raise Unfit(f"{function.name}() takes {wanted} argument{plural}, and has {given} here.")


def _unknown(name: str) -> str:
    for known, instead in UNSUPPORTED.items():
        if known.lower() == name.lower():
            return f"labkit doesn't have the function {known}(). {instead}".rstrip()
    names = [each.name for each in (*FUNCTIONS.values(), *AGGREGATES.values())]
    return f"There is no function {name}().{did_you_mean(name, names)}"
