"""NAT gateways: an interface in the subnet and an Elastic IP address, both released when the gateway is deleted."""

from __future__ import annotations

from typing import Any

from labkit.embedded.api.patches import EC2_API, Moto, around, check, patch
from labkit.embedded.api.patches.utils import matches
from labkit.embedded.api.refusals import AwsError

_MODELS = "moto.ec2.models.nat_gateways"
_BACKEND = f"{_MODELS}:NatGatewayBackend"


def _get(backend: Any, gateway_id: str) -> Any:
    if gateway_id not in backend.nat_gateways:
        raise AwsError("NatGatewayNotFound", f"NAT gateway {gateway_id} was not found")
    return backend.nat_gateways[gateway_id]


@patch(
    "nat-gateway-lives-in-its-subnet",
    rule="A NAT gateway's private address is one of its subnet.",
    source=f"{EC2_API}API_CreateNatGateway.html",
    hook=f"{_MODELS}:random_private_ip",
)
def _address(_: Any) -> Any:
    return lambda cidr=None, ipv6=False: ""


@around(
    "nat-gateway-interface-is-managed",
    rule="A public NAT gateway needs an Elastic IP address; its interface is managed by AWS and in use.",
    source=f"{EC2_API}API_CreateNatGateway.html",
    hook=f"{_BACKEND}.create_nat_gateway",
)
def _create(self: Any, given: dict[str, Any], moto: Moto) -> Any:
    given["connectivity_type"] = given["connectivity_type"] or "public"
    if given["connectivity_type"] == "public" and not given["allocation_id"]:
        raise AwsError("MissingParameter", "The request must include the AllocationId parameter.")
    if given["allocation_id"]:
        self.address_by_allocation([given["allocation_id"]])
    gateway = moto()
    interface = gateway._eni
    interface.description = f"Interface for NAT Gateway {gateway.id}"
    interface.interface_type = "nat_gateway"
    interface.requester_managed = True
    interface.status = "in-use"
    interface.source_dest_check = False
    interface._group_set = []
    return gateway


@check(
    "deleted-nat-gateway-releases-its-address",
    rule="DeleteNatGateway disassociates the Elastic IP address and deletes the interface.",
    source=f"{EC2_API}API_DeleteNatGateway.html",
    hook=f"{_BACKEND}.delete_nat_gateway",
)
def _delete(self: Any, given: dict[str, Any]) -> None:
    gateway = _get(self, given["nat_gateway_id"])
    for address in self.addresses:
        if address.eni is gateway._eni and address.association_id:
            self.disassociate_address(association_id=address.association_id)
    self.enis.pop(gateway._eni.id, None)


@around(
    "nat-gateway-filters-are-obeyed",
    rule="DescribeNatGateways obeys tag filters and refuses an id that doesn't exist.",
    source=f"{EC2_API}API_DescribeNatGateways.html",
    hook=f"{_BACKEND}.describe_nat_gateways",
)
def _describe(self: Any, given: dict[str, Any], moto: Moto) -> list[Any]:
    for wanted in given["nat_gateway_ids"] or []:
        _get(self, wanted)
    tags = {name: values for name, values in (given["filters"] or {}).items() if name.startswith("tag")}
    return [
        gateway
        for gateway in moto()
        if all(matches(gateway.get_filter_value(name), values) for name, values in tags.items())
    ]
