"""Finds things of the lab by their names, in the services that it uses; `lab.find` and `lab.clean_up` do it."""

from __future__ import annotations

import difflib
from collections.abc import Callable
from typing import Any

from labkit.errors import LabError
from labkit.session.kinds import BY_PREFIX
from labkit.session.paging import all_of

#: What is found by its name instead of a tag.
_OUTSIDE_EC2 = ("log-group", "role", "policy", "instance-profile")


class Finder:
    """Looks names up.

    Args:
        client: Makes a boto3 client of a service.
    """

    def __init__(self, client: Callable[[str], Any]) -> None:
        self._client = client

    def find(self, name: str, kind: str | None = None) -> list[str]:
        """Return the ids of the things that have a name now, as `Lab.find` describes them.

        Raises:
            LabError: If the name is no text, or AWS does not have that kind of thing.
        """
        if not isinstance(name, str) or not name:
            raise LabError(f"{name!r} is not a name. Give one as text, such as lab.find('vpc-1').")
        if kind == "log-group":
            path = "logGroups[].logGroupName"
            groups = all_of(self._client("logs"), "describe_log_groups", path, logGroupNamePrefix=name)
            return [group for group in groups if group == name]
        if kind == "policy":
            policies = all_of(self._client("iam"), "list_policies", "Policies[]", Scope="Local")
            return [policy["Arn"] for policy in policies if policy["PolicyName"] == name]
        if kind == "role":
            return self._in_iam("get_role", "Role", RoleName=name)
        if kind == "instance-profile":
            return self._in_iam("get_instance_profile", "InstanceProfile", InstanceProfileName=name)
        return self._in_ec2(name, kind)

    def _in_iam(self, operation: str, key: str, **parameters: str) -> list[str]:
        iam = self._client("iam")
        try:
            return [getattr(iam, operation)(**parameters)[key]["Arn"]]
        except iam.exceptions.NoSuchEntityException:
            return []

    def _in_ec2(self, name: str, kind: str | None) -> list[str]:
        ec2 = self._client("ec2")
        filters = [{"Name": "key", "Values": ["Name"]}, {"Name": "value", "Values": [name]}]
        if kind:
            self._check_kind(ec2, kind)
            filters.append({"Name": "resource-type", "Values": [kind]})
        tags = all_of(ec2, "describe_tags", "Tags[]", Filters=filters)
        # In a filter, * and ? stand for other characters; a name means just itself.
        ids = sorted(str(tag["ResourceId"]) for tag in tags if tag["Value"] == name)
        return [id for id in ids if not self._is_gone(ec2, id)]

    def _check_kind(self, ec2: Any, kind: str) -> None:
        """Refuse a kind that EC2 does not have: it would find nothing, and the thing would be made a second time."""
        kinds = ec2.meta.service_model.shape_for("ResourceType").enum
        if kind not in kinds:
            near = difflib.get_close_matches(kind, [*kinds, *_OUTSIDE_EC2], n=1)
            guess = f" Did you mean {near[0]!r}?" if near else ""
            raise LabError(f"{kind!r} is not a kind of thing that lab.find knows.{guess}")

    def _is_gone(self, ec2: Any, id: str) -> bool:
        """Return whether a thing no longer exists: its tags may stay for a while."""
        kind = BY_PREFIX.get(id.partition("-")[0])
        if kind is None:
            return False
        try:
            found = all_of(ec2, kind.operation, kind.path, **{f"{kind.id}s": [id]})
        except ec2.exceptions.ClientError as error:
            if error.response["Error"]["Code"].endswith("NotFound"):
                return True
            raise
        return not found or kind.is_gone(found[0])
