"""Rules of labkit, each broken in one place: a judge that can judge must notice every one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from labkit.embedded.dataplane.transport import DataPlane
from labkit.embedded.instances.commands import ping
from labkit.network import ComponentKind, Outcome, filters
from labkit.network import trace as tracing
from labkit.network.packet import Packet
from labkit.network.parts import Interface, Route, RouteTable

Walk = tracing._Walk
Mutation = Callable[[pytest.MonkeyPatch], None]


def last_match_of_an_acl(patch: pytest.MonkeyPatch) -> None:
    decide = filters.network_acl
    patch.setattr(filters, "network_acl", lambda acl, *more: decide(replace(acl, entries=acl.entries[::-1]), *more))


def an_acl_that_remembers(patch: pytest.MonkeyPatch) -> None:
    asked = Walk._network_acl
    patch.setattr(Walk, "_network_acl", lambda walk, *more: walk.is_reply or asked(walk, *more))


def an_acl_within_the_subnet(patch: pytest.MonkeyPatch) -> None:
    asked = Walk._filter
    patch.setattr(Walk, "_filter", lambda walk, end, egress, _, *more: asked(walk, end, egress, True, *more))


def an_acl_that_looks_at_the_source_port(patch: pytest.MonkeyPatch) -> None:
    decide = filters.network_acl

    def by_source_port(acl: Any, egress: bool, packet: Packet) -> Any:
        return decide(acl, egress, replace(packet, src_port=packet.dst_port, dst_port=packet.src_port))

    patch.setattr(filters, "network_acl", by_source_port)


def a_group_that_forgets(patch: pytest.MonkeyPatch) -> None:
    asked = Walk._security_groups

    def forget(walk: Any, *more: Any) -> bool:
        walk.connections.tracked.clear()
        return asked(walk, *more)

    patch.setattr(Walk, "_security_groups", forget)


def only_the_first_group(patch: pytest.MonkeyPatch) -> None:
    decide = filters.security_groups
    patch.setattr(filters, "security_groups", lambda groups, *more: decide(groups[:1], *more))


def the_shortest_prefix(patch: pytest.MonkeyPatch) -> None:
    def shortest(table: RouteTable, destination: Any) -> Route | None:
        found = [route for route in table.routes if destination in route.destinations[0]]
        return min(found, key=lambda route: route.destinations[0].prefixlen, default=None)

    patch.setattr(RouteTable, "lookup", shortest)


def the_first_route(patch: pytest.MonkeyPatch) -> None:
    def first(table: RouteTable, destination: Any) -> Route | None:
        return next((route for route in table.routes if destination in route.destinations[0]), None)

    patch.setattr(RouteTable, "lookup", first)


def a_way_round_a_blackhole(patch: pytest.MonkeyPatch) -> None:
    look_up = RouteTable.lookup

    def without_blackholes(table: RouteTable, destination: Any) -> Route | None:
        active = tuple(route for route in table.routes if route.state != "blackhole")
        return look_up(replace(table, routes=active), destination)

    patch.setattr(RouteTable, "lookup", without_blackholes)


def a_gateway_for_private_addresses(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(tracing, "gateway_refusal", lambda address: None)


def a_gateway_that_translates_no_source(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Packet, "with_ends", lambda packet, src=None, dst=None: replace(packet, dst=dst or packet.dst))


def a_peering_that_leads_further(patch: pytest.MonkeyPatch) -> None:
    cross = Walk._peering_connection

    def further(walk: Any, id: str, sender: Interface) -> None:
        peer = walk.network.peering_connections[id].other_end(sender.vpc)
        beyond = [far for far in walk.network.active_peers(peer) if walk.network.interface_at(far, walk.packet.dst)]
        if beyond and not walk.network.interface_at(peer, walk.packet.dst):
            walk._deliver(beyond[0], None)
        else:
            cross(walk, id, sender)

    patch.setattr(Walk, "_peering_connection", further)


def a_stopped_instance_that_answers(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Walk, "_is_up", lambda walk, interface: True)


def no_record_of_what_is_refused(patch: pytest.MonkeyPatch) -> None:
    see = DataPlane._see

    def accepted_only(plane: DataPlane, sightings: Any, *more: Any) -> None:
        see(plane, [sighting for sighting in sightings if sighting.action == "ACCEPT"], *more)

    patch.setattr(DataPlane, "_see", accepted_only)


def a_record_that_rejects_what_no_route_carries(patch: pytest.MonkeyPatch) -> None:
    add = Walk._add

    def reject(walk: Any, kind: ComponentKind, component: str, outcome: Outcome, *more: Any, **named: Any) -> None:
        if kind is ComponentKind.ROUTE_TABLE and not outcome.passes:
            sightings = walk.hops[-1].sightings
            rejected = tuple(replace(sighting, action="REJECT") for sighting in sightings)
            walk.hops[-1] = replace(walk.hops[-1], sightings=rejected)
        add(walk, kind, component, outcome, *more, **named)

    patch.setattr(Walk, "_add", reject)


def echoes_without_their_header(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(ping, "_ICMP_HEADER", 0)


MUTATIONS: list[Mutation] = [
    last_match_of_an_acl, an_acl_that_remembers, an_acl_within_the_subnet, an_acl_that_looks_at_the_source_port,
    a_group_that_forgets, only_the_first_group, the_shortest_prefix, the_first_route, a_way_round_a_blackhole,
    a_gateway_for_private_addresses, a_gateway_that_translates_no_source, a_peering_that_leads_further,
    a_stopped_instance_that_answers, no_record_of_what_is_refused, a_record_that_rejects_what_no_route_carries,
    echoes_without_their_header,
]  # fmt: skip
