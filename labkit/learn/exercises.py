"""An exercise: its question, a check of the answer, hints one by one, and a solution."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from html import escape
from typing import Any

from labkit.errors import LabError
from labkit.learn.answers import UNATTEMPTED, Verdict, wrong
from labkit.learn.judges import JUDGES
from labkit.learn.plan import Lab, Stop, View
from labkit.learn.result import strictly

#: Keeps what was done, and gives a sentence where that was not possible: `keep(id, passed=…)`.
Keep = Callable[..., str]


@dataclass(frozen=True)
class Words:
    """A text that displays as it is; code as code."""

    text: str
    code: str = ""

    def __repr__(self) -> str:
        return "\n".join(part for part in (self.text, self.code) if part)

    def _repr_html_(self) -> str:
        code = f"<pre><code>{escape(self.code)}</code></pre>" if self.code else ""
        return f"<p>{escape(self.text)}</p>{code}"


class Exercise:
    """One exercise of the course; `lab.exercise("3.2")` gives it.

    `check(answer)` judges an answer from the student's own cloud; `hint()` gives one more hint each time;
    `solution()` shows one way to do it.
    """

    def __init__(self, texts: dict[str, Any], lab: Lab, keep: Keep) -> None:
        self.id: str = texts["id"]
        self._texts, self._lab, self._keep = texts, lab, keep
        self._hints = 0

    def check(self, answer: object = None) -> Verdict:
        """Judge an answer; None means that there is none yet. Nothing that is given raises an error, save in a
        grader's run (LABKIT_STRICT).
        """
        return strictly(UNATTEMPTED if answer is None or answer is ... else self._judged(answer))

    def _judged(self, answer: object) -> Verdict:
        try:
            verdict = JUDGES[self.id](View(self._lab), answer)
        except Stop as stop:
            return _not_yet(f"{stop.line.text}: {stop.line.found}. Next: {stop.line.next}")
        except (LabError, OSError) as error:
            return _not_yet(str(error))
        except Exception as error:
            if type(error).__module__.startswith("botocore"):  # AWS refused, or could not be reached
                return _not_yet(str(error))
            kind = type(answer).__name__  # an answer of a kind that nobody thought of
            verdict = wrong(f"A {kind} can't be judged here ({error}). Wanted is {self._texts['answer']}.")
        if verdict.passed:
            verdict = verdict.explained(self._texts["right"].strip())
        note = self._keep(f"exercise:{self.id}", passed=verdict.passed)
        return Verdict(verdict.passed, verdict.text, note=note)

    def hint(self) -> Words:
        """The next hint; the last one again where there is no more."""
        hints = self._texts["hints"]
        last = self._hints == len(hints)
        self._hints = min(self._hints + 1, len(hints))
        after = f" That was the last one; lab.exercise({self.id!r}).solution() shows a solution." if last else ""
        note = "" if last else self._keep(f"exercise:{self.id}", hint=True)
        text = f"Hint {self._hints} of {len(hints)}: {hints[self._hints - 1].strip()}{after}"
        return Words(f"{text} {note}".strip())

    def solution(self) -> Words:
        """One way to do it, as code."""
        note = self._keep(f"exercise:{self.id}", solution=True)
        return Words(f"One way to do it: {note}".strip(), self._texts["solution"].strip())

    @property
    def _how(self) -> str:
        return f"lab.exercise({self.id!r}).check(answer)"

    def __repr__(self) -> str:
        texts = self._texts
        return (
            f"Exercise {self.id}: {texts['title']}\n{texts['question'].strip()}\n"
            f"Answer with {texts['answer']}: {self._how}. Stuck? .hint(), then .solution()."
        )

    def _repr_html_(self) -> str:
        texts = self._texts
        return (
            f"<div class='labkit-exercise'><p><b>Exercise {self.id}: {escape(texts['title'])}</b></p>"
            f"<p>{escape(texts['question'].strip())}</p><p>Answer with {escape(texts['answer'])}: "
            f"<code>{escape(self._how)}</code>. Stuck? <code>.hint()</code>, then <code>.solution()</code>.</p></div>"
        )


def _not_yet(why: str) -> Verdict:
    """The answer can't be held against anything, which is no try."""
    return Verdict(False, f"It can't be judged yet: {why}", attempted=False)
