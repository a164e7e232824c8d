"""The Insights box on a lab: run a query, read its rows or what is wrong with it, and copy it as boto3 calls or SQL."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import duckdb
import pandas as pd
import pytest

from labkit.errors import LabError
from labkit.insights import SAMPLES
from labkit.lab import LOG_GROUP, Lab
from labkit.show.widgets.insights import SHOWN, InsightsBox, as_sql
from tests.lab.conftest import fresh_lab

COUNT = 'filter action = "REJECT"\n| stats count(*) as knocks, sum(bytes) as total by srcAddr\n| sort knocks desc'


@pytest.fixture(scope="module")
def filled() -> Iterator[Lab]:
    """A lab with a log group of a few records, put there as a flow log would."""
    with fresh_lab() as lab:
        logs = lab.client("logs")
        logs.create_log_group(logGroupName=LOG_GROUP, tags={"Lab": "nimbus"})
        logs.create_log_stream(logGroupName=LOG_GROUP, logStreamName="eni-1-all")
        now = int(lab.clock.timestamp()) - 3000
        lines = []
        for at in range(80):
            ends = f"198.51.100.{at % 4} 10.1.15.80 {40000 + at} {22 + at % 3}"
            rest = f"6 {1 + at} {60 * (1 + at)} {now + at} {now + at + 5} {'REJECT' if at % 5 else 'ACCEPT'} OK"
            lines.append(f"2 123456789012 eni-1 {ends} {rest}")
        lines.append(f"2 123456789012 eni-1 - - - - - - - {now + 90} {now + 150} - NODATA")
        events = [{"timestamp": int(line.split()[10]) * 1000, "message": line} for line in lines]
        logs.put_log_events(logGroupName=LOG_GROUP, logStreamName="eni-1-all", logEvents=events)
        yield lab


# --- running queries


def test_a_query_that_is_given_is_run_at_once(filled: Lab) -> None:
    box = filled.widgets.insights(COUNT)
    table = filled.insights(COUNT)
    pd.testing.assert_frame_equal(box.table, table)
    assert table.attrs["statistics"]["recordsMatched"] == 64
    assert "4 rows. 64 records matched of 81 records scanned" in box.status.value
    assert "198.51.100.1" in box.rows.value and "knocks" in box.rows.value


def test_without_a_query_a_sample_waits(filled: Lab) -> None:
    box = filled.widgets.insights()
    assert box.table is None and "Not asked yet." in str(box)
    box.run.click()
    assert box.table is not None and "records scanned" in box.status.value


def test_a_shorter_time_finds_less(filled: Lab) -> None:
    box = filled.widgets.insights("stats count(*) as n")
    assert box.table is not None and box.table["n"][0] == 81
    box.back.index = 0
    box.run.click()
    assert "0 records matched of 0 records scanned" in box.status.value


def test_many_rows_are_shown_in_part(filled: Lab) -> None:
    box = filled.widgets.insights("fields srcAddr, bytes | sort bytes desc")
    assert box.rows.value.count("<tr>") == SHOWN + 1 and f"The first {SHOWN} of 81 rows" in box.rows.value


def test_its_still_form_is_query_and_rows(filled: Lab) -> None:
    box = filled.widgets.insights("filter dstPort = 22 | stats count(*) as n by action | sort n")
    size = filled.insights("stats count(*)").attrs["statistics"]["bytesScanned"]
    assert str(box) == (
        "filter dstPort = 22 | stats count(*) as n by action | sort n\n\n"
        "action  n\nACCEPT  6\nREJECT 21\n\n"
        f"2 rows. 27 records matched of 81 records scanned ({size:,.0f} bytes)."
    )


# --- samples


def test_the_samples_are_awss_and_those_saved_in_the_account(filled: Lab) -> None:
    logs = filled.client("logs")
    saved = logs.put_query_definition(name="mine & <b>yours</b>", queryString="stats count(*)")
    try:
        box = filled.widgets.insights()
        names = [name for name, _ in box.sample.options]
        assert names == ["choose one", *SAMPLES, "Saved: mine & <b>yours</b>"]
        box.sample.value = "stats count(*)"
        assert box.query.value == "stats count(*)"
    finally:
        logs.delete_query_definition(queryDefinitionId=saved["queryDefinitionId"])


def test_each_sample_is_answered_and_written_in_each_language(filled: Lab) -> None:
    box = filled.widgets.insights()
    for name, query in SAMPLES.items():
        box.sample.value = query
        box.run.click()
        assert box.table is not None, name
        for language in ("boto3", "SQL"):
            box.language.value = language
            assert box.code.value and "The query has a fault" not in box.code.value, name


def test_three_ports_are_many_as_scanners_of_one_lab_try_few(filled: Lab) -> None:
    found = filled.insights(SAMPLES["Who knocks at many ports"])
    assert set(found["uniquePorts"]) == {3}


# --- the query in other languages


def test_as_boto3_calls_it_gives_the_same_rows(filled: Lab) -> None:
    box = filled.widgets.insights(COUNT)
    names: dict[str, Any] = {"lab": filled}
    exec(box.code.value, names)
    rows = [{cell["field"]: cell["value"] for cell in row} for row in names["answer"]["results"]]
    assert rows == box.table.astype(str).to_dict("records")  # type: ignore[union-attr]


def test_as_sql_it_is_what_duckdb_can_run() -> None:
    sql = as_sql("filter srcAddr != 'a FROM b' | stats sum(bytes) as total by srcAddr | sort total desc | limit 2")
    assert "DuckDB" in sql.splitlines()[0] and "'a FROM b'" in sql
    events = pd.DataFrame({"srcAddr": ["x", "y", "x", "a FROM b"], "bytes": [5, 2, 3, 9]})
    with duckdb.connect() as duck:
        duck.register("events", events)
        assert duck.sql(sql).fetchall() == [("x", 8), ("y", 2)]


def test_the_code_follows_what_is_typed(filled: Lab) -> None:
    box = filled.widgets.insights()
    box.query.value = "stats count(*) as mine"
    assert "stats count(*) as mine" in box.code.value
    box.back.index = 1
    assert "timedelta(minutes=60)" in box.code.value


def test_a_query_with_quotes_and_backslashes_is_right_in_python(filled: Lab) -> None:
    query = 'filter srcAddr like /^198\\.51/\n| filter action = "REJECT"\n| stats count(*) as n'
    box = filled.widgets.insights(query)
    names: dict[str, Any] = {"lab": filled}
    exec(box.code.value, names)
    assert names["answer"]["results"] == [[{"field": "n", "value": "64"}]]


# --- why there is nothing


@pytest.mark.parametrize(
    "query", ["fields foo", "fields srcAddr | sort foo", "stats count(*) by foo", "filter foo = 1"]
)
def test_a_field_that_does_not_exist_is_named_where_the_rows_are(filled: Lab, query: str) -> None:
    box = filled.widgets.insights(query)
    assert "✗ There is no field foo." in box.status.value and "srcAddr, dstAddr" in box.status.value
    assert "There is no field foo." in str(box)


def test_a_field_in_other_letters_is_corrected(filled: Lab) -> None:
    box = filled.widgets.insights('filter srcaddr like "198." | stats sum(byte) as total')
    assert "Did you mean srcAddr? Upper and lower case matter in names." in box.status.value
    assert "Did you mean bytes?" in box.status.value


@pytest.mark.parametrize("query", ["parse @message /(?<word>eni-\\d)/ | display word", "stats count(*) as n | sort n"])
def test_names_that_the_query_makes_are_fields(filled: Lab, query: str) -> None:
    assert "There is no field" not in filled.widgets.insights(query).status.value


def test_outside_the_box_a_sentence_names_an_unknown_field(filled: Lab, capsys: pytest.CaptureFixture[str]) -> None:
    for condition, sentence in (
        ("action = REJECT", 'There is no field REJECT. Put text in quotes: action = "REJECT".'),
        ("action in [REJECT]", 'There is no field REJECT. Put text in quotes: "REJECT".'),
        (
            'srcaddr = "10.1.15.80"',
            "There is no field srcaddr. Did you mean srcAddr? Upper and lower case matter in names.",
        ),
    ):
        assert not len(filled.insights(f"filter {condition}"))
        assert capsys.readouterr().out == f"{sentence}\n"
        filled.widgets.insights(f"filter {condition}")  # has it in itself
        assert not capsys.readouterr().out
    for query in (*SAMPLES.values(), "fields @ptr, @message", "parse @message '* *' as a, b | display b"):
        filled.insights(query)
        assert not capsys.readouterr().out


def test_a_field_that_this_format_lacks_is_named(filled: Lab) -> None:
    box = filled.widgets.insights("fields srcAddr, tcpFlags | limit 2")
    assert "has a value for tcpFlags: the flow log&#x27;s format may lack it." in box.status.value
    assert "198.51.100." in box.rows.value


def test_without_rows_the_filter_is_named_that_nothing_passes(filled: Lab) -> None:
    box = filled.widgets.insights("filter protocol = 17\n| filter bytes >\n  5 | stats count(*) by srcAddr")
    assert "None of the records of this time passes: filter protocol = 17 | filter bytes &gt; 5" in box.status.value
    box.query.value = "stats count(*) as n by srcAddr | filter n > 1000"
    box.run.click()
    assert "None of the rows that stats makes passes: filter n &gt; 1000" in box.status.value
    assert "no rows" in str(box)


def test_without_records_the_time_is_named_and_the_newest_record(filled: Lab) -> None:
    box = filled.widgets.insights("fields @message")
    box.back.index = 0
    box.run.click()
    since = filled.clock - box.back.value
    assert f"No record begins from {since:%Y-%m-%d %H:%M} to" in box.status.value
    assert "Its newest record is of" in box.status.value and "choose a longer time" in box.status.value


def test_what_is_asked_anew_is_told_from_what_was_answered(filled: Lab) -> None:
    box = filled.widgets.insights("stats count(*) as n")
    box.back.index = 1
    assert "Below is the answer to what was asked before." in box.status.value and "81" in box.rows.value
    box.run.click()
    assert "asked before" not in box.status.value


@pytest.mark.parametrize("query", ["stats count(*) as n", "stats cout(*) by action"])
def test_choosing_a_sample_clears_the_answer_to_another_query(filled: Lab, query: str) -> None:
    box = filled.widgets.insights(query)
    box.sample.value = SAMPLES["AWS: addresses that use UDP"]
    assert "Not asked yet." in box.status.value and "^" not in box.status.value
    assert box.rows.value == "" and str(box).endswith("Not asked yet.")


def test_an_error_is_told_from_the_query_that_is_being_repaired(filled: Lab) -> None:
    box = filled.widgets.insights("stats cout(*) by action")
    box.query.value = "stats count(*) by action"
    assert "Not asked yet. Below is what was wrong" in box.status.value and "^" in box.status.value


def test_a_sample_that_was_changed_can_be_chosen_again(filled: Lab) -> None:
    box = filled.widgets.insights()
    query = SAMPLES["AWS: addresses that use UDP"]
    box.sample.value = query
    box.query.value += "\n| limit 5"
    assert box.sample.value is None
    box.sample.value = query
    assert box.query.value == query


# --- what is wrong


def test_an_error_is_marked_under_the_word_and_has_no_code(filled: Lab) -> None:
    box = filled.widgets.insights('filter action = "REJECT"\n| order knocks desc')
    assert "| order knocks desc\n        ^^^^^^" in box.status.value.replace("&quot;", '"')
    assert box.table is None and box.rows.value == ""
    assert "^^^^^^" in str(box)
    box.language.value = "SQL"
    assert box.code.value.startswith("-- The query has a fault:")
    box.query.value = "stats count(*)"
    box.run.click()
    assert box.table is not None and "^" not in box.status.value


def test_a_bad_query_is_a_sentence(filled: Lab) -> None:
    for query, said in (
        ("", "The query is empty"),
        ("#" + "x" * 10_000, "at most 10,000 characters, this one 10,001"),
        ("<script>alert(1)</script>", "&lt;script&gt;"),
        ("filter action = 'REJECT", "has no &#x27; at its end"),
    ):
        box = filled.widgets.insights(query)
        assert said in box.status.value and "<script>" not in box.status.value, said
        assert box.table is None, said


def test_html_in_records_is_shown_as_text(filled: Lab) -> None:
    box = filled.widgets.insights("stats count(*) as `<b>n</b>` by action | limit 1")
    assert "<b>" not in box.rows.value and "&lt;b&gt;n&lt;/b&gt;" in box.rows.value


def test_a_log_group_that_is_not_there(filled: Lab) -> None:
    box = filled.widgets.insights("stats count(*)", log_group="<i>none</i>")
    assert "There is no log group" in box.status.value and "<i>" not in box.status.value


def test_the_log_group_goes_while_the_box_is_open(lab: Lab) -> None:
    logs = lab.client("logs")
    logs.create_log_group(logGroupName=LOG_GROUP, tags={"Lab": "nimbus"})
    box = lab.widgets.insights("stats count(*) as n")
    assert box.table is not None
    logs.delete_log_group(logGroupName=LOG_GROUP)
    box.run.click()
    assert "There is no log group" in box.status.value and box.rows.value == ""
    logs.create_log_group(logGroupName=LOG_GROUP, tags={"Lab": "nimbus"})
    box.run.click()
    assert box.table is not None


def test_a_log_group_without_records_says_so(lab: Lab) -> None:
    lab.client("logs").create_log_group(logGroupName=LOG_GROUP, tags={"Lab": "nimbus"})
    assert "The log group has no records yet" in lab.widgets.insights("fields @message").status.value


def test_without_permission_to_list_queries_the_samples_are_there(lab: Lab) -> None:
    class Refusing:
        clock, insights = lab.clock, lab.insights

        def client(self, service: str) -> Any:
            raise LabError("You may not.")

    box = InsightsBox(Refusing(), None, LOG_GROUP)
    assert [name for name, _ in box.sample.options][1 : len(SAMPLES) + 1] == list(SAMPLES)
    assert "You may not." in box.sample.options[-1][0]


def test_a_query_that_is_no_text_is_refused(filled: Lab) -> None:
    for query in (5, ["stats count(*)"]):
        with pytest.raises(LabError, match="Give the query as text, and not"):
            filled.widgets.insights(query)
