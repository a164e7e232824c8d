"""Time tasks, here and in processes of their own. All benchmarks of this folder use it; run them with `python -m`."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[2]


class Spent(NamedTuple):
    """What a task took.

    Attributes:
        seconds: The time on the clock.
        cpu: The time of the processor, in seconds.
        peak: The most memory that its process has had so far, in MiB.
    """

    seconds: float
    cpu: float
    peak: float


def spent(task: Callable[[], object]) -> Spent:
    """Run a task, and return what it took."""
    began, cpu = time.perf_counter(), time.process_time()
    task()
    seconds, cpu = time.perf_counter() - began, time.process_time() - cpu
    import resource  # not on Windows, where the other benchmarks work

    unit = 2**20 if sys.platform == "darwin" else 2**10
    return Spent(seconds, cpu, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit)


def least(runs: list[Spent]) -> Spent:
    """Return the least times of several runs, and the largest peak of memory."""
    seconds, cpu, peaks = zip(*runs, strict=True)
    return Spent(min(seconds), min(cpu), max(peaks))


def report(task: Callable[[], object], rounds: int = 1) -> None:
    """Run a task some times, and print the least that it took for `in_process`."""
    print(json.dumps(least([spent(task) for _ in range(rounds)])))


def run_python(*arguments: str) -> str:
    """Run Python in the project's folder, and return what it printed."""
    line = [sys.executable, *arguments]
    return subprocess.run(line, stdout=subprocess.PIPE, text=True, check=True, cwd=ROOT).stdout


def in_process(*arguments: str) -> Spent:
    """Run Python with these arguments, and return what the task took that it reports last."""
    return Spent(*json.loads(run_python(*arguments).splitlines()[-1]))
