"""Questions and names, on cases whose answers can be worked out by hand."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import product
from pathlib import Path
from random import Random
from typing import Any

import pandas as pd
import pytest

from labkit import flowlogs
from labkit.flowlogs import read, scan

T = 1764774316
QUESTIONS: list[Callable[..., pd.DataFrame]] = [flowlogs.top_talkers, flowlogs.accepted_but_never_answered]


def line(
    eni: str, src: str, dst: str, start: int = T, action: str = "ACCEPT", ports: str = "0 0 1", n: int = 4,
    seconds: int = 10,
) -> str:  # fmt: skip
    return f"2 123456789012 {eni} {src} {dst} {ports} {n} {n * 84} {start} {start + seconds} {action} OK"


A, B = "10.1.15.80", "10.2.0.126"
BOTH_SIDES = [line("eni-a", A, B), line("eni-a", B, A), line("eni-b", A, B), line("eni-b", B, A)]


def test_windows_of_a_flow_are_added_up_and_an_exchange_that_both_sides_logged_counts_once_unless_asked() -> None:
    windows = [line("eni-a", A, B, T + 60 * k) for k in range(3)]
    assert flowlogs.top_talkers(read(windows))["packets"].tolist() == [12]
    assert flowlogs.top_talkers(read(BOTH_SIDES))["packets"].tolist() == [4, 4]
    assert flowlogs.top_talkers(read(BOTH_SIDES), each_side=True)["packets"].tolist() == [8, 8]


def test_nodata_takes_part_in_no_answer() -> None:
    table = read([*BOTH_SIDES, "2 123456789010 eni-1235b8ca123456789 - - - - - - - 1431280876 1431280934 - NODATA"])
    for question in QUESTIONS:
        pd.testing.assert_frame_equal(question(table), question(read(BOTH_SIDES)))


# --- accepted, but never answered


def unanswered(lines: list[str], **options: Any) -> list[list[Any]]:
    found = flowlogs.accepted_but_never_answered(read(lines), **options)
    return found[["interface_id", "srcaddr", "packets"]].values.tolist()


def test_no_route_shows_at_the_sender_only_whether_there_or_back_and_an_answered_ping_does_not() -> None:
    there, at_target, back = line("eni-a", A, B), line("eni-b", A, B), line("eni-b", B, A)
    for lines in ([there], [there, at_target, back]):
        assert unanswered(lines) == [["eni-a", A, 4]]
    assert unanswered(BOTH_SIDES) == []


def test_awss_own_example_where_the_network_acl_rejects_the_reply_is_found_at_the_target() -> None:
    # https://docs.aws.amazon.com/vpc/latest/userguide/flow-logs-records-examples.html#flow-log-example-security-groups
    start = "2 123456789010 eni-1235b8ca123456789 "
    lines = [
        start + "203.0.113.12 172.31.16.139 0 0 1 4 336 1432917027 1432917142 ACCEPT OK",
        start + "172.31.16.139 203.0.113.12 0 0 1 4 336 1432917094 1432917142 REJECT OK",
    ]
    assert unanswered(lines) == [["eni-1235b8ca123456789", "203.0.113.12", 4]]


def test_a_ping_that_failed_is_found_though_a_later_one_succeeded_and_not_one_that_was_rejected() -> None:
    later = [line("eni-a", A, B, T + 600), line("eni-a", B, A, T + 600)]
    assert unanswered([line("eni-a", A, B), *later]) == [["eni-a", A, 4]]
    assert unanswered([line("eni-a", A, B, action="REJECT")]) == []


def test_a_reply_in_the_next_window_is_a_reply_and_patience_says_how_far_that_is() -> None:
    lines = [line("eni-a", A, B, T), line("eni-a", B, A, T + 60)]
    assert unanswered(lines) == []
    assert [row[1] for row in unanswered(lines, patience="5 seconds")] == [A, B]


@pytest.mark.parametrize("seconds", [60, 59, 55, 600])
def test_where_records_of_an_interval_share_its_bounds_a_reply_is_at_most_one_interval_away(seconds: int) -> None:
    """Intervals follow each other: 60 s as in the original lab, or some seconds less, as in AWS's example of NODATA."""
    each = 600 if seconds == 600 else 60
    for intervals, answered in ((-2, False), (-1, True), (0, True), (1, True), (2, False)):
        request = line("eni-a", A, B, seconds=seconds)
        reply = line("eni-a", B, A, T + intervals * each, seconds=seconds)
        assert unanswered([request, reply], where=f"srcaddr = '{A}'") == ([] if answered else [["eni-a", A, 4]])


def test_a_reply_comes_from_the_port_that_was_asked() -> None:
    asked = line("eni-a", A, B, ports="40000 443 6")
    assert unanswered([asked, line("eni-a", B, A, ports="443 40000 6")]) == []
    assert len(unanswered([asked, line("eni-a", B, A, ports="443 40001 6")])) == 2


def test_a_condition_narrows_the_requests_and_not_the_replies_and_the_most_rows_can_be_chosen() -> None:
    lines = [line("eni-a", A, B, ports="40000 443 6"), line("eni-a", B, A, ports="443 40000 6"), line("eni-a", A, B)]
    assert unanswered(lines, where="dstport = 443") == []
    assert unanswered(lines, where="protocol = 1") == [["eni-a", A, 4]]
    assert unanswered([line("eni-a", A, B, n=2), line("eni-b", A, B, n=3)], n=1) == [["eni-b", A, 3]]


# --- names


def test_services_are_named_by_the_lower_port_that_has_a_name_and_interfaces_by_their_ids() -> None:
    ports = ["40000 443 6", "443 40000 6", "53 123 17", "40000 40001 6", "0 0 1", "8080 22 6"]
    table = flowlogs.with_services(read([line("eni-a", A, B, ports=one) for one in ports]))
    assert table["service"].fillna("").tolist() == ["https", "https", "domain", "", "", "ssh"]
    # Interfaces that are not known have no name.
    table = flowlogs.with_interface_names(read(BOTH_SIDES), {"eni-a": "one"})
    assert table["interface_name"].fillna("").tolist() == ["one", "one", "", ""]


# --- any table, and any stream


def some_records(count: int) -> list[str]:
    random = Random(1)
    addresses = [f"10.{n}.0.{m}" for n, m in product(range(3), range(1, 5))]
    found = []
    for _ in range(count):
        source, target = random.sample(addresses, 2)
        eni = f"eni-{random.choice([source, target])}"
        ports = f"{random.choice([443, 22, 40000])} {random.choice([443, 40001])} 6"
        action = random.choice(["ACCEPT", "ACCEPT", "REJECT"])
        found.append(line(eni, source, target, T + random.randrange(3600), action, ports, random.randrange(1, 9)))
    return found


def test_a_stream_of_many_blocks_gives_the_answer_that_the_whole_table_gives(monkeypatch: pytest.MonkeyPatch) -> None:
    lines = some_records(3000)
    wholes = [question(read(lines)) for question in QUESTIONS]
    monkeypatch.setattr("labkit.flowlogs.stream.BLOCK", 10_000)
    monkeypatch.setattr("labkit.flowlogs.sources.FIRST", 10_000)
    monkeypatch.setattr("labkit.flowlogs.sources.CHUNK", 1_000)
    for question, whole in zip(QUESTIONS, wholes, strict=True):
        assert len(whole)
        pd.testing.assert_frame_equal(question(scan(lines)), whole)


def test_top_talkers_are_those_that_plain_python_counts() -> None:
    sums: dict[tuple[str, str, str], int] = {}
    for one in some_records(3000):
        words = one.split()
        key = (words[3], words[4], words[2])
        sums[key] = sums.get(key, 0) + int(words[9])
    pairs: dict[tuple[str, str], int] = {}
    for (source, target, _), count in sums.items():
        pairs[source, target] = max(pairs.get((source, target), 0), count)
    best = sorted(pairs.items(), key=lambda item: (-item[1], item[0]))[:10]
    found = flowlogs.top_talkers(read(some_records(3000)))
    assert found[["srcaddr", "dstaddr", "bytes"]].values.tolist() == [[*pair, count] for pair, count in best]


def test_a_question_about_a_column_that_is_not_there_names_it() -> None:
    with pytest.raises(flowlogs.QuestionError, match="no column bytes, which the question needs; they have srcaddr"):
        flowlogs.ask(read(["srcaddr", A]), "SELECT sum(bytes) FROM records")


@pytest.mark.parametrize(
    "sql",
    [
        "FROM read_text('{file}')", "FROM '{file}'", "COPY (SELECT 1) TO '{file}'", "FROM glob('{folder}/*')",
        "ATTACH '{file}.db'", "FROM read_csv('https://example.com/a.csv')", "INSTALL httpfs", "LOAD httpfs",
        "SET memory_limit = '1TB'", "SET enable_external_access = true", "FROM a_variable_of_python",
    ],
)  # fmt: skip
def test_a_question_reaches_no_file_no_network_no_extension_and_no_variable(sql: str, tmp_path: Path) -> None:
    file = tmp_path / "secret.csv"
    file.write_text("1")
    a_variable_of_python = pd.DataFrame({"a": [1]})
    for records in (read(BOTH_SIDES), scan(BOTH_SIDES)):
        with pytest.raises(flowlogs.QuestionError):
            flowlogs.ask(records, sql.format(file=file.as_posix(), folder=tmp_path.as_posix()))
    assert len(a_variable_of_python) == 1
    assert file.read_text() == "1" and list(tmp_path.iterdir()) == [file]


def test_only_one_place_opens_a_database() -> None:
    """All that a database may not do is said there; a function of the module `duckdb` itself would open another."""
    opens = re.compile(r"\bduckdb\.(connect|sql|query|execute|read_\w+|from_\w+)\b")
    sources = (Path(__file__).parents[2] / "labkit").rglob("*.py")
    assert [path.name for path in sources if opens.search(path.read_text(encoding="utf-8"))] == ["duck.py"]


def test_a_fault_in_a_stream_is_told_as_in_a_read() -> None:
    with pytest.raises(flowlogs.FlowLogFormatError, match="the lines, line 1: it has 3 fields"):
        flowlogs.top_talkers(scan(["not a record"]))


def test_questions_asked_side_by_side_do_not_meet() -> None:
    """They share one database, and each its own table `records`."""
    sizes = range(1, 9)
    streams = [scan([line("eni-a", A, B, n=n)] * 1000) for n in sizes]
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(flowlogs.top_talkers, streams))
    assert [table["packets"].tolist() for table in found] == [[1000 * n] for n in sizes]
    # One that is asked while another is answered: here, from within its source.
    outer = scan(
        line("eni-a", A, B, n=int(flowlogs.top_talkers(read([line("eni-b", B, A, n=n)]))["packets"][0])) for n in sizes
    )
    assert flowlogs.top_talkers(outer)["packets"].tolist() == [sum(sizes)]


def test_questions_leave_nothing_behind_when_python_ends(tmp_path: Path) -> None:
    code = f"""
from labkit.flowlogs import read, scan, top_talkers
lines = [{line("eni-a", A, B)!r}]
print(len(top_talkers(read(lines))), len(top_talkers(scan(lines))))
"""
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "TMPDIR": str(tmp_path), "TEMP": str(tmp_path), "TMP": str(tmp_path)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert (done.stdout, done.stderr) == ("1 1\n", "")
    assert list(tmp_path.iterdir()) == []
