"""A query as pandas code, where pandas says the same; where it does not, an error that says so.

Left out: parse, sorting and comparing by the numbers in a text, and the rarer functions. The code gives the rows of
query() in its order, from a table whose columns are backed by Arrow.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import cast

from lark import Token

from labkit.insights.compiler import DEFAULT_LIMIT, compile
from labkit.insights.nodes import Node, field_name
from labkit.insights.pandas_code import NotInPandas, PandasCode, quoted
from labkit.insights.parser import parse
from labkit.insights.values import Kind

__all__ = ["NotInPandas", "as_pandas"]


def as_pandas(
    text: str, columns: Mapping[str, Kind], table: str = "table", names: Mapping[str, str] | None = None
) -> str:
    """A query as pandas code that makes `answer` of a table.

    Parameters: `text` of the query; `columns`, the kind of each field; `table`, the DataFrame's name; `names`, for each
    field that has another name in the table that name. Raises QueryError, and NotInPandas where pandas would answer
    something else.

    >>> print(as_pandas("stats sum(bytes) as b by srcAddr | sort b desc", {"bytes": "integer", "srcAddr": "text"}))
    events = table
    groups = events.groupby(["srcAddr"], dropna=False)
    events = pd.DataFrame({
        "b": groups["bytes"].sum(min_count=1),
    }).reset_index().dropna(how="all")
    events = events.sort_values("b", ascending=False, na_position="last", kind="stable")
    answer = events.head(10000).reset_index(drop=True)
    """
    compiled = compile(text, columns)
    commands = cast("list[Node]", parse(text).children)
    for command in commands:
        if not hasattr(_Translator, f"_do_{command.data}"):
            raise NotInPandas(f"labkit does not translate {str(command.data).partition('_')[0]} into pandas.")
    if compiled.absent:
        raise NotInPandas(f"The table lacks a field of the query. {compiled.absent[0]}")
    return _Translator(text, columns).run(commands, table, names or {})


class _Translator(PandasCode):
    """Writes a step for each command of one query. `_kinds` are the columns there are, `_used` those of the table."""

    def __init__(self, text: str, columns: Mapping[str, Kind]) -> None:
        super().__init__(text, columns)
        self._steps: list[str] = []
        self._shown: list[str] = []
        self._chosen: list[str] | None = None
        self._keys: list[tuple[str, bool]] | None = []  # None: the rows are in order
        self._most: int | None = None
        self._grouped = False

    def run(self, commands: Sequence[Node], table: str, names: Mapping[str, str]) -> str:
        for command in commands:
            getattr(self, f"_do_{command.data}")(command)
        self._sort_now()
        if self._chosen is None and not self._shown:
            self._shown = [each for each in ("@timestamp", "@message") if each in self.kinds] or list(self.kinds)
        chosen = list(dict.fromkeys(self._chosen or self._shown))
        self.use(chosen)
        shown = "" if self._grouped and chosen == list(self.kinds) else f"[[{quoted(chosen)}]]"
        renamed = ", ".join(f'"{names[each]}": "{each}"' for each in self.used if names.get(each, each) != each)
        first = f"{table}.rename(columns={{{renamed}}})" if renamed else table
        last = f"answer = events{shown}.head({self._most or DEFAULT_LIMIT}).reset_index(drop=True)"
        return "\n".join([f"{self.helper}events = {first}", *self._steps, last])

    # --- commands

    def _do_fields(self, command: Node) -> None:
        self._shown += self._items(command)

    def _do_display(self, command: Node) -> None:
        self._chosen = self._items(command)

    def _items(self, command: Node) -> list[str]:
        titles = []
        for item in cast("list[Node]", command.children):
            expression, title = self.item(item)
            if len(item.children) > 1 or title not in self.kinds:
                self._cut()
                value = self.code(expression)
                self._steps.append(f"events = events.assign(**{{{quoted([title])}: {value.text}}})")
                self.kinds[title] = value.kind
                self.own.discard(title)
            titles.append(title)
        return titles

    def _do_filter(self, command: Node) -> None:
        self._cut()
        self._steps.append(f"events = events[{self.condition(cast(Node, command.children[0]))}]")

    def _do_stats(self, command: Node) -> None:
        self._cut()
        aggregates, *by = cast("list[Node]", command.children)
        kinds: dict[str, Kind] = {}
        keys = []
        for expression, title in (self.item(item) for items in by for item in cast("list[Node]", items.children)):
            value = self.code(expression)
            plain = expression.data == "field" and field_name(expression) == title
            keys.append(f'"{title}"' if plain else f'{value.text}.rename("{title}")')
            kinds[title] = value.kind
        if keys:
            self._steps.append(f"groups = events.groupby([{', '.join(keys)}], dropna=False)")
        made = []
        for expression, title in map(self.item, cast("list[Node]", aggregates.children)):
            if title not in kinds:
                value = self.aggregate(expression, "groups" if keys else "events")
                made.append(f'    "{title}": {value.text},' if keys else f'    "{title}": [{value.text}],')
                kinds[title] = value.kind
        end = '}).reset_index().dropna(how="all")' if keys else "})"
        self._steps += ["events = pd.DataFrame({", *made, end]
        self.kinds, self.own, self._grouped = kinds, set(), True
        self._shown, self._chosen, self._keys = list(kinds), None, []

    def _do_sort(self, command: Node) -> None:
        self._cut()
        self._keys = []
        for key in cast("list[Node]", command.children):
            name = self.source(cast(Node, key.children[0])).strip("`")
            if name not in self.kinds or self.kinds[name] == "text":
                raise NotInPandas(f"labkit does not translate sort {name}: texts sort by the numbers in them there.")
            self._keys.append((name, len(key.children) == 2 and str(key.children[1]).lower() == "desc"))

    def _do_limit(self, command: Node) -> None:
        self._most = min(int(cast(Token, command.children[0])), self._most or DEFAULT_LIMIT * 10)

    def _do_dedup(self, command: Node) -> None:
        self._cut()
        self._sort_now()
        names = [field_name(each) for each in cast("list[Node]", command.children)]
        self.use(names)
        keys = f"[{quoted(names)}]"
        self._steps.append(f"events = events[~events.duplicated({keys}) | events[{keys}].isna().any(axis=1)]")

    def _cut(self) -> None:
        """Carry out the limit before another command."""
        if self._most:
            self._sort_now()
            self._steps.append(f"events = events.head({self._most})")
            self._most = None

    def _sort_now(self) -> None:
        """Events are newest first and groups in the order of their keys, as far as the sort keys leave that open."""
        if self._keys is None:
            return
        keys, self._keys = self._keys, None
        if "@timestamp" in self.kinds and not self._grouped and "@timestamp" not in dict(keys):
            keys = [*keys, ("@timestamp", True)]
        self.use(name for name, _ in keys)
        for name, downwards in reversed(keys):
            order = 'ascending=False, na_position="last"' if downwards else 'na_position="first"'
            self._steps.append(f'events = events.sort_values({quoted([name])}, {order}, kind="stable")')
