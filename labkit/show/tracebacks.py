"""What a notebook shows of an error: AWS's without boto3's own lines, and a hint below those that have one."""

from __future__ import annotations

from collections.abc import Callable
from types import TracebackType
from typing import Any

_NOT_MADE = (
    "A value above is None: what it should name has not been made yet, or has another name. "
    "Run the cells before this one, or lab.catch_up() after a restart, then this cell again."
)


def shorten(shell: Any, hint: Callable[[BaseException], str | None]) -> None:
    """Make an IPython shell show boto3's errors with the frames of the notebook's own cells only, and hints.

    Args:
        shell: The shell.
        hint: Returns a sentence to show below an error of AWS or a NameError, or None.
    """
    from botocore.exceptions import ClientError, ParamValidationError

    def show(shell: Any, kind: type, error: Exception, traceback: TracebackType, tb_offset: int | None = None) -> Any:
        lines = shell.InteractiveTB.structured_traceback(kind, error, _cells_only(shell, traceback), tb_offset=0)
        if isinstance(error, ParamValidationError) and "value: None" in str(error):
            lines = [*lines, _NOT_MADE]
        elif more := hint(error):
            lines = [*lines, more]
        shell._showtraceback(kind, error, lines)
        return lines

    shell.set_custom_exc((ClientError, ParamValidationError, NameError), show)


def _cells_only(shell: Any, traceback: TracebackType | None) -> TracebackType | None:
    """Return a traceback of the frames that are code of a cell."""
    if traceback is None:
        return None
    rest = _cells_only(shell, traceback.tb_next)
    if traceback.tb_frame.f_code.co_filename not in shell.compile._filename_map:
        return rest
    return TracebackType(rest, traceback.tb_frame, traceback.tb_lasti, traceback.tb_lineno)
