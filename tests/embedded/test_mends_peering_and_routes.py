"""Peering connections, and the routes that lead through them and elsewhere, as AWS has them."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from labkit.embedded import EmbeddedAws
from labkit.embedded.clock import START
from tests.embedded.support import gateway, main_table, peer, peering_status, refused, route_state, run

# --- peering: https://docs.aws.amazon.com/vpc/latest/peering/vpc-peering-basics.html#vpc-peering-lifecycle ---


@pytest.mark.aws_does("peering-of-overlapping-vpcs-fails")
@pytest.mark.parametrize("cidr", ["10.1.0.0/16", "10.1.128.0/20"])
def test_a_peering_connection_of_overlapping_vpcs_fails(ec2: Any, vpc: str, cidr: str) -> None:
    other = ec2.create_vpc(CidrBlock=cidr)["Vpc"]["VpcId"]
    failed = peer(ec2, vpc, other)
    found = ec2.describe_vpc_peering_connections(VpcPeeringConnectionIds=[failed])["VpcPeeringConnections"][0]
    assert found["Status"] == {
        "Code": "failed",
        "Message": "Failed due to incorrect VPC-ID, Account ID, or overlapping CIDR range",
    }


@pytest.mark.aws_does("peering-of-overlapping-vpcs-fails")
def test_secondary_cidr_blocks_overlap_too(ec2: Any, vpc: str, other_vpc: str) -> None:
    ec2.associate_vpc_cidr_block(VpcId=other_vpc, CidrBlock="10.1.64.0/20")
    assert peering_status(ec2, peer(ec2, vpc, other_vpc)) == "failed"


@pytest.mark.aws_does("peering-is-answered-with-its-status")
def test_the_answer_to_the_request_says_failed_already(ec2: Any, vpc: str, other_vpc: str) -> None:
    same = ec2.create_vpc(CidrBlock="10.1.0.0/16")["Vpc"]["VpcId"]
    made = ec2.create_vpc_peering_connection(VpcId=vpc, PeerVpcId=same)["VpcPeeringConnection"]
    assert made["Status"]["Code"] == "failed"
    made = ec2.create_vpc_peering_connection(VpcId=vpc, PeerVpcId=other_vpc)["VpcPeeringConnection"]
    assert made["Status"]["Code"] == "initiating-request"


def test_other_accounts_and_regions_are_not_there_to_peer_with(ec2: Any, vpc: str, other_vpc: str) -> None:
    with refused("NotImplemented", "does not peer with VPCs of other accounts"):
        ec2.create_vpc_peering_connection(VpcId=vpc, PeerVpcId=other_vpc, PeerOwnerId="210987654321")
    with refused("NotImplemented", "does not peer with VPCs in other regions"):
        ec2.create_vpc_peering_connection(VpcId=vpc, PeerVpcId=other_vpc, PeerRegion="eu-west-1")


def test_a_request_waits_for_acceptance_and_is_then_active(ec2: Any, vpc: str, other_vpc: str) -> None:
    made = peer(ec2, vpc, other_vpc)
    assert peering_status(ec2, made) == "pending-acceptance"
    ec2.get_waiter("vpc_peering_connection_exists").wait(VpcPeeringConnectionIds=[made])
    accepted = ec2.accept_vpc_peering_connection(VpcPeeringConnectionId=made)["VpcPeeringConnection"]
    assert accepted["Status"] == {"Code": "active", "Message": "Active"}
    with refused("VpcPeeringConnectionAlreadyExists", made):
        peer(ec2, other_vpc, vpc)


@pytest.mark.aws_does("peering-is-described-while-it-shows")
def test_an_unanswered_request_expires_after_seven_days(aws: EmbeddedAws, ec2: Any, vpc: str, other_vpc: str) -> None:
    made = peer(ec2, vpc, other_vpc)
    found = ec2.describe_vpc_peering_connections()["VpcPeeringConnections"][0]
    assert found["ExpirationTime"] == START + timedelta(days=7, seconds=2)
    aws.clock.advance(7 * 86400 - 2)
    assert peering_status(ec2, made) == "pending-acceptance"
    aws.clock.advance(2)
    assert peering_status(ec2, made) == "expired"
    with refused("InvalidStateTransition", "from expired to provisioning"):
        ec2.accept_vpc_peering_connection(VpcPeeringConnectionId=made)


@pytest.mark.aws_does("peering-is-described-while-it-shows")
def test_a_failed_one_is_shown_for_two_hours(aws: EmbeddedAws, ec2: Any, vpc: str) -> None:
    failed = peer(ec2, vpc, ec2.create_vpc(CidrBlock="10.1.0.0/16")["Vpc"]["VpcId"])
    aws.clock.advance(2 * 3600 - 10)
    assert peering_status(ec2, failed) == "failed"
    aws.clock.advance(10)
    with refused("InvalidVpcPeeringConnectionID.NotFound", failed):
        peering_status(ec2, failed)


@pytest.mark.aws_does("peering-is-described-while-it-shows")
def test_an_unknown_connection_is_not_found(ec2: Any, vpc: str) -> None:
    with refused("InvalidVpcPeeringConnectionID.NotFound", "The vpcPeeringConnection ID 'pcx-0' does not exist"):
        peering_status(ec2, "pcx-0")


@pytest.mark.aws_does("peering-filters-are-obeyed")
@pytest.mark.parametrize(
    "name, value",
    [
        ("status-code", "active"),
        ("requester-vpc-info.vpc-id", "vpc"),
        ("requester-vpc-info.cidr-block", "10.1.*"),
        ("accepter-vpc-info.vpc-id", "other_vpc"),
        ("accepter-vpc-info.owner-id", "1234567890??"),
        ("tag:Name", "peering-1-2"),
    ],
)
def test_each_filter_is_obeyed(ec2: Any, vpc: str, other_vpc: str, name: str, value: str) -> None:
    """https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeVpcPeeringConnections.html"""
    made = peer(ec2, vpc, other_vpc)
    ec2.accept_vpc_peering_connection(VpcPeeringConnectionId=made)
    ec2.create_tags(Resources=[made], Tags=[{"Key": "Name", "Value": "peering-1-2"}])

    def find(wanted: str) -> list[str]:
        answer = ec2.describe_vpc_peering_connections(Filters=[{"Name": name, "Values": [wanted]}])
        return [found["VpcPeeringConnectionId"] for found in answer["VpcPeeringConnections"]]

    assert find({"vpc": vpc, "other_vpc": other_vpc}.get(value, value)) == [made]
    assert find("something-else") == []


@pytest.mark.aws_does("peering-accept-needs-the-right-status")
def test_a_failed_one_cannot_be_accepted(ec2: Any, vpc: str) -> None:
    failed = peer(ec2, vpc, ec2.create_vpc(CidrBlock="10.1.0.0/16")["Vpc"]["VpcId"])
    message = f"Invalid state transition for {failed}, attempted to transition from failed to provisioning"
    with refused("InvalidStateTransition", message):
        ec2.accept_vpc_peering_connection(VpcPeeringConnectionId=failed)


@pytest.mark.aws_does("peering-reject-needs-the-right-status")
def test_an_active_one_cannot_be_rejected(ec2: Any, vpc: str, other_vpc: str) -> None:
    made = peer(ec2, vpc, other_vpc)
    ec2.accept_vpc_peering_connection(VpcPeeringConnectionId=made)
    with refused("InvalidStateTransition", f"{made}, attempted to transition from active to rejected"):
        ec2.reject_vpc_peering_connection(VpcPeeringConnectionId=made)


@pytest.mark.aws_does("peering-delete-needs-the-right-status")
def test_a_rejected_one_cannot_be_deleted(ec2: Any, vpc: str, other_vpc: str) -> None:
    made = peer(ec2, vpc, other_vpc)
    ec2.reject_vpc_peering_connection(VpcPeeringConnectionId=made)
    with refused("InvalidStateTransition", f"{made}, attempted to transition from rejected to deleting"):
        ec2.delete_vpc_peering_connection(VpcPeeringConnectionId=made)


def test_a_deleted_one_is_shown_as_deleted_for_four_hours(aws: EmbeddedAws, ec2: Any, vpc: str, other_vpc: str) -> None:
    made = peer(ec2, vpc, other_vpc)
    ec2.delete_vpc_peering_connection(VpcPeeringConnectionId=made)
    assert peering_status(ec2, made) == "deleted"
    aws.clock.advance(4 * 3600)
    assert ec2.describe_vpc_peering_connections()["VpcPeeringConnections"] == []


# --- the state of a route: https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_Route.html ---


@pytest.mark.aws_does("route-to-nowhere-is-a-blackhole")
def test_a_route_through_a_peering_connection_is_active_only_while_that_is(ec2: Any, vpc: str, other_vpc: str) -> None:
    table, made = main_table(ec2, vpc), peer(ec2, vpc, other_vpc)
    ec2.create_route(RouteTableId=table, DestinationCidrBlock="10.2.0.0/16", VpcPeeringConnectionId=made)
    assert route_state(ec2, table, "10.2.0.0/16") == "blackhole"
    ec2.accept_vpc_peering_connection(VpcPeeringConnectionId=made)
    assert route_state(ec2, table, "10.2.0.0/16") == "active"
    ec2.delete_vpc_peering_connection(VpcPeeringConnectionId=made)
    assert route_state(ec2, table, "10.2.0.0/16") == "blackhole"
    assert route_state(ec2, table, "10.1.0.0/16") == "active"


@pytest.mark.aws_does("route-to-nowhere-is-a-blackhole")
def test_a_route_to_a_detached_internet_gateway_is_a_blackhole(ec2: Any, vpc: str) -> None:
    table, internet = main_table(ec2, vpc), gateway(ec2, vpc)
    ec2.create_route(RouteTableId=table, DestinationCidrBlock="0.0.0.0/0", GatewayId=internet)
    assert route_state(ec2, table, "0.0.0.0/0") == "active"
    ec2.detach_internet_gateway(InternetGatewayId=internet, VpcId=vpc)
    assert route_state(ec2, table, "0.0.0.0/0") == "blackhole"
    ec2.delete_internet_gateway(InternetGatewayId=internet)
    assert route_state(ec2, table, "0.0.0.0/0") == "blackhole"


@pytest.mark.aws_does("route-to-nowhere-is-a-blackhole")
def test_a_route_to_an_instance_is_a_blackhole_once_it_is_stopped_or_gone(
    ec2: Any, vpc: str, subnet: str, image: str
) -> None:
    table, made = main_table(ec2, vpc), run(ec2, image, subnet)
    interface = made["NetworkInterfaces"][0]["NetworkInterfaceId"]
    ec2.create_route(RouteTableId=table, DestinationCidrBlock="10.8.0.0/16", InstanceId=made["InstanceId"])
    ec2.create_route(RouteTableId=table, DestinationCidrBlock="10.9.0.0/16", NetworkInterfaceId=interface)

    def states() -> list[str | None]:
        return [route_state(ec2, table, "10.8.0.0/16"), route_state(ec2, table, "10.9.0.0/16")]

    assert states() == ["active", "active"]
    ec2.stop_instances(InstanceIds=[made["InstanceId"]])
    assert states() == ["blackhole", "blackhole"]
    ec2.start_instances(InstanceIds=[made["InstanceId"]])
    assert states() == ["active", "active"]
    ec2.terminate_instances(InstanceIds=[made["InstanceId"]])
    assert states() == ["blackhole", "blackhole"]


# --- CreateRoute: https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateRoute.html ---


@pytest.mark.aws_does("routes-are-checked")
def test_the_destination_is_stored_in_canonical_form(ec2: Any, vpc: str) -> None:
    table, internet = main_table(ec2, vpc), gateway(ec2, vpc)
    ec2.create_route(RouteTableId=table, DestinationCidrBlock="10.8.1.1/16", GatewayId=internet)
    assert route_state(ec2, table, "10.8.0.0/16") == "active"
    with refused("RouteAlreadyExists", "The route identified by 10.8.0.0/16 already exists."):
        ec2.create_route(RouteTableId=table, DestinationCidrBlock="10.8.2.2/16", GatewayId=internet)


@pytest.mark.parametrize("malformed", ["10.8.0.0", "10.8.0.0/33", "10.8.0/16", "::/0", "everywhere"])
def test_what_is_no_cidr_block_is_refused(ec2: Any, vpc: str, malformed: str) -> None:
    table, internet = main_table(ec2, vpc), gateway(ec2, vpc)
    message = f"Value ({malformed}) for parameter destinationCidrBlock is invalid. This is not a valid CIDR block."
    with refused("InvalidParameterValue", message):
        ec2.create_route(RouteTableId=table, DestinationCidrBlock=malformed, GatewayId=internet)


@pytest.mark.aws_does("routes-are-checked")
@pytest.mark.parametrize("inside", ["10.1.0.0/16", "10.1.3.0/24"])
def test_a_destination_in_the_vpc_itself_is_refused(ec2: Any, vpc: str, inside: str) -> None:
    message = f"The destination CIDR block {inside} is equal to or more specific than one of this VPC's CIDR blocks."
    with refused("InvalidParameterValue", message):
        ec2.create_route(RouteTableId=main_table(ec2, vpc), DestinationCidrBlock=inside, GatewayId=gateway(ec2, vpc))


@pytest.mark.aws_does("routes-are-checked")
def test_a_gateway_that_is_not_attached_to_this_vpc_is_refused(ec2: Any, vpc: str, other_vpc: str) -> None:
    """https://github.com/smoketurner/serverless-vpc-plugin/issues/147"""
    table = main_table(ec2, vpc)
    loose = ec2.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
    for elsewhere in (loose, gateway(ec2, other_vpc)):
        message = f"route table {table} and network gateway {elsewhere} belong to different networks"
        with refused("InvalidParameterValue", message):
            ec2.create_route(RouteTableId=table, DestinationCidrBlock="0.0.0.0/0", GatewayId=elsewhere)


@pytest.mark.aws_does("routes-are-checked")
@pytest.mark.parametrize(
    "target, code",
    [
        ({}, "MissingParameter"),
        ({"GatewayId": "pcx-0123456789abcdef0"}, "InvalidGatewayID.NotFound"),
        ({"NatGatewayId": "nat-0123456789abcdef0"}, "InvalidNatGatewayID.NotFound"),
        ({"VpcPeeringConnectionId": "pcx-0123456789abcdef0"}, "InvalidVpcPeeringConnectionID.NotFound"),
        ({"GatewayId": "igw-0", "VpcPeeringConnectionId": "pcx-0"}, "InvalidParameterCombination"),
    ],
)
def test_a_route_has_one_target_and_it_exists(ec2: Any, vpc: str, target: dict[str, str], code: str) -> None:
    with refused(code):
        ec2.create_route(RouteTableId=main_table(ec2, vpc), DestinationCidrBlock="10.8.0.0/16", **target)


@pytest.mark.aws_does("routes-are-checked")
def test_a_peering_connection_of_two_other_vpcs_is_refused(ec2: Any, vpc: str, other_vpc: str) -> None:
    third = ec2.create_vpc(CidrBlock="10.3.0.0/16")["Vpc"]["VpcId"]
    made = peer(ec2, other_vpc, third)
    with refused("InvalidParameterValue", "belong to different networks"):
        ec2.create_route(
            RouteTableId=main_table(ec2, vpc), DestinationCidrBlock="10.3.0.0/16", VpcPeeringConnectionId=made
        )


@pytest.mark.aws_does("replaced-routes-are-checked")
def test_a_replaced_route_is_found_by_its_canonical_form_and_checked(ec2: Any, vpc: str, other_vpc: str) -> None:
    table, internet, made = main_table(ec2, vpc), gateway(ec2, vpc), peer(ec2, vpc, other_vpc)
    ec2.create_route(RouteTableId=table, DestinationCidrBlock="10.2.0.0/16", GatewayId=internet)
    ec2.replace_route(RouteTableId=table, DestinationCidrBlock="10.2.0.9/16", VpcPeeringConnectionId=made)
    assert route_state(ec2, table, "10.2.0.0/16") == "blackhole"
    with refused("InvalidParameterValue", "belong to different networks"):
        ec2.replace_route(RouteTableId=table, DestinationCidrBlock="10.2.0.0/16", GatewayId=gateway(ec2, other_vpc))


@pytest.mark.aws_does("local-routes-stay")
def test_a_local_route_cannot_be_deleted(ec2: Any, vpc: str) -> None:
    table, internet = main_table(ec2, vpc), gateway(ec2, vpc)
    ec2.create_route(RouteTableId=table, DestinationCidrBlock="10.8.0.0/16", GatewayId=internet)
    ec2.delete_route(RouteTableId=table, DestinationCidrBlock="10.8.7.7/16")
    assert route_state(ec2, table, "10.8.0.0/16") is None
    with refused("InvalidParameterValue", f"cannot remove local route 10.1.0.0/16 in route table {table}"):
        ec2.delete_route(RouteTableId=table, DestinationCidrBlock="10.1.0.0/16")
