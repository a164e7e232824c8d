"""Follow a packet through a network, hop by hop, as a VPC's virtual router would carry it.

`Network.trace` calls this. On the way out a packet meets the security group, the network ACL and the route; on the way
in the network ACL, the security group and the host. Then the reply does the same from the other end.
https://docs.aws.amazon.com/vpc/latest/userguide/infrastructure-security.html
"""

from __future__ import annotations

from dataclasses import replace

from labkit.network import filters
from labkit.network.addresses import gateway_refusal, is_public
from labkit.network.endpoints import sender_of
from labkit.network.outcomes import ComponentKind, Direction, Outcome
from labkit.network.packet import ICMP, TCP, UDP, Packet
from labkit.network.parts import DecidedBy, Interface, NatGateway, Route, Translation
from labkit.network.path import Hop, Leg, Path, Sighting
from labkit.network.topology import Topology

#: A packet that appliances send in a loop ends here; an IP packet would, too, as its TTL runs out.
_MOST_INTERFACES = 8


def trace(network: Topology, packet: Packet, start: str | None = None) -> Path:
    """Follow a packet from its sender to its destination, and its reply back.

    Args:
        network: What the packet is sent through.
        packet: The packet.
        start: The id of the interface that sends it, or None for the one that bears its source address.

    Raises:
        NetworkError: `start` is unknown, or no interface or more than one can send the packet.
    """
    connections = _Connections()
    there = _Walk(network, packet, connections)
    there.begin(sender_of(network, packet, start))
    forward = there.leg()
    if not forward.arrived:
        return Path(packet, forward, None)
    back = _Walk(network, there.packet.reply(), connections, is_reply=True)
    back.begin(there.at)
    return Path(packet, forward, back.leg(), there.at.id if there.at else None)


class _Connections:
    """What stateful components remember of the request when the reply comes."""

    def __init__(self) -> None:
        self.tracked: set[str] = set()  # interfaces whose security groups let the request pass
        self.translated: dict[str, Packet] = {}  # a NAT gateway's interface → the client's packet
        self.egress_only: set[str] = set()  # egress-only gateways that the request left by


class _Walk:
    """One leg of a path. Each method is one component; it adds hops and calls the next component."""

    def __init__(self, network: Topology, packet: Packet, connections: _Connections, is_reply: bool = False) -> None:
        self.network = network
        self.packet = packet
        self.connections = connections
        self.is_reply = is_reply
        self.hops: list[Hop] = []
        self.arrived = False
        self.at: Interface | None = None
        self._unplaced: tuple[Sighting, ...] = ()  # of the next hop, where an interface lets in without any filter
        self._entered = 0  # interfaces that the packet has come in through
        self._sender_groups: frozenset[str] = frozenset()
        self._shown_groups: frozenset[str] = frozenset()  # the sender's, while the packet still shows who sent it

    def leg(self) -> Leg:
        return Leg(tuple(self.hops), self.arrived)

    def _add(
        self,
        kind: ComponentKind,
        component: str,
        outcome: Outcome,
        by: DecidedBy | None = None,
        *,
        interface: Interface | None = None,
        vpc: str | None = None,
        direction: Direction | None = None,
        other: str = "",
    ) -> None:
        """Add a hop; where its outcome stops the packet, it is the last."""
        id, vpc = (interface.id, interface.vpc) if interface else (None, vpc)
        name, sightings, self._unplaced = self.network.name(component), self._unplaced, ()
        self.hops.append(Hop(kind, component, name, self.packet, outcome, by, other, direction, id, vpc, sightings))

    # Hosts

    def begin(self, interface: Interface | None) -> None:
        """Send the packet from an instance or whatever is behind an interface, or from a host on the internet."""
        if interface is None:
            outcome = Outcome.REPLIED_FROM_INTERNET if self.is_reply else Outcome.SENT_FROM_INTERNET
            self._add(ComponentKind.INTERNET, "internet", outcome)
            self._into_vpc_from_internet()
            return
        if not self._is_up(interface):
            return
        self._sender_groups = frozenset(interface.groups)
        if self.packet.dst in interface.addresses:
            self._host(interface, Outcome.KEPT)
            self._arrive(interface)
            return
        nat_gateway = self.network.nat_gateway_at(interface.id)
        if nat_gateway:
            self._add(ComponentKind.NAT_GATEWAY, nat_gateway.id, Outcome.NAT_STARTS_NOTHING, interface=interface)
            return
        self._host(interface, Outcome.REPLIED if self.is_reply else Outcome.SENT)
        self._leave(interface)

    def _host(self, interface: Interface, outcome: Outcome) -> None:
        self._add(ComponentKind.INSTANCE, interface.instance or interface.id, outcome, interface=interface)

    def _is_up(self, interface: Interface) -> bool:
        instance = self.network.instances.get(interface.instance or "")
        if instance is not None and instance.state != "running":
            self._add(ComponentKind.INSTANCE, instance.id, Outcome.NOT_RUNNING, instance, interface=interface)
        elif not interface.attached:
            self._at_interface(interface, Outcome.NOTHING_ATTACHED)
        else:
            return True
        return False

    def _at_interface(self, interface: Interface, outcome: Outcome, direction: Direction | None = None) -> None:
        self._add(ComponentKind.INTERFACE, interface.id, outcome, interface=interface, direction=direction)

    def _arrive(self, interface: Interface | None) -> None:
        self.arrived = True
        self.at = interface

    # Interfaces: the security groups and, at the edge of the subnet, the network ACL

    def _leave(self, interface: Interface) -> None:
        """Send the packet out through an interface."""
        packet = self.packet
        is_own = packet.src in interface.addresses
        if interface.source_dest_check and not is_own and not self.network.nat_gateway_at(interface.id):
            self._at_interface(interface, Outcome.FOREIGN, "egress")
            return
        subnet = self.network.subnets[interface.subnet]
        same_subnet = any(packet.dst in cidr for cidr in subnet.cidrs)
        route = None if same_subnet else self.network.route_table_of(subnet.id).lookup(packet.dst)
        self._shown_groups = frozenset(interface.groups) if is_own else frozenset()
        leaves_subnet = not same_subnet and self._is_elsewhere(interface, route)
        target = "local" if same_subnet else route.target if route else None
        if not self._filter(interface, True, leaves_subnet, target):
            return
        if same_subnet:
            self._deliver(interface.vpc, interface.subnet)
        else:
            self._route(interface, route)

    def _is_elsewhere(self, interface: Interface, route: Route | None) -> bool:
        """Whether a route leads out of the interface's subnet: not to an appliance or a NAT gateway in it."""
        target = route.target if route else ""
        gateway = self.network.nat_gateways.get(target)
        next_hop = self.network.interfaces.get(gateway.interface if gateway else target)
        return next_hop is None or next_hop.subnet != interface.subnet

    def _enter(self, interface: Interface, crosses_subnet: bool) -> None:
        """Let the packet in through an interface, up to the host or whatever is behind it."""
        if not self._is_up(interface) or not self._filter(interface, False, crosses_subnet):
            return
        self._entered += 1
        nat_gateway = self.network.nat_gateway_at(interface.id)
        if self._entered > _MOST_INTERFACES:
            self._at_interface(interface, Outcome.LOOP)
        elif nat_gateway:
            self._nat_ingress(nat_gateway, interface)
        elif self.packet.dst in interface.addresses:
            self._host(interface, Outcome.REPLY_RECEIVED if self.is_reply else Outcome.RECEIVED)
            self._arrive(interface)
        elif interface.source_dest_check:
            self._at_interface(interface, Outcome.FOREIGN, "ingress")
        else:
            self._host(interface, Outcome.FORWARDED)
            self._leave(interface)

    def _filter(self, interface: Interface, egress: bool, crosses_subnet: bool, target: str | None = None) -> bool:
        """Ask the security groups and the network ACL, in the order of the direction, and note what was seen."""
        if not self.network.is_captured(interface.vpc, self.packet.dst):
            return True  # what is never recorded is never filtered either: the host's services and the VPC's router
        checks = [self._security_groups] + ([self._network_acl] if crosses_subnet else [])
        before = len(self.hops)
        accepted = all(check(interface, egress) for check in (checks if egress else reversed(checks)))
        sighting = self._sighting(interface, egress, accepted, target)
        if egress or len(self.hops) > before:
            self.hops[-1] = replace(self.hops[-1], sightings=(*self.hops[-1].sightings, sighting))
        else:
            self._unplaced = (sighting,)
        return accepted

    def _sighting(self, interface: Interface, egress: bool, accepted: bool, target: str | None) -> Sighting:
        # A record gives the interface's own end as its primary private IPv4 address, whatever the packet bore.
        # https://docs.aws.amazon.com/vpc/latest/userguide/flow-logs-limitations.html
        packet = self.packet
        if packet.src.version == 4:
            packet = packet.with_ends(**{"src" if egress else "dst": interface.primary})
        direction: Direction = "egress" if egress else "ingress"
        return Sighting(interface.id, direction, "ACCEPT" if accepted else "REJECT", packet, self.packet, target)

    def _security_groups(self, interface: Interface, egress: bool) -> bool:
        groups = [self.network.security_groups[id] for id in interface.groups]
        if not groups:  # a NAT gateway's interface has none
            return True
        if self.is_reply and interface.id in self.connections.tracked:
            decision = filters.FilterDecision(groups[0].id, Outcome.TRACKED)
        else:
            peer, lost = self._groups_at_destination(interface) if egress else (self._shown_groups, self._sender_groups)
            decision = filters.security_groups(groups, egress, self.packet, peer, lost, self.network.prefix_lists)
            if decision.allowed:
                self.connections.tracked.add(interface.id)
        self._decided(ComponentKind.SECURITY_GROUP, decision, interface, egress)
        return decision.allowed

    def _groups_at_destination(self, interface: Interface) -> tuple[frozenset[str], frozenset[str]]:
        """The groups at the destination, in this VPC or a peer of it; and those behind it if it is a public address."""
        vpcs = [interface.vpc, *self.network.active_peers(interface.vpc)]
        found = (self.network.interface_at(vpc, self.packet.dst) for vpc in vpcs)
        shown = frozenset(group for interface in found if interface for group in interface.groups)
        paired = self.network.public_interface(self.packet.dst)
        return shown, frozenset(paired[0].groups if paired else ())

    def _network_acl(self, interface: Interface, egress: bool) -> bool:
        decision = filters.network_acl(self.network.network_acl_of(interface.subnet), egress, self.packet)
        self._decided(ComponentKind.NETWORK_ACL, decision, interface, egress)
        return decision.allowed

    def _decided(self, kind: ComponentKind, by: filters.FilterDecision, interface: Interface, egress: bool) -> None:
        direction: Direction = "egress" if egress else "ingress"
        self._add(kind, by.component, by.outcome, by.rule, interface=interface, direction=direction, other=by.group)

    # The VPC's router

    def _route(self, interface: Interface, route: Route | None) -> None:
        table = self.network.route_table_of(interface.subnet)
        if route is None or route.state == "blackhole":
            outcome = Outcome.BLACKHOLE if route else Outcome.NO_ROUTE
            self._add(ComponentKind.ROUTE_TABLE, table.id, outcome, route, vpc=table.vpc)
            return
        target = route.target
        name = self.network.name(target)
        self._add(ComponentKind.ROUTE_TABLE, table.id, Outcome.ROUTE_APPLIES, route, vpc=table.vpc, other=name)
        follow = {
            "pcx": self._peering_connection,
            "igw": self._out_by_internet_gateway,
            "eigw": self._out_by_egress_only_gateway,
            "nat": self._nat_egress,
            "eni": self._appliance,
        }.get(target.split("-")[0])
        if target == "local":
            self._deliver(interface.vpc, interface.subnet)
        elif follow:
            follow(target, interface)
        else:
            self._add(ComponentKind.OTHER, target, Outcome.TARGET_UNSUPPORTED, vpc=table.vpc)

    def _deliver(self, vpc: str, from_subnet: str | None) -> None:
        """Deliver the packet to the interface in a VPC that bears the destination address."""
        interface = self.network.interface_at(vpc, self.packet.dst)
        if interface is None:
            is_reserved = self.network.is_reserved(vpc, self.packet.dst)
            outcome = Outcome.RESERVED if is_reserved else Outcome.NO_INTERFACE
            self._add(ComponentKind.VPC, vpc, outcome, vpc=vpc)
            return
        self._enter(interface, crosses_subnet=interface.subnet != from_subnet)

    def _appliance(self, target: str, sender: Interface) -> None:
        interface = self.network.interfaces.get(target)
        if interface is None:
            self._add(ComponentKind.INTERFACE, target, Outcome.TARGET_MISSING, vpc=sender.vpc)
            return
        self._enter(interface, crosses_subnet=interface.subnet != sender.subnet)

    def _peering_connection(self, id: str, sender: Interface) -> None:
        peering = self.network.peering_connections.get(id)
        peer, ends = peering.other_end(sender.vpc) if peering else "", (self.packet.dst, self.packet.src)
        if peering is None:
            outcome = Outcome.PEERING_MISSING
        elif peering.status != "active":
            outcome = Outcome.PEERING_NOT_ACTIVE
        elif not any(end in cidr for end in ends for cidr in peering.cidrs[peer]):
            outcome = Outcome.PEER_LACKS_ADDRESS
        elif peer not in self.network.vpcs:
            outcome = Outcome.PEER_ELSEWHERE
        else:
            outcome = Outcome.PEERED
        name = self.network.name(peer)
        self._add(ComponentKind.PEERING_CONNECTION, id, outcome, peering, vpc=sender.vpc, other=name)
        if outcome.passes:
            self._deliver(peer, None)

    # The edge of the VPC

    def _out_by_internet_gateway(self, id: str, interface: Interface) -> None:
        kind, vpc, packet = ComponentKind.INTERNET_GATEWAY, interface.vpc, self.packet
        if not self._is_attached(id, kind, vpc):
            return
        refusal = gateway_refusal(packet.dst)
        public = interface.public.get(packet.src)
        if refusal:
            table = self.network.route_table_of(interface.subnet)
            self._add(kind, id, refusal, vpc=vpc, other=table.name)
            return
        if packet.src.version == 6 and is_public(packet.src):
            self._add(kind, id, Outcome.TO_INTERNET, self.network.internet_gateways[id], vpc=vpc)
        elif public is None:
            self._add(kind, id, Outcome.NO_PUBLIC_ADDRESS, vpc=vpc)
            return
        else:
            self._add(kind, id, Outcome.MADE_PUBLIC, Translation(packet.src, public), vpc=vpc)
            self.packet = packet.with_ends(src=public)
        self._to_internet()

    def _out_by_egress_only_gateway(self, id: str, interface: Interface) -> None:
        kind, vpc = ComponentKind.EGRESS_ONLY_INTERNET_GATEWAY, interface.vpc
        if self._is_attached(id, kind, vpc):
            self._add(kind, id, Outcome.OUT_ONLY, self.network.internet_gateways[id], vpc=vpc)
            self.connections.egress_only.add(id)
            self._to_internet()

    def _is_attached(self, id: str, kind: ComponentKind, vpc: str) -> bool:
        gateway = self.network.internet_gateways.get(id)
        if gateway is not None and gateway.vpc == vpc:
            return True
        self._add(kind, id, Outcome.NOT_ATTACHED, gateway, vpc=vpc, other=self.network.name(vpc))
        return False

    def _to_internet(self) -> None:
        self._shown_groups = frozenset()
        if self.network.public_interface(self.packet.dst):
            self._into_vpc_from_internet()
            return
        outcome = Outcome.REPLY_RECEIVED_ON_INTERNET if self.is_reply else Outcome.RECEIVED_ON_INTERNET
        self._add(ComponentKind.INTERNET, "internet", outcome)
        self._arrive(None)

    def _into_vpc_from_internet(self) -> None:
        packet = self.packet
        found = self.network.public_interface(packet.dst)
        if found is None:
            self._add(ComponentKind.INTERNET, "internet", Outcome.NO_SUCH_PUBLIC_ADDRESS)
            return
        interface, private = found
        vpc, kind = interface.vpc, ComponentKind.INTERNET_GATEWAY
        if self._into_vpc_by_egress_only_gateway(interface):
            return
        gateway = self.network.internet_gateway_of(vpc)
        if gateway is None:
            self._add(ComponentKind.VPC, vpc, Outcome.NO_INTERNET_GATEWAY, vpc=vpc)
            return
        if any(gateway.id in table.gateways for table in self.network.route_tables.values()):
            self._add(kind, gateway.id, Outcome.EDGE_ASSOCIATION, vpc=vpc)
            return
        if packet.dst == private:
            self._add(kind, gateway.id, Outcome.INTO_VPC, gateway, vpc=vpc)
        else:
            by = Translation(packet.dst, private)
            self._add(kind, gateway.id, Outcome.MADE_PRIVATE, by, vpc=vpc)
        self.packet = packet.with_ends(dst=private)
        self._enter(interface, crosses_subnet=True)

    def _into_vpc_by_egress_only_gateway(self, interface: Interface) -> bool:
        """Whether the packet met an egress-only gateway: modeled as the one that the subnet's route back leads to."""
        back = self.network.route_table_of(interface.subnet).lookup(self.packet.src)
        if back is None or not back.target.startswith("eigw-"):
            return False
        lets_in = self.is_reply and back.target in self.connections.egress_only
        outcome = Outcome.REPLY_LET_IN if lets_in else Outcome.NOT_A_REPLY
        self._add(ComponentKind.EGRESS_ONLY_INTERNET_GATEWAY, back.target, outcome, vpc=interface.vpc)
        if lets_in:
            self._enter(interface, crosses_subnet=True)
        return True

    # NAT gateways: https://docs.aws.amazon.com/vpc/latest/userguide/nat-gateway-basics.html

    def _nat_egress(self, id: str, sender: Interface) -> None:
        gateway = self.network.nat_gateways.get(id)
        if gateway is None:
            self._add(ComponentKind.NAT_GATEWAY, id, Outcome.NAT_MISSING, vpc=sender.vpc)
            return
        refusal = self._nat_refusal(gateway)
        if refusal:
            self._add(ComponentKind.NAT_GATEWAY, id, refusal, gateway, vpc=gateway.vpc)
            return
        self._enter(self.network.interfaces[gateway.interface], crosses_subnet=sender.subnet != gateway.subnet)

    def _nat_refusal(self, gateway: NatGateway) -> Outcome | None:
        """Why a NAT gateway takes no packet like this one, or None where it does."""
        if gateway.state != "available":
            return Outcome.NAT_NOT_AVAILABLE
        if self.packet.src.version == 6:
            return Outcome.NAT_IPV6
        if gateway.regional:
            return Outcome.NAT_REGIONAL
        if self.packet.protocol not in (ICMP, TCP, UDP):
            return Outcome.NAT_PROTOCOL
        if not any(self.packet.src in cidr for cidr in self.network.vpcs[gateway.vpc].cidrs):
            return Outcome.NAT_FOREIGN_SOURCE
        return None

    def _nat_ingress(self, gateway: NatGateway, interface: Interface) -> None:
        """Translate a packet that has come to a NAT gateway: a client's request, or an answer from outside."""
        packet, kind = self.packet, ComponentKind.NAT_GATEWAY
        if packet.dst not in interface.addresses:
            self.connections.translated[interface.id] = packet
            by, outcome = Translation(packet.src, interface.primary), Outcome.SOURCE_TRANSLATED
            translated = packet.with_ends(src=interface.primary)
        else:
            request = self.connections.translated.get(interface.id) if self.is_reply else None
            if request is None:
                self._add(kind, gateway.id, Outcome.NAT_NOTHING_ASKED, interface=interface)
                return
            by, outcome = Translation(packet.dst, request.src), Outcome.DESTINATION_TRANSLATED
            translated = packet.with_ends(dst=request.src)
        self._add(kind, gateway.id, outcome, by, interface=interface)
        self.packet = translated
        self._leave(interface)
