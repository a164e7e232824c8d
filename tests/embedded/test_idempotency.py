"""A request that is sent twice with one client token takes effect once.

https://docs.aws.amazon.com/ec2/latest/devguide/ec2-api-idempotency.html
"""

from __future__ import annotations

from typing import Any

from labkit.embedded import EmbeddedAws
from tests.embedded.support import client, refused, run


def test_the_same_request_is_answered_as_before(ec2: Any, vpc: str) -> None:
    first, second = (ec2.create_route_table(VpcId=vpc, ClientToken="token")["RouteTable"] for _ in range(2))
    assert first == second
    assert len(ec2.describe_route_tables(Filters=[{"Name": "vpc-id", "Values": [vpc]}])["RouteTables"]) == 2


def test_another_request_with_its_token_is_refused(ec2: Any, vpc: str, other_vpc: str) -> None:
    ec2.create_route_table(VpcId=vpc, ClientToken="token")
    with refused("IdempotentParameterMismatch"):
        ec2.create_route_table(VpcId=other_vpc, ClientToken="token")


def test_a_request_that_was_refused_may_be_sent_again(ec2: Any, vpc: str) -> None:
    with refused("InvalidVpcID.NotFound"):
        ec2.create_route_table(VpcId="vpc-00000000000000000", ClientToken="token")
    with refused("InvalidVpcID.NotFound"):
        ec2.create_route_table(VpcId="vpc-00000000000000000", ClientToken="token")
    assert ec2.create_route_table(VpcId=vpc, ClientToken="other")


def test_instances_are_launched_once_for_a_token_and_each_time_without(ec2: Any, subnet: str, image: str) -> None:
    """boto3 generates a new token for each call."""
    once = {run(ec2, image, subnet, ClientToken="token")["InstanceId"] for _ in range(2)}
    assert len(once | {run(ec2, image, subnet)["InstanceId"] for _ in range(2)}) == 3


def test_a_fresh_account_knows_no_token(aws: EmbeddedAws, ec2: Any, vpc: str) -> None:
    from labkit.embedded import start

    ec2.create_route_table(VpcId=vpc, ClientToken="token")
    aws.stop()
    with start() as again:
        fresh = client(again, "ec2")
        made = fresh.create_vpc(CidrBlock="10.5.0.0/16")["Vpc"]["VpcId"]
        assert fresh.create_route_table(VpcId=made, ClientToken="token")["RouteTable"]["VpcId"] == made
