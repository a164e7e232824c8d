"""Determinism: the same calls give the same ids, addresses and times, in every process and on every machine.

- Each API action draws its ids from its own generator, seeded by its name. So the third CreateSubnet gets the same id
  however often other actions were called in between.
- The resources that moto makes when a service is first used, such as the default VPC, have their own generator too.
- Request ids have their own generator, so that reading draws none of the other ids.
- moto asks the virtual clock for the time.

`loading` installs this once per process, `server` resets it for each account and names the generator of each action.
"""

from __future__ import annotations

import random
import sys
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from labkit.embedded.clock import Clock

SEED = "labkit-2025-12-03"

_clock: Clock | None = None
_streams: dict[str, tuple[Any, ...]] = {}
_request_ids = random.Random()


def install() -> None:
    """Replace moto's time and ids by this module's; once per process, after moto is imported."""
    from moto.core import base_backend, responses, utils
    from moto.utilities import aws_headers

    _replace_everywhere("utcnow", utils.utcnow, _utcnow)
    _replace_everywhere("gen_amzn_requestid_long", aws_headers.gen_amzn_requestid_long, _request_id_header)
    assert responses.gen_amzn_requestid_long is _request_id_header  # type: ignore[attr-defined]

    make = base_backend.AccountSpecificBackend.__getitem__

    def getitem(self: Any, region_name: str) -> Any:
        if dict.__contains__(self, "aws" if region_name == "global" else region_name):
            return make(self, region_name)
        with stream(f"backend/{self.service_name}/{self.account_id}/{region_name}"):
            return make(self, region_name)

    base_backend.AccountSpecificBackend.__getitem__ = getitem  # type: ignore[method-assign]


def reset(clock: Clock) -> None:
    """Return every generator to its seed, and take moto's time from `clock`."""
    global _clock
    _clock = clock
    _streams.clear()
    _request_ids.seed(f"{SEED}/request-ids")


def request_id() -> str:
    """Return the next request id, in AWS's form (a UUID)."""
    return str(uuid.UUID(int=_request_ids.getrandbits(128), version=4))


@contextmanager
def apart() -> Iterator[None]:
    """Restore the state of the generator of request ids when the context ends."""
    before = _request_ids.getstate()
    try:
        yield
    finally:
        _request_ids.setstate(before)


def new_id() -> str:
    """Return a UUID from the generator of the API action that is under way."""
    from moto.moto_api._internal import mock_random

    return str(mock_random.uuid4())


@contextmanager
def stream(name: str) -> Iterator[None]:
    """Let moto draw from the generator `name` until the context ends; it continues where it last stopped."""
    from moto.moto_api._internal import mock_random

    before = mock_random.getstate()
    state = _streams.get(name)
    if state is None:
        # Seeding with a string hashes it with SHA-512: the same on every machine, whatever PYTHONHASHSEED is.
        mock_random.seed(f"{SEED}/{name}")
    else:
        mock_random.setstate(state)
    begun = mock_random.getstate()
    try:
        yield
    finally:
        # What drew nothing begins at its seed again: most actions, and names that no action has, need no memory.
        if (after := mock_random.getstate()) != begun:
            _streams[name] = after
        mock_random.setstate(before)


def _utcnow() -> datetime:
    """Return the time as moto's utcnow does: naive, in UTC."""
    if _clock is None:
        raise RuntimeError("The embedded AWS has not started: call labkit.embedded.start() first.")
    return _clock.now().replace(tzinfo=None)


def _request_id_header(headerdict: dict[str, Any] | None = None) -> str:
    new = request_id()
    if isinstance(headerdict, dict):
        headerdict["x-amzn-requestid"] = new
    return new


def _replace_everywhere(name: str, old: Callable[..., Any], new: Callable[..., Any]) -> None:
    """Rebind `name` in each module of moto that has `old`; a module imported later finds the new one."""
    for module_name, module in list(sys.modules.items()):
        if module_name.startswith("moto.") and getattr(module, name, None) is old:
            setattr(module, name, new)
