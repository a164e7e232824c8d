"""An exercise: its question, a judgment of the answer, hints one by one, and a solution. `lab.exercise` gives it.

Those with a number, such as 3.2, end a notebook. Those with a letter, such as 1.a, are steps in the middle of one that
the student writes: their question and their solution are the notebook's cell tagged `your-turn:1.a`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property
from html import escape
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from labkit.errors import LabError
from labkit.learn.answers import Unfit, admitted
from labkit.learn.blocks import html_block
from labkit.learn.chapter import Judge
from labkit.learn.checks import Overview
from labkit.learn.judging import UNATTEMPTED, Judgment, wrong
from labkit.learn.notebooks import YourTurn, notebooks
from labkit.learn.result import Result, strict
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
        return html_block("words", f"<p>{escape(self.text)}</p>{code}")


class Task:
    """What every exercise has: a question, hints and a solution.

    Args:
        texts: Its texts in TOML.
        item: Its id in the progress file.
        keep: Keeps what was done.
    """

    def __init__(self, texts: dict[str, Any], item: str, keep: Keep) -> None:
        self.id: str = texts["id"]
        self._texts, self._item, self._keep = texts, item, keep
        self._hints = 0

    @cached_property
    def _cell(self) -> YourTurn:
        """The cell of the notebook that a student writes, if this is a step."""
        chapter = self.id.partition(".")[0].zfill(2)
        return next(each for each in notebooks() if each.number == chapter).your_turn(self.id)

    def hint(self) -> Words:
        """Show the next hint, or the last one again."""
        hints = self._texts["hints"]
        last = self._hints == len(hints)
        self._hints = min(self._hints + 1, len(hints))
        after = f" That was the last one; lab.exercise({self.id!r}).solution() shows a solution." if last else ""
        note = "" if last else self._keep(self._item, hint=True)
        text = f"Hint {self._hints} of {len(hints)}: {hints[self._hints - 1].strip()}{after}"
        return Words(f"{text} {note}".strip())

    def solution(self) -> Words:
        """Show a solution as code.

        Raises:
            LabError: It stands in a notebook, and the notebook is not there or damaged.
        """
        code = self._texts.get("solution") or self._cell.solution
        note = self._keep(self._item, solution=True)
        return Words(f"One way to do it: {note}".strip(), code.strip())

    @property
    def _title(self) -> str:
        return f"Exercise {self.id}: {self._texts['title']}"

    @property
    def _question(self) -> str:
        return str(self._texts.get("question") or self._cell.task).strip()

    @property
    def _how(self) -> str:
        """What to answer with."""
        return f"Answer with {self._texts['answer']}"

    @property
    def _call(self) -> str:
        """The call that judges it."""
        return f"lab.exercise({self.id!r}).check(answer)"

    def __repr__(self) -> str:
        return f"{self._title}\n{self._question}\n{self._how}: {self._call}. Stuck? .hint(), then .solution()."

    def _repr_html_(self) -> str:
        return html_block(
            "exercise",
            f"<p><b>{escape(self._title)}</b></p><p>{escape(self._question)}</p><p>{escape(self._how)}: "
            f"<code>{escape(self._call)}</code>. Stuck? <code>.hint()</code>, then <code>.solution()</code>.</p>",
        )


class Exercise(Task):
    """An exercise with an answer, such as `lab.exercise("3.2")`.

    Args:
        texts: Its texts in TOML.
        judge: Judges an answer.
        lab: The lab to judge by.
        keep: Keeps what was done.
    """

    def __init__(self, texts: dict[str, Any], judge: Judge, lab: Lab, keep: Keep) -> None:
        super().__init__(texts, f"exercise:{texts['id']}", keep)
        self._judge, self._lab = judge, lab

    def check(self, answer: object = None) -> Judgment:
        """Judge an answer by what the student's own lab holds.

        Args:
            answer: Any object; None means that there is no answer yet.

        Returns:
            Whether it is right, and why.

        Raises:
            CheckFailedError: LABKIT_STRICT is set and the answer is not right. Nothing else is raised.
        """
        if answer is ... or (answer is None and not self._texts.get("none_is_an_answer")):
            return UNATTEMPTED if "solution" in self._texts else self._unwritten
        return strict(self._judged(answer))

    @property
    def _unwritten(self) -> Judgment:
        """What is said of None where the cell that checks has no None in it: a variable of the step before is None."""
        how = f"write step {self.id}, then run this cell again; lab.exercise({self.id!r}).hint() helps."
        return Judgment(False, f"There is no answer yet: {how}", attempted=False)

    def _judged(self, answer: object) -> Judgment:
        try:
            judgment = self._judge(View(self._lab), admitted(answer))
        except Unfit as unfit:
            judgment = wrong(f"{unfit} Answer with {self._texts['answer']}.")
        except (Stop, LabError, OSError, BotoCoreError, ClientError) as error:
            # There is nothing to judge by, so this does not count as a try.
            return Judgment(False, f"It can't be judged yet: {error}", attempted=False)
        text = f"{judgment.text} {self._texts['right'].strip()}" if judgment.passed else judgment.text
        return replace(judgment, text=text, note=self._keep(self._item, passed=judgment.passed))


class Step(Task):
    """A step of building that the student writes, such as `lab.exercise("1.a")`; one of the checks judges it.

    Args:
        texts: Its texts in TOML; `check` holds what `lab.check` is called with.
        look: Runs that check, which also keeps what it finds.
        keep: Keeps that a hint or the solution was shown, with what the check found.
    """

    def __init__(self, texts: dict[str, Any], look: Callable[[], Result | Overview], keep: Keep) -> None:
        super().__init__(texts, f"check:{texts['check'][0]}", keep)
        self._look = look

    def check(self, answer: object = None) -> Result | Overview:
        """Look at what was built.

        Args:
            answer: Not needed: what counts is in the account.

        Returns:
            What the check found.

        Raises:
            CheckFailedError: LABKIT_STRICT is set and something is not right.
            DisconnectedError: Another AWS is connected than that of the lab which gave this step.
        """
        return self._look()

    @property
    def _how(self) -> str:
        return "When it is built"

    @property
    def _call(self) -> str:
        return f"lab.check({', '.join(map(repr, self._texts['check']))})"
