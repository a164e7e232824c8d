"""Progress files that anybody may have written, in strange places, or locked: a sentence, and the lesson goes on."""

from __future__ import annotations

import json
import os
import random
import signal
import stat
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from labkit.cli import main
from labkit.cli.progress import report, table
from labkit.errors import LabError, ProgressError
from labkit.learn import bookmark, progress
from labkit.learn.chapters import CHAPTERS
from labkit.learn.notebooks import Notebook
from labkit.learn.student_copy import fingerprint, student_copy
from tests.hostile.fuzzing import SOAK, Outcomes, mutate_bytes, mutate_json

ITEMS = [item.id for chapter in CHAPTERS.values() for item in chapter.items()]


def good() -> dict[str, Any]:
    """The JSON of a whole progress file."""
    items: dict[str, Any] = {}
    for id in ITEMS:
        progress.add(items, id, passed=True, hint=True, **({"answer": "b"} if id.startswith("quiz") else {}))
    progress.add(items, "check:subnets", passed=True, half="vpc-1")
    return {"schema": 1, "labkit": "1", "items": items}


@pytest.fixture
def file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    path = tmp_path / "mine.json"
    monkeypatch.setenv("LABKIT_PROGRESS", str(path))
    monkeypatch.setattr(progress, "PATIENCE_SECONDS", 0.1)
    return path


# Hand-ins


def put(path: Path, **fields: Any) -> None:
    """Write a whole file in which one item has other fields."""
    found = good()
    found["items"]["check:vpcs"] |= fields
    path.write_text(json.dumps(found))


def ahead(days: float) -> str:
    return (datetime.now(UTC) + timedelta(days=days)).strftime("%Y-%m-%dT%H:%M:%SZ")


FIELDS: tuple[tuple[str, Any], ...] = (
    ("score", 1000), ("score", -1), ("score", True), ("score", 1.0), ("score", "1"), ("score", None), ("score", 0),
    ("max_score", "1"), ("max_score", 48), ("max_score", 0), ("max_score", True), ("attempts", -1), ("attempts", "3"),
    ("attempts", 10**9), ("attempts", float("nan")), ("attempts", False), ("hints", 1e400),
    ("hints", [1]), ("solution", 1), ("solution", "yes"), ("first", "yesterday"), ("first", "2025-12-04T12:00:00"),
    ("first", "2025-12-04T12:00:00+01:00"), ("last", "2999-12-04T12:00:00Z"), ("last", 5), ("passed", None),
    ("passed", "\x1b[2J"),
    ("passed", "2025-13-04T12:00:00Z"), ("passed", "٢025-12-04T12:00:00Z"), ("answer", "g"), ("answer", "\x1b]0;x\x07"),
    ("answer", {}), ("halves", ["vpc-3"]), ("halves", "vpc-1"), ("halves", ["vpc-1", "vpc-1"]), ("halves", [[]]),
    ("name", "Ada"), ("\x1b[31m", 1),
)  # fmt: skip


@pytest.mark.parametrize(("key", "value"), FIELDS, ids=lambda each: ascii(each)[:30])
def test_what_labkit_does_not_write_is_refused(
    file: Path, capsys: pytest.CaptureFixture[str], key: str, value: Any
) -> None:
    put(file, **{key: value})
    refused(file, capsys)


WHOLE = {
    "empty": b"", "brackets": b"[" * 100_000, "objects": b'{"a":' * 100_000, "quotes": b'"' + b'\\"' * 400_000,
    "a byte order mark": b"\xef\xbb\xbf" + json.dumps(good()).encode(), "UTF-16": json.dumps(good()).encode("utf-16"),
    "not UTF-8": b'{"schema": 1, "items": {}, "labkit": "\xff"}', "NUL": b"\0" * 1000, "a list": b"[]",
    "another version": b'{"schema": 2, "items": {}}', "a version in quotes": b'{"schema": "1", "items": {}}',
    "true for 1": b'{"schema": true, "items": {}}', "no items": b'{"schema": 1}',
    "NaN": b'{"schema": NaN, "items": {}}',
    "Infinity": b'{"schema": 1, "items": {}, "labkit": Infinity}', "a key twice": b'{"schema":1,"schema":1,"items":{}}',
    "an item twice": b'{"schema": 1, "items": {"check:vpcs": {}, "check:vpcs": {}}}',
    "a list of items": b'{"schema": 1, "items": [{"score": 1}]}', "an item in an item":
    b'{"schema": 1, "items": {"check:vpcs": {"check:subnets": {}}}}', "a list for an item":
    b'{"schema": 1, "items": {"check:vpcs": []}}', "a newline in an id": b'{"schema": 1, "items": {"check:v\\n": {}}}',
    "an escape in an id": b'{"schema": 1, "items": {"check:\\u001b[2J": {}}}', "HTML in an id":
    b'{"schema": 1, "items": {"check:<script>": {}}}', "an id of another kind": b'{"schema": 1, "items": {"x": {}}}',
    "digits": b'{"schema": 1' + b"0" * 10_000 + b"}", "a surrogate":
    b'{"schema": 1, "items": {"check:\\ud800": {}}}', "too large": b" " * 2_000_000,
}  # fmt: skip


@pytest.mark.parametrize("data", WHOLE.values(), ids=WHOLE)
def test_a_file_that_is_broken_as_a_whole_is_refused(
    file: Path, capsys: pytest.CaptureFixture[str], data: bytes
) -> None:
    file.write_bytes(data)
    refused(file, capsys)


def refused(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The command, a grader's command and a lesson say in one sentence why they can't read the file, and leave it."""
    before = file.read_bytes()
    for arguments in (["progress", str(file)], ["progress", str(file), "--json"]):
        assert main(arguments) == 1
        said = capsys.readouterr()
        assert said.out == "" and said.err.startswith("labkit: mine.json is not a progress file that labkit")
        assert said.err.rstrip("\n").isprintable() and len(said.err) < 400
    assert progress.record("check:vpcs", passed=True).startswith("Not kept: mine.json is not a progress file")
    assert file.read_bytes() == before


def test_a_file_of_a_gigabyte_is_not_read(file: Path) -> None:
    with file.open("wb") as made:
        made.truncate(10**9)
    with pytest.raises(ProgressError, match="larger than 1,000,000 bytes"):
        progress.read(file)


def test_a_name_that_a_terminal_obeys_is_shown_as_text(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "a\x1b[2J.json").write_text("{")
    for name in ("a\x1b[2J.json", "b\x1b[2J.json", "\udcff.json"):
        assert main(["progress", str(tmp_path / name)]) == 1
        assert capsys.readouterr().err.rstrip("\n").isprintable()


def test_items_of_another_course_are_named_and_count_nothing(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = good()
    found["items"]["exercise:99.1"] = found["items"]["check:vpcs"]
    file.write_text(json.dumps(found))
    assert main(["progress", "--json"]) == 0
    said = capsys.readouterr()
    assert json.loads(said.out)["score"] == len(ITEMS) and said.err == "labkit: This course has no exercise:99.1.\n"


def test_a_clock_may_be_a_little_ahead(file: Path) -> None:
    put(file, last=ahead(0.5))
    assert progress.read(file)


def look(path: Path) -> None:
    """Read a hand-in as the commands do: what is accepted can be shown, and is no more than the course has."""
    done = progress.read(path)
    score = report(done)
    assert 0 <= score["score"] <= score["max_score"] == len(ITEMS)
    assert all(line.isprintable() for line in table(done).splitlines())
    json.dumps(score, allow_nan=False)


def test_mutated_progress_files(outcomes: Outcomes, tmp_path: Path) -> None:
    rng, whole, path = random.Random(14), good(), tmp_path / "handed-in.json"
    data = json.dumps(whole, indent=1).encode()
    for _ in range(300 * SOAK):
        made = json.dumps(mutate_json(rng, whole)).encode()
        for given in (made, mutate_bytes(rng, data)):
            path.write_bytes(given)
            with outcomes.of(given):
                look(path)


# A place in which no file can be


def in_a_strange_place(file: Path, kind: str) -> None:
    """Put something else where the file should be, or a file that is needed to write it."""
    if kind == "directory":
        file.mkdir()
    elif kind == "pipe":
        os.mkfifo(file)
    elif kind == "link loop":
        file.symlink_to(file)
    elif kind == "link to a folder that is gone":
        file.symlink_to(file.parent / "gone" / "mine.json")
    elif kind == "device":
        file.symlink_to("/dev/zero")
    elif kind == "pipe for a lock":
        os.mkfifo(file.with_name(".mine.json.lock"))
    else:
        file.with_name(".mine.json.new").mkdir()


def modes(folder: Path) -> dict[str, int]:
    return {path.name: path.lstat().st_mode for path in folder.iterdir()}


STRANGE = ("directory", "pipe", "link loop", "link to a folder that is gone", "device", "pipe for a lock", "draft")


@pytest.mark.skipif(sys.platform == "win32", reason="the places are those of POSIX")
@pytest.mark.parametrize("kind", STRANGE)
def test_a_strange_place_is_a_sentence_and_nothing_is_changed(file: Path, kind: str) -> None:
    in_a_strange_place(file, kind)
    before = modes(file.parent)
    said = progress.record("check:vpcs", passed=True)
    assert said.startswith("Not kept") and said.endswith((".", ").")) and "Errno" not in said
    assert {**modes(file.parent), **before} == modes(file.parent)
    bookmark.keep("04", "04-07")  # says nothing, and does not wait


@pytest.mark.skipif(sys.platform == "win32", reason="the places are those of POSIX")
def test_only_a_file_is_renamed_to_start_over(file: Path) -> None:
    file.symlink_to("/dev/null")
    with pytest.raises(ProgressError, match="null is not a file"):
        progress.reset(file)
    assert Path("/dev/null").is_char_device() and not Path("/dev/.null.lock").exists()


@pytest.mark.skipif(sys.platform == "win32", reason="modes and links of POSIX")
@pytest.mark.parametrize("mode", [0o600, 0o640, 0o644, 0o664])
def test_the_mode_and_the_link_are_kept(file: Path, mode: int) -> None:
    real = file.with_name("elsewhere") / "kept.json"
    real.parent.mkdir()
    file.symlink_to(real)
    assert progress.record("check:vpcs", passed=True) == ""
    real.chmod(mode)
    assert progress.record("check:subnets", passed=True) == ""
    assert file.is_symlink() and stat.S_IMODE(real.stat().st_mode) == mode
    assert len(progress.read(file)) == 2 and [path.name for path in file.parent.glob("*")].count("mine.json") == 1
    aside = progress.reset(file)
    assert aside == real.with_name("kept.1.json") and file.is_symlink()


# A lock that another process holds

HOLD = """
import sys, time
from pathlib import Path
from labkit.machine import locked
with locked(Path(sys.argv[1])):
    print("held", flush=True)
    time.sleep(600)
"""


@contextmanager
def holding(lock: Path) -> Iterator[subprocess.Popen[str]]:
    with subprocess.Popen([sys.executable, "-c", HOLD, str(lock)], stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout is not None and other.stdout.readline() == "held\n"
        try:
            yield other
        finally:
            other.kill()


def test_a_held_lock_is_said_given_up_and_free_once_its_process_is_gone(
    file: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("labkit.status.QUIET_SECONDS", 0.0)
    with holding(file.with_name(".mine.json.lock")) as other:
        if sys.platform != "win32":
            other.send_signal(signal.SIGSTOP)  # as a kernel whose machine sleeps, or that a debugger holds
        said = progress.record("check:vpcs", passed=True)
        assert said.startswith("Not kept: Waited for another notebook or program that writes mine.json")
        assert capsys.readouterr().err == "waiting for another notebook or program that writes mine.json\n"
        monkeypatch.setattr(progress, "PATIENCE_SECONDS", 600)
        assert progress.record("check:vpcs", passed=True) == said  # nobody waits a second time
        assert bookmark.read("04") is None
        with pytest.raises(LabError, match="Waited for"):
            file.touch()
            progress.reset(file)
        file.unlink()
    assert progress.record("check:vpcs", passed=True) == ""


def test_a_held_bookmark_keeps_no_cell_waiting(file: Path) -> None:
    with holding(file.with_name(".mine.bookmark.lock")):
        bookmark.keep("04", "04-07")
    assert bookmark.read("04") is None
    bookmark.keep("04", "04-07")
    assert bookmark.read("04") == "04-07"


# The other files in a student's folder


def test_mutated_bookmarks(outcomes: Outcomes, file: Path) -> None:
    """A bookmark is never refused: what can't be read is not there."""
    rng, path = random.Random(15), file.with_name(".mine.bookmark")
    data = json.dumps({"03": "03-07", "04": "04-12"}).encode()
    for _ in range(100 * SOAK):
        given = rng.choice((mutate_bytes(rng, data), json.dumps(mutate_json(rng, json.loads(data))).encode()))
        path.write_bytes(given)
        with outcomes.of(given):
            bookmark.keep("05", "05-01")
            assert bookmark.last() == "05" and isinstance(bookmark.read("03"), str | None)


def test_mutated_notebooks(outcomes: Outcomes, tmp_path: Path) -> None:
    """A notebook is read whole, or is said not to be one, by what runs its cells and by what copies it."""
    rng, path = random.Random(16), tmp_path / "03-x.ipynb"
    cells = [
        {"cell_type": "markdown", "id": "a", "metadata": {}, "source": ["# A\n", "b"]},
        {"cell_type": "code", "id": "b", "metadata": {"tags": ["build", "your-turn:1.a"]}, "source": "# do\nx = 1",
         "outputs": [], "execution_count": 1},
    ]  # fmt: skip
    whole = {"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}
    data = json.dumps(whole).encode()
    for _ in range(150 * SOAK):
        mutated = mutate_json(rng, whole)
        for given in (json.dumps(mutated).encode(), mutate_bytes(rng, data)):
            path.write_bytes(given)
            with outcomes.of(given):
                for cell in Notebook("03", path).code_cells():
                    assert isinstance(cell.source + cell.id + "".join(cell.tags), str)
        with outcomes.of(mutated, ValueError):
            fingerprint(student_copy(mutated))
