"""An account that others use too: their things have the names that the course gives, and no tag of the lab."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from labkit import names
from labkit.embedded.api.contrary import Behavior, policy_document
from labkit.embedded.api.scope import ACCOUNT_ID
from labkit.iam.services import EC2_SERVICE, FLOW_LOGS_SERVICE, LOG_ACTIONS

_IMAGE = "/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-x86_64"
_MANAGED = "arn:aws:iam::aws:policy/AmazonSSMManagedInstanceCore"
_TEAM = {"Key": "Team", "Value": "payments"}


class OtherPeoplesThings(Behavior):
    """Another team has two peered VPCs, an instance, a flow log with its group, role and policy, and a key pair."""

    name = "other-peoples-things"
    rule = "Names and tags in EC2 need not be unique; names of roles, policies, log groups and key pairs are taken."
    source = "https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/Using_Tags.html"

    def begin(self) -> None:
        """Make their things."""
        self._ec2, self._iam, self._logs = (self.account.client(service) for service in ("ec2", "iam", "logs"))
        vpc = self._make_network()
        self._make_flow_log(vpc)
        shop = self._ec2.create_vpc(CidrBlock="10.2.0.0/16", TagSpecifications=_named("vpc", "shop"))["Vpc"]["VpcId"]
        peering = self._ec2.create_vpc_peering_connection(
            VpcId=vpc, PeerVpcId=shop, TagSpecifications=_named("vpc-peering-connection", "peering-1-2")
        )["VpcPeeringConnection"]["VpcPeeringConnectionId"]
        self._ec2.accept_vpc_peering_connection(VpcPeeringConnectionId=peering)

    def _make_network(self) -> str:
        """Make vpc-1 with instance-1, and return the VPC's id."""
        ec2 = self._ec2
        vpc: str = ec2.create_vpc(CidrBlock="10.1.0.0/16", TagSpecifications=_named("vpc", "vpc-1"))["Vpc"]["VpcId"]
        subnet = ec2.create_subnet(
            VpcId=vpc,
            CidrBlock="10.1.0.0/20",
            AvailabilityZone=f"{ec2.meta.region_name}b",
            TagSpecifications=_named("subnet", "subnet-1"),
        )["Subnet"]["SubnetId"]
        gateway = ec2.create_internet_gateway(TagSpecifications=_named("internet-gateway", "igw-1"))
        gateway_id = gateway["InternetGateway"]["InternetGatewayId"]
        ec2.attach_internet_gateway(InternetGatewayId=gateway_id, VpcId=vpc)
        table = ec2.create_route_table(VpcId=vpc, TagSpecifications=_named("route-table", "route-table-1"))
        table_id = table["RouteTable"]["RouteTableId"]
        ec2.create_route(RouteTableId=table_id, DestinationCidrBlock="0.0.0.0/0", GatewayId=gateway_id)
        ec2.associate_route_table(RouteTableId=table_id, SubnetId=subnet)
        group = ec2.create_security_group(
            GroupName="allow-icmp-1",
            Description="Ping",
            VpcId=vpc,
            TagSpecifications=_named("security-group", "allow-icmp-1"),
        )["GroupId"]
        ping = {"IpProtocol": "icmp", "FromPort": -1, "ToPort": -1, "IpRanges": [{"CidrIp": "10.0.0.0/8"}]}
        ec2.authorize_security_group_ingress(GroupId=group, IpPermissions=[ping])
        ec2.create_key_pair(KeyName="first")
        self._make_role(names.INSTANCE_ROLE, EC2_SERVICE)
        self._iam.attach_role_policy(RoleName=names.INSTANCE_ROLE, PolicyArn=_MANAGED)
        self._iam.create_instance_profile(InstanceProfileName=names.INSTANCE_PROFILE, Tags=[_TEAM])
        self._iam.add_role_to_instance_profile(InstanceProfileName=names.INSTANCE_PROFILE, RoleName=names.INSTANCE_ROLE)
        ec2.run_instances(
            ImageId=self.account.client("ssm").get_parameter(Name=_IMAGE)["Parameter"]["Value"],
            InstanceType="t3.micro",
            MinCount=1,
            MaxCount=1,
            SubnetId=subnet,
            SecurityGroupIds=[group],
            KeyName="first",
            IamInstanceProfile={"Name": names.INSTANCE_PROFILE},
            TagSpecifications=_named("instance", "instance-1"),
        )
        return vpc

    def _make_flow_log(self, vpc: str) -> None:
        """Make a flow log of a VPC, with all that its delivery needs, and some records of a week ago."""
        self._logs.create_log_group(logGroupName=names.LOG_GROUP, tags={"Team": "payments"})
        self._logs.put_retention_policy(logGroupName=names.LOG_GROUP, retentionInDays=30)
        stream, begin = "eni-0aaaabbbbccccdddd-all", int(self.account.clock.time()) - 7 * 86400
        self._logs.create_log_stream(logGroupName=names.LOG_GROUP, logStreamName=stream)
        record = f"2 {ACCOUNT_ID} {stream[:-4]} 10.1.0.9 10.1.0.7 49152 443 6 9 4680 {{}} {{}} ACCEPT OK"
        events = [
            {"timestamp": at * 1000, "message": record.format(at, at + 60)} for at in range(begin, begin + 300, 60)
        ]
        self._logs.put_log_events(logGroupName=names.LOG_GROUP, logStreamName=stream, logEvents=events)
        role = self._make_role(names.DELIVERY_ROLE, FLOW_LOGS_SERVICE)
        policy = self._iam.create_policy(
            PolicyName=names.POLICY,
            PolicyDocument=policy_document(Action=list(LOG_ACTIONS), Resource="*"),
            Tags=[_TEAM],
        )["Policy"]["Arn"]
        self._iam.attach_role_policy(RoleName=names.DELIVERY_ROLE, PolicyArn=policy)
        self._ec2.create_flow_logs(
            ResourceType="VPC",
            ResourceIds=[vpc],
            TrafficType="ALL",
            LogGroupName=names.LOG_GROUP,
            DeliverLogsPermissionArn=role,
            TagSpecifications=_named("vpc-flow-log", "NimbusVPCFlowLog"),
        )

    def _make_role(self, name: str, service: str) -> str:
        trust = policy_document(Principal={"Service": service}, Action="sts:AssumeRole")
        made = self._iam.create_role(RoleName=name, AssumeRolePolicyDocument=trust, Tags=[_TEAM])
        return str(made["Role"]["Arn"])


def _named(kind: str, name: str) -> Sequence[dict[str, Any]]:
    return [{"ResourceType": kind, "Tags": [{"Key": "Name", "Value": name}, _TEAM]}]
