"""A quiz to click: the options of each question as buttons, and why the chosen one is right or wrong: `lab.quiz`.

They are buttons, not radio buttons, because JupyterLab takes the arrow keys, which move among radio buttons, for moving
among cells.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from html import escape
from typing import Any, Protocol

import ipywidgets as w

from labkit.show.widgets import parts
from labkit.show.widgets.base import Interactive


class QuizLike(Protocol):
    """What the widget needs of a quiz; `labkit.learn` makes them."""

    @property
    def chapter(self) -> str:
        """The number of the chapter."""

    @property
    def questions(self) -> Sequence[Any]:
        """The questions: each has a `number`, a `text` and `options`, and each option a `letter` and a `text`."""

    @property
    def trouble(self) -> str:
        """Why there are no questions, or an empty text."""

    def answer(self, number: object = None, letter: object = None) -> Any:
        """Judge an answer; what is returned displays as HTML."""


class QuizWidget(Interactive):
    """A quiz in a front end. An option is chosen with the mouse, or with Tab and the space bar."""

    def __init__(self, quiz: QuizLike) -> None:
        self._quiz = quiz
        rows = [self._question(each) for each in quiz.questions]
        if quiz.trouble:
            rows = [parts.answer(parts.html(parts.sentence(quiz.trouble)))]
        self.widget = parts.root("quiz", parts.html(f"<b>Quiz {escape(quiz.chapter)}</b>"), *rows)

    def answer(self, number: object = None, letter: object = None) -> Any:
        """Answer a question by call, as in `lab.quiz("03").answer(1, "b")`.

        Args:
            number: The question's number.
            letter: The option's letter.

        Returns:
            Whether it is right, and why.
        """
        return self._quiz.answer(number, letter)

    @property
    def questions(self) -> Sequence[Any]:
        """The questions of the quiz."""
        return self._quiz.questions

    def still(self) -> object:
        """Return the quiz, which prints its questions."""
        return self._quiz

    def _question(self, question: Any) -> w.VBox:
        text = parts.html(f'<p class="labkit-question">{question.number}. {escape(question.text)}</p>')
        said = parts.html().add_class("labkit-answer")
        buttons: list[w.Button] = []

        def choose(option: Any) -> None:
            for button, each in zip(buttons, question.options, strict=True):
                button.description = _words(each, each is option)
            try:
                said.value = self._quiz.answer(question.number, option.letter)._repr_html_()
            except Exception as error:  # in a grader's run a wrong answer is raised; a click shows it all the same
                said.value = parts.sentence(str(error))

        for option in question.options:
            tooltip = f"Answer question {question.number} with {option.letter}"
            buttons.append(parts.button(_words(option, False), tooltip, partial(choose, option)))
        return w.VBox([text, *buttons, said])


def _words(option: Any, chosen: bool) -> str:
    return f"{'●' if chosen else '○'} {option.letter}) {option.text}"
