"""Follows a `lab.shell("instance-1", "ping -c 1 10.2.0.126")` through labkit: files, calls, and changes of file.

Run `python -m tests.tools.follow_ping`; `--files` lists each file with the calls into it.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import sys
import threading
from collections import Counter
from pathlib import Path
from types import FrameType

import labkit

LABKIT = str(Path(labkit.__file__).parent)
COMMAND = ("instance-1", "ping -c 1 10.2.0.126")


class Follower:
    """Counts the calls of labkit's functions, file by file, in every thread."""

    def __init__(self) -> None:
        self.calls: Counter[str] = Counter()
        self.changes = 0
        self._last: dict[int, str] = {}

    def __call__(self, frame: FrameType, event: str, argument: object) -> None:
        file = frame.f_code.co_filename
        if event == "call" and file.startswith(LABKIT) and frame.f_code.co_name != "<module>":
            self.calls[file.removeprefix(LABKIT).lstrip("/\\")] += 1
            thread = threading.get_ident()
            self.changes += self._last.get(thread, file) != file
            self._last[thread] = file


def main() -> None:
    """Build the lab up to notebook 05, then follow its first ping, or its second."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--files", action="store_true", help="list each file with the calls into it")
    parser.add_argument("--again", action="store_true", help="follow the second ping: IAM and the paths are known")
    options = parser.parse_args()
    follower = Follower()
    with contextlib.redirect_stdout(io.StringIO()):
        lab = labkit.connect()
        lab.catch_up("05")
        if options.again:
            lab.shell(*COMMAND)
        threading.setprofile(follower)  # the server starts a thread for each connection
        sys.setprofile(follower)
        try:
            lab.shell(*COMMAND)
        finally:
            sys.setprofile(None)
            threading.setprofile(None)  # type: ignore[arg-type]
    print(f"{len(follower.calls)} files, {follower.calls.total():,} calls, {follower.changes} changes of file")
    if options.files:
        for file, calls in follower.calls.most_common():
            print(f"{calls:6,} {file}")


if __name__ == "__main__":
    main()
