"""What the tests of the API share: clients, refusals, and builders of single resources."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

import boto3
import pytest
from botocore.auth import S3SigV4Auth, SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.config import Config
from botocore.credentials import Credentials
from botocore.exceptions import ClientError

from labkit.embedded import EmbeddedAws
from labkit.embedded.api.signatures import Keys
from labkit.session.accounts import REFUSAL, REFUSED_AT

#: The keys of every embedded AWS in these tests, so that tests can share clients.
KEYS = Keys("AKIAIOSFODNN7EXAMPLE", "example")


def client(aws: EmbeddedAws, service: str, region: str | None = None) -> Any:
    """Return a boto3 client as a student makes one: through the socket."""
    made = _client(aws.endpoint_url, service, region or aws.region, aws.keys)
    # A test of connect("aws") may have refused it since: it refuses all clients of the embedded AWS in this process.
    made.meta.events.unregister(REFUSED_AT, unique_id=REFUSAL)
    return made


def impatient(aws: EmbeddedAws, service: str) -> Any:
    """Return a boto3 client that repeats nothing."""
    once = Config(retries={"total_max_attempts": 1})
    return _session(aws.keys).client(service, region_name="us-east-1", endpoint_url=aws.endpoint_url, config=once)


def sign(
    aws: EmbeddedAws, method: str, path: str, body: bytes, headers: dict[str, str], service: str = "ec2",
    keys: Keys = KEYS, token: str | None = None,
) -> dict[str, str]:  # fmt: skip
    """Return the headers of a request as botocore signs it, with these among them."""
    request = AWSRequest(method, f"{aws.endpoint_url}{path}", headers, body)
    credentials = Credentials(keys.access_key_id, keys.secret_access_key, token)
    (S3SigV4Auth if service == "s3" else SigV4Auth)(credentials, service, aws.region).add_auth(request)
    return dict(request.headers)


@cache
def _session(keys: Keys) -> boto3.session.Session:
    return boto3.session.Session(keys.access_key_id, keys.secret_access_key)


@cache
def _client(endpoint_url: str, service: str, region: str, keys: Keys) -> Any:
    return _session(keys).client(service, region_name=region, endpoint_url=endpoint_url)


@contextmanager
def refused(code: str, message: str = "") -> Iterator[None]:
    """Expect a ClientError with a code, whose message contains a text."""
    with pytest.raises(ClientError) as caught:
        yield
    error = caught.value.response["Error"]
    assert error["Code"] == code, error
    assert message in error["Message"], error["Message"]


def run(ec2: Any, image: str, subnet: str, **more: Any) -> dict[str, Any]:
    """Launch one instance, and return its description."""
    more.setdefault("InstanceType", "t3.micro")
    launched = ec2.run_instances(ImageId=image, SubnetId=subnet, MinCount=1, MaxCount=1, **more)["Instances"][0]
    return instance(ec2, launched["InstanceId"])


def instance(ec2: Any, instance_id: str) -> dict[str, Any]:
    found = ec2.describe_instances(InstanceIds=[instance_id])["Reservations"][0]["Instances"][0]
    return dict(found)


def where(name: str, *values: str) -> list[dict[str, Any]]:
    """Return the Filters of a Describe action that has one filter."""
    return [{"Name": name, "Values": list(values)}]


def new_vpc(ec2: Any, cidr: str) -> str:
    return str(ec2.create_vpc(CidrBlock=cidr)["Vpc"]["VpcId"])


def main_table(ec2: Any, vpc: str) -> str:
    filters = where("vpc-id", vpc) + where("association.main", "true")
    return str(ec2.describe_route_tables(Filters=filters)["RouteTables"][0]["RouteTableId"])


def route_table(ec2: Any, vpc: str) -> str:
    return str(ec2.create_route_table(VpcId=vpc)["RouteTable"]["RouteTableId"])


def network_acl(ec2: Any, vpc: str) -> str:
    return str(ec2.create_network_acl(VpcId=vpc)["NetworkAcl"]["NetworkAclId"])


def security_group(ec2: Any, vpc: str, name: str = "web") -> str:
    return str(ec2.create_security_group(GroupName=name, Description=name, VpcId=vpc)["GroupId"])


def gateway(ec2: Any, vpc: str) -> str:
    """Attach a new internet gateway to a VPC."""
    made = str(ec2.create_internet_gateway()["InternetGateway"]["InternetGatewayId"])
    ec2.attach_internet_gateway(InternetGatewayId=made, VpcId=vpc)
    return made


def assign_public_addresses(ec2: Any, subnet: str) -> None:
    """Let each instance of a subnet have a public address."""
    ec2.modify_subnet_attribute(SubnetId=subnet, MapPublicIpOnLaunch={"Value": True})


def elastic_address(ec2: Any, instance_id: str) -> dict[str, Any]:
    """Allocate an Elastic IP address, associate it with an instance, and return what was allocated."""
    elastic = dict(ec2.allocate_address(Domain="vpc"))
    ec2.associate_address(AllocationId=elastic["AllocationId"], InstanceId=instance_id)
    return elastic


def peer(ec2: Any, vpc: str, other: str) -> str:
    made = ec2.create_vpc_peering_connection(VpcId=vpc, PeerVpcId=other)["VpcPeeringConnection"]
    return str(made["VpcPeeringConnectionId"])


def peering(ec2: Any, id: str) -> dict[str, Any]:
    found = ec2.describe_vpc_peering_connections(VpcPeeringConnectionIds=[id])["VpcPeeringConnections"][0]
    return dict(found)


def route_state(ec2: Any, table: str, destination: str) -> str | None:
    for route in ec2.describe_route_tables(RouteTableIds=[table])["RouteTables"][0]["Routes"]:
        if route["DestinationCidrBlock"] == destination:
            return str(route["State"])
    return None
