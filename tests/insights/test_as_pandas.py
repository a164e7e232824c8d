"""A query as pandas code gives the query's own rows, in its order, or says that it cannot."""

from __future__ import annotations

import re
from functools import cache
from typing import Any

import pandas as pd
import pytest

from labkit import insights
from labkit.insights.as_pandas import NotInPandas, as_pandas
from labkit.insights.running import kinds
from tests.insights.flows import events, plain
from tests.insights.test_samples import SAMPLES

QUERIES = [
    *(each for each in SAMPLES if not each.startswith("parse")),
    # What is absent: neither a condition nor its contrary holds of it.
    "filter action != 'REJECT' | fields srcAddr, bytes",
    "filter not (action = 'REJECT') | fields srcAddr, bytes | limit 5",
    "filter not (action in ['REJECT'] and bytes > 100) | fields srcAddr, action",
    "filter dstPort not in [22, 80] | stats count(*) as n by dstPort | sort n desc, dstPort",
    "filter srcAddr not like '10.' or not isIpInSubnet(dstAddr, '10.1.2.3/16') | fields srcAddr, dstAddr",
    # Numbers in quotes, regular expressions, arithmetic
    "filter dstPort = '443' and bytes >= 1000 | display srcAddr, bytes | sort bytes desc",
    r"filter srcAddr like /^10\.1/ | stats count(bytes), count_distinct(dstPort) by srcAddr",
    "filter @message like /(ACCEPT|REJECT) OK/ | fields action | limit 5",
    "fields bytes / 1024 as kb, bytes + packets * 2 as s | filter kb > 10 | sort bytes | limit 7 | sort packets desc",
    # Groups: of what is absent, too; in the order of their keys
    "stats count(*) by action, logStatus",
    "stats sum(bytes) by srcAddr, action",
    "stats count(*) by bin(7m) as t, action | sort t",
    "stats count(*) by bin(300s)",
    "stats pct(bytes, 95), median(bytes), stddev(bytes), min(packets) by protocol",
    "stats sum(bytes) * 8 as bits, count(*) by srcAddr as who | sort bits",
    "stats max(bytes) as m by srcAddr, dstAddr | filter m > 1000 | stats count(*) as n, avg(m) by srcAddr | sort n",
    "stats count(*), sum(bytes), count(bytes)",
    "stats count(*) by srcAddr | sort `count(*)` desc | limit 3",
    "filter protocol = 99 | stats sum(bytes) by srcAddr",
    "filter protocol = 99 | stats sum(bytes), count(*)",
    # Order
    "sort packets desc, bytes | dedup srcAddr | limit 4",
    "fields srcAddr | sort @timestamp | limit 3",
    "display bytes, srcAddr | sort packets",
    "fields action | limit 9 | limit 4",
]

REFUSED = {
    "parse @message '* *' as a, b": "parse",
    "sort srcAddr": "sort srcAddr: texts sort by the numbers in them",
    "stats sum(bytes) / sum(packets)": "sum(bytes) / sum(packets)",
    "stats max(srcAddr)": "max(srcAddr)",
    "stats earliest(srcAddr) by action": "earliest(srcAddr)",
    "stats count(*) by bin(2w)": "bin(2w)",
    "filter accountId = 123456789012": "accountId = 123456789012",
    "filter srcAddr > '10.1.'": "srcAddr > '10.1.'",
    "filter bytes % 2 = 1": "bytes % 2",
    "filter like_this = 1": "There is no field like_this",
    "fields strlen(srcAddr)": "strlen(srcAddr)",
    "filter isIpInSubnet(@message, '10.0.0.0/8')": "isIpInSubnet",
    "filter startTime + 60": "startTime + 60",
}


@cache
def frame() -> pd.DataFrame:
    """The events as flowlogs.read would make a table of them: backed by Arrow, without the API's pointers."""
    table = events().drop_columns(["@ptr", "@logStream", "@log"])
    return table.to_pandas(types_mapper=pd.ArrowDtype)


def ran(code: str, table: pd.DataFrame) -> pd.DataFrame:
    names: dict[str, Any] = {"table": table, "pd": pd}
    exec(code, names)
    answer = names["answer"]
    assert isinstance(answer, pd.DataFrame)
    return answer


def values(answer: pd.DataFrame) -> list[tuple[Any, ...]]:
    """Plain rows, numbers as floats, whichever type the engine gave them."""
    times = [name for name in answer if pd.api.types.is_datetime64_any_dtype(answer[name])]
    utc = answer.assign(**{name: pd.to_datetime(answer[name], utc=True) for name in times})
    return [tuple(float(each) if isinstance(each, int) else each for each in row) for row in plain(utc)]


@pytest.mark.parametrize("text", QUERIES)
def test_the_code_gives_the_querys_rows(text: str) -> None:
    found = ran(as_pandas(text, kinds(events())), frame())
    expected = insights.query(frame(), text)
    assert list(found.columns) == [each for each in expected.columns if each != "@ptr"]
    assert values(found) == values(expected)


@pytest.mark.parametrize("text", REFUSED)
def test_what_pandas_would_answer_otherwise_is_refused(text: str) -> None:
    with pytest.raises(NotInPandas, match=re.escape(REFUSED[text])):
        as_pandas(text, kinds(events()))


def test_an_absent_field_is_refused() -> None:
    with pytest.raises(NotInPandas, match="The table lacks a field of the query. There is no field nothing"):
        as_pandas("filter not ispresent(nothing)", kinds(events()))


def test_a_malformed_query_is_malformed_here_too() -> None:
    with pytest.raises(insights.QueryError, match="There is no command selekt"):
        as_pandas("selekt bytes", {"bytes": "integer"})


def test_fields_that_have_other_names_in_the_table_are_renamed_once() -> None:
    text = "filter srcAddr = '10.1.15.80' | stats count(*) as n by srcAddr, dstPort"
    code = as_pandas(text, kinds(events()), "day", {"srcAddr": "srcaddr", "dstPort": "dstport", "bytes": "octets"})
    assert code.splitlines()[0] == 'events = day.rename(columns={"srcaddr": "srcAddr", "dstport": "dstPort"})'
    renamed = frame().rename(columns={"srcAddr": "srcaddr", "dstPort": "dstport"})
    assert values(ran(code.replace("day.", "table."), renamed)) == values(insights.query(frame(), text))


def test_names_and_texts_are_quoted() -> None:
    text = 'filter action = "a\\"b" | fields bytes as `x"y` | stats sum(`x"y`) as `it\'s`'
    code = as_pandas(text, {"action": "text", "bytes": "integer"})
    assert ran(code, frame()).columns.tolist() == ["it's"]
