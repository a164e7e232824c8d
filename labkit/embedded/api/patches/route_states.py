"""Whether a route leads anywhere: active, or blackhole once its target is gone."""

from __future__ import annotations

from typing import Any

from labkit.embedded.api.patches import patch


@patch(
    "route-to-nowhere-is-a-blackhole",
    rule="A route is in the state blackhole where its target isn't available: a peering connection that isn't "
    "active, a gateway that is detached or deleted, an instance or interface that is stopped or gone.",
    source="https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_Route.html",
    hook="moto.ec2.models.route_tables:Route.state",
)
def _state(_: Any) -> Any:
    return property(lambda self: "active" if leads_somewhere(self) else "blackhole")


def leads_somewhere(route: Any) -> bool:
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
