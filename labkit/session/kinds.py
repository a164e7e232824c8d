"""What a lab is made of, in the order in which AWS lets go of it.

https://docs.aws.amazon.com/vpc/latest/userguide/delete-vpc.html
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from labkit import names

Part = dict[str, Any]

#: The lab's things outside EC2 bear no tag; the notebooks give them these names.
PROFILES = (names.INSTANCE_PROFILE,)
ROLES = (names.INSTANCE_ROLE, names.DELIVERY_ROLE)
POLICIES = (names.POLICY,)
LOG_GROUPS = (names.LOG_GROUP,)

#: A peering connection in one of these states is over; AWS takes it out of the list by itself.
#: https://docs.aws.amazon.com/vpc/latest/peering/vpc-peering-basics.html
_OVER = {"deleted", "deleting", "failed", "rejected", "expired"}


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of thing in EC2: how AWS describes it (`operation`, and where in its answer), the filters that find those
    in some VPCs, how to delete one, and which `stays`, because it is gone or goes with its VPC.
    """

    word: str
    id: str
    operation: str
    path: str
    delete: Callable[[Any, Part], object]
    within: tuple[str, ...] = ("vpc-id",)
    stays: Callable[[Part], bool] = lambda part: False


class suppress_gone:
    """Go on where AWS says that a thing is not there (any more), or not attached."""

    def __enter__(self) -> None: ...

    def __exit__(self, kind: object, error: BaseException | None, traceback: object) -> bool:
        return code(error).endswith(("NotFound", "NotAttached", "NotFoundException", "NoSuchEntity"))


def code(error: BaseException | None) -> str:
    """AWS's code for a refusal; an empty text for any other error, or none."""
    return str(error.response["Error"]["Code"]) if isinstance(error, ClientError) else ""


def _done(answer: Part) -> None:
    """Some operations don't raise what they could not do."""
    for each in answer.get("Unsuccessful", ()):
        raise ClientError({"Error": each["Error"]}, "Delete")


def _delete_gateway(ec2: Any, part: Part) -> None:
    for attached in part["Attachments"]:
        with suppress_gone():
            ec2.detach_internet_gateway(InternetGatewayId=part["InternetGatewayId"], VpcId=attached["VpcId"])
    ec2.delete_internet_gateway(InternetGatewayId=part["InternetGatewayId"])


def _delete_table(ec2: Any, part: Part) -> None:
    for each in part["Associations"]:
        with suppress_gone():
            ec2.disassociate_route_table(AssociationId=each["RouteTableAssociationId"])
    ec2.delete_route_table(RouteTableId=part["RouteTableId"])


def _release(ec2: Any, part: Part) -> None:
    if "AssociationId" in part:
        with suppress_gone():
            ec2.disassociate_address(AssociationId=part["AssociationId"])
    ec2.release_address(AllocationId=part["AllocationId"])


#: In the order in which AWS lets go of them. Flow logs come first: until one is deleted, its service may write to the
#: log group, and make it again. https://docs.aws.amazon.com/vpc/latest/userguide/flow-logs-troubleshooting.html
KINDS = (
    Kind(
        "flow log", "FlowLogId", "describe_flow_logs", "FlowLogs[]",
        lambda ec2, part: _done(ec2.delete_flow_logs(FlowLogIds=[part["FlowLogId"]])),
        within=("resource-id",),
    ),
    Kind(
        "instance", "InstanceId", "describe_instances", "Reservations[].Instances[]",
        lambda ec2, part: ec2.terminate_instances(InstanceIds=[part["InstanceId"]]),
        stays=lambda part: bool(part["State"]["Name"] == "terminated"),
    ),
    Kind(
        "peering connection", "VpcPeeringConnectionId", "describe_vpc_peering_connections", "VpcPeeringConnections[]",
        lambda ec2, part: ec2.delete_vpc_peering_connection(VpcPeeringConnectionId=part["VpcPeeringConnectionId"]),
        within=("requester-vpc-info.vpc-id", "accepter-vpc-info.vpc-id"),
        stays=lambda part: part["Status"]["Code"] in _OVER,
    ),
    Kind(
        "NAT gateway", "NatGatewayId", "describe_nat_gateways", "NatGateways[]",
        lambda ec2, part: ec2.delete_nat_gateway(NatGatewayId=part["NatGatewayId"]),
        stays=lambda part: bool(part["State"] == "deleted"),
    ),
    Kind(
        "VPC endpoint", "VpcEndpointId", "describe_vpc_endpoints", "VpcEndpoints[]",
        lambda ec2, part: _done(ec2.delete_vpc_endpoints(VpcEndpointIds=[part["VpcEndpointId"]])),
        stays=lambda part: part["State"].lower() == "deleted",
    ),
    Kind(
        "network interface", "NetworkInterfaceId", "describe_network_interfaces", "NetworkInterfaces[]",
        lambda ec2, part: ec2.delete_network_interface(NetworkInterfaceId=part["NetworkInterfaceId"]),
    ),
    Kind("Elastic IP address", "AllocationId", "describe_addresses", "Addresses[]", _release, within=()),
    Kind(
        "internet gateway", "InternetGatewayId", "describe_internet_gateways", "InternetGateways[]", _delete_gateway,
        within=("attachment.vpc-id",),
    ),
    Kind(
        "egress-only internet gateway", "EgressOnlyInternetGatewayId", "describe_egress_only_internet_gateways",
        "EgressOnlyInternetGateways[]",
        lambda ec2, part: ec2.delete_egress_only_internet_gateway(
            EgressOnlyInternetGatewayId=part["EgressOnlyInternetGatewayId"]
        ),
        within=("attachment.vpc-id",),
    ),
    Kind(
        "subnet", "SubnetId", "describe_subnets", "Subnets[]",
        lambda ec2, part: ec2.delete_subnet(SubnetId=part["SubnetId"]),
    ),
    Kind(
        "route table", "RouteTableId", "describe_route_tables", "RouteTables[]", _delete_table,
        stays=lambda part: any(each["Main"] for each in part["Associations"]),
    ),
    Kind(
        "network ACL", "NetworkAclId", "describe_network_acls", "NetworkAcls[]",
        lambda ec2, part: ec2.delete_network_acl(NetworkAclId=part["NetworkAclId"]),
        stays=lambda part: bool(part["IsDefault"]),
    ),
    Kind(
        "security group", "GroupId", "describe_security_groups", "SecurityGroups[]",
        lambda ec2, part: ec2.delete_security_group(GroupId=part["GroupId"]),
        stays=lambda part: bool(part["GroupName"] == "default"),
    ),
    Kind(
        "VPC", "VpcId", "describe_vpcs", "Vpcs[]", lambda ec2, part: ec2.delete_vpc(VpcId=part["VpcId"]), within=()
    ),
    Kind(
        "key pair", "KeyPairId", "describe_key_pairs", "KeyPairs[]",
        lambda ec2, part: ec2.delete_key_pair(KeyPairId=part["KeyPairId"]), within=(),
    ),
)  # fmt: skip
