"""Runs pip with one line of progress, and says in a sentence why it failed."""

from __future__ import annotations

import os
import re
import subprocess
from collections import deque
from pathlib import Path

from labkit.cli.errors import status
from labkit.errors import CommandError

# What pip and its libraries print, and what it means; the first that is found counts.
_REASONS = (
    (
        r"No space left on device|Errno 28\b|not enough space on the disk|Disk quota exceeded",
        "The disk is full. Free about 1 GB, then run the same command again.",
    ),
    (
        r"SSLError|CERTIFICATE_VERIFY_FAILED",
        "The secure connection to the package index was refused, as behind some company or school networks: "
        "ask for the network's certificate and set PIP_CERT to it, then run the same command again.",
    ),
    (
        r"NewConnectionError|NameResolutionError|Failed to establish a new connection|name resolution"
        r"|getaddrinfo failed|nodename nor servname"
        r"|Network is unreachable|ConnectTimeoutError|ReadTimeoutError|ProxyError"
        r"|Connection (?:refused|reset|aborted)|timed out",
        "The package index can't be reached. Set-up needs the internet once: look at the connection (and the proxy, "
        "if there is one), then run the same command again.",
    ),
    (
        r"Permission denied|WinError 5\b|WinError 32\b|Read-only file system",
        "A file can't be written. Close the notebooks and terminals that use .venv, or put the project in a folder of "
        "your own, then run the same command again.",
    ),
    (
        r"No matching distribution found|ResolutionImpossible|requires a different Python",
        "A package has no version for this Python and system: use one of Python 3.11 to 3.14, 64 bits.",
    ),
    (
        r"ensurepip",
        "Python's venv module is not complete: install it (on Debian and Ubuntu: sudo apt install python3-venv), "
        "then run the same command again.",
    ),
)


def install(python: Path | str, arguments: list[str], target: Path | None = None) -> None:
    """`pip install` by one Python, for itself or for a target; raises CommandError with the reason if it fails."""
    line = [str(python), "-m", "pip", *(["--python", str(target)] if target else []), "install"]
    line += ["--no-input", "--disable-pip-version-check", "--progress-bar", "off", *arguments]
    last: deque[str] = deque(maxlen=400)
    found = 0
    # An environment that is activated, or a `pip --user` habit, must not turn the installation elsewhere.
    variables = {**os.environ, "PIP_USER": "0", "PIP_REQUIRE_VIRTUALENV": "0", "PYTHONUNBUFFERED": "1"}
    with subprocess.Popen(
        line,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        errors="replace",
        env={**variables, "PYTHONIOENCODING": "utf-8"},
    ) as process:
        assert process.stdout is not None
        for text in process.stdout:
            last.append(text)
            collecting = re.match(r"Collecting ([\w.-]+)", text)
            found += collecting is not None
            if collecting:
                status(f"  {found:3} packages found, {collecting[1]}")
            elif text.startswith("Installing collected packages"):
                status(f"  {found:3} packages found, now writing them")
    status("")
    if process.returncode:
        raise explain("".join(last), "pip")


def explain(output: str, tool: str) -> CommandError:
    """The sentence for what a tool printed when it failed, with its own last lines of error."""
    errors = [line.strip() for line in output.splitlines() if "error" in line.lower()] or output.splitlines()
    own = "\n".join(f"  {tool}: {line}" for line in errors[-4:])
    for pattern, sentence in _REASONS:
        if re.search(pattern, output, re.IGNORECASE):
            return CommandError(f"{sentence}\n{own}")
    return CommandError(f"{tool} failed, for the reason below; mend it, then run the same command again.\n{own}")
