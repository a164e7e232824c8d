"""Which names the lab's things have in this account, where a name is unique; `lab.name` asks it."""

from __future__ import annotations

import difflib
from itertools import chain, count

from labkit import names
from labkit.errors import LabError
from labkit.session.finding import Finder
from labkit.session.given import require_text


class Names:
    """The names of the lab's log group, roles, policy and instance profile in one account.

    Args:
        finder: Looks names up.
    """

    def __init__(self, finder: Finder) -> None:
        self._finder = finder
        self._chosen: dict[str, str] = {}

    def of(self, name: str) -> str:
        """Return the name that one of the lab's things has, or will have, as `Lab.name` describes it.

        Raises:
            LabError: The notebooks give no such name.
        """
        require_text(name, "a name", "lab.name('NimbusVPCFlowLogsGroup')")
        if name not in names.KINDS:
            near = difflib.get_close_matches(name, names.KINDS, n=1)
            guess = f" Did you mean {near[0]!r}?" if near else ""
            raise LabError(f"The notebooks name nothing {name!r}.{guess} The names are {', '.join(names.KINDS)}.")
        if name not in self._chosen:
            self._chosen[name] = self._choose(name, names.KINDS[name])
        return self._chosen[name]

    def _choose(self, name: str, kind: str) -> str:
        for candidate in chain([name], (f"{name}-{n}" for n in count(2))):
            found = self._finder.named(candidate, kind)
            if found is not None and found.is_labs:
                return candidate
            if candidate == name and self._finder.is_given(kind):
                return names.GIVEN[kind]
            if found is None or (kind == "log-group" and self._finder.is_written(candidate)):
                return candidate
        raise AssertionError("count never ends")
