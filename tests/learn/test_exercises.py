"""Every exercise in its notebook's own lab: unattempted, with the common wrong answers, and with its own solution."""

from __future__ import annotations

import contextlib
import io
import json
import re
from collections.abc import Callable, Iterator
from decimal import Decimal
from ipaddress import ip_address, ip_network
from typing import Any

import pandas as pd
import pytest

from labkit.errors import CheckFailedError, LabError
from labkit.lab import Lab
from labkit.learn.catch_up import catch_up
from labkit.learn.chapters import CHAPTERS
from labkit.learn.notebooks import Notebook, notebooks
from tests.lab.conftest import fresh_lab

Names = dict[str, Any]

#: What marks a cell that has no place here.
NOTEBOOK_ONLY = ("%%", "lab.map", "lab.widgets", "figure", "labkit.connect(", "lab.check", "lab.exercise", "lab.quiz")


#: The texts of every exercise with an answer, by its id; the checks that judge the others have tests of their own.
TEXTS = {each["id"]: each for chapter in CHAPTERS.values() for each in chapter.texts["exercise"] if "check" not in each}


def cells(notebook: Notebook) -> Iterator[str]:
    """The code of a notebook that runs outside one, in order: without its magics, its maps and its exercises."""
    for cell in json.loads(notebook.path.read_text(encoding="utf-8"))["cells"]:
        source = "".join(cell["source"])
        runs = cell["cell_type"] == "code" and "raises-exception" not in cell["metadata"].get("tags", [])
        if runs and not any(word in source for word in NOTEBOOK_ONLY):
            yield source


@contextlib.contextmanager
def told(number: str) -> Iterator[Names]:
    """The lab and the names at the end of a notebook."""
    notebook = next(each for each in notebooks() if each.number == number)
    with fresh_lab() as lab, contextlib.redirect_stdout(io.StringIO()):
        import boto3

        names: Names = {"lab": lab, "boto3": boto3, "ec2": boto3.client("ec2"), "logs": boto3.client("logs")}
        catch_up(number, names)
        for source in cells(notebook):
            exec(source, names)
        yield names


@pytest.fixture(scope="module", params=CHAPTERS)
def story(request: pytest.FixtureRequest) -> Iterator[tuple[str, Names]]:
    with told(request.param) as names:
        yield request.param, names


def solved(id: str, names: Names) -> Any:
    """The answer that an exercise's solution gives; that of a step has run in its place in the notebook."""
    mine = dict(names)
    if "solution" in TEXTS[id]:
        exec(TEXTS[id]["solution"], mine)
        return mine["answer"]
    notebook = next(each for each in notebooks() if each.number == id.partition(".")[0].zfill(2))
    sources = ["".join(cell["source"]) for cell in json.loads(notebook.path.read_text(encoding="utf-8"))["cells"]]
    asked = rf'^lab\.exercise\("{re.escape(id)}"\)\.check\((.+)\)$'
    (given,) = [match[1] for source in sources for match in re.finditer(asked, source, flags=re.M)]
    return eval(given, mine)


#: For each exercise, wrong answers, some made of the notebook's names, and a part of what is said of each.
WRONG: dict[str, list[tuple[Any, str]]] = {
    "0.1": [
        (65531, "Subnets reserve five"),
        (16, "the number of bits that are fixed"),
        ("172.31.0.0/16", "That is the range itself"),
        (ip_network("172.31.0.0/16"), "That is the range itself"),
        (65534, "Leave none out"),
        ([1, 2], "That is a list of 2; give one number."),
        ("many", "'many' is text; give a number"),
        (True, "That is True; give a number"),
        (float("nan"), "not a number"),
        (4096, "Too small"),
    ],
    "1.1": [(True, "No."), ("yes", "No."), ("perhaps", "Answer True or False")],
    "1.2": [
        ("10.1.128.0/17", "overlaps vpc-1's 10.1.0.0/16"),
        (ip_network("10.2.0.0/16"), "overlaps vpc-2's"),
        ("10.0.0.0/8", "overlaps"),
        ("10.3.0.1/16", "bits set after its prefix; the range that it lies in is 10.3.0.0/16"),
        ("10.3.0.0", "has no prefix length"),
        ("8.8.0.0/16", "not a private range"),
        ("10.4.0.0/14", "IPv4 block of /16 to /28; 10.4.0.0/14 is a /14"),
        ("10.3.0.0/33", "not a range of addresses"),
        (10.3, "Give a range as text"),
    ],
    "2.1": [
        ("${interface-id} ${srcaddr} ${dstaddr} ${tcp-flags}", "without flow-direction"),
        ("${srcaddr} ${interface-id} ${dstaddr} ${tcp-flags} ${flow-direction}", "in another order"),
        ("interface-id srcaddr dstaddr tcp-flags flow-direction", "Write each field as ${field-id}"),
        ("${interface-id} ${src-addr} ${dstaddr} ${tcp-flags} ${flow-direction}", "Did you mean srcaddr"),
        (lambda n: n["flow_logs"]("NimbusVPCFlowLog")[0]["FlowLogId"], "That is the flow log's id"),
        (lambda n: n["ec2"].describe_flow_logs()["FlowLogs"][0], "without tcp-flags, flow-direction and with version"),
    ],
    "2.2": [
        (504, "one direction"),
        (12, "That is the packets"),
        (84, "one packet"),
        (1.008, "in kilobytes"),
        (4, "number of records"),
        (-1008, "The sign is wrong."),
        (lambda n: n["lab"].records("8.8.8.8"), "That is a list of 4; give one number."),
    ],
    "3.1": [
        (["10.1.15.80"], "is where they went"),
        ("10.1.15.80", "is where they went"),
        (lambda n: rejects(n, 3)[1:], "is"),
        (lambda n: rejects(n, 7), "Those are the protocols"),
        (lambda n: rejects(n, 5), "Those are the source ports"),
        (lambda n: {line.split()[3] for line in n["lab"].records("REJECT")}, "knocked at another interface"),
        (lambda n: {*rejects(n, 3), "192.0.2.1"}, "192.0.2.1 does not belong there."),
        ([], "That is empty"),
        (5, "That is a number; give the source address as text."),
    ],
    "3.2": [
        ("security group", "which one?"),
        ("igw-1", "passes that one"),
        ("allow-icmp-2", "does not belong"),
        (lambda n: n["lab"].trace("instance-1", "instance-2"), "passes that one"),
    ],
    "4.1": [
        (["10.1.15.80", "10.1.15.81"], "The /32 is a single address"),
        ("10.1.15.81", "The /32 is a single address"),
        ("10.1.15.82", "does not belong"),
        ("10.2.0.126", "is the one that replies"),
        ([], "empty"),
        (True, "give the address as text"),
    ],
    "4.2": [
        (28, "all that left instance-2"),
        (23, "what came to instance-1"),
        (420, "in bytes"),
        (-5, "The other way round"),
    ],
    "5.1": [
        ("10.2.0.126", "is the destination"),
        ("10.1.15.80", "inside 10.0.0.0/8"),
        ("20.65.136.10", "refused"),
        (8, "That is a number"),
    ],
    "5.2": [
        (100800, "in bytes"),
        (98.4375, "kibibytes"),
        (0.1008, "megabytes"),
        (201.6, "both directions"),
        (1200, "packets"),
        (101, "Nearly: give it to 1 digits"),
        ("100800 bytes", "Give it in kB"),
    ],
    "6.1": [(3, "Too large"), ("at night", "is text"), (pd.Timestamp(2025, 12, 4, 16), "Too")],
    "6.2": [
        (lambda n: backup(n)["bytes"].sum(), "in bytes"),
        (lambda n: backup(n)["bytes"].sum() / 2**30, "gibibytes"),
        (lambda n: 2 * backup(n)["bytes"].sum() / 1e9, "at both ends"),
        (21.19, "db-1's alone"),
        (23, "Nearly"),
    ],
    "10.1": [
        (["vpc-1", "subnet-1", "instance-1"], "the order in which they are made"),
        (["subnet-1", "instance-1", "vpc-1"], "refuses to delete subnet-1 first"),
        (["instance-1", "vpc-1"], "must hold these three names"),
        ("instance-1", "Give a list of three names"),
    ],
    "10.2": [
        (3.65, "one address"),
        (0.01, "one hour"),
        (0.24, "one day"),
        (730, "in cents"),
    ],
}

#: For each exercise, other shapes of the right answer `a` that are as good.
AS_GOOD: dict[str, list[Callable[[Any, Names], Any]]] = {
    "0.1": [
        lambda a, n: str(a), lambda a, n: "65,536", lambda a, n: float(a), lambda a, n: [a], lambda a, n: Decimal(a),
    ],
    "1.1": [lambda a, n: "no", lambda a, n: "False", lambda a, n: 0, lambda a, n: (False,)],
    "1.2": [lambda a, n: ip_network(a), lambda a, n: "172.16.0.0/28", lambda a, n: [a], lambda a, n: " 10.3.0.0/16 "],
    "2.1": [lambda a, n: a.split(), lambda a, n: {"LogFormat": a}],
    "2.2": [lambda a, n: f"{a} bytes", lambda a, n: pd.Series([a]).sum(), lambda a, n: pd.Series([a])],
    "3.1": [
        lambda a, n: sorted(a), lambda a, n: [*a, *a], lambda a, n: pd.Series(sorted(a)), lambda a, n: ", ".join(a),
        lambda a, n: pd.Series(sorted(a)).value_counts(), lambda a, n: pd.Index(sorted(a)),
        lambda a, n: {ip_address(each) for each in a}, lambda a, n: pd.Series(sorted(a), dtype="string[pyarrow]"),
        lambda a, n: dict.fromkeys(a, 1), lambda a, n: pd.DataFrame({"source": sorted(a), "count": 1}),
        lambda a, n: (each for each in a),
    ],
    "3.2": [
        lambda a, n: n["lab"].find(a), lambda a, n: f"security group {a}", lambda a, n: a.upper().lower(),
        lambda a, n: n["lab"].trace("8.8.8.8", n["public_address"]("instance-1"), "tcp", 22).stopped_at,
        lambda a, n: n["lab"].trace("8.8.8.8", n["public_address"]("instance-1"), "tcp", 22),
    ],
    "4.1": [lambda a, n: {ip_address(a[0])}, lambda a, n: a[0], lambda a, n: f"{a[0]}/32", lambda a, n: "instance-1"],
    "4.2": [lambda a, n: str(a), lambda a, n: f"{a} packets"],
    "5.1": [
        lambda a, n: ip_address(a), lambda a, n: [a, "20.65.136.10"],
        lambda a, n: pd.DataFrame({"srcAddr": [a, "20.65.136.10"], "packetCount": [1200, 1]}),
    ],
    "5.2": [lambda a, n: "100.8 kB", lambda a, n: 100.80, lambda a, n: "100.8"],
    "6.1": [lambda a, n: "02:00", lambda a, n: "02:00 UTC", lambda a, n: pd.Timestamp(2025, 12, 4, a)],
    "6.2": [lambda a, n: round(a, 1), lambda a, n: round(a, 3), lambda a, n: f"{a:.2f} GB"],
    "10.1": [lambda a, n: tuple(a), lambda a, n: pd.Series(a)],
    "10.2": [lambda a, n: "7.30 USD", lambda a, n: "7.3"],
}  # fmt: skip


#: What nobody would answer.
STRANGE = (object(), lambda: 1, {}, [[]], [None], b"x", pd.DataFrame(), pd.Series(dtype=object), 1j, -1, "")


def rejects(names: Names, word: int) -> list[str]:
    return sorted({line.split()[word] for line in names["lab"].records(names["interface_1"], "REJECT")})


def backup(names: Names) -> Any:
    once = names["once"]
    return once[once["dstaddr"].map(names["host"]) == "backup-1"]


def test_every_exercise_has_a_judge_a_solution_and_tests() -> None:
    judges = {id for chapter in CHAPTERS.values() for id in chapter.judges}
    assert set(TEXTS) == judges == set(WRONG) == set(AS_GOOD)
    assert list(CHAPTERS) == [each.number for each in notebooks()][: len(CHAPTERS)]
    for each in TEXTS.values():
        numbered = ("question", "solution") if each["id"].partition(".")[2].isdigit() else ()
        assert each["hints"] and all(each[part] for part in ("title", "answer", "right", *numbered))


def test_the_exercises_of_a_notebook(story: tuple[str, Names]) -> None:
    """One test for a notebook, as building its lab is what takes the time."""
    number, names = story
    lab: Lab = names["lab"]
    for each in (each for each in TEXTS.values() if each["id"].partition(".")[0].zfill(2) == number):
        exercise = lab.exercise(each["id"])
        for nothing in (None, ...):
            assert not exercise.check(nothing).attempted
        answer = solved(each["id"], names)
        judgment = exercise.check(answer)
        assert judgment.passed, (each["id"], answer, judgment)
        assert each["right"].strip() in judgment.text
        for change in AS_GOOD[each["id"]]:
            assert exercise.check(change(answer, names)).passed, (each["id"], change(answer, names))
        for answer, words in WRONG[each["id"]]:
            judgment = exercise.check(answer(names) if callable(answer) else answer)
            assert not judgment.passed and judgment.attempted
            assert words in judgment.text, (each["id"], answer, judgment)
            assert judgment.text.endswith((".", "?", ".html")), judgment
        for strange in STRANGE:
            judgment = exercise.check(strange)
            assert not judgment.passed and judgment.text and "Traceback" not in judgment.text


def test_the_quiz_of_a_notebook(story: tuple[str, Names]) -> None:
    """Each question has exactly one right option, and each option says why."""
    number, names = story
    quiz = names["lab"].quiz(number).still()
    assert [question.number for question in quiz.questions] == [1, 2, 3], repr(quiz)
    for question in quiz.questions:
        assert 3 <= len(question.options) <= 4
        assert len({option.text for option in question.options}) == len(question.options)
        given = {option.letter: quiz.answer(question.number, option.letter) for option in question.options}
        right = [letter for letter, judgment in given.items() if judgment.passed]
        assert right == [option.letter for option in question.options if option.right] and len(right) == 1
        for option in question.options:
            assert option.why in given[option.letter].text and option.why.endswith((".", "}"))
            assert "{" not in option.text + option.why + question.text


# The same for every exercise


def test_before_its_notebook_an_exercise_says_what_comes_first(lab: Lab) -> None:
    for id in TEXTS:
        judgment = lab.exercise(id).check("10.9.0.0/16")
        if not id.startswith(("0", "2.1", "6", "10")):
            assert "It can't be judged yet" in judgment.text and not judgment.passed, (id, judgment)
            assert not judgment.attempted  # and so is not counted as a try


def test_hints_come_one_by_one_and_end_with_the_solution(lab: Lab) -> None:
    exercise = lab.exercise("3.1")
    hints = TEXTS["3.1"]["hints"]
    for number, hint in enumerate(hints, 1):
        assert repr(exercise.hint()) == f"Hint {number} of {len(hints)}: {hint}"
        exercise = lab.exercise("3.1")  # the same one, as in a cell that is run again
    assert repr(exercise.hint()).endswith("That was the last one; lab.exercise('3.1').solution() shows a solution.")
    shown = exercise.solution()
    assert TEXTS["3.1"]["solution"].strip() in repr(shown)
    assert "{line.split()[3]" in shown._repr_html_() and "&quot;REJECT&quot;" in shown._repr_html_()


def test_it_says_the_question_in_short_and_how_to_answer(lab: Lab) -> None:
    shown = repr(lab.exercise("3.1"))
    assert shown.startswith("Exercise 3.1: The wrong suspect\n")
    assert "lab.exercise('3.1').check(answer)" in shown and ".hint()" in shown


@pytest.mark.parametrize("id", ["9.9", "", "three", None, 7])
def test_an_exercise_that_is_not_there(lab: Lab, id: Any) -> None:
    with pytest.raises(LabError, match=r"There is no exercise .*; the exercises are 0\.1, 1\.1"):
        lab.exercise(id)


def test_a_number_will_do_for_its_name(lab: Lab) -> None:
    assert lab.exercise(3.2) is lab.exercise("3.2")  # type: ignore[arg-type]


def test_an_answer_with_html_in_it_is_shown_as_it_is(lab: Lab) -> None:
    assert "&lt;b&gt;" in lab.exercise("0.1").check("<b>")._repr_html_()


def test_a_grader_s_run_fails_where_an_answer_is_not_right(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LABKIT_STRICT", "1")
    with pytest.raises(CheckFailedError):
        lab.exercise("0.1").check(5)
    assert lab.exercise("0.1").check(65536).passed
    assert not lab.exercise("0.1").check(None).passed  # no answer is no wrong answer
