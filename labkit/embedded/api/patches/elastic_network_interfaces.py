"""Network interfaces: their addresses, DNS names and security groups, and what keeps one from being deleted."""

from __future__ import annotations

from typing import Any

from labkit.embedded.api.patches import EC2_API, VPC_GUIDE, Moto, around, check, patch
from labkit.embedded.api.patches._checks import check_ids, not_found
from labkit.embedded.api.patches.elastic_ip_addresses import random_public_address
from labkit.embedded.api.patches.subnets import check_address, free_address
from labkit.embedded.api.refusals import AwsError
from labkit.embedded.api.scope import REGION

_MODELS = "moto.ec2.models.elastic_network_interfaces"
_BACKEND = f"{_MODELS}:NetworkInterfaceBackend"


@patch(
    "automatic-public-addresses-are-ec2s",
    rule="A public address that a subnet assigns comes from EC2's published ranges in its region.",
    source=f"{VPC_GUIDE}aws-ip-ranges.html",
    hook=f"{_MODELS}:random_public_ip",
)
def _random_public_ip(_: Any) -> Any:
    return random_public_address


@around(
    "interfaces-are-checked",
    rule="CreateNetworkInterface gives an interface a free address of its subnet, and refuses an address that it can't "
    "have and a security group that isn't in its VPC.",
    source=f"{EC2_API}API_CreateNetworkInterface.html",
    hook=f"{_BACKEND}.create_network_interface",
)
def _create(self: Any, given: dict[str, Any], moto: Moto) -> Any:
    if isinstance(given["subnet"], str):
        given["subnet"] = self.get_subnet(given["subnet"])
    subnet, address, others = given["subnet"], given["private_ip_address"], given["private_ip_addresses"] or []
    _check_groups(self, subnet, given["group_ids"] or [])
    wanted = [address] if isinstance(address, str) and address else list(address or [])
    for each in [*wanted, *(other["PrivateIpAddress"] for other in others if isinstance(other, dict))]:
        check_address(subnet, each)
    if not wanted and not others:
        given["private_ip_address"] = free_address(subnet)
    made = moto()
    if not others:
        # moto draws secondary addresses without looking which are taken.
        for secondary in made.private_ip_addresses[1:]:
            secondary["PrivateIpAddress"] = None
            secondary["PrivateIpAddress"] = free_address(subnet)
    return made


def _check_groups(backend: Any, subnet: Any, group_ids: list[str]) -> None:
    for group_id in group_ids:
        group = backend.get_security_group_from_id(group_id)
        if group is None:
            raise not_found("securityGroup", group_id)
        if group.vpc_id != subnet.vpc_id:
            message = f"Security group {group_id} and subnet {subnet.id} belong to different networks."
            raise AwsError("InvalidParameter", message)


@around(
    "interface-private-names-have-their-region",
    rule="The private DNS name of an interface's address is ip-….ec2.internal in us-east-1, and has the region's name, "
    "as in ip-….eu-central-1.compute.internal, elsewhere.",
    source=f"{VPC_GUIDE}AmazonDNS-concepts.html",
    hook=f"{_BACKEND}.create_network_interface",
)
def _name(self: Any, _: dict[str, Any], moto: Moto) -> Any:
    made = moto()
    if self.region_name != REGION and getattr(made, "private_dns_name", None):
        made.private_dns_name = made.private_dns_name.replace(".ec2.", f".{self.region_name}.compute.")
        for address in made.private_ip_addresses:
            if "PrivateDnsName" in address:
                address["PrivateDnsName"] = made.private_dns_name
    return made


@patch(
    "interface-public-addresses-are-named",
    rule="An interface has an association only with a public address; an automatic one is Amazon's, and its DNS "
    "name is ec2-….compute-1.amazonaws.com, with the region's name in other regions than us-east-1, where the VPC has "
    "DNS hostnames enabled.",
    source=f"{VPC_GUIDE}AmazonDNS-concepts.html",
    hook=f"{_MODELS}:NetworkInterface.association",
)
def _association(original: Any) -> Any:
    def association(self: Any) -> dict[str, Any] | None:
        found = original.fget(self)
        if found:
            if "allocationId" not in found:
                found["ipOwnerId"] = "amazon"
            named, region = self.ec2_backend.vpcs[self.vpc_id].enable_dns_hostnames, self.ec2_backend.region_name
            place = "compute-1" if region == REGION else f"{region}.compute"
            name = f"ec2-{self.public_ip.replace('.', '-')}.{place}.amazonaws.com"
            found["publicDnsName"] = name if named else ""
        return dict(found) or None

    return property(association)


@patch(
    "interface-groups-keep-their-order",
    rule="An interface's groups are described once each; the order in which they were given is modeled.",
    source=f"{EC2_API}API_NetworkInterface.html",
    hook=f"{_MODELS}:NetworkInterface.group_set",
)
def _groups(_: Any) -> Any:
    def group_set(self: Any) -> list[Any]:
        of_instance = self.instance.security_groups if self.instance else []
        return list({group.id: group for group in [*self._group_set, *of_instance]}.values())

    return property(group_set)


check_ids("networkInterface", f"{_BACKEND}.get_all_network_interfaces", lambda backend: backend.enis)


@check(
    "interface-in-use-stays",
    rule="DeleteNetworkInterface refuses an interface that is attached.",
    source=f"{EC2_API}API_DeleteNetworkInterface.html",
    hook="moto.ec2.responses.elastic_network_interfaces:ElasticNetworkInterfaces.delete_network_interface",
)
def _delete(self: Any, _: dict[str, Any]) -> None:
    interface = self.ec2_backend.get_network_interface(self._get_param("NetworkInterfaceId"))
    if interface.status == "in-use":
        raise AwsError("InvalidParameterValue", f"Network interface '{interface.id}' is currently in use.")
