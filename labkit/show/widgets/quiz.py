"""A quiz to be clicked: the options of each question as buttons, and why the chosen one is right or wrong.

Buttons, not radio buttons: JupyterLab takes the arrow keys, by which one moves among those, for moving among cells.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from html import escape
from typing import Any

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


class QuizWidget(Interactive):
    """A quiz in a front end. An option is chosen with the mouse, or with Tab and the space bar.

    Args:
        title: What it is called.
        questions: The text of each question, with its options: their texts by their letters.
        trouble: Why there are no questions, if there are none.
        answer: Judges the answer to a question, given by its number from 1 and a letter; the judgment displays itself
            as HTML.
        still: What is displayed where there is no front end.
    """

    def __init__(
        self,
        title: str,
        questions: Sequence[tuple[str, Mapping[str, str]]],
        trouble: str,
        answer: Callable[[object, object], Any],
        still: object,
    ) -> None:
        self._answer, self._still = answer, still
        rows = [self._question(number, *question) for number, question in enumerate(questions, 1)]
        if trouble:
            rows = [ipywidgets.HTML(f"<p>{escape(trouble)}</p>").add_class("labkit-answer")]
        heading = ipywidgets.HTML(f"{_STYLE}<b>{escape(title)}</b>")
        self.widget = ipywidgets.VBox([heading, *rows]).add_class("labkit-quiz")

    def answer(self, number: object = None, letter: object = None) -> Any:
        """Answer a question by call, as in `lab.quiz("03").answer(1, "b")`."""
        return self._answer(number, letter)

    def still(self) -> object:
        return self._still

    def _question(self, number: int, question: str, options: Mapping[str, str]) -> ipywidgets.VBox:
        text = ipywidgets.HTML(f"<p style='margin:0.6em 0 0'>{number}. {escape(question)}</p>")
        said = ipywidgets.HTML().add_class("labkit-answer")
        buttons: dict[str, ipywidgets.Button] = {}

        def choose(chosen: str) -> None:
            for letter, button in buttons.items():
                button.description = _words(letter, options[letter], letter == chosen)
            try:
                said.value = self._answer(number, chosen)._repr_html_()
            except Exception as error:  # in a grader's run, what is not right is raised; a click shows it all the same
                said.value = f"<p>{escape(str(error))}</p>"

        for letter, option in options.items():
            tooltip = f"Answer question {number} with {letter}"
            buttons[letter] = ipywidgets.Button(description=_words(letter, option, False), tooltip=tooltip)
            buttons[letter].on_click(lambda _, letter=letter: choose(letter))
        return ipywidgets.VBox([text, *buttons.values(), said])


def _words(letter: str, option: str, chosen: bool) -> str:
    return f"{'●' if chosen else '○'} {letter}) {option}"
