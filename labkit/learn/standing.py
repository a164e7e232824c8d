"""What is passed of the course and what is left, for `lab.progress()`, `labkit progress` and `labkit run --score`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from html import escape
from typing import Any

from labkit.learn.blocks import ABSENT_MARK, RIGHT_MARK, mark_html
from labkit.learn.chapter import Item
from labkit.learn.chapters import CHAPTERS
from labkit.learn.progress_schema import UNTRIED
from labkit.learn.result import html_list

_HALF_MARK, _TRIED_MARK, _UNTRIED_MARK = ("½", "one VPC of two"), ("✗", "tried"), (ABSENT_MARK[0], "not tried")

#: What the marks mean, for a table.
LEGEND = "✓ passed, ½ for one VPC of two, ✗ tried, · not yet"


@dataclass(frozen=True, slots=True)
class Standing:
    """One thing that can be passed, and what was done of it.

    Attributes:
        item: The thing.
        done: Its entry in the progress file.
    """

    item: Item
    done: Mapping[str, Any]

    @property
    def passed(self) -> bool:
        """Whether it is passed."""
        return bool(self.done["score"])

    @property
    def mark(self) -> tuple[str, str]:
        """Its mark, and the same in words."""
        if self.passed:
            return RIGHT_MARK
        return _HALF_MARK if self.done.get("halves") else _TRIED_MARK if self.done["attempts"] else _UNTRIED_MARK


@dataclass(frozen=True, slots=True)
class ChapterStanding:
    """What is passed of one chapter.

    Attributes:
        number: The chapter, as two digits.
        standings: All that it asks for, in its order.
    """

    number: str
    standings: tuple[Standing, ...]

    @property
    def begun(self) -> bool:
        """Whether something of it was tried."""
        return any(each.done["first"] for each in self.standings)

    @property
    def left(self) -> list[Standing]:
        """What is not passed."""
        return [each for each in self.standings if not each.passed]

    def count(self, kind: str = "") -> tuple[int, int]:
        """Return how many are passed, and of how many; of one kind, such as `exercise`, or of all."""
        counted = [each for each in self.standings if kind in ("", each.item.kind)]
        return sum(each.passed for each in counted), len(counted)

    def __str__(self) -> str:
        passed, of = self.count()
        return f"{self.number}  {passed} of {of}" + (" ✓" if passed == of else "" if self.begun else ", not begun")


@dataclass(frozen=True)
class Progress:
    """What is passed and what is left, by chapter, and the next step; what `lab.progress()` shows.

    Attributes:
        chapters: The chapters.
        here: The chapter of the notebook that asks, in which the next step is looked for first, and then in those after
            it; empty if that is not known.
        alone: Whether this is of one run without a person, and not of all that a person has done.
        note: A sentence about the progress file.
    """

    chapters: tuple[ChapterStanding, ...]
    here: str = ""
    alone: bool = False
    note: str = ""

    @property
    def passed(self) -> bool:
        """Whether nothing is left."""
        return not any(chapter.left for chapter in self.chapters)

    @cached_property
    def _heading(self) -> str:
        passed, of = total(self.chapters)
        return f"Passed{' in this run' * self.alone}: {passed} of {of}"

    @cached_property
    def _next(self) -> str:
        left = [(chapter.number, each.item) for chapter in self.chapters for each in chapter.left]
        if not left:
            return "Nothing is left."
        number, item = next((each for each in left if each[0] >= self.here), left[0])
        return f"Next: {item.call}, {item.title} (notebook {number})."

    def _left(self, chapter: ChapterStanding) -> list[Standing]:
        """Return what to list of a chapter: what is left, if it was begun."""
        return chapter.left if chapter.begun else []

    def __repr__(self) -> str:
        lines = [self._heading]
        for chapter in self.chapters:
            lines.append(str(chapter))
            lines += [f"    {each.mark[0]} {each.item.call:<29} {each.item.title}" for each in self._left(chapter)]
        return "\n".join([*lines, self._next, *([self.note] if self.note else [])])

    def _repr_html_(self) -> str:
        return html_list(self._heading, map(self._chapter_html, self.chapters), f"{self._next} {self.note}".strip())

    def _chapter_html(self, chapter: ChapterStanding) -> str:
        left = "".join(
            f"<div style='margin-left:1.6em'>{mark_html(each.mark)} <code>{escape(each.item.call)}</code> "
            f"{escape(each.item.title)}</div>"
            for each in self._left(chapter)
        )
        return f"<li>{chapter}{left}</li>"


def standings(done: Mapping[str, Any], numbers: Iterable[str] = CHAPTERS) -> Iterator[ChapterStanding]:
    """Yield what is passed of each chapter.

    Args:
        done: The items of a progress file, by id.
        numbers: The chapters; all unless given.
    """
    for number in numbers:
        found = (Standing(item, UNTRIED | done.get(item.id, {})) for item in CHAPTERS[number].items())
        yield ChapterStanding(number, tuple(found))


def total(chapters: Iterable[ChapterStanding], kind: str = "") -> tuple[int, int]:
    """Return how many are passed in several chapters, and of how many; of one kind or of all."""
    counts = [chapter.count(kind) for chapter in chapters]
    return sum(passed for passed, _ in counts), sum(of for _, of in counts)
