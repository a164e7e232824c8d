"""States on the way: of instances, peering connections and NAT gateways.

https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/ec2-instance-lifecycle.html,
https://docs.aws.amazon.com/vpc/latest/peering/vpc-peering-basics.html and
https://docs.aws.amazon.com/vpc/latest/userguide/nat-gateway-basics.html
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from labkit.embedded import EmbeddedAws
from tests.embedded.support import (
    assign_public_addresses,
    gateway,
    instance,
    main_table,
    new_vpc,
    peer,
    peering,
    refused,
    route_state,
    run,
)  # fmt: skip


def course(aws: EmbeddedAws, state: Callable[[], str], seconds: int = 150) -> list[str]:
    """Return the states through which something passes in some time, a second at a time."""
    states = []
    for _ in range(seconds):
        states.append(state())
        aws.clock.advance(1)
    return list(dict.fromkeys(states))


# Instances


def state_of(ec2: Any, instance_id: str) -> str:
    return str(instance(ec2, instance_id)["State"]["Name"])


@pytest.fixture
def running(aws: EmbeddedAws, ec2: Any, image: str, subnet: str) -> str:
    """An instance that runs."""
    assign_public_addresses(ec2, subnet)
    made = str(run(ec2, image, subnet)["InstanceId"])
    aws.clock.advance(60)
    return made


@pytest.mark.behaves("instance-states")
def test_a_new_instance_is_pending_before_it_runs(aws: EmbeddedAws, ec2: Any, image: str, subnet: str) -> None:
    made = run(ec2, image, subnet)["InstanceId"]
    assert course(aws, lambda: state_of(ec2, made)) == ["pending", "running"]
    assert aws.dataplane.network.instances[made].state == "running", "packets reach it now"


@pytest.mark.behaves("instance-states")
def test_a_pending_instance_can_not_be_stopped(ec2: Any, image: str, subnet: str) -> None:
    made = run(ec2, image, subnet)["InstanceId"]
    assert ec2.describe_instances(InstanceIds=[made])
    with refused("IncorrectInstanceState"):
        ec2.stop_instances(InstanceIds=[made])


@pytest.mark.behaves("instance-states")
def test_an_instance_stops_and_starts_in_some_time(aws: EmbeddedAws, ec2: Any, running: str) -> None:
    answer = ec2.stop_instances(InstanceIds=[running])["StoppingInstances"][0]
    assert (answer["PreviousState"]["Name"], answer["CurrentState"]["Name"]) == ("running", "stopping")
    assert "PublicIpAddress" in instance(ec2, running)
    with refused("IncorrectInstanceState"):
        ec2.start_instances(InstanceIds=[running])
    assert course(aws, lambda: state_of(ec2, running)) == ["stopping", "stopped"]
    assert "PublicIpAddress" not in instance(ec2, running)
    answer = ec2.start_instances(InstanceIds=[running])["StartingInstances"][0]
    assert (answer["PreviousState"]["Name"], answer["CurrentState"]["Name"]) == ("stopped", "pending")
    assert course(aws, lambda: state_of(ec2, running)) == ["pending", "running"]


@pytest.mark.behaves("instance-states")
def test_a_terminating_instance_holds_what_it_has(
    aws: EmbeddedAws, ec2: Any, vpc: str, subnet: str, running: str
) -> None:
    """AWS's words for the gateway: "has some mapped public address(es)"."""
    attached = gateway(ec2, vpc)
    for _ in range(2):  # a second call changes nothing
        answer = ec2.terminate_instances(InstanceIds=[running])["TerminatingInstances"][0]
        assert answer["CurrentState"]["Name"] == "shutting-down"
    with refused("DependencyViolation"):
        ec2.delete_subnet(SubnetId=subnet)
    with refused("DependencyViolation", "mapped public address"):
        ec2.detach_internet_gateway(InternetGatewayId=attached, VpcId=vpc)
    with refused("IncorrectInstanceState"):
        ec2.stop_instances(InstanceIds=[running])
    assert course(aws, lambda: state_of(ec2, running)) == ["shutting-down", "terminated"]
    ec2.detach_internet_gateway(InternetGatewayId=attached, VpcId=vpc)
    ec2.delete_subnet(SubnetId=subnet)


@pytest.mark.behaves("instance-states")
def test_termination_protection_still_protects(aws: EmbeddedAws, ec2: Any, running: str) -> None:
    ec2.modify_instance_attribute(InstanceId=running, DisableApiTermination={"Value": True})
    with refused("OperationNotPermitted"):
        ec2.terminate_instances(InstanceIds=[running])
    assert course(aws, lambda: state_of(ec2, running)) == ["running"]


@pytest.mark.behaves("instance-states")
def test_a_stopping_instance_can_be_terminated(aws: EmbeddedAws, ec2: Any, running: str) -> None:
    ec2.stop_instances(InstanceIds=[running])
    ec2.terminate_instances(InstanceIds=[running])
    assert course(aws, lambda: state_of(ec2, running)) == ["shutting-down", "terminated"]


@pytest.mark.behaves("instance-states")
def test_a_repeated_launch_does_not_begin_again(aws: EmbeddedAws, ec2: Any, image: str, subnet: str) -> None:
    first = run(ec2, image, subnet, ClientToken="a")["InstanceId"]
    aws.clock.advance(60)
    assert run(ec2, image, subnet, ClientToken="a")["InstanceId"] == first
    assert state_of(ec2, first) == "running"


# Peering connections


def status_of(ec2: Any, connection: str) -> str:
    return str(peering(ec2, connection)["Status"]["Code"])


@pytest.mark.behaves("peering-states")
def test_a_peering_connection_passes_through_four_states(aws: EmbeddedAws, ec2: Any, vpc: str, other_vpc: str) -> None:
    connection = peer(ec2, vpc, other_vpc)
    with refused("InvalidStateTransition"):
        ec2.accept_vpc_peering_connection(VpcPeeringConnectionId=connection)
    assert course(aws, lambda: status_of(ec2, connection)) == ["initiating-request", "pending-acceptance"]
    table = main_table(ec2, vpc)
    route = {"DestinationCidrBlock": "10.2.0.0/16", "VpcPeeringConnectionId": connection}
    ec2.create_route(RouteTableId=table, **route)
    accepted = ec2.accept_vpc_peering_connection(VpcPeeringConnectionId=connection)["VpcPeeringConnection"]
    assert accepted["Status"] == {"Code": "provisioning", "Message": "Provisioning"}
    assert route_state(ec2, table, "10.2.0.0/16") == "blackhole"
    assert course(aws, lambda: status_of(ec2, connection)) == ["provisioning", "active"]
    assert route_state(ec2, table, "10.2.0.0/16") == "active"


@pytest.mark.behaves("peering-states")
def test_overlapping_ranges_fail_only_later(aws: EmbeddedAws, ec2: Any, vpc: str) -> None:
    twin = new_vpc(ec2, "10.1.0.0/16")
    made = ec2.create_vpc_peering_connection(VpcId=vpc, PeerVpcId=twin)["VpcPeeringConnection"]
    assert made["Status"]["Code"] == "initiating-request"
    connection = made["VpcPeeringConnectionId"]
    assert course(aws, lambda: status_of(ec2, connection)) == ["initiating-request", "failed"]
    assert "overlapping CIDR range" in peering(ec2, connection)["Status"]["Message"]
    aws.clock.advance(2 * 3600)
    assert not ec2.describe_vpc_peering_connections()["VpcPeeringConnections"], "it is shown for two hours"


@pytest.mark.behaves("peering-states")
def test_a_deleted_peering_connection_stays_deleted(aws: EmbeddedAws, ec2: Any, vpc: str, other_vpc: str) -> None:
    connection = peer(ec2, vpc, other_vpc)
    aws.clock.advance(10)
    ec2.delete_vpc_peering_connection(VpcPeeringConnectionId=connection)
    assert course(aws, lambda: status_of(ec2, connection)) == ["deleted"]


# NAT gateways


def nat_state(ec2: Any, nat: str) -> str:
    return str(ec2.describe_nat_gateways(NatGatewayIds=[nat])["NatGateways"][0]["State"])


@pytest.mark.behaves("nat-gateway-states")
def test_a_nat_gateway_comes_and_goes_in_a_minute_or_two(aws: EmbeddedAws, ec2: Any, vpc: str, subnet: str) -> None:
    gateway(ec2, vpc)
    address = ec2.allocate_address(Domain="vpc")["AllocationId"]
    made = ec2.create_nat_gateway(SubnetId=subnet, AllocationId=address)["NatGateway"]
    assert made["State"] == "pending"
    nat = made["NatGatewayId"]
    assert course(aws, lambda: nat_state(ec2, nat)) == ["pending", "available"]
    for _ in range(2):  # a second call changes nothing
        assert ec2.delete_nat_gateway(NatGatewayId=nat)["NatGatewayId"] == nat
    with refused("InvalidIPAddress.InUse"):
        ec2.release_address(AllocationId=address)
    with refused("DependencyViolation"):
        ec2.delete_subnet(SubnetId=subnet)
    assert course(aws, lambda: nat_state(ec2, nat)) == ["deleting", "deleted"]
    ec2.release_address(AllocationId=address)
    ec2.delete_subnet(SubnetId=subnet)


@pytest.mark.behaves("nat-gateway-states")
def test_a_pending_nat_gateway_that_is_deleted_never_comes(aws: EmbeddedAws, ec2: Any, subnet: str) -> None:
    nat = ec2.create_nat_gateway(SubnetId=subnet, ConnectivityType="private")["NatGateway"]["NatGatewayId"]
    ec2.delete_nat_gateway(NatGatewayId=nat)
    assert course(aws, lambda: nat_state(ec2, nat)) == ["deleting", "deleted"]
    with refused("NatGatewayNotFound"):
        ec2.delete_nat_gateway(NatGatewayId="nat-0123456789abcdef0")


def test_without_the_behaviors_each_is_there_at_once(
    ec2: Any, image: str, subnet: str, vpc: str, other_vpc: str
) -> None:
    made = run(ec2, image, subnet)["InstanceId"]
    connection = peer(ec2, vpc, other_vpc)
    ec2.accept_vpc_peering_connection(VpcPeeringConnectionId=connection)
    nat = ec2.create_nat_gateway(SubnetId=subnet, ConnectivityType="private")["NatGateway"]["NatGatewayId"]
    assert (state_of(ec2, made), status_of(ec2, connection)) == ("running", "active")
    assert nat_state(ec2, nat) == "available"
