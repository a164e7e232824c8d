"""Flow log records as they were delivered: one line each."""

from __future__ import annotations


class Records(list[str]):
    """Lines of a log group, oldest first; a list that a notebook shows line by line."""

    def __repr__(self) -> str:
        return "\n".join(self) if self else "no records"

    def _repr_pretty_(self, printer: object, cycle: bool) -> None:
        # Without this, IPython would show a list's subclass as a list, in brackets and quotes.
        printer.text(repr(self))  # type: ignore[attr-defined]
