"""A VPC with two public instances that Systems Manager can reach, and a role that may deliver flow logs."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from labkit.embedded import EmbeddedAws
from tests.embedded.support import client, gateway, main_table

ADDRESSES = ("10.1.0.10", "10.1.0.20")


def trust(service: str) -> str:
    statement = {"Effect": "Allow", "Principal": {"Service": service}, "Action": "sts:AssumeRole"}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def delivery_role(iam: Any) -> str:
    """A new role that may deliver flow logs to any log group."""
    made = iam.create_role(RoleName="FlowLogs", AssumeRolePolicyDocument=trust("vpc-flow-logs.amazonaws.com"))
    statement = {"Effect": "Allow", "Action": "logs:*", "Resource": "*"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    iam.put_role_policy(RoleName="FlowLogs", PolicyName="logs", PolicyDocument=document)
    return str(made["Role"]["Arn"])


class Site:
    """`here` and `there` are the instances' ids, `eni_here` and `eni_there` those of their interfaces."""

    def __init__(self, aws: EmbeddedAws, image: str) -> None:
        self.aws, self.image = aws, image
        self.ec2, self.iam, self.logs, self.ssm = (client(aws, name) for name in ("ec2", "iam", "logs", "ssm"))
        self.profile = self._profile()
        self.role = delivery_role(self.iam)
        self.vpc = str(self.ec2.create_vpc(CidrBlock="10.1.0.0/16")["Vpc"]["VpcId"])
        self.subnet = str(self.ec2.create_subnet(VpcId=self.vpc, CidrBlock="10.1.0.0/24")["Subnet"]["SubnetId"])
        self.table = main_table(self.ec2, self.vpc)
        self.gateway = gateway(self.ec2, self.vpc)
        self.ec2.create_route(RouteTableId=self.table, DestinationCidrBlock="0.0.0.0/0", GatewayId=self.gateway)
        self.group = str(self.ec2.create_security_group(GroupName="g", Description="g", VpcId=self.vpc)["GroupId"])
        self.allow("icmp", -1, -1)
        (self.here, self.eni_here), (self.there, self.eni_there) = (self.launch(each) for each in ADDRESSES)

    def launch(self, address: str, subnet: str | None = None, public: bool = True, **more: Any) -> tuple[str, str]:
        """A new instance and its interface."""
        more.setdefault("IamInstanceProfile", {"Name": self.profile})
        interface = {"DeviceIndex": 0, "SubnetId": subnet or self.subnet, "PrivateIpAddress": address}
        interface |= {"Groups": [self.group], "AssociatePublicIpAddress": public}
        launched = self.ec2.run_instances(
            ImageId=self.image, InstanceType="t3.micro", MinCount=1, MaxCount=1, NetworkInterfaces=[interface], **more
        )["Instances"][0]
        return str(launched["InstanceId"]), str(launched["NetworkInterfaces"][0]["NetworkInterfaceId"])

    def allow(self, protocol: str, first: int, last: int) -> None:
        """Let traffic from anywhere in."""
        rule = {"IpProtocol": protocol, "FromPort": first, "ToPort": last, "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}
        self.ec2.authorize_security_group_ingress(GroupId=self.group, IpPermissions=[rule])

    def public(self, instance: str) -> str:
        found = self.ec2.describe_instances(InstanceIds=[instance])["Reservations"][0]["Instances"][0]
        return str(found["PublicIpAddress"])

    def send(self, *commands: str, to: str | None = None, **parameters: str) -> dict[str, Any]:
        """Run commands on `here`, or elsewhere, and give the invocation."""
        instance = to or self.here
        sent = self.ssm.send_command(
            InstanceIds=[instance],
            DocumentName="AWS-RunShellScript",
            Parameters={"commands": list(commands)} | {name: [value] for name, value in parameters.items()},
        )
        return dict(self.ssm.get_command_invocation(CommandId=sent["Command"]["CommandId"], InstanceId=instance))

    # Flow logs

    def record(self, resource: str, group: str = "g", **more: Any) -> str:
        """A new flow log on a VPC, a subnet or an interface."""
        kind = {"vpc": "VPC", "subnet": "Subnet", "eni": "NetworkInterface"}[resource.partition("-")[0]]
        more.setdefault("TrafficType", "ALL")
        if "LogFormat" in more:
            more["LogFormat"] = " ".join(f"${{{field}}}" for field in more["LogFormat"].split())
        made = self.ec2.create_flow_logs(
            ResourceType=kind, ResourceIds=[resource], LogGroupName=group, DeliverLogsPermissionArn=self.role, **more
        )
        return str(made["FlowLogIds"][0])

    def settle(self) -> None:
        self.aws.clock.jump_to(self.aws.dataplane.settled_at())

    def lines(self, group: str = "g", *containing: str) -> list[list[str]]:
        """The words of each record that contains some words, oldest first."""
        pages = self.logs.get_paginator("filter_log_events").paginate(logGroupName=group)
        found = [event["message"].split() for page in pages for event in page["events"]]
        return [words for words in found if set(containing) <= set(words)]

    def flows(self, *containing: str, group: str = "g") -> Mapping[tuple[str, str, str], tuple[int, int]]:
        """Packets and bytes by (interface, source, action), of the records in the default format."""
        totals: dict[tuple[str, str, str], tuple[int, int]] = {}
        for words in self.lines(group, "OK", *containing):
            key = (words[2], words[3], words[12])
            packets, length = totals.get(key, (0, 0))
            totals[key] = (packets + int(words[8]), length + int(words[9]))
        return totals

    def _profile(self) -> str:
        self.iam.create_role(RoleName="Instance", AssumeRolePolicyDocument=trust("ec2.amazonaws.com"))
        policy = "arn:aws:iam::aws:policy/AmazonSSMManagedInstanceCore"
        self.iam.attach_role_policy(RoleName="Instance", PolicyArn=policy)
        self.iam.create_instance_profile(InstanceProfileName="Instance")
        self.iam.add_role_to_instance_profile(InstanceProfileName="Instance", RoleName="Instance")
        return "Instance"
