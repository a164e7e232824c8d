"""A log group of flow log records with a little of everything, as the table that queries ask."""

from __future__ import annotations

import random
from functools import cache
from typing import Any

import pandas as pd
import pyarrow as pa

from labkit import insights
from labkit.flowlogs import DEFAULT_FORMAT, FIELDS, Format
from labkit.insights import event_table

START = 1764774000
#: The fields of the default format, as Insights names them.
NAMES = [FIELDS[name].insights_name for name in Format.parse(DEFAULT_FORMAT).names]
ENI = ("eni-0123456789abcdef0", "eni-01ab329f120ebcf5")


def lines() -> list[tuple[int, str]]:
    """Each record with its start in epoch seconds."""
    chance = random.Random("flows")
    inside = ["10.1.15.80", "10.1.200.9", "10.2.0.126", "10.2.0.7"]
    outside = ["192.0.2.10", "192.0.2.200", "198.51.100.9", "203.0.113.12"]
    found = []
    for place in range(600):
        start = START + place * 29
        source, target = chance.choice(inside + outside), chance.choice(inside)
        protocol = chance.choice([1, 6, 6, 17])
        ports = "0 0" if protocol == 1 else f"{chance.randrange(32768, 61000)} {chance.choice([22, 53, 80, 443])}"
        if source == "203.0.113.12":
            ports = f"40000 {chance.randrange(1, 1024)}"
        packets = chance.randrange(1, 40)
        action = "REJECT" if source in outside and chance.random() < 0.6 else "ACCEPT"
        place_fields = f"2 123456789012 {chance.choice(ENI)}"
        if place % 50 == 49:
            found.append((start, f"{place_fields} - - - - - - - {start} {start + 60} - NODATA"))
        elif place % 75 == 74:
            found.append((start, f"{place_fields} - - - - - - - {start} {start + 60} - SKIPDATA"))
        else:
            flow = f"{source} {target} {ports} {protocol} {packets} {packets * chance.randrange(40, 1500)}"
            found.append((start, f"{place_fields} {flow} {start} {start + 60} {action} OK"))
    return found


@cache
def events() -> pa.Table:
    records = lines()
    times = [start * 1000 for start, _ in records]
    messages = [line for _, line in records]
    streams = [f"{line.split()[2]}-all" for line in messages]
    return event_table(
        messages, times, [t + 360_000 for t in times], streams, range(len(times)), log="123456789012:flows"
    )


@cache
def frame() -> pd.DataFrame:
    """The same records, read line by line, for computations that share no code with what they test."""
    read = pd.DataFrame([line.split() for _, line in lines()], columns=NAMES).replace("-", None)
    for column in ("version", "srcPort", "dstPort", "protocol", "packets", "bytes", "startTime", "endTime"):
        read[column] = read[column].astype("Int64")
    read["@timestamp"] = pd.to_datetime([start for start, _ in lines()], unit="s", utc=True)
    read["@message"] = [line for _, line in lines()]
    return read


def rows(text: str, table: Any = None, **more: Any) -> list[tuple[Any, ...]]:
    """The rows of a query as plain tuples, None for what is absent."""
    answer = insights.query(events() if table is None else table, text, **more)
    return plain(answer)


def plain(answer: pd.DataFrame) -> list[tuple[Any, ...]]:
    return [tuple(_plain(value) for value in row) for row in answer.itertuples(index=False, name=None)]


def _plain(value: Any) -> Any:
    if pd.isna(value):
        return None
    return round(value, 6) if isinstance(value, float) else value


def value(expression: str, **columns: Any) -> str | None:
    """What an expression is of one event, as the API writes it."""
    table = pa.table({name: [each] for name, each in columns.items()} or {"nothing": [1]})
    (row,) = insights.run(table, f"display {expression} as x").rows
    return dict(row).get("x")
