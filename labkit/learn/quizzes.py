"""A quiz: questions with options to choose from, the right ones found in the student's own lab. `lab.quiz` gives it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from labkit.errors import LabError
from labkit.learn.answers import Unfit, admitted, shown
from labkit.learn.chapter import Chapter, Facts
from labkit.learn.exercises import Keep
from labkit.learn.judging import UNATTEMPTED, Judgment, single, wrong
from labkit.learn.result import strict
from labkit.learn.view import Lab, Stop, View


@dataclass(frozen=True, slots=True)
class Option:
    """One option of a question: its letter, its text, why it is right or wrong, and whether it is right."""

    letter: str
    text: str
    why: str
    right: bool


@dataclass(frozen=True, slots=True)
class Question:
    """One question of a quiz, numbered from 1."""

    number: int
    text: str
    options: tuple[Option, ...]

    def __str__(self) -> str:
        return "\n".join([f"{self.number}. {self.text}", *(f"   {each.letter}) {each.text}" for each in self.options)])


class Quiz:
    """The quiz of one chapter, such as `lab.quiz("03")`.

    Args:
        chapter: The chapter, with the texts of the quiz.
        lab: The lab that it asks about.
        keep: Keeps what was answered.
        known: What a student has done before, by the ids of a progress file.

    Attributes:
        title: What it is called.
        questions: The questions as they are for this lab; none if the lab doesn't hold what they ask about.
        trouble: Why there are no questions.
    """

    def __init__(self, chapter: Chapter, lab: Lab, keep: Keep, known: Mapping[str, Any]) -> None:
        self.title, self.trouble = f"Quiz {chapter.number}", ""
        self.questions: tuple[Question, ...] = ()
        self._chapter, self._keep, self._known = chapter.number, keep, known
        try:
            facts = chapter.quiz_facts(View(lab))
            self.questions = tuple(_question(n, texts, facts) for n, texts in enumerate(chapter.texts["quiz"], 1))
        except Exception as error:  # also of AWS: a quiz never ends a lesson
            why = str(error) if isinstance(error, Stop | LabError) else f"{type(error).__name__}: {error}"
            self.trouble = f"This quiz asks about your own lab, and can't be made yet: {why}"

    def passed(self) -> dict[int, tuple[str, Judgment]]:
        """Return the right letters of the questions that were passed before, and why they are right, by number."""
        return {
            question.number: (option.letter, Judgment(True, f"Right. {option.why}"))
            for question in self.questions
            if self._known.get(self._id(question), {}).get("passed")
            for option in question.options
            if option.right
        }

    def _id(self, question: Question) -> str:
        return f"quiz:{self._chapter}.{question.number}"

    def answer(self, number: object = None, letter: object = None) -> Judgment:
        """Answer a question, and learn why the option is right or wrong.

        Args:
            number: The question's number, from 1.
            letter: The letter of an option, or its text; None means that there is no answer yet.

        Returns:
            Whether it is right, and why.

        Raises:
            CheckFailedError: LABKIT_STRICT is set and the answer is not right. Nothing else is raised.
        """
        return strict(self._judged(number, letter))

    def _judged(self, number: object, letter: object) -> Judgment:
        if self.trouble:
            return Judgment(False, self.trouble, attempted=False)
        asked = re.fullmatch(r"(?:question )?([0-9]{1,3})(?:\.0*)?\)?", _said(number))
        question = next((each for each in self.questions if asked and each.number == int(asked[1])), None)
        if question is None:
            called = f'lab.quiz("{self._chapter}").answer(1, "a")'
            return wrong(f"There is no question {shown(number)}: they are 1 to {len(self.questions)}, as in {called}.")
        if letter is None or letter is ...:
            return UNATTEMPTED
        given = _bare(_said(letter)).removeprefix("option ")
        chosen = next((each for each in question.options if given in (each.letter, _bare(each.text))), None)
        if chosen is None:
            letters = ", ".join(each.letter for each in question.options)
            return wrong(f"{shown(letter)} is not an option of question {question.number}: choose one of {letters}.")
        note = self._keep(self._id(question), passed=chosen.right, answer=chosen.letter)
        return Judgment(chosen.right, f"{'Right' if chosen.right else 'No'}. {chosen.why}", note=note)

    def __repr__(self) -> str:
        how = f'Answer each with lab.quiz("{self._chapter}").answer(1, "a").'
        return self.trouble or "\n".join([self.title, *map(str, self.questions), how])


def _said(answer: object) -> str:
    """Return what a number or a letter is given as, in lower case; nothing for what is neither."""
    try:
        return str(single(admitted(answer))).strip().lower()
    except Unfit:
        return ""


def _bare(text: str) -> str:
    """Return an option's letter or text without the marks around it."""
    return text.strip(" ().:").lower()


def _question(number: int, texts: dict[str, Any], facts: Facts) -> Question:
    """Make a question; the right option is the one whose key the lab's facts give, or the one that is marked."""
    key = facts[texts["fact"]] if "fact" in texts else texts["right"]
    options = tuple(
        Option(letter, each["text"].format_map(facts), each["why"].strip().format_map(facts), each["key"] == key)
        for letter, each in zip("abcdef", texts["options"], strict=False)
    )
    if sum(each.right for each in options) != 1:
        raise LabError(f"question {number} has no answer in a lab that is built as yours is. lab.check() says more.")
    return Question(number, texts["question"].strip().format_map(facts), options)
