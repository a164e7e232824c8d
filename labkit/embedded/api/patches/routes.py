"""What AWS checks before it stores a route, replaces one, or takes one away."""

from __future__ import annotations

import inspect
import ipaddress
from typing import Any

from labkit.embedded.api.patches import patch
from labkit.embedded.api.patches.cidrs import canonical, canonical6
from labkit.embedded.api.refusals import AwsError

_BACKEND = "moto.ec2.models.route_tables:RouteBackend"
_API = "https://docs.aws.amazon.com/AWSEC2/latest/APIReference/"

_TARGETS = (
    "gateway_id",
    "instance_id",
    "nat_gateway_id",
    "egress_only_igw_id",
    "transit_gateway_id",
    "interface_id",
    "vpc_peering_connection_id",
    "carrier_gateway_id",
    "vpc_endpoint_id",
)
_DESTINATIONS = ("destination_cidr_block", "destination_ipv6_cidr_block", "destination_prefix_list_id")


def _canonical_destination(given: dict[str, Any]) -> str:
    """Bring the one destination of a call into canonical form, in place, and return it."""
    chosen = [name for name in _DESTINATIONS if given.get(name)]
    if not chosen:
        raise AwsError("MissingParameter", "The request must contain the parameter destinationCidrBlock")
    if len(chosen) > 1:
        raise AwsError("InvalidParameterCombination", "Only one of the destination parameters may be specified.")
    name = chosen[0]
    if name == "destination_cidr_block":
        given[name] = canonical(given[name], "destinationCidrBlock")
    elif name == "destination_ipv6_cidr_block":
        given[name] = canonical6(given[name], "destinationIpv6CidrBlock")
    return str(given[name])


def _check_target(backend: Any, table: Any, given: dict[str, Any]) -> None:
    """Raise AWS's refusal unless the call names one target that exists and belongs to the table's VPC."""
    chosen = [name for name in _TARGETS if given.get(name)]
    if not chosen:
        raise AwsError(
            "MissingParameter", "The request must contain a target, such as gatewayId or vpcPeeringConnectionId"
        )
    if len(chosen) > 1:
        raise AwsError("InvalidParameterCombination", "The request must contain exactly one target.")
    name, target = chosen[0], given[chosen[0]]
    if name == "gateway_id":
        gateway = backend.internet_gateways.get(target)
        if target.startswith("igw-") and gateway is None:
            raise AwsError("InvalidInternetGatewayID.NotFound", f"The internetGateway ID '{target}' does not exist")
        if gateway is None:
            raise AwsError("InvalidGatewayID.NotFound", f"The gateway ID '{target}' does not exist")
        if gateway.vpc is None or gateway.vpc.id != table.vpc_id:
            raise _elsewhere(table, "network gateway", target)
    elif name == "vpc_peering_connection_id":
        peering = backend.vpc_pcxs.get(target)
        if peering is None or peering.status["Code"] in {"failed", "expired", "rejected", "deleted"}:
            raise AwsError(
                "InvalidVpcPeeringConnectionID.NotFound", f"The vpcPeeringConnection ID '{target}' does not exist"
            )
        if table.vpc_id not in {peering.vpc.id, peering.peer_vpc.id}:
            raise _elsewhere(table, "peering connection", target)
    elif name == "nat_gateway_id":
        nat = backend.nat_gateways.get(target)
        if nat is None or nat.state == "deleted":
            raise AwsError("InvalidNatGatewayID.NotFound", f"The natGateway ID '{target}' does not exist")
        if nat.vpc_id != table.vpc_id:
            raise _elsewhere(table, "nat gateway", target)
    elif name == "interface_id":
        interface = backend.enis.get(target)
        if interface is not None and interface.vpc_id != table.vpc_id:
            raise _elsewhere(table, "interface", target)
    elif name == "instance_id":
        instance = backend.get_instance_by_id(target)
        if instance is not None and instance.vpc_id != table.vpc_id:
            raise _elsewhere(table, "instance", target)


def _elsewhere(table: Any, what: str, target: str) -> AwsError:
    return AwsError("InvalidParameterValue", f"route table {table.id} and {what} {target} belong to different networks")


def _check_not_local(backend: Any, table: Any, given: dict[str, Any]) -> None:
    cidr = given.get("destination_cidr_block")
    if not cidr or given.get("interface_id") or given.get("instance_id") or given.get("nat_gateway_id"):
        return
    wanted = ipaddress.IPv4Network(cidr)
    for block in backend.get_vpc(table.vpc_id).get_cidr_block_association_set():
        if wanted.subnet_of(ipaddress.IPv4Network(block["cidr_block"])):
            raise AwsError(
                "InvalidParameterValue",
                f"The destination CIDR block {cidr} is equal to or more specific than one of this VPC's CIDR blocks. "
                "This route can target only an interface or an instance.",
            )


@patch(
    "routes-are-checked",
    rule="CreateRoute puts the destination into canonical form, refuses one that the table has or (widely reported) "
    "that lies in the VPC, and needs one target of the same VPC.",
    source=f"{_API}API_CreateRoute.html",
    hook=f"{_BACKEND}.create_route",
    parameters="self route_table_id " + " ".join(_DESTINATIONS) + " local " + " ".join(_TARGETS),
)
def _create(original: Any) -> Any:
    signature = inspect.signature(original)

    def create_route(self: Any, *args: Any, **kwargs: Any) -> Any:
        call = signature.bind(self, *args, **kwargs)
        given = call.arguments
        if not given.get("local"):
            table = self.get_route_table(given["route_table_id"])
            destination = _canonical_destination(given)
            _check_target(self, table, given)
            _check_not_local(self, table, given)
            for route in table.routes:
                if destination in (
                    route.destination_cidr_block,
                    route.destination_ipv6_cidr_block,
                    route.destination_prefix_list_id,
                ):
                    message = f"The route identified by {destination} already exists."
                    raise AwsError("RouteAlreadyExists", message)
        return original(*call.args, **call.kwargs)

    return create_route


@patch(
    "replaced-routes-are-checked",
    rule="ReplaceRoute needs one target, as CreateRoute does; that it checks both ends likewise is modelled.",
    source=f"{_API}API_ReplaceRoute.html",
    hook=f"{_BACKEND}.replace_route",
    parameters="self route_table_id destination_cidr_block destination_ipv6_cidr_block destination_prefix_list_id "
    "nat_gateway_id egress_only_igw_id transit_gateway_id gateway_id instance_id interface_id "
    "vpc_peering_connection_id",
)
def _replace(original: Any) -> Any:
    signature = inspect.signature(original)

    def replace_route(self: Any, *args: Any, **kwargs: Any) -> Any:
        call = signature.bind(self, *args, **kwargs)
        table = self.get_route_table(call.arguments["route_table_id"])
        _canonical_destination(call.arguments)
        _check_target(self, table, call.arguments)
        _check_not_local(self, table, call.arguments)
        return original(*call.args, **call.kwargs)

    return replace_route


@patch(
    "local-routes-stay",
    rule="DeleteRoute takes a route away by its destination, never the local one; that the destination is brought into "
    "canonical form first is modelled.",
    source=f"{_API}API_DeleteRoute.html",
    hook=f"{_BACKEND}.delete_route",
    parameters="self route_table_id " + " ".join(_DESTINATIONS),
)
def _delete(original: Any) -> Any:
    signature = inspect.signature(original)

    def delete_route(self: Any, *args: Any, **kwargs: Any) -> Any:
        call = signature.bind(self, *args, **kwargs)
        destination = _canonical_destination(call.arguments)
        table = self.get_route_table(call.arguments["route_table_id"])
        for route in table.routes:
            if route.local and destination in (route.destination_cidr_block, route.destination_ipv6_cidr_block):
                message = f"cannot remove local route {destination} in route table {table.id}"
                raise AwsError("InvalidParameterValue", message)
        return original(*call.args, **call.kwargs)

    return delete_route
