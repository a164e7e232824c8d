"""A quiz to be clicked: radio buttons for the options of each question, and why the chosen one is right or wrong."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import Any, Protocol

import ipywidgets

from labkit.show.widgets.base import Interactive


class _Option(Protocol):
    @property
    def letter(self) -> str: ...

    @property
    def text(self) -> str: ...


class _Question(Protocol):
    @property
    def number(self) -> int: ...

    @property
    def text(self) -> str: ...

    @property
    def options(self) -> Sequence[_Option]: ...


class _Verdict(Protocol):
    def _repr_html_(self) -> str: ...


class _Quiz(Protocol):
    """What the widget needs of a quiz; `trouble` says why there are no questions."""

    @property
    def chapter(self) -> str: ...

    @property
    def questions(self) -> Sequence[_Question]: ...

    @property
    def trouble(self) -> str: ...

    def answer(self, number: object = None, letter: object = None) -> Any: ...


class QuizWidget(Interactive):
    """A quiz in a front end. Choose with Tab and the arrow keys, and answer with the button below the options."""

    def __init__(self, quiz: _Quiz) -> None:
        self._quiz = quiz
        rows = [self._question(each) for each in quiz.questions]
        if quiz.trouble:
            rows = [ipywidgets.HTML(f"<p>{escape(quiz.trouble)}</p>").add_class("labkit-answer")]
        title = ipywidgets.HTML(f"<b>Quiz {escape(quiz.chapter)}</b>")
        self.widget = ipywidgets.VBox([title, *rows]).add_class("labkit-quiz")

    def answer(self, number: object = None, letter: object = None) -> Any:
        """Answer a question by call, as in `lab.quiz("03").answer(1, "b")`."""
        return self._quiz.answer(number, letter)

    @property
    def questions(self) -> Sequence[_Question]:
        return self._quiz.questions

    def still(self) -> object:
        return self._quiz

    def _question(self, question: _Question) -> ipywidgets.VBox:
        text = ipywidgets.HTML(f"<p style='margin:0.6em 0 0'>{question.number}. {escape(question.text)}</p>")
        options = ipywidgets.RadioButtons(
            options=[(f"{each.letter}) {each.text}", each.letter) for each in question.options],
            value=None,
            description=f"{question.number}.",
            style={"description_width": "1.5em"},
            layout={"width": "max-content", "max_width": "100%"},
        )
        button = ipywidgets.Button(
            description=f"Answer {question.number}", disabled=True, tooltip=f"Answer question {question.number}"
        )
        said = ipywidgets.HTML().add_class("labkit-answer")

        def chosen(_: object) -> None:
            button.disabled = options.value is None
            said.value = ""

        def answered(_: object) -> None:
            try:
                said.value = self._quiz.answer(question.number, options.value)._repr_html_()
            except Exception as error:  # in a grader's run, what is not right is raised; a click shows it all the same
                said.value = f"<p>{escape(str(error))}</p>"

        options.observe(chosen, names="value")
        button.on_click(answered)
        return ipywidgets.VBox([text, options, button, said])
