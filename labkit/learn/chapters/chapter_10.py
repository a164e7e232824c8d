"""Chapter 10, clean up: in which order AWS deletes, and what a forgotten lab costs."""

from __future__ import annotations

from labkit.learn.chapter import Chapter, Facts
from labkit.learn.judging import RIGHT, Judgment, number, plain, wrong
from labkit.learn.plan import HERE
from labkit.learn.view import View

#: An order in which AWS lets these be deleted: each depends on the next.
#: https://docs.aws.amazon.com/vpc/latest/userguide/delete-vpc.html
_ORDER = [HERE.instance, HERE.subnet, HERE.vpc]

#: What the exercise says that AWS charges for a public IPv4 address an hour, in USD, and the hours of a month.
_ADDRESS, _HOURS = 0.005, 730


def order_of_deletion(view: View, answer: object) -> Judgment:
    """The order in which an instance, its subnet and its VPC can be deleted."""
    found = plain(answer)
    if not isinstance(found, list):
        return wrong(f"Give a list of three names, such as {sorted(_ORDER)}.")
    given = [str(each) for each in found]
    if given == _ORDER:
        return RIGHT
    if sorted(given) != sorted(_ORDER):
        return wrong(f"The list must hold these three names: {', '.join(sorted(_ORDER))}.")
    if given == _ORDER[::-1]:
        return wrong("That is the order in which they are made. AWS deletes nothing that is in use.")
    first = given[0]
    return wrong(f"AWS refuses to delete {first} first: something in it is still there.")


def forgotten_addresses(view: View, answer: object) -> Judgment:
    """What two public IPv4 addresses cost in a month."""
    right = 2 * _ADDRESS * _HOURS
    near = {
        "That is one address; the lab has two.": right / 2,
        "That is for one hour; a month has 730.": 2 * _ADDRESS,
        "That is for one day; a month has 730 hours.": 2 * _ADDRESS * 24,
        "That is in cents; give dollars.": right * 100,
    }
    return number(answer, right, "USD", near=near)


def quiz_facts(view: View) -> Facts:
    """Nothing: these questions are not about the student's lab, which is gone by then."""
    return {}


CHAPTER = Chapter(
    "10", checks=(), judges={"10.1": order_of_deletion, "10.2": forgotten_addresses}, quiz_facts=quiz_facts
)
