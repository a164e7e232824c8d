"""Chapter 10, clean up: in which order AWS deletes, and what a forgotten lab costs."""

from __future__ import annotations

import re
from collections.abc import Mapping

from labkit.learn.chapter import Chapter, Facts
from labkit.learn.judging import RIGHT, Judgment, number, plain, single, wrong
from labkit.learn.plan import HERE
from labkit.learn.view import View
from labkit.network.parts import Part

#: An order in which AWS lets these be deleted: each depends on the next.
#: https://docs.aws.amazon.com/vpc/latest/userguide/delete-vpc.html
_ORDER = [HERE.instance, HERE.subnet, HERE.vpc]

#: What the exercise says that AWS charges for a public IPv4 address an hour, in USD, and the hours of a month.
_ADDRESS, _HOURS = 0.005, 730


def gateway_is_gone(view: View, answer: object) -> Judgment:
    """The gateway of that id is not listed any more."""
    return _gone(answer, HERE.gateway, "igw-", view.network.internet_gateways)


def subnet_is_gone(view: View, answer: object) -> Judgment:
    """The subnet of that id is not listed any more."""
    return _gone(answer, HERE.subnet, "subnet-", view.network.subnets)


def _gone(answer: object, name: str, prefix: str, listed: Mapping[str, Part]) -> Judgment:
    found = str(single(answer)).strip(" \n'\".")
    if not re.fullmatch(rf"{prefix}[0-9a-f]{{8,17}}", found):
        return wrong(f"Give the id of what you have deleted: it begins with {prefix}.")
    left = [id for id, part in listed.items() if id == found or part.name == name]
    return wrong(f"AWS still lists {name}: {left[0]}.") if left else RIGHT


#: The three by how people call them, and the words that may stand around them.
_CALLED = {"instance": HERE.instance, "subnet": HERE.subnet, "vpc": HERE.vpc}
_AROUND = {"and", "finally", "the", "then"}


def order_of_deletion(view: View, answer: object) -> Judgment:
    """The order in which an instance, its subnet and its VPC can be deleted."""
    how = f"give a list of the three names: {', '.join(_ORDER[::-1])}"
    if isinstance(answer, set | frozenset):
        return wrong(f"A set has no order; {how}, in yours.")
    called = _CALLED | {str(view.lab.find(name)): name for name in _ORDER}
    found = plain(answer)
    parts = map(str, found) if isinstance(found, list) else [str(found)]
    words = [word for part in parts for word in re.findall(r"[a-z][\w-]*", part.lower()) if word not in _AROUND]
    given = [called.get(word, word) for word in words]
    if given == _ORDER:
        return RIGHT
    if sorted(given) != sorted(_ORDER):
        return wrong(f"That is not an order of these three; {how}, in your order.")
    if given == _ORDER[::-1]:
        return wrong("That is the order in which they are made. AWS deletes nothing that is in use.")
    before = {name: _ORDER[: _ORDER.index(name)] for name in _ORDER}
    refused = next(name for at, name in enumerate(given) if not set(before[name]).isdisjoint(given[at:]))
    return wrong(f"AWS refuses to delete {refused} at that point: something in it is still there.")


def forgotten_addresses(view: View, answer: object) -> Judgment:
    """What two public IPv4 addresses cost in a month."""
    right = 2 * _ADDRESS * _HOURS
    near = {
        "That is one address; the lab has two.": right / 2,
        "That is for one hour; a month has 730.": 2 * _ADDRESS,
        "That is for one day; a month has 730 hours.": 2 * _ADDRESS * 24,
        "That is in cents; give dollars.": right * 100,
    }
    return number(answer, right, "USD", digits=2, near=near)


def quiz_facts(view: View) -> Facts:
    """Nothing: these questions are not about the student's lab, which is gone by then."""
    return {}


CHAPTER = Chapter(
    "10",
    checks=(),
    judges={
        "10.a": gateway_is_gone,
        "10.b": subnet_is_gone,
        "10.1": order_of_deletion,
        "10.2": forgotten_addresses,
    },
    quiz_facts=quiz_facts,
)
