"""Where a student's work is looked at: the checks, exercises and quizzes of one lab. `labkit.lab` makes a `Grader`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

from labkit.errors import LabError
from labkit.learn import progress
from labkit.learn.chapters import CHAPTERS, CHECKS
from labkit.learn.checks import Overview, check, overview
from labkit.learn.exercises import Exercise, Step
from labkit.learn.quizzes import Quiz
from labkit.learn.result import Result, strict
from labkit.learn.view import Lab


class Grader:
    """The checks, exercises and quizzes of a lab.

    Args:
        lab: The lab to look at.
        is_live: Says whether a person is there, whose progress is kept; a run without one, as in a test, keeps nothing.
    """

    def __init__(self, lab: Lab, is_live: Callable[[], bool]) -> None:
        self._lab, self._is_live = lab, is_live
        self._exercises: dict[str, Exercise | Step] = {
            texts["id"]: Step(texts, partial(self.check, *texts["check"]), self._keep)
            if "check" in texts
            else Exercise(texts, chapter.judges[texts["id"]], lab, self._keep)
            for chapter in CHAPTERS.values()
            for texts in chapter.texts["exercise"]
        }

    def check(self, name: object = None, vpc: object = None) -> Result | Overview:
        """Run a check, or all of them in short.

        Args:
            name: The check's name; without it, all checks run.
            vpc: One of the two VPCs by its name, if only its half is meant.

        Returns:
            What the check found, or an overview.

        Raises:
            CheckFailedError: LABKIT_STRICT is set and something is not right.
        """
        if name is None:
            return strict(overview(self._lab))
        result = check(self._lab, name, vpc)
        if result.name in CHECKS:
            result = replace(result, note=self._keep(f"check:{result.name}", passed=result.passed))
        return strict(result)

    def exercise(self, id: object) -> Exercise | Step:
        """Return the exercise of that id, the same one each time.

        Raises:
            LabError: There is none.
        """
        if str(id) not in self._exercises:
            raise LabError(f"There is no exercise {id!r}; the exercises are {', '.join(self._exercises)}.")
        return self._exercises[str(id)]

    def quiz(self, chapter: object) -> Quiz:
        """Return the quiz of a chapter, for the lab as it is now.

        Raises:
            LabError: There is none.
        """
        number = str(chapter).zfill(2)
        if number not in CHAPTERS:
            raise LabError(f"There is no quiz {chapter!r}; there is one for each of {', '.join(CHAPTERS)}.")
        return Quiz(CHAPTERS[number], self._lab, self._keep)

    def _keep(self, item: str, **done: Any) -> str:
        return progress.record(item, **done) if self._is_live() else ""
