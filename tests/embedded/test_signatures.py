"""Every request is signed with the keys of this embedded AWS, or refused in AWS's words; the keys are known to nobody
else.
"""

from __future__ import annotations

import os
import subprocess
import sys
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from labkit.embedded import EmbeddedAws, start
from labkit.embedded.api.signatures import Keys
from tests.embedded.support import KEYS, refused

#: A read of each service, what AWS answers to a key that it does not know, and to a wrong secret, with the status.
#: https://docs.aws.amazon.com/AWSEC2/latest/APIReference/errors-overview.html,
#: https://docs.aws.amazon.com/IAM/latest/APIReference/CommonErrors.html,
#: https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/CommonErrors.html,
#: https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html
ANSWERS = [
    ("ec2", "describe_vpcs", ("AuthFailure", 401), ("AuthFailure", 401)),
    ("iam", "list_roles", ("InvalidClientTokenId", 403), ("SignatureDoesNotMatch", 403)),
    ("sts", "get_caller_identity", ("InvalidClientTokenId", 403), ("SignatureDoesNotMatch", 403)),
    ("logs", "describe_log_groups", ("UnrecognizedClientException", 400), ("InvalidSignatureException", 400)),
    ("ssm", "describe_parameters", ("UnrecognizedClientException", 400), ("InvalidSignatureException", 400)),
    ("s3", "list_buckets", ("InvalidAccessKeyId", 403), ("SignatureDoesNotMatch", 403)),
]


def of(aws: EmbeddedAws, service: str, keys: Keys, **more: Any) -> Any:
    return boto3.client(
        service, region_name=aws.region, endpoint_url=aws.endpoint_url,
        aws_access_key_id=keys.access_key_id, aws_secret_access_key=keys.secret_access_key, **more,
    )  # fmt: skip


@pytest.mark.parametrize(("service", "call", "unknown", "wrong"), ANSWERS)
def test_other_keys_are_refused_in_the_words_of_the_service(
    aws: EmbeddedAws, service: str, call: str, unknown: tuple[str, int], wrong: tuple[str, int]
) -> None:
    for keys, answer in (
        (Keys("LABKIT00000000000000", KEYS.secret_access_key), unknown),
        (Keys(KEYS.access_key_id, "guessed"), wrong),
    ):
        with pytest.raises(ClientError) as caught:
            getattr(of(aws, service, keys), call)()
        response = caught.value.response
        assert (response["Error"]["Code"], response["ResponseMetadata"]["HTTPStatusCode"]) == answer
        assert "make the client again, without keys of its own" in response["Error"]["Message"]
        assert KEYS.secret_access_key not in str(response)


def test_who_is_refused_moves_nothing(aws: EmbeddedAws, ec2: Any) -> None:
    """No clock, no hook, no id: what the student sees afterwards is what it would have been."""
    told: list[tuple[str, str]] = []
    aws.server.after_action.append(lambda *action: told.append(action))
    first = ec2.describe_vpcs()["ResponseMetadata"]["RequestId"]
    aws.stop()
    with start(int(aws_port(ec2))) as again:
        for keys in (Keys("LABKIT00000000000000", "x"), Keys(KEYS.access_key_id, "x")):
            with refused("AuthFailure"):
                of(again, "ec2", keys).create_vpc(CidrBlock="10.1.0.0/16")
        assert ec2.describe_vpcs()["ResponseMetadata"]["RequestId"] == first
    assert told == [("ec2", "DescribeVpcs")]


def aws_port(client: Any) -> str:
    return str(client.meta.endpoint_url).rpartition(":")[2]


def test_what_botocore_signs_verifies_whatever_is_in_it(aws: EmbeddedAws, logs: Any, iam: Any) -> None:
    for name in ("plain", "with space", "ä/ö ü", "a+b=c&d~e%20f", "日本"):
        with pytest.raises(ClientError) as caught:
            logs.describe_log_streams(logGroupName=name)
        assert "ignature" not in caught.value.response["Error"]["Code"]
        with refused("NoSuchEntity"):
            iam.get_role(RoleName=name)
    for bucket, key in (("bucket", "a/../b//c d/ä~+%20"), ("bucket", "plain")):  # paths are signed as they are sent
        with refused("NotImplemented", "does not do the service s3"):
            of(aws, "s3", KEYS).put_object(Bucket=bucket, Key=key, Body=b"x")
    with refused("NotImplemented", "does not do the service lambda"):  # paths are signed normalized
        of(aws, "lambda", KEYS).get_function(FunctionName="ä b:1")


def test_keys_of_a_process_are_its_own_and_in_its_environment_and_its_childrens_alone() -> None:
    code = (
        "import labkit, os, subprocess, sys; lab = labkit.connect(); from labkit import embedded;"
        "keys = embedded.start().keys; assert os.environ['AWS_SECRET_ACCESS_KEY'] == keys.secret_access_key;"
        "subprocess.run([sys.executable, '-c', 'import boto3; boto3.client(\"ec2\").describe_vpcs()'], check=True);"
        "assert keys.secret_access_key not in f'{lab!r} {keys!r} {embedded.start()!r} {vars(lab)!r}';"
        "print(keys.access_key_id, keys.secret_access_key)"
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    told = {
        subprocess.run(
            [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True
        ).stdout.splitlines()[-1]
        for _ in range(2)
    }
    assert len(told) == 2
    for access_key_id, secret in map(str.split, told):
        assert len(access_key_id) == 20 and len(secret) == 40
