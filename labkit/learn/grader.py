"""Where a student's work is looked at: checks, exercises and quizzes of one lab, and what is kept of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from labkit.errors import LabError
from labkit.learn import progress, texts
from labkit.learn.checks import CHECKS, Overview, check, overview
from labkit.learn.exercises import Exercise
from labkit.learn.plan import Lab
from labkit.learn.quizzes import Quiz
from labkit.learn.result import Result, strictly


class Desk:
    """The checks, exercises and quizzes of a lab.

    Parameters: `is_live` says whether a person is there, whose progress is worth keeping; a run without one, as in a
    test, keeps nothing.
    """

    def __init__(self, lab: Lab, is_live: Callable[[], bool]) -> None:
        self._lab, self._is_live = lab, is_live
        self._exercises: dict[str, Exercise] = {}

    def check(self, name: object = None, vpc: object = None) -> Result | Overview:
        """The check of that name; without one, all of them in short."""
        if name is None:
            return strictly(overview(self._lab))
        result = check(self._lab, name, vpc)
        if result.name in CHECKS:
            result = replace(result, note=self._keep(f"check:{result.name}", passed=result.passed))
        return strictly(result)

    def exercise(self, id: object) -> Exercise:
        """The exercise of that id, the same one each time. Raises LabError where there is none."""
        known = texts.exercises()
        if str(id) not in known:
            raise LabError(f"There is no exercise {id!r}; the exercises are {', '.join(known)}.")
        return self._exercises.setdefault(str(id), Exercise(known[str(id)], self._lab, self._keep))

    def quiz(self, chapter: object) -> Quiz:
        """The quiz of a chapter, as the lab stands now. Raises LabError where there is none."""
        number = str(chapter).zfill(2)
        if number not in texts.numbers():
            raise LabError(f"There is no quiz {chapter!r}; there is one for each of {', '.join(texts.numbers())}.")
        return Quiz(number, texts.chapter(number)["quiz"], self._lab, self._keep)

    def _keep(self, item: str, **done: Any) -> str:
        return progress.record(item, **done) if self._is_live() else ""
