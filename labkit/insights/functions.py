"""The functions of the language, with those of `stats`, and the SQL of each.

`expressions` looks them up by name and gives them the SQL of their arguments.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/CWL_QuerySyntax-operations-functions.html
https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/CWL_QuerySyntax-Stats.html#CWL_QuerySyntax-stats-functions
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from ipaddress import IPv4Network, ip_network

from labkit.insights import periods, query_errors
from labkit.insights.parser import Node
from labkit.insights.patterns import Regexes
from labkit.insights.values import Sql, Unfit, ValueKind, alike, as_float, condition, double, number, text, time

UNSUPPORTED = query_errors.UNSUPPORTED["functions"]

#: How many bytes of text the functions of a query may make together for each event.
_MOST_TEXT = 32_768

TOO_LONG = "a text that a function makes has more than"
"""With what the reason begins for which such a query fails."""

#: The functions whose text can be longer than any of their arguments.
_GROWING = ("concat", "replace")

#: A column or a constant.
_SHORT = re.compile(r"""CAST\(NULL AS VARCHAR\)|"[^"]*"|'[^']*'""")

Args = Sequence[Sql]


@dataclass(frozen=True, slots=True)
class Context:
    """What a function can ask about the query.

    Attributes:
        now: When the query started, in epoch seconds.
        timestamp: The column @timestamp; None where there is none.
        regexes: The regular expressions of the query so far.
        longest: How long a text may be that a function makes, in bytes.
        named: Makes a column of a value, so that SQL can use the value more than once; None where there can be none.
    """

    now: float
    timestamp: Sql | None
    regexes: Regexes
    longest: int
    named: Callable[[str], str] | None


def longest_text(commands: Iterable[Node]) -> int:
    """Return how long a text may be that a function makes, in bytes: the fewer such texts, the longer."""
    called = (str(call.children[0]).lower() for command in commands for call in command.find_data("call"))
    return _MOST_TEXT // max(1, sum(name in _GROWING for name in called))


Build = Callable[[Args, Context], Sql]


@dataclass(frozen=True, slots=True)
class Function:
    """A function of the language.

    Attributes:
        name: Its name as AWS writes it; case does not matter.
        least: The smallest number of arguments.
        most: The largest number of arguments; None for any number.
        build: Makes the SQL of a call; raises Unfit where the arguments do not fit.
    """

    name: str
    least: int
    most: int | None
    build: Build


def _constant(value: Sql, what: str) -> str:
    if value.literal is None:
        raise Unfit(f"This needs {what}.")
    return value.literal


# --- numbers ---


def _numeric(template: str) -> Build:
    """Return SQL in which {x} is the argument as a number."""
    return lambda args, _: Sql(template.format(x=double(args[0])), "number")


def _rounded(args: Args, _: Context) -> Sql:
    digits = f", CAST(least(greatest({double(args[1])}, -15), 15) AS INTEGER)" if len(args) == 2 else ""
    return Sql(f"round({double(args[0])}{digits})", "number")


def _extreme(function: str, args: Args, _: Context) -> Sql:
    return Sql(f"{function}({', '.join(map(double, args))})", "number")


# --- times ---


def _rounded_time(rounded: Callable[[str, str], str], args: Args, _: Context) -> Sql:
    return Sql(rounded(time(args[0]), _constant(args[1], "a period such as 5m")), "time")


def _bin(args: Args, context: Context) -> Sql:
    if context.timestamp is None:
        raise Unfit(
            "bin() rounds @timestamp, and there is none here: in stats, bin stands after by. "
            "datefloor(field, 5m) rounds any time."
        )
    return _rounded_time(periods.floor, [context.timestamp, *args], context)


# --- any kind ---


def _coalesce(args: Args, _: Context) -> Sql:
    values, kind = alike(list(args))
    return Sql(f"coalesce({', '.join(values)})", kind)


def _case(args: Args, _: Context) -> Sql:
    if len(args) > 21:
        raise Unfit("case() takes at most 10 conditions.")
    default = [args[-1]] if len(args) % 2 else []
    values, kind = alike([*args[1::2], *default])
    whens = " ".join(f"WHEN {condition(when)} THEN {then}" for when, then in zip(args[0:-1:2], values, strict=False))
    return Sql(f"CASE {whens} {f'ELSE {values[-1]}' if default else ''} END", kind)


# --- addresses ---


def _in_subnet(versions: Sequence[int], args: Args, _: Context) -> Sql:
    written = _constant(args[1], 'a subnet in quotes, such as "10.1.0.0/16"')
    try:
        network = ip_network(written, strict=False)
    except ValueError:
        raise Unfit(f'{written!r} isn\'t a subnet. Write one such as "10.1.0.0/16".') from None
    if network.version not in versions:
        raise Unfit(f"{written!r} isn't an IPv{versions[0]} subnet. isIpInSubnet takes either kind.")
    value = text(args[0])
    if isinstance(network, IPv4Network):
        return Sql(_in_ipv4(value, network), "bool")
    digits = f"{int(network.network_address):032x}"
    whole, bits = divmod(network.prefixlen, 4)
    tests = [f"starts_with(ipv6_digits({value}), '{digits[:whole]}')"]
    if bits:
        first = int(digits[whole], 16)
        nibbles = ", ".join(f"'{first + each:x}'" for each in range(2 ** (4 - bits)))
        tests.append(f"substr(ipv6_digits({value}), {whole + 1}, 1) IN ({nibbles})")
    return Sql(f"coalesce({' AND '.join(tests)}, false)", "bool")


def _in_ipv4(value: str, network: IPv4Network) -> str:
    """Test the text of an address: its whole octets are a prefix, and the octet that the mask cuts is in a list.

    DuckDB compares the prefix of a regular expression first, so most other addresses never reach it.
    """
    octets = str(network.network_address).split(".")
    whole, bits = divmod(network.prefixlen, 8)
    wanted = octets[:whole]
    if bits:
        low = int(octets[whole])
        wanted.append(f"(?:{'|'.join(map(str, range(low, low + 2 ** (8 - bits))))})")
    begin = "".join(rf"{octet}\." for octet in wanted)
    pattern = f"'{begin}' || ipv4_octets({4 - len(wanted)})" if len(wanted) < 4 else f"'{begin[:-2]}'"
    return f"({value} IS NOT NULL AND regexp_full_match({value}, {pattern}))"


# --- texts ---


def _textual(template: str, kind: ValueKind = "text") -> Build:
    """Return SQL in which {a}, {b} and {c} are the arguments as text."""
    return lambda args, _: Sql(template.format(**dict(zip("abc", map(text, args), strict=False))), kind)


def _concat(args: Args, context: Context) -> Sql:
    parts = _once(args, context)
    size = " + ".join(f"coalesce(strlen({each}), 0)" for each in parts)
    return _grown(f"concat({', '.join(parts)})", size, parts[0], context)


def _replace(args: Args, context: Context) -> Sql:
    a, b, c = _once(args, context)
    # At most so many places are replaced, and what is found there goes.
    size = f"strlen({a}) + strlen({a}) // greatest(strlen({b}), 1) * greatest(strlen({c}) - strlen({b}), 0)"
    return _grown(f"replace({a}, {b}, {c})", size, a, context)


def _once(args: Args, context: Context) -> list[str]:
    """Return the arguments as text, each short SQL."""
    return [
        each if context.named is None or _SHORT.fullmatch(each) else context.named(each) for each in map(text, args)
    ]


def _grown(sql: str, size: str, part: str, context: Context) -> Sql:
    """Return a text that is made only if it is not too long; otherwise the query fails.

    DuckDB counts no memory that the values of a single step take.
    """
    # To DuckDB, error() has side effects, which not every place may have. A conversion has none.
    failing = (
        f"CAST(CAST('{TOO_LONG} {context.longest:,} bytes' || coalesce(left({part}, 0), '') AS BIGINT) AS VARCHAR)"
    )
    return Sql(f"CASE WHEN {size} > {context.longest} THEN {failing} ELSE {sql} END", "text")


def _trim(function: str, args: Args, _: Context) -> Sql:
    blanks = "chr(32) || chr(9) || chr(10) || chr(11) || chr(12) || chr(13)"
    return Sql(f"{function}({text(args[0])}, {text(args[1]) if len(args) == 2 else blanks})", "text")


def _substr(args: Args, _: Context) -> Sql:
    start, *length = (f"CAST(least(greatest({double(each)}, 0), 1e9) AS BIGINT)" for each in args[1:])
    return Sql(f"substr({', '.join([text(args[0]), f'{start} + 1', *length])})", "text")


def _strcontains(args: Args, _: Context) -> Sql:
    a, b = text(args[0]), text(args[1])
    found = f"contains({a}, {b})"
    if len(args) == 3:
        found = f"CASE WHEN {condition(args[2])} THEN contains(lower({a}), lower({b})) ELSE {found} END"
    return Sql(f"coalesce({found}, false)", "bool")


# --- stats ---


def _sum(args: Args, _: Context) -> Sql:
    if args[0].kind in ("integer", "bool"):
        return Sql(f"CAST(sum({number(args[0])}) AS BIGINT)", "integer")
    return Sql(f"sum({double(args[0])})", "number")


def _end(function: str, args: Args, _: Context) -> Sql:
    """Return the smallest or largest value; of texts that look like numbers, by the numbers."""
    value = args[0]
    if value.kind != "text":
        return Sql(f"{function}({value.text})", value.kind)
    return Sql(f"coalesce(number_text({function}({number(value)})), {function}({value.text}))", "text")


def _sorted_end(function: str, args: Args, context: Context) -> Sql:
    """Return the first or last value in natural order."""
    value = args[0]
    if value.kind != "text":
        return _end(function, args, context)
    return Sql(f"arg_{function}({value.text}, natural_key({value.text}))", "text")


def _dated(function: str, args: Args, context: Context) -> Sql:
    """Return the value of the earliest or latest event; of events at the same moment, the smallest or largest value."""
    if context.timestamp is None:
        raise Unfit("This looks for the value with the first or last @timestamp, and there is none here.")
    value = args[0]
    return Sql(f"arg_{function}({value.text}, row({context.timestamp.text}, {value.text}))", value.kind)


def _pct(args: Args, _: Context) -> Sql:
    percent = as_float(_constant(args[1], "a percentage from 0 to 100, such as 95"))
    if percent is None or not 0 <= percent <= 100:
        raise Unfit("pct() takes a percentage from 0 to 100, such as pct(bytes, 95).")
    return Sql(f"quantile_cont({number(args[0])}, {percent / 100!r})", "number")


def _by_name(*functions: tuple[str, int, int | None, Build]) -> dict[str, Function]:
    return {name.lower(): Function(name, least, most, build) for name, least, most, build in functions}


FUNCTIONS = _by_name(
    ("abs", 1, 1, _numeric("abs({x})")),
    ("ceil", 1, 1, _numeric("ceil({x})")),
    ("floor", 1, 1, _numeric("floor({x})")),
    ("greatest", 1, None, partial(_extreme, "greatest")),
    ("least", 1, None, partial(_extreme, "least")),
    ("log", 1, 1, _numeric("CASE WHEN {x} > 0 THEN ln({x}) END")),
    ("sqrt", 1, 1, _numeric("CASE WHEN {x} >= 0 THEN sqrt({x}) END")),
    ("round", 1, 2, _rounded),
    ("bin", 1, 1, _bin),
    ("datefloor", 2, 2, partial(_rounded_time, periods.floor)),
    ("dateceil", 2, 2, partial(_rounded_time, periods.ceil)),
    ("fromMillis", 1, 1, lambda args, _: Sql(f"from_millis({double(args[0])})", "time")),
    ("toMillis", 1, 1, lambda args, _: Sql(f"epoch_ms({time(args[0])})", "integer")),
    ("now", 0, 0, lambda _, context: Sql(str(int(context.now)), "integer", str(int(context.now)))),
    ("ispresent", 1, 1, lambda args, _: Sql(f"({args[0].text} IS NOT NULL)", "bool")),
    ("coalesce", 1, None, _coalesce),
    ("if", 3, 3, _case),
    ("case", 2, None, _case),
    ("isValidIp", 1, 1, _textual("(is_ipv4({a}) OR ipv6_digits({a}) IS NOT NULL)", "bool")),
    ("isValidIpV4", 1, 1, _textual("is_ipv4({a})", "bool")),
    ("isValidIpV6", 1, 1, _textual("(ipv6_digits({a}) IS NOT NULL)", "bool")),
    ("isIpInSubnet", 2, 2, partial(_in_subnet, (4, 6))),
    ("isIpv4InSubnet", 2, 2, partial(_in_subnet, (4,))),
    ("isIpv6InSubnet", 2, 2, partial(_in_subnet, (6,))),
    ("isempty", 1, 1, _textual("(coalesce({a}, '') = '')", "bool")),
    ("isblank", 1, 1, _textual("regexp_full_match(coalesce({a}, ''), '\\s*')", "bool")),
    ("concat", 1, None, _concat),
    ("ltrim", 1, 2, partial(_trim, "ltrim")),
    ("rtrim", 1, 2, partial(_trim, "rtrim")),
    ("trim", 1, 2, partial(_trim, "trim")),
    ("strlen", 1, 1, _textual("length({a})", "integer")),
    ("toupper", 1, 1, _textual("upper({a})")),
    ("tolower", 1, 1, _textual("lower({a})")),
    ("substr", 2, 3, _substr),
    ("replace", 3, 3, _replace),
    ("strcontains", 2, 3, _strcontains),
    ("startsWith", 2, 2, _textual("coalesce(starts_with({a}, {b}), false)", "bool")),
    ("endsWith", 2, 2, _textual("coalesce(ends_with({a}, {b}), false)", "bool")),
)
"""The functions of one event, by their names in lower case."""

AGGREGATES = _by_name(
    ("avg", 1, 1, lambda args, _: Sql(f"avg({number(args[0])})", "number")),
    ("count", 0, 1, lambda args, _: Sql(f"count({args[0].text if args else '*'})", "integer")),
    ("count_distinct", 1, 1, lambda args, _: Sql(f"count(DISTINCT {args[0].text})", "integer")),
    ("max", 1, 1, partial(_end, "max")),
    ("min", 1, 1, partial(_end, "min")),
    ("pct", 2, 2, _pct),
    ("stddev", 1, 1, _numeric("stddev_samp({x})")),
    ("sum", 1, 1, _sum),
    ("median", 1, 1, lambda args, _: Sql(f"quantile_cont({number(args[0])}, 0.5)", "number")),
    ("earliest", 1, 1, partial(_dated, "min")),
    ("latest", 1, 1, partial(_dated, "max")),
    ("sortsFirst", 1, 1, partial(_sorted_end, "min")),
    ("sortsLast", 1, 1, partial(_sorted_end, "max")),
)
"""The functions of many events, which only `stats` takes, by their names in lower case."""
