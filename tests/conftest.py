"""Slow tests run only when asked for; property tests try the same examples in every run; tables of what was tried and
measured come at the end.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings

settings.register_profile("the-same-each-time", derandomize=True, deadline=None)
settings.load_profile("the-same-each-time")


@pytest.fixture(autouse=True, scope="session")
def keys() -> Iterator[None]:
    """Give every embedded AWS the same keys, so that tests can share clients."""
    from labkit.embedded.api import signatures
    from tests.embedded.support import KEYS

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(signatures, "new_keys", lambda: KEYS)
        yield


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--slow", action="store_true", help="also run the tests that build a whole environment")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if config.getoption("--slow"):
        return
    skip = pytest.mark.skip(reason="builds a whole environment, which takes minutes: run with --slow")
    for item in items:
        if item.get_closest_marker("slow"):
            item.add_marker(skip)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Give the browser's tests to one process, before all others; the rest go file by file.

    They are few and slow: given out last, they leave the other cores idle, and two browsers disturb each other.
    """
    from xdist.scheduler import LoadFileScheduling

    class BrowserFirst(LoadFileScheduling):
        def _split_scope(self, nodeid: str) -> str:
            return "tests/browser" if nodeid.startswith("tests/browser/") else super()._split_scope(nodeid)

    config.option.loadscopereorder = False  # keep the order of collection, in which tests/browser is the first folder
    return BrowserFirst(config, log)


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
    reports = [report for kind in ("passed", "failed", "") for report in terminalreporter.getreports(kind)]
    for line in dict.fromkeys(value for one in reports for name, value in one.user_properties if name == "figures"):
        terminalreporter.write_line(str(line))
    # Here and not beside the browser tests: with several processes, the one that prints the summary collects no tests.
    from tests.browser.report import tell

    tell(terminalreporter, Path(__file__).parents[1] / "build" / "browser" / "report.json")
