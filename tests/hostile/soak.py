"""Use one kernel for hours as a class would, and print how its memory grows: python -m tests.hostile.soak 7200

Cells ping, change the network, read records and ask Logs Insights; meanwhile a subshell moves the widgets, as
JupyterLab does. Each error, in a cell, in a widget or on the kernel's standard error, ends the soak with exit code 1.
"""

from __future__ import annotations

import os
import random
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any, NamedTuple

from jupyter_client import BlockingKernelClient, KernelManager

from tests.benchmarks.timing import ROOT

_PREPARE = """
import io, os, random
import boto3, labkit
from labkit.flowlogs import read
lab = labkit.connect()
lab.catch_up("05")
ec2, rng = boto3.client("ec2"), random.Random(14)
table, group = lab.find("route-table-1"), lab.find("security-group-1")
peering = lab.find("peering-1-2")
packets, routes = lab.widgets.packet_lab("instance-1", "instance-2"), lab.widgets.route_editor("route-table-1")

def moment():
    pages = os.sysconf("SC_PAGE_SIZE")
    with open("/proc/self/statm") as file:
        resident = int(file.read().split()[1]) * pages
    return {"records": len(lab.records()), "resident": resident, "clock": f"{lab.clock:%j %H:%M}"}

def one_round(n):
    began = lab.clock
    cidr = f"9.{n // 200 % 200}.{n % 200}.0/24"
    ec2.create_route(RouteTableId=table, DestinationCidrBlock=cidr, VpcPeeringConnectionId=peering)
    lab.shell("instance-1", f"ping -c {rng.randint(1, 5)} 10.2.0.126")
    lab.shell("instance-2", "curl -m 2 http://10.1.15.80:%d" % rng.randint(1, 65535))
    lab.wait_for_flow_logs()
    lines = lab.records(since=began)
    assert lines, "no records"
    assert len(read(lines))
    assert len(lab.insights("stats sum(bytes) by srcaddr, dstaddr | sort srcaddr", since=began))
    path = lab.trace("instance-1", "instance-2", "tcp", rng.randint(1, 65535))
    lab.map(path).png()
    ec2.delete_route(RouteTableId=table, DestinationCidrBlock=cidr)
"""
_MODELS = """{
    "port": packets.port.model_id, "protocol": packets.protocol.model_id, "steps": packets.hops.model_id,
    "destination": routes.destination.model_id,
}"""


class Moment(NamedTuple):
    """The kernel at one moment of the soak.

    Attributes:
        seconds: Since the soak began.
        rounds: Of cells, so far.
        moves: Of widgets, so far.
        records: In the log group.
        resident: The kernel's resident memory, in bytes.
        clock: The virtual time, as day of the year, hour and minute.
    """

    seconds: float
    rounds: int
    moves: int
    records: int
    resident: int
    clock: str


class Soak:
    """One kernel, with a client for cells and one for the widgets."""

    def __init__(self, folder: Path) -> None:
        self.errors: list[str] = []
        self._stderr = folder / "stderr"
        environment = os.environ | {"PYTHONPATH": str(ROOT), "LABKIT_PROGRESS": str(folder / "progress.json")}
        self._manager = KernelManager()
        with self._stderr.open("wb") as file:
            self._manager.start_kernel(
                cwd=str(ROOT / "notebooks"), env={**environment, "PYTHONFAULTHANDLER": "1"}, stderr=file
            )
        self._cells, self._widgets = self._client(), self._client()
        self.moves = 0

    def _client(self) -> BlockingKernelClient:
        client = self._manager.blocking_client()
        client.start_channels()
        client.wait_for_ready(timeout=60)
        return client

    def run(self, source: str, **expressions: str) -> dict[str, Any]:
        """Run a cell, and return the values of expressions after it, read as Python literals."""
        import ast

        id = self._cells.execute(source, store_history=False, user_expressions=expressions)
        while (reply := self._cells.get_shell_msg(timeout=300))["parent_header"].get("msg_id") != id:
            pass
        content = reply["content"]
        if content["status"] != "ok":
            raise RuntimeError("\n".join(content["traceback"]))
        return {key: ast.literal_eval(one["data"]["text/plain"]) for key, one in content["user_expressions"].items()}

    def subshell(self) -> str:
        """Open a subshell, and return its id."""
        message = self._widgets.session.msg("create_subshell_request")
        self._widgets.control_channel.send(message)
        return str(self._widgets.get_control_msg(timeout=30)["content"]["subshell_id"])

    def move(self, subshell: str, model: str, **state: object) -> None:
        """Move a widget over the subshell, as the page does, and wait until the kernel has answered."""
        content = {"comm_id": model, "data": {"method": "update", "state": state, "buffer_paths": []}}
        message = self._widgets.session.msg("comm_msg", content)
        message["header"]["subshell_id"] = subshell
        self._widgets.shell_channel.send(message)
        id = message["header"]["msg_id"]
        while True:
            answer = self._widgets.get_iopub_msg(timeout=300)
            if answer["msg_type"] == "error" or answer["content"].get("name") == "stderr":
                self.errors.append(str(answer["content"].get("text") or answer["content"]["traceback"]))
            mine = answer["parent_header"].get("msg_id") == id
            if mine and answer["content"].get("execution_state") == "idle":
                break
        self.moves += 1

    def check(self) -> None:
        """Raise what has gone wrong outside of cells."""
        said = self._stderr.read_text(encoding="utf-8", errors="replace")
        if "Traceback" in said or "Fatal" in said:
            self.errors.append(said[-5000:])
        if not self._manager.is_alive():
            self.errors.append(f"The kernel died. {said[-5000:]}")
        if self.errors:
            raise RuntimeError("\n".join(self.errors[:5]))

    def end(self) -> None:
        """End the kernel."""
        for client in (self._cells, self._widgets):
            client.stop_channels()
        self._manager.shutdown_kernel(now=True)


def soak(seconds: float, every: float) -> list[Moment]:
    """Run cells and move widgets for some seconds.

    Args:
        seconds: How long.
        every: How many seconds pass between two looks at the memory.

    Raises:
        RuntimeError: Something went wrong: a cell's error, a widget's, or the kernel died.
    """
    with tempfile.TemporaryDirectory() as folder:
        one = Soak(Path(folder))
        try:
            return _moments(one, seconds, every)
        finally:
            one.end()


def _moments(one: Soak, seconds: float, every: float) -> list[Moment]:
    models = one.run(_PREPARE, models=_MODELS)["models"]
    subshell, done, rng = one.subshell(), threading.Event(), random.Random(14)

    def move() -> None:
        try:
            while not done.is_set():
                one.move(subshell, models["protocol"], value=rng.choice(("tcp", "udp", "icmp")))
                one.move(subshell, models["port"], value=str(rng.randrange(70_000)))
                one.move(subshell, models["steps"], index=rng.randrange(3))
                one.move(subshell, models["destination"], value=f"8.{rng.randrange(300)}.0.0/16")
                time.sleep(0.2)
        except Exception as error:
            one.errors.append(f"{type(error).__name__}: {error}")

    moments: list[Moment] = []
    began, rounds, mover = time.monotonic(), 0, threading.Thread(target=move)
    mover.start()
    try:
        while (passed := time.monotonic() - began) < seconds:
            if passed >= len(moments) * every:
                moments.append(Moment(passed, rounds, one.moves, **one.run("", now="moment()")["now"]))
                print(line(moments[-1]), flush=True)
            one.run(f"one_round({rounds})")
            rounds += 1
            one.check()
        moments.append(Moment(passed, rounds, one.moves, **one.run("", now="moment()")["now"]))
        print(line(moments[-1]), flush=True)
    finally:
        done.set()
        mover.join(timeout=60)
    one.check()
    return moments


def line(now: Moment) -> str:
    """Return a moment as a line of the table."""
    mib = now.resident / 2**20
    return f"{now.seconds:8.0f} {now.rounds:8,} {now.moves:8,} {now.records:10,} {mib:9.1f}   {now.clock}"


def growth(first: Moment, last: Moment) -> float:
    """Return by how many bytes the memory grew for each record."""
    return (last.resident - first.resident) / max(last.records - first.records, 1)


if __name__ == "__main__":
    print(f"{'seconds':>8} {'rounds':>8} {'moves':>8} {'records':>10} {'MiB':>9}   virtual day and time")
    length = float(sys.argv[1]) if len(sys.argv) > 1 else 60
    all_moments = soak(length, length / 24)
    early, middle, late = all_moments[2], all_moments[len(all_moments) // 2], all_moments[-1]
    print(f"bytes a record: {growth(early, middle):,.0f} in the first half, {growth(middle, late):,.0f} in the second")
