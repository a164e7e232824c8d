"""The record decoder, `lab.widgets.record_decoder`: a flow log record explained field by field, and a quiz about it."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from typing import Any

import ipywidgets as ipw

from labkit.errors import LabError
from labkit.flowlogs import FIELDS, Format, explain
from labkit.show.widgets import controls, parts
from labkit.show.widgets.base import Interactive
from labkit.show.widgets.record_questions import questions

#: A space that a list does not swallow.
NARROW = "\N{NO-BREAK SPACE}"

_TYPES = {"int32": "a 32-bit number", "int64": "a 64-bit number", "string": "a word"}


class RecordDecoder(Interactive):
    """A record whose fields are explained one at a time.

    >>> line = "2 123456789012 eni-1 10.1.15.80 10.2.0.126 0 0 1 5 420 1764774316 1764774376 ACCEPT OK"
    >>> decoder = RecordDecoder(line)
    >>> decoder.field.value = "protocol"
    >>> "Protocol 1 is ICMP." in decoder.meaning.value
    True
    """

    def __init__(self, line: str, format: str | Format | Mapping[str, Any] | None = None) -> None:
        """Take a record apart.

        Args:
            line: One record as text.
            format: As `flowlogs.read` takes it.

        Raises:
            LabError: The line is no record of the format.
        """
        if not isinstance(line, str):
            raise LabError(f"Give one record as text, such as lab.records()[0], and not {type(line).__name__}.")
        table = explain(line, format)
        self._values = dict(zip(table["field"], table["value"], strict=True))
        self._meanings = dict(zip(table["field"], table["meaning"], strict=True))
        self._questions = questions(self._values)
        self._asked = 0
        self._right: set[int] = set()

        wide = max(map(len, self._values))
        fields = [(f"{name.ljust(wide, NARROW)}  {word}", name) for name, word in self._values.items()]
        self.line, self.meaning = parts.html(), parts.html()
        # JupyterLab keeps the arrow keys to itself where nothing can be typed, so the list alone would need a mouse:
        # https://github.com/jupyterlab/jupyterlab/blob/main/packages/notebook-extension/schema/tracker.json
        self.place = controls.BoundedIntText(
            1, min=1, max=len(fields), description="Word", tooltip="Which word of the line: arrow keys go on and back",
            style={"description_width": "initial"}, layout={"width": "9em"},
        )  # fmt: skip
        self.field = parts.choice("Field", "Click on a field", "28em", min(len(fields), 16), fields)
        self.field.add_class("labkit-record-field")
        self.quiz = controls.ToggleButton(description="Quiz me", tooltip="Hide or show the explanations of this record")
        self.question, self.verdict = parts.html(), parts.html()
        self.choice = controls.RadioButtons(description="Answer", options=[], layout={"width": "auto"})
        self.check = parts.button("Check", "Is the chosen answer right?", self._judge)
        self.another = parts.button("Next question", "Leave this question", self._ask_another)
        self._decoding = ipw.VBox([self.place, parts.columns(self.field, parts.answer(self.meaning))])
        buttons = parts.row(self.check, self.another)
        self._asking = ipw.VBox([self.question, self.choice, buttons, parts.answer(self.verdict)])
        self._part = ipw.VBox([self._decoding])
        self.widget = parts.root("record-decoder", self.line, self.quiz, self._part)

        self.place.observe(lambda change: setattr(self.field, "index", change["new"] - 1), "value")
        moves = parts.Moves()
        moves.watch(self._show, self.field)
        moves.watch(self._switch, self.quiz)
        moves.watch(self._forget, self.choice)
        self.quiz.disabled = not self._questions
        self._show()

    def still(self) -> parts.Lines:
        """Return every field with its value and what it means, one on a line."""
        wide, wider = (max(map(len, each)) for each in (self._values, self._values.values()))
        rows = [(name, word, self._meanings[name]) for name, word in self._values.items()]
        return parts.Lines("\n".join(f"{name:{wide}}  {word:{wider}}  {meaning}" for name, word, meaning in rows))

    def _show(self) -> None:
        """Explain the chosen field, and mark it in the line."""
        name = self.field.value
        self.place.value = self.field.index + 1
        field = FIELDS[name]
        self.line.value = _line(self._values, None if self.quiz.value else name)
        self.meaning.value = (
            f"<p><b>{escape(name)}</b>: {escape(field.meaning)}</p>"
            f"<p><b>{escape(self._values[name])}</b>: {escape(self._meanings[name])}</p>"
            + parts.sentence(f"Since version {field.version}; in Parquet {_TYPES[field.type]}.", "quiet")
        )

    def _switch(self) -> None:
        self._part.children = [self._asking if self.quiz.value else self._decoding]
        self.quiz.description = "Back to the fields" if self.quiz.value else "Quiz me"
        self._show()
        if self.quiz.value:
            self._ask(0)

    def _ask(self, number: int) -> None:
        self._asked = number
        question = self._questions[number]
        self.question.value = parts.sentence(f"Question {number + 1} of {len(self._questions)}. {question.text}")
        self.choice.options = question.choices
        self.choice.value = None
        self._forget()

    def _ask_another(self) -> None:
        self._ask((self._asked + 1) % len(self._questions))

    def _judge(self) -> None:
        question = self._questions[self._asked]
        if self.choice.value is None:
            self.verdict.value = parts.sentence("Choose an answer first.")
        elif self.choice.value == question.right:
            self._right.add(self._asked)
            count = f"{len(self._right)} of {len(self._questions)} answered."
            self.verdict.value = parts.sentence(f"{question.why} {count}", "good")
        else:
            hint = "Not that one. Count the words of the line, and look up that place in the format."
            self.verdict.value = parts.sentence(hint, "bad")

    def _forget(self) -> None:
        self.verdict.value = ""


def _line(values: Mapping[str, str], chosen: str | None) -> str:
    """Return the record as it was delivered, with a frame around the chosen word."""
    words = [
        f'<mark class="labkit-word">{escape(word)}</mark>' if name == chosen else escape(word)
        for name, word in values.items()
    ]
    return f"<code>{' '.join(words)}</code>"
