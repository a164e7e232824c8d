"""The functions of the language, and the SQL that each becomes.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/CWL_QuerySyntax-operations-functions.html
https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/CWL_QuerySyntax-Stats.html
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Network, ip_network

from labkit.insights import periods
from labkit.insights.values import Kind, Sql, Unfit, alike, condition, double, text, time

Args = Sequence[Sql]


@dataclass(frozen=True, slots=True)
class Context:
    """What a function may ask about the query: the time it started, in epoch seconds, and its @timestamp."""

    now: float
    timestamp: Sql | None


@dataclass(frozen=True, slots=True)
class Function:
    """A function of the language: how many arguments it takes (`most` None: any number), and its SQL."""

    name: str
    least: int
    most: int | None
    build: Callable[[Args, Context], Sql]


FUNCTIONS: dict[str, Function] = {}

#: Functions of the language that labkit doesn't have, and what does the same where there is something.
UNSUPPORTED = {
    "regexReplace": "replace does it for plain text.", "isNumeric": "", "messageSize": "strlen counts characters.",
    "queryStartTime": "", "queryEndTime": "", "queryTimeRange": "", "parseDate": "",
    "formatDate": "datefloor and bin round times.", "strftime": "datefloor and bin round times.",
    "jsonParse": "parse takes fields out of a message.", "jsonStringify": "",
    "jsonArraySize": "", "jsonArrayContains": "strcontains looks into the text.", "ipv4ToNumber": "",
    "isPrivateIP": 'isIpInSubnet(srcAddr, "10.0.0.0/8") asks for one range.',
    "isPublicIP": 'not isIpInSubnet(srcAddr, "10.0.0.0/8") excludes one range.', "isReservedIP": "",
    "urlencode": "", "urldecode": "", "base64encode": "", "base64decode": "", "split": "parse cuts text into fields.",
    "hexToAscii": "", "hexToDec": "", "decToHex": "",
    "rate": "count(*) or sum by bin(1m) counts for each minute.", "count_over_time": "count(*) by bin(1m) does it.",
    "sum_over_time": "sum(bytes) by bin(1m) does it.", "histogram": "stats by floor(bytes / 100) counts in steps.",
}  # fmt: skip


def given(kind: Kind, sql: str) -> Sql:
    return Sql(sql, kind)


def constant(value: Sql, what: str) -> str:
    if value.literal is None:
        raise Unfit(f"This needs {what}.")
    return value.literal


# --- numbers ---


def _rounded(args: Args, _: Context) -> Sql:
    digits = f", CAST(least(greatest({double(args[1])}, -15), 15) AS INTEGER)" if len(args) == 2 else ""
    return given("number", f"round({double(args[0])}{digits})")


def _extreme(function: str) -> Callable[[Args, Context], Sql]:
    return lambda args, _: given("number", f"{function}({', '.join(double(each) for each in args)})")


def numeric(template: str) -> Callable[[Args, Context], Sql]:
    return lambda args, _: given("number", template.format(x=double(args[0])))


# --- times ---


def _bin(args: Args, context: Context) -> Sql:
    if context.timestamp is None:
        raise Unfit("bin() rounds @timestamp, and there is none here. datefloor(field, 5m) rounds any time.")
    return _floor([context.timestamp, *args], context)


def _floor(args: Args, _: Context) -> Sql:
    return given("time", periods.floor(time(args[0]), constant(args[1], "a period such as 5m")))


def _ceil(args: Args, _: Context) -> Sql:
    return given("time", periods.ceil(time(args[0]), constant(args[1], "a period such as 5m")))


# --- whatever kind ---


def _coalesce(args: Args, _: Context) -> Sql:
    values, kind = alike(list(args))
    return given(kind, f"coalesce({', '.join(values)})")


def _case(args: Args, _: Context) -> Sql:
    if len(args) > 21:
        raise Unfit("case() takes at most 10 conditions.")
    default = [args[-1]] if len(args) % 2 else []
    values, kind = alike([*args[1::2], *default])
    whens = " ".join(f"WHEN {condition(when)} THEN {then}" for when, then in zip(args[0:-1:2], values, strict=False))
    return given(kind, f"CASE {whens} {f'ELSE {values[-1]}' if default else ''} END")


# --- addresses ---


def _in_subnet(*versions: int) -> Callable[[Args, Context], Sql]:
    def build(args: Args, _: Context) -> Sql:
        written = constant(args[1], 'a subnet in quotes, such as "10.1.0.0/16"')
        try:
            network = ip_network(written, strict=False)
        except ValueError:
            raise Unfit(f'{written!r} isn\'t a subnet. Write one such as "10.1.0.0/16".') from None
        if network.version not in versions:
            raise Unfit(f"{written!r} isn't an IPv{versions[0]} subnet. isIpInSubnet takes either kind.")
        value = text(args[0])
        if isinstance(network, IPv4Network):
            return given("bool", _in_ipv4(value, network))
        digits = f"{int(network.network_address):032x}"
        whole, bits = divmod(network.prefixlen, 4)
        first = int(digits[whole], 16) if bits else 0
        nibbles = ", ".join(f"'{first + each:x}'" for each in range(2 ** (4 - bits))) if bits else ""
        tests = [f"starts_with(ipv6_digits({value}), '{digits[:whole]}')"]
        tests += [f"substr(ipv6_digits({value}), {whole + 1}, 1) IN ({nibbles})"] if bits else []
        return given("bool", f"coalesce({' AND '.join(tests)}, false)")

    return build


def _in_ipv4(value: str, network: IPv4Network) -> str:
    """By the text of the address: its whole octets are a prefix, and the one that the mask cuts is one of some."""
    octets = str(network.network_address).split(".")
    whole, bits = divmod(network.prefixlen, 8)
    wanted = octets[:whole]
    if bits:
        low = int(octets[whole])
        wanted.append(f"(?:{'|'.join(map(str, range(low, low + 2 ** (8 - bits))))})")
    begin = "".join(rf"{octet}\." for octet in wanted)
    pattern = f"'{begin}' || ipv4_octets({4 - len(wanted)})" if len(wanted) < 4 else f"'{begin[:-2]}'"
    test = f"regexp_full_match({value}, {pattern})"
    if whole:
        # What begins otherwise is passed over quickly.
        test = f"starts_with({value}, '{'.'.join(octets[:whole])}{'.' * (whole < 4)}') AND {test}"
    return f"({value} IS NOT NULL AND {test})"


# --- texts ---


def _textual(template: str, kind: Kind = "text") -> Callable[[Args, Context], Sql]:
    """SQL in which {a}, {b} and {c} are the arguments as text."""
    return lambda args, _: given(kind, template.format(**dict(zip("abc", map(text, args), strict=False))))


def _trim(function: str) -> Callable[[Args, Context], Sql]:
    blanks = "chr(32) || chr(9) || chr(10) || chr(11) || chr(12) || chr(13)"
    return lambda args, _: given("text", f"{function}({text(args[0])}, {text(args[1]) if len(args) == 2 else blanks})")


def _substr(args: Args, _: Context) -> Sql:
    def bounded(value: Sql) -> str:
        return f"CAST(least(greatest({double(value)}, 0), 1e9) AS BIGINT)"

    length = f", {bounded(args[2])}" if len(args) == 3 else ""
    return given("text", f"substr({text(args[0])}, {bounded(args[1])} + 1{length})")


def _strcontains(args: Args, _: Context) -> Sql:
    a, b = text(args[0]), text(args[1])
    exact = f"contains({a}, {b})"
    if len(args) == 3:
        exact = f"CASE WHEN {condition(args[2])} THEN contains(lower({a}), lower({b})) ELSE {exact} END"
    return given("bool", f"coalesce({exact}, false)")


for _name, _least, _most, _build in (
    ("abs", 1, 1, numeric("abs({x})")),
    ("ceil", 1, 1, numeric("ceil({x})")),
    ("floor", 1, 1, numeric("floor({x})")),
    ("greatest", 1, None, _extreme("greatest")),
    ("least", 1, None, _extreme("least")),
    ("log", 1, 1, numeric("CASE WHEN {x} > 0 THEN ln({x}) END")),
    ("sqrt", 1, 1, numeric("CASE WHEN {x} >= 0 THEN sqrt({x}) END")),
    ("round", 1, 2, _rounded),
    ("bin", 1, 1, _bin),
    ("datefloor", 2, 2, _floor),
    ("dateceil", 2, 2, _ceil),
    ("fromMillis", 1, 1, lambda args, _: given("time", f"from_millis({double(args[0])})")),
    ("toMillis", 1, 1, lambda args, _: given("integer", f"epoch_ms({time(args[0])})")),
    ("now", 0, 0, lambda _, context: given("integer", str(int(context.now)))),
    ("ispresent", 1, 1, lambda args, _: given("bool", f"({args[0].text} IS NOT NULL)")),
    ("coalesce", 1, None, _coalesce),
    ("if", 3, 3, _case),
    ("case", 2, None, _case),
    ("isValidIp", 1, 1, _textual("(is_ipv4({a}) OR ipv6_digits({a}) IS NOT NULL)", "bool")),
    ("isValidIpV4", 1, 1, _textual("is_ipv4({a})", "bool")),
    ("isValidIpV6", 1, 1, _textual("(ipv6_digits({a}) IS NOT NULL)", "bool")),
    ("isIpInSubnet", 2, 2, _in_subnet(4, 6)),
    ("isIpv4InSubnet", 2, 2, _in_subnet(4)),
    ("isIpv6InSubnet", 2, 2, _in_subnet(6)),
    ("isempty", 1, 1, _textual("(coalesce({a}, '') = '')", "bool")),
    ("isblank", 1, 1, _textual("regexp_full_match(coalesce({a}, ''), '\\s*')", "bool")),
    ("concat", 1, None, lambda args, _: given("text", f"concat({', '.join(map(text, args))})")),
    ("ltrim", 1, 2, _trim("ltrim")),
    ("rtrim", 1, 2, _trim("rtrim")),
    ("trim", 1, 2, _trim("trim")),
    ("strlen", 1, 1, _textual("length({a})", "integer")),
    ("toupper", 1, 1, _textual("upper({a})")),
    ("tolower", 1, 1, _textual("lower({a})")),
    ("substr", 2, 3, _substr),
    ("replace", 3, 3, _textual("replace({a}, {b}, {c})")),
    ("strcontains", 2, 3, _strcontains),
    ("startsWith", 2, 2, _textual("coalesce(starts_with({a}, {b}), false)", "bool")),
    ("endsWith", 2, 2, _textual("coalesce(ends_with({a}, {b}), false)", "bool")),
):
    FUNCTIONS[_name.lower()] = Function(_name, _least, _most, _build)
