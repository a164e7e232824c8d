"""What can be attached to only one other thing: a route table to a subnet, an internet gateway to a VPC."""

from __future__ import annotations

from typing import Any

from labkit.embedded.api.patches import patch
from labkit.embedded.api.refusals import AwsError

_GUIDE = "https://docs.aws.amazon.com/vpc/latest/userguide/"
_MODELS = "moto.ec2.models."


@patch(
    "a-subnet-has-one-route-table",
    rule="AssociateRouteTable refuses a subnet or gateway that is associated with another table, with "
    "Resource.AlreadyAssociated (widely reported); that the same table again is answered with the association that is "
    "there is modelled.",
    source=f"{_GUIDE}subnet-route-tables.html",
    hook=f"{_MODELS}route_tables:RouteBackend.associate_route_table",
    parameters="self route_table_id gateway_id subnet_id",
)
def _associate(original: Any) -> Any:
    def associate_route_table(
        self: Any, route_table_id: str, gateway_id: str | None = None, subnet_id: str | None = None
    ) -> Any:
        self.get_route_table(route_table_id)
        for table in self.route_tables.values():
            for association_id, associated in table._associations.items():
                if associated == (subnet_id or gateway_id):
                    if table.id == route_table_id:
                        return association_id
                    raise AwsError(
                        "Resource.AlreadyAssociated",
                        f"the specified association for route table {route_table_id} conflicts with an existing "
                        "association",
                    )
        return original(self, route_table_id, gateway_id, subnet_id)

    return associate_route_table


@patch(
    "a-vpc-has-one-internet-gateway",
    rule="AttachInternetGateway refuses a gateway that is attached, with Resource.AlreadyAssociated, and a VPC that "
    "has one, with InvalidParameterValue (both widely reported).",
    source=f"{_GUIDE}amazon-vpc-limits.html",
    hook=f"{_MODELS}internet_gateways:InternetGatewayBackend.attach_internet_gateway",
    parameters="self internet_gateway_id vpc_id",
)
def _attach(original: Any) -> Any:
    def attach_internet_gateway(self: Any, internet_gateway_id: str, vpc_id: str) -> Any:
        gateway = self.get_internet_gateway(internet_gateway_id)
        vpc = self.get_vpc(vpc_id)
        if gateway.vpc is not None:
            message = f"resource {internet_gateway_id} is already attached to network {gateway.vpc.id}"
            raise AwsError("Resource.AlreadyAssociated", message)
        if any(each.vpc is vpc for each in self.internet_gateways.values()):
            message = f"Network {vpc_id} already has an internet gateway attached"
            raise AwsError("InvalidParameterValue", message)
        return original(self, internet_gateway_id, vpc_id)

    return attach_internet_gateway
