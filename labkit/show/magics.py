"""Add to a notebook the cell magics `%%shell` and `%%insights`, and hints below errors: `labkit.connect` calls it."""

from __future__ import annotations

import argparse
import shlex
from collections.abc import Callable
from typing import Any, NoReturn, Protocol

from labkit import status
from labkit.errors import LabError
from labkit.show.tracebacks import shorten


class Lesson(Protocol):
    """What follows the cells as they run, and knows what to say of their errors."""

    def begins(self, info: Any) -> None:
        """Take IPython's `ExecutionInfo` of a cell that begins to run."""
        ...

    def ends(self, result: Any) -> None:
        """Take IPython's `ExecutionResult` of a cell that has ended."""
        ...

    def hint(self, error: BaseException) -> str | None:
        """Return a sentence to show below an error, or None."""
        ...


def register(run_command: Callable[[str, str], object], ask: Callable[..., object], lesson: Lesson) -> None:
    """Add the magics to the running notebook; outside IPython, do nothing. Doing it again changes nothing.

    Args:
        run_command: Called as `run_command(instance, lines)` to run a cell on an instance.
        ask: Called as `ask(query, since=…, log_group=…)` to ask Logs Insights; it returns a table.
        lesson: Follows the notebook's cells.
    """
    shell = status.shell()
    if shell is None:
        return

    def run_on_instance(line: str, cell: str) -> None:
        """%%shell INSTANCE: run the lines below on an instance, through SSM Run Command."""
        if not line.strip():
            raise LabError("Say on which instance: %%shell instance-1")
        run_command(line.strip(), cell)

    def ask_insights(line: str, cell: str) -> object:
        """%%insights [LOG_GROUP] [--since MOMENT]: ask Logs Insights the query below; MOMENT is a Python expression."""
        parser = _InsightsLine(prog="%%insights", add_help=False)
        parser.add_argument("log_group", nargs="?")
        parser.add_argument("--since")
        options = parser.parse_args(shlex.split(line))
        where: dict[str, Any] = {"log_group": options.log_group} if options.log_group else {}
        return ask(cell, since=shell.ev(options.since) if options.since else None, **where)

    shorten(shell, lesson.hint)
    shell.events.register("pre_run_cell", lesson.begins)
    shell.events.register("post_run_cell", lesson.ends)
    shell.register_magic_function(run_on_instance, magic_kind="cell", magic_name="shell")
    shell.register_magic_function(ask_insights, magic_kind="cell", magic_name="insights")


class _InsightsLine(argparse.ArgumentParser):
    """The rest of the line after `%%insights`."""

    def error(self, message: str) -> NoReturn:
        raise LabError(f"%%insights: {message}. Write it as %%insights [LOG_GROUP] [--since MOMENT].")
