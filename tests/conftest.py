"""Tests marked slow run only when asked for; figures that tests report are printed at the end."""

from __future__ import annotations

import pytest


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
    """Print what tests have noted with `record_property("figures", …)`, also where they ran in another process."""
    reports = [report for kind in ("passed", "failed") for report in terminalreporter.getreports(kind)]
    for line in dict.fromkeys(value for one in reports for name, value in one.user_properties if name == "figures"):
        terminalreporter.write_line(str(line))
