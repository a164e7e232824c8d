"""Stands in for a notebook's kernel, in this process: an IPython of its own on an account of its own.

A kernel takes seconds to start, and this a moment; `test_restarted` also restarts a real one.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from types import SimpleNamespace
from typing import Any, NamedTuple

from IPython.core.interactiveshell import InteractiveShell
from ipywidgets import Widget
from traitlets.config import Config

from labkit.embedded import EmbeddedAws
from tests.lab.conftest import aws_of, fresh_lab


class Ran(NamedTuple):
    """How a cell ended: its error or its value, if there is one, and what it showed."""

    error: BaseException | None
    value: Any
    shown: str


class Kernel:
    """A kernel; `started` makes one.

    Attributes:
        aws: Its embedded AWS.
    """

    def __init__(self, shell: Any, aws: EmbeddedAws) -> None:
        self._shell = shell
        self.aws = aws

    def run(self, source: str, id: str | None = None) -> Ran:
        """Run a cell, with the id that JupyterLab sends."""
        with redirect_stdout(io.StringIO()) as shown:
            result = self._shell.run_cell(source, cell_id=id)
        return Ran(result.error_before_exec or result.error_in_exec, result.result, shown.getvalue())


@contextmanager
def started(live: bool = False) -> Iterator[Kernel]:
    """A new kernel with an empty account.

    Args:
        live: Whether a person is there, as in JupyterLab.
    """
    with fresh_lab() as lab:
        InteractiveShell.clear_instance()
        shell = InteractiveShell.instance(config=Config({"HistoryManager": {"enabled": False}}))
        shell.kernel = SimpleNamespace(_allow_stdin=live)
        try:
            yield Kernel(shell, aws_of(lab))
        finally:
            Widget.close_all()
            shell.reset(new_session=False)  # its tables are large
            shell.restore_sys_module_state()  # it put a module of its own in the place of __main__
            InteractiveShell.clear_instance()
