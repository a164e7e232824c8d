"""Measure Logs Insights over a million flow log events, beside hand-written DuckDB SQL and pandas over the same table.

    python -m tests.benchmarks.insights_million

Each answers each question several times in turn, and the best time counts. The table is made once, before that. DuckDB
reads the Arrow table that Insights reads; pandas has it as a DataFrame of Arrow-backed types.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from functools import partial
from typing import Any

import duckdb
import numpy as np
import pandas as pd
import pyarrow as pa

from labkit import insights
from tests.benchmarks.timing import least, spent

SQL = {
    "top 15 pairs": """
        SELECT "srcAddr", "dstAddr", sum(bytes) AS total FROM events GROUP BY ALL ORDER BY total DESC LIMIT 15""",
    "REJECT top 20": """
        SELECT "srcAddr", count(*) AS n FROM events WHERE action = 'REJECT' GROUP BY ALL ORDER BY n DESC LIMIT 20""",
    "bin(5m) and pct": """
        SELECT time_bucket(INTERVAL 5 minutes, "@timestamp") AS t, quantile_cont(bytes, 0.95) AS p
        FROM events GROUP BY ALL ORDER BY t""",
    "dedup": """
        SELECT "@timestamp", "srcAddr", "dstAddr", "dstPort", bytes FROM events
        QUALIFY row_number() OVER (PARTITION BY "srcAddr", "dstAddr", "dstPort" ORDER BY "@timestamp" DESC) = 1
        ORDER BY "@timestamp" DESC LIMIT 20""",
    "subnet": """
        SELECT "dstAddr", sum(bytes) AS total FROM events
        WHERE starts_with("srcAddr", '10.1.') AND split_part("srcAddr", '.', 3)::INTEGER BETWEEN 0 AND 63
        GROUP BY ALL ORDER BY total DESC LIMIT 15""",
}
QUERY = {
    "top 15 pairs": "stats sum(bytes) as total by srcAddr, dstAddr | sort total desc | limit 15",
    "REJECT top 20": 'filter action="REJECT" | stats count(*) as n by srcAddr | sort n desc | limit 20',
    "bin(5m) and pct": "stats pct(bytes, 95) as p by bin(5m) as t | sort t",
    "dedup": "fields @timestamp, srcAddr, dstAddr, dstPort, bytes | sort @timestamp desc "
    "| dedup srcAddr, dstAddr, dstPort | limit 20",
    "subnet": 'filter isIpv4InSubnet(srcAddr, "10.1.0.0/18") | stats sum(bytes) as total by dstAddr '
    "| sort total desc | limit 15",
}
PANDAS: dict[str, Callable[[Any], Any]] = {
    "top 15 pairs": lambda flows: flows.groupby(["srcAddr", "dstAddr"])["bytes"].sum().nlargest(15),
    "REJECT top 20": lambda flows: flows[flows["action"] == "REJECT"].groupby("srcAddr").size().nlargest(20),
    "bin(5m) and pct": lambda flows: flows.groupby(flows["@timestamp"].dt.floor("5min"))["bytes"].quantile(0.95),
    "dedup": lambda flows: (
        flows[["@timestamp", "srcAddr", "dstAddr", "dstPort", "bytes"]]
        .sort_values("@timestamp", ascending=False)
        .drop_duplicates(["srcAddr", "dstAddr", "dstPort"])
        .head(20)
    ),
    "subnet": lambda flows: (
        flows[flows["srcAddr"].str.match(r"10\.1\.(?:[0-9]|[1-5][0-9]|6[0-3])\.")]
        .groupby("dstAddr")["bytes"]
        .sum()
        .nlargest(15)
    ),
}


def events(count: int) -> tuple[pa.Table, float]:
    """Seeded flow log records of a day as a table, and the seconds that making the table of them took."""
    chance = np.random.default_rng(20251203)
    inside = [f"10.{net}.{third}.{host}" for net in (1, 2) for third in range(0, 80, 16) for host in range(1, 60)]
    outside = [".".join(map(str, each)) for each in chance.integers(1, 254, (3000, 4))]
    times = 1764774000 + np.sort(chance.integers(0, 86400, count))
    packets = chance.integers(1, 1000, count)
    columns = (
        chance.choice([f"eni-{each:017x}" for each in range(20)], count),
        chance.choice(inside + outside, count),
        chance.choice(inside, count),
        chance.integers(1024, 65535, count),
        chance.choice([22, 53, 80, 443, 3389, 8080], count),
        chance.choice([1, 6, 17], count),
        packets,
        packets * chance.integers(40, 1500, count),
        times,
        np.where(chance.random(count) < 0.08, "REJECT", "ACCEPT"),
    )
    lines = [
        f"2 123456789012 {eni} {source} {target} {port} {to} {protocol} {n} {size} {at} {at + 60} {action} OK"
        for eni, source, target, port, to, protocol, n, size, at, action in zip(*columns, strict=True)
    ]
    stamps, streams = (times * 1000).tolist(), [f"{eni}-all" for eni in columns[0]]
    made: list[pa.Table] = []
    log = "123456789012:benchmark"
    taken = spent(lambda: made.append(insights.event_table(lines, stamps, stamps, streams, range(count), log=log)))
    return made[0], taken.seconds


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--events", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=7)
    options = parser.parse_args()
    table, seconds = events(options.events)
    flows = table.to_pandas(types_mapper=pd.ArrowDtype)
    connection = duckdb.connect()
    connection.register("events", table)
    print(f"{len(table):,} events; their table made in {seconds:.2f} s")
    print(f"{'':16}{'Insights s':>12}{'SQL s':>9}{'pandas s':>10}{'/SQL':>7}{'/pandas':>9}")
    for name, query in QUERY.items():
        tasks: list[Callable[[], object]] = [
            partial(insights.query, table, query),
            lambda name=name: connection.sql(SQL[name]).to_arrow_table(),
            partial(PANDAS[name], flows),
        ]
        turns = [[spent(task) for task in tasks] for _ in range(options.rounds)]
        ours, sql, pandas = (least([*runs]).seconds for runs in zip(*turns, strict=True))
        print(f"{name:16}{ours:12.3f}{sql:9.3f}{pandas:10.3f}{ours / sql:7.2f}{ours / pandas:9.2f}")


if __name__ == "__main__":
    main()
