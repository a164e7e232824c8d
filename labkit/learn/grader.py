"""Where a student's work is looked at: the checks, exercises and quizzes of one lab. `labkit.lab` makes a `Grader`."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from functools import partial
from typing import Any

from labkit.errors import LabError
from labkit.learn import progress
from labkit.learn.answers import called, shown
from labkit.learn.chapters import CHAPTER_OF, CHAPTERS
from labkit.learn.checks import Overview, check, overview
from labkit.learn.exercises import Exercise, Step
from labkit.learn.progress_schema import UNTRIED
from labkit.learn.quizzes import Quiz
from labkit.learn.result import Result, strict
from labkit.learn.standing import Progress, standings
from labkit.learn.view import Lab


class Grader:
    """The checks, exercises and quizzes of a lab.

    Args:
        lab: The lab to look at.
        is_live: Says whether a person is there, whose progress is kept; a run without one, as in a test, keeps nothing.

    Attributes:
        chapter: The chapter of the notebook that uses the lab, as two digits; empty where that is not known. What
            belongs to a later chapter is a look ahead: what is not there yet is no failure then.
    """

    def __init__(self, lab: Lab, is_live: Callable[[], bool]) -> None:
        self.chapter = ""
        self._lab, self._is_live = lab, is_live
        self._done: dict[str, Any] = {}
        self._exercises: dict[str, Exercise | Step] = {
            texts["id"]: Step(texts, partial(self.check, *texts["check"]), self._keep)
            if "check" in texts
            else Exercise(texts, chapter.judges[texts["id"]], lab, self._keep)
            for chapter in CHAPTERS.values()
            for texts in chapter.texts["exercise"]
        }

    def check(self, name: object = None, vpc: object = None) -> Result | Overview:
        """Run a check, or all of them in short.

        What is neither right nor wrong yet is not recorded, nor what AWS gave no answer about. Of an overview, what is
        passed of the notebook's own chapter is recorded: `lab.catch_up` has built the chapters before it.

        Args:
            name: The check's name; without it, all checks run.
            vpc: One of the two VPCs by its name, if only its half is meant.

        Returns:
            What the check found, or an overview.

        Raises:
            CheckFailedError: LABKIT_STRICT is set, and something is wrong, or not there although its chapter has come.
            DisconnectedError: The lab is not that of the AWS that is connected: what it can't see is not wrong.
        """
        if name is None:
            found = overview(self._lab, self.chapter)
            found = replace(found, results={name: self._with_before(each) for name, each in found.results.items()})
            for each in found.results.values():
                if each.passed and self.chapter in ("", CHAPTER_OF[each.name]):
                    found = replace(found, note=self._keep(f"check:{each.name}", passed=True) or found.note)
            return strict(found) if found.wrong else found
        result = check(self._lab, name, vpc)
        if result.counts:
            note = self._keep(f"check:{result.name}", passed=result.passed, half=result.half)
            result = replace(result, note=note)
        result = self._with_before(result)
        return result if self._is_ahead(result) else strict(result)

    def _with_before(self, result: Result) -> Result:
        """Note of a check of which nothing is there whether the person has passed it before."""
        return result if result.begun else replace(result, before=self._was_passed(f"check:{result.name}"))

    def _was_passed(self, item: str) -> bool:
        with suppress(LabError):
            return self._is_live() and bool(progress.read(progress.place()).get(item, UNTRIED)["score"])
        return False

    def _is_ahead(self, result: Result) -> bool:
        return not result.wrong and bool(self.chapter) and self.chapter < CHAPTER_OF.get(result.name, "")

    def exercise(self, id: object) -> Exercise | Step:
        """Return the exercise of that id, the same one each time.

        Raises:
            LabError: There is none.
        """
        if called(id) not in self._exercises:
            raise LabError(f"There is no exercise {shown(id)}; the exercises are {', '.join(self._exercises)}.")
        return self._exercises[called(id)]

    def quiz(self, chapter: object) -> Quiz:
        """Return the quiz of a chapter, for the lab as it is now.

        Raises:
            LabError: There is none.
        """
        number = called(chapter) and called(chapter).zfill(2)
        if number not in CHAPTERS:
            raise LabError(f"There is no quiz {shown(chapter)}; there is one for each of {', '.join(CHAPTERS)}.")
        return Quiz(CHAPTERS[number], self._lab, self._keep, self._known())

    def _known(self) -> dict[str, Any]:
        """Return what a student has done so far, and nothing where nobody is there."""
        if not self._is_live():
            return {}
        try:
            return progress.read(progress.place())
        except LabError:
            return self._done

    def progress(self) -> Progress:
        """Return what is passed of the course and what is left.

        Where nobody is there, it is what this lab has seen pass of the notebook's chapter or, where that is not known,
        of the whole course.
        """
        if self._is_live():
            try:
                return Progress(tuple(standings(progress.read(progress.place()))), self.chapter)
            except LabError as error:
                note = f"Only what passed since connect(): {error}"
                return Progress(tuple(standings(self._done)), self.chapter, note=note)
        numbers = [self.chapter] if self.chapter in CHAPTERS else CHAPTERS
        return Progress(tuple(standings(self._done, numbers)), self.chapter, alone=True)

    def _keep(self, item: str, **done: Any) -> str:
        progress.add(self._done, item, **done)
        return progress.record(item, **done) if self._is_live() or progress.is_graded() else ""
