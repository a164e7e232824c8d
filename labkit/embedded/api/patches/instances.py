"""Instances: how many are launched, what they are called, and what is left of a terminated one."""

from __future__ import annotations

import re
from typing import Any

from labkit.embedded.api.determinism import new_id
from labkit.embedded.api.paging import page
from labkit.embedded.api.patches import EC2_API, EC2_GUIDE, Moto, around, check, patch
from labkit.embedded.api.patches._checks import check_ids
from labkit.embedded.api.refusals import AwsError

_INSTANCE = "moto.ec2.models.instances:Instance"
_BACKEND = "moto.ec2.models.instances:InstanceBackend"


@check(
    "as-many-instances-as-asked-for",
    rule="RunInstances launches MaxCount instances where it can, at least MinCount, and refuses a key pair that "
    "doesn't exist.",
    source=f"{EC2_API}API_RunInstances.html",
    hook="moto.ec2.responses.instances:InstanceResponse.run_instances",
)
def _run(self: Any, _: dict[str, Any]) -> None:
    least, most = int(self._get_param("MinCount", 1)), int(self._get_param("MaxCount", 1))
    if least > most or least < 1:
        message = f"Value ({least}) for parameter minCount is invalid. It must be at least 1 and at most maxCount."
        raise AwsError("InvalidParameterValue", message)
    if most > 1 and self._get_param("PrivateIpAddress"):
        message = "A private address can be given to one instance only: ask for one instance."
        raise AwsError("InvalidParameterCombination", message)
    key = self._get_param("KeyName")
    if key:
        self.ec2_backend.describe_key_pairs(key_names=[key])
    self.params["MinCount"] = most
    # botocore generates a token where none is given, a new one in each process: descriptions must not show it.
    if re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", self._get_param("ClientToken", "")):
        self.params["ClientToken"] = new_id()


@around(
    "instance-type-offerings-come-in-pages",
    rule="DescribeInstanceTypeOfferings refuses an unknown LocationType, and returns at most MaxResults offerings, and "
    "a NextToken for the rest.",
    source=f"{EC2_API}API_DescribeInstanceTypeOfferings.html",
    hook="moto.ec2.responses.instances:InstanceResponse.describe_instance_type_offerings",
)
def _offerings(self: Any, _: dict[str, Any], moto: Moto) -> Any:
    kind = self._get_param("LocationType", "region")
    if kind not in ("region", "availability-zone", "availability-zone-id", "outpost"):
        raise AwsError("InvalidParameterValue", f"Value ({kind}) for parameter locationType is invalid.")
    if kind == "outpost":
        raise NotImplementedError
    answer = moto()
    token, size = self._get_param("NextToken"), min(int(self._get_param("MaxResults") or 1000), 1000)
    offered = answer.result["InstanceTypeOfferings"]
    answer.result["InstanceTypeOfferings"], following = page(offered, token, size, code="InvalidNextToken")
    if following:
        answer.result["NextToken"] = following
    return answer


@check(
    "interfaces-go-with-their-instance",
    rule="An interface that RunInstances makes is deleted with its instance unless DeleteOnTermination is false.",
    source=f"{EC2_API}API_InstanceNetworkInterfaceSpecification.html",
    hook=f"{_INSTANCE}.prep_nics",
)
def _interfaces(self: Any, given: dict[str, Any]) -> None:
    given["nic_spec"] = [
        nic if "NetworkInterfaceId" in nic else {"DeleteOnTermination": True, **nic}
        for nic in given["nic_spec"] or [{"DeviceIndex": 0}]
    ]


@patch(
    "an-instance-without-a-subnet-is-in-the-default-vpc",
    rule="RunInstances without a subnet launches into the default subnet of its zone, with an address of that subnet.",
    source=f"{EC2_API}API_RunInstances.html",
    hook="moto.ec2.models.instances:random_private_ip",
)
def _no_address_of_ec2_classic(_: Any) -> Any:
    return lambda: None


class _NoInterface:
    """What moto finds in place of an interface of a terminated instance."""

    private_ip_address = None
    public_ip = None


class _NoInterfaces(dict[int, Any]):
    def __missing__(self, key: int) -> Any:
        return _NoInterface()


@around(
    "terminated-instances-have-no-interfaces",
    rule="A terminated instance is still described for a while; its Elastic IP address is disassociated, and "
    "(widely reported) it no longer has interfaces, addresses, a subnet or groups.",
    source=f"{EC2_GUIDE}terminating-instances.html",
    hook=f"{_INSTANCE}.terminate",
)
def _terminate(self: Any, _: dict[str, Any], moto: Moto) -> Any:
    interfaces = list(self.nics.values())
    for address in self.ec2_backend.addresses:
        if address.eni in interfaces and address.association_id:
            self.ec2_backend.disassociate_address(association_id=address.association_id)
    previous = moto()
    for interface in interfaces:
        if interface.instance is self:
            self.detach_eni(interface)
    self.nics = _NoInterfaces()
    self._subnet_id = None
    self.security_groups = []
    return previous


@patch(
    "terminated-instances-have-no-private-name",
    rule="The private DNS name of a terminated instance is empty (widely reported).",
    source=f"{EC2_API}API_Instance.html",
    hook=f"{_INSTANCE}.private_dns_name",
)
def _private_name(original: Any) -> Any:
    return property(lambda self: original.fget(self) if self.private_ip else "")


@patch(
    "public-names-need-dns-hostnames",
    rule="An instance has a public DNS name only where its VPC has DNS hostnames enabled.",
    source=f"{EC2_API}API_Instance.html",
    hook=f"{_INSTANCE}.public_dns_name",
)
def _public_name(original: Any) -> Any:
    def public_dns_name(self: Any) -> str:
        vpc = self.ec2_backend.vpcs.get(self.vpc_id)
        return (original.fget(self) or "") if vpc is not None and vpc.enable_dns_hostnames else ""

    return property(public_dns_name)


def _not_terminated(hook: str, done: str) -> None:
    """Patch an action so that it refuses a terminated instance; `done` is what can't be done to it."""

    @check(
        f"terminated-instances-cannot-be-{done}",
        rule=f"A terminated instance can't be {done}.",
        source=f"{EC2_GUIDE}ec2-instance-lifecycle.html",
        hook=f"{_BACKEND}.{hook}",
    )
    def look(self: Any, given: dict[str, Any]) -> None:
        for instance in self.get_multi_instances_by_id(given["instance_ids"]):
            if instance.state == "terminated":
                message = f"The instance '{instance.id}' is not in a state from which it can be {done}."
                raise AwsError("IncorrectInstanceState", message)


_not_terminated("start_instances", "started")
_not_terminated("stop_instances", "stopped")

check_ids(
    "instance",
    f"{_BACKEND}.get_reservations_by_instance_ids",
    lambda backend: [instance.id for instance in backend.all_instances()],
)
