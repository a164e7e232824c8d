"""Where moto departs from AWS and the course touches it: each departure patched alone, and named for what AWS does.

A patch replaces one hook, ``module:qualname``. ``apply()`` puts all of them in place, once per process;
``without(name)`` takes one out for a moment, which is how its canary test sees that moto still departs.
"""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Patch:
    """One departure of moto from AWS, and what puts it right."""

    name: str
    rule: str
    """What AWS does, in one sentence."""
    source: str
    """The AWS page that says so."""
    hook: str
    """What is replaced: module:qualname."""
    parameters: tuple[str, ...]
    """The parameters that the hook must still have; () for a property."""
    make: Callable[[Any], Any]
    """Given what the hook was, gives what it shall be."""


PATCHES: dict[str, Patch] = {}
_ROOMS = (
    "accounts",
    "addresses",
    "attachments",
    "cidrs",
    "deletions",
    "filters",
    "flow_logs",
    "iam",
    "images",
    "instances",
    "interfaces",
    "nat_gateways",
    "network_acls",
    "peering",
    "route_states",
    "routes",
    "security_groups",
    "unknown_ids",
)
_originals: dict[str, Any] = {}


def patch(
    name: str, *, rule: str, source: str, hook: str, parameters: str = ""
) -> Callable[[Callable[[Any], Any]], Callable[[Any], Any]]:
    """Register the decorated function, ``make(original) -> replacement``, in the table of patches."""

    def register(make: Callable[[Any], Any]) -> Callable[[Any], Any]:
        if name in PATCHES:
            raise ValueError(f"Two patches are named {name}.")
        PATCHES[name] = Patch(name, rule, source, hook, tuple(parameters.split()), make)
        return make

    return register


def apply() -> None:
    """Put every patch in place, in the order of the table; a second call changes nothing."""
    if not _originals:
        for room in _ROOMS:
            importlib.import_module(f"{__name__}.{room}")
        _install(PATCHES.values())


@contextmanager
def without(name: str) -> Iterator[None]:
    """Within it, moto does what it does of itself where the patch ``name`` would put it right."""
    _install([each for each in PATCHES.values() if each.name != name])
    try:
        yield
    finally:
        _install(PATCHES.values())


def original(hook: str) -> Any:
    """What moto has at ``hook``, unpatched: a function, property or plain value."""
    if hook not in _originals:
        owner, attribute = _owner(hook)
        _originals[hook] = inspect.getattr_static(owner, attribute)
    return _originals[hook]


def _install(patches: Iterable[Patch]) -> None:
    replacements = {each.hook: original(each.hook) for each in PATCHES.values()}
    for each in patches:
        replacements[each.hook] = each.make(replacements[each.hook])
    for hook, replacement in replacements.items():
        owner, attribute = _owner(hook)
        setattr(owner, attribute, replacement)


def _owner(hook: str) -> tuple[Any, str]:
    module, _, qualname = hook.partition(":")
    owner: Any = importlib.import_module(module)
    *path, attribute = qualname.split(".")
    for part in path:
        owner = getattr(owner, part)
    return owner, attribute
