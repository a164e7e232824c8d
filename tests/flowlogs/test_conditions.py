"""Conditions as people write them: what is no condition is answered with what to write, and what is one passes."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from labkit import flowlogs
from labkit.errors import QuestionError
from labkit.flowlogs import read

LINES = [
    "2 123456789012 eni-a 10.2.32.30 10.2.0.126 40000 443 6 5 4200 1764774316 1764774320 ACCEPT OK",
    "2 123456789012 eni-a 10.1.15.80 10.2.0.126 0 0 1 5 420 1764774316 1764774320 REJECT OK",
]

#: What a person writes, and what it should have been.
MENDED = {
    "srcaddr = 10.2.32.30": "srcaddr = '10.2.32.30'",
    "srcaddr in (10.2.32.30, '10.1.15.80')": "srcaddr in ('10.2.32.30', '10.1.15.80')",
    "dstaddr != fe80::1": "dstaddr != 'fe80::1'",
    "action = REJECT": "action = 'REJECT'",
    'action = "REJECT"': "action = 'REJECT'",
    "action = 'reject'": "action = 'REJECT'",
    "action REJECT": "action = 'REJECT'",
    "interface-id = eni-a": "interface_id = 'eni-a'",
    "logStatus = 'OK'": "log_status = 'OK'",
    "srcadr = '10.2.32.30'": "srcaddr = '10.2.32.30'",
    "port = 443": "dstport = 443",
    "protocol = tcp": "protocol = 6",
    "protocol in ('tcp', udp)": "protocol in (6, 17)",
    "dstport = https": "dstport = 443",
    "bytes > 1,000": "bytes > 1000",
    "start > 2025-12-03": "start > '2025-12-03'",
    "start > 2025-12-03 12:00 and start < 2025-12-03T16:00Z": (
        "start > '2025-12-03 12:00' and start < '2025-12-03T16:00Z'"
    ),
    "start > 1764774000": "start > to_timestamp(1764774000)",
    "end > '2025-12-03'": "\"end\" > '2025-12-03'",
    "dstport = 443 bytes > 100": "dstport = 443 AND bytes > 100",
    "dstport = 443, bytes > 100": "dstport = 443 AND bytes > 100",
    "dstport = 443 && bytes > 100": "dstport = 443 AND bytes > 100",
    "dstport = 443 || dstport = 0": "dstport = 443 OR dstport = 0",
    "dstport = 443 or 0": "dstport = 443 or dstport = 0",
    "action = REJECT or ACCEPT": "action = 'REJECT' or action = 'ACCEPT'",
    "bytes => 100": "bytes >= 100",
    "! dstport = 22": "NOT dstport = 22",
    "where dstport = 443": "dstport = 443",
    "srcaddr = 10.2.0.0/16": "srcaddr LIKE '10.2.%'",
    "srcaddr = '10.2.0.0/16'": "srcaddr LIKE '10.2.%'",
    "srcaddr = 10.2.*": "srcaddr LIKE '10.2.%'",
    "src = 10.2.32.30 && dst-port = 443": "srcaddr = '10.2.32.30' AND dstport = 443",
}  # fmt: skip


@pytest.mark.parametrize("written", MENDED)
def test_what_to_write_instead_is_said_and_works(written: str) -> None:
    records = read(LINES)
    with pytest.raises(QuestionError) as caught:
        flowlogs.top_talkers(records, where=written)
    said = str(caught.value)
    proposed = re.fullmatch(r'.* Write "(.*)"\.', said)
    assert proposed and proposed[1].replace('\\"', '"') == MENDED[written], said
    assert len(flowlogs.top_talkers(records, where=MENDED[written]))
    with pytest.raises(QuestionError, match=re.escape(said)):
        flowlogs.accepted_but_never_answered(flowlogs.scan(LINES), where=written)


@pytest.mark.parametrize(
    ("written", "why"),
    [
        ("bytes >", "Something is missing after >."),
        ("", "It is empty."),
        ("dstport", "records. It is a value of the type"),
        ("nope = 1", "The records have no column nope."),
        ("srcaddr = 'a", "A ' has no second one"),
        ("(dstport = 3", "A ( has no ) after it."),
        ("true) OR (true", "A ) has no ( before it."),
        ("dstport = 443; DROP TABLE records", "is no condition on these records"),
        ("dstport in 22, 443", "IN wants its values in parentheses"),
        ("start > 12:00", "12:00 has no date"),
        ("start > '12:00'", "12:00 has no date"),
        ("srcaddr = 10.2.16.0/20", "No address equals the range 10.2.16.0/20"),
        ("dstport = nonsense", "dstport is a number."),
        ("dstport ^^^ 3", "records. SQL has no ^^^ for this."),
        ("dstport = 443;", "records. DuckDB says: syntax error"),
    ],
)
def test_where_nothing_can_be_proposed_it_says_why_and_gives_an_example(written: str, why: str) -> None:
    with pytest.raises(QuestionError) as caught:
        flowlogs.top_talkers(read(LINES), where=written)
    assert why in str(caught.value)
    assert "Write one such as \"dstport = 443 AND srcaddr = '10.1.15.80'\"" in str(caught.value)


@pytest.mark.parametrize(
    "written",
    [
        # Another statement, clause or query.
        "true; DROP TABLE records", "true UNION SELECT 1", "true LIMIT 1", "true) FROM records WHERE (true", "true) --",
        "true) OR (true", "(SELECT true)", "EXISTS (FROM records)", "dstport IN (FROM read_csv('{file}'))",
        "dstport = ANY ([22])", "true QUALIFY true",
        # Functions that read, write, take long, or make much of little, and whatever is not known.
        "read_text('{file}') = 'a'", "getenv('HOME') <> ''", "current_setting('threads') > 1", "random() < 0.5",
        "repeat(srcaddr, 1000000000) = 'a'", "lpad(srcaddr, 1000000000, 'a') = 'a'", "range(1000000000)[1] = 1",
        "replace(srcaddr, '1', 'aaa') = 'a'", "error('a')", "count(*) > 3", "sum(bytes) OVER () > 1", "version() = 'a'",
        "list_filter([1], lambda x: x > 0) = [1]", "[x for x in [1]] = [1]", "srcaddr::INTEGER[1000000] IS NULL",
        "COLUMNS('bytes') > 1", "current_user = 'a'", "rowid = 1", "#1 = 2", "dstport = $1", "dstport = ?",
        "TRY(dstport = 1)", "dstport = 1 COLLATE nocase",
        # No text that SQL can be, and what would take a parser minutes.
        "(" * 5000, "dstport = 1 AND " * 10_000,
        "true\0", "srcaddr = '\ud800'", None, 443,
    ],
)  # fmt: skip
def test_what_does_more_than_compare_a_record_is_refused(written: Any, tmp_path: Path) -> None:
    file = tmp_path / "a.csv"
    file.write_text("22")
    where = written.format(file=file.as_posix()) if isinstance(written, str) else written
    for question in (flowlogs.top_talkers, flowlogs.accepted_but_never_answered):
        for records in (read(LINES), flowlogs.scan(LINES)):
            with pytest.raises(QuestionError, match="(?s)A condition (can|is|has)|Write one such as"):
                question(records, where=where)


@pytest.mark.parametrize(
    "written",
    [
        *MENDED.values(),
        "action == 'REJECT'", "lower(action) = 'reject'", "action LIKE 'REJ%'", "coalesce(action, 'none') <> 'none'",
        "bytes > 5 AND dstport BETWEEN 1 AND 500", "start BETWEEN '2025-12-03' AND '2025-12-04'",
        "CASE WHEN dstport = 443 THEN true ELSE false END", "start::date = '2025-12-03'", "bytes-packets > 1",
        "start > now() - INTERVAL '100 years'", "NOT (dstport = 22)", "dstport = '443'", "dstport IN [22, 443]",
        "srcaddr IS NOT NULL", '"end" > start', "srcaddr <> dstaddr", "bytes > 1e2", "true",
        "bytes > 1 -- many", "/* many */ bytes > 1", "dstport & 1 = 1 OR true",
        "extract(hour FROM start) = 15", "start > current_timestamp - INTERVAL 100000 DAY", "srcaddr SIMILAR TO '10.*'",
        "regexp_matches(srcaddr, '^10[.]')", "start > TIMESTAMP '2025-12-03'", "srcaddr || dstaddr <> ''",
    ],
)  # fmt: skip
def test_a_condition_passes_as_it_is(written: str) -> None:
    assert len(flowlogs.top_talkers(read(LINES), where=written))


def test_columns_that_the_format_lacks_can_be_asked_about() -> None:
    records = read(["10.1.15.80 10.2.0.126 420"], "${srcaddr} ${dstaddr} ${bytes}")
    assert flowlogs.top_talkers(records, where="interface_id = 'eni-a'").empty
    with pytest.raises(QuestionError, match="no column dstport"):
        flowlogs.top_talkers(records, where="dstport = 443")
