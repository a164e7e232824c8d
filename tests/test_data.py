"""The data is what data/README.md says: complete, labeled, true to the network's rules, and made by the script."""

from __future__ import annotations

import gzip
import importlib
import json
import re
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from labkit.flowlogs import DEFAULT_FORMAT, FIELDS, Format, read, write
from labkit.network import Interface, Network, echo_request, tcp, udp
from tests.flowlogs.aws_examples import LAB

DATA = Path(__file__).parents[1] / "data"
DAY = DATA / "nimbus-day"
MIDNIGHT = pd.Timestamp("2025-12-04", tz="UTC").timestamp()
HOUR = 2  # that of the backup: few customers, so it is quick to make again
TCP = 6

#: The columns that name a record, as data/README.md has them.
KEY = ["interface_id", "start", "srcaddr", "srcport", "dstaddr", "dstport", "protocol"]

DEFAULT = Format.parse(DEFAULT_FORMAT)

#: Records by VPC.
Hour = dict[str, list[Any]]


@pytest.fixture(scope="module")
def make_day() -> Iterator[ModuleType]:
    """Import the script, with its neighbors on the path as for any script."""
    sys.path.insert(0, str(DATA))
    yield importlib.import_module("make_day")
    sys.path.remove(str(DATA))


@pytest.fixture(scope="module")
def hour(make_day: ModuleType) -> Hour:
    """Make the records of one hour again."""
    day = make_day.simulate(range(HOUR - 1, HOUR + 2))
    return {vpc: list(day.records(vpc, HOUR)) for vpc in ("vpc-1", "vpc-2")}


@cache
def network() -> Network:
    return Network.from_answers(json.loads((DAY / "network.json").read_text(encoding="utf-8")))


@cache
def parquet() -> pd.DataFrame:
    """Return the Parquet files' records with their labels, joined as the README says, and the hour of their start."""
    files = sorted((DAY / "parquet").rglob("*.parquet"))
    records = pa.concat_tables(pq.ParquetFile(file).read() for file in files).to_pandas(types_mapper=pd.ArrowDtype)
    labels = pq.ParquetFile(DAY / "labels.parquet").read().to_pandas(types_mapper=pd.ArrowDtype)
    records = records.sort_values(KEY, ignore_index=True)
    assert len(records) == len(labels)
    assert (records.interface_id == labels.interface_id).all() and (records.start == labels.start).all()
    return records.assign(label=labels.label.to_numpy(), hour=(records.start - int(MIDNIGHT)) // 3600)


def ok() -> pd.DataFrame:
    records = parquet()
    return records[records.log_status == "OK"]


def interface(name: str) -> Interface:
    return network().interface_of(name)


# The files


def test_the_two_records_of_the_original_lab_and_nothing_else() -> None:
    assert (DATA / "original-lab" / "records.txt").read_text(encoding="utf-8") == "".join(f"{line}\n" for line in LAB)


def test_the_files_are_those_that_the_script_writes_and_small(make_day: ModuleType) -> None:
    files = {str(path.relative_to(DAY).as_posix()): path for path in DAY.rglob("*") if path.is_file()}
    vpcs = ("vpc-1", "vpc-2")
    expected = {make_day.text_file(vpc, hour) for vpc in vpcs for hour in range(24)}
    expected |= {make_day.parquet_file(vpc) for vpc in vpcs} | {"labels.parquet", "network.json"}
    assert set(files) == expected
    assert sum(path.stat().st_size for path in files.values()) < 5_000_000


def test_places_and_names_are_those_of_s3() -> None:
    """https://docs.aws.amazon.com/vpc/latest/userguide/flow-logs-s3-path.html"""
    name = r"123456789012_vpcflowlogs_us-east-1_fl-[0-9a-f]{17}_20251204T\d\d00Z_[0-9a-f]{8}"
    plain = rf"text/AWSLogs/123456789012/vpcflowlogs/us-east-1/2025/12/04/{name}\.log\.gz"
    hive = (
        r"parquet/AWSLogs/aws-account-id=123456789012/aws-service=vpcflowlogs/aws-region=us-east-1/"
        rf"year=2025/month=12/day=04/{name}\.log\.parquet"
    )
    places = [path.relative_to(DAY).as_posix() for kind in ("text", "parquet") for path in (DAY / kind).rglob("*.*")]
    assert len(places) == 50
    assert all(re.fullmatch(f"{plain}|{hive}", place) for place in places)


def test_text_begins_with_a_header_and_parquet_has_awss_names_types_and_compression(make_day: ModuleType) -> None:
    for path in (DAY / "text").rglob("*.gz"):
        assert gzip.decompress(path.read_bytes()).split(b"\n", 1)[0].decode().split(" ") == [*DEFAULT.names]
    fields = [FIELDS[name] for name in Format.parse(make_day.RICH_FORMAT).names]
    wanted = [(field.column, pa.type_for_alias(field.type)) for field in fields]
    for path in (DAY / "parquet").rglob("*.parquet"):
        file = pq.ParquetFile(path)
        assert [(field.name, field.type) for field in file.schema_arrow] == wanted
        assert file.metadata.row_group(0).column(0).compression == "GZIP"


def test_what_is_written_again_is_the_same_to_the_byte(make_day: ModuleType, hour: Hour, tmp_path: Path) -> None:
    assert network() == Network.from_answers(make_day.describe())
    made = {DAY / make_day.text_file(vpc, HOUR): make_day.text_table(records) for vpc, records in hour.items()}
    made |= {path: read(path).drop(columns=["account", "region", "day"]) for path in (DAY / "parquet").rglob("*.*")}
    same_pyarrow = pq.ParquetFile(DAY / "labels.parquet").metadata.created_by.endswith(f" {pa.__version__}")
    for committed, records in made.items():
        again = tmp_path / committed.name
        write(records, again)
        if committed.name.endswith(".gz"):
            assert gzip.decompress(again.read_bytes()) == gzip.decompress(committed.read_bytes())
        if same_pyarrow:  # another pyarrow may pack the same records otherwise
            assert again.read_bytes() == committed.read_bytes()


def test_an_hour_made_again_is_the_same_in_parquet_and_labels(make_day: ModuleType, hour: Hour) -> None:
    both = [record for records in hour.values() for record in records]
    made = make_day.rich_table(both).assign(label=[record.label for record in both])
    made = made.assign(**{name: made[name].astype("int64[pyarrow]") for name in ("start", "end")})
    whole = parquet().merge(made[KEY], on=KEY)  # nulls of NODATA records match each other
    order = [*KEY, "action"]
    pd.testing.assert_frame_equal(
        whole.drop(columns="hour").sort_values(order, ignore_index=True),
        made.sort_values(order, ignore_index=True),
        check_dtype=False,
    )


# The records


def test_there_are_about_200_000_records_of_one_day_which_seven_columns_name() -> None:
    records = parquet()
    assert not records.duplicated(KEY).any()
    assert 180_000 <= len(records) <= 220_000
    assert records.start.min() >= MIDNIGHT and records.start.max() < MIDNIGHT + 86_400


def test_the_records_of_an_interface_and_a_minute_share_start_and_end_as_in_the_original_lab() -> None:
    lab = read(DATA / "original-lab" / "records.txt")
    for records, interfaces in ((lab, 1), (read(DAY / "parquet"), len(network().interfaces))):
        assert (records["end"] - records["start"] == pd.Timedelta(60, "s")).all()
        windows = records[["interface_id", "start"]].drop_duplicates()
        assert windows["interface_id"].nunique() == interfaces
        # Windows of one interface follow each other without a gap and do not overlap.
        assert all(len(own) == 1 or set(own.sort_values().diff()[1:]) == {pd.Timedelta(60, "s")}
                   for _, own in windows.groupby("interface_id")["start"])  # fmt: skip


def test_text_and_parquet_hold_the_same_records() -> None:
    text, rich = (read(DAY / kind).sort_values(KEY, ignore_index=True) for kind in ("text", "parquet"))
    columns = [column for column in DEFAULT.columns if column != "version"]
    pd.testing.assert_frame_equal(text[columns], rich[columns])
    assert set(text.version) == {2} and set(rich.version) == {5}


def test_nodata_records_have_a_place_and_a_window_and_nothing_else() -> None:
    idle = parquet()[parquet().log_status == "NODATA"]
    assert len(idle) > 1000 and (idle.label == "nodata").all()
    flow = ["srcaddr", "dstaddr", "srcport", "protocol", "packets", "bytes", "action", "tcp_flags"]
    assert idle[flow].isna().all(axis=None)
    assert idle[["account_id", "interface_id", "vpc_id", "subnet_id"]].notna().all(axis=None)


def test_the_readmes_table_of_labels_is_right() -> None:
    rows = re.findall(r"^\| `(\w+)` \|.*\| ([\d,]+) \| ([\d,]+) \|$", (DATA / "README.md").read_text("utf-8"), re.M)
    said = {label: (int(records.replace(",", "")), int(size.replace(",", ""))) for label, records, size in rows}
    groups = parquet().groupby("label").bytes
    assert said == {label: (len(group), int(group.sum())) for label, group in groups}
    assert f"the same {len(parquet()):,} records" in (DATA / "README.md").read_text("utf-8")


# What the network's rules make of the traffic


def test_every_reject_is_a_groups_or_an_acls() -> None:
    """A trace through the network finds which one: AWS lists no other reason here.

    https://docs.aws.amazon.com/vpc/latest/userguide/flow-log-records.html
    """
    rejected = ok()[ok().action == "REJECT"]
    cases = rejected[["interface_id", "flow_direction", "srcaddr", "dstaddr", "dstport", "protocol"]].drop_duplicates()
    assert len(cases) > 5_000
    for id, direction, src, dst, port, protocol in cases.itertuples(index=False):
        own = network().interfaces[id]
        from_outside = direction == "ingress" and not src.startswith("10.")
        to = str(own.public.get(own.primary, dst)) if from_outside else dst
        make = {1: lambda a, b, _: echo_request(a, b), 6: tcp, 17: udp}[protocol]
        stopped = network().trace(make(src, to, port)).stopped_at
        assert stopped is not None and stopped.interface == id
        assert stopped.kind in ("security group", "network ACL")
    assert set(rejected.label) == {"noise", "denied"}


def test_accepted_but_never_answered_are_the_planted_ones_and_noise_at_the_nat_gateway() -> None:
    ends = ["interface_id", "srcaddr", "dstaddr", "srcport", "dstport", "protocol"]
    turned = dict(zip(ends, ["interface_id", "dstaddr", "srcaddr", "dstport", "srcport", "protocol"], strict=True))
    back = ok()[ends].rename(columns=turned).drop_duplicates()
    flows = ok().merge(back, on=ends, how="left", indicator=True)
    # The interface that accepted them never saw a packet the other way.
    unanswered = flows[(flows._merge == "left_only") & (flows.action == "ACCEPT")]
    noise, inside = unanswered[unanswered.label == "noise"], unanswered[unanswered.label != "noise"]
    assert set(inside[["label", "srcaddr", "dstaddr", "dstport"]].itertuples(index=False, name=None)) == {
        ("stale", "10.2.16.30", "10.1.16.99", 9200),  # switched off
        ("misrouted", "10.2.32.30", "10.1.16.53", 53),  # no route from report-2's subnet
        ("misrouted", "10.1.16.22", "10.2.32.30", 8080),  # it arrives: report-2's answers are lost
        ("denied", "10.2.16.30", "10.1.32.5", 3306),  # refused at the other end, where a REJECT says so
        ("denied", "10.2.16.50", "10.1.16.21", 8080),
        ("denied", "10.1.15.80", "10.1.32.5", 5432),
    }
    assert (inside.flow_direction == "egress").all()
    # Noise that a NAT gateway lets in goes nowhere:
    # https://repost.aws/knowledge-center/vpc-analyze-inbound-traffic-nat-gateway
    assert len(noise) > 1000 and set(noise.interface_id) == {interface("nat-1").id}
    # The answer that is lost shows where it sets out, and not where it should arrive.
    lost = ok()[(ok().srcaddr == "10.2.32.30") & (ok().srcport == 8080)]
    assert set(lost.interface_id) == {interface("report-2").id}
    assert set(lost.flow_direction) == {"egress"} and set(lost.action) == {"ACCEPT"} and set(lost.tcp_flags) == {18}


def test_what_goes_through_the_nat_gateway_is_four_records_that_agree() -> None:
    """https://docs.aws.amazon.com/vpc/latest/userguide/flow-logs-records-examples.html"""
    gateway = "10.1.0.20"
    seen = ok()[(ok().interface_id == interface("nat-1").id) & (ok().label != "noise")]
    own, packet = seen[["srcaddr", "dstaddr"]], seen[["pkt_srcaddr", "pkt_dstaddr"]]
    inside = (own.to_numpy() == gateway) != (packet.to_numpy() == gateway)  # where the packet doesn't show the gateway
    to_gateway, to_client = seen[inside[:, 1]], seen[inside[:, 0]]
    outside = seen[~inside.any(axis=1)]
    hosts = sorted(set(to_gateway.pkt_dstaddr))
    clients = [interface(name).id for name in ("app-1", "app-2", "db-1", "dns-1")]
    assert len(hosts) == 7  # a partner, a mirror, two resolvers and three time servers
    for host in hosts:
        asked, answered = outside[outside.dstaddr == host], outside[outside.srcaddr == host]
        for near, far in ((to_gateway[to_gateway.pkt_dstaddr == host], asked),
                          (to_client[to_client.pkt_srcaddr == host], answered)):  # fmt: skip
            assert near.bytes.sum() == far.bytes.sum() > 0 and near.packets.sum() == far.packets.sum()
        at_clients = ok()[(ok().dstaddr == host) & ok().interface_id.isin(clients)]
        assert at_clients.bytes.sum() == asked.bytes.sum()
    assert len(to_gateway) + len(to_client) + len(outside) == len(seen)


def test_both_sides_of_the_peering_connection_count_the_same() -> None:
    crossing = ok()[(ok().label.isin(["backup", "reports"])) & (ok().flow_direction == "egress")]
    assert set(crossing.traffic_path) == {4}
    for src, dst in (("db-1", "backup-1"), ("db-1", "report-1"), ("web-1", "backup-1")):
        pair = ok()[(ok().srcaddr == str(interface(src).primary)) & (ok().dstaddr == str(interface(dst).primary))]
        sizes = pair[pair.label.isin(["backup", "reports"])].groupby("interface_id").bytes.sum()
        assert set(sizes.index) == {interface(src).id, interface(dst).id} and sizes.nunique() == 1


def test_instance_1_pings_instance_2_each_hour_and_is_answered() -> None:
    """23 echoes of 84 bytes, as in the original lab."""
    ends = {"10.1.15.80", "10.2.0.126"}
    pings = ok()[ok().srcaddr.isin(ends) & ok().dstaddr.isin(ends) & (ok().protocol == 1)]
    assert (pings.bytes == 84 * pings.packets).all()
    assert (pings.groupby(["interface_id", "flow_direction"]).packets.sum() == 24 * 23).all()


def test_tcp_flags_are_those_of_a_windows_place_in_its_connection() -> None:
    """A whole connection gives 3 and 19, a kept one 2, 0 … and 1; https://docs.aws.amazon.com/vpc/latest/userguide/flow-log-records.html"""
    assert set(ok()[ok().protocol == TCP].tcp_flags) == {0, 1, 2, 3, 18, 19}
    assert (ok()[ok().protocol != TCP].tcp_flags == 0).all()


# The shape of the day


def test_customers_come_by_day_few_often_and_many_rarely_and_backups_by_night() -> None:
    customers = ok()[(ok().label == "web") & (ok().flow_direction == "ingress")]
    arriving, visits = customers.groupby("hour").size(), customers.srcaddr.value_counts()
    assert (arriving.idxmax(), arriving.max() > 6 * arriving.min()) == (16, True)
    assert arriving.idxmin() in (6, 7)
    per_hour = ok().groupby("hour").bytes.sum()
    assert per_hour.idxmax() == HOUR and per_hour[HOUR] > 0.5 * per_hour.sum()
    assert len(visits) > 3000
    assert visits.head(len(visits) // 10).sum() > 3 * visits.tail(len(visits) // 2).sum() / 2
