"""Tests marked slow run only when asked for; property tests try the same examples in every run."""

from __future__ import annotations

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
