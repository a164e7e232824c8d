"""Follow a packet through a network, hop by hop, as a VPC's virtual router would carry it.

`Network.trace` calls this. On the way out a packet meets the security group, the network ACL and the route; on the way
in the network ACL, the security group and the host. Then the reply does the same from the other end.
https://docs.aws.amazon.com/vpc/latest/userguide/infrastructure-security.html
"""

from __future__ import annotations

from dataclasses import replace
from ipaddress import ip_network

from labkit.errors import NetworkError
from labkit.network.filters import FilterDecision, network_acl, security_groups
from labkit.network.outcomes import Action, ComponentKind, Direction, Outcome
from labkit.network.packet import ICMP, TCP, UDP, Address, Packet
from labkit.network.parts import Cidr, DecidedBy, Interface, NatGateway, Route, Translation
from labkit.network.path import Hop, Leg, Path, Sighting
from labkit.network.topology import Topology

#: A packet that appliances send in a loop ends here; an IP packet would, too, as its TTL runs out.
_MOST_INTERFACES = 8

_RFC1918: list[Cidr] = [ip_network(cidr) for cidr in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16")]
_RFC6598 = ip_network("100.64.0.0/10")
_RFC4193 = ip_network("fc00::/7")


def trace(network: Topology, packet: Packet, start: str | None = None) -> Path:
    """Follow a packet from its sender to its destination, and its reply back.

    Args:
        network: What the packet is sent through.
        packet: The packet.
        start: The id of the interface that sends it, or None for the one that has its source address.

    Raises:
        NetworkError: `start` is unknown, or no interface or more than one can send the packet.
    """
    connections = _Connections()
    forward = _Walk(network, packet, connections).leg(_sender_of(network, packet, start))
    if not forward.arrived:
        return Path(packet, forward, None)
    last = forward.hops[-1]
    receiver = network.interfaces[last.interface] if last.interface else None
    return Path(packet, forward, _Walk(network, last.packet.reply(), connections, is_reply=True).leg(receiver))


def _sender_of(network: Topology, packet: Packet, start: str | None) -> Interface | None:
    """Return the interface that sends a packet, or None where a host on the internet does; or raise NetworkError."""
    if start is not None:
        if start not in network.interfaces:
            raise NetworkError(f"There is no network interface {start!r} in this network, so nothing can send from it.")
        return network.interfaces[start]
    found = network.interfaces_with(packet.src)
    if len(found) > 1:
        ids = ", ".join(f"{interface.id} in {network.name(interface.vpc)}" for interface in found)
        raise NetworkError(
            f"{packet.src} is the address of several interfaces: {ids}. Say which one sends, with start=."
        )
    if found:
        return found[0]
    paired = network.public_interface(packet.src)
    if paired:
        raise NetworkError(
            f"{packet.src} is the public address of {paired[0].name}. An instance sends from its private address: "
            f"use {paired[1]} as the source."
        )
    if not is_public(packet.src):
        raise NetworkError(
            f"No interface has the address {packet.src}, and no host on the internet can have it either: "
            "use the address of an instance, or a public one."
        )
    for vpc in network.vpcs.values():
        if any(packet.src in cidr for cidr in vpc.cidrs):
            raise NetworkError(f"No interface has the address {packet.src}, which belongs to {vpc.name}.")
    return None


def is_public(address: Address) -> bool:
    """Whether a host on the internet may have this address."""
    return _gateway_refusal(address) is None


def _gateway_refusal(address: Address) -> Outcome | None:
    """Why an internet gateway carries no packet to an address, or None where it does.

    https://docs.aws.amazon.com/vpc/latest/reachability/explanation-codes.html
    """
    if address in _RFC4193 or any(address in cidr for cidr in _RFC1918):
        return Outcome.TO_PRIVATE_ADDRESS
    if address in _RFC6598:
        return Outcome.TO_SHARED_ADDRESS
    if address.is_link_local or address.is_loopback or address.is_unspecified:
        return Outcome.TO_LOCAL_ADDRESS
    if address.is_multicast or address.is_reserved:
        return Outcome.TO_NO_HOST
    return None


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
        self._sightings: dict[int, list[Sighting]] = {}  # by the number of the hop that they belong to
        self._entered = 0  # interfaces that the packet has come in through
        self._sender_groups: frozenset[str] = frozenset()
        self._shown_groups: frozenset[str] = frozenset()  # the sender's, while the packet still shows who sent it

    def leg(self, sender: Interface | None) -> Leg:
        """Follow the packet from an interface, or from a host on the internet, as far as it gets."""
        if sender:
            self._from_interface(sender)
        else:
            outcome = Outcome.REPLIED_FROM_INTERNET if self.is_reply else Outcome.SENT_FROM_INTERNET
            self._add(ComponentKind.INTERNET, "internet", outcome)
            self._into_vpc_from_internet()
        for number, sightings in self._sightings.items():
            self.hops[number] = replace(self.hops[number], sightings=tuple(sightings))
        return Leg(tuple(self.hops))

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
        """Add a hop. The packet has arrived, or stopped, where it is the last one."""
        id, vpc = (interface.id, interface.vpc) if interface else (None, vpc)
        name = self.network.name(component)
        self.hops.append(Hop(kind, component, name, self.packet, outcome, by, other, direction, id, vpc))

    # Hosts

    def _from_interface(self, interface: Interface) -> None:
        """Send the packet from an instance, or whatever is behind an interface."""
        if not self._is_up(interface):
            return
        self._sender_groups = frozenset(interface.groups)
        nat_gateway = self.network.nat_gateway_at(interface.id)
        if self.packet.dst in interface.addresses:
            self._host(interface, Outcome.KEPT)
        elif nat_gateway:
            self._add(ComponentKind.NAT_GATEWAY, nat_gateway.id, Outcome.NAT_STARTS_NOTHING, interface=interface)
        else:
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
        elif interface.source_dest_check:
            self._at_interface(interface, Outcome.FOREIGN, "ingress")
        else:
            self._host(interface, Outcome.FORWARDED)
            self._leave(interface)

    def _filter(self, interface: Interface, egress: bool, crosses_subnet: bool, target: str | None = None) -> bool:
        """Ask the security groups and the network ACL, in the order of the direction, and note what was seen."""
        if not self.network.is_captured(interface.vpc, self.packet.dst):
            return True  # what is never recorded is never filtered either: the host's services and the VPC's router
        direction: Direction = "egress" if egress else "ingress"
        checks = [self._security_groups] if interface.groups else []  # a NAT gateway's interface has none
        checks += [self._network_acl] if crosses_subnet else []
        accepted, is_seen_here = True, egress
        for check in checks if egress else reversed(checks):
            kind, by = check(interface, egress)
            self._add(kind, by.component, by.outcome, by.rule, interface=interface, direction=direction, other=by.group)
            accepted, is_seen_here = by.outcome.passes, True
            if not accepted:
                break
        # A record gives the interface's own end as its primary private IPv4 address, whatever the packet has.
        # https://docs.aws.amazon.com/vpc/latest/userguide/flow-logs-limitations.html
        packet = self.packet
        if packet.src.version == 4 == interface.primary.version:
            packet = packet.with_ends(**{"src" if egress else "dst": interface.primary})
        action: Action = "ACCEPT" if accepted else "REJECT"
        sighting = Sighting(interface.id, direction, action, packet, self.packet, target)
        # Where an interface lets in without any filter, the sighting belongs to the next hop.
        self._sightings.setdefault(len(self.hops) - is_seen_here, []).append(sighting)
        return accepted

    def _security_groups(self, interface: Interface, egress: bool) -> tuple[ComponentKind, FilterDecision]:
        groups = [self.network.security_groups[id] for id in interface.groups]
        if self.is_reply and interface.id in self.connections.tracked:
            return ComponentKind.SECURITY_GROUP, FilterDecision(groups[0].id, Outcome.TRACKED)
        peer, lost = self._groups_at_destination(interface) if egress else (self._shown_groups, self._sender_groups)
        decision = security_groups(groups, egress, self.packet, peer, lost, self.network.prefix_lists)
        if decision.outcome.passes:
            self.connections.tracked.add(interface.id)
        return ComponentKind.SECURITY_GROUP, decision

    def _groups_at_destination(self, interface: Interface) -> tuple[frozenset[str], frozenset[str]]:
        """The groups at the destination, in this VPC or a peer of it; and those behind it if it is a public address."""
        vpcs = [interface.vpc, *self.network.active_peers(interface.vpc)]
        found = (self.network.interface_at(vpc, self.packet.dst) for vpc in vpcs)
        shown = frozenset(group for interface in found if interface for group in interface.groups)
        paired = self.network.public_interface(self.packet.dst)
        return shown, frozenset(paired[0].groups if paired else ())

    def _network_acl(self, interface: Interface, egress: bool) -> tuple[ComponentKind, FilterDecision]:
        acl = self.network.network_acl_of(interface.subnet)
        return ComponentKind.NETWORK_ACL, network_acl(acl, egress, self.packet)

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
        """Deliver the packet to the interface in a VPC that has the destination address."""
        interface = self.network.interface_at(vpc, self.packet.dst)
        if interface is None:
            subnet = self.network.subnet_at(vpc, self.packet.dst)
            outcome = Outcome.RESERVED if subnet and subnet.is_reserved(self.packet.dst) else Outcome.NO_INTERFACE
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
        refusal = _gateway_refusal(packet.dst)
        public = interface.public.get(packet.src)
        if refusal:
            self._add(kind, id, refusal, vpc=vpc, other=self.network.route_table_of(interface.subnet).name)
        elif packet.src.version == 6 and is_public(packet.src):
            self._add(kind, id, Outcome.TO_INTERNET, self.network.internet_gateways[id], vpc=vpc)
            self._to_internet()
        elif public:
            self._add(kind, id, Outcome.MADE_PUBLIC, Translation(packet.src, public), vpc=vpc)
            self.packet = packet.with_ends(src=public)
            self._to_internet()
        else:
            self._add(kind, id, Outcome.NO_PUBLIC_ADDRESS, vpc=vpc)

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
            self._add(kind, gateway.id, Outcome.MADE_PRIVATE, Translation(packet.dst, private), vpc=vpc)
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
