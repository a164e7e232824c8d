"""Security groups and network ACLs: which rule decides about a packet, and rules in words.

`labkit.network.trace` asks here at each interface; widgets and checks show rules in the same words.

Security groups: https://docs.aws.amazon.com/vpc/latest/userguide/security-group-rules.html
Network ACLs: https://docs.aws.amazon.com/vpc/latest/userguide/nacl-rules.html
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from labkit.network.outcomes import Outcome
from labkit.network.packet import ICMP, ICMPV6, TCP, UDP, Address, Packet, protocol_name
from labkit.network.parts import AclEntry, Cidr, NetworkAcl, Permission, SecurityGroup


@dataclass(frozen=True, slots=True)
class FilterDecision:
    """What a filter decided about a packet.

    Attributes:
        component: The id of the security group or network ACL that decided.
        outcome: What it did.
        rule: The rule that matched, None where none did.
        group: The id of the group at the other end that a rule names to no effect; empty where that is not the reason.
    """

    component: str
    outcome: Outcome
    rule: Permission | AclEntry | None = None
    group: str = ""


def security_groups(
    groups: Sequence[SecurityGroup],
    egress: bool,
    packet: Packet,
    peer_groups: frozenset[str],
    lost_groups: frozenset[str],
    prefix_lists: Mapping[str, tuple[Cidr, ...]],
) -> FilterDecision:
    """Decide by the security groups of an interface: their rules count as one list, and any rule that matches allows.

    Args:
        groups: The interface's groups.
        egress: The direction seen from the interface.
        packet: The packet as it reaches the interface.
        peer_groups: The ids of the groups at the other end, as far as the packet still shows whose it is.
        lost_groups: The ids of the groups at the other end that the packet no longer shows, because a gateway or an
            appliance is between.
        prefix_lists: The blocks of each prefix list by its id.

    Returns:
        The decision: by the group whose rule matched, or by the first group.
    """
    peer = packet.dst if egress else packet.src
    lost = ""
    for group in groups:
        for permission in group.egress if egress else group.ingress:
            if not _covers(permission, packet):
                continue
            if _peer_matches(permission, peer, peer_groups, prefix_lists):
                return FilterDecision(group.id, Outcome.RULE_ALLOWS, permission)
            lost = lost or next((id for id in permission.groups if id in lost_groups), "")
    component = groups[0].id if groups else ""
    if not any(group.egress if egress else group.ingress for group in groups):
        return FilterDecision(component, Outcome.NO_RULES)
    return FilterDecision(component, Outcome.GROUP_LOST if lost else Outcome.NO_RULE_ALLOWS, group=lost)


def network_acl(acl: NetworkAcl, egress: bool, packet: Packet) -> FilterDecision:
    """Decide by a subnet's network ACL: the first entry that matches, by number, allows or denies; none denies.

    Args:
        acl: The network ACL, with its entries in the order of their numbers.
        egress: The direction seen from the subnet.
        packet: The packet as it crosses the subnet's edge.
    """
    peer = packet.dst if egress else packet.src
    for entry in acl.entries:
        if entry.egress == egress and peer in entry.cidr and _covers(entry, packet):
            return FilterDecision(acl.id, Outcome.ENTRY_ALLOWS if entry.allow else Outcome.ENTRY_DENIES, entry)
    return FilterDecision(acl.id, Outcome.NO_ENTRY_MATCHES)


def permission_text(permission: Permission, egress: bool) -> str:
    """Return a security group rule in words, such as `TCP port 80 from 10.1.0.0/16`."""
    peers = ", ".join([*map(str, permission.cidrs), *permission.groups, *permission.prefix_lists])
    is_all_icmp = permission.protocol in (ICMP, ICMPV6) and permission.from_port == -1
    what = ("all " if is_all_icmp else "") + _traffic(permission)
    return f"{what} {'to' if egress else 'from'} {peers}" if peers else what


def entry_text(entry: AclEntry) -> str:
    """Return a network ACL entry in words, such as `rule 100: allow all traffic from 0.0.0.0/0`."""
    number, action = "*" if entry.is_default else str(entry.number), "allow" if entry.allow else "deny"
    return f"rule {number}: {action} {_traffic(entry)} {'to' if entry.egress else 'from'} {entry.cidr}"


def _traffic(rule: Permission | AclEntry) -> str:
    if rule.protocol is None:
        return "all traffic"
    name, first, last = protocol_name(rule.protocol), rule.from_port, rule.to_port
    if rule.protocol in (ICMP, ICMPV6):
        return name + ("" if first == -1 else f" type {first}") + ("" if last == -1 else f" code {last}")
    if rule.protocol not in (TCP, UDP):
        return name
    if first == -1 or (first, last) == (0, 65535):
        return f"{name} all ports"
    return f"{name} port {first}" if first == last else f"{name} ports {first}-{last}"


def _covers(rule: Permission | AclEntry, packet: Packet) -> bool:
    """Whether a rule is about the packet's protocol and port, or its ICMP type and code."""
    if rule.protocol is None:
        return True
    if rule.protocol != packet.protocol:
        return False
    if packet.protocol in (ICMP, ICMPV6):
        return rule.from_port in (-1, packet.icmp_type) and rule.to_port in (-1, packet.icmp_code)
    if packet.protocol in (TCP, UDP):
        return rule.from_port == -1 or rule.from_port <= packet.dst_port <= rule.to_port
    return True  # other protocols have no ports


def _peer_matches(
    permission: Permission, peer: Address, peer_groups: frozenset[str], prefix_lists: Mapping[str, tuple[Cidr, ...]]
) -> bool:
    return (
        any(peer in cidr for cidr in permission.cidrs)
        or not peer_groups.isdisjoint(permission.groups)
        or any(peer in cidr for id in permission.prefix_lists for cidr in prefix_lists.get(id, ()))
    )
