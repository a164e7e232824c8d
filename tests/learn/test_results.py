"""How results read, as text and as HTML, and what a wrong question gets."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from labkit.errors import CheckFailedError, LabError
from labkit.lab import Lab
from labkit.learn import chapters
from labkit.learn.chapters import CHAPTERS, CHECKS
from labkit.learn.checks import Overview
from labkit.learn.result import Line, Result
from tests.learn.checking import Until

#: The texts of a line about something that is wrong.
WRONG = {"found", "wanted", "next"}


def test_lines_say_what_was_found_what_was_wanted_and_what_to_do() -> None:
    result = Result("vpcs", (Line(True, "vpc-1 is right"), Line(False, "vpc-2", "this", "that", "do it.")), "Note.")
    assert repr(result) == (
        "vpcs: 1 of 2 right\n"
        "  ✓ vpc-1 is right\n"
        "  ✗ vpc-2\n"
        "      found:  this\n"
        "      wanted: that\n"
        "      next:   do it.\n"
        "Note."
    )
    assert not result.passed


def test_what_is_wrong_comes_next_also_where_nobody_knows_what_to_do() -> None:
    results = {name: Result(name, (Line(True, "all of it"),)) for name in CHECKS}
    results["role"] = Result("role", (Line(False, "could not look further", "an error"),))
    results["failed-ping"] = Result("failed-ping", (Line(False, "nothing to do", absent=True),))
    assert Overview(results).following is results["role"]


def test_what_several_lines_say_to_do_next_is_said_once() -> None:
    lines = tuple(Line(False, vpc, "no route", "one", "connect them.") for vpc in ("vpc-1", "vpc-2"))
    assert repr(Result("routes", lines)).count("connect them.") == 1
    assert Result("routes", lines)._repr_html_().count("connect them.") == 1


def test_a_look_ahead_is_no_failure_and_what_a_chapter_asks_for_is(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LABKIT_STRICT", "1")
    lab.catch_up("00")
    assert not lab.check("vpcs").passed and not lab.check("ping").passed
    lab.catch_up("01")
    with pytest.raises(CheckFailedError, match="vpcs: not begun"):
        lab.check("vpcs")


def test_every_text_of_a_check_is_used_and_complete() -> None:
    for number, chapter in CHAPTERS.items():
        source = Path(chapters.__file__).with_name(f"chapter_{number}.py").read_text(encoding="utf-8")
        assert set(chapter.texts.get("check", {})) == {check.name for check in chapter.checks}
        for name, check in chapter.texts.get("check", {}).items():
            assert check["title"] and check["about"]
            for key, line in check.items():
                if isinstance(line, dict):
                    assert f'"{key}"' in source, (name, key)
                    assert set(line) - {"about"} in ({"right"}, WRONG, {"right", *WRONG}), (name, key)


def test_html_is_escaped_and_marks_are_not_by_color_alone() -> None:
    html = Result("<vpcs>", (Line(False, "<b>", "<i>", "&", "<script>"), Line(True, "<u>")), "<n>")._repr_html_()
    assert not any(tag in html for tag in ("<vpcs>", "<i>:", "<script>", "<u>", "<n>"))
    assert "&lt;script&gt;" in html and "aria-label='not right'>✗" in html and "aria-label='right'>✓" in html
    assert "color" not in html


def test_a_dollar_sign_begins_no_formula(until: Until) -> None:
    """MathJax, which would typeset `${…} ${…}`, leaves these two classes alone: version 3 and version 2.

    https://docs.mathjax.org/en/latest/options/document.html
    """
    lab = until("03").lab
    exercise = lab.exercise("2.1")
    made = (lab.check(), lab.check("vpcs"), exercise, exercise.hint(), exercise.solution(), exercise.check("${a} ${b}"),
            lab.trace("instance-1", "instance-2"))  # fmt: skip
    for each in made:
        assert re.match(r"<div class='[^']*\bmathjax_ignore tex2jax_ignore'>", each._repr_html_()), repr(each)


@pytest.mark.parametrize(
    ("name", "guess"),
    [("vpc", "vpcs"), ("VPCs", "vpcs"), ("flow logs", "flow-logs"), ("security_groups", "security-groups")],
)
def test_a_name_that_is_nearly_right(lab: Lab, name: str, guess: str) -> None:
    (line,) = lab.check(name).lines  # type: ignore[union-attr]
    assert line.found == f"no check of this name (did you mean {guess!r}?)"
    assert line.next == f"lab.check({guess!r})."


@pytest.mark.parametrize("name", [3, 0.5, [], {}, object(), lambda: 1, "", "x" * 500])
def test_what_is_no_name_is_a_line_like_any_other(lab: Lab, name: Any) -> None:
    result = lab.check(name)
    assert isinstance(result, Result) and not result.passed
    assert ", ".join(CHECKS) in result.lines[0].wanted


@pytest.mark.parametrize("vpc", ["vpc-3", 1, [], "vpc_1"])
def test_what_is_no_half(lab: Lab, vpc: Any) -> None:
    (line,) = lab.check("vpcs", vpc).lines  # type: ignore[union-attr]
    assert line.next == "lab.check('vpcs') or lab.check('vpcs', 'vpc-1')."
    (line,) = lab.check("role", "vpc-1").lines  # type: ignore[union-attr]
    assert line.next == "lab.check('role')."


def test_all_of_them_in_short_and_the_next_in_full(lab: Lab) -> None:
    shown = lab.check()
    assert isinstance(shown, Overview) and not shown.passed
    nothing = "Nothing of the lab is here. Notebook 01 begins to build it."
    assert repr(shown) == nothing and nothing in shown._repr_html_()
    lab.client("ec2").create_vpc(CidrBlock="10.1.0.0/16", TagSpecifications=lab.tags("vpc", "vpc-1"))
    shown = lab.check()
    assert "01 · lab.check('vpcs')             1 of 2 right\n" in repr(shown) and not shown.passed
    assert repr(shown).count("not begun\n") == len(CHECKS) - 1 and "✗" not in repr(shown) + shown._repr_html_()
    assert "Next, vpcs: 1 of 2 right\n" in repr(shown) and "  · vpc-2\n      found:  nothing of this name" in repr(
        shown
    )
    lab.client("ec2").create_vpc(CidrBlock="10.2.0.0/16", TagSpecifications=lab.tags("vpc", "vpc-2"))
    shown = lab.check()
    assert (
        shown.passed and "Next, subnets" in repr(shown) and "<code>lab.check(&#x27;vpcs&#x27;)" in shown._repr_html_()
    )


def test_a_grader_s_run_fails_where_something_is_not_right(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LABKIT_STRICT", "1")
    for call in (lambda: lab.check("vpcs"), lambda: lab.check("nope"), lambda: lab.check("vpcs", "vpc-9")):
        with pytest.raises(CheckFailedError) as caught:
            call()
        assert isinstance(caught.value, LabError)
    assert isinstance(lab.check(), Overview)  # what is not begun is not wrong
    twin = lab.client("ec2").create_vpc(CidrBlock="10.1.0.0/16", TagSpecifications=lab.tags("vpc", "vpc-2"))
    with pytest.raises(CheckFailedError):
        lab.check()
    lab.client("ec2").delete_vpc(VpcId=twin["Vpc"]["VpcId"])
    with pytest.raises(CheckFailedError, match="is not an option of question 1"):
        lab.quiz("00").answer(1, "z")
    for n in (1, 2):
        lab.client("ec2").create_vpc(CidrBlock=f"10.{n}.0.0/16", TagSpecifications=lab.tags("vpc", f"vpc-{n}"))
    assert lab.check("vpcs").passed
