"""A quiz: three questions with options, the right ones found in the student's own cloud where it holds them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from labkit.errors import LabError
from labkit.learn.answers import UNATTEMPTED, Verdict, wrong
from labkit.learn.exercises import Keep
from labkit.learn.plan import Lab, Stop, View
from labkit.learn.quiz_facts import FACTS
from labkit.learn.result import strictly


@dataclass(frozen=True, slots=True)
class Option:
    """One answer to choose: its letter, what it says, why it is right or wrong."""

    letter: str
    text: str
    why: str
    right: bool


@dataclass(frozen=True, slots=True)
class Question:
    number: int
    text: str
    options: tuple[Option, ...]

    def __str__(self) -> str:
        return "\n".join([f"{self.number}. {self.text}", *(f"   {each.letter}) {each.text}" for each in self.options)])


class Quiz:
    """The quiz of one chapter; `lab.quiz("03")` gives it. `answer(1, "b")` answers a question."""

    def __init__(self, chapter: str, texts: list[dict[str, Any]], lab: Lab, keep: Keep) -> None:
        self.chapter = chapter
        self._texts, self._keep = texts, keep
        self.questions, self.trouble = self._read(lab)

    def _read(self, lab: Lab) -> tuple[tuple[Question, ...], str]:
        """The questions as they are for this lab; none, and why, where it does not hold what they ask about."""
        try:
            facts = FACTS[self.chapter](View(lab))
            return tuple(_question(n, texts, facts) for n, texts in enumerate(self._texts, 1)), ""
        except Stop as stop:
            why = f"{stop.line.text}: {stop.line.found}. Next: {stop.line.next}"
        except LabError as error:
            why = str(error)
        except Exception as error:  # of AWS: a quiz never ends a lesson
            why = f"{type(error).__name__}: {error}"
        return (), f"This quiz asks about your own lab, and can't be made yet: {why}"

    def answer(self, number: object = None, letter: object = None) -> Verdict:
        """Answer a question with the letter of an option, and be told why it is right or wrong."""
        return strictly(self._judged(number, letter))

    def _judged(self, number: object, letter: object) -> Verdict:
        if self.trouble:
            return wrong(self.trouble)
        question = next((each for each in self.questions if str(each.number) == str(number).strip()), None)
        if question is None:
            return wrong(f"There is no question {number!r}: they are 1 to {len(self.questions)}.")
        if letter is None or letter is ...:
            return UNATTEMPTED
        given = str(letter).strip().rstrip(").").lower()
        chosen = next((each for each in question.options if given in (each.letter, each.text.lower())), None)
        if chosen is None:
            letters = ", ".join(repr(each.letter) for each in question.options)
            return wrong(f"{letter!r} is no option of question {question.number}: choose one of {letters}.")
        note = self._keep(f"quiz:{self.chapter}.{question.number}", passed=chosen.right, answer=chosen.letter)
        return Verdict(chosen.right, f"{'Right' if chosen.right else 'No'}. {chosen.why}", note=note)

    def __repr__(self) -> str:
        if self.trouble:
            return self.trouble
        how = f'Answer each with lab.quiz("{self.chapter}").answer(1, "a").'
        return "\n".join([f"Quiz {self.chapter}", *map(str, self.questions), how])


def _question(number: int, texts: dict[str, Any], facts: dict[str, str]) -> Question:
    """A question, its right option the one whose key the lab's facts give, or the one that is marked."""
    key = facts[texts["fact"]] if "fact" in texts else texts["right"]
    options = tuple(
        Option(letter, each["text"].format_map(facts), each["why"].strip().format_map(facts), each["key"] == key)
        for letter, each in zip("abcdef", texts["options"], strict=False)
    )
    if sum(each.right for each in options) != 1:
        raise LabError(f"question {number} has no answer in a lab that stands as yours does. lab.check() says more.")
    return Question(number, texts["question"].strip().format_map(facts), options)
