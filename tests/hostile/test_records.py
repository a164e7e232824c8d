"""Files of records that are damaged, odd or made to fill the memory: each is read, or refused with a sentence."""

from __future__ import annotations

import gzip
import io
import json
import os
import random
import sys
from itertools import product
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from labkit import flowlogs
from labkit.cli import environment, main
from labkit.errors import FlowLogFormatError, QuestionError
from tests.hostile.fuzzing import ODD_VALUES, SOAK, Outcomes, mutate_bytes, mutate_json

LINE = "2 123456789012 eni-a 10.1.15.80 10.2.0.126 0 0 1 5 420 1764774316 1764774320 ACCEPT OK"
LINES = [LINE, LINE.replace("ACCEPT", "REJECT"), "2 123456789012 eni-a - - - - - - - 1764774316 1764774320 - NODATA"]
EVENTS = {"events": [{"message": line, "timestamp": 1764774316000} for line in LINES], "nextToken": "a"}
TEXT = "\n".join(LINES).encode() + b"\n"
HEADED = " ".join(flowlogs.Format.parse(flowlogs.DEFAULT_FORMAT).names).encode() + b"\n" + TEXT


def parquet(table: pa.Table, **options: Any) -> bytes:
    sink = io.BytesIO()
    pq.write_table(table, sink, **options)
    return sink.getvalue()


KINDS = {
    "plain.log": TEXT,
    "headed.log": HEADED,
    "packed.log.gz": gzip.compress(HEADED, mtime=0),
    "packed.zst": pa.compress(TEXT, "zstd", asbytes=True),
    "some.parquet": parquet(pa.Table.from_pandas(flowlogs.read(LINES), preserve_index=False)),
    "page.json": json.dumps(EVENTS).encode(),
}


def ask(source: Any, **options: Any) -> None:
    """Read a source in each way."""
    bad: list[flowlogs.BadLine] = []
    try:
        flowlogs.top_talkers(flowlogs.scan(source, bad=bad, **options))
    finally:
        assert all(str(line) for line in bad)
    flowlogs.read(source, **options)


@pytest.mark.parametrize("kind", KINDS)
def test_mutated_records(kind: str, outcomes: Outcomes, tmp_path: Path) -> None:
    rng = random.Random(kind)
    for number in range(60 * SOAK):
        path = tmp_path / f"{number % 100}{kind}"
        path.write_bytes(mutate_bytes(rng, KINDS[kind]))
        with outcomes.of(path.read_bytes()):
            ask(path)


def test_mutated_events(outcomes: Outcomes, tmp_path: Path) -> None:
    rng = random.Random(1)
    for number in range(150 * SOAK):
        events = mutate_json(rng, EVENTS)
        with outcomes.of(events):
            flowlogs.read(events)
        path = tmp_path / f"{number % 100}.json"
        path.write_text(json.dumps(events))
        with outcomes.of(path.read_text()):
            ask(path)


@pytest.mark.parametrize("number", range(4))
def test_mutated_parquet_columns(number: int, outcomes: Outcomes, tmp_path: Path) -> None:
    """Columns of any type in place of AWS's."""
    rng = random.Random(number)
    columns = [
        pa.array([1]), pa.array([2**64 - 1], pa.uint64()), pa.array([-1]), pa.array([1.5]), pa.array(["0x1ff"]),
        pa.array([True]), pa.array([[1]]), pa.array([{"a": 1}]), pa.array([b"\xff"]), pa.array([None]),
        pa.array(["\x1b[2J"]), pa.array([2**60], pa.timestamp("us")), pa.array(["x" * 100_000]),
        pa.array(["a"]).dictionary_encode(), pa.array(["a"], pa.large_string()), pa.array([2**40]),
        pa.array([1], pa.date32()), pa.array([1], pa.decimal128(20)),
    ]  # fmt: skip
    names = [*flowlogs.Format.parse(flowlogs.DEFAULT_FORMAT).columns, "", '"', "(", "day", "SRCADDR", "a b", "records"]
    for at in range(40 * SOAK):
        chosen = rng.sample(names, rng.randint(0, 6))
        table = pa.table([rng.choice(columns) for _ in chosen], names=chosen)
        path = tmp_path / f"{at % 100}.parquet"
        path.write_bytes(parquet(table))
        with outcomes.of(table.schema):
            ask(path)


unix = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such files and names")


@unix
def test_odd_files(outcomes: Outcomes, tmp_path: Path) -> None:
    (tmp_path / "loop.log").symlink_to(tmp_path / "loop.log")
    (tmp_path / "nowhere.log").symlink_to(tmp_path / "absent")
    (tmp_path / "folder.log").mkdir()
    (tmp_path / "name.parquet").write_bytes(KINDS["some.parquet"].replace(b"srcaddr", b"src\xffddr"))
    if hasattr(os, "mkfifo"):
        os.mkfifo(tmp_path / "pipe.log")
    month = tmp_path / "123456789012/vpcflowlogs/us-east-1/2025/13/99"
    month.mkdir(parents=True)
    (month / "a.log").write_bytes(TEXT)
    paths = [*tmp_path.iterdir(), month / "a.log", month / "absent" / "*", Path("/dev/zero"), Path("/dev/full")]
    for path in [*paths, "x" * 5000, "a\0.log", "[", "**" * 100, "?" * 300]:
        with outcomes.of(path):
            ask(path)


def test_parquet_with_more_columns_than_any_record_is_refused(tmp_path: Path) -> None:
    pq.write_table(pa.table({f"c{number}": [1] for number in range(600)}), tmp_path / "wide.parquet")
    with pytest.raises(FlowLogFormatError, match="600 columns"):
        flowlogs.read(tmp_path / "wide.parquet")


def test_a_long_condition_is_not_said_again_in_whole() -> None:
    with pytest.raises(QuestionError) as refused:
        flowlogs.top_talkers(flowlogs.read(LINES), where="not " * 20_000 + "true")
    assert len(str(refused.value)) < 1000


@unix
def test_nothing_in_a_file_or_its_name_acts_on_a_terminal(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(environment, "ensure", lambda: None)
    escape = "\x1b]0;gone\x07\u202e\x9b2J"
    text = tmp_path / f"a{escape}\n.log"
    text.write_text(f"{LINE}\n{escape} {LINE}\n{LINE.replace('eni-a', f'eni-{escape}')}\n")
    words = tmp_path / "words.parquet"
    record = flowlogs.read([LINE]).assign(srcaddr=escape, interface_id=escape)
    words.write_bytes(parquet(pa.Table.from_pandas(record, preserve_index=False)))
    for path, way in product((text, words, tmp_path / f"{escape}.log"), ([], ["--unanswered"], ["--csv"], ["--json"])):
        main(["flows", str(path), *way])
        told = "".join(capsys.readouterr())
        assert told and all(sign.isprintable() or sign == "\n" for sign in told)


def test_odd_sources_and_formats(outcomes: Outcomes) -> None:
    sources = [
        *ODD_VALUES,
        b"bytes",
        5.5,
        object(),
        10**5000,
        [10**5000],
        *([value, LINE] for value in ODD_VALUES),
        *([v] for v in ODD_VALUES),
    ]
    for source in sources:
        with outcomes.of(source):
            ask(source)
    for value in [
        *ODD_VALUES,
        *({"LogFormat": value} for value in ODD_VALUES),
        "${srcaddr}" * 2,
        "${}",
        "$",
        "srcaddr " * 9,
    ]:
        with outcomes.of(value):
            ask(LINES, format=value)


def test_odd_questions(outcomes: Outcomes) -> None:
    rng = random.Random(2)
    wheres = [
        "dstport = 443 AND srcaddr = '10.1.15.80'",
        "start > '2025-12-03' OR NOT (bytes IN (1, 2))",
        "action = DENY",
    ]
    odd = [mutate_bytes(rng, rng.choice(wheres).encode()).decode(errors="replace") for _ in range(150 * SOAK)]
    records = flowlogs.read(LINES)
    for where in [*odd, *ODD_VALUES]:
        with outcomes.of(where):
            flowlogs.top_talkers(records, where=where)
    sqls = ["SELECT srcaddr, bytes / packets FROM records WHERE action = 'ACCEPT'", "", ";", "DROP VIEW records", "--"]
    for value in [*ODD_VALUES, -1, 2**70, 10**5000]:
        with outcomes.of({"n": value}):
            flowlogs.top_talkers(records, n=value)
        with outcomes.of({"patience": value}):
            flowlogs.accepted_but_never_answered(records, patience=value, n=value)
        with outcomes.of({"sql": value}):
            flowlogs.ask(records, value)
        with outcomes.of({"parameter": value}):
            flowlogs.ask(records, "SELECT $a AS a", a=value)
        with outcomes.of({"line": value}):
            flowlogs.explain(value)
    for sql in [*sqls, *(mutate_bytes(rng, sqls[0].encode()).decode(errors="replace") for _ in range(100 * SOAK))]:
        with outcomes.of(sql):
            flowlogs.ask(records, sql)


@pytest.mark.parametrize("kind", KINDS)
def test_mutated_records_at_the_command_line(
    kind: str, outcomes: Outcomes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(environment, "ensure", lambda: None)
    rng = random.Random(f"{kind} at the command line")
    for number in range(20 * SOAK):
        path = tmp_path / f"{number % 100}{kind}"
        path.write_bytes(mutate_bytes(rng, KINDS[kind]))
        with outcomes.of(path.read_bytes()):
            assert main(["flows", str(path), *rng.choice([[], ["--unanswered"], ["--json"], ["--csv"]])]) in (0, 1)
            told = "".join(capsys.readouterr())
            assert told and all(sign.isprintable() or sign == "\n" for sign in told)
