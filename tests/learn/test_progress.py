"""The progress file: what is in it, and that nothing that is wrong with it ends a lesson."""

from __future__ import annotations

import json
import multiprocessing
import os
import re
import stat
from pathlib import Path
from typing import Any

import pytest

from labkit.lab import Lab
from labkit.learn import progress
from labkit.learn.chapters import CHAPTERS
from labkit.learn.grader import Grader


@pytest.fixture
def file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    path = tmp_path / "mine.json"
    monkeypatch.setenv("LABKIT_PROGRESS", str(path))
    return path


def kept(file: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))["items"]
    return found


def test_it_is_in_the_course_s_folder_unless_said_otherwise(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("LABKIT_PROGRESS", str(tmp_path / "x.json"))
    assert progress.place() == tmp_path / "x.json"
    monkeypatch.delenv("LABKIT_PROGRESS")
    course = tmp_path / "course" / "notebooks"
    course.mkdir(parents=True)
    (course / "00-start-here.ipynb").touch()
    monkeypatch.setattr("labkit.folders.__file__", str(tmp_path / "course" / "labkit" / "folders.py"))
    assert progress.place() == tmp_path / "course" / "progress.json"


def test_what_is_tried_is_counted_and_what_is_passed_stays_passed(file: Path) -> None:
    assert progress.record("exercise:3.1", passed=False) == ""
    progress.record("exercise:3.1", hint=True)
    progress.record("exercise:3.1", passed=True)
    passed = kept(file)["exercise:3.1"]["passed"]
    progress.record("exercise:3.1", passed=False)
    progress.record("exercise:3.1", solution=True)
    item = kept(file)["exercise:3.1"]
    assert (item["score"], item["max_score"], item["attempts"], item["hints"], item["solution"]) == (1, 1, 3, 1, True)
    assert item["passed"] == passed and re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", passed)
    assert item["first"] <= item["passed"] <= item["last"]


def test_a_quiz_keeps_the_letter_given_last(file: Path) -> None:
    progress.record("quiz:03.1", passed=False, answer="b")
    progress.record("quiz:03.1", passed=True, answer="c")
    assert kept(file)["quiz:03.1"]["answer"] == "c"


def test_in_place_of_a_damaged_file_a_new_one_is_begun_as_the_sentence_says(file: Path) -> None:
    file.write_text("{")
    assert "labkit progress --reset" in progress.record("check:vpcs", passed=True)
    assert progress.reset(file) == file.with_name("mine.1.json")
    assert progress.record("check:vpcs", passed=True) == ""


def test_a_file_that_may_not_be_written_is_a_sentence(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    progress.record("check:vpcs", passed=True)
    before = file.read_text()
    file.chmod(stat.S_IREAD)
    monkeypatch.setattr(os, "access", lambda path, mode: False)  # root may write everything
    said = progress.record("check:subnets", passed=True)
    assert said.startswith("Not kept in progress.json: the file may not be written.") and "LABKIT_PROGRESS" in said
    assert file.read_text() == before


def test_a_folder_that_is_not_there_is_a_sentence(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("LABKIT_PROGRESS", str(tmp_path / "no" / "progress.json"))
    assert progress.record("check:vpcs", passed=True).startswith("Not kept in progress.json: No such file")


def test_a_write_that_is_cut_off_leaves_the_old_file(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    progress.record("check:vpcs", passed=True)
    before = file.read_text()

    def full(*_: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", full)
    assert "No space left on device" in progress.record("check:subnets", passed=True)
    assert file.read_text() == before
    assert sorted(path.name for path in file.parent.iterdir()) == [".mine.json.lock", "mine.json"]


def _record(path: str, item: str) -> None:
    os.environ["LABKIT_PROGRESS"] = path
    for _ in range(20):
        assert progress.record(item, passed=True) == ""


def test_two_kernels_at_once_lose_nothing(file: Path) -> None:
    context = multiprocessing.get_context("spawn")
    writers = [context.Process(target=_record, args=(str(file), f"check:{n}")) for n in range(2)]
    for each in writers:
        each.start()
    for each in writers:
        each.join()
        assert each.exitcode == 0
    assert {item["attempts"] for item in kept(file).values()} == {20} and len(kept(file)) == 2


# Who keeps it


class Nothing:
    """A lab that can't be reached."""

    account = "999988887777"

    def find(self, name: str, kind: str | None = None) -> str | None:
        raise ConnectionError("AWS can't be reached from /home/ada.")

    def client(self, service: str) -> Any:
        raise ConnectionError("AWS can't be reached from /home/ada.")

    @property
    def network(self) -> Any:
        return self.client("ec2")

    def records(self, *containing: object, since: object = None) -> list[str]:
        return []


def work(live: bool) -> list[str]:
    grader = Grader(Nothing(), lambda: live)
    exercise = grader.exercise("1.2")
    said = [grader.exercise("1.1").check("no"), exercise.check("10.3.0.0"), exercise.check(None)]
    said += [exercise.hint(), exercise.solution(), grader.check("vpcs"), grader.check("vpcs", "vpc-1")]
    said += [grader.check("nothing"), grader.check(), grader.quiz("06").answer(1, "a")]
    return [repr(each) for each in said]


def test_what_a_person_does_is_kept_and_nothing_of_the_person(file: Path) -> None:
    work(live=True)
    found = kept(file)
    assert set(found) == {"exercise:1.2", "quiz:06.1"}  # nothing that can't be looked at is a try
    assert (found["exercise:1.2"]["attempts"], found["exercise:1.2"]["hints"]) == (1, 1)
    assert (found["quiz:06.1"]["score"], found["quiz:06.1"]["answer"]) == (1, "a")
    assert set(found) <= {item.id for chapter in CHAPTERS.values() for item in chapter.items()}
    text = file.read_text()
    assert not any(word in text for word in ("999988887777", "/home", "ada", "10.1."))


def vpc(lab: Lab, n: int) -> None:
    lab.client("ec2").create_vpc(CidrBlock=f"10.{n}.0.0/16", TagSpecifications=lab.tags("vpc", f"vpc-{n}"))


def test_both_halves_of_a_check_make_the_whole_and_a_look_ahead_is_no_try(file: Path, lab: Lab) -> None:
    grader = Grader(lab, lambda: True)
    grader.check("vpcs")
    grader.check()
    assert not file.exists()
    for n in (1, 2):
        assert grader.check("vpcs", f"vpc-{n}").known and grader.check("vpcs", "vpc-3").passed is False
        vpc(lab, n)
        grader.check("vpcs", f"vpc-{n}")
        assert kept(file)["check:vpcs"]["score"] == n - 1
    assert kept(file)["check:vpcs"]["attempts"] == 2 and set(kept(file)) == {"check:vpcs"}


def test_what_was_passed_and_is_gone_is_said_to_have_been_there(file: Path, lab: Lab) -> None:
    progress.record("check:vpcs", passed=True)
    assert repr(Grader(lab, lambda: True).check("vpcs")).startswith("vpcs: not there now, but was before\n")
    assert repr(Grader(lab, lambda: True).check("subnets")).startswith("subnets: not begun\n")
    assert repr(Grader(lab, lambda: False).check("vpcs")).startswith("vpcs: not begun\n")


def test_what_is_half_done_is_no_try(file: Path, lab: Lab) -> None:
    vpc(lab, 1)
    assert repr(Grader(lab, lambda: True).check("vpcs")).startswith("vpcs: 1 of 2 right\n")
    assert not file.exists()


def test_an_overview_counts_for_the_notebook_s_own_chapter(file: Path, lab: Lab) -> None:
    for n in (1, 2):
        vpc(lab, n)
    grader = Grader(lab, lambda: True)
    grader.chapter = "02"  # lab.catch_up has built the VPCs
    assert repr(grader.check()).partition("\n\n")[2].startswith("Next, log-group: not begun")
    assert not file.exists()
    grader.chapter = "01"
    grader.check()
    assert kept(file)["check:vpcs"]["score"] == 1 and set(kept(file)) == {"check:vpcs"}
    file.write_text("{")
    for shown in (grader.check(), grader.check("vpcs")):
        assert "Not kept: mine.json is not" in repr(shown) and "Not kept: mine.json is not" in shown._repr_html_()


def test_progress_shows_what_is_passed_what_is_left_and_what_is_next(file: Path, lab: Lab) -> None:
    grader = Grader(lab, lambda: True)
    first = [item.id for item in CHAPTERS["00"].items()]
    for id in first:
        progress.record(id, passed=True)
    progress.record("check:vpcs", passed=True, half="vpc-1")
    progress.record("check:role", passed=False)
    shown = repr(grader.progress()).splitlines()
    assert re.fullmatch(rf"Passed: {len(first)} of \d+", shown[0])
    assert shown[1] == f"00  {len(first)} of {len(first)} ✓"
    assert shown[3:5] == [
        "    ½ lab.check('vpcs')             two VPCs whose ranges do not overlap",
        "    · lab.check('subnets')          a subnet in each",
    ]
    assert "    ✗ lab.check('role')             the instances' role and its profile" in shown
    assert re.fullmatch(r"02  0 of \d+, not begun", shown[-7])
    assert shown[-1] == "Next: lab.check('vpcs'), two VPCs whose ranges do not overlap (notebook 01)."
    html = grader.progress()._repr_html_()
    assert "<code>lab.check(&#x27;vpcs&#x27;)</code>" in html and "aria-label='one VPC of two'>½" in html


def test_progress_at_the_end_says_that_nothing_is_left(file: Path) -> None:
    for chapter in CHAPTERS.values():
        for item in chapter.items():
            progress.record(item.id, passed=True)
    shown = Grader(Nothing(), lambda: True).progress()
    assert shown.passed and repr(shown).endswith("Nothing is left.") and "✗" not in repr(shown) + shown._repr_html_()


def test_without_a_person_progress_is_what_this_run_has_passed_and_reads_no_file(file: Path) -> None:
    file.write_text("{")
    grader = Grader(Nothing(), lambda: False)
    grader.chapter = "00"
    of = len(list(CHAPTERS["00"].items()))
    next_step = repr(grader.progress()).splitlines()[-1]
    assert repr(grader.progress()) == f"Passed in this run: 0 of {of}\n00  0 of {of}, not begun\n{next_step}"
    assert next_step.startswith("Next: lab.exercise('0.")
    grader.exercise("0.1").check(65536)
    assert f"Passed in this run: 1 of {of}\n00  1 of {of}\n    · lab." in repr(grader.progress())


def test_progress_of_a_damaged_file_is_that_of_this_kernel_and_says_so(file: Path) -> None:
    file.write_text("{")
    shown = Grader(Nothing(), lambda: True).progress()
    assert repr(shown).splitlines()[-1].startswith("Only what passed since connect(): mine.json is not a progress file")


def test_a_graded_run_keeps_what_passes_in_a_file_of_its_own(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    score = file.with_name("score.json")
    monkeypatch.setenv("LABKIT_SCORE", str(score))
    work(live=False)
    assert not file.exists() and "quiz:06.1" in kept(score)


def test_a_run_without_a_person_keeps_nothing_and_says_the_same(file: Path) -> None:
    alone = work(live=False)
    assert not file.exists() and not list(file.parent.iterdir())
    assert work(live=True) == alone


def test_a_quiz_knows_what_a_person_has_passed_before(file: Path) -> None:
    assert Grader(Nothing(), lambda: True).quiz("06").answer(1, "a").passed
    assert Grader(Nothing(), lambda: True).quiz("06").answer(2, "a").passed is False
    ((number, (letter, judgment)),) = Grader(Nothing(), lambda: True).quiz("06").passed().items()
    assert (number, letter, judgment.passed) == (1, "a", True)
    assert Grader(Nothing(), lambda: False).quiz("06").passed() == {}


def test_a_person_whose_file_is_damaged_is_told_with_the_answer(file: Path) -> None:
    file.write_text("{")
    said = repr(Grader(Nothing(), lambda: True).quiz("06").answer(1, "a"))
    assert said.startswith("✓ Right.") and "\nNot kept: mine.json is not a progress file" in said


def test_an_aws_that_can_t_be_reached_is_a_line() -> None:
    result = Grader(Nothing(), lambda: False).check("role")
    (line,) = result.lines
    assert line.found == "ConnectionError: AWS can't be reached from /home/ada." and line.next
