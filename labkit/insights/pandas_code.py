"""Expressions of the language as pandas code, each with the kind of value it gives; what is left out raises.

A comparison with what is absent is absent, in a column backed by Arrow as in the language; the few that pandas answers
with no are written so that they are absent, too, where a `not` stands before them.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping
from ipaddress import ip_network
from typing import NamedTuple, cast

from lark import Token, Tree

from labkit.insights import periods, regexes
from labkit.insights.nodes import Node, field_name, unquoted
from labkit.insights.values import NUMERIC, Kind, as_float

#: Units of time as pandas writes them; weeks and longer ones begin elsewhere there.
_UNITS = {"ms": "ms", "s": "s", "m": "min", "h": "h", "d": "D"}

_AGGREGATES = {
    "avg": ".mean()", "max": ".max()", "min": ".min()", "median": ".median()", "stddev": ".std()",
    "sum": ".sum(min_count=1)", "count": ".count()", "count_distinct": ".nunique()",
}  # fmt: skip
_COUNTS = ("count", "count_distinct")
_IN_SUBNET = ("isipinsubnet", "isipv4insubnet", "isipv6insubnet")

#: What is negated: with the same parts, or, of `not`, the part itself.
_NEGATED = {"not_": "", "not_in": "in_", "not_like": "like"}

#: What the code for isIpInSubnet and its like begins with.
HELPER = """from ipaddress import ip_address, ip_network

def in_subnet(addresses, subnet):
    inside = [each for each in addresses.dropna().unique() if ip_address(each) in ip_network(subnet)]
    return addresses.isin(inside)

"""


class NotInPandas(ValueError):
    """A part of a query that has no honest counterpart in pandas; the message says which."""


class Code(NamedTuple):
    """An expression in Python and the kind of its values; `literal` is the value of a constant."""

    text: str
    kind: Kind
    literal: str | None = None


class PandasCode:
    """Writes the expressions of one query, over a table `events`.

    `kinds` are the columns that there are, `own` those of the table that is asked, `used` those of them that the code
    needs, and `helper` what the code must begin with.
    """

    def __init__(self, text: str, columns: Mapping[str, Kind]) -> None:
        self._text = text
        self.kinds: dict[str, Kind] = dict(columns)
        self.own = set(columns)
        self.used: dict[str, None] = {}
        self.helper = ""
        self._negated = False

    def item(self, item: Node) -> tuple[Node, str]:
        """An item's expression and the name of its column."""
        expression, *alias = cast("list[Node]", item.children)
        named = alias[0] if alias else expression
        return expression, field_name(named) if named.data in ("alias", "field") else self.source(item)

    def source(self, node: Node) -> str:
        return self._text[node.meta.start_pos : node.meta.end_pos]

    def use(self, names: Iterable[str]) -> None:
        self.used.update(dict.fromkeys(name for name in names if name in self.own))

    def _refuse(self, node: Node) -> NotInPandas:
        return NotInPandas(f"labkit does not translate {self.source(node)} into pandas.")

    def aggregate(self, node: Node, of: str) -> Code:
        """An aggregate, or arithmetic with aggregates and numbers."""
        if node.data == "arithmetic":
            return self._arithmetic(node, lambda each: self.aggregate(each, of))
        if node.data == "number":
            return self.code(node)
        name = str(node.children[0]).lower() if node.data == "call" else ""
        given = node.children[1:]
        if name == "count" and (not given or isinstance(given[0], Token)):
            return Code("groups.size()" if of == "groups" else "len(events)", "integer")
        if name not in (*_AGGREGATES, "pct") or not isinstance(given[0], Tree) or given[0].data != "field":
            raise self._refuse(node)
        field = field_name(given[0])
        kind = self.kinds[field]
        if kind not in NUMERIC and name not in _COUNTS:
            raise self._refuse(node)
        self.use([field])
        percent = f".quantile({float(self.source(cast(Node, given[1]))) / 100!r})" if name == "pct" else ""
        kept = name in ("sum", "min", "max")
        result: Kind = "integer" if name in _COUNTS else kind if kept else "number"
        return Code(f"{of}[{quoted([field])}]{percent or _AGGREGATES[name]}", result)

    def condition(self, node: Node) -> str:
        if node.data in ("or_", "and_"):
            sign = " | " if node.data == "or_" else " & "
            return f"({sign.join(self.condition(cast(Node, each)) for each in node.children)})"
        if node.data in _NEGATED:
            before, self._negated = self._negated, True
            inner = _NEGATED[node.data]
            said = self.condition(Tree(inner, node.children, node.meta) if inner else cast(Node, node.children[0]))
            self._negated = before
            return f"(~{said})"
        if node.data == "compare":
            left, operator, right = cast("tuple[Node, Token, Node]", tuple(node.children))
            return self._compare(node, self.code(left), str(operator), self.code(right))
        if node.data == "in_":
            left, choices = cast("tuple[Node, Node]", tuple(node.children))
            value, among = self.code(left), [self.code(cast(Node, each)) for each in choices.children]
            # Of a missing value nothing holds, not even the contrary; isin() would answer no.
            equal = " | ".join(self._compare(node, value, "=", each) for each in among)
            if not self._negated and all(each.kind == value.kind and each.literal is not None for each in among):
                return f"{value.text}.isin([{', '.join(each.text for each in among)}])"
            return f"({equal})"
        if node.data == "like":
            value, pattern = self.code(cast(Node, node.children[0])), cast(Token, node.children[1])
            if value.kind == "text" and value.literal is None:
                if pattern.type == "STRING":
                    return f"{value.text}.str.contains({unquoted(pattern)!r}, regex=False)"
                # pandas warns of groups that nobody reads.
                regex = re.sub(r"(?<!\\)\((?!\?)|\(\?P<\w+>", "(?:", regexes.checked(pattern).pattern)
                return f"{value.text}.str.contains({regex!r})"
        if node.data == "call":
            name, *given = node.children
            if str(name).lower() == "ispresent":
                return f"{self.code(cast(Node, given[0])).text}.notna()"
            if str(name).lower() in _IN_SUBNET and self.source(cast(Node, given[0])).lower().endswith("addr"):
                self.helper = HELPER
                subnet = ip_network(self.code(cast(Node, given[1])).literal or "", strict=False)
                return f'in_subnet({self.code(cast(Node, given[0])).text}, "{subnet}")'
        raise self._refuse(node)

    def _compare(self, node: Node, left: Code, operator: str, right: Code) -> str:
        sign = "==" if operator == "=" else operator
        if left.kind in NUMERIC and right.kind == "text" and right.literal and right.literal.isdigit():
            # dstPort="80" means the number
            right = Code(str(int(right.literal)), "integer", right.literal)
        numbers = left.kind in NUMERIC and right.kind in NUMERIC
        texts = left.kind == right.kind == "text" and operator in ("=", "!=")
        if left.literal is not None or not (numbers or texts):
            raise self._refuse(node)
        return f"({left.text} {sign} {right.text})"

    def code(self, node: Node) -> Code:
        if node.data == "number":
            written = str(node.children[0])
            return Code(written.lstrip("0") or "0", "integer" if written.isdigit() else "number", written)
        if node.data == "string":
            content = unquoted(cast(Token, node.children[0]))
            return Code(quoted([content]), "text", content)
        if node.data == "field":
            name = field_name(node)
            if name not in self.kinds:
                raise self._refuse(node)
            self.use([name])
            return Code(f"events[{quoted([name])}]", self.kinds[name])
        if node.data == "arithmetic":
            return self._arithmetic(node, self.code)
        if node.data == "call" and (named := self.source(node)) in self.kinds:
            return Code(f"events[{quoted([named])}]", self.kinds[named])
        if node.data == "call" and str(node.children[0]).lower() in ("bin", "datefloor"):
            *field, period = cast("list[Node]", node.children[1:])
            value = self.code(field[0]) if field else Code('events["@timestamp"]', "time")
            self.use([] if field else ["@timestamp"])
            count, unit = periods.read(self.source(period))
            if unit in _UNITS and value.kind == "time":
                return Code(f'{value.text}.dt.floor("{count}{_UNITS[unit]}")', "time")
        raise self._refuse(node)

    def _arithmetic(self, node: Node, code: Callable[[Node], Code]) -> Code:
        left, operator, right = cast("tuple[Node, Token, Node]", tuple(node.children))
        a, b = code(left), code(right)
        known = operator in ("+", "-", "*") or (operator == "/" and as_float(b.literal or "0") != 0)
        if not known or not {a.kind, b.kind} <= NUMERIC:
            raise self._refuse(node)
        return Code(f"({a.text} {operator} {b.text})", "number")


def quoted(names: Iterable[str]) -> str:
    """Texts in Python's words, separated by commas."""
    return ", ".join(json.dumps(name, ensure_ascii=False) for name in names)
