"""A kernel as JupyterLab drives it: cells on its main shell, and messages of widgets on subshells beside them.

JupyterLab sends the messages of all widgets over one subshell or, as a setting, those of each control over its own.
https://github.com/jupyter/enhancement-proposals/blob/master/91-kernel-subshells/kernel-subshells.md
"""

from __future__ import annotations

import os
import queue
import re
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from jupyter_client.manager import KernelManager

ROOT = Path(__file__).parents[2]

#: What a widget says of an error that it did not expect, and what Python and the kernel say of one.
_RAW = re.compile(r"This went wrong|Traceback|Fatal Python error|Exception in ")
_COLOR = re.compile(r"\x1b\[[0-9;]*m")


@dataclass
class Kernel:
    """A running kernel.

    Attributes:
        client: Its client.
        log: The file that has what the process writes to standard error.
        raw: The errors so far: of cells, of callbacks, and those that a widget shows without having expected them.
    """

    manager: Any
    client: Any
    log: Path
    raw: list[str] = field(default_factory=list)

    def subshell(self) -> str:
        """Make a subshell; return its id."""
        request = self.client.session.msg("create_subshell_request")
        self.client.control_channel.send(request)
        while True:
            reply = self.client.get_control_msg(timeout=30)
            if reply["parent_header"].get("msg_id") == request["header"]["msg_id"]:
                return str(reply["content"]["subshell_id"])

    def begin(self, source: str) -> str:
        """Begin to run a cell on the main shell, as a front end with a person; return the message's id."""
        content = {"code": source, "silent": False, "store_history": True, "user_expressions": {}, "allow_stdin": True}
        return self._send("execute_request", content, None)

    def move(self, subshell: str, comm: str, **data: Any) -> str:
        """Send what a control's front end sends, over a subshell; return the message's id.

        Args:
            subshell: The subshell's id.
            comm: The model id of the control.
            data: `state` for a move, `content` for a click.
        """
        data = {"method": "update" if "state" in data else "custom", "buffer_paths": [], **data}
        return self._send("comm_msg", {"comm_id": comm, "data": data}, subshell)

    def _send(self, kind: str, content: dict[str, Any], subshell: str | None) -> str:
        message = self.client.session.msg(kind, content)
        message["header"]["subshell_id"] = subshell
        self.client.shell_channel.send(message)
        return str(message["header"]["msg_id"])

    def listen(self, seconds: float) -> str | None:
        """Take one message of the kernel; return the id of the request that it ends, if it does.

        Args:
            seconds: How long to wait for a message.
        """
        while self.client.shell_channel.msg_ready():
            self.client.shell_channel.get_msg()
        try:
            message = self.client.get_iopub_msg(timeout=seconds)
        except queue.Empty:
            return None
        kind, content = message["msg_type"], message["content"]
        text = str(content.get("text", "")) + "\n".join(content.get("traceback", ())) + str(content.get("data", ""))
        if kind == "error" or content.get("name") == "stderr" or _RAW.search(text):
            self.raw.append(f"{kind}: {_COLOR.sub('', text)[-1500:]}")
        if kind == "stream":
            self.said = content["text"]
        return message["parent_header"].get("msg_id") if content.get("execution_state") == "idle" else None

    def run(self, source: str, seconds: float = 60) -> str:
        """Run a cell on the main shell to its end; return the last text that it printed."""
        self.said = ""
        request, until = self.begin(source), time.monotonic() + seconds
        while self.listen(0.5) != request:
            assert self.manager.is_alive(), f"the kernel died: {self.log.read_text()[-3000:]}"
            assert time.monotonic() < until, f"still running after {seconds} s: {source}"
        return self.said


@contextmanager
def kernel(folder: Path) -> Iterator[Kernel]:
    """Start a kernel that writes where its threads were if it crashes."""
    manager = KernelManager()
    with (folder / "stderr").open("w") as log:
        variables = {"PYTHONPATH": str(ROOT), "PYTHONFAULTHANDLER": "1", "LABKIT_PROGRESS": str(folder / "progress")}
        manager.start_kernel(cwd=str(ROOT / "notebooks"), env={**os.environ, **variables}, stderr=log, stdout=log)
        client = manager.client()
        client.start_channels()
        try:
            client.wait_for_ready(timeout=60)
            yield Kernel(manager, client, folder / "stderr")
        finally:
            client.stop_channels()
            manager.shutdown_kernel(now=True)


def drive(
    kernel: Kernel, cells: Sequence[str], moves: Sequence[tuple[str, dict[str, Any]]], subshells: int, seconds: float
) -> tuple[int, int]:
    """Run cells one after the other and, beside them, move controls over subshells, one message each at a time.

    Returns:
        How many cells ran, and how many messages were answered.
    """
    shells: dict[str, str | None] = {kernel.subshell(): None for _ in range(subshells)}
    until, ran, moved, running = time.monotonic() + seconds, 0, 0, None
    stalled = time.monotonic()
    while time.monotonic() < until or running or any(shells.values()):
        is_over = time.monotonic() > until
        if running is None and not is_over:
            running = kernel.begin(cells[ran % len(cells)])
        for shell, under_way in shells.items():
            if under_way is None and not is_over:
                comm, data = moves[moved % len(moves)]
                moved += 1
                shells[shell] = kernel.move(shell, comm, **data)
        ended = kernel.listen(0.5)
        if ended is not None:
            stalled = time.monotonic()
            if ended == running:
                running, ran = None, ran + 1
            shells |= {shell: None for shell, under_way in shells.items() if under_way == ended}
        assert kernel.manager.is_alive(), f"the kernel died: {kernel.log.read_text()[-3000:]}"
        assert time.monotonic() - stalled < 60, "the kernel answers no more"
    return ran, moved
