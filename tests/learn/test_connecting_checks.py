"""The checks of notebooks 03 and 04: unattempted, with the mistakes that are likely, and right."""

from __future__ import annotations

from typing import Any

import pytest

from tests.lab.conftest import Built
from tests.learn.test_building_checks import Until, only, wrong

PING = "ping -c 5 10.2.0.126"


@pytest.mark.parametrize("name", ["failed-ping", "peering", "routes", "ping"])
def test_before_its_step_a_check_says_what_comes_first(until: Until, name: str) -> None:
    result = until("03").lab.check(name)
    assert not result.passed and not result.begun
    assert all(line.next for line in result.lines)


# The ping that fails


def test_a_failed_ping_its_record_and_its_reason(until: Until) -> None:
    built = until("04")
    built.lab.shell("instance-1", PING)
    assert only(built.lab.check("failed-ping")).next == "lab.wait_for_flow_logs()."
    built.lab.wait_for_flow_logs()
    result = built.lab.check("failed-ping")
    assert result.passed
    assert [line.text for line in result.lines] == [
        "instance-1 pinged 10.2.0.126: 5 sent, none answered",
        'instance-1\'s interface recorded it: ACCEPT, which is not "arrived"',
        "instance-2's interface saw nothing of it",
        "the reason: route-table-1 has only its default route for it; igw-1 does not forward it",
    ]


@pytest.mark.parametrize("command", ["ping -c 1 54.161.202.107", "ping -c 1 10.2.0.127", "hostname", "echo 10.2.0.126"])
def test_another_command_is_not_the_ping(until: Until, command: str) -> None:
    built = until("04")
    built.lab.shell("instance-1", command)
    assert only(built.lab.check("failed-ping")).found == "no ping of 10.2.0.126 from instance-1"


def test_a_ping_that_fails_for_another_reason(until: Until) -> None:
    built = until("05")
    built.ec2.revoke_security_group_ingress(GroupId=built.security_group_2, IpPermissions=[built.icmp])
    built.lab.shell("instance-1", PING)
    built.lab.wait_for_flow_logs()
    line = only(built.lab.check("failed-ping"))
    assert line.found.startswith("it stopped at the security group allow-icmp-2")


def test_a_ping_that_is_answered_was_not_to_be_yet(until: Until) -> None:
    built = until("05")
    built.lab.shell("instance-1", PING)
    assert only(built.lab.check("failed-ping")).found == "5 of 5 answered"


# The peering connection


def peering(built: Built, requester: str, accepter: str, name: str | None = "peering-1-2") -> str:
    tags = {"TagSpecifications": built.lab.tags("vpc-peering-connection", name)} if name else {}
    made = built.ec2.create_vpc_peering_connection(VpcId=requester, PeerVpcId=accepter, **tags)
    return str(made["VpcPeeringConnection"]["VpcPeeringConnectionId"])


def test_a_peering_connection_that_nobody_has_accepted(until: Until) -> None:
    built = until("04")
    id = peering(built, built.vpc_1, built.vpc_2)
    line = only(built.lab.check("peering"))
    assert line.found == "pending-acceptance: one side has asked"
    assert line.next == f"ec2.accept_vpc_peering_connection(VpcPeeringConnectionId='{id}')."
    exec(line.next.removesuffix("."), {"ec2": built.ec2})
    assert built.lab.check("peering").passed


def test_a_peering_connection_the_other_way_round_will_do(until: Until) -> None:
    built = until("04")
    id = peering(built, built.vpc_2, built.vpc_1)
    built.ec2.accept_vpc_peering_connection(VpcPeeringConnectionId=id)
    assert built.lab.check("peering").passed


def test_a_peering_connection_without_its_name(until: Until) -> None:
    built = until("04")
    id = peering(built, built.vpc_1, built.vpc_2, name=None)
    assert only(built.lab.check("peering")).found == f"{id} between the two, without the name"


def test_a_peering_connection_with_another_vpc_and_one_that_failed(until: Until) -> None:
    built = until("04")
    third = built.ec2.create_vpc(CidrBlock="10.3.0.0/16", TagSpecifications=built.lab.tags("vpc", "vpc-3"))
    peering(built, built.vpc_1, third["Vpc"]["VpcId"])
    assert wrong(built.lab.check("peering"))[0].found == "it between vpc-1 and vpc-3"


def test_a_peering_connection_of_ranges_that_overlap(until: Until) -> None:
    built = until("04")
    twin = built.ec2.create_vpc(CidrBlock="10.1.0.0/16", TagSpecifications=built.lab.tags("vpc", "vpc-9"))
    peering(built, built.vpc_1, twin["Vpc"]["VpcId"])
    assert [line.found for line in wrong(built.lab.check("peering"))] == ["it between vpc-1 and vpc-9", "failed"]


# Routes


def broken_route(built: Built, **route: Any) -> Any:
    """What the check says once vpc-1's route to vpc-2 is another one."""
    built.ec2.delete_route(RouteTableId=built.route_table_1, DestinationCidrBlock="10.2.0.0/16")
    if route:
        built.ec2.create_route(RouteTableId=built.route_table_1, **route)
    return only(built.lab.check("routes"))


def test_both_routes_are_there(until: Until) -> None:
    assert until("05").lab.check("routes").passed


def test_a_route_in_one_table_only(until: Until) -> None:
    built = until("05")
    line = broken_route(built)
    assert (line.text, line.found) == ("route-table-1, for 10.2.0.0/16", "only the route 0.0.0.0/0 → igw-1 for it")
    assert line.wanted == "10.2.0.0/16 → peering-1-2"
    exec(line.next.removesuffix("."), {"ec2": built.ec2})
    assert built.lab.check("routes").passed


def test_a_route_to_the_internet_gateway(until: Until) -> None:
    built = until("05")
    line = broken_route(built, DestinationCidrBlock="10.2.0.0/16", GatewayId=built.igw_1)
    assert line.found == "10.2.0.0/16 → igw-1" and line.next.startswith("ec2.replace_route(")


def test_a_route_for_another_range(until: Until) -> None:
    built = until("05")
    line = broken_route(built, DestinationCidrBlock="10.20.0.0/16", VpcPeeringConnectionId=built.peering)
    assert line.found == "routes through a peering connection only for 10.20.0.0/16"


def test_a_route_for_a_part_of_the_range(until: Until) -> None:
    built = until("05")
    line = broken_route(built, DestinationCidrBlock="10.2.0.126/32", VpcPeeringConnectionId=built.peering)
    assert line.found == "10.2.0.126/32 → peering-1-2, which covers only a part"


def test_a_route_for_more_than_the_range_will_do(until: Until) -> None:
    built = until("05")
    built.ec2.delete_route(RouteTableId=built.route_table_1, DestinationCidrBlock="10.2.0.0/16")
    built.ec2.create_route(
        RouteTableId=built.route_table_1, DestinationCidrBlock="10.2.0.0/15", VpcPeeringConnectionId=built.peering
    )
    assert built.lab.check("routes").passed


def test_a_route_in_a_table_that_the_subnet_does_not_use(until: Until) -> None:
    built = until("05")
    main = next(t.id for t in built.lab.network.route_tables.values() if t.main and t.vpc == built.vpc_1)
    built.ec2.create_route(RouteTableId=main, DestinationCidrBlock="10.2.0.0/16", VpcPeeringConnectionId=built.peering)
    assert broken_route(built).found == f"the route in {main}, a table that subnet-1 does not use"


def test_routes_to_a_peering_connection_that_is_gone(until: Until) -> None:
    built = until("05")
    built.ec2.delete_vpc_peering_connection(VpcPeeringConnectionId=built.peering)
    assert [line.found for line in wrong(built.lab.check("routes"))] == ["no active peering connection"] * 2
    id = peering(built, built.vpc_1, built.vpc_2)
    built.ec2.accept_vpc_peering_connection(VpcPeeringConnectionId=id)
    there, back = wrong(built.lab.check("routes"))
    assert "as blackhole: what it leads to is gone" in there.found and "10.1.0.0/16" in back.found
    for line in (there, back):
        exec(line.next.removesuffix("."), {"ec2": built.ec2})
    assert built.lab.check("routes").passed


# The ping that is answered


def test_a_ping_with_a_way_there_and_back(until: Until) -> None:
    built = until("05")
    assert only(built.lab.check("ping")).next == "lab.shell('instance-1', 'ping -c 5 10.2.0.126')."
    built.lab.shell("instance-1", PING)
    assert only(built.lab.check("ping")).next == "lab.wait_for_flow_logs()."
    built.lab.wait_for_flow_logs()
    assert built.lab.check("ping").passed


def test_a_way_back_that_is_missing(until: Until) -> None:
    built = until("05")
    built.ec2.delete_route(RouteTableId=built.route_table_2, DestinationCidrBlock="10.1.0.0/16")
    built.lab.shell("instance-1", PING)
    way, ping = wrong(built.lab.check("ping"))
    assert way.found.startswith("the packet arrives, but its reply is lost on the way back (the internet gateway igw-2")
    assert ping.found == "the last one: 5 sent, none answered"
