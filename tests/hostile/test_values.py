"""Values of any type for each parameter of each public method of the lab: an answer, or a sentence that says what to
give.
"""

from __future__ import annotations

import inspect
import random
from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError, ParamValidationError

import labkit
from labkit.errors import LabError
from labkit.lab import Lab
from tests.hostile.fuzzing import ODD_VALUES, SOAK, Outcomes
from tests.hostile.test_worlds import VALUES
from tests.lab.conftest import Built, fresh_lab

ODD = [*ODD_VALUES, 10**5000, b"x", object(), {1, 2}, ("x",), ["vpc-1"]]


@pytest.fixture(scope="module")
def lab() -> Iterator[Lab]:
    with fresh_lab() as lab:
        yield Built(lab, "03").lab


def calls(lab: Lab, odd: Any) -> Iterator[tuple[str, Any, list[Any], dict[str, Any]]]:
    """Each public method with an odd value for one of its parameters, and good ones for the others."""
    for name in [each for each in dir(lab) if not each.startswith("_") and callable(getattr(Lab, each, None))]:
        parameters = inspect.signature(getattr(lab, name)).parameters.values()
        good = VALUES | {"operation": lab.client("ec2").describe_vpcs, "path": None}
        for wrong in parameters:
            positional, named = list[Any](), dict[str, Any]()
            for each in parameters:
                value = odd if each is wrong else good.get(f"{name}.{each.name}", good.get(each.name))
                if each.kind is each.VAR_POSITIONAL:
                    positional += [odd] if each is wrong else value
                elif each.kind is each.VAR_KEYWORD:
                    named |= {"Odd": odd} if each is wrong else {}
                elif each.kind is each.KEYWORD_ONLY:
                    named[each.name] = value
                else:
                    positional.append(value)
            yield f"{name}({wrong.name}=)", getattr(lab, name), positional, named


def test_a_value_of_any_type_is_answered_or_refused_with_a_sentence(
    lab: Lab, outcomes: Outcomes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("labkit.session.clean_up.clean_up", lambda *_, **__: None)
    tried = [(odd, each) for odd in ODD for each in calls(lab, odd)]
    for odd, (what, call, positional, named) in random.Random(14).sample(tried, min(150 * SOAK, len(tried))):
        with outcomes.of((what, odd), ClientError, ParamValidationError):
            done = call(*positional, **named)
            if what.startswith("unless"):
                with done:
                    pass


def test_an_odd_place_to_connect_to_is_refused_with_a_sentence(lab: Lab, outcomes: Outcomes) -> None:
    for odd in ODD:
        if odd not in (None, ""):
            for more in ({"where": odd}, {"where": "aws", "profile": odd}, {"where": "aws", "region": odd}):
                if odd or more["where"] != "aws":
                    with outcomes.of(more), pytest.raises(LabError):
                        labkit.connect(**more)
