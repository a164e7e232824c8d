"""The table of patches: each has its rule, its source, its hook as moto has it, and a test that is its canary."""

from __future__ import annotations

import inspect
import re
from pathlib import Path

import pytest

from labkit.embedded import start
from labkit.embedded.api import patches

start().stop()
TABLE = list(patches.PATCHES.values())
TESTS = "\n".join(path.read_text(encoding="utf-8") for path in Path(__file__).parent.glob("test_patches_*.py"))


@pytest.mark.parametrize("patch", TABLE, ids=lambda patch: patch.name)
def test_moto_still_has_the_hook_with_its_parameters(patch: patches.Patch) -> None:
    unpatched = patches.original(patch.hook)
    if isinstance(unpatched, property):
        assert patch.parameters == ()
    else:
        assert tuple(inspect.signature(unpatched).parameters) == patch.parameters


@pytest.mark.parametrize("patch", TABLE, ids=lambda patch: patch.name)
def test_the_rule_is_one_sentence_with_a_source(patch: patches.Patch) -> None:
    assert re.fullmatch(r"[A-Z][^.]*(\.[^. ][^.]*)*\.", patch.rule), patch.rule
    assert patch.source.startswith("https://docs.aws.amazon.com/")


@pytest.mark.parametrize("patch", TABLE, ids=lambda patch: patch.name)
def test_a_test_says_what_aws_does_and_is_the_canary(patch: patches.Patch) -> None:
    assert f'@pytest.mark.aws_does("{patch.name}")' in TESTS


def test_patches_are_applied_once_and_can_be_taken_out_for_a_moment() -> None:
    from moto.ec2.models.route_tables import Route

    def state() -> object:
        return inspect.getattr_static(Route, "state")

    unpatched = patches.original("moto.ec2.models.route_tables:Route.state")
    patched = state()
    patches.apply()
    assert state() is patched
    assert state() is not unpatched
    with patches.without("route-to-nowhere-is-a-blackhole"):
        assert state() is unpatched
    assert state() is not unpatched
