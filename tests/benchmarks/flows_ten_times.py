"""`labkit flows` over 1, 10 and 100 days of records. Run: python -m tests.benchmarks.flows_ten_times

The records are those of data/nimbus-day, each further day the same traffic a day later. Each run is a process of its
own, in turns; the lesser time and the larger memory of two are shown. Wanted: ten times the time, the same memory.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path

import pandas as pd

from labkit.flowlogs import read, write

ROUNDS, DAYS = 2, (1, 10, 100)
ROOT = Path(__file__).parents[2]
WAYS = {"labkit flows": [], "labkit flows --unanswered": ["--unanswered"]}
CHILD = """
import json, resource, sys, time
from labkit.cli import flows
began = time.perf_counter()
flows.run(flows.parse(sys.argv[1:]))
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (2**20 if sys.platform == "darwin" else 2**10)
print(json.dumps([time.perf_counter() - began, time.process_time(), peak]))
"""


def make(folder: Path) -> None:
    """Write the files, in a process of its own: a process starts with the peak memory of the one that starts it."""
    line = [sys.executable, "-m", "tests.benchmarks.flows_ten_times", "--make", str(folder)]
    subprocess.run(line, check=True, cwd=ROOT, stderr=subprocess.DEVNULL)


def days(count: int, folder: Path) -> None:
    day = read(ROOT / "data" / "nimbus-day" / "text").drop(columns=["account", "region", "day"], errors="ignore")
    later = [pd.Timedelta(days=number) for number in range(count)]
    write(pd.concat([day.assign(start=day["start"] + by, end=day["end"] + by) for by in later]), file(count, folder))


def file(count: int, folder: Path) -> Path:
    return folder / f"{count}.log.gz"


def measured(*arguments: str) -> tuple[float, float, float]:
    line = [sys.executable, "-c", CHILD, *arguments]
    done = subprocess.run(line, capture_output=True, text=True, check=True, cwd=ROOT)
    seconds, cpu, peak = json.loads(done.stdout.splitlines()[-1])
    return seconds, cpu, peak


def main() -> None:
    if sys.argv[1:2] == ["--make"]:
        for count in DAYS:
            days(count, Path(sys.argv[2]))
        return
    with tempfile.TemporaryDirectory() as folder:
        make(Path(folder))
        paths = [str(file(count, Path(folder))) for count in DAYS]
        print("| | days | s | CPU, s | peak, MiB |\n|---|---|---|---|---|")
        for way, options in WAYS.items():
            runs = [[measured(path, *options) for path in paths] for _ in range(ROUNDS)]
            for count, some in zip(DAYS, zip(*runs, strict=True), strict=True):
                seconds, cpu, peak = zip(*some, strict=True)
                print(f"| {way} | {count} | {min(seconds):.2f} | {min(cpu):.2f} | {max(peak):,.0f} |", flush=True)


if __name__ == "__main__":
    main()
