"""The chapters of the course that look at a student's lab, each in one module; a new chapter is added here.

>>> [check.name for check in CHAPTERS["04"].checks]
['peering', 'routes', 'ping']
"""

from __future__ import annotations

from labkit.learn.chapters import (
    chapter_00,
    chapter_01,
    chapter_02,
    chapter_03,
    chapter_04,
    chapter_05,
    chapter_06,
    chapter_10,
)

_MODULES = (chapter_00, chapter_01, chapter_02, chapter_03, chapter_04, chapter_05, chapter_06, chapter_10)

#: The chapters by number, in order.
CHAPTERS = {module.CHAPTER.number: module.CHAPTER for module in _MODULES}

#: All checks by name, in the order of the course.
CHECKS = {check.name: check for chapter in CHAPTERS.values() for check in chapter.checks}

#: The number of the chapter of each check, by the check's name.
CHAPTER_OF = {check.name: number for number, chapter in CHAPTERS.items() for check in chapter.checks}
