"""What differs on a real account: who may connect to it, and waiting. No call leaves this machine."""

from __future__ import annotations

import builtins
import os
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import boto3
import pytest
from botocore.exceptions import ClientError, NoCredentialsError
from botocore.stub import ANY, Stubber

import labkit
import labkit.lab as lab_module
from labkit import embedded
from labkit.errors import LabError
from labkit.lab import Lab
from labkit.session import accounts, shell
from labkit.session.findings import Quota, Report
from labkit.session.waiting import poll
from tests.lab.conftest import Built, aws_of, make_client, refusal
from tests.lab.conftest import elsewhere as elsewhere

NUMBER = "210987654321"


class Clock:
    """A real clock that passes only while somebody sleeps."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def monotonic(self) -> float:
        return self.seconds

    def sleep(self, seconds: float) -> None:
        self.seconds += seconds

    def now(self, _: object = None) -> datetime:
        return datetime(2026, 1, 5, 9, 0, tzinfo=UTC) + timedelta(seconds=self.seconds)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock()
    for module in (accounts.poll.__globals__, shell.__dict__):
        monkeypatch.setitem(module, "time", made)
    return made


LOOKED = Report("arn:aws:iam::210987654321:user/ana", "eu-west-1", {}, (), (), None)


@pytest.fixture
def sign_in(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Callable[..., None]]:
    """A computer with two profiles, on which STS says that the account is NUMBER, or refuses."""
    config = tmp_path / "config"
    config.write_text("[default]\nregion = eu-west-1\n[profile class]\nregion = eu-west-3\n")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(config))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", os.devnull)
    for name in ("AWS_PROFILE", "AWS_REGION", "AWS_DEFAULT_REGION"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "of-the-environment")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "x")

    real = boto3.Session.client

    def sign_in(error: Exception | None = None) -> None:
        identity = Mock(return_value={"Account": NUMBER}, side_effect=error)
        sts = Mock(get_caller_identity=identity)
        monkeypatch.setattr(
            boto3.Session, "client", lambda self, name, **more: sts if name == "sts" else real(self, name, **more)
        )

    sign_in()
    # What a look finds is in test_preflight.py.
    monkeypatch.setattr("labkit.session.preflight.preflight", lambda client, region: LOOKED)
    yield sign_in
    accounts._go()


def answer(monkeypatch: pytest.MonkeyPatch, reply: str | Exception) -> Mock:
    asked = Mock(return_value=reply, side_effect=reply if isinstance(reply, Exception) else None)
    monkeypatch.setattr(builtins, "input", asked)
    return asked


# Who may connect to it


def test_the_account_is_named_and_asked_for(
    sign_in: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = answer(monkeypatch, f" {NUMBER} ")
    lab = labkit.connect("aws")
    assert (lab.account, lab.region) == (NUMBER, "eu-west-1")
    asked.assert_called_once_with(f"Type the account number {NUMBER} to go on: ")
    shown = capsys.readouterr().out
    assert f"This is the AWS account {NUMBER}, eu-west-1." in shown and "costs money" in shown
    assert shown.startswith(f"{LOOKED}\n"), "what a look found comes first"


@pytest.mark.usefixtures("elsewhere")
def test_nobody_is_asked_for_an_account_in_which_the_lab_cannot_be_made(
    sign_in: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    blocked = replace(LOOKED, findings=(Quota("VPCs", 5, 5, 3),))
    monkeypatch.setattr("labkit.session.preflight.preflight", lambda client, region: blocked)
    asked = answer(monkeypatch, NUMBER)
    environment = dict(os.environ)
    with pytest.raises(LabError, match=r"nothing was made.\n- VPCs: 5 of 5 in use, 3 more needed. Delete what nobody"):
        labkit.connect("aws")
    asked.assert_not_called()
    assert dict(os.environ) == environment
    assert str(blocked) in capsys.readouterr().out


def test_a_profile_and_a_region_are_used_and_credentials_of_the_environment_do_not_beat_the_profile(
    sign_in: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """botocore prefers AWS_ACCESS_KEY_ID to AWS_PROFILE:
    https://docs.aws.amazon.com/boto3/latest/guide/credentials.html
    """
    answer(monkeypatch, NUMBER)
    assert labkit.connect("aws", profile="class").region == "eu-west-3"
    assert os.environ["AWS_PROFILE"] == "class" and "AWS_ACCESS_KEY_ID" not in os.environ
    assert labkit.connect("aws", region="us-west-2").region == "us-west-2"
    assert "AWS_PROFILE" not in os.environ and os.environ["AWS_ACCESS_KEY_ID"] == "of-the-environment"


@pytest.mark.parametrize(
    ("reply", "words"),
    [
        ("yes", "the account number was not confirmed"),
        ("", "the account number was not confirmed"),
        (EOFError(), "nobody here to confirm the account. Run this in a notebook or in a terminal"),
        (NotImplementedError("raw_input was called, but this frontend does not support it"), "nobody here"),
    ],
)
@pytest.mark.usefixtures("elsewhere")
def test_whoever_does_not_confirm_stays_where_they_were(
    sign_in: Any, monkeypatch: pytest.MonkeyPatch, reply: Any, words: str
) -> None:
    lab = labkit.connect()
    environment = dict(os.environ)
    answer(monkeypatch, reply)
    with pytest.raises(LabError, match=words):
        labkit.connect("aws", profile="class")
    assert dict(os.environ) == environment
    monkeypatch.undo()
    os.environ.update(environment)
    assert make_client("sts").meta.endpoint_url == embedded.start().endpoint_url
    lab._account.close()  # type: ignore[attr-defined]


@pytest.mark.usefixtures("elsewhere")
def test_clients_of_the_embedded_aws_do_not_pass_for_the_accounts(
    sign_in: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    labkit.connect()
    client = make_client("ec2")
    assert client.describe_vpcs()["Vpcs"]
    answer(monkeypatch, NUMBER)
    labkit.connect("aws")
    assert "AWS_ENDPOINT_URL" not in os.environ
    with pytest.raises(LabError, match="does not talk to the AWS account 210987654321, eu-west-1. Make it again"):
        client.describe_vpcs()


def test_an_unknown_profile_is_named_with_those_that_exist(sign_in: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_PROFILE", "gone")
    for profile in (None, "klass"):
        with pytest.raises(LabError) as caught:
            labkit.connect("aws", profile=profile)
        assert str(caught.value) == (
            f"The config profile ({profile or 'gone'}) could not be found. "
            "The profiles on this computer are default, class: connect('aws', profile=…)."
        )


@pytest.mark.parametrize("error", [NoCredentialsError(), refusal("ExpiredToken", "The token has expired.")])
def test_credentials_that_do_not_work(sign_in: Any, error: Exception) -> None:
    sign_in(error)
    with pytest.raises(LabError, match=r"AWS did not let us in: .*[^.]\. Sign in .* then connect again\."):
        labkit.connect("aws")


def test_a_region_that_is_not_enabled_looks_like_wrong_credentials(sign_in: Any) -> None:
    """https://docs.aws.amazon.com/accounts/latest/reference/manage-acct-regions.html"""
    sign_in(refusal("InvalidClientTokenId", "The security token included in the request is invalid."))
    with pytest.raises(LabError, match="Or is af-south-1 a region that this account has not enabled"):
        labkit.connect("aws", region="af-south-1")


def test_a_refusal_that_only_mentions_the_code_of_such_a_region_is_about_the_credentials(sign_in: Any) -> None:
    sign_in(refusal("AccessDenied", "See InvalidClientTokenId."))
    with pytest.raises(LabError, match=r"then connect again\.$"):
        labkit.connect("aws")


def test_no_region(sign_in: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_CONFIG_FILE", os.devnull)
    with pytest.raises(LabError, match="No region is set. Name one: connect\\('aws', region='us-east-1'\\)."):
        labkit.connect("aws")


# Waiting


def test_polling_asks_until_the_answer_is_there_or_patience_ends_and_says_once_what_it_waits_for(
    clock: Clock, capsys: pytest.CaptureFixture[str]
) -> None:
    answers = iter([None, None, "there"])
    assert poll(lambda: next(answers), patience=60, every=5, awaited=lambda: "it") == "there"
    assert clock.seconds == 10
    assert capsys.readouterr() == ("", "waiting for it\n")
    assert poll(lambda: None, patience=60, every=5, awaited=lambda: "it") is None
    assert clock.seconds == 10 + 60


class OnAccount:
    """A real account, without one."""

    number, region, patience = NUMBER, "us-east-1", 180.0
    settle = accounts.RealAccount.settle

    def __init__(self, clock: Clock, lab: Lab) -> None:
        self.now = clock.now
        self.client, self.world = lab._account.client, lab._account.world


def test_what_aws_does_not_know_yet_is_asked_again_and_another_refusal_is_raised_at_once(
    lab: Lab, clock: Clock
) -> None:
    """https://docs.aws.amazon.com/ec2/latest/devguide/eventual-consistency.html"""
    lab = Lab(OnAccount(clock, lab))

    def seconds(*answers: Any, lasting: Exception | None = None) -> float:
        """How long `eventually` takes for an operation that gives these answers, and then goes on failing."""
        left, before = list(answers), clock.seconds

        def operation(**parameters: Any) -> Any:
            assert parameters == {"VpcId": "v"}
            answer = left.pop(0) if left else lasting
            if isinstance(answer, Exception):
                raise answer
            return answer

        if lasting:
            with pytest.raises(ClientError, match=lasting.response["Error"]["Code"]):  # type: ignore[attr-defined]
                lab.eventually(operation, VpcId="v")
        else:
            assert lab.eventually(operation, VpcId="v") == answers[-1] and not left
        return clock.seconds - before

    for error in (
        refusal("InvalidParameterValue", "Value (NimbusInstanceProfile) … Invalid IAM Instance Profile name"),
        refusal("InvalidParameterValue", 'IAM Instance Profile "arn:…" has no associated IAM Roles'),
        refusal("InvalidParameter", "Unable to assume given IAM role"),
    ):
        assert seconds(error, error, {"done": 1}) == 6
        assert seconds(lasting=error) == 180
    for code in ("UnauthorizedOperation", "InvalidVpcID.NotFound", "InvalidRoute.NotFound"):
        assert seconds(lasting=refusal(code, "no")) == 0
    assert seconds(None) == 0, "an operation that answers nothing is done too"


def test_a_command_is_followed_from_before_aws_knows_it_to_its_end(
    built: Built, clock: Clock, capsys: pytest.CaptureFixture[str]
) -> None:
    ssm = make_client("ssm", region_name="us-east-1")
    with Stubber(ssm) as stub:
        nobody: dict[str, Any] = {"InstanceInformationList": []}
        online = {"InstanceInformationList": [{"InstanceId": built.instance_1, "PingStatus": "Online"}]}
        stub.add_response("describe_instance_information", nobody, {"Filters": ANY})
        stub.add_response("describe_instance_information", online, {"Filters": ANY})
        stub.add_response("send_command", {"Command": {"CommandId": "c" * 36}})
        stub.add_client_error("get_command_invocation", "InvocationDoesNotExist")
        for status, out, err, code in [
            ("Pending", "", "", -1),
            ("InProgress", "one\n", "", -1),
            ("Failed", "one\ntwo\n", "oh\nfailed to run commands: exit status 1", 1),
        ]:
            reply = {"Status": status, "StatusDetails": status, "ResponseCode": code}
            reply |= {"StandardOutputContent": out, "StandardErrorContent": err}
            stub.add_response("get_command_invocation", reply, {"CommandId": ANY, "InstanceId": built.instance_1})
        output = shell.run(built.ec2, ssm, "instance-1", "x", patience=180)
        stub.assert_no_pending_responses()
    assert (output.stdout, output.stderr, output.exit_code) == ("one\ntwo\n", "oh\n", 1)
    assert capsys.readouterr().out == "one\ntwo\noh\n"
    assert clock.seconds == 5 + 3


def test_a_command_that_does_not_end_by_itself_is_reported(
    built: Built, clock: Clock, capsys: pytest.CaptureFixture[str]
) -> None:
    ssm = built.lab.client("ssm")
    sent = ssm.send_command(
        InstanceIds=[built.instance_1], DocumentName="AWS-RunShellScript",
        Parameters={"commands": ["ping 10.2.0.126"], "executionTimeout": ["5"]},
    )  # fmt: skip
    real = ssm.send_command
    try:
        ssm.send_command = lambda **_: sent
        shell.run(built.ec2, ssm, "instance-1", "ping 10.2.0.126", patience=0)
    finally:
        ssm.send_command = real
    assert capsys.readouterr().out.endswith("The command did not end by itself: ExecutionTimedOut.\n")


def test_an_agent_that_never_reports(built: Built, clock: Clock) -> None:
    built.ec2.delete_route(RouteTableId=built.route_table_1, DestinationCidrBlock="0.0.0.0/0")
    with pytest.raises(LabError, match="Systems Manager cannot reach instance-1"):
        shell.run(built.ec2, built.lab.client("ssm"), "instance-1", "hostname", patience=180)
    assert clock.seconds == 180


# Waiting for flow logs: a real account, over the embedded AWS, whose clock goes on while the lab sleeps


@pytest.fixture
def on_account(built: Built, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> Lab:
    aws = aws_of(built.lab)
    account = OnAccount(clock, built.lab)
    account.now = aws.clock.now
    sleep = clock.sleep

    def sleep_both(seconds: float) -> None:
        sleep(seconds)
        aws.clock.advance(seconds)

    monkeypatch.setattr(clock, "sleep", sleep_both)
    return Lab(account)


def test_waiting_ends_when_every_running_instance_has_delivered(on_account: Lab, built: Built) -> None:
    before = on_account.clock
    on_account.wait_for_flow_logs()
    assert timedelta(minutes=5) < on_account.clock - before <= timedelta(minutes=7, seconds=15)
    for interface in (built.interface_1, built.interface_2):
        assert on_account.records(interface, since=before)


def test_instances_that_are_gone_are_not_waited_for(on_account: Lab, built: Built) -> None:
    on_account.wait_for_flow_logs()
    built.ec2.terminate_instances(InstanceIds=[built.instance_2])
    on_account.wait_for_flow_logs()
    built.ec2.stop_instances(InstanceIds=[built.instance_1])
    before = on_account.clock
    on_account.wait_for_flow_logs()
    assert on_account.clock == before


def test_flow_logs_of_others_are_not_waited_for_and_one_without_the_tag_in_the_labs_group_is(
    built: Built, capsys: pytest.CaptureFixture[str]
) -> None:
    ec2 = built.ec2
    ec2.delete_flow_logs(FlowLogIds=built.flow_logs)

    def deliver(log_group: str) -> str:
        return str(ec2.create_flow_logs(
            ResourceType="Subnet", ResourceIds=[built.subnet_1], TrafficType="ALL",
            LogGroupName=log_group, DeliverLogsPermissionArn=built.role,
        )["FlowLogIds"][0])  # fmt: skip

    theirs = deliver("theirs" * 100)  # which fails, since no log group may have that name
    with pytest.raises(LabError, match="There is no flow log, so no record will come"):
        built.lab.wait_for_flow_logs()
    deliver("NimbusVPCFlowLogsGroup")
    capsys.readouterr()
    built.lab.wait_for_flow_logs()
    built.lab.wait_for_flow_logs()
    shown = capsys.readouterr().out
    assert ec2.describe_flow_logs(FlowLogIds=[theirs])["FlowLogs"][0]["DeliverLogsStatus"] == "FAILED"
    assert "new records" in shown and "FAILED" not in shown


def test_a_failed_delivery_is_believed_after_ten_minutes(
    on_account: Lab, built: Built, capsys: pytest.CaptureFixture[str]
) -> None:
    built.iam.detach_role_policy(RoleName="NimbusVPCFlowLogsRole", PolicyArn=built.policy)
    before = on_account.clock
    on_account.wait_for_flow_logs()
    assert timedelta(minutes=10) < on_account.clock - before < timedelta(minutes=11)
    assert "delivery FAILED, 'Access error'" in capsys.readouterr().out


def test_records_that_never_come(on_account: Lab, built: Built, monkeypatch: pytest.MonkeyPatch) -> None:
    interface = built.interface_1
    monkeypatch.setattr(lab_module, "undelivered", lambda *_: [interface])
    monkeypatch.setattr(Lab, "network", None)
    with pytest.raises(LabError) as caught:
        on_account.wait_for_flow_logs()
    assert f"came within 20 minutes from {interface}." in str(caught.value)
    assert str(caught.value).endswith("Look at the flow log's DeliverLogsStatus, then wait once more.")
