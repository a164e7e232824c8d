"""Measure how long the flow explorer takes for one change, with the day of 200,000 records in data/nimbus-day.

    python tests/benchmarks/flow_explorer.py

It prints wall time and processor time in milliseconds, in the kernel alone; the browser tests measure from outside.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Iterator
from pathlib import Path

from labkit import flowlogs
from labkit.show.widgets.flow_explorer import FlowExplorer

DAY = Path(__file__).parents[2] / "data/nimbus-day/parquet"

MOVES: list[tuple[str, str, object]] = [
    ("only REJECT", "verdict", "REJECT"), ("any verdict", "verdict", None), ("port 443", "port", "443"),
    ("a subnet", "address", "10.1.0.0/16"), ("any port", "port", ""), ("any address", "address", ""),
    ("TCP", "protocol", 6), ("any protocol", "protocol", None),
]  # fmt: skip


def changes(explorer: FlowExplorer) -> Iterator[tuple[str, object, str, object]]:
    for what, control, value in MOVES:
        yield what, getattr(explorer, control), "value", value
    last = len(explorer.time.options) - 1
    for what, index in (("an hour", (100, 112)), ("another hour", (200, 212)), ("the whole day", (0, last))):
        yield what, explorer.time, "index", index


def main() -> None:
    began = time.perf_counter()
    explorer = FlowExplorer(flowlogs.read(DAY))
    print(f"read, made and first answered: {time.perf_counter() - began:.2f} s\n")
    taken: dict[str, list[tuple[float, float]]] = {}
    for _ in range(15):
        for what, control, name, value in changes(explorer):
            wall, cpu = time.perf_counter(), time.process_time()
            setattr(control, name, value)
            spent = (time.perf_counter() - wall) * 1000, (time.process_time() - cpu) * 1000
            taken.setdefault(what, []).append(spent)
    print(f"{'change':15}{'median':>8}{'max':>8}{'CPU':>8}  ms")
    for what, times in taken.items():
        walls, cpus = zip(*times, strict=True)
        print(f"{what:15}{statistics.median(walls):8.1f}{max(walls):8.1f}{statistics.median(cpus):8.1f}")


if __name__ == "__main__":
    main()
