"""Queries that would take gigabytes or minutes end with a sentence, in a process that may not take so much."""

from __future__ import annotations

import subprocess
import sys
from itertools import pairwise

import pytest

#: How much memory the process may have beyond what it has when the first query is over, in bytes.
SPARE = 2_000_000_000

NAMES = ["@message", *"abcdefg"]
GREEDY = {
    "seven steps of concat": " | ".join(
        [f"fields concat({', '.join([old] * 10)}) as {new}" for old, new in pairwise(NAMES)]
    )
    + " | stats max(strlen(g))",
    "concat in concat": "fields " + "concat(" * 7 + "@message" + ", @message, @message, @message)" * 7 + " as a",
    "replace by long texts": "fields replace(@message, '1', @message) as a | fields replace(a, '1', a) as b "
    "| fields replace(b, '', a) as c, replace(b, '1', b) as d | stats max(strlen(d))",
    "concat in stats": "stats concat(" + ", ".join(["max(@message)"] * 500) + ") as a by srcAddr, dstPort",
    "many fields of long texts": "fields " + ", ".join(f"concat(@message, @message, {n})" for n in range(250))
    + " | sort @message",
    "the same text in many fields": "fields " + ", ".join(f"@message as m{n}" for n in range(450)) + " | limit 100000",
    "sort by long texts": "fields concat(" + ", ".join(["@message"] * 200) + ") as a | sort a desc",
    "percentiles": "stats " + ", ".join(f"pct(bytes, {n / 10})" for n in range(500)) + " by srcAddr, dstPort",
    "groups of long texts": "stats count_distinct(concat(@message, @message)), latest(@message) "
    "by concat(@message, '1', @message)",
}  # fmt: skip

CHILD = """
import resource, sys
import pyarrow as pa
from labkit import insights
from tests.insights.flows import events
from tests.insights.test_limits import GREEDY, SPARE

table = pa.concat_tables([events()] * 50)
insights.run(table, "stats count(*)")
size = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (size + SPARE,) * 2)
for name, query in GREEDY.items():
    try:
        print(name, len(insights.run(table, query)))
    except insights.QueryError as error:
        print(name, error)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="limits the memory of a process as Linux does")
def test_greedy_queries_end_in_a_process_with_little_memory() -> None:
    child = subprocess.run([sys.executable, "-c", CHILD], capture_output=True, text=True, timeout=300, check=False)
    assert child.returncode == 0, child.stderr[-2000:]
    assert len(child.stdout.splitlines()) == len(GREEDY)
