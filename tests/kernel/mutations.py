"""Rules of labkit, each broken in one place: a judge that can judge must notice every one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from inspect import isfunction
from typing import Any

import pytest

from labkit.embedded.dataplane.capture import Capture
from labkit.embedded.instances.commands import ping
from labkit.network import ComponentKind, Outcome
from labkit.network import trace as tracing
from labkit.network.packet import Packet
from labkit.network.parts import Interface, Route, RouteTable

Walk = tracing._Walk
Mutation = Callable[[pytest.MonkeyPatch], None]


def last_match_of_an_acl(patch: pytest.MonkeyPatch) -> None:
    decide = tracing.network_acl
    patch.setattr(tracing, "network_acl", lambda acl, *more: decide(replace(acl, entries=acl.entries[::-1]), *more))


def an_acl_that_remembers(patch: pytest.MonkeyPatch) -> None:
    asked = Walk._network_acl

    def remembering(walk: Any, *more: Any) -> Any:
        kind, decision = asked(walk, *more)
        return kind, replace(decision, outcome=Outcome.TRACKED) if walk.is_reply else decision

    patch.setattr(Walk, "_network_acl", remembering)


def an_acl_within_the_subnet(patch: pytest.MonkeyPatch) -> None:
    asked = Walk._filter
    patch.setattr(Walk, "_filter", lambda walk, end, egress, _, *more: asked(walk, end, egress, True, *more))


def an_acl_that_looks_at_the_source_port(patch: pytest.MonkeyPatch) -> None:
    decide = tracing.network_acl
    patch.setattr(tracing, "network_acl", lambda acl, egress, packet: decide(acl, egress, _swapped(packet)))


def _swapped(packet: Packet) -> Packet:
    return replace(packet, src_port=packet.dst_port, dst_port=packet.src_port)


def a_group_that_forgets(patch: pytest.MonkeyPatch) -> None:
    asked = Walk._security_groups
    patch.setattr(Walk, "_security_groups", lambda walk, *more: walk.connections.tracked.clear() or asked(walk, *more))


def only_the_first_group(patch: pytest.MonkeyPatch) -> None:
    decide = tracing.security_groups
    patch.setattr(tracing, "security_groups", lambda groups, *more: decide(groups[:1], *more))


def the_shortest_prefix(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(RouteTable, "lookup", lambda table, end: min(_matching(table, end), key=_length, default=None))


def the_first_route(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(RouteTable, "lookup", lambda table, end: next(iter(_matching(table, end)), None))


def _matching(table: RouteTable, end: Any) -> list[Route]:
    return [route for route in table.routes if end in route.destinations[0]]


def _length(route: Route) -> int:
    return route.destinations[0].prefixlen


def a_way_round_a_blackhole(patch: pytest.MonkeyPatch) -> None:
    look_up = RouteTable.lookup

    def without_blackholes(table: RouteTable, destination: Any) -> Route | None:
        active = tuple(route for route in table.routes if route.state != "blackhole")
        return look_up(replace(table, routes=active), destination)

    patch.setattr(RouteTable, "lookup", without_blackholes)


def a_gateway_for_private_addresses(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(tracing, "_gateway_refusal", lambda address: None)


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
    see = Capture.see
    patch.setattr(Capture, "see", lambda own, seen, *more: seen.action == "ACCEPT" and see(own, seen, *more))


def a_record_that_rejects_what_no_route_carries(patch: pytest.MonkeyPatch) -> None:
    add = Walk._add

    def reject(walk: Any, kind: ComponentKind, component: str, outcome: Outcome, *more: Any, **named: Any) -> None:
        if kind is ComponentKind.ROUTE_TABLE and not outcome.passes:
            last = len(walk.hops) - 1
            walk._sightings[last] = [replace(one, action="REJECT") for one in walk._sightings.get(last, ())]
        add(walk, kind, component, outcome, *more, **named)

    patch.setattr(Walk, "_add", reject)


def echoes_without_their_header(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(ping, "_ICMP_HEADER", 0)


#: Every function above: the public ones of this module.
MUTATIONS: list[Mutation] = [
    one for name, one in list(globals().items()) if isfunction(one) and one.__module__ == __name__ and name[0] != "_"
]
