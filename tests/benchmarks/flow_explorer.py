"""Measure how long the flow explorer takes for one change, with the day of 200,000 records in data/nimbus-day.

    python -m tests.benchmarks.flow_explorer

It prints wall time and processor time in milliseconds, in the kernel alone; the browser tests measure from outside.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from statistics import median

from labkit import flowlogs
from labkit.show.widgets.flow_explorer import FlowExplorer
from tests.benchmarks.timing import ROOT, Spent, spent

DAY = ROOT / "data/nimbus-day/parquet"

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
    made: list[FlowExplorer] = []
    print(
        f"read, made and first answered: {spent(lambda: made.append(FlowExplorer(flowlogs.read(DAY)))).seconds:.2f} s\n"
    )
    taken: dict[str, list[Spent]] = {}
    for _ in range(15):
        for what, *change in changes(made[0]):
            taken.setdefault(what, []).append(spent(partial(setattr, *change)))
    print(f"{'change':15}{'median':>8}{'max':>8}{'CPU':>8}  ms")
    for what, runs in taken.items():
        walls, cpus = ([1000 * run[at] for run in runs] for at in (0, 1))
        print(f"{what:15}{median(walls):8.1f}{max(walls):8.1f}{median(cpus):8.1f}")


if __name__ == "__main__":
    main()
