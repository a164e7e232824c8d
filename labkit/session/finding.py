"""Finding the lab's things by the names they bear, in the services that it uses."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, ClassVar

#: A part is gone when its state is one of these, though EC2 goes on describing it (and its tags) for a while.
_GONE = {"terminated", "shutting-down", "deleted", "deleting", "failed", "rejected", "expired"}

#: For the kinds of which EC2 describes what is gone: the operation that tells, its parameter, and where the state
#: stands.
_STATES: dict[str, tuple[str, str, Callable[[Any], str]]] = {
    "instance": (
        "describe_instances",
        "InstanceIds",
        lambda a: str(a["Reservations"][0]["Instances"][0]["State"]["Name"]),
    ),
    "vpc-peering-connection": (
        "describe_vpc_peering_connections",
        "VpcPeeringConnectionIds",
        lambda a: str(a["VpcPeeringConnections"][0]["Status"]["Code"]),
    ),
    "natgateway": ("describe_nat_gateways", "NatGatewayIds", lambda a: str(a["NatGateways"][0]["State"])),
}


class Finder:
    """Looks names up through clients that `client(service)` makes."""

    def __init__(self, client: Callable[[str], Any]) -> None:
        self._client = client

    def find(self, name: str, kind: str | None = None) -> list[str]:
        """The ids (of roles and policies the ARNs) of what bears the name now."""
        look = self._OTHERS.get(kind or "")
        return list(look(self, name) if look else self._in_ec2(name, kind))

    def _in_ec2(self, name: str, kind: str | None) -> Iterator[str]:
        ec2 = self._client("ec2")
        filters = [{"Name": "key", "Values": ["Name"]}, {"Name": "value", "Values": [name]}]
        if kind:
            filters.append({"Name": "resource-type", "Values": [kind]})
        tags = [tag for page in ec2.get_paginator("describe_tags").paginate(Filters=filters) for tag in page["Tags"]]
        for tag in sorted(tags, key=lambda tag: str(tag["ResourceId"])):
            if not self._is_gone(ec2, tag["ResourceType"], tag["ResourceId"]):
                yield tag["ResourceId"]

    def _is_gone(self, ec2: Any, kind: str, id: str) -> bool:
        if kind not in _STATES:
            return False
        operation, parameter, state = _STATES[kind]
        try:
            return state(getattr(ec2, operation)(**{parameter: [id]})) in _GONE
        except ec2.exceptions.ClientError as error:
            if error.response["Error"]["Code"].endswith((".NotFound", "NotFound")):
                return True
            raise

    def _log_group(self, name: str) -> Iterator[str]:
        pages = self._client("logs").get_paginator("describe_log_groups").paginate(logGroupNamePrefix=name)
        yield from (
            group["logGroupName"] for page in pages for group in page["logGroups"] if group["logGroupName"] == name
        )

    def _role(self, name: str) -> Iterator[str]:
        yield from self._iam("get_role", "Role", RoleName=name)

    def _instance_profile(self, name: str) -> Iterator[str]:
        yield from self._iam("get_instance_profile", "InstanceProfile", InstanceProfileName=name)

    def _iam(self, operation: str, key: str, **parameters: str) -> Iterator[str]:
        iam = self._client("iam")
        try:
            yield getattr(iam, operation)(**parameters)[key]["Arn"]
        except iam.exceptions.NoSuchEntityException:
            return

    def _policy(self, name: str) -> Iterator[str]:
        pages = self._client("iam").get_paginator("list_policies").paginate(Scope="Local")
        yield from (policy["Arn"] for page in pages for policy in page["Policies"] if policy["PolicyName"] == name)

    _OTHERS: ClassVar[dict[str, Callable[[Finder, str], Iterator[str]]]] = {
        "log-group": _log_group,
        "role": _role,
        "policy": _policy,
        "instance-profile": _instance_profile,
    }
