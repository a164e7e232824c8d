"""What the commands tell a person: which command to type, and what a failure of the system or of a tool means.

All verbs use it. It needs only the standard library.
"""

from __future__ import annotations

import errno
import re
import sys
from collections.abc import Mapping
from pathlib import Path

from labkit.errors import CommandError

INSTALL_VENV = "install it (on Debian and Ubuntu: sudo apt install python3-venv)"

#: What the system prints where it refuses something, and what to do. The numbers are the same in every language.
_REFUSALS = {
    rf"Errno ({errno.ENOSPC}|{errno.EDQUOT})\b|No space left on device|not enough space on the disk|quota exceeded": (
        "The disk is full. Free about 1 GB, then run the same command again."
    ),
    rf"Errno ({errno.EACCES}|{errno.EPERM}|{errno.EROFS})\b|Permission denied|WinError (5|32)\b|Read-only file": (
        "A file can't be written. Close the notebooks and terminals that use it, or put the project in a folder of "
        "your own, then run the same command again."
    ),
}
#: What pip and the venv module print about other causes, and what to do. The first row that fits counts.
_CAUSES = _REFUSALS | {
    r"SSLError|CERTIFICATE_VERIFY_FAILED": (
        "The secure connection to the package index was refused, as behind some company or school networks: "
        "ask for the network's certificate and set PIP_CERT to it, then run the same command again."
    ),
    r"NewConnectionError|NameResolutionError|Failed to establish a new connection|name resolution|getaddrinfo failed"
    r"|nodename nor servname|Network is unreachable|ConnectTimeoutError|ReadTimeoutError|ProxyError"
    r"|Connection (?:refused|reset|aborted)|timed out": (
        "The package index can't be reached. Set-up needs the internet once: check the connection (and the proxy, "
        "if there is one), then run the same command again."
    ),
    r"No matching distribution found|ResolutionImpossible|requires a different Python": (
        "A package has no version for this Python and system: use one of Python 3.11 to 3.14, 64 bits."
    ),
    r"ensurepip": f"Python's venv module is not complete: {INSTALL_VENV}, then run the same command again.",
}


def command(verb: str) -> str:
    """Return the command line that runs a verb, as this person would type it."""
    if Path(sys.argv[0]).stem == "labkit":
        return f"labkit {verb}"
    return f"{'py' if sys.platform == 'win32' else 'python3'} -m labkit {verb}"


def explain_os_error(error: OSError) -> CommandError:
    """Return the error to show where the operating system refused something, such as to write a file."""
    if error.errno is None:  # labkit's own sentence, such as that a file is missing
        return CommandError(str(error))
    other = f"The system refused something: {error}. Fix that, then run the same command again."
    known = _cause(_REFUSALS, str(error))
    return CommandError(f"{known}\n  {error}" if known else other)


def explain_output(output: str, tool: str) -> CommandError:
    """Return the error to show where a tool failed: a known cause, if there is one, and the tool's own last lines.

    Args:
        output: What the tool printed.
        tool: The name of the tool.
    """
    errors = [line.strip() for line in output.splitlines() if "error" in line.lower()] or output.splitlines()
    own = "\n".join(f"  {tool}: {line}" for line in errors[-4:])
    other = f"{tool} failed, for the reason below; fix it, then run the same command again."
    return CommandError(f"{_cause(_CAUSES, output) or other}\n{own}")


def _cause(causes: Mapping[str, str], text: str) -> str | None:
    return next((what for pattern, what in causes.items() if re.search(pattern, text, re.IGNORECASE)), None)
