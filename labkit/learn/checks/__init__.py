"""Checks, one for each step of building: they look at the student's own cloud and say what to do next.

>>> [check.name for check in CHECKS.values() if check.chapter == "04"]
['peering', 'routes', 'ping']
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from html import escape

from labkit.errors import LabError
from labkit.learn.checks import building, connecting, recording
from labkit.learn.plan import SIDES, Lab, Side, Stop, View
from labkit.learn.result import Line, Result, listed
from labkit.status import Status


@dataclass(frozen=True, slots=True)
class Check:
    """One step: its name, the chapter that takes it, what it is in a few words, and what looks at it.

    `look(view)` gives the lines, or `look(view, side)` those of one VPC, where it is `sided`.
    """

    name: str
    chapter: str
    title: str
    look: Callable[..., Iterator[Line]]
    sided: bool = False


CHECKS = {
    check.name: check
    for check in (
        Check("vpcs", "01", "two VPCs whose ranges do not overlap", building.vpcs, sided=True),
        Check("subnets", "01", "a subnet in each", building.subnets, sided=True),
        Check("internet", "01", "a gateway, a route table, a default route", building.internet, sided=True),
        Check("security-groups", "01", "ICMP may come in and go out", building.security_groups, sided=True),
        Check("role", "01", "the instances' role and its profile", building.role),
        Check("instances", "01", "an instance in each subnet", building.instances, sided=True),
        Check("log-group", "02", "where the records go", recording.log_group),
        Check("policy", "02", "what is permitted", recording.permissions_policy),
        Check("delivery-role", "02", "who may use it, and what they may do", recording.delivery_role),
        Check("flow-logs", "02", "a flow log on each VPC", recording.flow_logs, sided=True),
        Check("delivery", "02", "records arrive", recording.delivery, sided=True),
        Check("failed-ping", "03", "silence, and what it rests on", connecting.failed_ping),
        Check("peering", "04", "the cable between the VPCs", connecting.peering),
        Check("routes", "04", "a route there, and a route back", connecting.routes, sided=True),
        Check("ping", "04", "requests and replies", connecting.ping),
    )
}


def check(lab: Lab, name: object, vpc: object = None, view: View | None = None) -> Result:
    """What the check of that name finds in the lab; a wrong name is a line like any other.

    Parameters: `vpc`, one of the two by its name, where only its half is built as yet; `view`, where the
    lab has been looked at already.
    """
    if not isinstance(name, str) or name not in CHECKS:
        near = difflib.get_close_matches(str(name).lower().replace(" ", "-").replace("_", "-"), CHECKS, n=1)
        found = f"no check of this name{f' (did you mean {near[0]!r}?)' if near else ''}"
        call = f"lab.check({near[0] if near else 'vpcs'!r})."
        return Result(str(name), (Line(False, repr(name), found, f"one of {', '.join(CHECKS)}", call),))
    step = CHECKS[name]
    sides = [side for side in SIDES if vpc in (None, side.vpc)]
    if not sides or (vpc and not step.sided):
        call = f"lab.check({name!r})" + (f" or lab.check({name!r}, '{SIDES[0].vpc}')" if step.sided else "")
        return Result(name, (Line(False, repr(vpc), "no part of this check", "vpc-1, vpc-2, or none", f"{call}."),))
    view = view or View(lab)
    parts: list[tuple[Side, ...]] = [(side,) for side in sides] if step.sided else [()]
    lines = tuple(line for part in parts for line in _lines(step, view, part))
    return Result(name if vpc is None else f"{name}, {vpc}", lines)


def _lines(step: Check, view: View, part: tuple[Side, ...]) -> Iterator[Line]:
    """The lines of a check; whatever goes wrong in looking is the last of them."""
    try:
        yield from step.look(view, *part)
    except Stop as stop:
        yield stop.line
    except LabError as error:
        yield Line(False, "could not look further", str(error))
    except Exception as error:  # of AWS, of the network in between: a check never ends a lesson
        said = f"{type(error).__name__}: {error}"
        again = "run this check again; if it stays, lab.check() shows what the other steps say."
        yield Line(False, "could not look further", said, "an answer from AWS", again)


@dataclass(frozen=True)
class Overview:
    """Every check in the order of the course, and in full the first that isn't passed."""

    results: tuple[Result, ...]

    @property
    def passed(self) -> bool:
        """Whether all that has been begun is right."""
        return any(each.begun for each in self.results) and all(each.passed for each in self.results if each.begun)

    @property
    def following(self) -> Result | None:
        """The first step that isn't done."""
        return next((each for each in self.results if not each.passed), None)

    def _rows(self) -> Iterator[tuple[str, str, str, str]]:
        for each in self.results:
            right = sum(line.ok for line in each.lines)
            state = "all right" if each.passed else f"{right} of {len(each.lines)}" if each.begun else "not begun"
            mark = "✓" if each.passed else "✗" if each.begun else "·"
            yield CHECKS[each.name].chapter, mark, f"lab.check({each.name!r})", state

    def __repr__(self) -> str:
        rows = [f"{chapter} {mark} {call:<29} {state}" for chapter, mark, call, state in self._rows()]
        after = self.following
        return "\n".join([*rows, "", f"Next, {after}" if after is not None else "Every step is done."])

    def _repr_html_(self) -> str:
        rows = self._rows()
        items = [
            f"<li>{chapter} <b>{mark}</b> <code>{escape(call)}</code> {state}</li>"
            for chapter, mark, call, state in rows
        ]
        after = self.following
        return listed("Checks", items) + (after._repr_html_() if after is not None else "<p>Every step is done.</p>")


def overview(lab: Lab) -> Overview:
    """All checks."""
    view, results = View(lab), []
    with Status() as status:
        for name in CHECKS:
            status.say(f"looking: {name}", plain="looking at each step")
            results.append(check(lab, name, view=view))
    return Overview(tuple(results))
