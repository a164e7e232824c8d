"""Slow tests run only when asked for; property tests try the same examples in every run; tables of what was tried and
measured come at the end.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import settings

settings.register_profile("the-same-each-time", derandomize=True, deadline=None)
settings.load_profile("the-same-each-time")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--slow", action="store_true", help="also run the tests that build a whole environment")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if config.getoption("--slow"):
        return
    skip = pytest.mark.skip(reason="builds a whole environment, which takes minutes: run with --slow")
    for item in items:
        if item.get_closest_marker("slow"):
            item.add_marker(skip)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print what tests have noted with `record_property`: `fault`, what was done to the lab and what became of it, and
    `figures`, lines as they are, also from another process.
    """
    passed = terminalreporter.stats.get("passed", [])
    rows = [value for report in passed for name, value in report.user_properties if name == "fault"]
    if rows:
        terminalreporter.write_sep("-", f"{len(rows)} rows of faults tried and survived")
        for row in rows:
            terminalreporter.write_line(row)
    reports = [report for kind in ("passed", "failed") for report in terminalreporter.getreports(kind)]
    for line in dict.fromkeys(value for one in reports for name, value in one.user_properties if name == "figures"):
        terminalreporter.write_line(str(line))
    # Here and not beside the browser tests: with several processes, the one that prints the summary collects no tests.
    from tests.browser.report import tell

    tell(terminalreporter, Path(__file__).parents[1] / "build" / "browser" / "report.json")
