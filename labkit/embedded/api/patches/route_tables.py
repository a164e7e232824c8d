"""Route tables: the checks of a route before it is stored, its state, and the associations of a table."""

from __future__ import annotations

import ipaddress
from typing import Any

from labkit.embedded.api.patches import EC2_API, VPC_GUIDE, Moto, around, check, patch
from labkit.embedded.api.patches._checks import canonical, check_ids, not_found, still_needed
from labkit.embedded.api.patches.vpc_peering_connections import ENDED
from labkit.embedded.api.refusals import AwsError

_MODELS = "moto.ec2.models.route_tables"
_BACKEND = f"{_MODELS}:RouteBackend"

_DESTINATIONS = "destination_cidr_block destination_ipv6_cidr_block destination_prefix_list_id"
_TARGETS = (
    "gateway_id instance_id nat_gateway_id egress_only_igw_id transit_gateway_id interface_id "
    "vpc_peering_connection_id carrier_gateway_id vpc_endpoint_id"
)


@patch(
    "route-to-nowhere-is-a-blackhole",
    rule="A route is in the state blackhole where its target isn't available: a peering connection that isn't "
    "active, a gateway that is detached or deleted, an instance or interface that is stopped or gone.",
    source=f"{EC2_API}API_Route.html",
    hook=f"{_MODELS}:Route.state",
)
def _state(_: Any) -> Any:
    return property(lambda self: "active" if _leads_somewhere(self) else "blackhole")


def _leads_somewhere(route: Any) -> bool:
    """Whether the target of a route exists, and is in a state to take packets."""
    backend = route.route_table.ec2_backend
    if route.local:
        return True
    if route.vpc_pcx is not None:
        peering = backend.vpc_pcxs.get(route.vpc_pcx.id)
        return peering is not None and bool(peering.status["Code"] == "active")
    if route.nat_gateway is not None:
        gateway = backend.nat_gateways.get(route.nat_gateway.id)
        return gateway is not None and bool(gateway.state == "available")
    if route.egress_only_igw is not None:
        return route.egress_only_igw.id in backend.egress_only_internet_gateways
    if route.instance is not None:
        return bool(route.instance.state == "running")
    if route.interface is not None:
        interface = backend.enis.get(route.interface.id)
        return interface is not None and interface.instance is not None and bool(interface.instance.state == "running")
    if route.gateway is not None:
        gateway = backend.internet_gateways.get(route.gateway.id)
        return gateway is not None and gateway.vpc is not None and bool(gateway.vpc.id == route.route_table.vpc_id)
    return False


def _canonical_destination(given: dict[str, Any]) -> str:
    """Bring the one destination of a call into canonical form, in place, and return it."""
    chosen = [name for name in _DESTINATIONS.split() if given[name]]
    if not chosen:
        raise AwsError("MissingParameter", "The request must contain the parameter destinationCidrBlock")
    if len(chosen) > 1:
        raise AwsError("InvalidParameterCombination", "Only one of the destination parameters may be specified.")
    name = chosen[0]
    if name == "destination_cidr_block":
        given[name] = canonical(given[name], "destinationCidrBlock")
    elif name == "destination_ipv6_cidr_block":
        given[name] = canonical(given[name], "destinationIpv6CidrBlock", ipv6=True)
    return str(given[name])


def _check_target(backend: Any, table: Any, given: dict[str, Any]) -> None:
    """Raise AWS's refusal unless the call names one target that exists and belongs to the table's VPC."""
    chosen = [name for name in _TARGETS.split() if given.get(name)]
    if not chosen:
        message = "The request must contain a target, such as gatewayId or vpcPeeringConnectionId"
        raise AwsError("MissingParameter", message)
    if len(chosen) > 1:
        raise AwsError("InvalidParameterCombination", "The request must contain exactly one target.")
    name, target = chosen[0], given[chosen[0]]
    what, vpc_ids = "", {table.vpc_id}
    if name == "gateway_id":
        gateway = backend.internet_gateways.get(target)
        if gateway is None:
            if target.startswith("igw-"):
                raise not_found("internetGateway", target)
            raise AwsError("InvalidGatewayID.NotFound", f"The gateway ID '{target}' does not exist")
        what, vpc_ids = "network gateway", {gateway.vpc.id} if gateway.vpc else set()
    elif name == "vpc_peering_connection_id":
        peering = backend.vpc_pcxs.get(target)
        if peering is None or peering.status["Code"] in ENDED:
            raise not_found("vpcPeeringConnection", target)
        what, vpc_ids = "peering connection", {peering.vpc.id, peering.peer_vpc.id}
    elif name == "nat_gateway_id":
        nat = backend.nat_gateways.get(target)
        if nat is None or nat.state == "deleted":
            raise not_found("natGateway", target)
        what, vpc_ids = "nat gateway", {nat.vpc_id}
    elif name == "interface_id" and target in backend.enis:
        what, vpc_ids = "interface", {backend.enis[target].vpc_id}
    elif name == "instance_id":
        what, vpc_ids = "instance", {backend.get_instance(target).vpc_id}
    if table.vpc_id not in vpc_ids:
        message = f"route table {table.id} and {what} {target} belong to different networks"
        raise AwsError("InvalidParameterValue", message)


def _check_not_local(backend: Any, table: Any, given: dict[str, Any]) -> None:
    cidr = given["destination_cidr_block"]
    if not cidr or given["interface_id"] or given["instance_id"] or given["nat_gateway_id"]:
        return
    wanted = ipaddress.IPv4Network(cidr)
    for block in backend.get_vpc(table.vpc_id).get_cidr_block_association_set():
        if wanted.subnet_of(ipaddress.IPv4Network(block["cidr_block"])):
            raise AwsError(
                "InvalidParameterValue",
                f"The destination CIDR block {cidr} is equal to or more specific than one of this VPC's CIDR blocks. "
                "This route can target only an interface or an instance.",
            )


@check(
    "routes-are-checked",
    rule="CreateRoute puts the destination into canonical form, refuses one that the table has or (widely reported) "
    "that lies in the VPC, and needs one target of the same VPC.",
    source=f"{EC2_API}API_CreateRoute.html",
    hook=f"{_BACKEND}.create_route",
)
def _create(self: Any, given: dict[str, Any]) -> None:
    if given["local"]:
        return
    table = self.get_route_table(given["route_table_id"])
    destination = _canonical_destination(given)
    _check_target(self, table, given)
    _check_not_local(self, table, given)
    if any(destination in [getattr(route, name) for name in _DESTINATIONS.split()] for route in table.routes):
        raise AwsError("RouteAlreadyExists", f"The route identified by {destination} already exists.")


@check(
    "replaced-routes-are-checked",
    rule="ReplaceRoute needs one target; that it checks destination and target as CreateRoute does is modeled.",
    source=f"{EC2_API}API_ReplaceRoute.html",
    hook=f"{_BACKEND}.replace_route",
)
def _replace(self: Any, given: dict[str, Any]) -> None:
    table = self.get_route_table(given["route_table_id"])
    _canonical_destination(given)
    _check_target(self, table, given)
    _check_not_local(self, table, given)


@check(
    "local-routes-stay",
    rule="DeleteRoute deletes a route by its destination, never the local one; that the destination is brought into "
    "canonical form first is modeled.",
    source=f"{EC2_API}API_DeleteRoute.html",
    hook=f"{_BACKEND}.delete_route",
)
def _delete_route(self: Any, given: dict[str, Any]) -> None:
    destination = _canonical_destination(given)
    table = self.get_route_table(given["route_table_id"])
    for route in table.routes:
        if route.local and destination in (route.destination_cidr_block, route.destination_ipv6_cidr_block):
            message = f"cannot remove local route {destination} in route table {table.id}"
            raise AwsError("InvalidParameterValue", message)


@around(
    "a-subnet-has-one-route-table",
    rule="AssociateRouteTable refuses a subnet or gateway that is associated with another table, with "
    "Resource.AlreadyAssociated (widely reported); that the same table again is answered with the association that is "
    "there is modeled.",
    source=f"{VPC_GUIDE}subnet-route-tables.html",
    hook=f"{_BACKEND}.associate_route_table",
)
def _associate(self: Any, given: dict[str, Any], moto: Moto) -> Any:
    wanted = self.get_route_table(given["route_table_id"])
    for table in self.route_tables.values():
        for association_id, associated in table._associations.items():
            if associated == (given["subnet_id"] or given["gateway_id"]):
                if table is wanted:
                    return association_id
                message = (
                    f"the specified association for route table {wanted.id} conflicts with an existing association"
                )
                raise AwsError("Resource.AlreadyAssociated", message)
    return moto()


check_ids("routeTable", f"{_BACKEND}.describe_route_tables", lambda backend: backend.route_tables)


@check(
    "main-route-table-stays",
    rule="DeleteRouteTable refuses a VPC's main table, and one that a subnet has.",
    source=f"{EC2_API}API_DeleteRouteTable.html",
    hook=f"{_BACKEND}.delete_route_table",
)
def _delete_table(self: Any, given: dict[str, Any]) -> None:
    table = self.get_route_table(given["route_table_id"])
    if table.main_association_id is not None:
        raise still_needed("routeTable", table.id)
