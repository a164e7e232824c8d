"""The table of mends: each has its rule, its source, its hook as moto has it, and a test that is its canary."""

from __future__ import annotations

import inspect
import re
from pathlib import Path

import pytest

from labkit.embedded import mends, start

start().stop()
TABLE = list(mends.MENDS.values())
TESTS = "\n".join(path.read_text(encoding="utf-8") for path in Path(__file__).parent.glob("test_mends_*.py"))


@pytest.mark.parametrize("mend", TABLE, ids=lambda mend: mend.name)
def test_moto_still_has_the_hook_with_its_parameters(mend: mends.Mend) -> None:
    unmended = mends.original(mend.hook)
    if isinstance(unmended, property):
        assert mend.parameters == ()
    else:
        assert tuple(inspect.signature(unmended).parameters) == mend.parameters


@pytest.mark.parametrize("mend", TABLE, ids=lambda mend: mend.name)
def test_the_rule_is_one_sentence_with_a_source(mend: mends.Mend) -> None:
    assert re.fullmatch(r"[A-Z][^.]*(\.[^. ][^.]*)*\.", mend.rule), mend.rule
    assert mend.source.startswith("https://docs.aws.amazon.com/")


@pytest.mark.parametrize("mend", TABLE, ids=lambda mend: mend.name)
def test_a_test_says_what_aws_does_and_is_the_canary(mend: mends.Mend) -> None:
    assert f'@pytest.mark.aws_does("{mend.name}")' in TESTS


def test_mends_are_applied_once_and_can_be_taken_out_for_a_moment() -> None:
    from moto.ec2.models.route_tables import Route

    def state() -> object:
        return inspect.getattr_static(Route, "state")

    unmended = mends.original("moto.ec2.models.route_tables:Route.state")
    mended = state()
    mends.apply()
    assert state() is mended
    assert state() is not unmended
    with mends.without("route-to-nowhere-is-a-blackhole"):
        assert state() is unmended
    assert state() is not unmended
