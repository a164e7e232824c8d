"""The samples of the Insights box run as they stand."""

from __future__ import annotations

import pytest

from labkit import insights
from labkit.insights import SAMPLES
from tests.insights.flows import events


@pytest.mark.parametrize("name", SAMPLES)
def test_a_sample_runs_and_lacks_no_field(name: str) -> None:
    assert not insights.run(events(), SAMPLES[name]).compiled.absent
