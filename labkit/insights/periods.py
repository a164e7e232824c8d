"""Read periods such as 5m, and round times to them in SQL.

`functions` calls this for bin, datefloor and dateceil.
"""

from __future__ import annotations

import re

from labkit.insights.values import Unfit

_PERIOD = re.compile(r"(\d+)([a-z]+)")

# A second name may end in s. https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/CWL_QuerySyntax-Stats.html
_UNITS = {
    "ms": ("ms", "msec", "millisecond"),
    "s": ("s", "sec", "second"),
    "m": ("m", "min", "minute"),
    "h": ("h", "hr", "hour"),
    "d": ("d", "day"),
    "w": ("w", "week"),
    "mo": ("mo", "mon", "month"),
    "q": ("q", "qtr", "quarter"),
    "y": ("y", "yr", "year"),
}
_UNIT = {name: unit for unit, names in _UNITS.items() for name in names}
_UNIT |= {f"{name}s": unit for name, unit in _UNIT.items() if len(name) > 1}

#: The largest count of each unit: bin(300s) means bin(60s), and 5 minutes are bin(5m).
_MOST = {"ms": 1000, "s": 60, "m": 60, "h": 24}

_MONTHS = {"mo": 1, "q": 3, "y": 12}
_MILLISECONDS = {"ms": 1, "s": 1000, "m": 60_000, "h": 3_600_000, "d": 86_400_000, "w": 604_800_000}


def read(period: str) -> tuple[int, str]:
    """Read a period.

    Args:
        period: A count and a unit, such as 5m.

    Returns:
        The count, at most what AWS counts of this unit, and the short name of the unit.

    Raises:
        Unfit: This is not a period.

    >>> read("300s"), read("2hrs"), read("1month")
    ((60, 's'), (2, 'h'), (1, 'mo'))
    """
    found = _PERIOD.fullmatch(period.lower())
    if not found or found[2] not in _UNIT:
        raise Unfit(f"{period!r} isn't a period. Write a number and a unit without a space, such as 30s or 5m.")
    unit = _UNIT[found[2]]
    count = min(int(found[1][:9]), _MOST.get(unit, 10_000))
    if count == 0:
        raise Unfit("A period must be longer than nothing.")
    return count, unit


def floor(time: str, period: str) -> str:
    """Return the SQL of a time rounded down: weeks begin on Mondays, all others are counted from 1970."""
    return _floor(time, *_interval(period))


def ceil(time: str, period: str) -> str:
    """Return the SQL of a time rounded up."""
    interval, origin = _interval(period)
    down = _floor(time, interval, origin)
    return f"CASE WHEN {down} = {time} THEN {time} ELSE {down} + {interval} END"


def _floor(time: str, interval: str, origin: str) -> str:
    return f"time_bucket({interval}, {time}, TIMESTAMP '{origin}')"


def _interval(period: str) -> tuple[str, str]:
    count, unit = read(period)
    if unit in _MONTHS:
        return f"INTERVAL '{count * _MONTHS[unit]} months'", "1970-01-01"
    return f"INTERVAL '{count * _MILLISECONDS[unit]} milliseconds'", "1970-01-05" if unit == "w" else "1970-01-01"
