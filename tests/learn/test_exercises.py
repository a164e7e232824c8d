"""Every exercise in its notebook's own lab: unattempted, with the common wrong answers, and with its own solution."""

from __future__ import annotations

import contextlib
import io
import json
import re
from collections.abc import Iterator
from functools import cache
from typing import Any

import pytest
from botocore.exceptions import ClientError

from labkit import flowlogs
from labkit.errors import CheckFailedError, FlowLogFormatError, LabError
from labkit.lab import Lab
from labkit.learn.catch_up import catch_up
from labkit.learn.chapters import CHAPTERS
from labkit.learn.notebooks import Notebook, notebooks
from labkit.learn.view import View
from tests.lab.conftest import fresh_lab
from tests.learn.answers import AS_GOOD, WRONG, Names, forms, mistakes
from tests.learn.checking import Until
from tests.learn.grammar import faults

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
    view = View(lab)
    view.records = cache(view.records)  # type: ignore[method-assign]  # nothing changes from here on
    for each in (each for each in TEXTS.values() if each["id"].partition(".")[0].zfill(2) == number):
        exercise = lab.exercise(each["id"])
        for nothing in (None, ...):
            assert not exercise.check(nothing).attempted
        judge, answer = CHAPTERS[number].judges[each["id"]], solved(each["id"], names)
        assert each["right"].strip() in exercise.check(answer).text
        for form in forms(each["id"], answer, names):
            judgment = judge(view, form)
            assert judgment.passed, (each["id"], form, judgment)
        for given, words in WRONG[each["id"]]:
            judgment = judge(view, given(names) if callable(given) else given)
            assert words in judgment.text, (each["id"], given, judgment)
            said_well(judgment, each["id"], given)
        said = {each["answer"]}
        for given in mistakes(each["id"], answer):
            said_well(judgment := judge(view, given), each["id"], given)
            said.add(judgment.text)
        for example in {part for text in said for part in re.findall(r"(?<=')[^']+(?=')|(?<=: )[^;.]+", text)}:
            assert not judge(view, example).passed, (each["id"], example)  # an example gives nothing away


def said_well(judgment: Any, *where: Any) -> None:
    """A wrong answer is never right, and is told so in sentences without a word of Python's own errors."""
    assert not judgment.passed and judgment.attempted, (where, judgment)
    assert judgment.text.endswith((".", "?", ".html")), (where, judgment)
    assert not faults(judgment.text), (where, judgment)
    assert not re.search(r"Traceback|Error\b|object (has|is)|argument", judgment.text), (where, judgment)


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
            for form in (
                option.letter.upper(),
                f"({option.letter})",
                f"{option.letter}.",
                [option.letter],
                option.text,
            ):
                assert quiz.answer(float(question.number), form).passed == option.right
    for asked in ((9, "a"), ("b",), (), (1, "z"), (1, "yes"), (None, None), ([1, 2], "a")):
        said = quiz.answer(*asked)
        assert not said.passed and not faults(said.text), said


def test_a_flow_log_that_is_left_over_is_named_and_the_second_try_works(until: Until) -> None:
    built = until("03")
    lab, ec2, names = built.lab, built.ec2, dict(built.names)
    *making, deleting = TEXTS["2.1"]["solution"].strip().splitlines()
    for _ in range(2):
        exec("\n".join(making), names)
        said = lab.exercise("2.1").check(names["answer"])
        assert not said.passed and said.text.startswith("The format is right. Now delete what is left on subnet-1:")
        assert f"ec2.delete_flow_logs(FlowLogIds=['{names['mine']}'])" in said.text
        assert "it lacks" in (said := lab.exercise("2.1").check("${srcaddr}")).text and names["mine"] in said.text
    with pytest.raises(ClientError, match="FlowLogAlreadyExists"):  # without looking first, as AWS does
        exec("\n".join(making).replace('lab.find("five-fields") or ', ""), names)

    lab.shell("instance-1", "ping -c 2 8.8.8.8")
    lab.wait_for_flow_logs()
    lines = lab.records("8.8.8.8")
    assert {len(line.split()) for line in lines} == {5, 14}
    with pytest.raises(FlowLogFormatError, match=r"more than one flow log, .* pass errors='report'"):
        flowlogs.read(lines)
    table = flowlogs.read(lines, errors="report")
    assert len(table) + len(table.attrs["errors"]) == len(lines)

    exec(deleting, names)
    assert lab.exercise("2.1").check(names["answer"]).passed
    ec2.create_flow_logs(ResourceType="Subnet", ResourceIds=[lab.find("subnet-1")], TrafficType="REJECT",
                         LogGroupName=built.log_group, DeliverLogsPermissionArn=built.role)  # fmt: skip
    assert lab.exercise("2.1").check(names["answer"]).passed  # somebody else's flow log, of the default format


def test_what_is_not_deleted_yet_is_told_by_its_state(until: Until) -> None:
    built = until("02")
    lab, ec2, igw, subnet = built.lab, built.ec2, built.igw_1, built.subnet_1

    def said(id: str, answer: str | None) -> str:
        judgment = lab.exercise(id).check(answer)
        assert not judgment.passed and judgment.attempted
        return judgment.text

    assert said("10.a", igw) == said("10.a", None)
    assert said("10.a", igw) == f"igw-1 ({igw}) is still attached to vpc-1: detach it, then delete it."
    assert said("10.a", built.igw_2) == f"{built.igw_2} is igw-2; the step is about igw-1."
    assert "is still there, and a network interface in it, eni-" in said("10.b", subnet)
    ec2.terminate_instances(InstanceIds=[built.instance_1])
    ec2.get_waiter("instance_terminated").wait(InstanceIds=[built.instance_1])
    assert said("10.b", subnet) == f"subnet-1 ({subnet}) is still there: delete it."
    ec2.detach_internet_gateway(InternetGatewayId=igw, VpcId=built.vpc_1)
    assert said("10.a", igw) == f"igw-1 ({igw}) is detached now, and AWS still lists it: delete it."
    ec2.delete_internet_gateway(InternetGatewayId=igw)
    ec2.delete_subnet(SubnetId=subnet)
    for id, answer in (("10.a", igw), ("10.b", subnet), ("10.a", lab.find("igw-1")), ("10.b", lab.find("subnet-1"))):
        assert lab.exercise(id).check(answer).passed


# The same for every exercise


def test_none_of_a_step_is_no_answer_and_points_to_its_step(lab: Lab) -> None:
    assert repr(lab.exercise("0.1").check()) == "· Put your answer in place of None, then run the cell again."
    said = lab.exercise("5.a").check(None)
    assert repr(said).startswith("· There is no answer yet: write step 5.a,") and not said.attempted
    said = lab.exercise("10.a").check(lab.find("igw-1"))
    assert "It can't be judged yet: vpc-1" in said.text and not said.attempted


def test_before_its_notebook_an_exercise_says_what_comes_first(lab: Lab) -> None:
    for id in TEXTS:
        judgment = lab.exercise(id).check("10.9.0.0/16")
        if not id.startswith(("0", "6", "10")):
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
    with pytest.raises(LabError, match=r"There is no exercise .*; the exercises are 0\.a, .*, 1\.1, .*10\.2\."):
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
