"""`labkit progress`: prints what has been passed of the course, as a table or, for a grader, as JSON."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from labkit.errors import CommandError
from labkit.status import printable
from labkit.version import __version__


def parse(arguments: list[str]) -> argparse.Namespace:
    """Read the arguments of the command."""
    parser = argparse.ArgumentParser(
        prog="labkit progress",
        description="Prints what has been passed of the checks, exercises and quizzes. Notebooks write it to "
        "progress.json in the course's folder, or to the file that LABKIT_PROGRESS names: hand that file in.",
        epilog="The JSON has, by id, every item of the course, such as check:vpcs, exercise:3.1 and quiz:03.1: its "
        "chapter, title, score, max_score, attempts, hints, solution (shown or not), and first, last and passed, "
        "times in UTC or null; beside them score and max_score of the whole. A check of both VPCs is passed once both "
        "halves were right, also one after the other.",
    )
    parser.add_argument("file", nargs="?", type=Path, metavar="FILE", help="a file that was handed in (default: yours)")
    what = parser.add_mutually_exclusive_group()
    what.add_argument("--json", action="store_true", help="write JSON, with a score for each item")
    what.add_argument("--reset", action="store_true", help="start over; the old file is kept under another name")
    return parser.parse_args(arguments)


def run(options: argparse.Namespace) -> int:
    """Print the progress, or begin a new file.

    Raises:
        CommandError: There is no such file.
        ProgressError: The file cannot be read.
    """
    from labkit.learn import progress

    path = options.file or progress.place()
    if options.reset:
        aside = progress.reset(path)
        print(
            f"Started over; the old progress is now in {printable(aside.name)}." if aside else "There was nothing yet."
        )
        return 0
    if options.file and not path.is_file():
        raise CommandError(f"There is no file {printable(str(path))}: give the path of a progress.json.")
    done = progress.read(path)
    known = report(done)
    print(json.dumps(known, indent=1, ensure_ascii=False) if options.json else table(done))
    if foreign := sorted(done.keys() - known["items"]):
        print(f"labkit: This course has no {', '.join(foreign[:5])}{' …' * (len(foreign) > 5)}.", file=sys.stderr)
    return 0


def report(done: dict[str, Any]) -> dict[str, Any]:
    """Return every item of the course with what was done of it, and the sum of the scores.

    Args:
        done: The items of a progress file, by id.
    """
    from labkit.learn.progress_schema import SCHEMA
    from labkit.learn.standing import standings

    items = {
        each.item.id: {"chapter": chapter.number, "title": each.item.title, **each.done}
        for chapter in standings(done)
        for each in chapter.standings
    }
    score, max_score = (sum(each[key] for each in items.values()) for key in ("score", "max_score"))
    return {"schema": SCHEMA, "labkit": __version__, "score": score, "max_score": max_score, "items": items}


def table(done: dict[str, Any]) -> str:
    """Return every item of the course as text, a line for each, and the sum.

    Args:
        done: The items of a progress file, by id.
    """
    from labkit.learn.standing import LEGEND, standings, total

    chapters = list(standings(done))
    rows = [("", "what", "", "tries", "hints", "")]
    for chapter in chapters:
        for each in chapter.standings:
            tries, hints = (str(each.done[key] or "") for key in ("attempts", "hints"))
            rows.append((chapter.number, each.item.id, each.mark[0], tries, hints, each.item.title))
    width = max(len(row[1]) for row in rows)
    lines = [f"{a:2}  {what:<{width}}  {mark:1}  {tries:>5}  {hints:>5}  {title}".rstrip()
             for a, what, mark, tries, hints, title in rows]  # fmt: skip
    passed, of = total(chapters)
    return "\n".join([*lines, "", f"{passed} of {of} passed ({LEGEND})."])
