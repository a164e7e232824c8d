"""The quiz as a widget: chosen, answered, explained; and its still form where no front end is."""

from __future__ import annotations

from typing import Any

import pytest

from labkit.learn.judging import Judgment
from labkit.show.widgets.quiz import QuizWidget

QUESTIONS = [(text, {"a": "<b>yes</b>", "b": "no"}) for text in ("Is <i>it</i>?", "And?")]


class Asked:
    """A quiz that notes what it is answered."""

    def __init__(self) -> None:
        self.answers: list[Any] = []

    def answer(self, number: object = None, letter: object = None) -> Judgment:
        self.answers.append((number, letter))
        if letter == "b":
            raise RuntimeError("strict <run>")
        return Judgment(True, "Right. <Why>.")

    def __repr__(self) -> str:
        return "Quiz 03\n1. Is it?"


def widget(asked: Asked, trouble: str = "") -> QuizWidget:
    return QuizWidget("Quiz 03", [] if trouble else QUESTIONS, trouble, asked.answer, still=asked)


def parts(quiz: QuizWidget, number: int) -> Any:
    return quiz.widget.children[number + 1].children


def test_an_option_that_is_clicked_is_answered_and_marked_as_chosen() -> None:
    asked = Asked()
    text, first, second, said = parts(widget(asked), 1)
    assert "Is &lt;i&gt;it&lt;/i&gt;?" in text.value
    assert (first.description, second.description) == ("○ a) <b>yes</b>", "○ b) no")
    first.click()
    assert asked.answers == [(1, "a")]
    assert (first.description, second.description) == ("● a) <b>yes</b>", "○ b) no")
    assert "aria-label='right'" in said.value and "&lt;Why&gt;" in said.value
    second.click()
    assert (first.description, second.description) == ("○ a) <b>yes</b>", "● b) no")
    assert said.value == '<p class="plain">strict &lt;run&gt;</p>'


def test_what_was_passed_before_is_shown_when_the_cell_runs_again() -> None:
    asked = Asked()
    quiz = QuizWidget("Quiz 03", QUESTIONS, "", asked.answer, asked, passed={2: ("b", Judgment(True, "Right. Why."))})
    _, first, second, said = parts(quiz, 2)
    assert (first.description[0], second.description[0]) == ("○", "●") and "Right. Why." in said.value
    assert parts(quiz, 1)[3].value == "" and asked.answers == []
    first.click()
    assert (first.description[0], second.description[0]) == ("●", "○")


def test_each_control_says_what_it_is() -> None:
    for number in (1, 2):
        _, *buttons, said = parts(widget(Asked()), number)
        assert [button.tooltip for button in buttons] == [f"Answer question {number} with {x}" for x in "ab"]
        assert "labkit-answer" in said._dom_classes


def test_a_quiz_that_can_t_be_made_says_why() -> None:
    quiz = widget(Asked(), trouble="No <records>.")
    assert "No &lt;records&gt;." in quiz.widget.children[2].children[0].value
    assert "labkit-quiz" in quiz.widget._dom_classes


@pytest.mark.parametrize("trouble", ["", "None yet."])
def test_without_a_front_end_the_questions_are_printed(trouble: str) -> None:
    quiz = widget(Asked(), trouble=trouble)
    assert repr(quiz) == "Quiz 03\n1. Is it?"
    assert quiz._repr_mimebundle_() == {"text/plain": repr(quiz)}
    assert quiz.answer(1, "a").passed
