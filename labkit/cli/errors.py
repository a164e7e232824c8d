"""What the command line says: errors in a sentence, hints, and a line of progress."""

from __future__ import annotations

import errno
import shutil
import sys
from pathlib import Path

from labkit.errors import CommandError


def command(verb: str) -> str:
    """The command line that runs a verb, as this person would type it."""
    if Path(sys.argv[0]).stem == "labkit":
        return f"labkit {verb}"
    return f"{'py' if sys.platform == 'win32' else 'python3'} -m labkit {verb}"


def explain_os_error(error: OSError, doing: str) -> CommandError:
    """A full disk, a folder that can't be written, or whatever the system says, as a sentence."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return CommandError(f"The disk is full, so {doing} stopped. Free about 1 GB, then run the same command again.")
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return CommandError(
            f"{doing.capitalize()} needs to write {error.filename or 'in this folder'}, and the system refuses "
            f"({error.strerror}). Close what uses it, or put the project in a folder of your own, then run the same "
            "command again."
        )
    return CommandError(f"The system stopped {doing}: {error}. Mend that, then run the same command again.")


def status(text: str) -> None:
    """One line that updates in a terminal, where nothing longer than the line may stand; elsewhere nothing."""
    if sys.stdout.isatty():
        print(f"\r\x1b[2K{text[: shutil.get_terminal_size().columns - 1]}", end="", flush=True)
