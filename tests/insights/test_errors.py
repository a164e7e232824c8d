"""What is not in the language is an error that names it, points at it and says what to write: never a wrong answer."""

from __future__ import annotations

import pyarrow as pa
import pytest

from labkit import insights
from labkit.insights.functions import UNSUPPORTED as FUNCTIONS
from labkit.insights.parser import UNSUPPORTED as WORDS

COLUMNS: dict[str, insights.ValueKind] = {
    **dict.fromkeys(("@message", "srcAddr", "dstAddr", "action"), "text"),
    **dict.fromkeys(("bytes", "packets"), "integer"),
    "@timestamp": "time",
}

# The query with the offending part between » and «, and a part of the sentence.
FAULTY = [
    ("»«", "The query is empty"),
    ("»feilds« bytes", "There is no command feilds. Did you mean fields?"),
    ("fields bytes | »sorted« bytes", "Did you mean sort?"),
    ("fields bytes |»«", "a command is missing"),
    ("fields bytes,»«", "a field, a value or a function is missing"),
    ("fields sum(bytes»«", "is missing"),
    ("fields bytes »packets«", "'packets' doesn't belong here: an operator, a comma or | should follow"),
    ("fields »|« sort bytes", "doesn't belong here: a field, a value or a function should follow"),
    ("filter action = »'REJECT«", "The text that begins here with ' has no ' at its end."),
    ("filter »`action« = 1", "The name that begins here with ` has no ` at its end."),
    ("filter srcAddr = »10.1.15.80«", 'Put text in quotes: srcAddr = "10.1.15.80".'),
    ("filter srcAddr !=\n »10.1.15.80« and bytes > 1", 'Put text in quotes: srcAddr != "10.1.15.80".'),
    ("filter srcAddr in [»10.1.15.80«]", 'Put text in quotes: "10.1.15.80".'),
    ("filter isIpv4InSubnet(srcAddr, »10.0.0.0/8«)", 'Put text in quotes: "10.0.0.0/8".'),
    ("filter srcAddr = »2001:db8::1«", 'Put text in quotes: srcAddr = "2001:db8::1".'),
    ("filter action = »eni-01ab329f120ebcf5«", 'Put text in quotes: action = "eni-01ab329f120ebcf5".'),
    ("filter bytes »~« 1", "isn't part of the query language"),
    ("filter »srcAddr«", "This isn't a condition"),
    ("filter »action« and bytes > 1", "This isn't a condition"),
    ('filter »@timestamp > "2025-12-03"«', "Compare milliseconds since 1970"),
    ("filter action like »/(?<!a)b/«", "RE2, which has no look-around"),
    ("filter action =~ »/(a/«", "This isn't a regular expression as RE2 has them: missing )"),
    ("fields »nosuch«(bytes)", "There is no function nosuch()"),
    ("fields »strlength«(action)", "Did you mean strlen?"),
    ("fields »substr(action)«", "substr() takes 2 to 3 arguments, and has 1 here."),
    ("fields »now(1)«", "now() takes 0 arguments, and has 1 here."),
    ("fields »sum(bytes)«", "sum() belongs in stats"),
    ("filter »count(*)« > 5", "count() belongs in stats"),
    ("stats sum(»max(bytes)«)", "belongs in stats, and not inside of another aggregate"),
    ("stats sum(»*«)", "Only count takes *."),
    ("stats »srcAddr«, count(*)", "In stats, srcAddr stands in an aggregate such as max(srcAddr), or after by."),
    ("stats count(*) by srcAddr | filter »bytes« > 1", "After stats there is no field bytes, only srcAddr, count(*)."),
    ("stats count(*) by srcAddr | stats count(*) by »bin(5m)«", "there is none here"),
    ("stats count(*) by bin(5 »m«)", "doesn't belong here"),
    ("fields bin(30 »s«)", "doesn't belong here"),
    ("stats count(*) by »bin(bytes)«", "This needs a period such as 5m."),
    ("stats count(*) by »bin(0m)«", "A period must be longer than nothing."),
    ("fields »5m«", "A period such as 5m belongs in bin, datefloor or dateceil."),
    ("fields »5m« + 1", "A period such as 5m belongs in bin, datefloor or dateceil."),
    ("fields »datefloor(bytes, 5m)«", "This needs a time"),
    ("stats »pct(bytes, 101)«", "pct() takes a percentage from 0 to 100"),
    ('filter »isIpInSubnet(srcAddr, "10.1.0.0/40")«', "isn't a subnet"),
    ('filter »isIpv4InSubnet(srcAddr, "::/0")«', "isn't an IPv4 subnet. isIpInSubnet takes either kind."),
    ("filter »isIpInSubnet(srcAddr, dstAddr)«", "This needs a subnet in quotes"),
    ('parse @message »"* *"« as a', "The glob has 2 *, and 1 names stand after as."),
    ("parse @message »/eni-.*/«", "This has none."),
    ("parse »logfmt« @message", "labkit doesn't have logfmt of the query language."),
    ("limit »0«", "limit takes a whole number from 1 to 100,000."),
    ("limit »100001«", "limit takes a whole number from 1 to 100,000."),
    ("limit »1.5«", "limit takes a whole number from 1 to 100,000."),
    ("limit »ten«", "a number should follow"),
    ("stats count(*) by srcAddr »offset« 1h", "Run the query again over a shifted time range."),
    # https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/CWL_QuerySyntax-Dedup.html
    ("dedup srcAddr | »sort bytes«", "Only limit may stand after dedup."),
    # https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/CWL_QuerySyntax-Stats.html
    ("»limit 5« | stats count(*)", "limit stands after the last stats of a query"),
    ("stats count(*) by srcAddr | »sort srcAddr« | stats count(*)", "sort stands after the last stats of a query"),
    # https://github.com/trade-tariff/trade-tariff-backend/pull/3464 quotes AWS's own error
    ("fields bytes * 8 as bits | fields »bits«", "Ephemeral field is already defined: bits"),
    ("fields bytes | fields bytes * 8 as »bytes«", "Ephemeral field is already defined: bytes"),
    ("stats count(*) as n by srcAddr | stats max(n) as »n«", "Ephemeral field is already defined: n"),
    ("SOURCE »group«(namePrefix: 'a') | fields bytes", "SOURCE takes logGroups"),
    ("SOURCE logGroups(»x«: 'a') | fields bytes", "has no x"),
]


def fault(text: str) -> insights.QueryError:
    with pytest.raises(insights.QueryError) as caught:
        insights.compile(text, COLUMNS)
    return caught.value


def test_each_fault_is_named_and_pointed_at() -> None:
    for marked, sentence in FAULTY:
        text = marked.replace("»", "").replace("«", "")
        error = fault(text)
        assert sentence in error.message, marked
        assert f"{text[: error.start]}»{text[error.start : error.end]}«{text[error.end :]}" == marked


def test_each_part_of_the_language_that_labkit_does_not_have_is_named() -> None:
    for word in set(WORDS) - {"csv", "logfmt", "offset"}:
        error = fault(f"fields bytes | {word} @message")
        assert f"labkit doesn't have {word} of the query language." in error.message
        assert (error.start, error.end) == (15, 15 + len(word))
    for name in FUNCTIONS:
        assert f"labkit doesn't have the function {name}()." in fault(f"fields {name}(@message) as x").message


def test_a_query_has_at_most_ten_stats() -> None:
    """https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/CWL_QuerySyntax-Stats.html"""
    ten = " | ".join(f"stats max(m{n}) as m{n + 1}" for n in range(10))
    insights.compile(ten, {"m0": "integer"})
    with pytest.raises(insights.QueryError, match="at most 10 stats"):
        insights.compile(f"{ten} | stats count(*)", {"m0": "integer"})


def test_a_field_that_a_table_does_not_have_is_an_error_there() -> None:
    table = pa.table({"srcAddr": ["10.1.15.80"]})
    with pytest.raises(insights.QueryError, match="Did you mean srcAddr\\? Upper and lower case matter") as caught:
        insights.query(table, "filter srcaddr like '10.'")
    assert (caught.value.start, caught.value.end) == (7, 14)
    # An event may lack any field, so the API answers without it.
    assert insights.run(table, "filter srcaddr like '10.'").rows == []


def test_the_error_is_drawn_under_the_word() -> None:
    text = "fields bytes\n| filter action == 1\n| limit 5"
    drawn = insights.explain_error(text, fault(text)).splitlines()
    assert drawn[:4] == ["fields bytes", "| filter action == 1", "                 ^", "| limit 5"]


def test_deep_and_long_queries_are_refused_and_not_endless() -> None:
    for text in ("filter " + "(" * 500 + "bytes = 1" + ")" * 500, "fields " + "-" * 500 + "1"):
        try:
            insights.compile(text, COLUMNS)
        except insights.QueryError as error:
            assert "nested too deeply" in error.message
    long = "filter " + " or ".join(["bytes = 1"] * 600)
    assert insights.compile(long, COLUMNS).fields
    doubling = "fields " + "dateceil(" * 30 + "@timestamp" + ", 5m)" * 30
    assert "too long" in fault(doubling).message
