"""Finding the lab's things by the names they bear, in the services that it uses."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterator
from typing import Any, ClassVar

from labkit.errors import LabError

#: A part is gone when its state is one of these, though EC2 goes on describing it (and its tags) for a while.
_GONE = {"terminated", "shutting-down", "deleted", "deleting", "failed", "rejected", "expired"}

#: By what an id begins with: the operation that tells whether it is there, its parameter, and the key of its answer.
_DESCRIBED = {
    "eipalloc": ("describe_addresses", "AllocationIds", "Addresses"),
    "i": ("describe_instances", "InstanceIds", "Reservations"),
    "igw": ("describe_internet_gateways", "InternetGatewayIds", "InternetGateways"),
    "nat": ("describe_nat_gateways", "NatGatewayIds", "NatGateways"),
    "acl": ("describe_network_acls", "NetworkAclIds", "NetworkAcls"),
    "eni": ("describe_network_interfaces", "NetworkInterfaceIds", "NetworkInterfaces"),
    "rtb": ("describe_route_tables", "RouteTableIds", "RouteTables"),
    "sg": ("describe_security_groups", "GroupIds", "SecurityGroups"),
    "subnet": ("describe_subnets", "SubnetIds", "Subnets"),
    "vpc": ("describe_vpcs", "VpcIds", "Vpcs"),
    "fl": ("describe_flow_logs", "FlowLogIds", "FlowLogs"),
    "pcx": ("describe_vpc_peering_connections", "VpcPeeringConnectionIds", "VpcPeeringConnections"),
}

#: Where the state stands of those of which EC2 describes what is gone.
_STATES: dict[str, Callable[[Any], str]] = {
    "i": lambda reservation: str(reservation["Instances"][0]["State"]["Name"]),
    "nat": lambda gateway: str(gateway["State"]),
    "pcx": lambda peering: str(peering["Status"]["Code"]),
}


class Finder:
    """Looks names up through clients that `client(service)` makes."""

    def __init__(self, client: Callable[[str], Any]) -> None:
        self._client = client

    def find(self, name: str, kind: str | None = None) -> list[str]:
        """The ids (of roles and policies the ARNs) of what bears the name now.

        Raises LabError for a name that is no text, and for a kind that AWS does not have.
        """
        if not isinstance(name, str) or not name:
            raise LabError(f"{name!r} is not a name. Give one as text, such as lab.find('vpc-1').")
        look = self._OTHERS.get(kind or "")
        return list(look(self, name) if look else self._in_ec2(name, kind))

    def _in_ec2(self, name: str, kind: str | None) -> Iterator[str]:
        ec2 = self._client("ec2")
        filters = [{"Name": "key", "Values": ["Name"]}, {"Name": "value", "Values": [name]}]
        if kind:
            self._check_kind(ec2, kind)
            filters.append({"Name": "resource-type", "Values": [kind]})
        pages = ec2.get_paginator("describe_tags").paginate(Filters=filters)
        # In a filter, * and ? stand for other characters; a name means just itself.
        tags = [tag for page in pages for tag in page["Tags"] if tag["Value"] == name]
        for tag in sorted(tags, key=lambda tag: str(tag["ResourceId"])):
            if not self._is_gone(ec2, tag["ResourceId"]):
                yield tag["ResourceId"]

    def _check_kind(self, ec2: Any, kind: str) -> None:
        """EC2 would find nothing of a kind that it does not have, and something would be made a second time."""
        kinds = ec2.meta.service_model.shape_for("ResourceType").enum
        if kind not in kinds:
            near = difflib.get_close_matches(kind, [*kinds, *self._OTHERS], n=1)
            guess = f" Did you mean {near[0]!r}?" if near else ""
            raise LabError(f"{kind!r} is not a kind of thing that lab.find knows.{guess}")

    def _is_gone(self, ec2: Any, id: str) -> bool:
        """Whether a thing is no longer there: tags can outlive for a while what they are on."""
        kind = id.partition("-")[0]
        if kind not in _DESCRIBED:
            return False
        operation, parameter, key = _DESCRIBED[kind]
        try:
            found = getattr(ec2, operation)(**{parameter: [id]})[key]
        except ec2.exceptions.ClientError as error:
            if error.response["Error"]["Code"].endswith("NotFound"):
                return True
            raise
        return not found or (kind in _STATES and _STATES[kind](found[0]) in _GONE)

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
