"""`labkit flows` on files in each shape, and on what goes wrong."""

from __future__ import annotations

import gzip
import io
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from labkit.cli import environment, flows, main
from labkit.flowlogs import read, write

PING = "2 123456789012 eni-a 10.1.15.80 10.2.0.126 0 0 1 5 420 1764774316 1764774320 ACCEPT OK"
WEB = "2 123456789012 eni-a 10.1.15.80 203.0.113.5 40000 443 6 9 1500 1764774316 1764774320 ACCEPT OK"
REPLY = "2 123456789012 eni-a 203.0.113.5 10.1.15.80 443 40000 6 9 91500 1764774316 1764774320 ACCEPT OK"
LINES = [PING, WEB, REPLY]


def answer(*arguments: str) -> int:
    return flows.run(flows.parse(list(arguments)))


@pytest.fixture
def log(tmp_path: Path) -> str:
    (tmp_path / "a.log").write_text("\n".join(LINES))
    return str(tmp_path / "a.log")


def test_it_lists_the_pairs_with_the_most_bytes(log: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert answer(log, "--top", "2") == 0
    assert [line.split() for line in capsys.readouterr().out.splitlines()] == [
        ["srcaddr", "dstaddr", "packets", "bytes"],
        ["203.0.113.5", "10.1.15.80", "9", "91,500"],
        ["10.1.15.80", "203.0.113.5", "9", "1,500"],
    ]


def test_it_finds_what_was_accepted_and_never_answered(log: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert answer(log, "--unanswered", "--json") == 0
    (row,) = map(json.loads, capsys.readouterr().out.splitlines())
    assert (row["interface_id"], row["srcaddr"], row["dstaddr"]) == ("eni-a", "10.1.15.80", "10.2.0.126")
    assert row["first"].startswith("2025-12-03T15:05:16")


def test_a_condition_narrows_the_records(log: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert answer(log, "--where", "dstport = 443 AND bytes > 1000", "--csv") == 0
    assert capsys.readouterr().out.splitlines() == ["srcaddr,dstaddr,packets,bytes", "10.1.15.80,203.0.113.5,9,1500"]
    assert answer(log, "--where", "dstport = 444") == 0
    assert capsys.readouterr().out == "No record fits.\n"


def test_an_empty_path_is_not_the_working_directory(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        answer("")
    assert "a path is empty, as where a variable of the shell is not set" in capsys.readouterr().err


def test_a_format_can_be_given(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "b.log").write_text("10.1.15.80 10.2.0.126 420\n")
    assert answer(str(tmp_path / "b.log"), "--format", "${srcaddr} ${dstaddr} ${bytes}", "--csv") == 0
    assert capsys.readouterr().out.splitlines()[1] == "10.1.15.80,10.2.0.126,,420"


def test_a_file_in_each_shape_and_standard_input(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "a.json").write_text(json.dumps({"events": [{"message": line} for line in LINES]}))
    for name in ("a.log", "a.log.gz", "a.parquet"):
        write(read(LINES), tmp_path / name)
    packed = gzip.compress("\n".join(LINES).encode())
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(packed)))
    for path in (*tmp_path.iterdir(), "-"):
        assert answer(str(path), "--csv") == 0
        assert capsys.readouterr().out.splitlines()[1] == "203.0.113.5,10.1.15.80,9,91500", path


def test_lines_that_do_not_fit_are_told_and_the_others_counted(log: str, capsys: pytest.CaptureFixture[str]) -> None:
    Path(log).write_text("\n".join([*LINES, "one", "two"]))
    assert answer(log, "--csv") == 1
    out, err = capsys.readouterr()
    assert "91500" in out
    assert "line 4: it has 1 field" in err
    assert "2 lines don't fit the format and were left out." in err


def test_what_can_not_be_read_is_a_sentence(
    log: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(environment, "ensure", lambda: None)
    for arguments, reason in (
        (["absent.log"], "There is no file absent.log."),
        ([log, "--where", "nope = 1"], "no column nope."),
        ([log, "--where", "srcaddr = 10.2.32.30"], "wants single quotes. Write \"srcaddr = '10.2.32.30'\"."),
        ([log, "--unanswered", "--where", "action = REJECT"], "Write \"action = 'REJECT'\"."),
        ([log, "--format", "${srcadr}"], "Did you mean srcaddr"),
        ([log, "--format", "${srcaddr} ${dstaddr} ${bytes}"], "They fit this format: pass format="),
    ):
        assert main(["flows", *arguments]) == 1
        error = capsys.readouterr().err
        assert error.startswith("labkit: ") and reason in error


def test_an_output_that_lacks_a_letter_gets_an_escape(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    record = read([WEB]).assign(srcaddr="é")
    record.to_parquet(tmp_path / "a.parquet")
    screen = io.TextIOWrapper(io.BytesIO(), "ascii")
    monkeypatch.setattr(sys, "stdout", screen)
    assert answer(str(tmp_path / "a.parquet"), "--csv") == 0
    assert b"\\xe9,203.0.113.5" in screen.buffer.getvalue()


def test_wrong_usage_is_2() -> None:
    for arguments in ([], ["a.log", "--top", "none"], ["a.log", "--json", "--csv"]):
        with pytest.raises(SystemExit) as caught:
            main(["flows", *arguments])
        assert caught.value.code == 2


def test_long_work_shows_a_bar_in_a_terminal_only(monkeypatch: pytest.MonkeyPatch, log: str) -> None:
    for terminal in (True, False):
        screen = io.StringIO()
        monkeypatch.setattr(screen, "isatty", lambda terminal=terminal: terminal)
        monkeypatch.setattr(sys, "stderr", screen)
        monkeypatch.setattr(flows, "QUIET_SECONDS", 0)
        assert answer(log) == 0
        assert ("[########################]" in screen.getvalue()) is terminal


def test_a_reader_that_goes_away_is_no_error(log: str) -> None:
    line = [sys.executable, "-m", "labkit", "flows", log]
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    with subprocess.Popen(line, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment) as child:
        assert child.stdout and child.stderr
        child.stdout.close()
        assert b"Traceback" not in child.stderr.read()
