"""Security groups and network ACLs: which rule decides about a packet.

Security groups: https://docs.aws.amazon.com/vpc/latest/userguide/security-group-rules.html
Network ACLs: https://docs.aws.amazon.com/vpc/latest/userguide/nacl-rules.html
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from labkit.network.packet import ICMP, ICMPV6, PROTOCOL_NAMES, TCP, UDP, Address, Packet
from labkit.network.parts import AclEntry, Cidr, NetworkAcl, Permission, SecurityGroup


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a filter decided: the deciding group's or ACL's id, the rule in words, a sentence, the code of a denial."""

    allowed: bool
    component: str
    rule: str
    sentence: str
    code: str | None = None


def security_groups(
    groups: Sequence[SecurityGroup],
    egress: bool,
    packet: Packet,
    peer_groups: frozenset[str],
    lost_groups: frozenset[str],
    prefix_lists: Mapping[str, tuple[Cidr, ...]],
) -> Verdict:
    """Decide by the security groups of an interface: their rules count as one list, and any rule that matches allows.

    Parameters: `egress` is the direction seen from the interface; `peer_groups` are the groups of the interface at the
    other end, as far as the packet still shows whose it is; `lost_groups` are those of an other end that it no longer
    shows, because a gateway or an appliance stands between.
    """
    way = "outbound" if egress else "inbound"
    peer = packet.dst if egress else packet.src
    lost: str | None = None
    for group in groups:
        for permission in group.egress if egress else group.ingress:
            if not _permission_covers(permission, packet):
                continue
            if _peer_matches(permission, peer, peer_groups, prefix_lists):
                rule = permission_text(permission, egress)
                return Verdict(True, group.id, rule, f"an {way} rule allows it: {rule}")
            lost = lost or next((id for id in permission.groups if id in lost_groups), None)
    component = groups[0].id if groups else "none"
    if not any(group.egress if egress else group.ingress for group in groups):
        return Verdict(False, component, "no rules", f"it has no {way} rules, so nothing is allowed", "SG_HAS_NO_RULES")
    if lost:
        sentence = (
            f"its {way} rule names the group {lost} of the other end, and that works between private addresses only, "
            "with no gateway or appliance between"
        )
        return Verdict(False, component, "no rule matches", sentence, "SG_REFERENCES_NOT_PRESERVED")
    side = f"to {peer}" if egress else f"from {peer}"
    sentence = f"no {way} rule allows {packet.what} {side}"
    return Verdict(False, component, "no rule matches", sentence, "ENI_SG_RULES_MISMATCH")


def network_acl(acl: NetworkAcl, egress: bool, packet: Packet) -> Verdict:
    """Decide by a subnet's network ACL: the first entry that matches, by number, allows or denies; none denies."""
    way = "outbound" if egress else "inbound"
    for entry in acl.entries:
        if entry.egress == egress and _entry_matches(entry, packet):
            rule = entry_text(entry)
            if entry.allow:
                return Verdict(True, acl.id, rule, f"{way} {rule}")
            return Verdict(False, acl.id, rule, f"{way} {rule}", "SUBNET_ACL_RESTRICTION")
    return Verdict(False, acl.id, "rule *", f"{way} rule *: deny, no other rule matches", "SUBNET_ACL_RESTRICTION")


def permission_text(permission: Permission, egress: bool) -> str:
    """A security group rule in words, such as `TCP 80 from 10.1.0.0/16`."""
    peers = [*map(str, permission.cidrs), *permission.groups, *permission.prefix_lists]
    what = "all traffic" if permission.protocol is None else _protocol_name(permission.protocol)
    if permission.protocol in (TCP, UDP):
        what += f" {_ports(permission.from_port, permission.to_port)}"
    elif permission.protocol in (ICMP, ICMPV6):
        what = f"all {what}" if permission.from_port == -1 else f"{what} type {permission.from_port}"
    return f"{what} {'to' if egress else 'from'} {', '.join(peers)}"


def entry_text(entry: AclEntry) -> str:
    """A network ACL entry in words, such as `rule 100: allow all traffic from 0.0.0.0/0`."""
    number = "*" if entry.number >= 32767 else str(entry.number)
    what = "all traffic" if entry.protocol is None else _protocol_name(entry.protocol)
    if entry.protocol in (TCP, UDP):
        what += f" {_ports(entry.from_port, entry.to_port)}"
    elif entry.protocol in (ICMP, ICMPV6) and entry.icmp_type != -1:
        what += f" type {entry.icmp_type}"
    action = "allow" if entry.allow else "deny"
    return f"rule {number}: {action} {what} {'to' if entry.egress else 'from'} {entry.cidr}"


def _protocol_name(protocol: int) -> str:
    return PROTOCOL_NAMES.get(protocol, f"protocol {protocol}")


def _ports(first: int | None, last: int | None) -> str:
    if first is None or first == -1 or (first, last) == (0, 65535):
        return "all ports"
    return f"port {first}" if first == last else f"ports {first}-{last}"


def _permission_covers(permission: Permission, packet: Packet) -> bool:
    if permission.protocol is None:
        return True
    if permission.protocol != packet.protocol:
        return False
    if packet.protocol in (ICMP, ICMPV6):
        return permission.from_port in (-1, packet.icmp_type) and permission.to_port in (-1, packet.icmp_code)
    if packet.protocol in (TCP, UDP):
        return permission.from_port == -1 or permission.from_port <= packet.dst_port <= permission.to_port
    return True  # other protocols have no ports


def _peer_matches(
    permission: Permission, peer: Address, peer_groups: frozenset[str], prefix_lists: Mapping[str, tuple[Cidr, ...]]
) -> bool:
    return (
        any(peer in cidr for cidr in permission.cidrs)
        or not peer_groups.isdisjoint(permission.groups)
        or any(peer in cidr for id in permission.prefix_lists for cidr in prefix_lists.get(id, ()))
    )


def _entry_matches(entry: AclEntry, packet: Packet) -> bool:
    if (packet.dst if entry.egress else packet.src) not in entry.cidr:
        return False
    if entry.protocol is None:
        return True
    if entry.protocol != packet.protocol:
        return False
    if packet.protocol in (ICMP, ICMPV6):
        return entry.icmp_type in (-1, packet.icmp_type) and entry.icmp_code in (-1, packet.icmp_code)
    if packet.protocol in (TCP, UDP) and entry.from_port is not None and entry.to_port is not None:
        return entry.from_port <= packet.dst_port <= entry.to_port
    return True
