"""The filters of every Describe action: AWS refuses one that it doesn't have."""

from __future__ import annotations

from typing import Any

from labkit.embedded.api.patches import EC2_API, Moto, around
from labkit.embedded.api.refusals import AwsError, NotInEmbeddedAwsError

#: For each action, the filters that are obeyed here, and those that only AWS has.
FILTERS: dict[str, tuple[str, str]] = {
    "DescribeVpcs": (
        "cidr cidr-block-association.association-id cidr-block-association.cidr-block cidr-block-association.state "
        "dhcp-options-id ipv6-cidr-block-association.association-id ipv6-cidr-block-association.ipv6-cidr-block "
        "ipv6-cidr-block-association.state is-default owner-id state vpc-id",
        "ipv6-cidr-block-association.ipv6-pool",
    ),
    "DescribeSubnets": (
        "availability-zone availability-zone-id availabilityZone available-ip-address-count cidr cidr-block cidrBlock "
        "default-for-az defaultForAz ipv6-native map-public-ip-on-launch owner-id state subnet-id vpc-id",
        "availabilityZoneId customer-owned-ipv4-pool enable-dns64 enable-lni-at-device-index "
        "ipv6-cidr-block-association.association-id ipv6-cidr-block-association.ipv6-cidr-block "
        "ipv6-cidr-block-association.state map-customer-owned-ip-on-launch outpost-arn "
        "private-dns-name-options-on-launch.hostname-type subnet-arn",
    ),
    "DescribeRouteTables": (
        "association.main association.route-table-association-id association.route-table-id association.subnet-id "
        "owner-id route-table-id route.destination-cidr-block route.gateway-id route.instance-id route.nat-gateway-id "
        "route.origin route.state route.vpc-peering-connection-id vpc-id",
        "association.gateway-id route.destination-ipv6-cidr-block route.destination-prefix-list-id "
        "route.egress-only-internet-gateway-id route.transit-gateway-id",
    ),
    "DescribeInternetGateways": (
        "attachment.state attachment.vpc-id internet-gateway-id",
        "owner-id",
    ),
    "DescribeVpcPeeringConnections": (
        "accepter-vpc-info.cidr-block accepter-vpc-info.owner-id accepter-vpc-info.vpc-id expiration-time "
        "requester-vpc-info.cidr-block requester-vpc-info.owner-id requester-vpc-info.vpc-id status-code "
        "status-message vpc-peering-connection-id",
        "",
    ),
    "DescribeSecurityGroups": (
        "description egress.ip-permission.cidr egress.ip-permission.from-port egress.ip-permission.group-id "
        "egress.ip-permission.group-name egress.ip-permission.protocol egress.ip-permission.to-port "
        "egress.ip-permission.user-id group-id group-name ip-permission.cidr ip-permission.from-port "
        "ip-permission.group-id ip-permission.group-name ip-permission.protocol ip-permission.to-port "
        "ip-permission.user-id owner-id vpc-id",
        "egress.ip-permission.ipv6-cidr egress.ip-permission.prefix-list-id ip-permission.ipv6-cidr "
        "ip-permission.prefix-list-id",
    ),
    "DescribeSecurityGroupRules": (
        "group-id security-group-rule-id",
        "",
    ),
    "DescribeNetworkAcls": (
        "association.association-id association.network-acl-id association.subnet-id default entry.cidr entry.egress "
        "entry.protocol entry.rule-action entry.rule-number network-acl-id owner-id vpc-id",
        "entry.icmp.code entry.icmp.type entry.ipv6-cidr entry.port-range.from entry.port-range.to",
    ),
    "DescribeNetworkInterfaces": (
        "addresses.private-ip-address attachment.attachment-id attachment.instance-id attachment.instance-owner-id "
        "availability-zone description group-id interface-type mac-address network-interface-id owner-id "
        "private-dns-name private-ip-address requester-id requester-managed source-dest-check status subnet-id vpc-id",
        "addresses.association.owner-id addresses.association.public-ip addresses.primary association.allocation-id "
        "association.association-id association.ip-owner-id association.public-dns-name association.public-ip "
        "attachment.attach-time attachment.delete-on-termination attachment.device-index attachment.nat-gateway-id "
        "attachment.status group-name ipv6-addresses.ipv6-address operator.managed operator.principal",
    ),
    "DescribeInstances": (
        "architecture availability-zone dns-name image-id instance-id instance-state-name instance-type "
        "instance.group-id instance.group-name ip-address key-name network-interface.private-dns-name owner-id "
        "private-dns-name private-ip-address source-dest-check state-reason-code subnet-id vpc-id",
        "affinity block-device-mapping.attach-time block-device-mapping.delete-on-termination "
        "block-device-mapping.device-name block-device-mapping.status block-device-mapping.volume-id client-token "
        "group-id hypervisor iam-instance-profile.arn instance-lifecycle instance-state-code kernel-id launch-index "
        "launch-time monitoring-state network-interface.addresses.private-ip-address "
        "network-interface.attachment.instance-id network-interface.group-id network-interface.network-interface-id "
        "network-interface.status network-interface.subnet-id network-interface.vpc-id placement-group-name platform "
        "platform-details product-code product-code.type ramdisk-id reason requester-id reservation-id "
        "root-device-name root-device-type state-reason-message tenancy virtualization-type",
    ),
    "DescribeInstanceStatus": (
        "instance-state-code instance-state-name",
        "availability-zone availability-zone-id event.code event.description event.not-after event.not-before "
        "instance-status.reachability instance-status.status system-status.reachability system-status.status",
    ),
    "DescribeFlowLogs": (
        "deliver-log-status flow-log-id log-destination-type log-group-name resource-id traffic-type",
        "",
    ),
    "DescribeNatGateways": (
        "nat-gateway-id state subnet-id vpc-id",
        "",
    ),
    "DescribeAddresses": (
        "allocation-id association-id instance-id network-interface-id private-ip-address public-ip",
        "network-border-group network-interface-owner-id",
    ),
}


@around(
    "unknown-filters-are-refused",
    rule="A Describe action refuses a filter that it doesn't have, with InvalidParameterValue (widely reported; AWS's "
    "page lists InvalidFilter); one that AWS has and this lacks is NotImplemented.",
    source=f"{EC2_API}errors-overview.html",
    hook="moto.ec2.responses._base_response:EC2BaseResponse._filters_from_querystring",
    parameters="self",
)
def _known(self: Any, _: dict[str, Any], moto: Moto) -> Any:
    filters, action = moto(), self._get_action()
    if action in FILTERS:
        here, elsewhere = (set(names.split()) for names in FILTERS[action])
        for name in filters:
            if name in elsewhere:
                raise NotInEmbeddedAwsError(f"do the filter {name} of {action}")
            if name not in here and name != "tag-key" and not name.startswith("tag:"):
                raise AwsError("InvalidParameterValue", f"The filter '{name}' is invalid")
    return filters
