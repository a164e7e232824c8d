"""An id that doesn't exist is named in AWS's answer: the first of them, in AWS's words and with AWS's code."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable
from typing import Any

from labkit.embedded.api.patches import patch
from labkit.embedded.api.refusals import AwsError

_MODELS = "moto.ec2.models."
_SOURCE = "https://docs.aws.amazon.com/AWSEC2/latest/APIReference/errors-overview.html"


def _naming(
    what: str,
    code: str,
    message: str,
    hook: str,
    parameters: str,
    known: Callable[[Any], Iterable[str]],
) -> None:
    """Patch a Describe action: the first id of its first parameter that isn't ``known`` is refused."""
    argument = parameters.split()[1]

    @patch(
        f"unknown-{what}-is-named",
        rule=f"{what.replace('-', ' ').capitalize()}: an id that doesn't exist is refused with {code}.",
        source=_SOURCE,
        hook=_MODELS + hook,
        parameters=parameters,
    )
    def make(original: Any) -> Any:
        signature = inspect.signature(original)

        def describe(self: Any, *args: Any, **kwargs: Any) -> Any:
            wanted = signature.bind(self, *args, **kwargs).arguments.get(argument)
            if wanted:
                there = set(known(self))
                for each in [wanted] if isinstance(wanted, str) else wanted:
                    if each not in there:
                        raise AwsError(code, message.format(each))
            return original(self, *args, **kwargs)

        return describe


_VPC = ("InvalidVpcID.NotFound", "The vpc ID '{}' does not exist")
_naming(
    "vpc",
    *_VPC,
    "vpcs:VPCBackend.describe_vpcs",
    "self vpc_ids filters",
    lambda backend: backend.vpcs,
)
_naming("vpc-of-another-resource", *_VPC, "vpcs:VPCBackend.get_vpc", "self vpc_id", lambda backend: backend.vpcs)
_naming(
    "subnet",
    "InvalidSubnetID.NotFound",
    "The subnet ID '{}' does not exist",
    "subnets:SubnetBackend.describe_subnets",
    "self subnet_ids filters",
    lambda backend: [subnet_id for zone in backend.subnets.values() for subnet_id in zone],
)
_naming(
    "security-group",
    "InvalidGroup.NotFound",
    "The security group '{}' does not exist",
    "security_groups:SecurityGroupBackend.describe_security_groups",
    "self group_ids groupnames filters",
    lambda backend: [group_id for groups in backend.groups.values() for group_id in groups],
)
_naming(
    "route-table",
    "InvalidRouteTableID.NotFound",
    "The routeTable ID '{}' does not exist",
    "route_tables:RouteBackend.describe_route_tables",
    "self route_table_ids filters",
    lambda backend: backend.route_tables,
)
_naming(
    "network-acl",
    "InvalidNetworkAclID.NotFound",
    "The networkAcl ID '{}' does not exist",
    "network_acls:NetworkAclBackend.describe_network_acls",
    "self network_acl_ids filters",
    lambda backend: backend.network_acls,
)
_naming(
    "network-interface",
    "InvalidNetworkInterfaceID.NotFound",
    "The networkInterface ID '{}' does not exist",
    "elastic_network_interfaces:NetworkInterfaceBackend.get_all_network_interfaces",
    "self eni_ids filters",
    lambda backend: backend.enis,
)
_naming(
    "instance",
    "InvalidInstanceID.NotFound",
    "The instance ID '{}' does not exist",
    "instances:InstanceBackend.get_reservations_by_instance_ids",
    "self instance_ids filters",
    lambda backend: [instance.id for instance in backend.all_instances()],
)
