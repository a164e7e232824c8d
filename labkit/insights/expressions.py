"""Compile the expressions of a query to SQL, each with the kind of its value; the compiler of commands calls this.

AWS does not document these rules; labkit chooses them here and in functions.py, and nowhere else:
- An absent field is unknown, as NULL is in SQL: neither `=` nor `!=` nor `not like` is true of it. Functions that
  answer yes or no, such as isIpInSubnet, answer no.
- Arithmetic is done in floating point. A division by zero, or a result that is not a finite number, is absent.
- `pct` and `median` interpolate. `stddev` is that of a sample. `count_distinct` is exact, where AWS approximates.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import cast

from lark import Token

from labkit.insights import patterns, values
from labkit.insights.functions import AGGREGATES, FUNCTIONS, UNSUPPORTED, Context, Function
from labkit.insights.parser import Node, field_name, unquoted
from labkit.insights.query_errors import did_you_mean, error_at
from labkit.insights.values import Sql, Unfit

_DEEPEST, _LONGEST = 60, 100_000
_PERIOD_MISPLACED = "A period such as 5m belongs in bin, datefloor or dateceil."


@dataclass(frozen=True, slots=True)
class Scope:
    """What names mean.

    Attributes:
        columns: The columns by their names in the query.
        absent: Called with a name that is none of these and its place; returns what it means, or raises QueryError.
    """

    columns: Mapping[str, Sql]
    absent: Callable[[str, Node], Sql]


class Expressions:
    """Compiles the expressions of one command.

    Args:
        text: The query.
        scope: What names mean.
        context: What functions can ask about the query.
        inner: What names mean inside an aggregate, and what functions can ask there; None where aggregates are not
            allowed.
    """

    def __init__(self, text: str, scope: Scope, context: Context, inner: tuple[Scope, Context] | None = None) -> None:
        self._text = text
        self._scope = scope
        self._context = context
        self._inner = inner
        self._depth = 0

    def compile(self, node: Node) -> Sql:
        """Return the SQL of an expression.

        Raises:
            QueryError: A part of it cannot be compiled; the error points at this part.
        """
        value = self._visit(node)
        if value.kind == "period":
            raise error_at(node, _PERIOD_MISPLACED)
        return value

    def condition(self, node: Node) -> str:
        """Return the SQL of an expression that means yes or no. Raises as `compile` does."""
        return self._as(values.condition, node)

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
            raise error_at(node, str(unfit)) from None
        finally:
            self._depth -= 1

    def _as(self, conversion: Callable[[Sql], str], node: Node) -> str:
        value = self.compile(node)
        try:
            return conversion(value)
        except Unfit as unfit:
            raise error_at(node, str(unfit)) from None

    # --- one method for each rule of the grammar ---

    def _number(self, node: Node) -> Sql:
        return values.number_literal(str(node.children[0]))

    def _string(self, node: Node) -> Sql:
        content = unquoted(cast(Token, node.children[0]))
        return Sql(values.quoted(content), "text", content)

    def _true(self, node: Node) -> Sql:
        return Sql("true", "bool", "true")

    def _false(self, node: Node) -> Sql:
        return Sql("false", "bool", "false")

    def _period(self, node: Node) -> Sql:
        return Sql("", "period", str(node.children[0]))

    def _field(self, node: Node) -> Sql:
        name = field_name(node)
        found = self._scope.columns.get(name)
        return self._scope.absent(name, node) if found is None else found

    def _call(self, node: Node) -> Sql:
        named = self._scope.columns.get(self._text[node.meta.start_pos : node.meta.end_pos])
        if named is not None:
            # After stats, `sort count(*)` means the column that stats has made.
            return named
        written, *given = cast("tuple[Token, *tuple[Node | Token, ...]]", tuple(node.children))
        aggregate = AGGREGATES.get(written.lower())
        function = aggregate or FUNCTIONS.get(written.lower())
        if function is None:
            raise error_at(written, _unknown(written))
        inside = self
        if aggregate:
            if self._inner is None:
                raise Unfit(
                    f"{function.name}() belongs in stats, and not inside of another aggregate. "
                    f"Give it a name there, as in stats {function.name}(…) as x, and use the name."
                )
            inside = Expressions(self._text, *self._inner)
            inside._depth = self._depth
        args: list[Sql] = []
        for each in given:
            if not isinstance(each, Token):
                args.append(inside._argument(each, function))
            elif function.name != "count":
                raise error_at(each, f"Only count takes *. {function.name}() takes a field.")
        _check_number(function, len(args))
        return function.build(args, inside._context)

    def _argument(self, node: Node, function: Function) -> Sql:
        value = self._visit(node)
        if value.kind == "period" and function.name not in ("bin", "datefloor", "dateceil"):
            raise error_at(node, _PERIOD_MISPLACED)
        return value

    def _arithmetic(self, node: Node) -> Sql:
        left, operator, right = cast("tuple[Node, Token, Node]", tuple(node.children))
        a, b = self._as(values.double, left), self._as(values.double, right)
        if operator == "^":
            return Sql(f"finite(pow({a}, {b}))", "number")
        return Sql(f"({a} {operator} {f'nullif({b}, 0)' if operator in ('/', '%') else b})", "number")

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
        return Sql(
            f"regexp_matches({value}, {values.quoted(patterns.regex(pattern, self._context.regexes)[0])})", "bool"
        )

    def _not_like(self, node: Node) -> Sql:
        return Sql(f"(NOT {self._like(node).text})", "bool")


def _chain(node: Node) -> list[Node]:
    """Return what `or`, or `and`, joins: the tree of a long chain is as deep as the chain is long."""
    parts: list[Node] = []
    kind = node.data
    while node.data == kind:
        node, right = cast("tuple[Node, Node]", tuple(node.children))
        parts.append(right)
    return [node, *reversed(parts)]


def _check_number(function: Function, given: int) -> None:
    least, most = function.least, function.most
    if given < least or (most is not None and given > most):
        wanted = f"at least {least}" if most is None else str(least) if least == most else f"{least} to {most}"
        plural = "" if wanted.endswith("1") else "s"
        raise Unfit(f"{function.name}() takes {wanted} argument{plural}, and has {given} here.")


def _unknown(name: str) -> str:
    for known, instead in UNSUPPORTED.items():
        if known.lower() == name.lower():
            return f"labkit doesn't have the function {known}(). {instead}".rstrip()
    names = [each.name for each in (*FUNCTIONS.values(), *AGGREGATES.values())]
    return f"There is no function {name}().{did_you_mean(name, names)}"
