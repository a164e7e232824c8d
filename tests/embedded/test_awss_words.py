"""What AWS's pages say of what a VPC is born with, of flow logs and of the flags of a long connection."""

from __future__ import annotations

from typing import Any

from labkit.embedded.dataplane.capture import Capture
from labkit.network import Sighting, tcp
from tests.embedded.site import Site

HERE, THERE = "10.1.0.10", "10.1.0.20"


# --- what a VPC is born with ---


def test_a_new_security_group_lets_nothing_in_and_everything_out(ec2: Any, vpc: str) -> None:
    """https://docs.aws.amazon.com/vpc/latest/userguide/creating-security-groups.html"""
    made = ec2.create_security_group(GroupName="new", Description="new", VpcId=vpc)["GroupId"]
    (group,) = ec2.describe_security_groups(GroupIds=[made])["SecurityGroups"]
    assert group["IpPermissions"] == []
    (out,) = group["IpPermissionsEgress"]
    assert (out["IpProtocol"], out["IpRanges"]) == ("-1", [{"CidrIp": "0.0.0.0/0"}])


def test_each_block_of_a_vpc_has_a_local_route_in_every_table(ec2: Any, vpc: str) -> None:
    """https://docs.aws.amazon.com/vpc/latest/userguide/subnet-route-tables.html"""
    ec2.create_route_table(VpcId=vpc)
    tables = ec2.describe_route_tables(Filters=[{"Name": "vpc-id", "Values": [vpc]}])["RouteTables"]
    assert [any(one["Main"] for one in table["Associations"]) for table in tables].count(True) == 1
    for table in tables:
        (local,) = table["Routes"]
        assert (local["DestinationCidrBlock"], local["GatewayId"], local["State"]) == ("10.1.0.0/16", "local", "active")


# --- flow logs ---


def test_a_flow_log_is_made_and_deleted_and_never_changed(ec2: Any) -> None:
    """https://docs.aws.amazon.com/vpc/latest/userguide/flow-logs-limitations.html"""
    actions = [name for name in ec2.meta.service_model.operation_names if name.endswith("FlowLogs")]
    assert actions == ["CreateFlowLogs", "DeleteFlowLogs", "DescribeFlowLogs"]


def test_the_aggregation_interval_is_600_seconds_unless_60_are_asked_for(site: Site) -> None:
    """https://docs.aws.amazon.com/vpc/latest/userguide/flow-log-records.html"""
    made = site.record(site.vpc), site.record(site.subnet, MaxAggregationInterval=60)
    found = {one["FlowLogId"]: one["MaxAggregationInterval"] for one in site.ec2.describe_flow_logs()["FlowLogs"]}
    assert [found[one] for one in made] == [600, 60]


def test_a_ping_makes_four_records_where_both_interfaces_are_recorded_and_two_where_one_is(site: Site) -> None:
    """A record is of a 5-tuple at one interface: https://docs.aws.amazon.com/vpc/latest/userguide/flow-log-records.html

    Four echoes are 336 bytes, as in AWS's example of a ping:
    https://docs.aws.amazon.com/vpc/latest/userguide/flow-logs-records-examples.html
    """
    site.record(site.vpc, "both")
    site.record(site.eni_here, "one")
    site.send("ping -c 4 10.1.0.20")
    site.settle()
    assert site.flows(HERE, THERE, group="both") == {
        (eni, source, "ACCEPT"): (4, 336) for eni in (site.eni_here, site.eni_there) for source in (HERE, THERE)
    }
    assert site.flows(HERE, THERE, group="one") == {
        (site.eni_here, source, "ACCEPT"): (4, 336) for source in (HERE, THERE)
    }


# --- TCP flags of a long connection ---


def test_a_long_connections_flags_are_2_and_18_then_0_then_1_and_1() -> None:
    """SYN and SYN-ACK in the interval in which it opens, FIN in that in which it closes, none in between.

    https://docs.aws.amazon.com/vpc/latest/userguide/flow-logs-records-examples.html
    """
    capture = Capture(60)
    request = tcp("52.213.180.42", "10.0.0.62", 5001, 43418)
    begin = capture.end_of_window("eni-1", 0.0)
    segments = [("ingress", 2), ("egress", 18), ("ingress", 0), ("egress", 0), ("ingress", 1), ("egress", 1)]
    for minute in range(3):
        for direction, flags in (*segments[2 * minute : 2 * minute + 2], ("ingress", 0), ("egress", 0)):
            packet = request if direction == "ingress" else request.reply()
            capture.see(Sighting("eni-1", direction, "ACCEPT", packet, packet), begin + 60 * minute + 1, 52, flags)
    found = [
        {flow.direction: count.tcp_flags for flow, count in window.flows}
        for window in capture.close(begin + 600, present=[])
    ]
    assert found == [{"ingress": 2, "egress": 18}, {"ingress": 0, "egress": 0}, {"ingress": 1, "egress": 1}]
