"""What a component can do with a packet: the outcomes, with the sentence, the code and the rule that go with each.

`trace` records an `Outcome` on each hop; `Hop` makes its sentence from it, for printed paths, maps and widgets.
"""

from __future__ import annotations

from enum import Enum, StrEnum, unique
from typing import Literal

#: Seen from a network interface: `egress` leaves it, `ingress` enters it.
Direction = Literal["egress", "ingress"]

#: The verdict of security groups and network ACL that a flow log records.
Action = Literal["ACCEPT", "REJECT"]


class ComponentKind(StrEnum):
    """The kind of AWS resource that a packet meets; the value is its name in sentences."""

    INSTANCE = "instance"
    INTERFACE = "interface"
    SECURITY_GROUP = "security group"
    NETWORK_ACL = "network ACL"
    ROUTE_TABLE = "route table"
    VPC = "VPC"
    PEERING_CONNECTION = "peering connection"
    INTERNET_GATEWAY = "internet gateway"
    EGRESS_ONLY_INTERNET_GATEWAY = "egress-only internet gateway"
    NAT_GATEWAY = "NAT gateway"
    INTERNET = "internet"
    OTHER = "component"  # a route's target of a kind that labkit does not follow


_NOWHERE = "NO_POSSIBLE_DESTINATION"
_UNREACHED = "IGW_PRIVATE_IP_ASSOCIATION_FOR_INGRESS"
_UNROUTED = "it does not forward to {{packet.dst}}, {}; {{other}} lacks a route to it"


@unique
class Outcome(Enum):
    """What a component did with a packet.

    A template may use the hop's `packet`, `by` (what decided), `other`, `name` and `component`, and `hop` itself for
    what few templates need: `hop.rule`, `hop.way`, `hop.own_end` and `hop.far_end`.

    Attributes:
        template: The sentence, as a format string.
        code: VPC Reachability Analyzer's explanation code where the packet stops, None where it goes on.
            https://docs.aws.amazon.com/vpc/latest/reachability/explanation-codes.html
        passes: Whether the packet goes on.
        rule: What decided, in words, where `by` does not say it; None where there is nothing to say.
    """

    def __init__(self, template: str, code: str | None = None, rule: str | None = None) -> None:
        self.template = template
        self.code = code
        self.rule = rule
        self.passes = code is None

    # Hosts and interfaces
    SENT = "sends: {packet}"
    REPLIED = "replies: {packet}"
    KEPT = "the destination is its own address: nothing leaves it"
    FORWARDED = "forwards the packet, as a router does"
    RECEIVED = "gets the packet"
    REPLY_RECEIVED = "gets the reply"
    SENT_FROM_INTERNET = "a host on the internet sends: {packet}"
    REPLIED_FROM_INTERNET = "a host on the internet replies: {packet}"
    RECEIVED_ON_INTERNET = "{packet.dst} is a host on the internet (taken to be up)"
    REPLY_RECEIVED_ON_INTERNET = "the reply reaches the host"
    NOT_RUNNING = "the instance is {by.state}, so it neither sends nor receives", "BAD_STATE"
    NOTHING_ATTACHED = "it is attached to no instance, so nobody sends from it or answers at it", "BAD_STATE"
    FOREIGN = (
        "the {hop.own_end} is not its own, and its source/destination check is on",
        "ENI_SOURCE_DEST_CHECK_RESTRICTION",
    )
    LOOP = "the routes send the packet in a loop until its TTL runs out", _NOWHERE

    # Security groups
    TRACKED = (
        "lets the reply pass whatever its rules say: it is stateful and let the request pass",
        None,
        "connection tracking",
    )
    RULE_ALLOWS = "an {hop.way} rule allows it: {hop.rule}"
    NO_RULES = "it has no {hop.way} rules, so nothing is allowed", "SG_HAS_NO_RULES", "no rules"
    NO_RULE_ALLOWS = "no {hop.way} rule allows {packet.what} {hop.far_end}", "ENI_SG_RULES_MISMATCH", "no rule matches"
    GROUP_LOST = (
        "its {hop.way} rule names the group {other} of the other end, and that works between private addresses only, "
        "with no gateway or appliance between",
        "SG_REFERENCES_NOT_PRESERVED",
        "no rule matches",
    )

    # Network ACLs
    ENTRY_ALLOWS = "{hop.way} {hop.rule}"
    ENTRY_DENIES = "{hop.way} {hop.rule}", "SUBNET_ACL_RESTRICTION"
    NO_ENTRY_MATCHES = "{hop.way} rule *: deny, no other rule matches", "SUBNET_ACL_RESTRICTION", "rule *"

    # Routes
    ROUTE_APPLIES = "the route {by.destination} → {other} applies"
    NO_ROUTE = "it has no route to {packet.dst}", "NO_ROUTE_TO_DESTINATION"
    BLACKHOLE = "the route {by} leads nowhere: its target is not there, or not active", "BAD_STATE_ROUTE"
    TARGET_MISSING = "the interface does not exist", "BAD_STATE_ROUTE"
    TARGET_UNSUPPORTED = "labkit does not follow packets through {component}", "UNSUPPORTED_COMPONENT"
    NO_INTERFACE = "no network interface in {name} has the address {packet.dst}", _NOWHERE
    RESERVED = "{packet.dst} is one of the addresses that AWS reserves in each subnet: no host has it", _NOWHERE

    # Peering connections
    PEERED = "it is active and leads to {other}", None, "active"
    PEERING_NOT_ACTIVE = "it is {by.status}, not active", "BAD_STATE_ROUTE"
    PEERING_MISSING = "it is not there, not active", "BAD_STATE_ROUTE"
    PEER_LACKS_ADDRESS = (
        "{packet.dst} is not in {other}: a peering connection leads to its peer and no further",
        "PCX_REQUIRES_ADDRESS_IN_VPC_CIDR",
    )
    PEER_ELSEWHERE = "it leads to {other}, in another account or region, where labkit cannot look", _NOWHERE

    # Gateways to the internet
    NOT_ATTACHED = "it is not attached to {other}", "BAD_STATE_ATTACHMENT"
    TO_PRIVATE_ADDRESS = _UNROUTED.format("a private address"), "IGW_DESTINATION_ADDRESS_NOT_IN_RFC1918_EGRESS"
    TO_SHARED_ADDRESS = _UNROUTED.format("a shared address (RFC 6598)"), "IGW_DESTINATION_ADDRESS_NOT_IN_RFC6598_EGRESS"
    TO_LOCAL_ADDRESS = _UNROUTED.format("an address without meaning beyond one host or link"), _NOWHERE
    TO_NO_HOST = _UNROUTED.format("which is no host on the internet"), _NOWHERE
    NO_PUBLIC_ADDRESS = (
        "{packet.src} has no public address, so no reply from the internet could find it",
        "IGW_PUBLIC_IP_ASSOCIATION_FOR_EGRESS",
    )
    MADE_PUBLIC = "translates the source {by.before} to the public address {by.after}"
    MADE_PRIVATE = "translates the public address {by.before} to {by.after}"
    TO_INTERNET = "forwards the packet to the internet", None, "attachment"
    INTO_VPC = "forwards the packet into the VPC", None, "attachment"
    NO_SUCH_PUBLIC_ADDRESS = "no network interface here has the public address {packet.dst}", _UNREACHED
    NO_INTERNET_GATEWAY = "{name} has no internet gateway: nothing from the internet gets in", _UNREACHED
    EDGE_ASSOCIATION = (
        "it has a route table of its own (edge association), which labkit does not follow",
        "UNSUPPORTED_COMPONENT",
    )
    OUT_ONLY = "lets IPv6 out and replies in", None, "attachment"
    REPLY_LET_IN = "lets the reply in", None, "connection tracking"
    NOT_A_REPLY = "it lets in nothing but replies, and nobody inside asked for this packet", "NO_PATH"

    # NAT gateways
    SOURCE_TRANSLATED = "translates the source {by.before} to {by.after}"
    DESTINATION_TRANSLATED = "translates the destination {by.before} to {by.after}"
    NAT_STARTS_NOTHING = "it starts no connection itself", "NO_PATH"
    NAT_NOT_AVAILABLE = "it is {by.state}, not available", "BAD_STATE"
    NAT_MISSING = "it is not there, not available", "BAD_STATE"
    NAT_IPV6 = "labkit does not translate IPv6 to IPv4 (NAT64)", "UNSUPPORTED_COMPONENT"
    NAT_REGIONAL = "labkit does not follow packets through a regional NAT gateway", "UNSUPPORTED_COMPONENT"
    NAT_PROTOCOL = "it takes TCP, UDP and ICMP, and no {packet.what}", "PROTOCOL_RESTRICTION"
    NAT_FOREIGN_SOURCE = "{packet.src} is not in its VPC, and it serves no one else", "NGW_REQUIRES_SOURCE_IN_VPC"
    NAT_NOTHING_ASKED = "nothing behind it asked for this packet, so it has nowhere to send it", _NOWHERE
