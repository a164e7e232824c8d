"""Tests marked slow run only when asked for; what the browser tests measured is told at the end."""

from __future__ import annotations

from pathlib import Path

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


# Here and not beside the browser tests: with several test processes, the one that prints the summary collects no tests.
def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    from tests.browser.report import tell

    tell(terminalreporter, Path(__file__).parents[1] / "build" / "browser" / "report.json")
