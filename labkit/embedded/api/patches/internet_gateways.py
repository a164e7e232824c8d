"""Internet gateways: one for each VPC, and what keeps one from being detached or deleted."""

from __future__ import annotations

from typing import Any

from labkit.embedded.api.patches import EC2_API, VPC_GUIDE, check
from labkit.embedded.api.patches._checks import still_needed
from labkit.embedded.api.refusals import AwsError

_BACKEND = "moto.ec2.models.internet_gateways:InternetGatewayBackend"


@check(
    "a-vpc-has-one-internet-gateway",
    rule="AttachInternetGateway refuses a gateway that is attached, with Resource.AlreadyAssociated, and a VPC that "
    "has one, with InvalidParameterValue (both widely reported).",
    source=f"{VPC_GUIDE}amazon-vpc-limits.html",
    hook=f"{_BACKEND}.attach_internet_gateway",
)
def _attach(self: Any, given: dict[str, Any]) -> None:
    gateway = self.get_internet_gateway(given["internet_gateway_id"])
    vpc = self.get_vpc(given["vpc_id"])
    if gateway.vpc is not None:
        message = f"resource {gateway.id} is already attached to network {gateway.vpc.id}"
        raise AwsError("Resource.AlreadyAssociated", message)
    if any(each.vpc is vpc for each in self.internet_gateways.values()):
        raise AwsError("InvalidParameterValue", f"Network {vpc.id} already has an internet gateway attached")


@check(
    "internet-gateway-is-detached-without-public-addresses",
    rule="DetachInternetGateway refuses while a public address is in use in the VPC.",
    source=f"{EC2_API}API_DetachInternetGateway.html",
    hook=f"{_BACKEND}.detach_internet_gateway",
)
def _detach(self: Any, given: dict[str, Any]) -> None:
    gateway, vpc_id = self.get_internet_gateway(given["internet_gateway_id"]), given["vpc_id"]
    attached = gateway.vpc is not None and gateway.vpc.id == vpc_id
    if attached and any(each.public_ip and each.vpc_id == vpc_id for each in self.enis.values()):
        raise AwsError(
            "DependencyViolation",
            f"Network {vpc_id} has some mapped public address(es). "
            "Please unmap those public address(es) before detaching the gateway.",
        )


@check(
    "internet-gateway-is-deleted-detached",
    rule="DeleteInternetGateway refuses a gateway that is attached to a VPC.",
    source=f"{EC2_API}API_DeleteInternetGateway.html",
    hook=f"{_BACKEND}.delete_internet_gateway",
)
def _delete(self: Any, given: dict[str, Any]) -> None:
    gateway = self.get_internet_gateway(given["internet_gateway_id"])
    if gateway.vpc is not None:
        raise still_needed("internetGateway", gateway.id)
