"""NAT gateways: an interface in the subnet and an Elastic IP address, both let go when the gateway is deleted."""

from __future__ import annotations

from typing import Any

from labkit.embedded.api.patches import patch
from labkit.embedded.api.patches.filters import matches
from labkit.embedded.api.refusals import AwsError

_API = "https://docs.aws.amazon.com/AWSEC2/latest/APIReference/"
_BACKEND = "moto.ec2.models.nat_gateways:NatGatewayBackend"


def _missing(gateway_id: str) -> AwsError:
    return AwsError("NatGatewayNotFound", f"NAT gateway {gateway_id} was not found")


@patch(
    "nat-gateway-lives-in-its-subnet",
    rule="A NAT gateway's private address is one of its subnet.",
    source=f"{_API}API_CreateNatGateway.html",
    hook="moto.ec2.models.nat_gateways:random_private_ip",
    parameters="cidr ipv6",
)
def _address(_: Any) -> Any:
    return lambda cidr=None, ipv6=False: ""


@patch(
    "nat-gateway-interface-is-managed",
    rule="A public NAT gateway needs an Elastic IP address; its interface is managed by AWS and in use.",
    source=f"{_API}API_CreateNatGateway.html",
    hook=f"{_BACKEND}.create_nat_gateway",
    parameters="self subnet_id allocation_id tags connectivity_type",
)
def _create(original: Any) -> Any:
    def create_nat_gateway(
        self: Any,
        subnet_id: str,
        allocation_id: str,
        tags: dict[str, str] | None = None,
        connectivity_type: str | None = "public",
    ) -> Any:
        kind = connectivity_type or "public"
        if kind == "public" and not allocation_id:
            raise AwsError("MissingParameter", "The request must include the AllocationId parameter.")
        if allocation_id:
            self.address_by_allocation([allocation_id])
        gateway = original(self, subnet_id, allocation_id, tags, kind)
        interface = gateway._eni
        interface.description = f"Interface for NAT Gateway {gateway.id}"
        interface.interface_type = "nat_gateway"
        interface.requester_managed = True
        interface.status = "in-use"
        interface.source_dest_check = False
        interface._group_set = []
        return gateway

    return create_nat_gateway


@patch(
    "deleted-nat-gateway-lets-go",
    rule="DeleteNatGateway disassociates the Elastic IP address and deletes the interface.",
    source=f"{_API}API_DeleteNatGateway.html",
    hook=f"{_BACKEND}.delete_nat_gateway",
    parameters="self nat_gateway_id",
)
def _delete(original: Any) -> Any:
    def delete_nat_gateway(self: Any, nat_gateway_id: str) -> Any:
        gateway = self.nat_gateways.get(nat_gateway_id)
        if gateway is None:
            raise _missing(nat_gateway_id)
        for address in self.addresses:
            if address.eni is gateway._eni and address.association_id:
                self.disassociate_address(association_id=address.association_id)
        self.enis.pop(gateway._eni.id, None)
        return original(self, nat_gateway_id)

    return delete_nat_gateway


@patch(
    "nat-gateway-filters-are-obeyed",
    rule="DescribeNatGateways obeys tag filters and refuses an unknown id.",
    source=f"{_API}API_DescribeNatGateways.html",
    hook=f"{_BACKEND}.describe_nat_gateways",
    parameters="self filters nat_gateway_ids",
)
def _describe(original: Any) -> Any:
    def describe_nat_gateways(self: Any, filters: Any, nat_gateway_ids: list[str] | None) -> list[Any]:
        for wanted in nat_gateway_ids or []:
            if wanted not in self.nat_gateways:
                raise _missing(wanted)
        tags = {name: values for name, values in (filters or {}).items() if name.startswith("tag")}
        return [
            gateway
            for gateway in original(self, filters, nat_gateway_ids)
            if all(matches(gateway.get_filter_value(name), values) for name, values in tags.items())
        ]

    return describe_nat_gateways
