"""Finds things of the lab by their names, in the services that it uses; `lab.find` and `lab.clean_up` do it.

What does not have the lab's tag is not the lab's, whatever its name is: it is never found as if it were.
"""

from __future__ import annotations

import difflib
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from botocore.exceptions import ClientError

from labkit import names
from labkit.errors import LabError
from labkit.session.consistency import look, wait_until_shown
from labkit.session.given import require_text
from labkit.session.kinds import BY_PREFIX, Part, code
from labkit.session.paging import all_of

#: What has a name of its own, unique in the account, and how somebody who made one gives it the lab's tag.
_TAGGED_BY = {
    "log-group": "logs.tag_resource(resourceArn={arn!r}, tags={{lab.tag['Key']: lab.tag['Value']}})",
    "role": "iam.tag_role(RoleName={name!r}, Tags=[lab.tag])",
    "policy": "iam.tag_policy(PolicyArn={arn!r}, Tags=[lab.tag])",
    "instance-profile": "iam.tag_instance_profile(InstanceProfileName={name!r}, Tags=[lab.tag])",
}


@dataclass(frozen=True, slots=True)
class Named:
    """A thing whose name is unique in the account.

    Attributes:
        arn: Its ARN.
        is_labs: Whether it has the lab's tag.
    """

    arn: str
    is_labs: bool


class Finder:
    """Looks names up, in one account.

    Args:
        client: Makes a boto3 client of a service.
    """

    def __init__(self, client: Callable[[str], Any]) -> None:
        self._client = client

    def find(self, name: str, kind: str | None = None) -> list[str]:
        """Return the ids of the lab's things that have a name now, as `Lab.find` describes them.

        Raises:
            LabError: If the name is no text, AWS does not have that kind of thing, or the name is unique and what has
                it is not the lab's.
        """
        require_text(name, "a name", "lab.find('vpc-1')")
        if not name:
            raise LabError("'' is not a name. Give one as text, such as lab.find('vpc-1').")
        if kind is not None:
            require_text(kind, "a kind of thing", "lab.find('vpc-1', 'vpc')")
        if kind not in _TAGGED_BY:
            return self._in_ec2(name, kind)
        found = self.named(name, kind)
        if found is None:
            return []
        if not found.is_labs and not (name == names.GIVEN.get(kind) and self.is_given(kind)):
            is_written = kind == "log-group" and self.is_written(name)
            raise LabError((_made_again if is_written else _foreign)(name, kind, found.arn))
        return [name if kind == "log-group" else found.arn]

    def named(self, name: str, kind: str) -> Named | None:
        """Return what has a name that is unique in the account, the lab's or not; None if nothing has it.

        Args:
            name: The name.
            kind: `log-group`, `role`, `policy` or `instance-profile`.
        """
        return look(name, lambda: self._log_group(name) if kind == "log-group" else self._in_iam(name, kind))

    def is_written(self, log_group: str) -> bool:
        """Return whether a flow log of the lab delivers to a log group, whoever made that.

        Where the lab's was deleted, the service of the flow logs makes it again, without its tag.
        https://docs.aws.amazon.com/vpc/latest/userguide/flow-logs-troubleshooting.html

        Args:
            log_group: The name of the log group.
        """
        to_it = {"Name": "log-group-name", "Values": [log_group]}
        the_labs = {"Name": f"tag:{names.LAB_TAG['Key']}", "Values": [names.LAB_TAG["Value"]]}
        return bool(all_of(self._client("ec2"), "describe_flow_logs", "FlowLogs[]", Filter=[to_it, the_labs]))

    def is_given(self, kind: str) -> bool:
        """Return whether things of a kind cannot be made in this account, and one is given by its owner instead.

        Args:
            kind: As for `named`.
        """
        given = names.GIVEN.get(kind)
        return given is not None and self.named(given, kind) is not None and not self._may_create_roles

    @cached_property
    def _may_create_roles(self) -> bool:
        """Whether IAM lets this identity create roles: as it says itself or, if it does not say, as it acts.

        IAM refuses a role without a trust policy in any case: to those who may create one because of the policy, to the
        others because they may not.
        https://docs.aws.amazon.com/IAM/latest/APIReference/API_SimulatePrincipalPolicy.html
        """
        iam = self._client("iam")
        try:
            source = policy_source(iam, str(self._client("sts").get_caller_identity()["Arn"]))
            if source is not None:
                found = iam.simulate_principal_policy(PolicySourceArn=source, ActionNames=["iam:CreateRole"])
                return bool(found["EvaluationResults"][0]["EvalDecision"] == "allowed")
        except ClientError:  # this identity may not ask
            pass
        try:
            iam.create_role(RoleName=names.DELIVERY_ROLE, AssumeRolePolicyDocument="{}")
        except ClientError as error:
            return code(error) != "AccessDenied"
        return True

    def _in_iam(self, name: str, kind: str) -> Named | None:
        iam = self._client("iam")
        try:
            if kind == "role":
                part = iam.get_role(RoleName=name)["Role"]
            elif kind == "instance-profile":
                part = iam.get_instance_profile(InstanceProfileName=name)["InstanceProfile"]
            else:  # its ARN has a path, which the name does not say
                policies = all_of(iam, "list_policies", "Policies[]", Scope="Local")
                arn = next((policy["Arn"] for policy in policies if policy["PolicyName"] == name), None)
                if arn is None:
                    return None
                part = iam.get_policy(PolicyArn=arn)["Policy"]
        except iam.exceptions.NoSuchEntityException:
            return None
        return Named(part["Arn"], names.LAB_TAG in part.get("Tags", ()))

    def _log_group(self, name: str) -> Named | None:
        logs = self._client("logs")
        for group in all_of(logs, "describe_log_groups", "logGroups[]", logGroupNamePrefix=name):
            if group["logGroupName"] == name:
                arn = group["arn"].removesuffix(":*")
                tags = logs.list_tags_for_resource(resourceArn=arn)["tags"]
                return Named(arn, tags.get(names.LAB_TAG["Key"]) == names.LAB_TAG["Value"])
        return None

    def _in_ec2(self, name: str, kind: str | None) -> list[str]:
        ec2 = self._client("ec2")
        wait_until_shown(ec2)
        wanted = {"Key": "Name", "Value": name}
        filters = [
            {"Name": "key", "Values": [wanted["Key"], names.LAB_TAG["Key"]]},
            {"Name": "value", "Values": [wanted["Value"], names.LAB_TAG["Value"]]},
        ]
        if kind:
            self._check_kind(ec2, kind)
            filters.append({"Name": "resource-type", "Values": [kind]})
        tags: dict[str, list[Part]] = defaultdict(list)
        for tag in all_of(ec2, "describe_tags", "Tags[]", Filters=filters):
            tags[tag["ResourceId"]].append({"Key": tag["Key"], "Value": tag["Value"]})
        # A filter takes either key with either value, and * and ? in it stand for other characters.
        ids = sorted(id for id, those in tags.items() if wanted in those and names.LAB_TAG in those)
        return [id for id in ids if not self._is_gone(ec2, id)]

    def _check_kind(self, ec2: Any, kind: str) -> None:
        """Refuse a kind that EC2 does not have: it would find nothing, and the thing would be made a second time."""
        kinds = ec2.meta.service_model.shape_for("ResourceType").enum
        if kind not in kinds:
            near = difflib.get_close_matches(kind, [*kinds, *_TAGGED_BY], n=1)
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


def policy_source(iam: Any, identity: str) -> str | None:
    """Return the ARN of an identity's user or role, as IAM's simulation takes it; None for the root user and others.

    https://docs.aws.amazon.com/IAM/latest/APIReference/API_SimulatePrincipalPolicy.html

    Args:
        iam: A boto3 client of IAM.
        identity: The identity's ARN, as STS gives it.
    """
    kind, _, name = identity.split(":", 5)[5].partition("/")
    if kind == "assumed-role":  # the ARN of its session lacks the role's path
        return str(iam.get_role(RoleName=name.split("/")[0])["Role"]["Arn"])
    return identity if kind == "user" else None


def _made_again(name: str, kind: str, arn: str) -> str:
    """Return what to say of a log group without the lab's tag that the lab's flow logs write to."""
    return (
        f"The log group {name!r} lacks the lab's tag, and the lab's flow logs write to it: their service has made it "
        "again after it was deleted. If nobody else uses it, give it the tag: "
        f"{_TAGGED_BY[kind].format(name=name, arn=arn)}."
    )


def _foreign(name: str, kind: str, arn: str) -> str:
    """Return what to say of a thing that has a name of the lab's and not its tag."""
    tag = f"{names.LAB_TAG['Key']}: {names.LAB_TAG['Value']}"
    other = f" Use the name that lab.name({name!r}) returns." if name in names.KINDS else " Use another name."
    return (
        f"This account has a {kind.replace('-', ' ')} {name!r} that lacks the lab's tag ({tag}), so the lab takes it "
        f"for somebody else's and leaves it alone.{other} If you made it for the lab, give it the tag: "
        f"{_TAGGED_BY[kind].format(name=name, arn=arn)}."
    )
