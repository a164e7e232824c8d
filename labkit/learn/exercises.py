"""An exercise: its question, a judgment of the answer, hints one by one, and a solution. `lab.exercise` gives it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from html import escape
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from labkit.errors import LabError
from labkit.learn.chapter import Judge
from labkit.learn.judging import UNATTEMPTED, Judgment, wrong
from labkit.learn.result import strict
from labkit.learn.view import Lab, Stop, View

#: Keeps what was done, and gives a sentence where that was not possible: `keep(id, passed=…)`.
Keep = Callable[..., str]


@dataclass(frozen=True)
class Words:
    """A text that displays as it is, and code as code."""

    text: str
    code: str = ""

    def __repr__(self) -> str:
        return "\n".join(part for part in (self.text, self.code) if part)

    def _repr_html_(self) -> str:
        code = f"<pre><code>{escape(self.code)}</code></pre>" if self.code else ""
        return f"<p>{escape(self.text)}</p>{code}"


class Exercise:
    """One exercise of the course, such as `lab.exercise("3.2")`.

    Args:
        texts: Its texts in TOML.
        judge: Judges an answer.
        lab: The lab to judge by.
        keep: Keeps what was done.
    """

    def __init__(self, texts: dict[str, Any], judge: Judge, lab: Lab, keep: Keep) -> None:
        self.id: str = texts["id"]
        self._texts, self._judge, self._lab, self._keep = texts, judge, lab, keep
        self._hints = 0

    def check(self, answer: object = None) -> Judgment:
        """Judge an answer by what the student's own lab holds.

        Args:
            answer: Any object; None means that there is no answer yet.

        Returns:
            Whether it is right, and why.

        Raises:
            CheckFailedError: LABKIT_STRICT is set and the answer is not right. Nothing else is raised.
        """
        return strict(UNATTEMPTED if answer is None or answer is ... else self._judged(answer))

    def _judged(self, answer: object) -> Judgment:
        try:
            judgment = self._judge(View(self._lab), answer)
        except (Stop, LabError, OSError, BotoCoreError, ClientError) as error:
            # There is nothing to judge by, so this does not count as a try.
            return Judgment(False, f"It can't be judged yet: {error}", attempted=False)
        except Exception as error:
            kind = type(answer).__name__  # an answer of a kind that nobody thought of
            judgment = wrong(f"A {kind} can't be judged here ({error}). Wanted is {self._texts['answer']}.")
        text = f"{judgment.text} {self._texts['right'].strip()}" if judgment.passed else judgment.text
        return replace(judgment, text=text, note=self._keep(f"exercise:{self.id}", passed=judgment.passed))

    def hint(self) -> Words:
        """Show the next hint, or the last one again."""
        hints = self._texts["hints"]
        last = self._hints == len(hints)
        self._hints = min(self._hints + 1, len(hints))
        after = f" That was the last one; lab.exercise({self.id!r}).solution() shows a solution." if last else ""
        note = "" if last else self._keep(f"exercise:{self.id}", hint=True)
        text = f"Hint {self._hints} of {len(hints)}: {hints[self._hints - 1].strip()}{after}"
        return Words(f"{text} {note}".strip())

    def solution(self) -> Words:
        """Show a solution as code."""
        note = self._keep(f"exercise:{self.id}", solution=True)
        return Words(f"One way to do it: {note}".strip(), self._texts["solution"].strip())

    def __repr__(self) -> str:
        texts = self._texts
        return (
            f"Exercise {self.id}: {texts['title']}\n{texts['question'].strip()}\n"
            f"Answer with {texts['answer']}: {self._call}. Stuck? .hint(), then .solution()."
        )

    def _repr_html_(self) -> str:
        texts = self._texts
        return (
            f"<div class='labkit-exercise'><p><b>Exercise {self.id}: {escape(texts['title'])}</b></p>"
            f"<p>{escape(texts['question'].strip())}</p><p>Answer with {escape(texts['answer'])}: "
            f"<code>{escape(self._call)}</code>. Stuck? <code>.hint()</code>, then <code>.solution()</code>.</p></div>"
        )

    @property
    def _call(self) -> str:
        return f"lab.exercise({self.id!r}).check(answer)"
