"""Instances: how many are launched, what they are called, and what is left of one that was terminated."""

from __future__ import annotations

import inspect
import re
from typing import Any

from labkit.embedded.api.determinism import new_id
from labkit.embedded.api.patches import patch
from labkit.embedded.api.refusals import AwsError

_API = "https://docs.aws.amazon.com/AWSEC2/latest/APIReference/"
_INSTANCE = "moto.ec2.models.instances:Instance"
_BACKEND = "moto.ec2.models.instances:InstanceBackend"


@patch(
    "as-many-instances-as-asked-for",
    rule="RunInstances launches MaxCount instances where it can, at least MinCount, and refuses a key pair that "
    "isn't there.",
    source=f"{_API}API_RunInstances.html",
    hook="moto.ec2.responses.instances:InstanceResponse.run_instances",
    parameters="self",
)
def _run(original: Any) -> Any:
    def run_instances(self: Any) -> Any:
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
        # botocore makes up a token where none is given, anew in each process; describing it must not differ.
        if re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", self._get_param("ClientToken", "")):
            self.params["ClientToken"] = new_id()
        return original(self)

    return run_instances


@patch(
    "interfaces-go-with-their-instance",
    rule="An interface that RunInstances makes is deleted with its instance unless DeleteOnTermination is false.",
    source=f"{_API}API_InstanceNetworkInterfaceSpecification.html",
    hook=f"{_INSTANCE}.prep_nics",
    parameters="self nic_spec private_ip associate_public_ip security_groups ipv6_address_count",
)
def _interfaces(original: Any) -> Any:
    signature = inspect.signature(original)

    def prep_nics(self: Any, *args: Any, **kwargs: Any) -> None:
        call = signature.bind(self, *args, **kwargs)
        call.arguments["nic_spec"] = [
            nic if "NetworkInterfaceId" in nic else {"DeleteOnTermination": True, **nic}
            for nic in call.arguments["nic_spec"] or [{"DeviceIndex": 0}]
        ]
        original(*call.args, **call.kwargs)

    return prep_nics


class _Nothing:
    """What a terminated instance has in the place of an interface."""

    private_ip_address = None
    public_ip = None


class _NoInterfaces(dict[int, Any]):
    def __missing__(self, key: int) -> Any:
        return _Nothing()


@patch(
    "terminated-instances-let-go",
    rule="A terminated instance is still described for a while; its Elastic IP address is disassociated, and "
    "(widely reported) it has no interfaces, addresses, subnet and groups any more.",
    source="https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/terminating-instances.html",
    hook=f"{_INSTANCE}.terminate",
    parameters="self",
)
def _terminate(original: Any) -> Any:
    def terminate(self: Any) -> Any:
        interfaces = list(self.nics.values())
        for address in self.ec2_backend.addresses:
            if address.eni in interfaces and address.association_id:
                self.ec2_backend.disassociate_address(association_id=address.association_id)
        previous = original(self)
        for interface in interfaces:
            if interface.instance is self:
                self.detach_eni(interface)
        self.nics = _NoInterfaces()
        self._subnet_id = None
        self.security_groups = []
        return previous

    return terminate


@patch(
    "terminated-instances-have-no-private-name",
    rule="The private DNS name of a terminated instance is empty (widely reported).",
    source=f"{_API}API_Instance.html",
    hook=f"{_INSTANCE}.private_dns_name",
)
def _private_name(original: Any) -> Any:
    return property(lambda self: original.fget(self) if self.private_ip else "")


@patch(
    "public-names-need-dns-hostnames",
    rule="An instance has a public DNS name only where its VPC has DNS hostnames enabled.",
    source=f"{_API}API_Instance.html",
    hook=f"{_INSTANCE}.public_dns_name",
)
def _public_name(original: Any) -> Any:
    def public_dns_name(self: Any) -> str:
        vpc = self.ec2_backend.vpcs.get(self.vpc_id)
        return (original.fget(self) or "") if vpc is not None and vpc.enable_dns_hostnames else ""

    return property(public_dns_name)


def _not_terminated(action: str, hook: str) -> None:
    @patch(
        f"terminated-instances-cannot-be-{action}ed".replace("stoped", "stopped"),
        rule=f"A terminated instance can't be {action}ed.".replace("stoped", "stopped"),
        source="https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/ec2-instance-lifecycle.html",
        hook=f"{_BACKEND}.{hook}",
        parameters="self instance_ids",
    )
    def make(original: Any) -> Any:
        def checked(self: Any, instance_ids: list[str]) -> Any:
            for instance in self.get_multi_instances_by_id(instance_ids):
                if instance.state == "terminated":
                    message = f"The instance '{instance.id}' is not in a state from which it can be {action}ed."
                    raise AwsError("IncorrectInstanceState", message.replace("stoped", "stopped"))
            return original(self, instance_ids)

        return checked


_not_terminated("start", "start_instances")
_not_terminated("stop", "stop_instances")
