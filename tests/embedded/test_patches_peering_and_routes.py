"""Peering connections, and the routes that lead through them and elsewhere, as AWS has them."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from labkit.embedded import EmbeddedAws
from labkit.embedded.clock import START
from tests.embedded.support import (
    gateway,
    main_table,
    new_vpc,
    peer,
    peering,
    refused,
    route_state,
    route_table,
    run,
    where,
)


def status(ec2: Any, id: str) -> str:
    return str(peering(ec2, id)["Status"]["Code"])


def peering_that_is(wanted: str, ec2: Any, vpc: str, other_vpc: str) -> str:
    """Make a peering connection that is failed, pending-acceptance, active, rejected or deleted; return its id."""
    made = peer(ec2, vpc, new_vpc(ec2, "10.1.0.0/16") if wanted == "failed" else other_vpc)
    actions = {
        "active": ec2.accept_vpc_peering_connection,
        "rejected": ec2.reject_vpc_peering_connection,
        "deleted": ec2.delete_vpc_peering_connection,
    }
    if wanted in actions:
        actions[wanted](VpcPeeringConnectionId=made)
    assert status(ec2, made) == wanted
    return made


# --- peering: https://docs.aws.amazon.com/vpc/latest/peering/vpc-peering-basics.html#vpc-peering-lifecycle ---


@pytest.mark.aws_does("peering-of-overlapping-vpcs-fails")
def test_a_peering_connection_of_overlapping_vpcs_fails(ec2: Any, vpc: str, other_vpc: str) -> None:
    message = "Failed due to incorrect VPC-ID, Account ID, or overlapping CIDR range"
    ec2.associate_vpc_cidr_block(VpcId=other_vpc, CidrBlock="10.1.64.0/20")
    for other in (new_vpc(ec2, "10.1.0.0/16"), new_vpc(ec2, "10.1.128.0/20"), other_vpc):
        assert peering(ec2, peer(ec2, vpc, other))["Status"] == {"Code": "failed", "Message": message}


@pytest.mark.aws_does("peering-is-answered-with-its-status")
def test_the_answer_to_the_request_says_failed_already(ec2: Any, vpc: str, other_vpc: str) -> None:
    same = new_vpc(ec2, "10.1.0.0/16")
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
    assert status(ec2, made) == "pending-acceptance"
    ec2.get_waiter("vpc_peering_connection_exists").wait(VpcPeeringConnectionIds=[made])
    accepted = ec2.accept_vpc_peering_connection(VpcPeeringConnectionId=made)["VpcPeeringConnection"]
    assert accepted["Status"] == {"Code": "active", "Message": "Active"}
    with refused("VpcPeeringConnectionAlreadyExists", made):
        peer(ec2, other_vpc, vpc)


@pytest.mark.aws_does("ended-peering-is-shown-for-hours")
def test_an_unanswered_request_expires_after_seven_days(aws: EmbeddedAws, ec2: Any, vpc: str, other_vpc: str) -> None:
    made = peer(ec2, vpc, other_vpc)
    assert peering(ec2, made)["ExpirationTime"] == START + timedelta(days=7, seconds=2)
    aws.clock.advance(7 * 86400 - 2)
    assert status(ec2, made) == "pending-acceptance"
    aws.clock.advance(2)
    assert status(ec2, made) == "expired"
    with refused("InvalidStateTransition", "from expired to provisioning"):
        ec2.accept_vpc_peering_connection(VpcPeeringConnectionId=made)


@pytest.mark.aws_does("ended-peering-is-shown-for-hours")
@pytest.mark.parametrize("ended, hours", [("failed", 2), ("rejected", 2), ("deleted", 2), ("expired", 48)])
def test_an_ended_one_is_shown_for_two_hours_or_two_days(
    aws: EmbeddedAws, ec2: Any, vpc: str, other_vpc: str, ended: str, hours: int
) -> None:
    """Those are the hours where both VPCs are of one account, as they always are here."""
    made = peering_that_is("pending-acceptance" if ended == "expired" else ended, ec2, vpc, other_vpc)
    if ended == "expired":
        aws.clock.jump_to(peering(ec2, made)["ExpirationTime"])
    assert status(ec2, made) == ended
    aws.clock.advance(hours * 3600 - 10)
    assert status(ec2, made) == ended
    aws.clock.advance(10)
    with refused("InvalidVpcPeeringConnectionID.NotFound", made):
        status(ec2, made)


@pytest.mark.aws_does("ended-peering-is-shown-for-hours")
def test_an_unknown_connection_is_not_found(ec2: Any, vpc: str) -> None:
    with refused("InvalidVpcPeeringConnectionID.NotFound", "The vpcPeeringConnection ID 'pcx-0' does not exist"):
        status(ec2, "pcx-0")


@pytest.mark.aws_does("peering-filters-are-obeyed")
def test_each_filter_is_obeyed(ec2: Any, vpc: str, other_vpc: str) -> None:
    """https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeVpcPeeringConnections.html"""
    made = peering_that_is("active", ec2, vpc, other_vpc)
    ec2.create_tags(Resources=[made], Tags=[{"Key": "Name", "Value": "peering-1-2"}])
    for name, value in (
        ("status-code", "active"),
        ("requester-vpc-info.vpc-id", vpc),
        ("requester-vpc-info.cidr-block", "10.1.*"),
        ("accepter-vpc-info.vpc-id", other_vpc),
        ("accepter-vpc-info.owner-id", "1234567890??"),
        ("tag:Name", "peering-1-2"),
    ):
        for wanted, expected in ((value, [made]), ("something-else", [])):
            found = ec2.describe_vpc_peering_connections(Filters=where(name, wanted))["VpcPeeringConnections"]
            assert [each["VpcPeeringConnectionId"] for each in found] == expected, name


#: The status in which each patch finds a connection, the action that it refuses then, and the status aimed at.
WRONG_STATUS = {
    "peering-accept-needs-the-right-status": ("failed", "accept", "provisioning"),
    "peering-reject-needs-the-right-status": ("active", "reject", "rejected"),
    "peering-delete-needs-the-right-status": ("rejected", "delete", "deleting"),
}


@pytest.mark.aws_does(*WRONG_STATUS)
def test_an_action_needs_the_right_status(ec2: Any, vpc: str, other_vpc: str, patch: str) -> None:
    found, action, goal = WRONG_STATUS[patch]
    made = peering_that_is(found, ec2, vpc, other_vpc)
    message = f"Invalid state transition for {made}, attempted to transition from {found} to {goal}"
    with refused("InvalidStateTransition", message):
        getattr(ec2, f"{action}_vpc_peering_connection")(VpcPeeringConnectionId=made)


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


def test_each_block_of_a_vpc_has_a_local_route_in_every_table(ec2: Any, vpc: str) -> None:
    """https://docs.aws.amazon.com/vpc/latest/userguide/subnet-route-tables.html"""
    ec2.create_route_table(VpcId=vpc)
    tables = ec2.describe_route_tables(Filters=where("vpc-id", vpc))["RouteTables"]
    assert [any(one["Main"] for one in table["Associations"]) for table in tables].count(True) == 1
    for table in tables:
        (local,) = table["Routes"]
        assert (local["DestinationCidrBlock"], local["GatewayId"], local["State"]) == ("10.1.0.0/16", "local", "active")


# --- CreateRoute: https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateRoute.html ---


@pytest.mark.aws_does("routes-are-checked")
def test_the_destination_is_stored_in_canonical_form(ec2: Any, vpc: str) -> None:
    table, internet = main_table(ec2, vpc), gateway(ec2, vpc)
    ec2.create_route(RouteTableId=table, DestinationCidrBlock="10.8.1.1/16", GatewayId=internet)
    assert route_state(ec2, table, "10.8.0.0/16") == "active"
    with refused("RouteAlreadyExists", "The route identified by 10.8.0.0/16 already exists."):
        ec2.create_route(RouteTableId=table, DestinationCidrBlock="10.8.2.2/16", GatewayId=internet)


def test_what_is_no_cidr_block_is_refused(ec2: Any, vpc: str) -> None:
    table, internet = main_table(ec2, vpc), gateway(ec2, vpc)
    for malformed in ("10.8.0.0", "10.8.0.0/33", "10.8.0/16", "::/0", "everywhere"):
        message = f"Value ({malformed}) for parameter destinationCidrBlock is invalid. This is not a valid CIDR block."
        with refused("InvalidParameterValue", message):
            ec2.create_route(RouteTableId=table, DestinationCidrBlock=malformed, GatewayId=internet)


@pytest.mark.aws_does("routes-are-checked")
def test_a_destination_in_the_vpc_itself_is_refused(ec2: Any, vpc: str) -> None:
    table, internet = main_table(ec2, vpc), gateway(ec2, vpc)
    for inside in ("10.1.0.0/16", "10.1.3.0/24"):
        message = f"CIDR block {inside} is equal to or more specific than one of this VPC's CIDR blocks."
        with refused("InvalidParameterValue", message):
            ec2.create_route(RouteTableId=table, DestinationCidrBlock=inside, GatewayId=internet)


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
def test_a_route_has_one_target_and_it_exists(ec2: Any, vpc: str) -> None:
    wrong: list[tuple[dict[str, str], str]] = [
        ({}, "MissingParameter"),
        ({"GatewayId": "pcx-0123456789abcdef0"}, "InvalidGatewayID.NotFound"),
        ({"NatGatewayId": "nat-0123456789abcdef0"}, "InvalidNatGatewayID.NotFound"),
        ({"VpcPeeringConnectionId": "pcx-0123456789abcdef0"}, "InvalidVpcPeeringConnectionID.NotFound"),
        ({"GatewayId": "igw-0", "VpcPeeringConnectionId": "pcx-0"}, "InvalidParameterCombination"),
    ]
    for target, code in wrong:
        with refused(code):
            ec2.create_route(RouteTableId=main_table(ec2, vpc), DestinationCidrBlock="10.8.0.0/16", **target)


@pytest.mark.aws_does("routes-are-checked")
def test_a_peering_connection_of_two_other_vpcs_is_refused(ec2: Any, vpc: str, other_vpc: str) -> None:
    third = new_vpc(ec2, "10.3.0.0/16")
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


# --- one table for a subnet: https://docs.aws.amazon.com/vpc/latest/userguide/subnet-route-tables.html ---


@pytest.mark.aws_does("a-subnet-has-one-route-table")
def test_a_second_route_table_for_a_subnet_is_refused(ec2: Any, vpc: str, subnet: str) -> None:
    """https://github.com/hashicorp/terraform-provider-aws/issues/38960"""
    first, second = (route_table(ec2, vpc) for _ in range(2))
    made = ec2.associate_route_table(RouteTableId=first, SubnetId=subnet)["AssociationId"]
    message = f"the specified association for route table {second} conflicts with an existing association"
    with refused("Resource.AlreadyAssociated", message):
        ec2.associate_route_table(RouteTableId=second, SubnetId=subnet)
    ec2.disassociate_route_table(AssociationId=made)
    made = ec2.associate_route_table(RouteTableId=second, SubnetId=subnet)["AssociationId"]
    moved = ec2.replace_route_table_association(AssociationId=made, RouteTableId=first)["NewAssociationId"]
    assert [each["RouteTableAssociationId"] for each in _associations(ec2, first)] == [moved]
    assert _associations(ec2, second) == []


def test_the_same_route_table_again_is_answered_with_the_association_that_is_there(
    ec2: Any, vpc: str, subnet: str
) -> None:
    """Modeled: AWS doesn't say, and its list of idempotent actions is silent about this one.

    https://docs.aws.amazon.com/ec2/latest/devguide/ec2-api-idempotency.html
    """
    table = route_table(ec2, vpc)
    first, again = (ec2.associate_route_table(RouteTableId=table, SubnetId=subnet)["AssociationId"] for _ in range(2))
    assert first == again
    assert len(_associations(ec2, table)) == 1


@pytest.mark.aws_does("a-subnet-has-one-route-table")
def test_a_second_route_table_for_a_gateway_is_refused(ec2: Any, vpc: str) -> None:
    first, second = (route_table(ec2, vpc) for _ in range(2))
    internet = gateway(ec2, vpc)
    ec2.associate_route_table(RouteTableId=first, GatewayId=internet)
    with refused("Resource.AlreadyAssociated", f"route table {second} conflicts with an existing association"):
        ec2.associate_route_table(RouteTableId=second, GatewayId=internet)


def _associations(ec2: Any, table: str) -> Any:
    return ec2.describe_route_tables(RouteTableIds=[table])["RouteTables"][0]["Associations"]


# --- one internet gateway for a VPC: https://docs.aws.amazon.com/vpc/latest/userguide/amazon-vpc-limits.html ---


@pytest.mark.aws_does("a-vpc-has-one-internet-gateway")
def test_a_second_internet_gateway_of_a_vpc_is_refused(ec2: Any, vpc: str) -> None:
    """https://github.com/binlab/terraform-aws-vault-ha-raft/issues/54"""
    first = gateway(ec2, vpc)
    with refused("InvalidParameterValue", f"Network {vpc} already has an internet gateway attached"):
        gateway(ec2, vpc)
    ec2.detach_internet_gateway(InternetGatewayId=first, VpcId=vpc)
    gateway(ec2, vpc)


@pytest.mark.aws_does("a-vpc-has-one-internet-gateway")
def test_an_attached_internet_gateway_is_not_attached_again(ec2: Any, vpc: str, other_vpc: str) -> None:
    """https://github.com/berlioz-the/berlioz/issues/1; that the VPC that has it is named in both cases is modeled."""
    internet = gateway(ec2, vpc)
    for wanted in (vpc, other_vpc):
        with refused("Resource.AlreadyAssociated", f"resource {internet} is already attached to network {vpc}"):
            ec2.attach_internet_gateway(InternetGatewayId=internet, VpcId=wanted)
