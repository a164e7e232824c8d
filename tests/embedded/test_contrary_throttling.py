"""Throttling: https://docs.aws.amazon.com/ec2/latest/devguide/ec2-api-throttling.html."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from itertools import pairwise
from typing import Any

import pytest
from botocore.exceptions import ClientError

from labkit.embedded import EmbeddedAws
from tests.embedded.support import client, impatient

pytestmark = pytest.mark.behaves("throttling")


def outcomes(call: Callable[[], Any], times: int) -> list[tuple[str, int]]:
    """Make a call so many times, and return the code and HTTP status of each."""
    found = []
    for _ in range(times):
        try:
            call()
            found.append(("", 200))
        except ClientError as error:
            found.append((error.response["Error"]["Code"], error.response["ResponseMetadata"]["HTTPStatusCode"]))
    return found


@pytest.mark.parametrize(
    ("service", "operation", "refusal"),
    [
        ("ec2", "describe_vpcs", ("RequestLimitExceeded", 503)),
        ("iam", "list_roles", ("Throttling", 400)),
        ("sts", "get_caller_identity", ("Throttling", 400)),
        ("logs", "describe_log_groups", ("ThrottlingException", 400)),
        ("ssm", "describe_instance_information", ("ThrottlingException", 400)),
    ],
)
def test_each_service_refuses_with_a_code_of_its_own(
    aws: EmbeddedAws, service: str, operation: str, refusal: tuple[str, int]
) -> None:
    found = outcomes(getattr(impatient(aws, service), operation), 120)
    assert set(found) == {("", 200), refusal}
    assert 4 <= found.count(refusal) <= 20, "about one in twelve"
    assert (refusal, refusal) not in pairwise(found), "never the same action twice in a row"


@pytest.mark.behaves("throttling", "eventual-consistency")
def test_a_call_that_was_refused_for_another_reason_is_not_throttled_next(aws: EmbeddedAws) -> None:
    """botocore gives up after five attempts, whatever the reasons are."""
    ec2, found = impatient(aws, "ec2"), []
    for _ in range(40):
        for _ in range(2):
            with suppress(ClientError):
                vpc = ec2.create_vpc(CidrBlock="10.1.0.0/16")["Vpc"]["VpcId"]
                break
        found += outcomes(lambda vpc=vpc: ec2.describe_vpcs(VpcIds=[vpc]), 12)  # type: ignore[misc]
    unknown, throttled = ("InvalidVpcID.NotFound", 400), ("RequestLimitExceeded", 503)
    assert throttled in found and unknown in found
    assert (unknown, throttled) not in pairwise(found)


def test_what_is_refused_is_not_done(aws: EmbeddedAws) -> None:
    ec2 = impatient(aws, "ec2")
    found = outcomes(ec2.create_internet_gateway, 40)
    aws.clock.advance(1)
    made = aws.client("ec2").describe_internet_gateways()["InternetGateways"]
    assert 0 < found.count(("RequestLimitExceeded", 503)) == 41 - len(made), "the default VPC has one, too"


def test_boto3_repeats_what_is_refused(aws: EmbeddedAws, monkeypatch: pytest.MonkeyPatch) -> None:
    slept: list[float] = []
    monkeypatch.setattr("botocore.endpoint.time.sleep", slept.append)
    for service, operation in (("ec2", "describe_vpcs"), ("iam", "list_roles"), ("logs", "describe_log_groups")):
        for _ in range(60):
            getattr(client(aws, service), operation)()
    assert slept


def test_the_same_calls_are_refused_each_time(aws: EmbeddedAws) -> None:
    first = outcomes(impatient(aws, "ec2").describe_vpcs, 60)
    aws.stop()
    with EmbeddedAws(behaviors=["throttling"]) as another:
        assert outcomes(impatient(another, "ec2").describe_vpcs, 60) == first


@pytest.mark.behaves()
def test_without_the_behavior_nothing_is_refused_and_reading_takes_no_time(aws: EmbeddedAws) -> None:
    before = aws.clock.now()
    assert set(outcomes(impatient(aws, "ec2").describe_vpcs, 60)) == {("", 200)}
    assert aws.clock.now() == before


def test_each_call_takes_a_little_time(aws: EmbeddedAws) -> None:
    """A loop that asks until something is there comes to its end."""
    before = aws.clock.time()
    outcomes(impatient(aws, "ec2").describe_vpcs, 50)
    assert aws.clock.time() - before == pytest.approx(10)
