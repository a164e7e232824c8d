"""Measure `labkit flows` over 1, 10 and 100 days of records. Run: python -m tests.benchmarks.flows_ten_times

The records are those of data/nimbus-day; each further day has the same traffic a day later. Each run is a separate
process, all in turns. The table shows the lesser time and the larger memory of two. The aim: ten times the records take
ten times as long, and the same memory.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import pandas as pd

from labkit.flowlogs import read, write
from tests.benchmarks.timing import ROOT, in_process, least, run_python

ROUNDS, DAYS = 2, (1, 10, 100)
WAYS = {"labkit flows": [], "labkit flows --unanswered": ["--unanswered"]}
CHILD = """
import sys
from labkit.cli import flows
from tests.benchmarks.timing import report
report(lambda: flows.run(flows.parse(sys.argv[1:])))
"""


def days(count: int, folder: Path) -> None:
    day = read(ROOT / "data" / "nimbus-day" / "text").drop(columns=["account", "region", "day"], errors="ignore")
    later = [pd.Timedelta(days=number) for number in range(count)]
    write(pd.concat([day.assign(start=day["start"] + by, end=day["end"] + by) for by in later]), file(count, folder))


def file(count: int, folder: Path) -> Path:
    return folder / f"{count}.log.gz"


def main() -> None:
    if sys.argv[1:2] == ["--make"]:
        for count in DAYS:
            days(count, Path(sys.argv[2]))
        return
    with tempfile.TemporaryDirectory() as folder:
        # A process starts with the peak memory of the one that starts it, so another one writes the files.
        run_python("-m", "tests.benchmarks.flows_ten_times", "--make", folder)
        paths = [str(file(count, Path(folder))) for count in DAYS]
        print("| | days | s | CPU, s | peak, MiB |\n|---|---|---|---|---|")
        for way, options in WAYS.items():
            runs = [[in_process("-c", CHILD, path, *options) for path in paths] for _ in range(ROUNDS)]
            for count, some in zip(DAYS, zip(*runs, strict=True), strict=True):
                seconds, cpu, peak = least([*some])
                print(f"| {way} | {count} | {seconds:.2f} | {cpu:.2f} | {peak:,.0f} |", flush=True)


if __name__ == "__main__":
    main()
