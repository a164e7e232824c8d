"""Report what the browser tests measured, in a table at the end of the run and in build/browser/report.json.

Times are reported, never asserted: they say more about the machine than about labkit.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import pytest

PROPERTY = "measured in the browser"


@dataclass(frozen=True, slots=True)
class Measurement:
    """One figure.

    Attributes:
        what: What was measured.
        value: How much it is.
        unit: Its unit.
    """

    what: str
    value: float
    unit: str


def collected(reporter: Any) -> list[Measurement]:
    """Return the measurements of all tests of this run, from all test processes."""
    reports = [report for reports in reporter.stats.values() for report in reports]
    return [
        Measurement(**value)
        for report in reports
        if isinstance(report, pytest.TestReport) and report.when == "call"
        for name, value in report.user_properties
        if name == PROPERTY
    ]


def tell(reporter: Any, path: Path) -> None:
    """Print the table and write it to `path`, if anything was measured."""
    found = sorted(collected(reporter), key=lambda one: (one.unit, one.what))
    if not found:
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps([asdict(one) for one in found], indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    width = max(len(one.what) for one in found)
    reporter.section("measured in the browser")
    for one in found:
        reporter.write_line(f"{one.what:<{width}}  {one.value:>10,.1f} {one.unit}")
