"""What a progress file may hold, its schema in version 1: whatever labkit does not write there is refused.

A file is handed in, so anybody may have written it. What passes here can be printed, added up and kept as it is: ids
and times of a fixed form, counts within bounds. Ids of a course that has other items are accepted; they count nothing.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from labkit.learn.plan import SIDES

SCHEMA = 1

#: The one point that each check, exercise and question of a quiz gives.
MAX_SCORE = 1

#: How a time is written.
TIME = "%Y-%m-%dT%H:%M:%SZ"

#: An item of the file that has not been tried.
UNTRIED = {
    "score": 0, "max_score": MAX_SCORE, "attempts": 0, "hints": 0, "solution": False,
    "first": None, "last": None, "passed": None,
}  # fmt: skip

_ID = re.compile(r"(?:check|exercise|quiz):[A-Za-z0-9][A-Za-z0-9._-]{0,39}")

#: Nobody tries anything more often.
_MOST = 1_000_000

#: How far the clock of another computer may be ahead of this one's.
_AHEAD = timedelta(days=1)

#: Which VPCs can be right where a check looked at them separately.
_HALVES = [[side.vpc] for side in SIDES] + [[side.vpc for side in SIDES]]


def items_of(found: Any) -> dict[str, Any]:
    """Return the items of a progress file, by id.

    Args:
        found: The file's JSON.

    Raises:
        ValueError: It is nothing that labkit writes; the text says what.

    >>> items_of({"schema": 1, "items": {"check:vpcs": {"attempts": True}}})
    Traceback (most recent call last):
    ValueError: 'attempts' of check:vpcs is not what labkit writes
    """
    if not isinstance(found, dict) or not _is_count(found.get("schema"), SCHEMA, SCHEMA):
        raise ValueError(f"its schema is not {SCHEMA}")
    if not isinstance(found.get("items"), dict):
        raise ValueError("it has no items")
    return {id: UNTRIED | _checked(id, item) for id, item in found["items"].items()}


def _checked(id: str, item: Any) -> dict[str, Any]:
    if not _ID.fullmatch(id):
        raise ValueError(f"{id[:60]!r} is no id of a check, an exercise or a quiz")
    if not isinstance(item, dict):
        raise ValueError(f"{id} is not an object")
    for key, value in item.items():
        if key not in _FIELDS or not _FIELDS[key](value):
            raise ValueError(f"{key[:60]!r} of {id} is not what labkit writes")
    if bool(item.get("score")) != bool(item.get("passed")):
        raise ValueError(f"the score of {id} does not fit when it was passed")
    return item


def _is_count(value: object, most: int, least: int = 0) -> bool:
    return type(value) is int and least <= value <= most  # True is an int, too


def _is_time(value: object) -> bool:
    """Return whether a value is no time, or one that is not in the future."""
    if value is None:
        return True
    try:
        time = datetime.strptime(value, TIME).replace(tzinfo=UTC) if isinstance(value, str) else None
    except ValueError:
        return False
    return time is not None and time.strftime(TIME) == value and time <= datetime.now(UTC) + _AHEAD


#: What an item may hold, each with the test of its value.
_FIELDS: dict[str, Callable[[Any], bool]] = {
    "score": lambda value: _is_count(value, MAX_SCORE),
    "max_score": lambda value: _is_count(value, MAX_SCORE, MAX_SCORE),
    "attempts": lambda value: _is_count(value, _MOST),
    "hints": lambda value: _is_count(value, _MOST),
    "solution": lambda value: isinstance(value, bool),
    "first": _is_time,
    "last": _is_time,
    "passed": _is_time,
    "answer": lambda value: isinstance(value, str) and re.fullmatch("[a-f]", value) is not None,
    "halves": lambda value: value in _HALVES,
}
