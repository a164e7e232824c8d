"""Where a student was in each chapter, in a small JSON file beside the progress file.

By chapter, it holds the id of the furthest code cell that ran without an error in the kernel that last worked on the
chapter. `lab.catch_up()` needs it in a new kernel. The chapter worked on last stands last: `labkit start` opens it. A
lesson goes on without the file: nothing here raises an error.
"""

from __future__ import annotations

import json
import re
from contextlib import suppress
from pathlib import Path

from labkit.errors import LabError
from labkit.learn.files import held, read_json
from labkit.learn.progress import place
from labkit.learn.student_copy import CELL_ID
from labkit.machine import write_whole

#: A file with each chapter of the course has 300 bytes.
_LARGEST = 100_000

#: How long a cell may wait for another notebook that writes its bookmark.
_PATIENCE_SECONDS = 0.3

_CHAPTER = re.compile("[0-9]{2}")


def read(chapter: str) -> str | None:
    """Return the id of the cell at which a student was, or None if that is not known.

    Args:
        chapter: The chapter's number, such as `"04"`.
    """
    with suppress(OSError, LabError):
        return _read(_path()).get(chapter)
    return None


def last() -> str | None:
    """Return the number of the chapter that was worked on last, or None if that is not known."""
    with suppress(OSError, LabError):
        return next(reversed(_read(_path())), None)
    return None


def keep(chapter: str, cell: str) -> None:
    """Note the id of the cell at which a student is now.

    Args:
        chapter: The chapter's number, such as `"04"`.
        cell: The cell's id.
    """
    _write(chapter, {chapter: cell})


def forget(chapter: str) -> None:
    """Forget where a student was in a chapter, because they begin it again.

    Args:
        chapter: The chapter's number, such as `"04"`.
    """
    if read(chapter) is not None:
        _write(chapter, {})


def _write(chapter: str, now: dict[str, str]) -> None:
    with suppress(OSError, LabError):
        path = _path()
        with held(path.with_name(f"{path.name}.lock"), _PATIENCE_SECONDS, "another notebook"):
            others = {each: at for each, at in _read(path).items() if each != chapter}
            write_whole(path, json.dumps(others | now, indent=1) + "\n")


def _path() -> Path:
    progress = place()
    return progress.with_name(f".{progress.stem}.bookmark")


def _read(path: Path) -> dict[str, str]:
    """Return the cells by chapter, without whatever else is in the file."""
    try:
        found = read_json(path, _LARGEST)
    except (FileNotFoundError, ValueError):
        return {}
    cells = found.items() if isinstance(found, dict) else ()
    return {chapter: cell for chapter, cell in cells if _CHAPTER.fullmatch(chapter) and _is_id(cell)}


def _is_id(cell: object) -> bool:
    return isinstance(cell, str) and CELL_ID.fullmatch(cell) is not None
