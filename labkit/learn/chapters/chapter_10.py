"""Chapter 10, clean up: in which order AWS deletes, and what a forgotten lab costs."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from labkit.learn.chapter import Chapter, Facts
from labkit.learn.judging import RIGHT, Judgment, number, plain, single, wrong
from labkit.learn.plan import HERE
from labkit.learn.view import Named, View
from labkit.network.parts import InternetGateway, Subnet

#: An order in which AWS lets these be deleted: each depends on the next.
#: https://docs.aws.amazon.com/vpc/latest/userguide/delete-vpc.html
_ORDER = [HERE.instance, HERE.subnet, HERE.vpc]

#: What the exercise says that AWS charges for a public IPv4 address an hour, in USD, and the hours of a month.
_ADDRESS, _HOURS = 0.005, 730


def gateway_is_gone(view: View, answer: object) -> Judgment:
    """The gateway of that id is not listed any more."""

    def state(gateway: InternetGateway) -> str:
        if gateway.vpc is None:
            return "is detached now, and AWS still lists it: delete it."
        return f"is still attached to {view.network.name(gateway.vpc)}: detach it, then delete it."

    return _gone(view, answer, HERE.gateway, "igw-", view.network.internet_gateways, state)


def subnet_is_gone(view: View, answer: object) -> Judgment:
    """The subnet of that id is not listed any more."""

    def state(subnet: Subnet) -> str:
        inside = [each for each in view.network.interfaces.values() if each.subnet == subnet.id]
        if inside:
            return f"is still there, and a network interface in it, {inside[0].id}: the instance goes first."
        return "is still there: delete it."

    return _gone(view, answer, HERE.subnet, "subnet-", view.network.subnets, state)


def _gone(
    view: View, answer: object, name: str, prefix: str, listed: Mapping[str, Named], state: Callable[[Named], str]
) -> Judgment:
    """Judge whether a part is deleted. Its id says so, or None: what lab.find gives once nothing has the name."""
    found = str(single(answer)).strip(" \n'\".")
    if answer is not None and not re.fullmatch(rf"{prefix}[0-9a-f]{{8,17}}", found):
        return wrong(f"Give the id of what you have deleted: it begins with {prefix}.")
    if found in listed and listed[found].name not in (found, name):
        return wrong(f"{found} is {listed[found].name}; the step is about {name}.")
    left = next((part for id, part in listed.items() if id == found or part.name == name), None)
    if left is not None:
        return wrong(f"{name} ({left.id}) {state(left)}")
    if answer is None:  # then vpc-1 shows that the lab is there
        view.part(view.network.vpcs, HERE.vpc, "lab.catch_up('10') builds the lab, and there is something to delete.")
    return RIGHT


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
