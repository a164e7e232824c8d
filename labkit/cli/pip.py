"""Runs pip with one line of progress; `labkit.cli.environment` sets up .venv with it."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections import deque
from collections.abc import Sequence
from pathlib import Path

from labkit import interruption
from labkit.cli.messages import explain_output
from labkit.status import Status


def install(python: Path | str, arguments: list[str], target: Path | None = None, pass_fds: Sequence[int] = ()) -> None:
    """Run `pip install`.

    Args:
        python: The Python whose pip does the work.
        arguments: What to install, as pip's arguments.
        target: The Python to install for, if it is another one.
        pass_fds: The numbers of open files that pip keeps open, such as a lock; none on Windows.

    Raises:
        CommandError: If pip fails, with the cause.
    """
    line = [str(python), "-m", "pip", *(["--python", str(target)] if target else []), "install"]
    line += ["--no-input", "--disable-pip-version-check", "--progress-bar", "off", *arguments]
    last: deque[str] = deque(maxlen=400)
    found = 0
    # An environment that is activated, or a `pip --user` habit, must not turn the installation elsewhere.
    variables = {**os.environ, "PIP_USER": "0", "PIP_REQUIRE_VIRTUALENV": "0", "PYTHONUNBUFFERED": "1"}
    with (
        Status(quiet=0, stream=sys.stdout) as status,
        interruption.child(
            line,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
            errors="replace",
            env={**variables, "PYTHONIOENCODING": "utf-8"},
            pass_fds=pass_fds,
        ) as process,
    ):
        assert process.stdout is not None
        for text in process.stdout:
            last.append(text)
            if collecting := re.match(r"Collecting ([\w.-]+)", text):
                found += 1
                status.say(f"  {found:3} packages found, {collecting[1]}", plain="")
            elif text.startswith("Installing collected packages"):
                status.say(f"  {found:3} packages found, now writing them", plain="")
    if process.returncode:
        raise explain_output("".join(last), "pip")
