"""Delivery to CloudWatch Logs: only if the role may, only what was asked for, NODATA where nothing was.

https://docs.aws.amazon.com/vpc/latest/userguide/flow-logs-iam-role.html
https://docs.aws.amazon.com/vpc/latest/userguide/flow-logs-troubleshooting.html
"""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.lab.conftest import Built


def statuses(built: Built) -> set[tuple[str, str, str | None]]:
    found = built.ec2.describe_flow_logs()["FlowLogs"]
    return {(each["FlowLogStatus"], each["DeliverLogsStatus"], each.get("DeliverLogsErrorMessage")) for each in found}


def trust(service: str) -> str:
    statement = {"Effect": "Allow", "Principal": {"Service": service}, "Action": "sts:AssumeRole"}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


FAILED = {("ACTIVE", "FAILED", "Access error")}
SUCCESS = {("ACTIVE", "SUCCESS", None)}


def break_trust(built: Built) -> None:
    built.iam.update_assume_role_policy(RoleName="NimbusVPCFlowLogsRole", PolicyDocument=trust("ec2.amazonaws.com"))


def break_policy(built: Built) -> None:
    built.iam.detach_role_policy(RoleName="NimbusVPCFlowLogsRole", PolicyArn=built.policy)


def delete_role(built: Built) -> None:
    break_policy(built)
    built.iam.delete_role(RoleName="NimbusVPCFlowLogsRole")


@pytest.mark.parametrize("fault", [break_trust, break_policy, delete_role])
def test_a_role_that_may_not_write_or_is_gone_fails_delivery_with_access_error(built: Built, fault: Any) -> None:
    fault(built)
    built.lab.shell("instance-1", "ping -c 2 8.8.8.8")
    built.lab.wait_for_flow_logs()
    assert statuses(built) == FAILED
    assert built.lab.records() == []


def test_records_that_could_not_be_delivered_are_lost(built: Built) -> None:
    break_trust(built)
    built.lab.shell("instance-1", "ping -c 2 8.8.8.8")
    built.lab.wait_for_flow_logs()
    built.iam.update_assume_role_policy(
        RoleName="NimbusVPCFlowLogsRole", PolicyDocument=trust("vpc-flow-logs.amazonaws.com")
    )
    built.lab.shell("instance-1", "ping -c 3 8.8.8.8")
    built.lab.wait_for_flow_logs()
    assert statuses(built) == SUCCESS
    assert {line.split()[8] for line in built.lab.records("8.8.8.8")} == {"3"}


def test_there_is_one_stream_an_interface_and_an_event_bears_the_records_start(built: Built) -> None:
    """https://docs.aws.amazon.com/vpc/latest/userguide/flow-logs-cwl.html"""
    built.lab.wait_for_flow_logs()
    streams = built.logs.describe_log_streams(logGroupName="NimbusVPCFlowLogsGroup")["logStreams"]
    assert {stream["logStreamName"] for stream in streams} == {f"{built.interface_1}-all", f"{built.interface_2}-all"}
    events = built.logs.filter_log_events(logGroupName="NimbusVPCFlowLogsGroup")["events"]
    assert events
    for event in events:
        words = event["message"].split()
        assert event["timestamp"] == int(words[10]) * 1000
        assert event["logStreamName"] == f"{words[2]}-all"
        assert event["ingestionTime"] >= int(words[11]) * 1000


def test_a_silent_window_is_one_nodata_record(built: Built) -> None:
    for _ in range(3):
        built.lab.wait_for_flow_logs()
    nodata = [line.split() for line in built.lab.records("NODATA")]
    assert nodata
    for words in nodata:
        assert words[:2] == ["2", "123456789012"] and words[3:10] == ["-"] * 7 and words[12:] == ["-", "NODATA"]
        assert int(words[11]) - int(words[10]) == 60
    windows = [(words[2], words[10]) for words in nodata]
    assert len(windows) == len(set(windows))


def test_the_traffic_type_chooses_the_records(built: Built) -> None:
    """https://docs.aws.amazon.com/vpc/latest/userguide/flow-logs-basics.html"""
    for kind in ("ACCEPT", "REJECT"):
        built.logs.create_log_group(logGroupName=kind)
        built.ec2.create_flow_logs(
            ResourceType="NetworkInterface", ResourceIds=[built.interface_1], TrafficType=kind,
            LogGroupName=kind, DeliverLogsPermissionArn=built.role,
        )  # fmt: skip
    built.lab.shell("instance-1", "ping -c 60 8.8.8.8")
    built.lab.wait_for_flow_logs()
    for kind in ("ACCEPT", "REJECT"):
        assert {line.split()[12] for line in built.lab.records("OK", log_group=kind)} == {kind}


def test_a_custom_format_is_written_field_by_field(built: Built) -> None:
    """https://docs.aws.amazon.com/vpc/latest/userguide/flow-log-records.html"""
    built.logs.create_log_group(logGroupName="custom")
    fields = (
        "version vpc-id subnet-id instance-id flow-direction traffic-path type tcp-flags pkt-srcaddr pkt-dstaddr "
        "srcaddr dstaddr region az-id log-status"
    )
    built.ec2.create_flow_logs(
        ResourceType="Subnet", ResourceIds=[built.subnet_1], TrafficType="ALL", LogGroupName="custom",
        DeliverLogsPermissionArn=built.role, LogFormat=" ".join(f"${{{field}}}" for field in fields.split()),
    )  # fmt: skip
    built.lab.shell("instance-1", "curl -s http://93.184.215.14/")
    built.lab.wait_for_flow_logs()
    az = built.ec2.describe_subnets(SubnetIds=[built.subnet_1])["Subnets"][0]["AvailabilityZoneId"]
    place = f"5 {built.vpc_1} {built.subnet_1} {built.instance_1}"
    here, there = "10.1.15.80", "93.184.215.14"
    assert sorted(built.lab.records(there, log_group="custom")) == [
        f"{place} egress 8 IPv4 3 {here} {there} {here} {there} us-east-1 {az} OK",
        f"{place} ingress - IPv4 19 {there} {here} {there} {here} us-east-1 {az} OK",
    ]


def test_never_captured_is_not_captured(built: Built) -> None:
    """The Amazon DNS server, instance metadata, the time service, the router's reserved address.

    https://docs.aws.amazon.com/vpc/latest/userguide/flow-logs-limitations.html
    """
    addresses = ("10.1.0.1", "10.1.0.2", "169.254.169.254", "169.254.169.123")
    for address in addresses:
        built.lab.shell("instance-1", f"ping -c 1 -W 1 {address}")
    built.lab.wait_for_flow_logs()
    assert all(built.lab.records(address) == [] for address in addresses)


# Since a moment


def test_records_since_a_moment_are_those_that_end_then_or_later(built: Built) -> None:
    """A record is of one interval of a minute, in which the moment may lie; start and end are the interval's bounds."""
    built.lab.wait_for_flow_logs()
    before = built.lab.clock
    built.lab.shell("instance-1", "ping -c 3 8.8.8.8")
    after = built.lab.clock
    built.lab.wait_for_flow_logs()
    found = built.lab.records("10.1.15.80", "8.8.8.8", since=before)
    (sent,) = [line.split() for line in found if "10.1.15.80 8.8.8.8" in line]
    assert int(sent[10]) <= before.timestamp() <= int(sent[11])
    assert built.lab.records("8.8.8.8", since=after)
    later = datetime.fromtimestamp(int(sent[11]), UTC)
    assert built.lab.records("8.8.8.8", since=later)
    assert built.lab.records("8.8.8.8", since=later + timedelta(seconds=1)) == []
    query = 'filter dstAddr = "8.8.8.8"'
    assert len(built.lab.insights(query, since=after)) == len(built.lab.insights(query, since=later)) == 1
    assert len(built.lab.insights(query, since=later + timedelta(seconds=1))) == 0


@pytest.mark.parametrize("fields", ["end srcaddr start dstaddr", "srcaddr dstaddr"])
def test_the_end_is_found_in_any_format_and_without_one_the_beginning_counts(built: Built, fields: str) -> None:
    built.logs.create_log_group(logGroupName="custom")
    built.ec2.create_flow_logs(
        ResourceType="Subnet", ResourceIds=[built.subnet_1], TrafficType="ALL", LogGroupName="custom",
        DeliverLogsPermissionArn=built.role, LogFormat=" ".join(f"${{{field}}}" for field in fields.split()),
        MaxAggregationInterval=60,
    )  # fmt: skip
    built.lab.wait_for_flow_logs()
    built.lab.shell("instance-1", "ping -c 3 8.8.8.8")
    built.lab.wait_for_flow_logs()
    events = built.logs.filter_log_events(logGroupName="custom")["events"]
    (at,) = {event["timestamp"] / 1000 for event in events if "8.8.8.8" in event["message"].split()}

    def found(seconds: int) -> int:
        since = datetime.fromtimestamp(at, UTC) + timedelta(seconds=seconds)
        return len(built.lab.records("8.8.8.8", since=since, log_group="custom"))

    assert found(0) == 2
    assert found(30) == (2 if "end" in fields else 0)
    assert found(61) == 0
