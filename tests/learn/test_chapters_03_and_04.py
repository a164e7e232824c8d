"""The checks of chapters 03 and 04: unattempted, with the mistakes that are likely, and right."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.lab.conftest import Built
from tests.learn.checking import Mistake, Said, Until, find, only, wrong

PING = "ping -c 5 10.2.0.126"


def test_before_its_step_a_check_says_what_comes_first(until: Until) -> None:
    lab = until("03").lab
    for name in ("failed-ping", "peering", "routes", "ping"):
        result = lab.check(name)
        assert not result.passed and not result.begun, name
        assert all(line.next for line in result.lines), name


# The ping that fails


def test_a_failed_ping_its_record_and_its_reason(until: Until) -> None:
    built = until("04")
    built.lab.shell("instance-1", PING)
    assert only(built.lab.check("failed-ping")).next.startswith("lab.wait_for_flow_logs().")
    built.lab.wait_for_flow_logs()
    result = built.lab.check("failed-ping")
    assert result.passed
    assert [line.text for line in result.lines] == [
        "instance-1 pinged 10.2.0.126: 5 sent, none answered",
        'instance-1\'s interface recorded it: ACCEPT, which is not "arrived"',
        "instance-2's interface saw nothing of it",
        "the reason: route-table-1 has only its default route for it; igw-1 does not forward it",
    ]


def test_another_command_is_not_the_ping(until: Until) -> None:
    built = until("04")
    for command in ("ping -c 1 54.161.202.107", "ping -c 1 10.2.0.127", "hostname", "echo 10.2.0.126"):
        built.lab.shell("instance-1", command)
        assert only(built.lab.check("failed-ping")).found == "no ping of 10.2.0.126 from instance-1", command


def test_a_ping_that_fails_for_another_reason(until: Until) -> None:
    built = until("05")
    built.ec2.revoke_security_group_ingress(GroupId=built.security_group_2, IpPermissions=[built.icmp])
    built.lab.shell("instance-1", PING)
    built.lab.wait_for_flow_logs()
    line = only(built.lab.check("failed-ping"))
    assert line.found.startswith("stopped at the security group allow-icmp-2")


def test_a_ping_that_is_answered_was_not_to_be_yet(until: Until) -> None:
    built = until("05")
    built.lab.shell("instance-1", PING)
    assert only(built.lab.check("failed-ping")).found == "5 of 5 answered"


# The peering connection and the routes


def peering(built: Built, requester: str, accepter: str, name: str | None = "peering-1-2") -> str:
    tags = {"TagSpecifications": built.lab.tags("vpc-peering-connection", name)} if name else {}
    made = built.ec2.create_vpc_peering_connection(VpcId=requester, PeerVpcId=accepter, **tags)
    return str(made["VpcPeeringConnection"]["VpcPeeringConnectionId"])


def not_accepted(built: Built) -> None:
    built.names["peering"] = peering(built, built.vpc_1, built.vpc_2)


def without_its_name(built: Built) -> None:
    built.names["peering"] = peering(built, built.vpc_1, built.vpc_2, name=None)


def with_another_vpc(built: Built, block: str = "10.3.0.0/16") -> None:
    third = built.ec2.create_vpc(CidrBlock=block, TagSpecifications=built.lab.tags("vpc", "vpc-3"))
    peering(built, built.vpc_1, third["Vpc"]["VpcId"])


def of_ranges_that_overlap(built: Built) -> None:
    with_another_vpc(built, "10.1.0.0/16")


def instead(**route: str) -> Callable[[Built], None]:
    """Put another route, or none, in the place of vpc-1's route to vpc-2; values may be names of the build cells."""

    def make(built: Built) -> None:
        built.ec2.delete_route(RouteTableId=built.route_table_1, DestinationCidrBlock="10.2.0.0/16")
        if route:
            named = {key: built.names.get(value, value) for key, value in route.items()}
            built.ec2.create_route(RouteTableId=built.route_table_1, **named)

    return make


def in_the_main_table(built: Built) -> None:
    main = next(t.id for t in built.lab.network.route_tables.values() if t.main and t.vpc == built.vpc_1)
    built.names["main"] = main
    built.ec2.create_route(RouteTableId=main, DestinationCidrBlock="10.2.0.0/16", VpcPeeringConnectionId=built.peering)
    instead()(built)


def peering_gone(built: Built) -> None:
    built.ec2.delete_vpc_peering_connection(VpcPeeringConnectionId=built.peering)


def peering_made_anew(built: Built) -> None:
    peering_gone(built)
    id = peering(built, built.vpc_1, built.vpc_2)
    built.ec2.accept_vpc_peering_connection(VpcPeeringConnectionId=id)


MISTAKES = [
    ("04", Mistake("peering", not_accepted, (Said(
        "pending-acceptance: one side has asked",
        next="write step 4.a of notebook 04; lab.exercise('4.a').hint() helps.",
    ),))),
    ("04", Mistake("peering", without_its_name, (Said("{b.peering} between the two, without the name"),))),
    ("04", Mistake("peering", with_another_vpc, (Said("between vpc-1 and vpc-3"),))),
    ("04", Mistake("peering", of_ranges_that_overlap, (Said("between vpc-1 and vpc-3"),))),
    ("05", Mistake("routes", instead(), (Said(
        "only the route 0.0.0.0/0 → igw-1 for it", "10.2.0.0/16 → peering-1-2", text="route-table-1, for 10.2.0.0/16",
    ),), fixes=True)),
    ("05", Mistake("routes", instead(DestinationCidrBlock="10.2.0.0/16", GatewayId="igw_1"), (
        Said("10.2.0.0/16 → igw-1", next="ec2.replace_route(…"),
    ))),
    ("05", Mistake("routes", instead(DestinationCidrBlock="10.20.0.0/16", VpcPeeringConnectionId="peering"), (
        Said("routes through a peering connection only for 10.20.0.0/16"),
    ))),
    ("05", Mistake("routes", instead(DestinationCidrBlock="10.2.0.126/32", VpcPeeringConnectionId="peering"), (
        Said("10.2.0.126/32 → peering-1-2, which covers only a part"),
    ))),
    ("05", Mistake("routes", in_the_main_table, (Said("the route in {b.main}, a table that subnet-1 does not use"),))),
    ("05", Mistake("routes", peering_gone, (Said("no active peering connection"),) * 2)),
    ("05", Mistake("routes", peering_made_anew, tuple(
        Said(f"{far} → peering-1-2 as blackhole: what it leads to is gone") for far in ("10.2.0.0/16", "10.1.0.0/16")
    ), fixes=True)),
]  # fmt: skip


@pytest.mark.parametrize(("chapter", "mistake"), MISTAKES)
def test_a_likely_mistake_is_found(until: Until, chapter: str, mistake: Mistake) -> None:
    find(until(chapter), mistake)


def test_a_peering_connection_the_other_way_round_will_do(until: Until) -> None:
    built = until("04")
    id = peering(built, built.vpc_2, built.vpc_1)
    built.ec2.accept_vpc_peering_connection(VpcPeeringConnectionId=id)
    assert built.lab.check("peering").passed


def test_a_route_for_the_range_or_for_more_than_it_will_do(until: Until) -> None:
    built = until("05")
    assert built.lab.check("routes").passed
    instead(DestinationCidrBlock="10.2.0.0/15", VpcPeeringConnectionId="peering")(built)
    assert built.lab.check("routes").passed


def test_a_way_back_that_is_not_written_yet_is_left_to_the_student_and_one_that_was_there_is_not(until: Until) -> None:
    built = until("05")
    built.ec2.delete_route(RouteTableId=built.route_table_2, DestinationCidrBlock="10.1.0.0/16")
    line = only(built.lab.check("routes"))
    assert line.absent and line.next == "write step 4.b of notebook 04; lab.exercise('4.b').hint() helps."
    back = {"RouteTableId": built.route_table_2, "DestinationCidrBlock": "10.1.0.0/16"}
    built.ec2.create_route(**back, VpcPeeringConnectionId=built.peering)
    built.lab.shell("instance-1", PING)
    built.ec2.delete_route(**back)
    assert only(built.lab.check("routes")).next.startswith("ec2.create_route(RouteTableId=")


# The ping that is answered


def test_a_ping_with_a_way_there_and_back(until: Until) -> None:
    built = until("05")
    assert only(built.lab.check("ping")).next == "lab.shell('instance-1', 'ping -c 5 10.2.0.126')."
    built.lab.shell("instance-1", PING)
    assert only(built.lab.check("ping")).next.startswith("lab.wait_for_flow_logs().")
    built.lab.wait_for_flow_logs()
    assert built.lab.check("ping").passed
    built.logs.delete_log_group(logGroupName=built.log_group)
    assert only(built.lab.check("ping")).found == "no log group"


def test_the_ping_is_not_begun_before_both_routes_are_there_and_is_when_one_goes_again(until: Until) -> None:
    built = until("05")
    built.ec2.delete_route(RouteTableId=built.route_table_2, DestinationCidrBlock="10.1.0.0/16")
    built.lab.shell("instance-1", PING)
    assert not built.lab.check("ping").begun
    back = {"DestinationCidrBlock": "10.1.0.0/16", "RouteTableId": built.route_table_2}
    built.ec2.create_route(**back, VpcPeeringConnectionId=built.peering)
    built.lab.shell("instance-1", PING)
    built.ec2.delete_route(**back)
    assert built.lab.check("ping").wrong


def test_a_way_back_that_is_missing(until: Until) -> None:
    built = until("05")
    built.ec2.delete_route(RouteTableId=built.route_table_2, DestinationCidrBlock="10.1.0.0/16")
    built.lab.shell("instance-1", PING)
    way, ping = wrong(built.lab.check("ping"))
    assert way.found.startswith("the packet arrives, but its reply is lost on the way back (the internet gateway igw-2")
    assert ping.found == "the last one: 5 sent, none answered"
