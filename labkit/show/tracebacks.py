"""Shorten tracebacks of AWS errors to the lines of the student's cells, without boto3's own: `magics` calls it."""

from __future__ import annotations

from types import TracebackType
from typing import Any

_NOT_MADE = (
    "A value above is None: what it should name has not been made yet, or has another name. "
    "Run the cells before this one, or lab.catch_up(…) at the top of the notebook, then this cell again."
)


def shorten(shell: Any) -> None:
    """Make an IPython shell show boto3's errors with the frames of the notebook's own cells only."""
    from botocore.exceptions import ClientError, ParamValidationError

    def show(shell: Any, kind: type, error: Exception, traceback: TracebackType, tb_offset: int | None = None) -> Any:
        lines = shell.InteractiveTB.structured_traceback(kind, error, _cells_only(shell, traceback), tb_offset=0)
        if isinstance(error, ParamValidationError) and "value: None" in str(error):
            lines = [*lines, _NOT_MADE]
        shell._showtraceback(kind, error, lines)
        return lines

    shell.set_custom_exc((ClientError, ParamValidationError), show)


def _cells_only(shell: Any, traceback: TracebackType | None) -> TracebackType | None:
    """Return a traceback of the frames that are code of a cell."""
    if traceback is None:
        return None
    rest = _cells_only(shell, traceback.tb_next)
    if traceback.tb_frame.f_code.co_filename not in shell.compile._filename_map:
        return rest
    return TracebackType(rest, traceback.tb_frame, traceback.tb_lasti, traceback.tb_lineno)
