"""Patches of moto: the places where moto differs from AWS in a way that matters to the course.

Each file patches one module of moto and has its name: `route_tables.py` patches `moto.ec2.models.route_tables` and
`moto.ec2.responses.route_tables`. A service's own `models` and `responses` go by its name: `iam.py`. Modules that begin
with an underscore patch nothing: they hold what several patches share.

`loading.import_moto` calls `apply()` once per process. Tests use `without(name)` to see that moto still differs.
"""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import wraps
from typing import Any

#: The beginning of each page of EC2's API reference, of IAM's, and of the user guides of VPC and EC2.
EC2_API = "https://docs.aws.amazon.com/AWSEC2/latest/APIReference/"
IAM_API = "https://docs.aws.amazon.com/IAM/latest/APIReference/"
VPC_GUIDE = "https://docs.aws.amazon.com/vpc/latest/userguide/"
EC2_GUIDE = "https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/"

Make = Callable[[Any], Any]
Moto = Callable[[], Any]
Check = Callable[[Any, dict[str, Any]], None]
Around = Callable[[Any, dict[str, Any], Moto], Any]


@dataclass(frozen=True, slots=True)
class Patch:
    """One difference of moto from AWS, and its replacement.

    Attributes:
        name: The patch's name, in words joined by hyphens.
        rule: What AWS does, in one sentence.
        source: The AWS page that says so.
        hook: What is replaced, as `module:qualname`.
        make: Takes what the hook was and returns its replacement.
    """

    name: str
    rule: str
    source: str
    hook: str
    make: Make


PATCHES: dict[str, Patch] = {}
_originals: dict[str, Any] = {}


def patch(name: str, *, rule: str, source: str, hook: str) -> Callable[[Make], Make]:
    """Return a decorator that registers a function, `make(original) -> replacement`, as a patch.

    Args:
        name: The patch's name.
        rule: What AWS does, in one sentence.
        source: The AWS page that says so.
        hook: What is replaced, as `module:qualname`.

    Raises:
        ValueError: Another patch has this name.
    """

    def register(make: Make) -> Make:
        if name in PATCHES:
            raise ValueError(f"Two patches are named {name}.")
        PATCHES[name] = Patch(name, rule, source, hook, make)
        return make

    return register


def around(name: str, *, rule: str, source: str, hook: str) -> Callable[[Around], Around]:
    """Return a decorator for a patch that does something before or after moto carries out a call.

    The decorated function takes moto's `self`, the call's arguments by name, defaults included, and `moto`, which
    carries out the call with the arguments as they then are. It returns the call's result. The other arguments are
    those of `patch`.
    """

    def register(act: Around) -> Around:
        @patch(name, rule=rule, source=source, hook=hook)
        @wraps(act)
        def make(original: Any) -> Any:
            signature = inspect.signature(original)

            def patched(self: Any, *args: Any, **kwargs: Any) -> Any:
                call = signature.bind(self, *args, **kwargs)
                call.apply_defaults()
                return act(self, call.arguments, lambda: original(*call.args, **call.kwargs))

            return patched

        return act

    return register


def check(name: str, *, rule: str, source: str, hook: str) -> Callable[[Check], Check]:
    """Return a decorator for a patch that only looks at a call before moto carries it out.

    The decorated function takes moto's `self` and the call's arguments by name, defaults included. It raises AWS's
    refusal, or changes the arguments in place. The other arguments are those of `patch`.
    """

    def register(look: Check) -> Check:
        @around(name, rule=rule, source=source, hook=hook)
        @wraps(look)
        def act(self: Any, given: dict[str, Any], moto: Moto) -> Any:
            look(self, given)
            return moto()

        return look

    return register


def apply() -> None:
    """Put every patch in place; a second call changes nothing."""
    if not _originals:
        for module in pkgutil.iter_modules(__path__):
            importlib.import_module(f"{__name__}.{module.name}")
        _install(PATCHES.values())


@contextmanager
def without(name: str) -> Iterator[None]:
    """Remove the patch `name` until the context ends, so that moto behaves there as it does unpatched."""
    _install([each for each in PATCHES.values() if each.name != name])
    try:
        yield
    finally:
        _install(PATCHES.values())


def original(hook: str) -> Any:
    """Return what moto has at `hook`, unpatched: a function, property or plain value."""
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
