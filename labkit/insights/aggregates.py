"""The functions of stats, and the SQL that each becomes.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/CWL_QuerySyntax-Stats.html#CWL_QuerySyntax-stats-functions
"""

from __future__ import annotations

from collections.abc import Callable

from labkit.insights.functions import Args, Context, Function, constant, given, numeric
from labkit.insights.values import Sql, Unfit, as_float, double, number

AGGREGATES: dict[str, Function] = {}


def _count(args: Args, _: Context) -> Sql:
    return given("integer", f"count({args[0].text if args else '*'})")


def _sum(args: Args, _: Context) -> Sql:
    if args[0].kind in ("integer", "bool"):
        return given("integer", f"CAST(sum({number(args[0])}) AS BIGINT)")
    return given("number", f"sum({double(args[0])})")


def _end(function: str) -> Callable[[Args, Context], Sql]:
    """min or max: of text that looks like numbers, the numbers'."""

    def build(args: Args, _: Context) -> Sql:
        value = args[0]
        if value.kind != "text":
            return given(value.kind, f"{function}({value.text})")
        return given("text", f"coalesce(number_text({function}({number(value)})), {function}({value.text}))")

    return build


def _sorted_end(function: str) -> Callable[[Args, Context], Sql]:
    """sortsFirst or sortsLast: the value at one end of the natural order."""

    def build(args: Args, context: Context) -> Sql:
        value = args[0]
        if value.kind != "text":
            return _end(function)(args, context)
        return given("text", f"arg_{function}({value.text}, natural_key({value.text}))")

    return build


def _dated(function: str) -> Callable[[Args, Context], Sql]:
    """earliest or latest: of events at the same moment, the value that is first or last by itself."""

    def build(args: Args, context: Context) -> Sql:
        if context.timestamp is None:
            raise Unfit("This looks for the value with the first or last @timestamp, and there is none here.")
        value = args[0]
        return given(value.kind, f"arg_{function}({value.text}, row({context.timestamp.text}, {value.text}))")

    return build


def _pct(args: Args, _: Context) -> Sql:
    percent = as_float(constant(args[1], "a percentage from 0 to 100, such as 95"))
    if percent is None or not 0 <= percent <= 100:
        raise Unfit("pct() takes a percentage from 0 to 100, such as pct(bytes, 95).")
    return given("number", f"quantile_cont({number(args[0])}, {percent / 100!r})")


for _name, _least, _most, _build in (
    ("avg", 1, 1, lambda args, _: given("number", f"avg({number(args[0])})")),
    ("count", 0, 1, _count),
    ("count_distinct", 1, 1, lambda args, _: given("integer", f"count(DISTINCT {args[0].text})")),
    ("max", 1, 1, _end("max")),
    ("min", 1, 1, _end("min")),
    ("pct", 2, 2, _pct),
    ("stddev", 1, 1, numeric("stddev_samp({x})")),
    ("sum", 1, 1, _sum),
    ("median", 1, 1, lambda args, _: given("number", f"quantile_cont({number(args[0])}, 0.5)")),
    ("earliest", 1, 1, _dated("min")),
    ("latest", 1, 1, _dated("max")),
    ("sortsFirst", 1, 1, _sorted_end("min")),
    ("sortsLast", 1, 1, _sorted_end("max")),
):
    AGGREGATES[_name.lower()] = Function(_name, _least, _most, _build)
