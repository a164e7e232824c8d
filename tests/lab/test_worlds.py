"""Which AWS `labkit.connect` goes to, and by which clock pauses pass there."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import boto3
import botocore.endpoint
import botocore.waiter
import pytest

import labkit
from labkit.embedded import aws
from labkit.errors import LabError
from labkit.lab import Lab
from labkit.session import accounts, consistency, waiting
from labkit.session.accounts import all_behaviors
from labkit.session.findings import Quota, Report
from tests.lab.conftest import elsewhere as elsewhere
from tests.lab.conftest import make_client
from tests.lab.test_names import TRUST


@pytest.fixture(autouse=True)
def worlds(monkeypatch: pytest.MonkeyPatch, elsewhere: None) -> Iterator[None]:
    monkeypatch.setattr("labkit.lab._look", lambda account: Report("", account.region, {}, (), (), None))
    for name in ("LABKIT_AWS", "LABKIT_PROFILE", "LABKIT_REGION"):
        monkeypatch.delenv(name, raising=False)
    made: list[Lab] = []
    real = labkit.connect

    def connect(*where: Any, **more: Any) -> Lab:
        made.append(real(*where, **more))
        return made[-1]

    monkeypatch.setattr(labkit, "connect", connect, raising=False)
    yield
    if made:
        made[-1]._account.close()  # type: ignore[attr-defined]


def behaviors(lab: Lab) -> set[str]:
    return set(lab._account._aws.behaviors)  # type: ignore[attr-defined]


def test_the_world_is_what_is_asked_for_or_else_what_the_environment_says(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert behaviors(labkit.connect()) == set()
    assert capsys.readouterr().out == (
        "Connected to the embedded AWS (account 123456789012, us-east-1); nothing leaves this computer.\n"
    )
    assert behaviors(labkit.connect("contrary")) == set(all_behaviors())
    assert behaviors(labkit.connect("contrary:throttling")) == {"throttling"}
    capsys.readouterr()
    assert behaviors(labkit.connect("contrary:throttling, instance-states")) == {"instance-states", "throttling"}
    assert "contrary in instance-states, throttling); nothing" in capsys.readouterr().out
    monkeypatch.setenv("LABKIT_AWS", "contrary:throttling")
    monkeypatch.setenv("LABKIT_PROFILE", "class")
    assert behaviors(labkit.connect()) == {"throttling"}
    assert behaviors(labkit.connect("embedded")) == set()


def test_the_environment_names_the_profile_and_the_region_of_a_real_account(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LABKIT_AWS", "aws")
    monkeypatch.setenv("LABKIT_PROFILE", "class")
    monkeypatch.setenv("LABKIT_REGION", "eu-west-1")
    seen: list[tuple[Any, ...]] = []

    def real(*given: Any) -> None:
        seen.append(given)
        raise LabError("far enough")

    monkeypatch.setattr("labkit.lab.RealAccount", real)
    for given in ({}, {"profile": "mine"}, {"region": "eu-west-3"}):
        with pytest.raises(LabError, match="far enough"):
            labkit.connect(**given)
    assert seen == [("class", "eu-west-1"), ("mine", "eu-west-1"), ("class", "eu-west-3")]


def test_a_world_that_does_not_exist_and_a_behavior_that_does_not_exist_are_named() -> None:
    for where in ("moon", "aws:throttling", "embedded:throttling"):
        with pytest.raises(LabError, match=rf"There is no AWS called '{where}': connect\(\) goes to"):
            labkit.connect(where)
    with pytest.raises(LabError) as caught:
        labkit.connect("contrary:throtling")
    assert str(caught.value) == (
        f"There is no contrary behavior 'throtling'. Did you mean 'throttling'? They are {', '.join(all_behaviors())}."
    )
    with pytest.raises(LabError, match="one account and one region"):
        labkit.connect("contrary", region="eu-west-1")


def test_in_a_contrary_world_pauses_of_labkit_and_boto3_take_virtual_time_until_another_is_connected() -> None:
    modules = (waiting, botocore.waiter, botocore.endpoint)
    lab = labkit.connect("contrary:instance-states,throttling")
    assert [module.time is time for module in modules] == [False] * 3  # type: ignore[attr-defined]
    started, before = time.monotonic(), lab.clock
    asked = iter([None, None, "there"])
    assert waiting.poll(lambda: next(asked), patience=60, every=5, awaited=lambda: "it") == "there"
    assert lab.clock - before == timedelta(seconds=10)
    assert waiting.poll(lambda: None, patience=60, every=5, awaited=lambda: "it") is None
    assert lab.clock - before == timedelta(seconds=70)
    ec2 = make_client("ec2")
    image = boto3.client("ssm").get_parameter(
        Name="/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-x86_64"
    )["Parameter"]["Value"]
    subnet = ec2.describe_subnets()["Subnets"][0]["SubnetId"]
    made = ec2.run_instances(
        ImageId=image, InstanceType="t3.micro", MinCount=1, MaxCount=1, SubnetId=subnet
    )["Instances"][0]  # fmt: skip
    before = lab.clock
    ec2.get_waiter("instance_running").wait(InstanceIds=[made["InstanceId"]])
    assert timedelta(seconds=10) <= lab.clock - before < timedelta(seconds=40)
    for _ in range(50):  # some of these are throttled, and boto3 repeats them
        ec2.describe_vpcs()
    assert time.monotonic() - started < 10
    labkit.connect()
    assert [module.time is time for module in modules] == [True] * 3  # type: ignore[attr-defined]


def test_a_contrary_world_in_which_the_lab_cannot_be_made_is_left_and_takes_the_embedded_aws_before_it_along(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    blocked = Report("", "us-east-1", {}, (), (Quota("VPCs", 5, 5, 3),), None)
    monkeypatch.setattr("labkit.lab._lab", None)
    environment = dict(os.environ)

    def refuse() -> str:
        with monkeypatch.context() as patch, pytest.raises(LabError, match="cannot be made in this account") as caught:
            patch.setattr("labkit.lab._look", lambda account: blocked)
            labkit.connect("contrary")
        assert aws._current is None and consistency.current() is None and waiting.time is time
        return str(caught.value)

    assert "embedded" not in refuse(), "there was none before"
    assert dict(os.environ) == environment
    before = labkit.connect()
    ec2 = make_client("ec2")
    ec2.create_vpc(CidrBlock="10.1.0.0/16", TagSpecifications=before.tags("vpc", "vpc-1"))
    environment = dict(os.environ)
    assert refuse().endswith(
        "\nA kernel has one embedded AWS at a time, so what an earlier one held is gone. Connect again "
        "before you go on, such as with connect('embedded')."
    )
    assert dict(os.environ) == environment, "calls go nowhere, rather than to an account that was not confirmed"
    assert labkit.connect().find("vpc-1") is None


def test_who_does_not_confirm_a_real_account_stays_in_virtual_time(monkeypatch: pytest.MonkeyPatch) -> None:
    lab = labkit.connect("contrary:throttling")
    virtual = waiting.time
    monkeypatch.setattr("labkit.session.accounts._profiles", lambda: "None.")
    with pytest.raises(LabError, match="could not be found"):
        labkit.connect("aws", profile="gone")
    assert waiting.time is virtual
    assert lab.find("vpc-1") is None


def test_a_real_account_after_a_contrary_world_is_asked_once_for_what_was_made_there(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Moments of virtual time are decades away from those of this computer's clock."""
    labkit.connect("contrary:eventual-consistency")
    make_client("iam").create_role(RoleName="role", AssumeRolePolicyDocument=TRUST)
    asked: list[str] = []

    def real(*_: Any) -> None:
        accounts._go()
        assert consistency.look("role", lambda: asked.append("role")) is None  # type: ignore[func-returns-value]
        raise LabError("far enough")

    monkeypatch.setattr("labkit.lab.RealAccount", real)
    monkeypatch.setattr(time, "sleep", lambda _: pytest.fail("there is nothing to wait for"))
    with pytest.raises(LabError, match="far enough"):
        labkit.connect("aws")
    assert asked == ["role"]
    made = consistency.current()
    assert made is not None, "whoever stays goes on waiting for what was made there"
    with monkeypatch.context() as patch:
        patch.setattr(consistency, "time", time)
        assert made.seconds_left("role") == 60
