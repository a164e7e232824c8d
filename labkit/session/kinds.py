"""The kinds of things that a lab is made of: how AWS describes each, when it is gone, and how to delete it.

`labkit.session.finding` and `labkit.session.clean_up` read this table.
https://docs.aws.amazon.com/vpc/latest/userguide/delete-vpc.html
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from botocore.exceptions import ClientError

#: A part of an answer of AWS.
Part = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of thing in EC2.

    Attributes:
        word: What a person calls it.
        type: What EC2's tags call it: its resource type.
        prefix: What its ids begin with.
        id: The key of the id in its description; with an `s`, the parameter by which EC2 describes some by their ids.
        operation: The operation that describes it.
        path: Where its descriptions are in the answer, as a JMESPath.
        delete: Deletes one, given an EC2 client and its description, if more is needed than the operation `delete_…`
            with its id.
        within: The filters that find those in some VPCs.
        vpcs: Returns the VPCs that one is in, given its description; only where EC2 has no filter for that.
        state: Returns the state, given the description.
        gone: The states in which nothing is left to delete.
        going: The states that end by themselves in one of those.
        leave: The calls that take one out of states that last until somebody does, by state, each with an {id}.
        holds: Whether things that it uses can't be deleted before it is gone.
        is_default: Whether one comes and goes with something else, such as its VPC, given its description.
    """

    word: str
    type: str
    prefix: str
    id: str
    operation: str
    path: str
    delete: Callable[[Any, Part], object] | None = None
    within: tuple[str, ...] = ("vpc-id",)
    vpcs: Callable[[Part], set[str]] | None = None
    state: Callable[[Part], str] = lambda part: ""
    gone: tuple[str, ...] = ()
    going: tuple[str, ...] = ()
    leave: Mapping[str, str] = field(default_factory=dict)
    holds: bool = False
    is_default: Callable[[Part], bool] = lambda part: False

    def is_gone(self, part: Part) -> bool:
        """Return whether a thing is gone, or will be soon: EC2 goes on describing it (and its tags) for a while."""
        return self.state(part) in self.gone + self.going

    def stays(self, part: Part) -> bool:
        """Return whether there is nothing to delete, or nothing to wait for."""
        return self.is_default(part) or self.state(part) in self.gone + (() if self.holds else self.going)

    def remove(self, ec2: Any, part: Part) -> None:
        """Delete a thing, given its description."""
        if self.delete:
            self.delete(ec2, part)
        else:
            operation = self.operation.replace("describe_", "delete_").removesuffix("s")
            getattr(ec2, operation)(**{self.id: part[self.id]})


class suppress_gone:
    """Go on where AWS answers that a thing does not exist (any more), or is not attached."""

    def __enter__(self) -> None: ...

    def __exit__(self, kind: object, error: BaseException | None, traceback: object) -> bool:
        return code(error).endswith(("NotFound", "NotAttached", "NotFoundException", "NoSuchEntity"))


def code(error: BaseException | None) -> str:
    """Return AWS's code of an error; an empty text for any other error, or none."""
    return str(error.response["Error"]["Code"]) if isinstance(error, ClientError) else ""


def _done(answer: Part) -> None:
    """Raise what an operation could not do, where it only lists that in its answer."""
    for each in answer.get("Unsuccessful", ()):
        raise ClientError({"Error": each["Error"]}, "Delete")


def _delete_gateway(ec2: Any, part: Part) -> None:
    for attached in part["Attachments"]:
        with suppress_gone():
            ec2.detach_internet_gateway(InternetGatewayId=part["InternetGatewayId"], VpcId=attached["VpcId"])
    ec2.delete_internet_gateway(InternetGatewayId=part["InternetGatewayId"])


#: In the order in which AWS allows deletion. Flow logs come first: until one is deleted, its service may write to the
#: log group, and create it again. https://docs.aws.amazon.com/vpc/latest/userguide/flow-logs-troubleshooting.html
KINDS = (
    Kind(
        "flow log", "vpc-flow-log", "fl", "FlowLogId", "describe_flow_logs", "FlowLogs[]",
        lambda ec2, part: _done(ec2.delete_flow_logs(FlowLogIds=[part["FlowLogId"]])),
        within=("resource-id",),
    ),
    Kind(
        "instance", "instance", "i", "InstanceId", "describe_instances", "Reservations[].Instances[]",
        lambda ec2, part: ec2.terminate_instances(InstanceIds=[part["InstanceId"]]),
        state=lambda part: str(part["State"]["Name"]), gone=("terminated",), going=("shutting-down",), holds=True,
        leave={"stopped": "ec2.start_instances(InstanceIds=['{id}'])"},
    ),
    # One that is over leaves the list by itself: https://docs.aws.amazon.com/vpc/latest/peering/vpc-peering-basics.html
    Kind(
        "peering connection", "vpc-peering-connection", "pcx", "VpcPeeringConnectionId",
        "describe_vpc_peering_connections", "VpcPeeringConnections[]",
        within=("requester-vpc-info.vpc-id", "accepter-vpc-info.vpc-id"),
        state=lambda part: str(part["Status"]["Code"]),
        gone=("deleted", "failed", "rejected", "expired"), going=("deleting",),
        leave={"pending-acceptance": "ec2.accept_vpc_peering_connection(VpcPeeringConnectionId='{id}')"},
    ),
    # One that failed is deleted by AWS after about an hour:
    # https://docs.aws.amazon.com/vpc/latest/userguide/nat-gateway-troubleshooting.html
    Kind(
        "NAT gateway", "natgateway", "nat", "NatGatewayId", "describe_nat_gateways", "NatGateways[]",
        state=lambda part: str(part["State"]), gone=("deleted",), going=("deleting", "failed"), holds=True,
    ),
    Kind(
        "VPC endpoint", "vpc-endpoint", "vpce", "VpcEndpointId", "describe_vpc_endpoints", "VpcEndpoints[]",
        lambda ec2, part: _done(ec2.delete_vpc_endpoints(VpcEndpointIds=[part["VpcEndpointId"]])),
        state=lambda part: str(part["State"].lower()), gone=("deleted",), going=("deleting",), holds=True,
    ),
    Kind(
        "network interface", "network-interface", "eni", "NetworkInterfaceId",
        "describe_network_interfaces", "NetworkInterfaces[]",
        is_default=lambda part: bool(part["Status"] != "available"),
    ),
    Kind(
        "Elastic IP address", "elastic-ip", "eipalloc", "AllocationId", "describe_addresses", "Addresses[]",
        lambda ec2, part: ec2.release_address(AllocationId=part["AllocationId"]), within=(),
    ),
    Kind(
        "internet gateway", "internet-gateway", "igw", "InternetGatewayId",
        "describe_internet_gateways", "InternetGateways[]",
        _delete_gateway, within=("attachment.vpc-id",),
    ),
    Kind(
        "egress-only internet gateway", "egress-only-internet-gateway", "eigw", "EgressOnlyInternetGatewayId",
        "describe_egress_only_internet_gateways", "EgressOnlyInternetGateways[]",
        within=(), vpcs=lambda part: {each["VpcId"] for each in part["Attachments"]},
    ),
    Kind(
        "subnet", "subnet", "subnet", "SubnetId", "describe_subnets", "Subnets[]",
        state=lambda part: str(part["State"]),
    ),
    Kind(
        "route table", "route-table", "rtb", "RouteTableId", "describe_route_tables", "RouteTables[]",
        is_default=lambda part: any(each["Main"] for each in part["Associations"]),
    ),
    Kind(
        "network ACL", "network-acl", "acl", "NetworkAclId", "describe_network_acls", "NetworkAcls[]",
        is_default=lambda part: bool(part["IsDefault"]),
    ),
    Kind(
        "security group", "security-group", "sg", "GroupId", "describe_security_groups", "SecurityGroups[]",
        is_default=lambda part: bool(part["GroupName"] == "default"),
    ),
    Kind("VPC", "vpc", "vpc", "VpcId", "describe_vpcs", "Vpcs[]", within=(), state=lambda part: str(part["State"])),
    Kind("key pair", "key-pair", "key", "KeyPairId", "describe_key_pairs", "KeyPairs[]", within=()),
)  # fmt: skip

#: The kinds by what their ids begin with.
BY_PREFIX = {kind.prefix: kind for kind in KINDS}
