"""From a query to SQL: one common table expression for each command, in the order in which they stand.

What AWS doesn't document about commands is chosen here:
- `sort` goes upwards unless it says desc; an absent value comes first upwards and last downwards;
- events are newest first unless sorted, and those that `sort` finds equal stay so; groups are in the order of their
  keys;
- the fields that `parse` makes are shown after those of `fields`, and `display` alone chooses
  (https://gist.github.com/vatshat/7d401a9194d4e1b159bd8894035b6b5f);
- an event without a value for a `by` field is in a group of its own, without that field;
- the smaller of the query's limit and the caller's counts.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import cast

from lark import Token

from labkit.errors import QueryError
from labkit.insights import extraction, values
from labkit.insights.compiled import Compiled, Field
from labkit.insights.errors import did_you_mean
from labkit.insights.expressions import Expressions, Scope
from labkit.insights.functions import Context
from labkit.insights.names import sql_names, untaken
from labkit.insights.nodes import Node, field_name, malformed
from labkit.insights.order import MOST_ROWS, check_order, sort_key, source_options
from labkit.insights.parser import parse
from labkit.insights.values import ABSENT, Kind, Sql, name

DEFAULT_LIMIT = 10_000
"""https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/CWL_QuerySyntax-Limit.html"""

#: A limit after dedup that is worth a look at the first rows only, and how many those are.
_FEW, _FIRST = 1000, 10_000


def compile(text: str, columns: Mapping[str, Kind], *, now: float | None = None, limit: int | None = None) -> Compiled:
    """Compile a query for a table.

    Parameters: `text` of the query; `columns`, the kind of each of the table's columns; `now`, what now() gives, in
    epoch seconds; `limit`, the most rows to answer, 1 to 100,000. Raises QueryError.

    >>> compile("filter bytes > 100 | stats count(*) as n by action", {"bytes": "integer", "action": "text"}).fields
    (Field(name='action', kind='text'), Field(name='n', kind='integer'))
    """
    if "\0" in text or any(0xD800 <= ord(each) < 0xE000 for each in text):
        raise QueryError("The query holds a character that isn't text.", 0, len(text))
    return _Compiler(text, columns, time.time() if now is None else now).run(parse(text), limit)


class _Compiler:
    """Walks the commands of one query, and knows at each which fields there are and in which order rows stand."""

    def __init__(self, text: str, columns: Mapping[str, Kind], now: float) -> None:
        self._text = text
        self._now = now
        names = sql_names(columns)
        self._taken = {each.lower() for each in names.values()}
        self._columns = {each: Sql(name(names[each]), kind) for each, kind in columns.items()}
        self._row = self._new("row")
        self._steps: list[str] = []
        self._stats_done = 0
        self._matched = 0
        self._deduplicated: tuple[int, str, str] | None = None
        self._narrowed = False
        self._shown_fields: list[str] = []
        self._parsed: list[str] = []
        self._chosen: list[str] | None = None
        self._ephemeral: set[str] = set()
        self._sorted: list[str] = []
        self._ties = [sort_key(self._columns["@timestamp"], True)] if "@timestamp" in columns else []
        self._ties.append(name(self._row))
        self._most: int | None = None
        self._absent: dict[str, QueryError] = {}
        self._notes: dict[str, None] = {}
        self._options: Mapping[str, tuple[str, ...]] | None = None

    def run(self, tree: Node, limit: int | None) -> Compiled:
        commands = cast("list[Node]", tree.children)
        check_order(commands)
        for command in commands:
            getattr(self, f"_{command.data}")(command)
        most = min(limit or MOST_ROWS, self._most or (MOST_ROWS if limit else DEFAULT_LIMIT))
        shown = self._shown()
        columns = [self._columns.get(each, ABSENT) for each in shown]
        steps = len(self._steps)
        select = f"SELECT {', '.join(column.text for column in columns)}\nFROM {self._from(steps)}"
        last = f"{select}\nORDER BY {self._ordering()}\nLIMIT {most}"
        return Compiled(
            self._with(self._steps, last),
            tuple(Field(each, column.kind) for each, column in zip(shown, columns, strict=True)),
            self._with(self._steps[: self._matched], f"SELECT count(*) FROM {self._from(self._matched)}"),
            self._first(most, last),
            None if self._stats_done else self._row,
            tuple(self._absent.values()),
            self._options,
            tuple(self._notes),
        )

    def _first(self, most: int, last: str) -> tuple[str, int] | None:
        """A quicker way to the first few rows after dedup: look at the first rows before it. Their number is given too:
        where fewer come out, the quicker way has not seen enough.
        """
        if self._deduplicated is None or most > _FEW:
            return None
        place, test, ordering = self._deduplicated
        first = f"SELECT * FROM (FROM {self._from(place - 1)} ORDER BY {ordering} LIMIT {_FIRST}) QUALIFY {test}"
        return self._with([*self._steps[: place - 1], first, *self._steps[place:]], last), most

    # --- one method for each command ---

    def _source(self, command: Node) -> None:
        self._options = source_options(command)

    def _fields(self, command: Node) -> None:
        self._shown_fields += self._items(command, choosing=False)

    def _display(self, command: Node) -> None:
        self._chosen = self._items(command, choosing=True)

    def _items(self, command: Node, *, choosing: bool) -> list[str]:
        """The names of the items of `fields` or `display`; those that are more than a field are computed."""
        shown: list[str] = []
        computed: list[str] = []
        for item in cast("list[Node]", command.children):
            expression, alias, title = self._item(item)
            if expression.data == "field" and alias is None:
                if title in self._ephemeral and not choosing:
                    raise malformed(
                        f"Ephemeral field is already defined: {title}. fields would define it again; it is shown as it "
                        "is, and display chooses what is shown.",
                        expression,
                    )
                if title not in self._columns:
                    self._missing(title, expression)
            elif alias is not None or title not in self._columns:
                value = self._expressions().compile(expression)
                computed.append(f"{value.text} AS {self._define(title, value.kind, alias)}")
            shown.append(title)
        if computed:
            self._step(f"*, {', '.join(computed)}")
        return shown

    def _filter(self, command: Node) -> None:
        condition = self._expressions().condition(cast(Node, command.children[0]))
        self._step("*", f"WHERE {condition}")

    def _parse_glob(self, command: Node) -> None:
        self._extract(command, extraction.by_glob(command))

    def _parse_regex(self, command: Node) -> None:
        self._extract(command, extraction.by_regex(command))

    def _extract(self, command: Node, found: extraction.Extraction) -> None:
        column = self._columns.get(found.subject) or self._missing(found.subject, command)
        made = name(self._new("parsed"))
        self._step(f"*, {found.sql(values.text(column))} AS {made}")
        for alias, where, value in found.fields:
            self._define(alias, "text", where)
            self._columns[alias] = Sql(value.format(made), "text")
            self._parsed.append(alias)

    def _stats(self, command: Node) -> None:
        self._narrowed = True
        aggregates, *by = cast("list[Node]", command.children)
        outer: dict[str, Sql] = {}
        made: list[str] = []
        keys = 0
        for items in (*by, aggregates):
            for item in cast("list[Node]", items.children):
                expression, alias, title = self._item(item)
                if alias is None and title in outer:
                    continue
                scope = Scope(outer, self._misplaced)
                expressions = self._expressions(scope) if items is aggregates else self._expressions()
                value = expressions.compile(expression)
                plain = expression.data == "field" and alias is None and value.text.endswith('"')
                column = value.text if plain else name(self._new(title))
                if alias is not None:
                    self._check_new(title, alias)
                    self._ephemeral.add(title)
                made.append(f"{value.text} AS {column}")
                outer[title] = Sql(column, value.kind)
            keys = keys or len(made) if items is not aggregates else keys
        # A group of events that have neither the keys nor the values would be a row of nothing.
        nothing = " AND ".join(f"{each.text} IS NULL" for each in outer.values())
        grouping = f"GROUP BY {', '.join(map(str, range(1, keys + 1)))} HAVING NOT ({nothing})"
        self._step(", ".join(made), grouping if keys else "")
        self._columns = outer
        self._shown_fields, self._parsed, self._chosen = list(outer), [], None
        self._sorted = []
        self._ties = [each.text for each in list(outer.values())[:keys]]
        self._stats_done += 1

    def _sort(self, command: Node) -> None:
        self._cut()
        self._sorted = []
        for key in cast("list[Node]", command.children):
            expression = cast(Node, key.children[0])
            downwards = len(key.children) == 2 and str(key.children[1]).lower() == "desc"
            value = self._expressions().compile(expression)
            # A constant orders nothing, and to SQL a number here would mean a column.
            if value.literal is None:
                self._sorted.append(sort_key(value, downwards))

    def _limit(self, command: Node) -> None:
        self._narrowed = True
        written = cast(Token, command.children[0])
        if not written.isdigit() or not 1 <= int(written[:9]) <= MOST_ROWS or len(written) > 9:
            raise malformed(f"limit takes a whole number from 1 to {MOST_ROWS:,}.", written)
        self._most = min(int(written), self._most or MOST_ROWS)

    def _dedup(self, command: Node) -> None:
        self._narrowed = True
        keys = [self._expressions().compile(each).text for each in cast("list[Node]", command.children)]
        absent = " OR ".join(f"{key} IS NULL" for key in keys)
        first = f"row_number() OVER (PARTITION BY {', '.join(keys)} ORDER BY {self._ordering()}) = 1"
        self._step("*", f"QUALIFY {absent} OR {first}")
        self._deduplicated = len(self._steps), f"{absent} OR {first}", self._ordering()

    # --- names ---

    def _expressions(self, stats: Scope | None = None) -> Expressions:
        """What compiles expressions here; within stats, `stats` is the scope outside of its aggregates."""
        timestamp = self._columns.get("@timestamp") if not self._stats_done else None
        raw = Scope(self._columns, self._missing)
        context = Context(self._now, timestamp)
        return Expressions(self._text, stats or raw, context, self._note, raw if stats else None)

    def _item(self, item: Node) -> tuple[Node, Node | None, str]:
        """An item's expression, its alias if it has one, and the name of its column."""
        expression, *alias = cast("list[Node]", item.children)
        if alias:
            return expression, alias[0], field_name(alias[0])
        if expression.data == "field":
            return expression, None, field_name(expression)
        return expression, None, self._text[item.meta.start_pos : item.meta.end_pos]

    def _define(self, title: str, kind: Kind, alias: Node | Token | None) -> str:
        """Make a new column, and give its name in SQL."""
        if alias is not None:
            self._check_new(title, alias)
            self._ephemeral.add(title)
        column = name(self._new(title))
        self._columns[title] = Sql(column, kind)
        return column

    def _check_new(self, title: str, alias: Node | Token) -> None:
        """AWS refuses a second field of the same name: https://github.com/trade-tariff/trade-tariff-backend/pull/3464"""
        if title in self._ephemeral or (title in self._shown_fields and not self._stats_done):
            raise malformed(f"Ephemeral field is already defined: {title}. Choose another name.", alias)

    def _missing(self, title: str, where: Node) -> Sql:
        """What a field stands for that isn't there: an event may lack any field, but what stats makes is known."""
        if self._stats_done:
            there = ", ".join(self._columns)
            raise malformed(f"After stats there is no field {title}, only {there}.", where)
        hint = did_you_mean(title, self._columns)
        cased = " Upper and lower case matter in names." if hint.lower() == f" did you mean {title.lower()}?" else ""
        self._absent.setdefault(title, malformed(f"There is no field {title}.{hint}{cased}", where))
        return ABSENT

    def _misplaced(self, title: str, where: Node) -> Sql:
        if title in self._columns:
            message = f"In stats, {title} stands in an aggregate such as max({title}), or after by."
            raise malformed(message, where)
        return self._missing(title, where)

    def _new(self, wanted: str) -> str:
        return untaken(wanted, self._taken)

    def _note(self, sentence: str) -> None:
        self._notes[sentence] = None

    # --- SQL ---

    def _cut(self) -> None:
        """Carry out the limit before another command."""
        most, self._most = self._most, None
        if most:
            self._step("*", f"ORDER BY {self._ordering()} LIMIT {most}")

    def _step(self, select: str, rest: str = "") -> None:
        self._cut()
        self._steps.append(f"SELECT {select} FROM {self._from(len(self._steps))} {rest}".rstrip())
        if not self._narrowed:
            self._matched = len(self._steps)

    def _from(self, steps: int) -> str:
        return f"step_{steps}" if steps else "events"

    def _with(self, steps: Sequence[str], last: str) -> str:
        parts = [f"step_{place} AS NOT MATERIALIZED ({sql})" for place, sql in enumerate(steps, 1)]
        return "WITH " + ",\n".join(parts) + "\n" + last if steps else last

    def _ordering(self) -> str:
        return ", ".join(dict.fromkeys([*self._sorted, *self._ties])) or "1"

    def _shown(self) -> list[str]:
        own: list[str] = [each for each in ("@timestamp", "@message") if each in self._columns]
        default = own or list(self._columns)
        shown = self._chosen if self._chosen is not None else [*(self._shown_fields or default), *self._parsed]
        pointer = ["@ptr"] if "@ptr" in self._columns and not self._stats_done else []
        return list(dict.fromkeys([*shown, *pointer]))
