"""Follow a packet through a network, hop by hop, as a VPC's virtual router would carry it.

The order on the way out is security group, network ACL, route; on the way in network ACL, security group, host; then
the reply does the same from the other end. https://docs.aws.amazon.com/vpc/latest/userguide/infrastructure-security.html
"""

from __future__ import annotations

from labkit.network import filters
from labkit.network.addresses import gateway_refusal, is_captured, is_public, is_reserved
from labkit.network.endpoints import sender_of
from labkit.network.model import Network
from labkit.network.notes import Notes
from labkit.network.packet import ICMP, TCP, UDP, Packet
from labkit.network.parts import Interface, NatGateway, Route
from labkit.network.path import Path

#: A packet that appliances hand round in a circle ends here; an IP packet would, too, as its TTL runs out.
_MOST_INTERFACES = 8


def trace(network: Network, packet: Packet, start: str | None = None) -> Path:
    """Follow `packet` from the interface `start`, or from whoever bears its source address, and its reply back."""
    connections = _Connections()
    there = _Walk(network, packet, connections)
    sender = sender_of(network, packet, start)
    if sender is None:
        there.from_internet()
    else:
        there.from_host(sender)
    forward = there.leg()
    if not forward.arrived:
        return Path(packet, forward, None)
    back = _Walk(network, there.packet.reply(), connections, is_reply=True)
    if there.at is None:
        back.from_internet()
    else:
        back.from_host(there.at)
    return Path(packet, forward, back.leg(), there.at.id if there.at else None)


class _Connections:
    """What stateful components remember of the request when the reply comes."""

    def __init__(self) -> None:
        self.tracked: set[str] = set()  # interfaces whose security groups let the request pass
        self.translated: dict[str, Packet] = {}  # a NAT gateway's interface → the client's packet
        self.egress_only: set[str] = set()  # egress-only gateways that the request left by


class _Walk(Notes):
    """One way of a packet. Each method is one component; it adds hops and calls the next component."""

    def __init__(self, network: Network, packet: Packet, connections: _Connections, is_reply: bool = False) -> None:
        super().__init__(network, packet)
        self.connections = connections
        self.is_reply = is_reply
        self.at: Interface | None = None
        self._entered = 0  # interfaces that the packet has come in through
        self._sender_groups: frozenset[str] = frozenset()
        self._shown_groups: frozenset[str] = frozenset()  # the sender's, while the packet still shows who sent it

    # Hosts

    def from_host(self, interface: Interface) -> None:
        """An instance (or what else is behind an interface) sends the packet."""
        if not self._is_up(interface):
            return
        self._sender_groups = frozenset(interface.groups)
        host = interface.instance or interface.id
        if self.packet.dst in interface.addresses:
            self._pass(host, "instance", "the destination is its own address: nothing leaves it", interface=interface)
            self._arrive(interface)
            return
        nat_gateway = self.network.nat_gateway_at(interface.id)
        if nat_gateway:
            self._drop(nat_gateway.id, "NAT gateway", "it starts no connection itself", "NO_PATH", interface=interface)
            return
        verb = "replies" if self.is_reply else "sends"
        self._pass(host, "instance", f"{verb}: {self.packet}", interface=interface)
        self._leave(interface)

    def from_internet(self) -> None:
        """A host outside sends the packet to a public address."""
        verb = "replies" if self.is_reply else "sends"
        self._pass("internet", "internet", f"a host on the internet {verb}: {self.packet}")
        self._into_vpc_from_internet()

    def _is_up(self, interface: Interface) -> bool:
        instance = self.network.instances.get(interface.instance or "")
        if instance is not None and instance.state != "running":
            sentence = f"the instance is {instance.state}, so it neither sends nor receives"
            self._drop(instance.id, "instance", sentence, "BAD_STATE", interface=interface)
            return False
        if not interface.attached:
            sentence = "it is attached to no instance, so nobody sends from it or answers at it"
            self._drop(interface.id, "interface", sentence, "BAD_STATE", interface=interface)
            return False
        return True

    def _arrive(self, interface: Interface | None) -> None:
        self.arrived = True
        self.at = interface

    # Interfaces: the security groups and, at the edge of the subnet, the network ACL

    def _leave(self, interface: Interface) -> None:
        """Out through an interface."""
        packet = self.packet
        is_own = packet.src in interface.addresses
        if interface.source_dest_check and not is_own and not self.network.nat_gateway_at(interface.id):
            return self._refuse_foreign(interface, f"the source {packet.src}")
        subnet = self.network.subnets[interface.subnet]
        same_subnet = any(packet.dst in cidr for cidr in subnet.cidrs)
        route = None if same_subnet else self.network.route_table_of(subnet.id).lookup(packet.dst)
        self._shown_groups = frozenset(interface.groups) if is_own else frozenset()
        leaves_subnet = not same_subnet and self._is_elsewhere(interface, route)
        accepted = self._filter(interface, egress=True, crosses_subnet=leaves_subnet)
        target = "local" if same_subnet else route.target if route else None
        self._see(interface, "egress", accepted, target=target)
        if not accepted:
            return
        if same_subnet:
            self._deliver(interface.vpc, interface.subnet)
        else:
            self._route(interface, route)

    def _is_elsewhere(self, interface: Interface, route: Route | None) -> bool:
        """Whether a route leads out of the interface's subnet: not where an appliance or a NAT gateway stands in it."""
        target = route.target if route else ""
        gateway = self.network.nat_gateways.get(target)
        next_hop = self.network.interfaces.get(gateway.interface if gateway else target)
        return next_hop is None or next_hop.subnet != interface.subnet

    def _enter(self, interface: Interface, crosses_subnet: bool) -> None:
        """In through an interface, up to the host or whatever stands there."""
        if not self._is_up(interface):
            return
        accepted = self._filter(interface, egress=False, crosses_subnet=crosses_subnet)
        self._see(interface, "ingress", accepted)
        if not accepted:
            return
        self._entered += 1
        if self._entered > _MOST_INTERFACES:
            sentence = "the routes hand the packet round in a circle until its TTL runs out"
            self._drop(interface.id, "interface", sentence, "NO_POSSIBLE_DESTINATION", interface=interface)
            return
        nat_gateway = self.network.nat_gateway_at(interface.id)
        if nat_gateway:
            self._nat_ingress(nat_gateway, interface)
        elif self.packet.dst in interface.addresses:
            sentence = "gets the reply" if self.is_reply else "gets the packet"
            self._pass(interface.instance or interface.id, "instance", sentence, interface=interface)
            self._arrive(interface)
        elif interface.source_dest_check:
            self._refuse_foreign(interface, f"the destination {self.packet.dst}")
        else:
            host = interface.instance or interface.id
            self._pass(host, "instance", "forwards the packet, as a router does", interface=interface)
            self._leave(interface)

    def _refuse_foreign(self, interface: Interface, which: str) -> None:
        sentence = f"{which} is not its own, and its source/destination check is on"
        self._drop(interface.id, "interface", sentence, "ENI_SOURCE_DEST_CHECK_RESTRICTION", interface=interface)

    def _filter(self, interface: Interface, egress: bool, crosses_subnet: bool) -> bool:
        """Ask the security groups and the network ACL, in the order of the direction."""
        if not is_captured(self.network, interface.vpc, self.packet.dst):
            return True  # what is never recorded is never filtered either: the host's services and the VPC's router
        checks = [self._security_groups] + ([self._network_acl] if crosses_subnet else [])
        return all(check(interface, egress) for check in (checks if egress else reversed(checks)))

    def _security_groups(self, interface: Interface, egress: bool) -> bool:
        groups = [self.network.security_groups[id] for id in interface.groups]
        if not groups:  # a NAT gateway's interface has none
            return True
        if self.is_reply and interface.id in self.connections.tracked:
            sentence = "lets the reply pass whatever its rules say: it is stateful and let the request pass"
            self._pass(groups[0].id, "security group", sentence, rule="connection tracking", interface=interface)
            return True
        peer, lost = self._groups_at_destination(interface) if egress else (self._shown_groups, self._sender_groups)
        verdict = filters.security_groups(groups, egress, self.packet, peer, lost, self.network.prefix_lists)
        self._decide(verdict, "security group", interface)
        if verdict.allowed:
            self.connections.tracked.add(interface.id)
        return verdict.allowed

    def _groups_at_destination(self, interface: Interface) -> tuple[frozenset[str], frozenset[str]]:
        """The groups at the destination, in this VPC or a peer of it; and those behind it if it is a public address."""
        vpcs = [interface.vpc, *self.network.active_peers(interface.vpc)]
        found = (self.network.interface_at(vpc, self.packet.dst) for vpc in vpcs)
        shown = frozenset(group for interface in found if interface for group in interface.groups)
        paired = self.network.public_interface(self.packet.dst)
        return shown, frozenset(paired[0].groups if paired else ())

    def _network_acl(self, interface: Interface, egress: bool) -> bool:
        verdict = filters.network_acl(self.network.network_acl_of(interface.subnet), egress, self.packet)
        self._decide(verdict, "network ACL", interface)
        return verdict.allowed

    # The VPC's router

    def _route(self, interface: Interface, route: Route | None) -> None:
        table = self.network.route_table_of(interface.subnet)
        if route is None:
            why = f"it has no route to {self.packet.dst}"
            return self._drop(table.id, "route table", why, "NO_ROUTE_TO_DESTINATION", vpc=table.vpc)
        if route.state == "blackhole":
            sentence = f"the route {route} leads nowhere: its target is not there, or not active"
            self._drop(table.id, "route table", sentence, "BAD_STATE_ROUTE", rule=str(route), vpc=table.vpc)
            return
        sentence = f"the route {route.destination} → {self.network.name(route.target)} applies"
        self._pass(table.id, "route table", sentence, rule=str(route), vpc=table.vpc)
        kind = route.target.split("-")[0]
        if kind == "local":
            self._deliver(interface.vpc, interface.subnet)
        elif kind == "pcx":
            self._peering_connection(route.target, interface.vpc)
        elif kind == "igw":
            self._out_by_internet_gateway(route.target, interface)
        elif kind == "eigw":
            self._out_by_egress_only_gateway(route.target, interface)
        elif kind == "nat":
            self._nat_egress(route.target, interface)
        elif kind == "eni":
            self._appliance(route.target, interface)
        else:
            sentence = f"labkit does not follow packets through {route.target}"
            self._drop(route.target, "component", sentence, "UNSUPPORTED_COMPONENT", vpc=table.vpc)

    def _deliver(self, vpc: str, from_subnet: str | None) -> None:
        """To the interface in a VPC that bears the destination address."""
        interface = self.network.interface_at(vpc, self.packet.dst)
        if interface is None:
            sentence = f"no network interface in {self.network.name(vpc)} has the address {self.packet.dst}"
            if is_reserved(self.network, vpc, self.packet.dst):
                sentence = f"{self.packet.dst} is one of the addresses that AWS reserves in each subnet: no host has it"
            self._drop(vpc, "VPC", sentence, "NO_POSSIBLE_DESTINATION", vpc=vpc)
            return
        self._enter(interface, crosses_subnet=interface.subnet != from_subnet)

    def _appliance(self, target: str, sender: Interface) -> None:
        interface = self.network.interfaces.get(target)
        if interface is None:
            return self._drop(target, "interface", "the interface does not exist", "BAD_STATE_ROUTE", vpc=sender.vpc)
        self._enter(interface, crosses_subnet=interface.subnet != sender.subnet)

    def _peering_connection(self, id: str, vpc: str) -> None:
        peering = self.network.peering_connections.get(id)
        if peering is None or peering.status != "active":
            status = peering.status if peering else "not there"
            self._drop(id, "peering connection", f"it is {status}, not active", "BAD_STATE_ROUTE", vpc=vpc)
            return
        peer = peering.other_end(vpc)
        name = self.network.name(peer)
        if not any(end in cidr for end in (self.packet.dst, self.packet.src) for cidr in peering.cidrs[peer]):
            sentence = f"{self.packet.dst} is not in {name}: a peering connection leads to its peer and no further"
            return self._drop(id, "peering connection", sentence, "PCX_REQUIRES_ADDRESS_IN_VPC_CIDR", vpc=vpc)
        if peer not in self.network.vpcs:
            sentence = f"it leads to {peer}, in another account or region, where labkit cannot look"
            self._drop(id, "peering connection", sentence, "NO_POSSIBLE_DESTINATION", vpc=vpc)
            return
        self._pass(id, "peering connection", f"it is active and leads to {name}", rule="active", vpc=vpc)
        self._deliver(peer, None)

    # The edge of the VPC

    def _out_by_internet_gateway(self, id: str, interface: Interface) -> None:
        packet, kind = self.packet, "internet gateway"
        if not self._is_attached(id, kind, interface):
            return
        refusal = gateway_refusal(packet.dst)
        if refusal:
            code, why = refusal
            table = self.network.route_table_of(interface.subnet)
            sentence = f"it does not forward to {packet.dst}, {why}; {table.name} lacks a route to it"
            return self._drop(id, kind, sentence, code, vpc=interface.vpc)
        if packet.src.version == 6 and is_public(packet.src):
            self._pass(id, kind, "forwards the packet to the internet", rule="attachment", vpc=interface.vpc)
        else:
            public = interface.public.get(packet.src)
            if public is None:
                sentence = f"{packet.src} has no public address, so no reply from the internet could find it"
                return self._drop(id, kind, sentence, "IGW_PUBLIC_IP_ASSOCIATION_FOR_EGRESS", vpc=interface.vpc)
            rule = f"{packet.src} ↔ {public}"
            sentence = f"translates the source {packet.src} to the public address {public}"
            self._pass(id, kind, sentence, rule=rule, vpc=interface.vpc)
            self.packet = packet.with_ends(src=public)
        self._to_internet()

    def _out_by_egress_only_gateway(self, id: str, interface: Interface) -> None:
        kind = "egress-only internet gateway"
        if self._is_attached(id, kind, interface):
            self._pass(id, kind, "lets IPv6 out and replies in", rule="attachment", vpc=interface.vpc)
            self.connections.egress_only.add(id)
            self._to_internet()

    def _is_attached(self, id: str, kind: str, interface: Interface) -> bool:
        gateway = self.network.internet_gateways.get(id)
        if gateway is not None and gateway.vpc == interface.vpc:
            return True
        sentence = f"it is not attached to {self.network.name(interface.vpc)}"
        self._drop(id, kind, sentence, "BAD_STATE_ATTACHMENT", vpc=interface.vpc)
        return False

    def _to_internet(self) -> None:
        self._shown_groups = frozenset()
        if self.network.public_interface(self.packet.dst):
            self._into_vpc_from_internet()
            return
        sentence = f"{self.packet.dst} is a host on the internet (taken to be up)"
        if self.is_reply:
            sentence = "the reply reaches the host"
        self._pass("internet", "internet", sentence)
        self._arrive(None)

    def _into_vpc_from_internet(self) -> None:
        packet = self.packet
        found = self.network.public_interface(packet.dst)
        if found is None:
            sentence = f"no network interface here has the public address {packet.dst}"
            return self._drop("internet", "internet", sentence, "IGW_PRIVATE_IP_ASSOCIATION_FOR_INGRESS")
        interface, private = found
        if self._into_vpc_by_egress_only_gateway(interface):
            return
        gateway = self.network.internet_gateway_of(interface.vpc)
        if gateway is None:
            sentence = f"{self.network.name(interface.vpc)} has no internet gateway: nothing from the internet gets in"
            self._drop(interface.vpc, "VPC", sentence, "IGW_PRIVATE_IP_ASSOCIATION_FOR_INGRESS", vpc=interface.vpc)
            return
        if any(gateway.id in table.gateways for table in self.network.route_tables.values()):
            sentence = "it has a route table of its own (edge association), which labkit does not follow"
            return self._drop(gateway.id, "internet gateway", sentence, "UNSUPPORTED_COMPONENT", vpc=interface.vpc)
        if packet.dst == private:
            sentence, rule = "forwards the packet into the VPC", "attachment"
        else:
            sentence, rule = f"translates the public address {packet.dst} to {private}", f"{private} ↔ {packet.dst}"
        self._pass(gateway.id, "internet gateway", sentence, rule=rule, vpc=interface.vpc)
        self.packet = packet.with_ends(dst=private)
        self._enter(interface, crosses_subnet=True)

    def _into_vpc_by_egress_only_gateway(self, interface: Interface) -> bool:
        """Whether the packet met an egress-only gateway: modelled as the one that the subnet's way back leads to."""
        back = self.network.route_table_of(interface.subnet).lookup(self.packet.src)
        if back is None or not back.target.startswith("eigw-"):
            return False
        kind = "egress-only internet gateway"
        if self.is_reply and back.target in self.connections.egress_only:
            self._pass(back.target, kind, "lets the reply in", rule="connection tracking", vpc=interface.vpc)
            self._enter(interface, crosses_subnet=True)
        else:
            sentence = "it lets in nothing but replies, and nobody inside asked for this packet"
            self._drop(back.target, kind, sentence, "NO_PATH", vpc=interface.vpc)
        return True

    # NAT gateways: https://docs.aws.amazon.com/vpc/latest/userguide/nat-gateway-basics.html

    def _nat_egress(self, id: str, sender: Interface) -> None:
        gateway = self.network.nat_gateways.get(id)
        if gateway is None or gateway.state != "available":
            state = gateway.state if gateway else "not there"
            return self._drop(id, "NAT gateway", f"it is {state}, not available", "BAD_STATE", vpc=sender.vpc)
        refusal = self._nat_refusal(gateway)
        if refusal:
            return self._drop(id, "NAT gateway", refusal[0], refusal[1], vpc=gateway.vpc)
        self._enter(self.network.interfaces[gateway.interface], crosses_subnet=sender.subnet != gateway.subnet)

    def _nat_refusal(self, gateway: NatGateway) -> tuple[str, str] | None:
        """Why a NAT gateway takes no packet like this one, in words and as a code, or None where it does."""
        if self.packet.src.version == 6:
            return "labkit does not translate IPv6 to IPv4 (NAT64)", "UNSUPPORTED_COMPONENT"
        if gateway.regional:
            return "labkit does not follow packets through a regional NAT gateway", "UNSUPPORTED_COMPONENT"
        if self.packet.protocol not in (ICMP, TCP, UDP):
            return f"it takes TCP, UDP and ICMP, and no {self.packet.what}", "PROTOCOL_RESTRICTION"
        if not any(self.packet.src in cidr for cidr in self.network.vpcs[gateway.vpc].cidrs):
            return f"{self.packet.src} is not in its VPC, and it serves no one else", "NGW_REQUIRES_SOURCE_IN_VPC"
        return None

    def _nat_ingress(self, gateway: NatGateway, interface: Interface) -> None:
        """A packet has come to a NAT gateway: a client's request, or an answer from outside."""
        packet = self.packet
        if packet.dst not in interface.addresses:
            self.connections.translated[interface.id] = packet
            self._translate(gateway, interface, packet.with_ends(src=interface.primary))
            return
        request = self.connections.translated.get(interface.id) if self.is_reply else None
        if request is None:
            sentence = "nothing behind it asked for this packet, so it has nowhere to send it"
            return self._drop(gateway.id, "NAT gateway", sentence, "NO_POSSIBLE_DESTINATION", interface=interface)
        self._translate(gateway, interface, packet.with_ends(dst=request.src))

    def _translate(self, gateway: NatGateway, interface: Interface, translated: Packet) -> None:
        """Send a packet on with the address that a NAT gateway gives it."""
        changed = f"destination {self.packet.dst} to {translated.dst}"
        if self.packet.src != translated.src:
            changed = f"source {self.packet.src} to {translated.src}"
        self._pass(gateway.id, "NAT gateway", f"translates the {changed}", rule="translation", interface=interface)
        self.packet = translated
        self._leave(interface)
