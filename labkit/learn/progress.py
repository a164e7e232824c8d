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

from labkit.errors import LabError, ProgressError
from labkit.folders import course_folder
from labkit.learn.files import held, read_json
from labkit.learn.plan import SIDES
from labkit.learn.progress_schema import MAX_SCORE, SCHEMA, TIME, UNTRIED, items_of
from labkit.machine import write_whole
from labkit.status import printable
from labkit.version import __version__

NAME = "progress.json"
VARIABLE = "LABKIT_PROGRESS"

#: The environment variable that names the file of a grader's run, in which no person is there.
SCORE_VARIABLE = "LABKIT_SCORE"

#: A file with each item of the course has 11 kB.
_LARGEST = 1_000_000

#: How long a lesson waits for another process that writes the file.
PATIENCE_SECONDS = 5.0


def is_graded() -> bool:
    """Return whether this is a grader's run, `labkit run --score`, which keeps what passes although nobody is there."""
    return bool(os.environ.get(SCORE_VARIABLE))


def place() -> Path:
    """Return where the file is: as LABKIT_SCORE or LABKIT_PROGRESS says, or else beside the folder of the notebooks."""
    named = os.environ.get(SCORE_VARIABLE) or os.environ.get(VARIABLE)
    return Path(os.path.expanduser(named)) if named else course_folder() / NAME


def read(path: Path) -> dict[str, Any]:
    """Read the items of a progress file, and refuse whatever labkit does not write.

    Returns:
        The items by id, or nothing if there is no file.

    Raises:
        ProgressError: The file is damaged, of a later version, or can't be read.
    """
    name = printable(path.name)
    try:
        return items_of(read_json(path, _LARGEST))
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise ProgressError(
            f"{name} can't be read: {error.strerror}. Set {VARIABLE} to a file that you can read and write."
        ) from None
    except ValueError as error:
        raise ProgressError(
            f"{name} is not a progress file that labkit {__version__} can read, so it was left as it is: {error}. "
            "Begin a new one with: labkit progress --reset (the old one is kept beside it)."
        ) from None


def record(item: str, **done: Any) -> str:
    """Add what was just done to the file. Nothing is raised: a lesson goes on without its file.

    Args:
        item: Its id.
        done: What was done, as `add` takes it.

    Returns:
        A sentence to show if the file can't be written, or else an empty text.
    """
    try:
        path = _real(place())
        with _locked(path):
            items = read(path)
            add(items, item, **done)
            _write(path, items)
    except LabError as error:
        return f"Not kept: {error}"
    except OSError as error:
        return (
            f"Not kept in {NAME}: {error.strerror}. Your answer counts all the same; set {VARIABLE} to a file you can "
            "write."
        )
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
    now = datetime.now(UTC).strftime(TIME)
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

    Raises:
        LabError: It is no file, or another process is writing it.
        OSError: It can't be renamed.
    """
    path = _real(path)
    if not path.exists():
        return None
    with _locked(path):
        aside = next(p for n in range(1, 10_000) if not (p := path.with_suffix(f".{n}.json")).exists())
        return path.rename(aside)


def _real(path: Path) -> Path:
    """Return the file to which a link leads.

    Raises:
        ProgressError: Something else is there, such as a folder.
    """
    path = Path(os.path.realpath(path))
    if os.path.lexists(path) and not path.is_file():
        raise ProgressError(
            f"{printable(path.name)} is not a file, so it was left as it is. Rename it, or set {VARIABLE} to a file."
        )
    return path


def _locked(path: Path) -> AbstractContextManager[None]:
    """Keep two kernels from losing each other's answers; it raises what `held` raises."""
    what = f"another notebook or program that writes {printable(path.name)}"
    return held(path.with_name(f".{path.name}.lock"), PATIENCE_SECONDS, what)


def _write(path: Path, items: dict[str, Any]) -> None:
    """Write all of the file, or leave it as it is."""
    text = json.dumps({"schema": SCHEMA, "labkit": __version__, "items": dict(sorted(items.items()))}, indent=1)
    if path.exists() and not os.access(path, os.W_OK):
        raise PermissionError(13, "the file may not be written")
    write_whole(path, text + "\n")
