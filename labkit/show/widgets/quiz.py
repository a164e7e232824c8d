"""A quiz to click: the options of each question as buttons, and why the chosen one is right or wrong: `lab.quiz`.

They are buttons, not radio buttons, because JupyterLab takes the arrow keys, which move among radio buttons, for moving
among cells.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from html import escape
from typing import Any

import ipywidgets as w

from labkit.show.widgets import parts
from labkit.show.widgets.base import Interactive


class QuizWidget(Interactive):
    """A quiz in a front end. An option is chosen with the mouse, or with Tab and the space bar."""

    def __init__(
        self, title: str, questions: Sequence[tuple[str, Mapping[str, str]]], trouble: str,
        answer: Callable[[object, object], Any], still: object,
        passed: Mapping[int, tuple[str, Any]] | None = None,
    ) -> None:  # fmt: skip
        """Show a quiz.

        Args:
            title: What it is called.
            questions: The text of each question, with its options: their texts by their letters.
            trouble: Why there are no questions, if there are none.
            answer: Judges the answer to a question, given by its number from 1 and a letter; the judgment displays
                itself as HTML.
            still: What is displayed without a front end.
            passed: The questions that were passed before, by number: the right letter, and its judgment.
        """
        self._answer, self._still, self._passed = answer, still, passed or {}
        rows = [self._question(number, *question) for number, question in enumerate(questions, 1)]
        if trouble:
            rows = [parts.answer(parts.html(parts.sentence(trouble)))]
        self.widget = parts.root("quiz", parts.html(f"<b>{escape(title)}</b>"), *rows)

    def answer(self, number: object = None, letter: object = None) -> Any:
        """Answer a question by call, as in `lab.quiz("03").answer(1, "b")`.

        Args:
            number: The question's number.
            letter: The option's letter.

        Returns:
            Whether it is right, and why.
        """
        return self._answer(number, letter)

    def still(self) -> object:
        """Return what is displayed without a front end."""
        return self._still

    def _question(self, number: int, question: str, options: Mapping[str, str]) -> w.VBox:
        text = parts.html(f'<p class="labkit-question">{number}. {escape(question)}</p>')
        right, judgment = self._passed.get(number, ("", None))
        said = parts.html(judgment._repr_html_() if judgment else "").add_class("labkit-answer")
        buttons: dict[str, w.Button] = {}

        def choose(chosen: str) -> None:
            for letter, button in buttons.items():
                button.description = _words(letter, options[letter], letter == chosen)
            try:
                said.value = self._answer(number, chosen)._repr_html_()
            except Exception as error:  # in a grader's run a wrong answer is raised; a click shows it all the same
                said.value = parts.sentence(str(error))

        for letter, option in options.items():
            tooltip = f"Answer question {number} with {letter}"
            buttons[letter] = parts.button(_words(letter, option, letter == right), tooltip, partial(choose, letter))
        return w.VBox([text, *buttons.values(), said])


def _words(letter: str, option: str, chosen: bool) -> str:
    return f"{'●' if chosen else '○'} {letter}) {option}"
