"""Make data/nimbus-day: one day of Nimbus's traffic as its flow logs recorded it. Run: python data/make_day.py

Traffic (nimbus_traffic) is sent over a network (nimbus_network) by `Network.trace`, and what the interfaces see becomes
records by the embedded AWS's own rules: windows, verdicts, NAT and both sides of a peering connection follow from them.
The same bytes come out on every machine that has the pyarrow of constraints.txt.
"""

from __future__ import annotations

import json
import shutil
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from nimbus_network import ACCOUNT_ID, REGION, describe, resource_id
from nimbus_traffic import HOUR, MIDNIGHT, Amount, Conversation, conversations

from labkit.embedded.dataplane.capture import Capture, Count, Flow, Window
from labkit.embedded.dataplane.flow_log_records import lines
from labkit.embedded.dataplane.flow_logs import FlowLog, place
from labkit.flowlogs.fields import DEFAULT_FORMAT, FIELDS
from labkit.flowlogs.format import Format
from labkit.network import Network, Packet, Sighting
from labkit.network import Path as Way
from labkit.network.packet import FIRST_EPHEMERAL_PORT

HERE = Path(__file__).parent / "nimbus-day"
INTERVAL = 60

#: The Parquet flow logs' format: the default one's fields and those that say where a record was made and which way it
#: went.
RICH_FORMAT = DEFAULT_FORMAT + "".join(
    f" ${{{name}}}"
    for name in (
        "vpc-id", "subnet-id", "instance-id", "tcp-flags", "type", "pkt-srcaddr", "pkt-dstaddr", "flow-direction",
        "traffic-path",
    )
)  # fmt: skip

#: The columns that together name one record of the day. Addresses sort as text; NODATA records, without any, sort last.
KEY = ("interface_id", "start", "srcaddr", "srcport", "dstaddr", "dstport", "protocol")


@dataclass(frozen=True, slots=True)
class Record:
    """One record: the line of the text file, the line with the Parquet file's fields, and what made the traffic."""

    text: str
    rich: str
    label: str


def flow_log(vpc: str, form: str) -> FlowLog:
    """A VPC's flow log that delivers `text` or `parquet`: one flow log has one format."""
    layout = Format.parse(DEFAULT_FORMAT if form == "text" else RICH_FORMAT)
    id = resource_id("fl", f"{vpc}-{form}")
    return FlowLog(id, resource_id("vpc", vpc), "ALL", INTERVAL, layout, log_group="", role_arn="")


class Day:
    """The windows of all interfaces, filled by conversations.

    `Capture` says where windows begin and end. Its counts are of single packets; a backup has millions of them, so here
    a conversation's packets are shared out over the windows that it spans.
    """

    def __init__(self, network: Network) -> None:
        self.network = network
        self._capture = Capture(INTERVAL)
        self._ways: dict[Packet, Way] = {}
        self._windows: dict[tuple[str, int], dict[Flow, tuple[Count, str]]] = {}

    def carry(self, talk: Conversation) -> None:
        """Send a conversation over the network: the interfaces on its way see it."""
        way = self._way(talk.packet)
        answered = way.replied
        seconds = talk.seconds if answered else talk.gives_up
        there, back = (talk.there, talk.back) if answered else (talk.unanswered, talk.replies)
        for sighting in way.forward.sightings:
            self._see(sighting, talk, seconds, there, forward=True)
        for sighting in way.back.sightings if way.back else ():
            self._see(sighting, talk, seconds, back, forward=False)

    def _way(self, packet: Packet) -> Way:
        """The way of a packet. No rule of this network tells one ephemeral port from another: one trace serves all."""
        key = packet if packet.src_port < FIRST_EPHEMERAL_PORT else replace(packet, src_port=FIRST_EPHEMERAL_PORT)
        if key not in self._ways:
            self._ways[key] = self.network.trace(key)
        return self._ways[key]

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
                self._count(flow, end, talk.label, Count(until - sent, size, first, last, flags))
            first, sent = last + 1, until

    def _count(self, flow: Flow, end: int, label: str, more: Count) -> None:
        count, made_by = self._windows.setdefault((flow.interface, end), {}).setdefault(flow, (more, label))
        if made_by != label:
            raise ValueError(f"{flow} is both {made_by} and {label}: one record can't have two labels.")
        if count is not more:
            count.packets += more.packets
            count.bytes += more.bytes
            count.first, count.last = min(count.first, more.first), max(count.last, more.last)
            count.tcp_flags |= more.tcp_flags

    def records(self, vpc: str, hour: int) -> Iterator[Record]:
        """The records of the windows of a VPC's interfaces that begin in an hour, oldest first."""
        text, rich = flow_log(vpc, "text"), flow_log(vpc, "parquet")
        for start, interface in sorted(self._starts(text.resource, hour)):
            flows = self._windows.get((interface, start + INTERVAL), {})
            window = Window(
                interface, start, start + INTERVAL, tuple((flow, count) for flow, (count, _) in flows.items())
            )
            at = place(self.network.interfaces[interface], self.network)
            made = [lines(window, log, at, ACCOUNT_ID, REGION) for log in (text, rich)]
            labels = [label for _, label in flows.values()] or ["nodata"]
            for (_, short), (_, long), label in zip(*made, labels, strict=True):
                yield Record(short, long, label)

    def _starts(self, vpc: str, hour: int) -> Iterator[tuple[int, str]]:
        begin = MIDNIGHT + hour * HOUR
        for interface in self.network.interfaces.values():
            if interface.vpc == vpc:
                first = int(self._capture.end_of_window(interface.id, begin - 1))
                # The window that is open at midnight belongs to the first hour.
                first -= INTERVAL if hour == 0 and first > begin else 0
                yield from ((start, interface.id) for start in range(first, begin + HOUR, INTERVAL))


def _of_client(packet: Packet, port: int, forward: bool) -> Packet:
    """A packet of a traced way, of another of the client's ports; and without ICMP's type, which is in no record."""
    ends = (port, packet.dst_port) if forward else (packet.src_port, port)
    return Packet(packet.src, packet.dst, packet.protocol, *ends)


def simulate(hours: range) -> Day:
    """Carry the conversations that begin in some hours.

    For an hour's records take the one before, whose conversations may reach into it, and the one after, which begins in
    the hour's last windows.
    """
    day = Day(Network.from_answers(describe()))
    for hour in hours:
        for talk in conversations(hour):
            day.carry(talk)
    return day


# Files


def text_file(vpc: str, hour: int) -> str:
    """Where S3 keeps an hour of text, below the bucket. (AWS writes a file every five minutes: simplified.)"""
    log = flow_log(vpc, "text").id
    name = f"{ACCOUNT_ID}_vpcflowlogs_{REGION}_{log}_20251204T{hour:02}00Z_{_hash(log, hour)}.log.gz"
    return f"text/AWSLogs/{ACCOUNT_ID}/vpcflowlogs/{REGION}/2025/12/04/{name}"


def parquet_file(vpc: str) -> str:
    """Where S3 keeps a day of Parquet, with Hive-compatible prefixes."""
    log = flow_log(vpc, "parquet").id
    place = f"aws-account-id={ACCOUNT_ID}/aws-service=vpcflowlogs/aws-region={REGION}/year=2025/month=12/day=04"
    name = f"{ACCOUNT_ID}_vpcflowlogs_{REGION}_{log}_20251204T0000Z_{_hash(log, 0)}.log.parquet"
    return f"parquet/AWSLogs/{place}/{name}"


def _hash(log: str, hour: int) -> str:
    return sha256(f"{log}/{hour}".encode()).hexdigest()[:8]


def gzipped(records: list[Record]) -> bytes:
    """A text file as AWS delivers it: a header line, then the records; gzip's header names neither time nor system.

    pyarrow's zlib, because Python's own is another one on some systems, and packs into other bytes.
    """
    header = Format.parse(DEFAULT_FORMAT).header()
    text = "".join(f"{line}\n" for line in [header, *(record.text for record in records)])
    packed = bytearray(pa.Codec("gzip", compression_level=9).compress(text.encode(), asbytes=True))
    packed[4:8], packed[9] = bytes(4), 255
    return bytes(packed)


def rich_table(records: list[Record]) -> pa.Table:
    """The records as AWS's Parquet has them: its names with underscores, its types, null for `-`."""
    types = {"int32": pa.int32(), "int64": pa.int64(), "string": pa.string()}
    names = Format.parse(RICH_FORMAT).names
    columns = zip(*(record.rich.split(" ") for record in records), strict=True)
    arrays = {}
    for name, words in zip(names, columns, strict=True):
        kind = FIELDS[name].type
        convert: Callable[[str], object] = str if kind == "string" else int
        values = [None if word == "-" else convert(word) for word in words]
        arrays[FIELDS[name].column] = pa.array(values, types[kind])
    return pa.table(arrays)


def label_table(records: pa.Table, labels: list[str]) -> pa.Table:
    """What made each record, in the order of `KEY`, with the first two columns of it to check the join by."""
    table = records.append_column("label", pa.array(labels, pa.string()))
    return table.sort_by([(name, "ascending") for name in KEY]).select(["interface_id", "start", "label"])


def write_parquet(table: pa.Table, path: Path) -> None:
    """Parquet packed with gzip, as AWS's is. The file says which pyarrow made it: the one of constraints.txt."""
    path.parent.mkdir(parents=True, exist_ok=True)
    times = [name for name in table.column_names if name in ("start", "end")]
    plain = {*times, "srcport", "dstport"}  # a dictionary of ports would be longer than the ports
    pq.write_table(
        table, path, compression="gzip", compression_level=9, store_schema=False, row_group_size=1 << 20,
        use_dictionary=[name for name in table.column_names if name not in plain],
        column_encoding=dict.fromkeys(times, "DELTA_BINARY_PACKED"),
    )  # fmt: skip


def main() -> None:
    """Make the day anew."""
    began = time.perf_counter()
    day = simulate(range(24))
    if HERE.exists():
        shutil.rmtree(HERE)
    tables, labels = [], []
    for vpc in ("vpc-1", "vpc-2"):
        whole: list[Record] = []
        for hour in range(24):
            records = list(day.records(vpc, hour))
            path = HERE / text_file(vpc, hour)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(gzipped(records))
            whole += records
        tables.append(rich_table(whole))
        labels += [record.label for record in whole]
        write_parquet(tables[-1], HERE / parquet_file(vpc))
    write_parquet(label_table(pa.concat_tables(tables), labels), HERE / "labels.parquet")
    (HERE / "network.json").write_bytes(json.dumps(describe(), indent=1).encode() + b"\n")
    size = sum(path.stat().st_size for path in HERE.rglob("*") if path.is_file())
    print(f"{len(labels):,} records, {size / 1e6:.2f} MB, {time.perf_counter() - began:.1f} s", file=sys.stderr)


if __name__ == "__main__":
    main()
