"""The story of notebooks 03 and 04 as facts: who saw which packet at each step.

The table is that of the curriculum: ACCEPT and REJECT are verdicts of security groups and network ACLs, not of
delivery.
https://docs.aws.amazon.com/vpc/latest/userguide/flow-log-records.html
"""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

from labkit.network import Network, echo_request
from labkit.network.read import OPERATIONS
from tests.lab.conftest import Built

PING = "ping -c 5 10.2.0.126"


def ping(built: Built) -> tuple[Any, set[tuple[str, str, str, int]]]:
    """Ping instance-2 from instance-1; return the output, and of the records between the two the interface, source,
    action and number of packets.
    """
    lab = built.lab
    lab.wait_for_flow_logs()
    before = lab.clock
    output = lab.shell("instance-1", PING)
    lab.wait_for_flow_logs()
    names = {built.interface_1: "instance-1", built.interface_2: "instance-2"}
    totals = Counter[tuple[str, str, str]]()
    for line in lab.records("10.1.15.80", "10.2.0.126", since=before):
        words = line.split()
        totals[names[words[2]], words[3], words[12]] += int(words[8])
    return output, {(*key, packets) for key, packets in totals.items()}


REQUEST_OUT = ("instance-1", "10.1.15.80", "ACCEPT", 5)
REQUEST_IN = ("instance-2", "10.1.15.80", "ACCEPT", 5)
REPLY_OUT = ("instance-2", "10.2.0.126", "ACCEPT", 5)
REPLY_IN = ("instance-1", "10.2.0.126", "ACCEPT", 5)


def peer(built: Built, routes: int = 0) -> str:
    """Connect the VPCs: a peering connection, and a route in the first table, or in both."""
    ec2 = built.ec2
    made = ec2.create_vpc_peering_connection(VpcId=built.vpc_1, PeerVpcId=built.vpc_2)["VpcPeeringConnection"]
    peering = made["VpcPeeringConnectionId"]
    ec2.accept_vpc_peering_connection(VpcPeeringConnectionId=peering)
    for table, cidr in [(built.route_table_1, "10.2.0.0/16"), (built.route_table_2, "10.1.0.0/16")][:routes]:
        ec2.create_route(RouteTableId=table, DestinationCidrBlock=cidr, VpcPeeringConnectionId=peering)
    return str(peering)


def test_without_a_route_the_request_is_accepted_at_the_sender_and_seen_nowhere_else(built: Built) -> None:
    output, seen = ping(built)
    assert output.exit_code == 1
    assert "5 packets transmitted, 0 received, 100% packet loss" in output.stdout
    assert seen == {REQUEST_OUT}
    path = built.lab.trace("instance-1", "instance-2")
    assert path.code == "IGW_DESTINATION_ADDRESS_NOT_IN_RFC1918_EGRESS"
    assert path.stopped_at is not None and path.stopped_at.name == "igw-1"


def test_a_peering_connection_without_routes_changes_nothing(built: Built) -> None:
    peer(built)
    assert ping(built)[1] == {REQUEST_OUT}


def test_with_one_route_the_request_arrives_and_the_reply_is_lost(built: Built) -> None:
    peer(built, routes=1)
    output, seen = ping(built)
    assert output.exit_code == 1
    assert seen == {REQUEST_OUT, REQUEST_IN, REPLY_OUT}
    path = built.lab.trace("instance-1", "instance-2")
    assert path.reached and not path.replied
    assert path.stopped_at is not None and path.stopped_at.name == "igw-2"
    assert "route-table-2 lacks a route to it" in path.stopped_at.sentence


def test_with_both_routes_the_ping_is_answered_as_in_the_original_lab(built: Built) -> None:
    peer(built, routes=2)
    output, seen = ping(built)
    assert output.exit_code == 0
    assert "64 bytes from 10.2.0.126: icmp_seq=1 ttl=127 time=0.747 ms" in output.stdout
    assert seen == {REQUEST_OUT, REQUEST_IN, REPLY_OUT, REPLY_IN}
    assert built.lab.trace("instance-1", "instance-2").replied


def test_a_deleted_peering_connection_leaves_blackholes(built: Built) -> None:
    peering = peer(built, routes=1)
    built.ec2.delete_vpc_peering_connection(VpcPeeringConnectionId=peering)
    assert built.lab.trace("instance-1", "instance-2").code == "BAD_STATE_ROUTE"
    assert ping(built)[1] == {REQUEST_OUT}


def test_a_refusing_security_group_is_a_reject_at_the_receiver(built: Built) -> None:
    peer(built, routes=2)
    built.ec2.revoke_security_group_ingress(GroupId=built.security_group_2, IpPermissions=[built.icmp])
    assert ping(built)[1] == {REQUEST_OUT, ("instance-2", "10.1.15.80", "REJECT", 5)}


def test_a_network_acl_that_refuses_the_reply_is_a_reject_on_the_way_out(built: Built) -> None:
    """AWS's own example of a security group and a network ACL that differ: ACCEPT in, REJECT out.

    https://docs.aws.amazon.com/vpc/latest/userguide/flow-logs-records-examples.html
    """
    peer(built, routes=2)
    acl = built.lab.network.network_acl_of(built.subnet_2).id
    built.ec2.create_network_acl_entry(
        NetworkAclId=acl, RuleNumber=50, Protocol="1", RuleAction="deny", Egress=True,
        CidrBlock="10.1.0.0/16", IcmpTypeCode={"Type": -1, "Code": -1},
    )  # fmt: skip
    assert ping(built)[1] == {REQUEST_OUT, REQUEST_IN, ("instance-2", "10.2.0.126", "REJECT", 5)}


def test_what_a_reader_saves_of_the_lab_is_traced_without_it(built: Built, tmp_path: Path) -> None:
    """The answers, as a call to describe_* gives them, written to files one by one."""
    ec2 = built.ec2
    peer(built)
    for operation in OPERATIONS:
        answer = {key: value for key, value in getattr(ec2, operation)().items() if key != "ResponseMetadata"}
        name = operation.replace("_", "-") + ".json"
        (tmp_path / name).write_text(json.dumps(answer, default=str), encoding="utf-8")
    saved = Network.from_files(tmp_path)
    assert saved == Network.from_ec2(ec2)
    assert saved.trace(echo_request("10.1.15.80", "10.2.0.126")) == built.lab.trace("instance-1", "instance-2")
