"""What AWS documents of each command, and what labkit chooses where AWS is silent.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/CWL_QuerySyntax.html
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

import duckdb
import pandas as pd
import pyarrow as pa

from labkit import insights
from tests.insights.flows import events, frame, rows


def one(**columns: list[Any]) -> pa.Table:
    return pa.table(columns)


def names(text: str, table: Any = None) -> list[str]:
    return list(insights.query(events() if table is None else table, text).columns)


# --- fields and display ---


def test_fields_accumulate() -> None:
    """https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/CWL_QuerySyntax-Fields.html"""
    assert names("fields srcAddr | fields bytes / packets as size, dstAddr") == ["srcAddr", "size", "dstAddr", "@ptr"]


def test_the_last_display_decides() -> None:
    """https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/CWL_QuerySyntax-Display.html"""
    assert names("fields srcAddr | display bytes | display dstAddr, packets") == ["dstAddr", "packets", "@ptr"]


def test_without_fields_time_and_message_are_shown() -> None:
    assert names("filter bytes > 0 | limit 1") == ["@timestamp", "@message", "@ptr"]


def test_what_parse_finds_is_shown_too() -> None:
    """https://gist.github.com/vatshat/7d401a9194d4e1b159bd8894035b6b5f"""
    found = names('fields @logStream | parse @message "* * " as a, b')
    assert found == ["@logStream", "a", "b", "@ptr"]


def test_any_other_table_is_shown_whole() -> None:
    assert names("limit 1", one(a=[1], b=[2])) == ["a", "b"]


def test_a_column_without_an_alias_is_named_by_its_text() -> None:
    assert names("stats sum( bytes ), count(*) by bin(5m)") == ["bin(5m)", "sum( bytes )", "count(*)"]
    assert names("display bytes/packets") == ["bytes/packets", "@ptr"]


def test_names_that_differ_in_case_are_two_names() -> None:
    table = one(a=[1], A=[2])
    assert rows("fields A, a, a + 1 as B, A + 1 as b", table) == [(2, 1, 2, 3)]


def test_backticks_hold_names_with_other_characters() -> None:
    assert rows("display `a-b`, `a-b` + 1 as `c d`", one(**{"a-b": [1]})) == [(1, 2)]


def test_a_number_sign_begins_a_comment() -> None:
    """https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/CWL_QuerySyntax-alias.html"""
    assert rows("fields a # | filter a > 1\n| sort a # upwards\n# | limit 1", one(a=[2, 1])) == [(1,), (2,)]
    assert rows("filter a = '#1' # it", one(a=["#1", "#2"])) == [("#1",)]


def test_keywords_ignore_case_and_names_do_not() -> None:
    assert rows("FILTER By = 1 And nOt by = 3 | DISPLAY By", one(By=[1, 1], by=[2, 3])) == [(1,)]


# --- filter ---


def test_filter_by_each_of_its_names() -> None:
    for command in ("filter", "where", "filterIndex"):
        assert rows(f"{command} a = 1", one(a=[1, 2])) == [(1,)]


def test_a_slash_is_a_division_or_begins_a_regular_expression() -> None:
    table = one(a=[4 * 1024 * 1024], b=["x/y"])
    assert rows("fields a/1024/1024 as mb | filter b like /x\\/y/ and b like /[/]/ | display mb", table) == [(4.0,)]


def test_an_absent_value_matches_neither_equal_nor_unequal() -> None:
    """Chosen: expressions.py."""
    table = one(a=["x", None])
    assert rows('filter a != "x"', table) == []
    assert rows('filter not a = "x"', table) == []
    assert rows("filter not ispresent(a)", table) == [(None,)]


# --- parse ---


def test_parse_with_a_glob() -> None:
    """The page's own example: https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/CWL_QuerySyntax-Parse.html"""
    message = "2023 user=jane, method:GET, latency := 1.5"
    text = (
        'parse @message "user=*, method:*, latency := *" as @user, @method, @latency | display @user, @method, @latency'
    )
    assert rows(text, one(**{"@message": [message]})) == [("jane", "GET", "1.5")]
    assert rows(f"{text} | filter @latency > 1", one(**{"@message": [message]})) == [("jane", "GET", "1.5")]


def test_parse_with_named_groups() -> None:
    """The page's own example."""
    text = "parse @message /user=(?<user2>.*?), method:(?<method2>.*?), (l)atency/ | display user2, method2"
    assert rows(text, one(**{"@message": ["user=jane, method:GET, latency := 1.5"]})) == [("jane", "GET")]


def test_events_that_do_not_match_stay_without_the_fields() -> None:
    text = 'parse a "x=*" as x | display a, x'
    assert rows(text, one(a=["x=1", "y=2", "x="])) == [("x=1", "1"), ("y=2", None), ("x=", "")]


def test_what_was_parsed_can_be_parsed_further() -> None:
    text = 'parse a "url=*" as url | parse url "/api/*/users/*" as version, user | display version, user'
    assert rows(text, one(a=["url=/api/v1/users/7"])) == [("v1", "7")]


def test_parsed_numbers_count_as_numbers() -> None:
    """Typing is implicit: AWS's samples write both protocol=17 and dstPort="80"."""
    text = 'parse a "*,*" as x, y | filter x > 9 and y < x | stats sum(x), max(x), avg(y)'
    assert rows(text, one(a=["10,9", "100,20", "9,1", "20,a"])) == [(110.0, "100", 14.5)]


# --- stats ---


def test_by_fields_come_first() -> None:
    assert names("stats count(*) as n, max(bytes) as m by srcAddr as s, action") == ["s", "action", "n", "m"]


def test_a_later_alias_may_use_an_earlier_one() -> None:
    text = "stats sum(bytes) as b, sum(packets) as p, b / p as size, size * 2 as double by action | filter size > 0"
    for _, total, packets, size, double in rows(text):
        assert (size, double) == (round(total / packets, 6), round(total / packets * 2, 6))


def test_a_second_stats_sees_the_names_of_the_first() -> None:
    """…/CWL_QuerySyntax-Stats.html#CWL_QuerySyntax-stats-multi, the page's own example made flow log."""
    per_five = frame().groupby(frame()["@timestamp"].dt.floor("5min"))["bytes"].sum()
    text = "stats sum(bytes) as size by bin(5m) | stats max(size), min(size), avg(size)"
    assert rows(text) == [(per_five.max(), per_five.min(), round(per_five.mean(), 6))]


def test_a_column_of_stats_is_known_by_its_text() -> None:
    text = (
        "stats count(*), max(bytes) by srcAddr | sort count(*) desc | filter count(*) > 1 | display srcAddr, count(*)"
    )
    assert rows(text, one(srcAddr=["a", "b", "b"], bytes=[1, 2, 3])) == [("b", 2)]


def test_a_value_that_is_absent_makes_a_group_of_its_own() -> None:
    """Chosen: compiler.py. A group that has neither keys nor values is left out."""
    table = one(a=["x", None, None], b=[1, 2, None])
    assert rows("stats sum(b) as s by a | sort a", table) == [(None, 2), ("x", 1)]
    assert rows("stats sum(b) as s by a | sort a", one(a=["x", None], b=[1, None])) == [("x", 1)]


def test_stats_without_events_counts_none() -> None:
    assert rows("filter a > 1 | stats count(*), sum(a)", one(a=[1])) == [(0, None)]


# --- sort ---


def test_natural_order_as_aws_shows_it() -> None:
    """The list in https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/CWL_QuerySyntax-Sort.html."""
    order = [
        "!:", "#", "*%04", "0#", "5A", "111A", "2345_", "@", "@_", "A", "A9876fghj", "a12345hfh",
        "0", "01", "1", "2", "3",
    ]  # fmt: skip
    table = one(a=sorted(order))
    assert [each for (each,) in rows("sort a asc", table)] == order
    assert [each for (each,) in rows("sort a desc", table)] == order[::-1]


def test_addresses_sort_by_their_numbers() -> None:
    table = one(a=["10.1.15.80", "10.1.2.9", "9.255.0.1", "10.1.15.9"])
    assert [each for (each,) in rows("sort a", table)] == ["9.255.0.1", "10.1.2.9", "10.1.15.9", "10.1.15.80"]


def test_sort_goes_upwards_and_puts_absent_values_at_the_lower_end() -> None:
    """Chosen: compiler.py."""
    table = one(a=[2, None, 1])
    assert rows("sort a", table) == [(None,), (1,), (2,)]
    assert rows("sort a desc", table) == [(2,), (1,), (None,)]
    assert rows("order by a desc", table) == [(2,), (1,), (None,)]


def test_sort_by_several_keys_and_by_what_is_computed() -> None:
    table = one(a=[1, 1, 2], b=[5, 6, 7])
    assert rows("sort a desc, b desc", table) == [(2, 7), (1, 6), (1, 5)]
    assert rows("sort b % 2, b", table) == [(1, 6), (1, 5), (2, 7)]


def test_events_come_newest_first() -> None:
    times = [datetime(2025, 12, 3, 14, minute) for minute in (1, 3, 2)]
    assert [b for b, *_ in rows("display b", one(**{"@timestamp": times, "b": [1, 3, 2]}))] == [3, 2, 1]


# --- limit and dedup ---


def test_limit_and_its_old_name() -> None:
    assert rows("sort a | limit 2", one(a=[3, 1, 2])) == [(1,), (2,)]
    assert rows("sort a | head 1", one(a=[3, 1, 2])) == [(1,)]
    assert rows("sort a | limit 2 | sort a desc | limit 1", one(a=[3, 1, 2])) == [(2,)]


def test_ten_thousand_rows_unless_the_query_says_otherwise() -> None:
    """https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/CWL_QuerySyntax-Limit.html"""
    table = one(a=list(range(10_050)))
    assert len(rows("fields a", table)) == 10_000
    assert len(rows("fields a | limit 10020", table)) == 10_020
    assert len(rows("fields a", table, limit=10_030)) == 10_030
    assert len(rows("fields a | limit 7", table, limit=5)) == 5


def test_dedup_keeps_the_first_in_sort_order_and_every_row_without_a_key() -> None:
    """https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/CWL_QuerySyntax-Dedup.html"""
    table = one(server=["a", "b", "a", None, None], n=[1, 2, 3, 4, 5])
    assert rows("sort n desc | dedup server", table) == [(None, 5), (None, 4), ("a", 3), ("b", 2)]
    assert rows("sort n | dedup server | limit 2", table) == [("a", 1), ("b", 2)]


def test_dedup_unsorted_keeps_the_newest() -> None:
    """The same page: the default is @timestamp, descending."""
    times = [datetime(2025, 12, 3, 14, minute) for minute in (1, 3, 2)]
    table = one(**{"@timestamp": times, "server": ["a", "a", "b"], "n": [1, 3, 2]})
    assert rows("display n | dedup server", table) == [(3,), (2,)]


def test_dedup_of_few_is_dedup_of_all_however_far_it_has_to_look() -> None:
    table = one(server=["a"] * 15_000 + ["b", "a", "c", "b"], n=list(range(15_004)))
    assert rows("sort n | dedup server | limit 3", table) == [("a", 0), ("b", 15_000), ("c", 15_002)]
    assert rows("sort n | dedup server | limit 9", table) == [("a", 0), ("b", 15_000), ("c", 15_002)]
    assert rows("sort n desc | dedup server | limit 2", table) == [("b", 15_003), ("c", 15_002)]


# --- SOURCE ---


def test_source_names_log_groups() -> None:
    """https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/CWL_QuerySyntax-Source.html"""
    text = "SOURCE logGroups(namePrefix: ['Nimbus', \"other\"], class: 'STANDARD') | fields a"
    assert insights.parse(text).source == {"namePrefix": ("Nimbus", "other"), "class": ("STANDARD",)}


# --- SQL ---


def test_each_command_is_one_step() -> None:
    text = 'filter action = "REJECT" | stats count(*) as n by srcAddr | sort n desc | limit 20'
    assert insights.compile(text, {"action": "text", "srcAddr": "text"}).sql.splitlines() == [
        "WITH step_1 AS NOT MATERIALIZED (SELECT *",
        "  FROM events",
        """  WHERE ("action" = 'REJECT')),""",
        'step_2 AS NOT MATERIALIZED (SELECT "srcAddr" AS "srcAddr", count(*) AS "n"',
        "  FROM step_1",
        '  GROUP BY 1 HAVING NOT ("srcAddr" IS NULL AND "n" IS NULL))',
        'SELECT "srcAddr", "n"',
        "FROM step_2",
        'ORDER BY "n" DESC NULLS LAST, "srcAddr"',
        "LIMIT 20",
    ]


# --- tables and values ---


def test_any_table() -> None:
    frame = pd.DataFrame({"a": ["x", "y"], "b": [1, 2]})
    for table in (frame, pa.Table.from_pandas(frame), duckdb.from_df(frame)):
        assert rows("stats sum(b) by a | sort a", table) == [("x", 1), ("y", 2)]


def test_numbers_are_numbers_and_times_are_times() -> None:
    answer = insights.query(events(), "stats sum(bytes) as b, avg(bytes) as a by bin(1h) as t, srcAddr")
    types = ["timestamp[us, tz=UTC][pyarrow]", "string[pyarrow]", "int64[pyarrow]", "double[pyarrow]"]
    assert [str(each) for each in answer.dtypes] == types


def test_times_in_any_zone_are_read_as_moments() -> None:
    times = pd.to_datetime(["2025-12-03 15:41:10"]).tz_localize("Europe/Berlin")
    table = pd.DataFrame({"@timestamp": times, "day": [times[0].date()]})
    ((moment, day),) = rows("display datefloor(@timestamp, 1m), datefloor(day, 1d)", table)
    assert (str(moment), str(day)) == ("2025-12-03 14:41:00+00:00", "2025-12-03 00:00:00+00:00")


def test_the_api_writes_every_value_as_text() -> None:
    """Times, whole numbers and 1 for true as public captures show them; decimals as chosen in running.py."""
    table = one(b=[1220], f=[1220.0], t=[True], s=["x"], n=[None], **{"@timestamp": [datetime(2024, 11, 20, 15, 45)]})
    text = "display @timestamp, b, f, t, s, n, b / 7, 1 / 7, b / 1000000 - 0.00122, 0 - b / 7"
    (row,) = insights.run(table, text).rows
    written = ["2024-11-20 15:45:00.000", "1220", "1220", "1", "x", "174.2857", "0.1429", "0", "-174.2857"]
    assert [each for _, each in row] == written


def test_matched_events_are_those_that_come_through_the_filters() -> None:
    table = one(a=[1, 2, 3, 4])
    for text in ("filter a > 1", "filter a > 1 | limit 1", "filter a > 1 | stats count(*) | filter `count(*)` > 9"):
        answer = insights.run(table, text)
        assert (answer.matched, answer.scanned) == (3, 4)


def test_the_same_query_gives_the_same_bytes() -> None:
    text = "stats count(*) as n, earliest(srcPort), latest(dstAddr), pct(bytes, 90) by action, dstPort | sort n desc"
    assert len({str(insights.run(events(), text).rows) for _ in range(5)}) == 1
