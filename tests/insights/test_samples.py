"""AWS's own sample queries over flow logs, and the course's: they give what pandas computes.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/CWL_QuerySyntax-examples.html
https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/CWL_AnalyzeLogData_VPC.html
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from ipaddress import ip_address, ip_network
from typing import Any

import pandas as pd

from labkit import insights
from tests.insights.flows import ENI, events, frame, plain


def top(column: str, by: Sequence[str], count: int, where: Any = None) -> pd.DataFrame:
    """The largest sums of a column."""
    flows = frame() if where is None else frame()[where]
    sums = flows.groupby(list(by), dropna=False, as_index=False)[column].sum(min_count=1)
    return sums[sums.notna().any(axis=1)].sort_values(column, ascending=False, na_position="last").head(count)


def inside(column: str, network: str) -> Any:
    return frame()[column].map(lambda each: pd.notna(each) and ip_address(each) in ip_network(network)).astype(bool)


def averages(by: list[str], *functions: str) -> pd.DataFrame:
    groups = frame().groupby(by, dropna=False)["bytes"].agg([{"avg": "mean"}.get(each, each) for each in functions])
    return groups.reset_index().dropna(how="all")


def skipped() -> pd.DataFrame:
    flows = frame()[frame().logStatus == "SKIPDATA"]
    return flows.groupby(flows["@timestamp"].dt.floor("1h")).size().reset_index()


def connections() -> pd.DataFrame:
    keys = ["srcAddr", "dstAddr", "srcPort", "dstPort", "protocol"]
    flows = frame()[frame().interfaceId == ENI[0]].sort_values("@timestamp", ascending=False)
    once = flows[~flows.duplicated(keys) | flows[keys].isna().any(axis=1)]
    return once[["@timestamp", *keys, "bytes"]].head(20)


def per_minute() -> pd.DataFrame:
    flows = frame()[~inside("srcAddr", "10.1.0.0/16")]
    sums = flows.groupby([flows["@timestamp"].dt.floor("60s"), "srcAddr"], dropna=False)["packets"].sum(min_count=1)
    return sums.reset_index().sort_values("@timestamp", ascending=False)


def scans() -> pd.DataFrame:
    groups = frame()[frame().action == "REJECT"].groupby(["srcAddr", "dstAddr"])["dstPort"]
    found = groups.agg(["nunique", "size"]).reset_index()
    return found[found["nunique"] > 10].sort_values("nunique", ascending=False).head(20)


def counted(where: Any) -> pd.DataFrame:
    return frame()[where].groupby("srcAddr").size().reset_index()


SAMPLES: dict[str, Callable[[], pd.DataFrame]] = {
    "stats sum(bytes) as bytesTransferred by srcAddr, dstAddr | sort bytesTransferred desc | limit 10": lambda: top(
        "bytes", ["srcAddr", "dstAddr"], 10
    ),
    "stats sum(packets) as packetsTransferred by srcAddr, dstAddr | sort packetsTransferred  desc | limit 15": lambda: (
        top("packets", ["srcAddr", "dstAddr"], 15)
    ),
    'filter isIpv4InSubnet(srcAddr, "192.0.2.0/24") | stats sum(bytes) as bytesTransferred by dstAddr '
    "| sort bytesTransferred desc | limit 15": lambda: top("bytes", ["dstAddr"], 15, inside("srcAddr", "192.0.2.0/24")),
    "filter protocol=17 | stats count(*) by srcAddr": lambda: counted(frame().protocol == 17),
    'filter logStatus="SKIPDATA" | stats count(*) by bin(1h) as t | sort t': skipped,
    "fields @timestamp, srcAddr, dstAddr, srcPort, dstPort, protocol, bytes | filter interfaceId = "
    "'eni-0123456789abcdef0' | sort @timestamp desc | dedup srcAddr, dstAddr, srcPort, dstPort, protocol "
    "| limit 20": connections,
    "stats avg(bytes), max(bytes) by dstAddr": lambda: averages(["dstAddr"], "avg", "max"),
    "stats avg(bytes), min(bytes), max(bytes) by srcAddr, dstAddr": lambda: averages(
        ["srcAddr", "dstAddr"], "avg", "min", "max"
    ),
    "parse @message /(?<NetworkInterface>eni-.*?) / | display NetworkInterface, @message": lambda: frame().sort_values(
        "@timestamp", ascending=False
    )[["interfaceId", "@message"]],
    'filter action="REJECT" | stats count(*) as numRejections by srcAddr '
    "| sort numRejections desc | limit 20": lambda: counted(frame().action == "REJECT").sort_values(0, ascending=False),
    "filter (dstAddr like '10.2.' and srcAddr like '10.1.') | stats sum(bytes) as bytesTransferred by srcAddr, dstAddr "
    "| sort bytesTransferred desc | limit 10": lambda: top(
        "bytes", ["srcAddr", "dstAddr"], 10, inside("dstAddr", "10.2.0.0/16") & inside("srcAddr", "10.1.0.0/16")
    ),
    'filter not isIpInSubnet(srcAddr,"10.1.0.0/16") | stats sum(packets) as packet_count by bin (60s) as bin_ts, '
    "srcAddr | order by bin_ts desc | limit 10000": per_minute,
    'filter action = "REJECT" | stats count_distinct(dstPort) as uniquePorts, count(*) as attempts by srcAddr, dstAddr '
    "| filter uniquePorts > 10 | sort uniquePorts desc | limit 20": scans,
    'parse @message "* * * * * * * * * * * * * *" as v, acct, eni, src, dst, sport, dport, proto, pkts, octets, s, e, '
    'act, st | filter act = "REJECT" | stats count(*) by src': lambda: counted(frame().action == "REJECT"),
    "fields @timestamp, @message | sort @timestamp desc | limit 25": lambda: (
        frame().sort_values("@timestamp", ascending=False)[["@timestamp", "@message"]].head(25)
    ),
}


def test_a_sample_gives_what_pandas_gives_and_in_its_order() -> None:
    for text, computed in SAMPLES.items():
        found = insights.query(events(), text)
        rows, expected = plain(found), plain(computed())
        assert expected, text
        # @ptr is the last field of an event's row, and the embedded AWS makes it up.
        assert sorted((row[: len(expected[0])] for row in rows), key=str) == sorted(expected, key=str), text
        keys = re.findall(r"(?:sort|order by) (\S+)", text)
        if keys:
            # Of equal rows, pandas and the query language can choose others; their keys are the same.
            place = list(found.columns).index(keys[-1])
            assert [row[place] for row in rows] == [row[place] for row in expected], text


def test_the_samples_of_the_insights_box_run_and_lack_no_field() -> None:
    for name, text in insights.SAMPLES.items():
        assert not insights.run(events(), text).compiled.absent, name


def test_the_api_names_the_columns_as_the_query_writes_them() -> None:
    """Seen in https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/CWL_QuerySyntax-Stats.html."""
    answer = insights.run(events(), "stats sum(bytes), count(*) by bin(5m), srcAddr")
    assert [name for name, _ in answer.compiled.fields] == ["bin(5m)", "srcAddr", "sum(bytes)", "count(*)"]
