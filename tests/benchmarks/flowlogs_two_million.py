"""Compare readers of two million flow log lines. Run: python -m tests.benchmarks.flowlogs_two_million

The peers are not dependencies: pip install polars flowlogs-reader. The lines are made once from a fixed seed, in a
temporary folder: 300 interfaces that talk to each other, to popular addresses and to strangers. Each reader runs in
separate processes, all in turns, so that all run under the same load. The tables show medians of the turns, also of the
ratio to labkit's time in the same turn, and the largest peak of memory. flowlogs-reader reads a twentieth of the file
once, and its time is multiplied.
"""

from __future__ import annotations

import argparse
import gzip
import tempfile
from collections.abc import Callable
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

from tests.benchmarks.timing import in_process, report

LINES, SHARE, ROUNDS, SEED = 2_000_000, 20, 7, 1
#: Measured where they are installed.
PEERS = ("polars", "flowlogs-reader")
NAMES = (
    *("version", "account-id", "interface-id", "srcaddr", "dstaddr", "srcport", "dstport", "protocol", "packets"),
    *("bytes", "start", "end", "action", "log-status"),
)
SMALL, LARGE = ("version", "srcport", "dstport", "protocol"), ("packets", "bytes", "start", "end")


def make(path: Path, count: int) -> None:
    import numpy as np

    rng = np.random.default_rng(SEED)
    enis = np.array([f"eni-{n:017x}" for n in rng.integers(16**14, 16**15, 300)])
    own = np.array([f"10.{n % 4}.{n // 16}.{10 + n % 200}" for n in range(300)])
    public = np.array(
        [".".join(map(str, four)) for four in rng.integers([20, 0, 0, 1], [200, 256, 256, 255], (200_000, 4))]
    )
    with path.open("w") as file:
        file.write(" ".join(NAMES) + "\n")
        for first in range(0, count, 100_000):
            n = min(100_000, count - first)
            eni, kind, egress = rng.integers(0, 300, n), rng.random(n), rng.random(n) < 0.5
            popular, stranger = public[rng.zipf(1.3, n) % 2000], public[rng.integers(0, 200_000, n)]
            far = np.where(kind < 0.6, own[rng.integers(0, 300, n)], np.where(kind < 0.9, popular, stranger))
            protocol = rng.choice([6, 17, 1], n, p=[0.8, 0.17, 0.03])
            service = np.where(protocol == 1, 0, rng.choice([443, 80, 22, 53, 3306, 5432, 8080, 123], n))
            client = np.where(protocol == 1, 0, rng.integers(32768, 61000, n))
            packets = rng.geometric(0.05, n)
            size = packets * rng.integers(52, 1400, n)
            start = 1764720000 + np.sort(first * 86400 // count + rng.integers(0, 4320, n))
            end = start + rng.integers(1, 60, n)
            action, nodata = np.where(rng.random(n) < 0.05, "REJECT", "ACCEPT"), rng.random(n) < 0.005
            columns = (
                enis[eni], np.where(egress, own[eni], far), np.where(egress, far, own[eni]),
                np.where(egress, client, service), np.where(egress, service, client),
                protocol, packets, size, start, end, action, nodata,
            )  # fmt: skip
            for e, *flow, a, b, verdict, none in zip(*(column.tolist() for column in columns), strict=True):
                words = "- - - - - - -" if none else " ".join(map(str, flow))
                file.write(f"2 123456789012 {e} {words} {a} {b} {'- NODATA' if none else f'{verdict} OK'}\n")


def typed(small: Any, large: Any, word: Any) -> dict[str, Any]:
    """Return a reader's type of each column."""
    return {name: small if name in SMALL else large if name in LARGE else word for name in NAMES}


def labkit_read(path: str) -> int:
    from labkit.flowlogs import read

    return len(read(path))


def pyarrow_read(path: str) -> int:
    import pyarrow as pa
    from pyarrow import csv

    types = typed(pa.int32(), pa.int64(), pa.string())
    return len(
        csv.read_csv(
            path,
            parse_options=csv.ParseOptions(delimiter=" "),
            convert_options=csv.ConvertOptions(column_types=types, null_values=["-"], strings_can_be_null=True),
        )
    )


def pandas_read(path: str) -> int:
    import pandas as pd

    types = typed("Int32", "Int64", "string")
    return len(pd.read_csv(path, sep=" ", na_values=["-"], keep_default_na=False, dtype=types, engine="c"))


def duckdb_read(path: str) -> int:
    import duckdb

    types = typed("INTEGER", "BIGINT", "VARCHAR")
    return len(duckdb.read_csv(path, delimiter=" ", header=True, na_values="-", dtype=types).to_arrow_table())


def polars_read(path: str) -> int:
    import polars as pl

    types = typed(pl.Int32, pl.Int64, pl.String)
    return len(pl.read_csv(path, separator=" ", null_values="-", schema_overrides=types))


def flowlogs_reader_read(path: str) -> int:
    from flowlogs_reader import FlowRecord

    opener: Any = gzip.open if path.endswith(".gz") else open
    with opener(path, "rt") as file:
        next(file)
        return len([FlowRecord.from_cwl_event({"message": line}) for line in file])


def labkit_top(path: str, each_side: bool = False) -> int:
    from labkit.flowlogs import scan, top_talkers

    return int(top_talkers(scan(path), each_side=each_side)["bytes"].iloc[0])


def polars_top(path: str, each_side: bool = False) -> int:
    """Ask what top_talkers asks: by default, of what each interface saw of a pair, the most."""
    import polars as pl

    found = pl.scan_csv(path, separator=" ", null_values="-", schema_overrides={"account-id": pl.String})
    amounts = [pl.col("bytes"), pl.col("packets")]
    if not each_side:
        found = found.group_by("srcaddr", "dstaddr", "interface-id").agg(each.sum() for each in amounts)
    pairs = found.group_by("srcaddr", "dstaddr").agg(each.sum() if each_side else each.max() for each in amounts)
    return int(pairs.top_k(10, by="bytes").collect(engine="streaming")["bytes"][0])


def duckdb_top(path: str) -> int:
    import duckdb

    types = {"account-id": "VARCHAR"}
    records = duckdb.read_csv(path, delimiter=" ", header=True, na_values="-", dtype=types)
    row = records.query(
        "records",
        "SELECT srcaddr, dstaddr, sum(bytes) AS bytes, sum(packets) FROM records GROUP BY ALL "
        "ORDER BY bytes DESC LIMIT 10",
    ).fetchall()[0]
    return int(row[2])


#: Each table: what it is about, and who is asked.
TABLES: dict[str, dict[str, Callable[[str], int]]] = {
    "All columns, typed": {
        "labkit.flowlogs.read": labkit_read,
        "pyarrow.csv alone": pyarrow_read,
        "pandas, C engine": pandas_read,
        "DuckDB read_csv": duckdb_read,
        "polars read_csv": polars_read,
        "flowlogs-reader": flowlogs_reader_read,
    },
    "Top 10 bytes by pair": {
        "labkit top_talkers(scan(…), each_side=True)": partial(labkit_top, each_side=True),
        "polars scan_csv, streaming": partial(polars_top, each_side=True),
        "DuckDB read_csv": duckdb_top,
    },
    "The same, what both ends logged counted once": {
        "labkit top_talkers(scan(…))": labkit_top,
        "polars, streaming": polars_top,
    },
}


class Figures(NamedTuple):
    """What one reader took.

    Attributes:
        seconds: The median time.
        ratio: The median of the ratios to the first reader's time in the same turn.
        cpu: The median of the processor's time, in seconds.
        peak: The largest peak of memory, in MiB.
    """

    seconds: float
    ratio: float
    cpu: float
    peak: float


def measured(title: str, folder: Path, end: str) -> dict[str, Figures]:
    absent = tuple(peer for peer in PEERS if find_spec(peer.replace("-", "_")) is None)
    runs: dict[str, list[list[float]]] = {name: [] for name in TABLES[title] if not name.startswith(absent)}
    for turn in range(ROUNDS):
        for name in runs:
            part = name == "flowlogs-reader"
            if part and turn:
                continue
            path = folder / f"{'part' if part else 'all'}.log{end}"
            seconds, cpu, peak = in_process(
                "-m", "tests.benchmarks.flowlogs_two_million", "--one", title, name, str(path)
            )
            factor = SHARE if part else 1
            runs[name].append([seconds * factor, cpu * factor, peak])
    base = [seconds for seconds, _, _ in next(iter(runs.values()))]
    found = {}
    for name, turns in runs.items():
        seconds, cpu, peaks = zip(*turns, strict=True)
        ratio = median(one / other for one, other in zip(seconds, base, strict=False))
        found[name] = Figures(median(seconds), ratio, median(cpu), max(peaks))
    return found


def table(title: str, folder: Path) -> None:
    print(f"\n| {title} | plain, s | × labkit | CPU, s | gzip, s | × labkit | CPU, s | peak, MiB |")
    print("|---|---|---|---|---|---|---|---|")
    plain, packed = (measured(title, folder, end) for end in ("", ".gz"))
    for name in plain:
        times = [f"{figure:.2f}" for figures in (plain[name], packed[name]) for figure in figures[:3]]
        peak = "" if name == "flowlogs-reader" else f"{packed[name].peak:,.0f}"
        print(f"| {' | '.join([name, *times, peak])} |", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--one", nargs=3, metavar=("TITLE", "NAME", "PATH"), help=argparse.SUPPRESS)
    parser.add_argument("--lines", type=int, default=LINES)
    options = parser.parse_args()
    if options.one:
        title, name, path = options.one
        work = TABLES[title][name]
        report(lambda: work(path), rounds=1 if work is flowlogs_reader_read else 2)
        return
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        make(folder / "all.log", options.lines)
        make(folder / "part.log", options.lines // SHARE)
        for path in (folder / "all.log", folder / "part.log"):
            path.with_name(path.name + ".gz").write_bytes(gzip.compress(path.read_bytes(), 6, mtime=0))
        print(f"{options.lines:,} lines, {(folder / 'all.log').stat().st_size / 1e6:,.0f} MB.")
        for title in TABLES:
            table(title, folder)


if __name__ == "__main__":
    main()
