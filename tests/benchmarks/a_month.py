"""Measure what a month of virtual time costs in time and memory: python -m tests.benchmarks.a_month [DAYS]

The lab is that of notebook 05 on the embedded AWS. It stands for so many days while the internet makes its noise.
Memory is what the process has resident, in MiB.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import TypeVar

from tests.benchmarks.timing import ROOT

Result = TypeVar("Result")


def resident() -> float:
    """Return how much memory this process has resident, in MiB (on Linux)."""
    return int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1]) * os.sysconf("SC_PAGE_SIZE") / 2**20


def measured(what: str, action: Callable[[], Result]) -> Result:
    """Do something, and print how long it took and how much memory there is then."""
    began = time.perf_counter()
    result = action()
    print(f"{what:44} {time.perf_counter() - began:8.2f} s {resident():8.0f} MiB", flush=True)
    return result


def main(days: int) -> None:
    os.chdir(ROOT / "notebooks")
    import labkit
    from labkit import embedded

    lab = labkit.connect()
    measured("the lab of notebook 05", lambda: lab.catch_up("05"))
    measured("its records", lab.records)
    measured("its first query", lambda: lab.insights("stats count(*) by action"))
    before, clock = resident(), embedded.start().clock
    measured(f"{days} days pass", lambda: clock.jump_to(lab.clock + timedelta(days=days)))
    measured("lab.wait_for_flow_logs()", lab.wait_for_flow_logs)
    records = len(measured("lab.records()", lab.records))
    measured("lab.records('REJECT')", lambda: lab.records("REJECT"))
    query = "stats count(*) as records by action"
    measured("a query over all", lambda: lab.insights(query, since=lab.clock - timedelta(days=days + 1)))
    measured("the same query", lambda: lab.insights(query, since=lab.clock - timedelta(days=days + 1)))
    print(f"{records} records, {(resident() - before) * 2**20 / records:.0f} bytes each")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 30)
