"""What a student has passed, in a small JSON file of their own that can be handed in.

The grader of a lab records it, and `labkit progress` prints it. The file is `progress.json` in the course's folder, or
where LABKIT_PROGRESS says. It holds no names, paths, addresses or account numbers. Its schema, version 1:

- `schema`: 1; `labkit`: the version that wrote the file last;
- `items`: what was tried, by id, such as `check:vpcs`, `exercise:3.1`, `quiz:03.1`; each with
  `score` and `max_score` (1 once passed, and it stays passed), `attempts`, `hints` (how many were asked for),
  `solution` (whether it was shown), `first` and `last` (when it was tried, UTC), `passed` (when it first was right, or
  null), for a quiz `answer`, the letter given last, and for a check of both VPCs `halves`, those that were right when
  they were looked at separately. A check is passed once both of its halves have been right, also one after the other.

A check in which nothing is wrong, but something is not there yet, is no try, and is not recorded.
"""

from __future__ import annotations

import json
import os
from contextlib import AbstractContextManager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from labkit.errors import ProgressError
from labkit.folders import course_folder
from labkit.learn.plan import SIDES
from labkit.machine import locked, write_whole
from labkit.version import __version__

SCHEMA = 1
NAME = "progress.json"
VARIABLE = "LABKIT_PROGRESS"

#: The environment variable that names the file of a grader's run, in which no person is there.
SCORE_VARIABLE = "LABKIT_SCORE"

#: The one point that each check, exercise and question of a quiz gives.
MAX_SCORE = 1

#: An item of the file that has not been tried.
UNTRIED = {
    "score": 0, "max_score": MAX_SCORE, "attempts": 0, "hints": 0, "solution": False,
    "first": None, "last": None, "passed": None,
}  # fmt: skip


def is_graded() -> bool:
    """Return whether this is a grader's run, `labkit run --score`, which keeps what passes although nobody is there."""
    return bool(os.environ.get(SCORE_VARIABLE))


def place() -> Path:
    """Return where the file is: as LABKIT_SCORE or LABKIT_PROGRESS says, or else beside the folder of the notebooks."""
    named = os.environ.get(SCORE_VARIABLE) or os.environ.get(VARIABLE)
    return Path(named).expanduser() if named else course_folder() / NAME


def read(path: Path) -> dict[str, Any]:
    """Read the items of a progress file.

    Returns:
        The items by id, or nothing if there is no file.

    Raises:
        ProgressError: The file is damaged, or of a later version.
    """
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        items = found["items"]
        if found["schema"] != SCHEMA or not all(each["score"] in (0, MAX_SCORE) for each in items.values()):
            raise ValueError
    except FileNotFoundError:
        return {}
    except (ValueError, KeyError, TypeError, AttributeError):
        raise ProgressError(
            f"{path.name} is not a progress file that labkit {__version__} can read, so it was left as it is. "
            "Begin a new one with: labkit progress --reset (the old one is kept beside it)."
        ) from None
    return dict(items)


def record(item: str, **done: Any) -> str:
    """Add what was just done to the file. Nothing is raised: a lesson goes on without its file.

    Args:
        item: Its id.
        done: What was done, as `add` takes it.

    Returns:
        A sentence to show if the file can't be written, or else an empty text.
    """
    try:
        path = place()
        with _locked(path):
            items = read(path)
            add(items, item, **done)
            _write(path, items)
    except ProgressError as error:
        return f"Not kept: {error}"
    except Exception as error:
        reason = getattr(error, "strerror", None) or str(error)
        return f"Not kept in {NAME}: {reason}. Your answer counts all the same; set {VARIABLE} to a file you can write."
    return ""


def add(
    items: dict[str, Any],
    id: str,
    *,
    passed: bool | None = None,
    half: str = "",
    hint: bool = False,
    solution: bool = False,
    answer: str = "",
) -> None:
    """Add what was just done to the items of a file.

    Args:
        items: The items by id.
        id: The item's id.
        passed: Whether an answer was right, or None if none was given.
        half: The VPC, if a check looked only at its half.
        hint: Whether a hint was shown.
        solution: Whether the solution was shown.
        answer: The letter chosen in a quiz.

    >>> items = {}
    >>> for vpc in ("vpc-1", "vpc-2"):
    ...     add(items, "check:vpcs", passed=True, half=vpc)
    ...     print(items["check:vpcs"]["score"], items["check:vpcs"]["halves"])
    0 ['vpc-1']
    1 ['vpc-1', 'vpc-2']
    """
    now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    item = items[id] = UNTRIED | items.get(id, {}) | {"last": now}
    if answer:
        item["answer"] = answer
    item["first"] = item["first"] or now
    item["attempts"] += passed is not None
    item["hints"] += hint
    item["solution"] = item["solution"] or solution
    if passed and half:
        item["halves"] = sorted({half, *item.get("halves", ())})
        passed = item["halves"] == sorted(side.vpc for side in SIDES)
    if passed:
        item["score"] = MAX_SCORE
        item["passed"] = item["passed"] or now


def reset(path: Path) -> Path | None:
    """Rename the file, so that the next answer starts a new one.

    Returns:
        Where the file is now, or None if there was none.
    """
    if not path.exists():
        return None
    with _locked(path):
        aside = next(p for n in range(1, 10_000) if not (p := path.with_suffix(f".{n}.json")).exists())
        return path.rename(aside)


def _locked(path: Path) -> AbstractContextManager[int]:
    """Keep two kernels from losing each other's answers."""
    return locked(path.with_name(f".{path.name}.lock"))


def _write(path: Path, items: dict[str, Any]) -> None:
    """Write all of the file, or leave it as it is."""
    text = json.dumps({"schema": SCHEMA, "labkit": __version__, "items": dict(sorted(items.items()))}, indent=1)
    if path.exists() and not os.access(path, os.W_OK):
        raise PermissionError(13, "the file may not be written")
    write_whole(path, text + "\n")
