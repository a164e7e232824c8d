"""The fields of a record, from version 2 to 5.

https://docs.aws.amazon.com/vpc/latest/userguide/flow-log-records.html
"""

from __future__ import annotations

from labkit.embedded.dataplane.capture import Count, Flow, Window
from labkit.embedded.dataplane.flow_log_records import lines
from labkit.embedded.dataplane.flow_logs import FlowLog
from labkit.flowlogs.fields import FIELDS
from labkit.flowlogs.format import Format
from labkit.network import Packet, echo_request, tcp

COMMON = {
    "account-id": "123456789012", "region": "us-east-1", "interface-id": "eni-1",
    "vpc-id": "vpc-1", "subnet-id": "subnet-1", "instance-id": "i-1", "az-id": "use1-az4",
}  # fmt: skip
SYN = tcp("10.1.0.10", "10.1.0.20", 22, 40000)
DEFAULT = (
    "version account-id interface-id srcaddr dstaddr srcport dstport protocol packets bytes start end action log-status"
)
#: Version 3 to 5, in the order of AWS's table.
LATER = (
    "vpc-id subnet-id instance-id tcp-flags type pkt-srcaddr pkt-dstaddr region az-id sublocation-type sublocation-id "
    "pkt-src-aws-service pkt-dst-aws-service flow-direction traffic-path"
)


def flow_log(fields: str = DEFAULT, traffic_type: str = "ALL") -> FlowLog:
    names = tuple(fields.split())
    return FlowLog("fl-1", "vpc-1", traffic_type, 60, Format(names), "g", "arn:aws:iam::1:role/r")


def flow(
    packet: Packet = SYN, direction: str = "egress", action: str = "ACCEPT", target: str | None = "local",
    original: Packet | None = None,
) -> Flow:  # fmt: skip
    return Flow("eni-1", direction, action, packet, original or packet, target)


def written(log: FlowLog, *flows: tuple[Flow, Count], instance: str | None = "i-1") -> list[str]:
    window = Window("eni-1", 1000, 1060, flows)
    return list(lines(window, log, {**COMMON, "instance-id": instance}))


COUNT = Count(packets=3, bytes=252, tcp_flags=3)


def test_the_default_format() -> None:
    assert written(flow_log(), (flow(), COUNT)) == [
        "2 123456789012 eni-1 10.1.0.10 10.1.0.20 40000 22 6 3 252 1000 1060 ACCEPT OK"
    ]


def test_records_of_an_interface_and_a_window_share_their_start_and_end() -> None:
    """Modeled, by the original lab's two records: a flow of ten packets and one of a single packet, both 1764774316 to
    1764774376. AWS: the first and the last packet in the interval.

    https://docs.aws.amazon.com/vpc/latest/userguide/flow-log-records.html
    """
    one = (flow(echo_request("10.1.0.10", "10.1.0.20"), action="REJECT"), Count(packets=1, bytes=84))
    assert written(flow_log("packets start end action"), (flow(), COUNT), one) == [
        "3 1000 1060 ACCEPT",
        "1 1000 1060 REJECT",
    ]


def test_fields_of_versions_3_to_5_going_out() -> None:
    assert written(flow_log(LATER), (flow(target="pcx-1"), COUNT)) == [
        "vpc-1 subnet-1 i-1 3 IPv4 10.1.0.10 10.1.0.20 us-east-1 use1-az4 - - - - egress 4"
    ]


def test_fields_of_versions_3_to_5_coming_in() -> None:
    assert written(flow_log(LATER), (flow(SYN.reply(), "ingress", target=None), COUNT)) == [
        "vpc-1 subnet-1 i-1 3 IPv4 10.1.0.20 10.1.0.10 us-east-1 use1-az4 - - - - ingress -"
    ]


def test_traffic_path_is_that_of_the_route() -> None:
    paths = {"local": "1", "nat-1": "1", "eni-2": "1", "igw-1": "8", "pcx-1": "4", None: "-", "tgw-1": "-"}
    found = {target: written(flow_log("traffic-path"), (flow(target=target), COUNT)) for target in paths}
    assert found == {target: [path] for target, path in paths.items()}


def test_an_echo_has_ports_0_and_its_type_is_not_told() -> None:
    echo = flow(echo_request("10.1.0.10", "10.1.0.20"))
    count = Count(packets=1, bytes=84)
    assert written(flow_log("srcport dstport protocol bytes tcp-flags type"), (echo, count)) == ["0 0 1 84 0 IPv4"]
    six = flow(echo_request("2600::1", "2600::2"))
    assert written(flow_log("srcaddr protocol type"), (six, count)) == ["2600::1 58 IPv6"]


def test_the_packets_own_addresses_differ_behind_a_nat_gateway() -> None:
    """https://docs.aws.amazon.com/vpc/latest/userguide/flow-logs-records-examples.html"""
    seen, own = tcp("10.1.0.5", "8.8.8.8", 443), tcp("10.1.0.10", "8.8.8.8", 443)
    fields = "srcaddr dstaddr pkt-srcaddr pkt-dstaddr"
    assert written(flow_log(fields), (flow(seen, original=own), COUNT)) == ["10.1.0.5 8.8.8.8 10.1.0.10 8.8.8.8"]


def test_a_silent_window_is_one_nodata_record_that_keeps_its_place_and_time() -> None:
    assert written(flow_log()) == ["2 123456789012 eni-1 - - - - - - - 1000 1060 - NODATA"]
    assert written(flow_log(f"{LATER} start end log-status")) == [
        "vpc-1 subnet-1 i-1 - - - - us-east-1 use1-az4 - - - - - - 1000 1060 NODATA"
    ]


def test_the_traffic_type_chooses() -> None:
    for wanted, count in (("ALL", 2), ("ACCEPT", 1), ("REJECT", 1)):
        found = written(flow_log(traffic_type=wanted), (flow(), COUNT), (flow(action="REJECT"), COUNT))
        assert len(found) == count and all("NODATA" not in line for line in found)


def test_where_all_was_of_the_other_kind_there_is_no_data() -> None:
    (line,) = written(flow_log(traffic_type="REJECT"), (flow(), COUNT))
    assert line.endswith("- NODATA")


def test_an_interface_without_an_instance() -> None:
    assert written(flow_log("instance-id log-status"), instance=None) == ["- NODATA"]


def test_every_field_that_aws_has_can_be_asked_for() -> None:
    """Those that the embedded AWS does not compute are `-`; the version is that of the newest field."""
    (line,) = written(flow_log(" ".join(FIELDS)), (flow(), COUNT))
    words = dict(zip(FIELDS, line.split(), strict=True))
    assert words["version"] == str(max(field.version for field in FIELDS.values()))
    assert words["ecs-cluster-arn"] == words["reject-reason"] == "-"
