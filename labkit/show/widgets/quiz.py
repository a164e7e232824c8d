"""A quiz to be clicked: the options of each question as buttons, and why the chosen one is right or wrong.

Buttons, not radio buttons: JupyterLab takes the arrow keys, by which one moves among those, for moving among cells.
"""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import Any, Protocol

import ipywidgets

from labkit.show.widgets.base import Interactive

#: Options are sentences: they wrap, where a button would cut them off at the end of the line.
_STYLE = """<style>
.labkit-quiz .widget-html-content { line-height: 1.5; }
.labkit-quiz button.jupyter-button {
    width: auto; max-width: 100%; height: auto; padding: 0.3em 0.8em; white-space: normal; text-align: left;
    line-height: 1.5; font-size: 1em;
}
</style>"""


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
    """A quiz in a front end. An option is chosen with the mouse, or with Tab and the space bar."""

    def __init__(self, quiz: _Quiz) -> None:
        self._quiz = quiz
        rows = [self._question(each) for each in quiz.questions]
        if quiz.trouble:
            rows = [ipywidgets.HTML(f"<p>{escape(quiz.trouble)}</p>").add_class("labkit-answer")]
        title = ipywidgets.HTML(f"{_STYLE}<b>Quiz {escape(quiz.chapter)}</b>")
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
        said = ipywidgets.HTML().add_class("labkit-answer")
        buttons: list[ipywidgets.Button] = []

        def choose(option: _Option) -> None:
            for button, each in zip(buttons, question.options, strict=True):
                button.description = _words(each, each is option)
            try:
                said.value = self._quiz.answer(question.number, option.letter)._repr_html_()
            except Exception as error:  # in a grader's run, what is not right is raised; a click shows it all the same
                said.value = f"<p>{escape(str(error))}</p>"

        for option in question.options:
            tooltip = f"Answer question {question.number} with {option.letter}"
            button = ipywidgets.Button(description=_words(option, False), tooltip=tooltip)
            button.on_click(lambda _, option=option: choose(option))
            buttons.append(button)
        return ipywidgets.VBox([text, *buttons, said])


def _words(option: _Option, chosen: bool) -> str:
    return f"{'●' if chosen else '○'} {option.letter}) {option.text}"
