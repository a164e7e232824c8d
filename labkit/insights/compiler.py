"""Compile a query to SQL: one common table expression for each command, in the order of the commands.

`running` compiles each query for the table that it is run on; the widget shows the SQL.

AWS does not document these rules of the commands; labkit chooses them here:
- `sort` is ascending unless it says desc. An absent value comes first in ascending and last in descending order.
- Events are newest first unless they are sorted, and events that `sort` finds equal stay so. Groups are in the order of
  their keys.
- The fields that `parse` makes are shown after those of `fields`; `display` alone decides where there is one
  (https://gist.github.com/vatshat/7d401a9194d4e1b159bd8894035b6b5f).
- An event without a value for a `by` field is in a separate group, without that field.
- The smaller of the query's limit and the caller's is used.
"""

from __future__ import annotations

import re
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import cast

from lark import Token

from labkit.errors import QueryError
from labkit.insights import functions, values
from labkit.insights.expressions import Expressions, Scope
from labkit.insights.functions import AGGREGATES, Context
from labkit.insights.parser import Node, ParsedQuery, field_name, parse
from labkit.insights.patterns import Regexes, extraction
from labkit.insights.query_errors import did_you_mean, error_at, quotes_wanted
from labkit.insights.values import ABSENT, Sql, ValueKind, identifier

DEFAULT_LIMIT, MOST_ROWS = 10_000, 100_000
"""https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/CWL_QuerySyntax-Limit.html"""

#: A limit after dedup for which the first rows are read first, and how many those are.
_FEW, _FIRST = 1000, 10_000

#: What stands before a value that something is compared to.
_BEFORE_VALUE = re.compile(r"(?:[=<>]|\bin\s*\[[^\]]*)\s*$", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class CompiledQuery:
    """A query as SQL over a table `events`, with the macros of macros.sql.

    Attributes:
        text: The query.
        columns: The name in SQL of each column of the table, in order: names of fields can differ in case alone.
        row: The name of a further column of the table, which numbers its rows; None where the SQL needs none.
        sql: The SQL.
        fields: The name and the kind of each column of its rows, in order.
        matched_sql: The SQL that counts the events that pass the filters.
        first: Faster SQL for the first rows, and their number. Its rows are right if it gives this number of them.
        absent: An error for each field that the query names and the table lacks.
        is_heavy: Whether a single event can take so long that it matters how many are read at once.
    """

    text: str
    columns: tuple[str, ...]
    row: str | None
    sql: str
    fields: tuple[tuple[str, ValueKind], ...]
    matched_sql: str
    first: tuple[str, int] | None
    absent: tuple[QueryError, ...]
    is_heavy: bool


def compile(
    query: str | ParsedQuery, columns: Mapping[str, ValueKind], *, now: float | None = None, limit: int | None = None
) -> CompiledQuery:
    """Compile a query for a table.

    Args:
        query: The query, as text or as `parse` gives it.
        columns: The kind of each of the table's columns, in order.
        now: What now() gives, in epoch seconds; None for the computer's clock.
        limit: The largest number of rows, 1 to 100,000; None for the limit of the query, or else 10,000.

    Returns:
        The query as SQL.

    Raises:
        QueryError: The query is malformed, or uses what labkit does not have.

    >>> compile("filter bytes > 100 | stats count(*) as n by action", {"bytes": "integer", "action": "text"}).fields
    (('action', 'text'), ('n', 'integer'))
    """
    parsed = parse(query) if isinstance(query, str) else query
    return _Compiler(parsed, columns, time.time() if now is None else now).run(limit)


class _Compiler:
    """Compiles the commands of one query in order; keeps the columns that exist and the order of the rows."""

    def __init__(self, query: ParsedQuery, columns: Mapping[str, ValueKind], now: float) -> None:
        self._query = query
        self._now = now
        self._taken: set[str] = set()
        self._table = tuple(map(self._new, columns))
        self._columns = {
            each: Sql(identifier(name), kind) for name, (each, kind) in zip(self._table, columns.items(), strict=True)
        }
        self._row = self._new("row")
        self._steps: list[str] = []
        self._has_stats = False
        self._matched = 0
        self._deduplicated: tuple[int, str, str] | None = None
        self._narrowed = False
        self._shown_fields: list[str] = []
        self._extracted: list[str] = []
        self._computed: list[str] = []
        self._chosen: list[str] | None = None
        self._ephemeral: set[str] = set()
        self._sorted: list[str] = []
        self._ties = [_sort_key(self._columns["@timestamp"], True)] if "@timestamp" in columns else []
        self._ties.append(identifier(self._row))
        self._most: int | None = None
        self._absent: dict[str, QueryError] = {}
        self._regexes = Regexes()
        self._longest = functions.longest_text(query.commands)

    def run(self, limit: int | None) -> CompiledQuery:
        for command in self._query.commands:
            getattr(self, f"_{command.data}")(command)
        most = min(limit or MOST_ROWS, self._most or (MOST_ROWS if limit else DEFAULT_LIMIT))
        fields = {each: self._columns.get(each, ABSENT) for each in self._shown()}
        if not fields:
            raise QueryError("The table has no columns, so there is nothing to ask.", 0, len(self._query.text))
        select = f"SELECT {', '.join(column.text for column in fields.values())}\nFROM {self._from(len(self._steps))}"
        last = f"{select}\nORDER BY {self._ordering()}\nLIMIT {most}"
        first = None
        if self._deduplicated is not None and most <= _FEW:
            # The first rows after dedup mostly come from the first rows before it.
            place, test, ordering = self._deduplicated
            some = f"SELECT * FROM (FROM {self._from(place - 1)} ORDER BY {ordering} LIMIT {_FIRST}) QUALIFY {test}"
            first = _with([*self._steps[: place - 1], some, *self._steps[place:]], last), most
        return CompiledQuery(
            self._query.text,
            self._table,
            None if self._has_stats else self._row,
            _with(self._steps, last),
            tuple((name, column.kind) for name, column in fields.items()),
            _with(self._steps[: self._matched], f"SELECT count(*) FROM {self._from(self._matched)}"),
            first,
            tuple(self._absent.values()),
            self._regexes.are_heavy,
        )

    # --- one method for each command ---

    def _fields(self, command: Node) -> None:
        self._shown_fields += self._items(command, choosing=False)

    def _display(self, command: Node) -> None:
        self._chosen = self._items(command, choosing=True)

    def _items(self, command: Node, *, choosing: bool) -> list[str]:
        """Return the names of the items of `fields` or `display`; those that are more than a field are computed."""
        shown: list[str] = []
        for item in cast("list[Node]", command.children):
            expression, alias, title = self._item(item)
            if expression.data == "field" and alias is None:
                if title in self._ephemeral and not choosing:
                    raise error_at(
                        expression,
                        f"Ephemeral field is already defined: {title}. fields would define it again; it is shown as it "
                        "is, and display chooses what is shown.",
                    )
                if title not in self._columns:
                    self._missing(title, expression)
            elif alias is not None or title not in self._columns:
                value = self._expressions().compile(expression)
                if alias is not None:
                    self._claim(title, alias)
                self._columns[title] = Sql(identifier(self._new(title)), value.kind)
                self._computed.append(f"{value.text} AS {self._columns[title].text}")
            shown.append(title)
        self._step_of_computed()
        return shown

    def _step_of_computed(self) -> None:
        computed, self._computed = self._computed, []
        if computed:
            self._step(f"*, {', '.join(computed)}")

    def _filter(self, command: Node) -> None:
        condition = self._expressions().condition(cast(Node, command.children[0]))
        self._step("*", f"WHERE {condition}")

    def _parse(self, command: Node) -> None:
        found = extraction(command, self._regexes)
        column = self._columns.get(found.subject) or self._missing(found.subject, command)
        made = identifier(self._new("parsed"))
        self._step(f"*, {found.sql(values.text(column))} AS {made}")
        for alias, where, value in found.fields:
            self._claim(alias, where)
            self._columns[alias] = Sql(value.format(made), "text")
            self._extracted.append(alias)

    def _stats(self, command: Node) -> None:
        self._narrowed = True
        aggregates, *by = cast("list[Node]", command.children)
        if not by and not any(str(call.children[0]).lower() in AGGREGATES for call in aggregates.find_data("call")):
            raise error_at(aggregates, "stats needs a function of many events here, such as count(*) or sum(bytes).")
        outer: dict[str, Sql] = {}
        made: list[str] = []
        keys = 0
        for items in (*by, aggregates):
            for item in cast("list[Node]", items.children):
                expression, alias, title = self._item(item)
                if alias is None and title in outer:
                    continue
                scope = Scope(outer, self._misplaced) if items is aggregates else None
                value = self._expressions(scope).compile(expression)
                plain = expression.data == "field" and alias is None and value.text.endswith('"')
                column = value.text if plain else identifier(self._new(title))
                if alias is not None:
                    self._claim(title, alias)
                made.append(f"{value.text} AS {column}")
                outer[title] = Sql(column, value.kind)
            keys = keys or len(made) if items is not aggregates else keys
        # A group of events that have neither the keys nor the values would be an empty row.
        nothing = " AND ".join(f"{each.text} IS NULL" for each in outer.values())
        grouping = f"GROUP BY {', '.join(map(str, range(1, keys + 1)))} HAVING NOT ({nothing})"
        self._step(", ".join(made), grouping if keys else "")
        self._columns = outer
        self._shown_fields, self._extracted, self._chosen = list(outer), [], None
        self._sorted = []
        self._ties = [each.text for each in list(outer.values())[:keys]]
        self._has_stats = True

    def _sort(self, command: Node) -> None:
        self._apply_limit()
        self._sorted = []
        for key in cast("list[Node]", command.children):
            expression, *direction = cast("tuple[Node, *tuple[Token, ...]]", tuple(key.children))
            value = self._expressions().compile(expression)
            # A constant orders nothing, and to SQL a number here would mean a column.
            if value.literal is None:
                self._sorted.append(_sort_key(value, [each.lower() for each in direction] == ["desc"]))

    def _limit(self, command: Node) -> None:
        self._narrowed = True
        written = cast(Token, command.children[0])
        if not written.isdigit() or not 1 <= int(written[:9]) <= MOST_ROWS or len(written) > 9:
            raise error_at(written, f"limit takes a whole number from 1 to {MOST_ROWS:,}.")
        self._most = min(int(written), self._most or MOST_ROWS)

    def _dedup(self, command: Node) -> None:
        self._narrowed = True
        keys = [self._expressions().compile(each).text for each in cast("list[Node]", command.children)]
        absent = " OR ".join(f"{key} IS NULL" for key in keys)
        ordering = self._ordering()
        test = f"{absent} OR row_number() OVER (PARTITION BY {', '.join(keys)} ORDER BY {ordering}) = 1"
        self._step("*", f"QUALIFY {test}")
        self._deduplicated = len(self._steps), test, ordering

    # --- names ---

    def _expressions(self, stats: Scope | None = None) -> Expressions:
        """Return the compiler of expressions here; `stats` is the scope outside of the aggregates of `stats`."""
        timestamp = self._columns.get("@timestamp") if not self._has_stats else None
        events = Scope(self._columns, self._missing)
        context = Context(self._now, timestamp, self._regexes, self._longest, self._named)
        if stats is None:
            return Expressions(self._query.text, events, context)
        # What aggregates give has neither one time nor a step before it.
        outside = replace(context, timestamp=None, named=None)
        return Expressions(self._query.text, stats, outside, (events, context))

    def _named(self, sql: str) -> str:
        """Return the column of a step of its own that has a value, so that SQL can use the value more than once."""
        self._step_of_computed()  # the value may be made of them
        column = identifier(self._new("value"))
        self._step(f"*, {sql} AS {column}")
        return column

    def _item(self, item: Node) -> tuple[Node, Node | None, str]:
        """Return an item's expression, its alias if it has one, and the name of its column."""
        expression, *alias = cast("list[Node]", item.children)
        if alias:
            return expression, alias[0], field_name(alias[0])
        if expression.data == "field":
            return expression, None, field_name(expression)
        return expression, None, self._query.text[item.meta.start_pos : item.meta.end_pos]

    def _claim(self, title: str, alias: Node | Token) -> None:
        """Take a name that the query gives to a field.

        AWS refuses a second field of the same name: https://github.com/trade-tariff/trade-tariff-backend/pull/3464
        """
        if title in self._ephemeral or (title in self._shown_fields and not self._has_stats):
            raise error_at(alias, f"Ephemeral field is already defined: {title}. Choose another name.")
        self._ephemeral.add(title)

    def _missing(self, title: str, where: Node) -> Sql:
        """Return what a missing field means: any event may lack any field, but the fields of stats are known."""
        if self._has_stats:
            there = ", ".join(self._columns)
            raise error_at(where, f"After stats there is no field {title}, only {there}.")
        hint = did_you_mean(title, self._columns)
        cased = " Upper and lower case matter in names." if hint.lower() == f" did you mean {title.lower()}?" else ""
        text, start = self._query.text, where.meta.start_pos
        is_value = not hint and _BEFORE_VALUE.search(text[:start])
        unquoted = quotes_wanted(text, start) if is_value else None
        hint = f" {unquoted.message}" if unquoted else hint
        self._absent.setdefault(title, error_at(where, f"There is no field {title}.{hint}{cased}"))
        return ABSENT

    def _misplaced(self, title: str, where: Node) -> Sql:
        if title in self._columns:
            raise error_at(where, f"In stats, {title} stands in an aggregate such as max({title}), or after by.")
        return self._missing(title, where)

    def _new(self, wanted: str) -> str:
        """Return the wanted name of a column, or a similar one that is not taken in SQL, which ignores case."""
        number = 1
        free = wanted or "~"
        while free.lower() in self._taken:
            number += 1
            free = f"{wanted}~{number}"
        self._taken.add(free.lower())
        return free

    # --- SQL ---

    def _apply_limit(self) -> None:
        """Make a step of the limit before another command changes the rows or their order."""
        most, self._most = self._most, None
        if most:
            self._step("*", f"ORDER BY {self._ordering()} LIMIT {most}")

    def _step(self, select: str, rest: str = "") -> None:
        self._apply_limit()
        self._steps.append(
            "\n  ".join(filter(None, (f"SELECT {select}", f"FROM {self._from(len(self._steps))}", rest)))
        )
        if not self._narrowed:
            self._matched = len(self._steps)

    def _from(self, steps: int) -> str:
        return f"step_{steps}" if steps else "events"

    def _ordering(self) -> str:
        return ", ".join(dict.fromkeys([*self._sorted, *self._ties])) or "1"

    def _shown(self) -> list[str]:
        own: list[str] = [each for each in ("@timestamp", "@message") if each in self._columns]
        default = own or list(self._columns)
        shown = self._chosen if self._chosen is not None else [*(self._shown_fields or default), *self._extracted]
        pointer = ["@ptr"] if "@ptr" in self._columns and not self._has_stats else []
        return list(dict.fromkeys([*shown, *pointer]))


def _sort_key(value: Sql, descending: bool) -> str:
    """Return the SQL of a sort key. Text is in natural order, by the numbers in it."""
    sql = f"natural_key({value.text})" if value.kind == "text" else value.text
    return f"{sql} {'DESC NULLS LAST' if descending else 'ASC NULLS FIRST'}"


def _with(steps: Sequence[str], last: str) -> str:
    parts = [f"step_{place} AS NOT MATERIALIZED ({sql})" for place, sql in enumerate(steps, 1)]
    return "WITH " + ",\n".join(parts) + "\n" + last if steps else last
