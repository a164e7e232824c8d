"""The filters of every Describe action: AWS refuses one that it doesn't have.

A filter that AWS has and the embedded AWS lacks is refused by name.
"""

from __future__ import annotations

import re
from typing import Any

from labkit.embedded.api.patches import EC2_API, Moto, around
from labkit.embedded.api.refusals import AwsError, NotInEmbeddedAwsError

#: For each action, the filters that the embedded AWS applies.
FILTERS: dict[str, str] = {
    "DescribeVpcs": (
        "cidr cidr-block-association.association-id cidr-block-association.cidr-block cidr-block-association.state "
        "dhcp-options-id ipv6-cidr-block-association.association-id ipv6-cidr-block-association.ipv6-cidr-block "
        "ipv6-cidr-block-association.state is-default owner-id state vpc-id"
    ),
    "DescribeSubnets": (
        "availability-zone availability-zone-id availabilityZone available-ip-address-count cidr cidr-block cidrBlock "
        "default-for-az defaultForAz ipv6-native map-public-ip-on-launch owner-id state subnet-id vpc-id"
    ),
    "DescribeRouteTables": (
        "association.main association.route-table-association-id association.route-table-id association.subnet-id "
        "owner-id route-table-id route.destination-cidr-block route.gateway-id route.instance-id route.nat-gateway-id "
        "route.origin route.state route.vpc-peering-connection-id vpc-id"
    ),
    "DescribeInternetGateways": "attachment.state attachment.vpc-id internet-gateway-id",
    "DescribeVpcPeeringConnections": (
        "accepter-vpc-info.cidr-block accepter-vpc-info.owner-id accepter-vpc-info.vpc-id expiration-time "
        "requester-vpc-info.cidr-block requester-vpc-info.owner-id requester-vpc-info.vpc-id status-code "
        "status-message vpc-peering-connection-id"
    ),
    "DescribeSecurityGroups": (
        "description egress.ip-permission.cidr egress.ip-permission.from-port egress.ip-permission.group-id "
        "egress.ip-permission.group-name egress.ip-permission.protocol egress.ip-permission.to-port "
        "egress.ip-permission.user-id group-id group-name ip-permission.cidr ip-permission.from-port "
        "ip-permission.group-id ip-permission.group-name ip-permission.protocol ip-permission.to-port "
        "ip-permission.user-id owner-id vpc-id"
    ),
    "DescribeSecurityGroupRules": "group-id security-group-rule-id",
    "DescribeNetworkAcls": (
        "association.association-id association.network-acl-id association.subnet-id default entry.cidr entry.egress "
        "entry.protocol entry.rule-action entry.rule-number network-acl-id owner-id vpc-id"
    ),
    "DescribeNetworkInterfaces": (
        "addresses.private-ip-address attachment.attachment-id attachment.instance-id attachment.instance-owner-id "
        "availability-zone description group-id interface-type mac-address network-interface-id owner-id "
        "private-dns-name private-ip-address requester-id requester-managed source-dest-check status subnet-id vpc-id"
    ),
    "DescribeInstances": (
        "architecture availability-zone dns-name image-id instance-id instance-state-name instance-type "
        "instance.group-id instance.group-name ip-address key-name network-interface.private-dns-name owner-id "
        "private-dns-name private-ip-address source-dest-check state-reason-code subnet-id vpc-id"
    ),
    "DescribeInstanceStatus": "instance-state-code instance-state-name",
    "DescribeInstanceTypeOfferings": "instance-type location",
    "DescribeFlowLogs": "deliver-log-status flow-log-id log-destination-type log-group-name resource-id traffic-type",
    "DescribeNatGateways": "nat-gateway-id state subnet-id vpc-id",
    "DescribeAddresses": "allocation-id association-id instance-id network-interface-id private-ip-address public-ip",
}


@around(
    "unknown-filters-are-refused",
    rule="A Describe action refuses a filter that it doesn't have, with InvalidParameterValue (widely reported; AWS's "
    "page lists InvalidFilter); one that AWS has and this lacks is NotImplemented.",
    source=f"{EC2_API}errors-overview.html",
    hook="moto.ec2.responses._base_response:EC2BaseResponse._filters_from_querystring",
)
def _known(self: Any, _: dict[str, Any], moto: Moto) -> Any:
    filters, action = moto(), self._get_action()
    if action in FILTERS:
        known = {*FILTERS[action].split(), "tag-key"}
        for name in filters:
            if name not in known and not name.startswith("tag:"):
                if _aws_has(action, name):
                    raise NotInEmbeddedAwsError(f"do the filter {name} of {action}")
                raise AwsError("InvalidParameterValue", f"The filter '{name}' is invalid")
    return filters


def _aws_has(action: str, name: str) -> bool:
    """Whether botocore's description of an action lists a filter; it names them only in the parameter's text."""
    from moto.core.utils import get_service_model

    members = get_service_model("ec2").operation_model(action).input_shape.members
    described = members["Filter" if "Filter" in members else "Filters"].documentation
    return re.search(f"<code>{re.escape(name)}</code> (- |as the filter name)", described) is not None
