"""Finds what a student made for the lab without its name or tag, so that a check does not ask for a second one."""

from __future__ import annotations

from collections.abc import Iterable

from labkit.learn.plan import SIDES
from labkit.learn.result import Line
from labkit.learn.view import Stop, View
from labkit.names import LAB_TAG

#: The Name tags that notebook 01 gives. Something of the lab with one of these names is not there for another one.
_TAKEN = {name for side in SIDES for name in (
    side.vpc, side.subnet, side.gateway, side.table, side.group, side.instance, "twin",
)}  # fmt: skip


def stop_at_untagged(view: View, name: str, kind: str, ids: Iterable[str], what: str, *, inside: bool = True) -> None:
    """Stop at a thing in EC2 that only lacks a name or the lab's tag, with the call that gives it both.

    What is outside of the lab's VPCs and lacks the tag can be somebody else's. So it is not counted as a mistake, and
    the line says to leave it, unless the student made it.

    Args:
        view: The lab.
        name: The name that it should have. Nothing of the lab has it.
        kind: Its resource type, as `lab.tags` takes it.
        ids: The ids of what could be it.
        what: How it can be told that it could be, such as `in vpc-2`.
        inside: Whether these things are in one of the lab's VPCs.

    Raises:
        Stop: One of them lacks the name or the tag.
    """
    for id in ids:
        filters = [{"Name": "resource-id", "Values": [id]}]
        found = view.lab.client("ec2").describe_tags(Filters=filters)["Tags"]
        tags = {each["Key"]: each["Value"] for each in found}
        called, is_labs = tags.get("Name"), tags.get(LAB_TAG["Key"]) == LAB_TAG["Value"]
        if is_labs and (called == name or called in _TAKEN):
            continue
        tag = f"{LAB_TAG['Key']}: {LAB_TAG['Value']}"
        has = f"the name {called!r}" if called else "no name"
        call = f"ec2.create_tags(Resources=[{id!r}], Tags=lab.tags({kind!r}, {name!r})[0]['Tags'])."
        own = inside or is_labs
        raise Stop(Line(
            False, name, f"{id}, {what}, with {has}" + (f" and not the tag {tag}" * (not is_labs)),
            f"the name {name!r} and the tag {tag}",
            call if own else f"if you made it for the lab, {call} If not, leave it, and make one of your own.",
            absent=not own,
        ))  # fmt: skip
