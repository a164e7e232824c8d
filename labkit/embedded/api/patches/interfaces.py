"""Network interfaces: their addresses, their names, and the groups in front of them."""

from __future__ import annotations

import inspect
from typing import Any

from labkit.embedded.api.patches import addresses, patch
from labkit.embedded.api.refusals import AwsError

_API = "https://docs.aws.amazon.com/AWSEC2/latest/APIReference/"
_INTERFACE = "moto.ec2.models.elastic_network_interfaces:NetworkInterface"


@patch(
    "interfaces-are-checked",
    rule="An interface gets a free address of its subnet and groups of its VPC; what isn't so is refused.",
    source=f"{_API}API_CreateNetworkInterface.html",
    hook="moto.ec2.models.elastic_network_interfaces:NetworkInterfaceBackend.create_network_interface",
    parameters="self subnet private_ip_address private_ip_addresses group_ids description tags delete_on_termination "
    "kwargs",
)
def _create(original: Any) -> Any:
    signature = inspect.signature(original)

    def create_network_interface(self: Any, *args: Any, **kwargs: Any) -> Any:
        call = signature.bind(self, *args, **kwargs)
        call.apply_defaults()
        given = call.arguments
        subnet = given["subnet"] = (
            self.get_subnet(given["subnet"]) if isinstance(given["subnet"], str) else given["subnet"]
        )
        _check_groups(self, subnet, given["group_ids"] or [])
        address = given["private_ip_address"]
        wanted = [address] if isinstance(address, str) and address else list(address or [])
        others = given["private_ip_addresses"] or []
        for each in [*wanted, *(other["PrivateIpAddress"] for other in others if isinstance(other, dict))]:
            addresses.check(subnet, each)
        if not wanted and not others:
            given["private_ip_address"] = addresses.free(subnet)
        made = original(*call.args, **call.kwargs)
        for number in range(1, len(made.private_ip_addresses)):
            if not others:  # moto drew the secondary addresses blindly
                made.private_ip_addresses[number]["PrivateIpAddress"] = None
                made.private_ip_addresses[number]["PrivateIpAddress"] = addresses.free(subnet)
        return made

    return create_network_interface


def _check_groups(backend: Any, subnet: Any, group_ids: list[str]) -> None:
    for group_id in group_ids:
        group = backend.get_security_group_from_id(group_id)
        if group is None:
            raise AwsError("InvalidGroup.NotFound", f"The security group '{group_id}' does not exist")
        if group.vpc_id != subnet.vpc_id:
            message = f"Security group {group_id} and subnet {subnet.id} belong to different networks."
            raise AwsError("InvalidParameter", message)


@patch(
    "interface-public-addresses-are-named",
    rule="An interface has an association only with a public address; an automatic one is Amazon's, and its DNS "
    "name is ec2-….compute-1.amazonaws.com where the VPC has DNS hostnames enabled.",
    source="https://docs.aws.amazon.com/vpc/latest/userguide/AmazonDNS-concepts.html",
    hook=f"{_INTERFACE}.association",
)
def _association(original: Any) -> Any:
    def association(self: Any) -> dict[str, Any] | None:
        found = original.fget(self)
        if found:
            if "allocationId" not in found:
                found["ipOwnerId"] = "amazon"
            named = self.ec2_backend.get_vpc(self.vpc_id).enable_dns_hostnames
            name = f"ec2-{self.public_ip.replace('.', '-')}.compute-1.amazonaws.com"
            found["publicDnsName"] = name if named else ""
        return dict(found) or None

    return property(association)


@patch(
    "interface-groups-keep-their-order",
    rule="An interface's groups are described once each; the order in which they were given is modelled.",
    source=f"{_API}API_NetworkInterface.html",
    hook=f"{_INTERFACE}.group_set",
)
def _groups(_: Any) -> Any:
    def group_set(self: Any) -> list[Any]:
        of_instance = self.instance.security_groups if self.instance else []
        return list({group.id: group for group in [*self._group_set, *of_instance]}.values())

    return property(group_set)
