"""Each function and operator, by what AWS's page says of it, or by the choice that expressions.py writes down.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/CWL_QuerySyntax-operations-functions.html
"""

from __future__ import annotations

from datetime import datetime

import pyarrow as pa

from labkit import insights
from labkit.insights.functions import AGGREGATES, FUNCTIONS
from tests.insights.flows import value

MOMENT = datetime(2022, 1, 14, 21, 18, 31, 250_000)

EXPRESSIONS: list[tuple[str, str | None]] = [
    # AWS's own examples
    ("2 ^ 3", "8"),
    ("10 % 3", "1"),
    ('ltrim("xyZxyfooxyZ","xyZ")', "fooxyZ"),
    ('rtrim("xyZfooxyxyZ","xyZ")', "xyZfoo"),
    ('trim("xyZxyfooxyxyZ","xyZ")', "foo"),
    ('substr("xyZfooxyZ",3, 3)', "foo"),
    ('replace("a smoke_test b","smoke_test","Smoke")', "a Smoke b"),
    ("datefloor(@timestamp, 1h)", "2022-01-14 21:00:00.000"),
    ("dateceil(@timestamp, 1h)", "2022-01-14 22:00:00.000"),
    ("toMillis(@timestamp)", "1642195111250"),
    # numbers
    ("1 + 2 * 3", "7"),
    ("(1 + 2) * 3", "9"),
    ("7 / 2", "3.5"),
    ("1/0", None),
    ("5 % 0", None),
    ("-2 ^ 2", "-4"),
    ("2 ^ 3 ^ 2", "512"),
    ("abs(0 - 5)", "5"),
    ("ceil(1.2)", "2"),
    ("floor(1.8)", "1"),
    ("greatest(1, 3, 2)", "3"),
    ("least(1, 3, 2)", "1"),
    ("log(1)", "0"),
    ("log(0)", None),
    ("sqrt(9)", "3"),
    ("sqrt(0-9)", None),
    ("round(2.567, 1)", "2.6"),
    ("round(2.4)", "2"),
    ("9007199254740993 * 9007199254740993 > 1", "1"),
    ("10 ^ 400", None),
    # comparisons, typed by what stands on either side
    ('port = "80"', "1"),
    ("port = 80", "1"),
    ('port != "ssh"', "1"),
    ("port = 80.5", "0"),
    ("digits = 80", "1"),
    ("digits > 9", "1"),
    ('digits > "9"', "1"),
    ("word > 9", "0"),
    ("word != 9", "1"),
    ('word < "b"', "1"),
    ("gone = 1", None),
    ("gone != 1", None),
    ("port in [22, 80]", "1"),
    ('port in ["22", "80"]', "1"),
    ('word in ["abc"]', "1"),
    ('word not in ["abc"]', "0"),
    ("port not in [22]", "1"),
    ("port = 80 and not word = 'x' or gone = 2", "1"),
    ('word like "b"', "1"),
    ('word like "B"', "0"),
    ("word like /^a.c$/", "1"),
    ("word =~ /B/", "0"),
    ("word =~ /(?i)B/", "1"),
    ("word not like /x/", "1"),
    ("port like /^8/", "1"),
    ("true", "1"),
    ("@timestamp > toMillis(@timestamp) - 1", "1"),
    # times
    ("fromMillis(1642195111250)", "2022-01-14 21:18:31.250"),
    ("fromMillis(10 ^ 30)", None),
    ("bin(5m)", "2022-01-14 21:15:00.000"),
    ("bin(250ms)", "2022-01-14 21:18:31.250"),
    ("bin(7d)", "2022-01-13 00:00:00.000"),
    ("bin(1w)", "2022-01-10 00:00:00.000"),
    ("bin(1mo)", "2022-01-01 00:00:00.000"),
    ("bin(1qtr)", "2022-01-01 00:00:00.000"),
    ("bin(1years)", "2022-01-01 00:00:00.000"),
    ("dateceil(datefloor(@timestamp, 1d), 1d)", "2022-01-14 00:00:00.000"),
    ("now() > 1700000000", "1"),
    # whatever kind
    ("ispresent(word)", "1"),
    ("ispresent(gone)", "0"),
    ("coalesce(gone, word)", "abc"),
    ("coalesce(gone, port)", "80"),
    ('if(port = 80, "web", "other")', "web"),
    ('if(gone = 80, "web", "other")', "other"),
    ('case(port < 10, "low", port < 100, "middle", "high")', "middle"),
    ('case(port < 10, "low")', None),
    # addresses
    ("isValidIp(v4)", "1"),
    ("isValidIp(v6)", "1"),
    ("isValidIp(word)", "0"),
    ("isValidIp(gone)", "0"),
    ("isValidIpV4(v4)", "1"),
    ("isValidIpv4(v6)", "0"),
    ("isValidIpV6(v6)", "1"),
    ("isValidIpV6(v4)", "0"),
    ('isIpInSubnet(v4, "10.1.0.0/16")', "1"),
    ('isIpInSubnet(v4, "10.1.0.0/20")', "1"),
    ('isIpInSubnet(v4, "10.1.16.0/20")', "0"),
    ('isIpInSubnet(v4, "0.0.0.0/0")', "1"),
    ('isIpInSubnet(v4, "10.1.15.80/32")', "1"),
    ('isIpInSubnet(v6, "2001:db8::/32")', "1"),
    ('isIpInSubnet(v6, "2001:db9::/33")', "0"),
    ('isIpInSubnet(v6, "10.0.0.0/8")', "0"),
    ('isIpv4InSubnet(v4, "10.0.0.0/8")', "1"),
    ('isIpv6InSubnet(v6, "2001:db8::/46")', "1"),
    ('isIpInSubnet("10.1.x.y", "10.1.0.0/16")', "0"),
    # texts
    ("isempty(word)", "0"),
    ('isempty("")', "1"),
    ("isempty(gone)", "1"),
    ('isblank(" \t ")', "1"),
    ("isblank(gone)", "1"),
    ('isblank(" a ")', "0"),
    ('concat(word, "-", port)', "abc-80"),
    ('ltrim("  a ")', "a "),
    ('rtrim("  a ")', "  a"),
    ('trim("  a ")', "a"),
    ('strlen("añ")', "2"),
    ("toupper(word)", "ABC"),
    ('tolower("ABC")', "abc"),
    ("substr(word, 1)", "bc"),
    ("substr(word, 0, 2)", "ab"),
    ('strcontains(word, "b")', "1"),
    ('strcontains(word, "B")', "0"),
    ('strcontains(word, "B", true)', "1"),
    ('strcontains(gone, "B")', "0"),
    ('startsWith(word, "ab")', "1"),
    ('endsWith(word, "ab")', "0"),
    ('"say \\"hi\\""', 'say "hi"'),
    ("STRLEN(word)", "3"),
]


def test_each_expression() -> None:
    columns = {
        "@timestamp": MOMENT, "port": 80, "digits": "080", "word": "abc", "v4": "10.1.15.80", "v6": "2001:db8:0:1::7"
    }  # fmt: skip
    found = [(expression, value(expression, **columns)) for expression, _ in EXPRESSIONS]
    assert found == EXPRESSIONS


def test_every_scalar_function_has_a_case_above() -> None:
    tested = " ".join(expression.lower() for expression, _ in EXPRESSIONS)
    assert [name for name in FUNCTIONS if f"{name}(" not in tested] == []


AGGREGATED = [
    ("avg(n)", "2.5"),
    ("count()", "5"),
    ("count(*)", "5"),
    ("count(n)", "4"),
    ("count_distinct(word)", "3"),
    ("max(n)", "4"),
    ("min(n)", "1"),
    ("max(digits)", "100"),
    ("min(digits)", "3"),
    ("max(word)", "item9"),
    ("sum(n)", "10"),
    ("sum(digits)", "142"),
    ("median(n)", "2.5"),
    ("pct(n, 50)", "2.5"),
    ("pct(n, 100)", "4"),
    ("stddev(n)", "1.291"),
    ("earliest(word)", "item10"),
    ("latest(word)", "item10"),
    ("earliest(n)", "1"),
    ("latest(n)", "4"),
    ("sortsFirst(word)", "a"),
    ("sortsLast(word)", "item10"),
    ("sortsFirst(n)", "1"),
    ("sortsLast(n)", "4"),
    ("sum(n) / count(*) * 2", "4"),
    ("sum(strcontains(word, 'item'))", "3"),
]


def test_each_aggregate() -> None:
    table = pa.table(
        {
            "@timestamp": [datetime(2025, 12, 3, 14, minute) for minute in (1, 2, 3, 4, 5)],
            "n": [1, 2, 3, 4, None],
            "digits": ["9", "10", "100", "3", "20"],
            "word": ["item10", "item9", "a", None, "item10"],
        }
    )
    found = [(expression, insights.run(table, f"stats {expression}").rows[0][0][1]) for expression, _ in AGGREGATED]
    assert found == AGGREGATED


def test_every_aggregate_has_a_case_above() -> None:
    tested = " ".join(expression.lower() for expression, _ in AGGREGATED)
    assert [name for name in AGGREGATES if f"{name}(" not in tested] == []


def test_a_period_counts_only_to_the_next_unit() -> None:
    """bin(300s) is bin(60s): the page of bin() says so."""
    columns = {"@timestamp": MOMENT}
    for written, means in [("300s", "60s"), ("90m", "60m"), ("48h", "24h"), ("5000ms", "1000ms"), ("5min", "5m")]:
        assert value(f"bin({written})", **columns) == value(f"bin({means})", **columns), written


def test_addresses_in_any_spelling_and_what_is_none() -> None:
    """https://www.rfc-editor.org/rfc/rfc4291#section-2.2"""
    v6 = ["::", "::1", "1::", "2001:db8::1", "1:2:3:4:5:6:7:8", "fe80::1:2", "::ffff:10.1.2.3", "1:2:3:4:5:6:7::"]
    not_v6 = [
        "1:2", ":::", "1::2::3", "12345::", "g::", ":1:2:3:4:5:6:7:8", "1:2:3:4:5:6:7:8:", "1:2:3:4::5:6:7:8",
        "::1.2.3", "",
    ]  # fmt: skip
    assert {each: value("isValidIpV6(a)", a=each) for each in v6} == dict.fromkeys(v6, "1")
    assert {each: value("isValidIpV6(a)", a=each) for each in not_v6} == dict.fromkeys(not_v6, "0")
    not_v4 = ["256.1.1.1", "1.2.3", "1.2.3.4.5", "01.2.3.4", "1.2.3.4 ", "a.b.c.d"]
    assert {each: value("isValidIpV4(a)", a=each) for each in not_v4} == dict.fromkeys(not_v4, "0")
