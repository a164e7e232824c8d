"""The error that a student meets: one sentence or two, and no stack of calls."""

from __future__ import annotations


class LabError(Exception):
    """What happened, why, and what to do next."""

    def _render_traceback_(self) -> list[str]:
        # IPython shows these lines in place of the traceback.
        return [f"{type(self).__name__}: {self}"]
