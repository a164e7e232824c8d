"""Runs the checks for `lab.check`: one of them, or all of them in short. The checks are in `labkit.learn.chapters`."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from html import escape
from typing import Any

from labkit.errors import DisconnectedError, LabError
from labkit.learn.answers import called, shown
from labkit.learn.blocks import mark_html
from labkit.learn.chapter import Check, Finding
from labkit.learn.chapters import CHAPTER_OF, CHAPTERS, CHECKS
from labkit.learn.plan import HERE, SIDES, THERE, Side
from labkit.learn.result import Line, Result, Unseen, html_list
from labkit.learn.view import Lab, Stop, View
from labkit.status import Status, printable


def check(lab: Lab, name: object, vpc: object = None, view: View | None = None) -> Result:
    """Run the check of that name; a wrong name is a line like any other.

    Args:
        lab: The lab to look at.
        name: The check's name.
        vpc: One of the two VPCs by its name, if only its half is built so far.
        view: The lab as it has been read already, if it has.

    Returns:
        What the check found.
    """
    called_so = called(name)
    if called_so not in CHECKS:
        near = difflib.get_close_matches(called_so[:40].lower().replace(" ", "-").replace("_", "-"), CHECKS, n=1)
        found = f"no check of this name{f' (did you mean {near[0]!r}?)' if near else ''}"
        call = f"lab.check({near[0] if near else 'vpcs'!r})."
        line = Line(False, shown(name), found, f"one of {', '.join(CHECKS)}", call)
        return Result(printable(called_so[:60]) or shown(name), (line,), known=False)
    step = CHECKS[called_so]
    half = "" if vpc is None else called(vpc) or shown(vpc)
    sides = [side for side in SIDES if half in ("", side.vpc)]
    if not sides or (half and not step.sided):
        call = f"lab.check({step.name!r})" + (f" or lab.check({step.name!r}, '{SIDES[0].vpc}')" if step.sided else "")
        line = Line(False, shown(vpc), "no part of this check", "vpc-1, vpc-2, or none", f"{call}.")
        return Result(step.name, (line,), known=False)
    view = view or View(lab)
    lines = tuple(line for side in (sides if step.sided else [None]) for line in _lines(step, view, side))
    return Result(step.name, lines, half=half)


def _lines(step: Check, view: View, side: Side | None) -> Iterator[Line]:
    """Yield the lines of a check; whatever goes wrong in looking is the last of them."""
    texts = CHAPTERS[CHAPTER_OF[step.name]].texts["check"][step.name]
    values = {"lab": view.lab, "names": view.names, "side": side}
    try:
        for each in step.look(view, side) if step.sided else step.look(view):
            yield each if isinstance(each, Line) else _line(each, texts, values)
    except Stop as stop:
        yield stop.line
    except DisconnectedError:
        raise
    except LabError as error:
        yield Line(False, "could not look further", str(error))
    except Exception as error:  # of AWS, of the network in between: a check never ends a lesson
        found = f"{type(error).__name__}: {error}"
        again = "run this check again; if it stays, lab.check() shows what the other steps say."
        yield Unseen(False, "could not look further", found, "an answer from AWS", again)


def _line(finding: Finding, texts: dict[str, Any], values: dict[str, Any]) -> Line:
    """Make a line of a finding: the texts of its key, filled with its values; several values are listed."""
    named = {"here": HERE, "there": THERE} | values
    for name, value in finding.values.items():
        named[name] = ", ".join(map(str, value)) if isinstance(value, list | tuple) else value
    line = {"about": texts["about"]} | texts[finding.key]
    if finding.ok:
        return Line(True, line["right"].format_map(named))
    about, found, wanted, next = (line[part].format_map(named) for part in ("about", "found", "wanted", "next"))
    return Line(False, about, found, wanted, next, finding.absent)


#: Shown in place of all checks where there is nothing to look at: at the beginning, and once all is deleted.
_NOTHING = "Nothing of the lab is here. Notebook 01 begins to build it."


@dataclass(frozen=True)
class Overview:
    """Every check in the order of the course, and in full the one that comes next.

    Attributes:
        results: What each check found, by its name.
        chapter: The chapter of the notebook that asks, as two digits; empty if that is not known.
        note: A sentence about the progress file.
    """

    results: Mapping[str, Result]
    chapter: str = ""
    note: str = ""

    @property
    def passed(self) -> bool:
        """Whether something has been begun, and all of that is right."""
        return self.begun and all(each.passed for each in self.results.values() if each.begun)

    @property
    def begun(self) -> bool:
        """Whether anything of the lab is there."""
        return any(each.begun for each in self.results.values())

    @property
    def wrong(self) -> bool:
        """Whether something is wrong."""
        return any(each.wrong for each in self.results.values())

    @property
    def following(self) -> Result | None:
        """The first step in which something is left to do, without what an earlier chapter left out."""
        left = [each for each in self.results.values() if each.left]
        here = (each for each in left if each.begun or CHAPTER_OF[each.name] >= self.chapter)
        return next(here, left[0] if left else None)

    def _rows(self) -> Iterator[tuple[str, str, Result]]:
        for chapter in CHAPTERS.values():
            for each in (self.results[check.name] for check in chapter.checks):
                yield chapter.number, f"lab.check({each.name!r})", each

    def __repr__(self) -> str:
        if not self.begun:
            return _NOTHING
        rows = [f"{chapter} {each.mark[0]} {call:<29} {each.state}" for chapter, call, each in self._rows()]
        after = self.following
        following = f"Next, {after}" if after is not None else "Every step is done."
        return "\n".join([*rows, "", following, *([self.note] if self.note else [])])

    def _repr_html_(self) -> str:
        if not self.begun:
            return html_list("Checks", (), _NOTHING)
        items = [f"<li>{chapter} {mark_html(each.mark)} <code>{escape(call)}</code> {each.state}</li>"
                 for chapter, call, each in self._rows()]  # fmt: skip
        after = self.following
        return html_list("Checks", items, self.note) + (
            after._repr_html_() if after is not None else "<p>Every step is done.</p>"
        )


def overview(lab: Lab, chapter: str = "") -> Overview:
    """Run all checks, with one reading of the lab's network.

    Args:
        lab: The lab to look at.
        chapter: The chapter of the notebook that asks, as two digits; empty if that is not known.
    """
    view, results = View(lab), {}
    with Status() as status:
        for name in CHECKS:
            status.say(f"looking: {name}", plain="looking at each step")
            results[name] = check(lab, name, view=view)
    return Overview(results, chapter)
