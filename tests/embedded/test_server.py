"""The embedded AWS's server on the loopback, its clients without a socket, its virtual clock and its determinism."""

from __future__ import annotations

import http.client
import json
import os
import socket
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

import pytest
from botocore import xform_name
from botocore.exceptions import ClientError, EndpointConnectionError

from labkit.embedded import Clock, EmbeddedAws, start
from labkit.embedded.clock import START
from tests.embedded.support import client, instance, refused, run, sign

# --- the server ---


def test_it_listens_on_the_loopback_alone(aws: EmbeddedAws) -> None:
    assert urlsplit(aws.endpoint_url).hostname == "127.0.0.1"


def test_a_second_start_gives_the_running_one(aws: EmbeddedAws) -> None:
    assert start() is aws


def test_calls_after_stop_are_refused_on_the_loopback(aws: EmbeddedAws, ec2: Any) -> None:
    ec2.describe_vpcs()
    inside = aws.client("ec2")
    aws.stop()
    with pytest.raises(EndpointConnectionError, match=r"127\.0\.0\.1"):
        ec2.describe_vpcs()
    with pytest.raises(RuntimeError, match="has stopped"):
        inside.describe_vpcs()
    with pytest.raises(RuntimeError, match="has stopped"):
        _ = aws.endpoint_url


def test_a_fresh_start_is_an_empty_account_with_clock_and_ids_at_their_beginning(aws: EmbeddedAws, vpc: str) -> None:
    aws.clock.advance(3600)
    aws.stop()
    again = start()
    try:
        inside = again.client("ec2")
        assert [found["IsDefault"] for found in inside.describe_vpcs()["Vpcs"]] == [True]
        assert again.clock.now() == START
        assert client(again, "ec2").create_vpc(CidrBlock="10.1.0.0/16")["Vpc"]["VpcId"] == vpc
    finally:
        again.stop()


def ask(aws: EmbeddedAws, headers: dict[str, str]) -> tuple[int, str]:
    """Return what a plain HTTP client gets for DescribeVpcs with these headers."""
    port = urlsplit(aws.endpoint_url).port
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    body = b"Action=DescribeVpcs&Version=2016-11-15"
    signed = sign(aws, "POST", "/", body, {"Content-Type": "application/x-www-form-urlencoded"})
    connection.request("POST", "/", body, {**signed, **headers})
    answer = connection.getresponse()
    assert answer.getheader("Access-Control-Allow-Origin") is None
    return answer.status, answer.read().decode()


def test_another_host_name_is_refused_so_that_no_name_can_be_rebound_to_it(aws: EmbeddedAws) -> None:
    assert ask(aws, {})[0] == 200
    assert ask(aws, {"Host": "evil.example"}) == (403, "The embedded AWS answers only to 127.0.0.1 and localhost.")


def test_a_web_page_is_refused(aws: EmbeddedAws) -> None:
    for origin in ("https://evil.example", "null", "http://127.0.0.1:1", "http://localhost.evil.example"):
        assert ask(aws, {"Origin": origin}) == (403, "The embedded AWS does not answer web pages."), origin


def raw(aws: EmbeddedAws, *lines: str) -> tuple[str, str]:
    """Return the status and the rest of the bytes that a request of these lines gets."""
    with socket.create_connection(("127.0.0.1", urlsplit(aws.endpoint_url).port or 0), timeout=5) as connection:
        connection.sendall(("\r\n".join(lines) + "\r\n\r\n").encode())
        status, _, rest = b"".join(iter(lambda: connection.recv(65536), b"")).decode().partition("\r\n")
    return status.split(" ", 1)[1], rest


def test_only_its_own_name_is_answered(aws: EmbeddedAws) -> None:
    """DNS rebinding: a page of evil.example, whose name suddenly means 127.0.0.1, still sends its own name."""
    port = urlsplit(aws.endpoint_url).port
    for host in (
        f"127.0.0.1.evil.example:{port}", "localhost.evil.example", f"evil.example:{port}", "127.0.0.1:1",
        f"[::1]:{port}", f"0.0.0.0:{port}", f"127.0.0.2:{port}", f"127.0.0.1:{port}@evil.example",
        f"127.0.0.1:{port}, evil.example", "",
    ):  # fmt: skip
        assert raw(aws, "GET / HTTP/1.1", f"Host: {host}")[0] == "403 Forbidden", host


def test_a_request_without_a_host_is_refused(aws: EmbeddedAws) -> None:
    assert raw(aws, "GET / HTTP/1.0")[0] == "403 Forbidden"
    assert raw(aws, "GET http://evil.example/ HTTP/1.1", "Host: evil.example")[0] == "403 Forbidden"


def test_a_preflight_is_refused_and_permits_nothing(aws: EmbeddedAws) -> None:
    """A page must ask before it may send Authorization: https://fetch.spec.whatwg.org/#cors-preflight-fetch"""
    for origin in ("https://evil.example", "null", "http://localhost:8888"):
        status, rest = raw(
            aws, "OPTIONS / HTTP/1.1", f"Host: {urlsplit(aws.endpoint_url).netloc}", f"Origin: {origin}",
            "Access-Control-Request-Method: POST", "Access-Control-Request-Headers: authorization",
            "Access-Control-Request-Private-Network: true",
        )  # fmt: skip
        assert status == "403 Forbidden" and "access-control" not in rest.lower(), origin


def test_what_a_page_can_send_without_asking_is_refused(aws: EmbeddedAws) -> None:
    """An image or a form needs no preflight and, as an image, has no Origin; but neither can be signed."""
    netloc, query = urlsplit(aws.endpoint_url).netloc, "Action=CreateVpc&CidrBlock=10.1.0.0/16&Version=2016-11-15"
    signed = f"{query}&X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=x/20251203/us-east-1/ec2/aws4_request"
    for target in (f"/?{query}", f"/?{signed}"):
        assert raw(aws, f"GET {target} HTTP/1.1", f"Host: {netloc}")[0] == "403 Forbidden"
    form = ("POST / HTTP/1.1", f"Host: {netloc}", "Origin: null", "Content-Type: application/x-www-form-urlencoded")
    assert raw(aws, *form, f"Content-Length: {len(query)}", "", query)[0] == "403 Forbidden"
    assert len(aws.client("ec2").describe_vpcs()["Vpcs"]) == 1


def test_no_other_address_of_this_machine_listens(aws: EmbeddedAws) -> None:
    port = urlsplit(aws.endpoint_url).port or 0
    for address in ("127.0.0.2", "::1"):  # the first is the loopback too, on Linux and Windows
        with pytest.raises(OSError):
            socket.create_connection((address, port), timeout=0.5)


def test_an_unsigned_request_is_refused(aws: EmbeddedAws) -> None:
    """https://docs.aws.amazon.com/AWSEC2/latest/APIReference/errors-overview.html: MissingAuthenticationToken."""
    status, body = ask(aws, {"Authorization": ""})
    assert (status, "MissingAuthenticationToken" in body) == (403, True)


# --- what it does not do, and what goes wrong ---


def test_a_service_that_it_lacks_is_refused_by_name(aws: EmbeddedAws) -> None:
    for service, call in (("s3", "list_buckets"), ("lambda", "list_functions"), ("sns", "list_topics")):
        message = f"The embedded AWS does not do the service {service}; it works on a real account"
        with refused("NotImplemented", message):
            getattr(client(aws, service), call)()


def test_an_action_that_it_lacks_is_refused_by_name(ec2: Any) -> None:
    with refused("NotImplemented", "labkit.connect('aws')"):
        ec2.describe_scheduled_instances()
    with refused("NotImplemented", "does not route through transit gateways"):
        ec2.create_transit_gateway()
    assert ec2.describe_transit_gateways()["TransitGateways"] == []


def test_what_moto_only_seems_to_do_says_so_until_a_handler_does_it(aws: EmbeddedAws, logs: Any) -> None:
    logs.create_log_group(logGroupName="group")
    forward = {"filterName": "all", "filterPattern": "", "destinationArn": "arn:aws:lambda:us-east-1:1:function:f"}
    with refused("NotImplemented", "The embedded AWS does not forward log events to other services"):
        logs.put_subscription_filter(logGroupName="group", **forward)
    export = {"logGroupName": "group", "fromTime": 0, "to": 1, "destination": "bucket"}
    with refused("NotImplemented", "The embedded AWS does not export log events to S3"):
        logs.create_export_task(**export)
    aws.server.handlers["logs", "CreateExportTask"] = lambda request: {"taskId": "1"}
    assert logs.create_export_task(**export)["taskId"] == "1"


def test_another_region_is_refused_by_name(aws: EmbeddedAws) -> None:
    with refused("NotImplemented", "does not have the region eu-west-1, only us-east-1"):
        client(aws, "ec2", "eu-west-1").describe_vpcs()


def test_a_python_exception_inside_is_one_sentence_and_not_a_stack_trace(
    aws: EmbeddedAws, ec2: Any, logs: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from moto.ec2.responses import EC2Response
    from moto.logs.responses import LogsResponse

    def broken(self: Any) -> None:
        raise KeyError("surprise")

    monkeypatch.setattr(EC2Response, "describe_vpcs", broken)
    monkeypatch.setattr(LogsResponse, "describe_log_groups", broken)
    with refused("InternalError", "could not carry out ec2 DescribeVpcs (KeyError: 'surprise')"):
        ec2.describe_vpcs()
    with refused("InternalError", "could not carry out logs DescribeLogGroups"):
        logs.describe_log_groups()


# --- DryRun: https://docs.aws.amazon.com/AWSEC2/latest/APIReference/errors-overview.html (DryRunOperation) ---


def test_with_dry_run_every_action_of_ec2_answers_that_it_would_have_succeeded_and_nothing_changes(
    aws: EmbeddedAws, ec2: Any, subnet: str
) -> None:
    import boto3
    from botocore.config import Config

    with_dry_run = [
        name
        for name in ec2.meta.service_model.operation_names
        if "DryRun" in ec2.meta.service_model.operation_model(name).input_shape.members
    ]
    unchecked = boto3.client(
        "ec2", region_name=aws.region, endpoint_url=aws.endpoint_url,
        aws_access_key_id=aws.keys.access_key_id, aws_secret_access_key=aws.keys.secret_access_key,
        config=Config(parameter_validation=False),
    )  # fmt: skip
    before, answers = (ec2.describe_vpcs()["Vpcs"], ec2.describe_subnets()["Subnets"]), dict[str, tuple[str, int]]()
    for name in with_dry_run:
        # botocore itself asks where to copy a snapshot from, to sign that request too.
        more = {"SourceRegion": aws.region, "SourceSnapshotId": "snap-0"} if name == "CopySnapshot" else {}
        with pytest.raises(ClientError) as caught:
            getattr(unchecked, xform_name(name))(DryRun=True, **more)
        response = caught.value.response
        answers[name] = response["Error"]["Code"], response["ResponseMetadata"]["HTTPStatusCode"]
    for name in (
        "CreateVpc", "DeleteSubnet", "CreateRoute", "DeleteNetworkAcl", "CreateFlowLogs", "RunInstances", "CreateTags",
        "DescribeVpcs", "DescribeInstances", "AcceptVpcPeeringConnection",
    ):  # fmt: skip
        assert answers[name] == ("DryRunOperation", 412), name
    # What the embedded AWS lacks, it does not promise.
    assert set(answers.values()) == {("DryRunOperation", 412), ("NotImplemented", 400)}
    assert answers["CreateTransitGateway"] == answers["CreateIpam"] == ("NotImplemented", 400)
    assert (ec2.describe_vpcs()["Vpcs"], ec2.describe_subnets()["Subnets"]) == before


def test_without_dry_run_a_request_is_carried_out(ec2: Any) -> None:
    assert ec2.create_vpc(CidrBlock="10.1.0.0/16", DryRun=False)["Vpc"]["CidrBlock"] == "10.1.0.0/16"


# --- hooks and time ---


def test_hooks_are_told_of_each_external_action_and_of_no_internal_one(aws: EmbeddedAws, ec2: Any) -> None:
    told: list[tuple[str, str]] = []
    aws.server.after_action.append(lambda service, action: told.append((service, action)))
    aws.client("ec2").create_vpc(CidrBlock="10.9.0.0/16")
    ec2.create_vpc(CidrBlock="10.1.0.0/16")
    with refused("InvalidVpcID.NotFound"):
        ec2.delete_vpc(VpcId="vpc-0")
    assert told == [("ec2", "CreateVpc"), ("ec2", "DeleteVpc")]


def test_what_happens_inside_shifts_no_request_id(aws: EmbeddedAws, ec2: Any) -> None:
    first, second = (ec2.describe_vpcs()["ResponseMetadata"]["RequestId"] for _ in range(2))
    aws.stop()
    with start(aws_port := urlsplit(ec2.meta.endpoint_url).port or 0) as again:
        assert again.endpoint_url.endswith(f":{aws_port}")
        assert ec2.describe_vpcs()["ResponseMetadata"]["RequestId"] == first
        again.client("ec2").describe_vpcs()
        assert ec2.describe_vpcs()["ResponseMetadata"]["RequestId"] == second


def test_a_change_takes_a_second_and_looking_or_being_refused_takes_none(aws: EmbeddedAws, ec2: Any, logs: Any) -> None:
    ec2.describe_vpcs()
    logs.describe_log_groups()
    with refused("InvalidVpcID.NotFound"):
        ec2.delete_vpc(VpcId="vpc-0")
    aws.client("logs").create_log_group(logGroupName="inside")
    assert aws.clock.now() == START
    ec2.create_vpc(CidrBlock="10.1.0.0/16")
    assert aws.clock.now() == START + timedelta(seconds=1)


def test_every_time_that_aws_tells_is_the_clocks(
    aws: EmbeddedAws, ec2: Any, iam: Any, logs: Any, subnet: str, image: str
) -> None:
    aws.clock.jump_to(datetime(2025, 12, 24, 18, 0, tzinfo=UTC))
    assert run(ec2, image, subnet)["LaunchTime"] == datetime(2025, 12, 24, 18, 0, tzinfo=UTC)
    trust = {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}],
    }
    role = iam.create_role(RoleName="role", AssumeRolePolicyDocument=json.dumps(trust))["Role"]
    assert role["CreateDate"] == datetime(2025, 12, 24, 18, 0, 1, tzinfo=UTC)
    logs.create_log_group(logGroupName="group")
    assert logs.describe_log_groups()["logGroups"][0]["creationTime"] == 1766599202000
    answer = ec2.describe_vpcs()["ResponseMetadata"]
    assert answer["HTTPHeaders"]["date"] == "Wed, 24 Dec 2025 18:00:03 GMT"
    with pytest.raises(ClientError) as refusal:
        ec2.delete_vpc(VpcId="vpc-0")
    assert refusal.value.response["ResponseMetadata"]["HTTPHeaders"]["date"] == "Wed, 24 Dec 2025 18:00:03 GMT"


def test_log_events_are_taken_from_14_days_ago_to_2_hours_ahead_of_the_clock(aws: EmbeddedAws, logs: Any) -> None:
    """https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutLogEvents.html"""
    aws.clock.advance(90 * 86400)
    logs.create_log_group(logGroupName="group")
    logs.create_log_stream(logGroupName="group", logStreamName="stream")
    now = int(aws.clock.time() * 1000)
    events = [{"timestamp": now + hours * 3_600_000, "message": str(hours)} for hours in (-15 * 24, -13 * 24, 0, 1, 3)]
    put = logs.put_log_events(logGroupName="group", logStreamName="stream", logEvents=events)
    assert set(put["rejectedLogEventsInfo"]) == {"tooOldLogEventEndIndex", "tooNewLogEventStartIndex"}
    kept = logs.get_log_events(logGroupName="group", logStreamName="stream")["events"]
    assert [event["message"] for event in kept] == [str(-13 * 24), "0", "1"]
    assert {event["ingestionTime"] for event in kept} == {now}


def test_a_fresh_instance_is_running_at_once_and_no_waiter_sleeps(
    ec2: Any, subnet: str, image: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    import time

    def sleep(seconds: float) -> None:
        raise AssertionError(f"a waiter slept {seconds} seconds")

    made = run(ec2, image, subnet)["InstanceId"]
    monkeypatch.setattr(time, "sleep", sleep)
    for waiter in ("instance_running", "instance_status_ok"):
        ec2.get_waiter(waiter).wait(InstanceIds=[made])
    assert instance(ec2, made)["State"]["Name"] == "running"
    ec2.terminate_instances(InstanceIds=[made])
    ec2.get_waiter("instance_terminated").wait(InstanceIds=[made])


def test_the_clock_moves_forward_only_and_tells_its_listeners_in_order() -> None:
    clock, told = Clock(START), []
    clock.listeners.append(lambda old, new: told.append((old, new)))
    clock.advance(0)
    clock.advance(1.5)
    clock.jump_to(START + timedelta(hours=1))
    assert told == [
        (START, START + timedelta(seconds=1.5)),
        (START + timedelta(seconds=1.5), START + timedelta(hours=1)),
    ]
    for wrong in (lambda: clock.advance(-1), lambda: clock.advance(float("nan")), lambda: clock.jump_to(START)):
        with pytest.raises(ValueError, match="can't go back"):
            wrong()
    with pytest.raises(ValueError, match="no time zone"):
        clock.jump_to(datetime(2026, 1, 1))


def test_a_listener_may_not_move_the_clock() -> None:
    clock = Clock(START)
    clock.listeners.append(lambda old, new: clock.advance(1))
    with pytest.raises(RuntimeError, match="must not move it"):
        clock.advance(1)


# --- determinism ---

BUILD = """
import boto3, json
from labkit.embedded import start
aws = start()
def client(service):
    return boto3.client(service, region_name="us-east-1", endpoint_url=aws.endpoint_url,
                        aws_access_key_id=aws.keys.access_key_id, aws_secret_access_key=aws.keys.secret_access_key)
ec2, iam, logs, ssm = (client(name) for name in ("ec2", "iam", "logs", "ssm"))
look = {look}
if look:
    ec2.describe_vpcs(); iam.list_roles(); ec2.describe_instances()
vpcs = [ec2.create_vpc(CidrBlock=f"10.{{n}}.0.0/16")["Vpc"]["VpcId"] for n in (1, 2)]
if look:
    ec2.describe_subnets(); logs.describe_log_groups(); inside = aws.client("ec2")
    inside.delete_vpc(VpcId=inside.create_vpc(CidrBlock="10.3.0.0/16")["Vpc"]["VpcId"])
subnets = [ec2.create_subnet(VpcId=vpc, CidrBlock=f"10.{{n}}.0.0/20")["Subnet"]["SubnetId"]
           for n, vpc in enumerate(vpcs, 1)]
parameter = "/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-x86_64"
image = ssm.get_parameter(Name=parameter)["Parameter"]["Value"]
groups = [ec2.create_security_group(GroupName=f"g{{n}}", Description="d", VpcId=vpcs[0])["GroupId"] for n in range(5)]
for n, subnet in enumerate(subnets):
    ec2.modify_subnet_attribute(SubnetId=subnet, MapPublicIpOnLaunch={{"Value": True}})
    ec2.run_instances(ImageId=image, MinCount=2, MaxCount=2, SubnetId=subnet, InstanceType="t3.micro",
                      SecurityGroupIds=[] if n else groups)
ec2.create_vpc_peering_connection(VpcId=vpcs[0], PeerVpcId=vpcs[1])
first = ec2.describe_instances()["Reservations"][0]["Instances"][0]["InstanceId"]
ec2.terminate_instances(InstanceIds=[first])
ec2.allocate_address(Domain="vpc")
iam.create_policy(PolicyName="p", PolicyDocument=json.dumps({{"Version": "2012-10-17", "Statement": [
    {{"Effect": "Allow", "Action": "logs:PutLogEvents", "Resource": "*"}}]}}))
logs.create_log_group(logGroupName="g")
told = []
for name in ("vpcs", "subnets", "route_tables", "security_groups", "security_group_rules", "network_acls", "instances",
             "network_interfaces", "vpc_peering_connections", "addresses", "volumes", "images"):
    told.append(getattr(ec2, "describe_" + name)())
told += [iam.list_policies(Scope="Local"), logs.describe_log_groups()]
for answer in told:
    answer.pop("ResponseMetadata")
print(json.dumps(told, default=str))
"""


def build(hash_seed: str, look: bool) -> str:
    """Return all that a new process describes after the same build, with another order of hashes."""
    environment = {**os.environ, "PYTHONHASHSEED": hash_seed, "PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, "-c", BUILD.format(look=look)]
    return subprocess.run(command, env=environment, check=True, capture_output=True, text=True).stdout


def test_the_same_calls_give_the_same_bytes_in_every_process_and_looking_shifts_nothing() -> None:
    first = build("1", look=False)
    assert "10.1.0.5" in first
    assert build("2", look=True) == first


# --- starting ---


def test_importing_and_starting_leave_the_environment_as_it_was() -> None:
    code = (
        "import os; before = dict(os.environ); import labkit.embedded, sys; assert 'moto' not in sys.modules;"
        "labkit.embedded.start(); assert dict(os.environ) == before"
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    subprocess.run([sys.executable, "-c", code], env=environment, check=True)


def test_a_port_that_is_taken_is_an_oserror_and_leaves_nothing_behind(aws: EmbeddedAws) -> None:
    port = urlsplit(aws.endpoint_url).port
    aws.stop()
    with socket.create_server(("127.0.0.1", port)), pytest.raises(OSError):
        start(port)
    again = start(port)
    assert again.endpoint_url == f"http://127.0.0.1:{port}"
    again.stop()


def test_nothing_of_the_students_own_configuration_reaches_the_inside(
    aws: EmbeddedAws, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_PROFILE", "no-such-profile")
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("AWS_CA_BUNDLE", "/no/such/file")
    assert aws.client("ec2").describe_vpcs()["Vpcs"]
