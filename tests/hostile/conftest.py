"""The fixture of all fuzzers."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.hostile.fuzzing import Outcomes


@pytest.fixture
def outcomes(request: pytest.FixtureRequest, record_property: Callable[[str, Any], None]) -> Iterator[Outcomes]:
    """Count what one fuzzer tries; the test fails with its raw errors, and the summary shows its figures."""
    outcomes = Outcomes()
    yield outcomes
    name = request.node.name.removeprefix("test_").replace("_", " ")
    record_property(
        "figures", f"{name}: {outcomes.tried} tried, {outcomes.refused} refused, {len(outcomes.raw)} raw errors"
    )
    assert not outcomes.raw, "\n".join(outcomes.raw[:20])
