"""Make data/nimbus-day: one day of Nimbus's traffic as its flow logs recorded it. Run: python data/make_day.py

`Network.trace` sends traffic (nimbus_traffic) over a network (nimbus_network). The embedded AWS's rules for windows,
verdicts, NAT and peering connections turn what the interfaces see into records, and `labkit.flowlogs` writes them.
The result is the same to the byte on every machine that has the pyarrow of constraints.txt.
"""

from __future__ import annotations

import json
import shutil
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import pandas as pd
from nimbus_network import ACCOUNT_ID, REGION, describe, resource_id
from nimbus_traffic import HOUR, MIDNIGHT, Amount, Conversation, conversations

from labkit.embedded.dataplane.capture import Capture, Count, Flow, Window
from labkit.embedded.dataplane.flow_log_records import lines
from labkit.embedded.dataplane.flow_logs import FlowLog, place
from labkit.flowlogs import DEFAULT_FORMAT, Format, read, write
from labkit.flowlogs.writing import s3_key
from labkit.network import Network, Packet, Sighting
from labkit.network import Path as NetworkPath
from labkit.network.packet import FIRST_EPHEMERAL_PORT

HERE = Path(__file__).parent / "nimbus-day"
INTERVAL = 60

#: The format of the Parquet flow logs: the default one's fields, where a record was made, and the path of its traffic.
RICH_FORMAT = DEFAULT_FORMAT + "".join(
    f" ${{{name}}}"
    for name in (
        "vpc-id", "subnet-id", "instance-id", "tcp-flags", "type", "pkt-srcaddr", "pkt-dstaddr", "flow-direction",
        "traffic-path",
    )
)  # fmt: skip

#: The columns that together name one record of the day. Addresses sort as text; NODATA records, without any, sort last.
KEY = ["interface_id", "start", "srcaddr", "srcport", "dstaddr", "dstport", "protocol"]


@dataclass(frozen=True, slots=True)
class Record:
    """One record.

    Attributes:
        text: The line of the text file.
        rich: The line with the Parquet file's fields.
        label: What made the traffic.
    """

    text: str
    rich: str
    label: str


def flow_log(vpc: str, form: str) -> FlowLog:
    """Return a VPC's flow log that delivers `text` or `parquet`: one flow log has one format."""
    layout = Format.parse(DEFAULT_FORMAT if form == "text" else RICH_FORMAT)
    id = resource_id("fl", f"{vpc}-{form}")
    return FlowLog(id, resource_id("vpc", vpc), "ALL", INTERVAL, layout, log_group="", role_arn="")


class Day:
    """The windows of all interfaces, filled by conversations.

    `Capture` tells where windows begin and end. It counts single packets, and a backup has millions of them, so here
    a conversation's packets are distributed over the windows that it spans.
    """

    def __init__(self, network: Network) -> None:
        self.network = network
        self._capture = Capture(INTERVAL)
        self._paths: dict[Packet, NetworkPath] = {}
        self._windows: dict[tuple[str, int], dict[Flow, tuple[Count, str]]] = {}

    def carry(self, talk: Conversation) -> None:
        """Send a conversation over the network: the interfaces on its path see it."""
        path = self._path(talk.packet)
        answered = path.replied
        seconds = talk.seconds if answered else talk.gives_up
        there, back = (talk.there, talk.back) if answered else (talk.unanswered, talk.replies)
        for sighting in path.forward.sightings:
            self._see(sighting, talk, seconds, there, forward=True)
        for sighting in path.back.sightings if path.back else ():
            self._see(sighting, talk, seconds, back, forward=False)

    def _path(self, packet: Packet) -> NetworkPath:
        """Trace a packet. No rule of this network tells one ephemeral port from another, so one trace serves all."""
        key = packet if packet.src_port < FIRST_EPHEMERAL_PORT else replace(packet, src_port=FIRST_EPHEMERAL_PORT)
        if key not in self._paths:
            self._paths[key] = self.network.trace(key)
        return self._paths[key]

    def _see(self, sighting: Sighting, talk: Conversation, seconds: int, amount: Amount, forward: bool) -> None:
        packet, original = (_of_client(p, talk.packet.src_port, forward) for p in (sighting.packet, sighting.original))
        flow = Flow(sighting.interface, sighting.direction, sighting.action, packet, original, sighting.target)
        stop = talk.at + seconds + 1
        first, sent = talk.at, 0
        while first < stop:
            end = int(self._capture.end_of_window(sighting.interface, first))
            last = min(end, stop) - 1
            until = amount.packets * (last + 1 - talk.at) // (seconds + 1)
            if until > sent:
                size = amount.bytes * until // amount.packets - amount.bytes * sent // amount.packets
                flags = (amount.first_flags if not sent else 0) | (amount.last_flags if until == amount.packets else 0)
                self._count(flow, end, talk.label, Count(until - sent, size, flags))
            first, sent = last + 1, until

    def _count(self, flow: Flow, end: int, label: str, more: Count) -> None:
        count, made_by = self._windows.setdefault((flow.interface, end), {}).setdefault(flow, (more, label))
        if made_by != label:
            raise ValueError(f"{flow} is both {made_by} and {label}: one record can't have two labels.")
        if count is not more:
            count.packets += more.packets
            count.bytes += more.bytes
            count.tcp_flags |= more.tcp_flags

    def records(self, vpc: str, hour: int) -> Iterator[Record]:
        """Yield the records of the windows of a VPC's interfaces that begin in an hour, oldest first."""
        text, rich = flow_log(vpc, "text"), flow_log(vpc, "parquet")
        for start, interface in sorted(self._starts(text.resource, hour)):
            flows = self._windows.get((interface, start + INTERVAL), {})
            window = Window(
                interface, start, start + INTERVAL, tuple((flow, count) for flow, (count, _) in flows.items())
            )
            at = place(self.network.interfaces[interface], self.network, REGION)
            made = [lines(window, log, {**at, "account-id": ACCOUNT_ID}) for log in (text, rich)]
            labels = [label for _, label in flows.values()] or ["nodata"]
            for short, long, label in zip(*made, labels, strict=True):
                yield Record(short, long, label)

    def _starts(self, vpc: str, hour: int) -> Iterator[tuple[int, str]]:
        begin = MIDNIGHT + hour * HOUR
        for interface in self.network.interfaces.values():
            if interface.vpc == vpc:
                first = int(self._capture.end_of_window(interface.id, begin - 1))
                yield from ((start, interface.id) for start in range(first, begin + HOUR, INTERVAL))


def _of_client(packet: Packet, port: int, forward: bool) -> Packet:
    """Return a traced packet with the client's own port, and without ICMP's type, which no record has."""
    ends = (port, packet.dst_port) if forward else (packet.src_port, port)
    return Packet(packet.src, packet.dst, packet.protocol, *ends)


def simulate(hours: range) -> Day:
    """Send the conversations that begin in some hours over the network.

    An hour's records need the hour before, whose conversations may reach into it, and the hour after, which begins in
    its last windows.
    """
    day = Day(Network.from_answers(describe()))
    for hour in hours:
        for talk in conversations(hour):
            day.carry(talk)
    return day


# Files


def text_file(vpc: str, hour: int) -> str:
    """Return where S3 keeps an hour of text, below the bucket. (AWS writes a file every five minutes: simplified.)"""
    begin = datetime.fromtimestamp(MIDNIGHT + hour * HOUR, UTC)
    return "text/" + s3_key(ACCOUNT_ID, REGION, flow_log(vpc, "text").id, begin, hive=False, kind="log.gz")


def parquet_file(vpc: str) -> str:
    """Return where S3 keeps a day of Parquet, with Hive-compatible prefixes."""
    begin = datetime.fromtimestamp(MIDNIGHT, UTC)
    return "parquet/" + s3_key(ACCOUNT_ID, REGION, flow_log(vpc, "parquet").id, begin, hive=True, kind="log.parquet")


def text_table(records: list[Record]) -> pd.DataFrame:
    """Return the records with the text files' fields."""
    return read([record.text for record in records], format=DEFAULT_FORMAT)


def rich_table(records: list[Record]) -> pd.DataFrame:
    """Return the records with the Parquet files' fields."""
    return read([record.rich for record in records], format=RICH_FORMAT)


def label_table(records: pd.DataFrame, labels: list[str]) -> pd.DataFrame:
    """Return what made each record, in the order of `KEY`, with its first two columns to check the join by."""
    table = records.assign(label=pd.array(labels, "string[pyarrow]"))
    return table.sort_values(KEY)[["interface_id", "start", "label"]]


def save(table: pd.DataFrame, file: str) -> None:
    path = HERE / file
    path.parent.mkdir(parents=True, exist_ok=True)
    write(table, path)


def main() -> None:
    """Make the day again."""
    began = time.perf_counter()
    day = simulate(range(24))
    if HERE.exists():
        shutil.rmtree(HERE)
    tables, labels = [], []
    for vpc in ("vpc-1", "vpc-2"):
        whole: list[Record] = []
        for hour in range(24):
            records = list(day.records(vpc, hour))
            save(text_table(records), text_file(vpc, hour))
            whole += records
        tables.append(rich_table(whole))
        labels += [record.label for record in whole]
        save(tables[-1], parquet_file(vpc))
    save(label_table(pd.concat(tables, ignore_index=True), labels), "labels.parquet")
    (HERE / "network.json").write_bytes(json.dumps(describe(), indent=1).encode() + b"\n")
    size = sum(path.stat().st_size for path in HERE.rglob("*") if path.is_file())
    print(f"{len(labels):,} records, {size / 1e6:.2f} MB, {time.perf_counter() - began:.1f} s", file=sys.stderr)


if __name__ == "__main__":
    main()
