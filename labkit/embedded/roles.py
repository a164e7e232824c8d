"""What services find out about IAM roles, kept until somebody changes IAM; delivery and Run Command ask it."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import Any, TypeVar, cast

from labkit.embedded.api.scope import is_read

Found = TypeVar("Found")


class Roles:
    """Remembers what was read or decided about roles, so that a ping or a delivery evaluates no policy anew."""

    def __init__(self) -> None:
        self._found: dict[Hashable, Any] = {}

    def after_action(self, service: str, action: str) -> None:
        """Forget everything where an action of IAM may have changed something."""
        if service == "iam" and not is_read(action):
            self._found.clear()

    def remember(self, key: Hashable, find: Callable[[], Found]) -> Found:
        """Return what `find` returned for this key since IAM changed, or call it."""
        if key not in self._found:
            self._found[key] = find()
        return cast("Found", self._found[key])
