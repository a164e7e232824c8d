"""Everything about time together: a client that waits builds the lab, and uses it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import pytest
from botocore.exceptions import ClientError

from labkit.embedded import EmbeddedAws
from tests.embedded.site import trust
from tests.embedded.support import client

T = TypeVar("T")

LAGS = (
    "agent-and-user-data", "eventual-consistency", "instance-states", "nat-gateway-states", "peering-states",
    "query-states", "throttling",
)  # fmt: skip
pytestmark = pytest.mark.behaves(*LAGS)

#: What AWS refuses while it doesn't know a thing yet.
YET_UNKNOWN = ("NotFound", "NoSuchEntity", "InvalidParameterValue", "InvalidParameter", "InvalidInstanceId")


@pytest.fixture
def refusals(aws: EmbeddedAws, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The codes of all refusals; botocore's own pauses take virtual time."""
    monkeypatch.setattr("botocore.endpoint.time.sleep", aws.clock.advance)
    return []


class Patient:
    """A client that waits: it repeats a call that is refused because AWS doesn't know a thing yet."""

    def __init__(self, aws: EmbeddedAws, refusals: list[str]) -> None:
        self.aws, self.refusals = aws, refusals
        self.ec2, self.iam, self.logs, self.ssm = (client(aws, each) for each in ("ec2", "iam", "logs", "ssm"))

    def do(self, call: Callable[..., T], **parameters: Any) -> T:
        for _ in range(150):
            try:
                return call(**parameters)
            except ClientError as error:
                code = error.response["Error"]["Code"]
                if not code.endswith(YET_UNKNOWN):
                    raise
                self.refusals.append(code)
                self.aws.clock.advance(1)
        raise AssertionError(f"{self.refusals[-1]} for too long")

    def until(self, ask: Callable[[], T], is_there: Callable[[T], bool]) -> T:
        for _ in range(300):
            found = self.do(ask)
            if is_there(found):
                return found
            self.aws.clock.advance(1)
        raise AssertionError(f"still {found}")

    def network(self, number: int) -> tuple[str, str, str, str]:
        """Build a public subnet; return the ids of its VPC, subnet, route table and group."""
        ec2, do = self.ec2, self.do
        vpc = ec2.create_vpc(CidrBlock=f"10.{number}.0.0/16")["Vpc"]["VpcId"]
        subnet = do(ec2.create_subnet, VpcId=vpc, CidrBlock=f"10.{number}.0.0/20")["Subnet"]["SubnetId"]
        gateway = ec2.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
        do(ec2.attach_internet_gateway, InternetGatewayId=gateway, VpcId=vpc)
        table = do(ec2.create_route_table, VpcId=vpc)["RouteTable"]["RouteTableId"]
        do(ec2.associate_route_table, RouteTableId=table, SubnetId=subnet)
        do(ec2.create_route, RouteTableId=table, DestinationCidrBlock="0.0.0.0/0", GatewayId=gateway)
        group = do(ec2.create_security_group, GroupName="g", Description="g", VpcId=vpc)["GroupId"]
        rules = [
            {"IpProtocol": protocol, "FromPort": port, "ToPort": port, "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}
            for protocol, port in (("icmp", -1), ("tcp", 80))
        ]
        do(ec2.authorize_security_group_ingress, GroupId=group, IpPermissions=rules)
        return vpc, subnet, table, group

    def profile(self) -> str:
        iam, do = self.iam, self.do
        iam.create_role(RoleName="Instance", AssumeRolePolicyDocument=trust("ec2.amazonaws.com"))
        policy = "arn:aws:iam::aws:policy/AmazonSSMManagedInstanceCore"
        do(iam.attach_role_policy, RoleName="Instance", PolicyArn=policy)
        iam.create_instance_profile(InstanceProfileName="Instance")
        do(iam.add_role_to_instance_profile, InstanceProfileName="Instance", RoleName="Instance")
        return "Instance"

    def launch(self, image: str, profile: str, subnet: str, group: str, address: str) -> str:
        interface = {"DeviceIndex": 0, "SubnetId": subnet, "PrivateIpAddress": address, "Groups": [group]}
        launched = self.do(
            self.ec2.run_instances,
            ImageId=image,
            InstanceType="t3.micro",
            MinCount=1,
            MaxCount=1,
            IamInstanceProfile={"Name": profile},
            UserData="#!/bin/bash\ndnf install -y httpd nmap-ncat\n",
            NetworkInterfaces=[{**interface, "AssociatePublicIpAddress": True}],
        )["Instances"][0]
        assert launched["State"]["Name"] == "pending"
        return str(launched["InstanceId"])

    def state(self, instance: str) -> str:
        found = self.ec2.describe_instances(InstanceIds=[instance])["Reservations"][0]["Instances"][0]
        return str(found["State"]["Name"])

    def status(self, peering: str) -> str:
        found = self.ec2.describe_vpc_peering_connections(VpcPeeringConnectionIds=[peering])
        return str(found["VpcPeeringConnections"][0]["Status"]["Code"])

    def shell(self, instance: str, command: str) -> str:
        wanted = {"DocumentName": "AWS-RunShellScript", "Parameters": {"commands": [command]}}
        sent = self.do(self.ssm.send_command, InstanceIds=[instance], **wanted)["Command"]["CommandId"]
        answer = self.ssm.get_command_invocation(CommandId=sent, InstanceId=instance)
        assert answer["Status"] == "Success", answer["StandardErrorContent"]
        return str(answer["StandardOutputContent"])


def test_a_client_that_waits_builds_the_lab_and_uses_it(aws: EmbeddedAws, refusals: list[str]) -> None:
    patient = Patient(aws, refusals)
    ec2, do, until = patient.ec2, patient.do, patient.until
    name = "/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-x86_64"
    image = patient.ssm.get_parameter(Name=name)["Parameter"]["Value"]
    profile = patient.profile()
    (vpc, subnet, table, group), (other_vpc, other_subnet, other_table, other_group) = map(patient.network, (1, 2))
    here = patient.launch(image, profile, subnet, group, "10.1.0.10")
    there = patient.launch(image, profile, other_subnet, other_group, "10.2.0.10")

    made = do(ec2.create_vpc_peering_connection, VpcId=vpc, PeerVpcId=other_vpc)["VpcPeeringConnection"]
    peering = made["VpcPeeringConnectionId"]
    until(lambda: patient.status(peering), "pending-acceptance".__eq__)
    do(ec2.accept_vpc_peering_connection, VpcPeeringConnectionId=peering)
    until(lambda: patient.status(peering), "active".__eq__)
    for each, block in ((table, "10.2.0.0/16"), (other_table, "10.1.0.0/16")):
        do(ec2.create_route, RouteTableId=each, DestinationCidrBlock=block, VpcPeeringConnectionId=peering)

    role = patient.iam.create_role(RoleName="FlowLogs", AssumeRolePolicyDocument=trust("vpc-flow-logs.amazonaws.com"))[
        "Role"
    ]["Arn"]
    policy = "arn:aws:iam::aws:policy/CloudWatchLogsFullAccess"
    do(patient.iam.attach_role_policy, RoleName="FlowLogs", PolicyArn=policy)
    flow_logs = {"ResourceType": "VPC", "ResourceIds": [vpc, other_vpc], "TrafficType": "ALL", "LogGroupName": "g"}
    do(ec2.create_flow_logs, DeliverLogsPermissionArn=role, MaxAggregationInterval=60, **flow_logs)

    assert until(lambda: patient.state(here), "running".__eq__)
    assert patient.shell(here, "cloud-init status --wait").endswith("\nstatus: done\n")
    assert patient.shell(there, "cloud-init status --wait").endswith("\nstatus: done\n")
    assert "5 received" in patient.shell(here, "ping -c 5 10.2.0.10")
    assert "Hello from" in patient.shell(here, "curl -s http://10.2.0.10/")
    aws.clock.jump_to(aws.dataplane.settled_at())

    now, text = int(aws.clock.time()), "filter srcAddr = '10.1.0.10' and dstAddr = '10.2.0.10' | stats sum(packets)"
    query = patient.logs.start_query(logGroupName="g", startTime=now - 3600, endTime=now, queryString=text)["queryId"]
    found = until(lambda: patient.logs.get_query_results(queryId=query), lambda each: each["status"] == "Complete")
    assert float(found["results"][0][0]["value"]) >= 10

    ec2.terminate_instances(InstanceIds=[here, there])
    with pytest.raises(ClientError, match="DependencyViolation"):
        ec2.delete_subnet(SubnetId=subnet)
    until(lambda: patient.state(here), "terminated".__eq__)
    ec2.delete_subnet(SubnetId=subnet)

    assert {"InvalidVpcID.NotFound", "InvalidGroup.NotFound", "NoSuchEntity", "InvalidInstanceId"} <= set(refusals)


def test_the_same_calls_meet_the_same_lags(aws: EmbeddedAws, refusals: list[str]) -> None:
    Patient(aws, refusals).network(1)
    first, at = list(refusals), aws.clock.time()
    aws.stop()
    with EmbeddedAws(behaviors=LAGS) as another, pytest.MonkeyPatch.context() as patch:
        patch.setattr("botocore.endpoint.time.sleep", another.clock.advance)
        again: list[str] = []
        Patient(another, again).network(1)
        assert (again, another.clock.time()) == (first, at)
