"""What to do next about a packet that was stopped, by VPC Reachability Analyzer's code.

https://docs.aws.amazon.com/vpc/latest/reachability/explanation-codes.html
"""

from __future__ import annotations

from labkit.network.path import Hop

_PRIVATE = (
    "The packet followed a default route, and no host on the internet has that address. Add a more specific route to "
    "where the address is: ec2.create_route(…, VpcPeeringConnectionId=…), or through another gateway."
)
_NEXT = {
    "IGW_DESTINATION_ADDRESS_NOT_IN_RFC1918_EGRESS": _PRIVATE,
    "IGW_DESTINATION_ADDRESS_NOT_IN_RFC6598_EGRESS": _PRIVATE,
    "IGW_PUBLIC_IP_ASSOCIATION_FOR_EGRESS": "Give the instance a public address (ec2.associate_address), or route "
    "through a NAT gateway.",
    "IGW_PRIVATE_IP_ASSOCIATION_FOR_INGRESS": "Only a public address of an instance whose VPC has an internet gateway "
    "is reached from the internet: look at the address, and at the gateway's attachment.",
    "NO_ROUTE_TO_DESTINATION": "Add a route for this destination to the route table: ec2.create_route.",
    "BAD_STATE_ROUTE": "Look at the route's target: accept the peering connection if it is pending, or point the route "
    "to a target that is there (ec2.replace_route).",
    "BAD_STATE_ATTACHMENT": "Attach the gateway to this VPC: ec2.attach_internet_gateway.",
    "BAD_STATE": "Bring it up: start the instance (ec2.start_instances), or wait until it is available.",
    "ENI_SG_RULES_MISMATCH": "Allow the packet in the security group: ec2.authorize_security_group_ingress, or _egress "
    "on the way out.",
    "SG_HAS_NO_RULES": "Add a rule to the security group: a group without rules allows nothing in that direction.",
    "SG_REFERENCES_NOT_PRESERVED": "Name an address range in the rule instead of a security group.",
    "SUBNET_ACL_RESTRICTION": "Allow the packet in the network ACL, with a lower rule number than the one that denies "
    "it: ec2.create_network_acl_entry. ACLs are stateless: the reply needs an entry of its own.",
    "ENI_SOURCE_DEST_CHECK_RESTRICTION": "If the instance is to forward packets of others, turn its source/destination "
    "check off: ec2.modify_instance_attribute(…, SourceDestCheck={'Value': False}).",
    "PCX_REQUIRES_ADDRESS_IN_VPC_CIDR": "A peering connection leads to the peer's own addresses only, not through it: "
    "peer directly with the VPC that has the address.",
    "NGW_REQUIRES_SOURCE_IN_VPC": "A NAT gateway serves its own VPC: make one in the sender's VPC.",
    "NO_POSSIBLE_DESTINATION": "Nobody has this address: compare it with those of the instances.",
    "NO_PATH": "Connections can begin only on the other side: swap source and destination, or use another gateway.",
    "UNSUPPORTED_COMPONENT": "Reachability Analyzer on a real account can follow more kinds of component.",
}


def next_step(hop: Hop) -> str | None:
    """What to do about the packet that a hop stopped; None where it went on.

    For a code that is not listed, it says where AWS explains it.
    """
    if hop.passes:
        return None
    return _NEXT.get(hop.code or "", "AWS explains the code on the page of Reachability Analyzer's explanation codes.")
