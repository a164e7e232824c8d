"""Deleting the lab, one kind of thing after another, and looking afterwards whether anything is left."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError, HTTPClientError

from labkit.session.finding import Finder
from labkit.session.kinds import KINDS, LOG_GROUPS, POLICIES, PROFILES, ROLES, Kind, Part, code, suppress_gone
from labkit.session.waiting import poll

#: What AWS answers while something else that is being deleted still holds on to a thing.
_NOT_YET = {
    "DependencyViolation", "DeleteConflict", "InvalidParameterValue", "InvalidIPAddress.InUse",
    "InvalidNetworkInterface.InUse", "OperationAbortedException",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Thing:
    """One thing of the lab. `word` says what it is, `id` and `name` which one; `delete` deletes it."""

    word: str
    id: str
    name: str
    delete: Callable[[], object]

    def __str__(self) -> str:
        return " ".join(dict.fromkeys((self.word, self.name or self.id, self.id)))


@dataclass(frozen=True, slots=True)
class _Find:
    """A search for things of the lab of one kind, which `word` names."""

    word: str
    things: Callable[[], Iterator[Thing]]


def clean_up(client: Callable[[str], Any], tag: Part, patience: float, dry_run: bool = False) -> None:
    """Delete what belongs to the lab, printing a line for each thing, then what is left and what to do about it.

    Parameters: see CleanUp; with `dry_run`, only say what there is to delete.
    """
    work = CleanUp(client, tag, patience)
    count = 0
    for thing in work.preview() if dry_run else work.run():
        print(f"{'Would delete' if dry_run else 'Deleted'} {thing}")
        count += 1
    if dry_run:
        print(f"Nothing was deleted; {count} things would be." if count else "There is nothing of the lab to delete.")
    left = work.unseen() if dry_run else work.leftovers()
    for line in left:
        print(f"Left: {line}")
    if not left and not dry_run:
        print("Looked again: nothing of the lab is left." if count else "There is nothing of the lab to delete.")


class CleanUp:
    """Deletes what belongs to the lab, through clients that `client(service)` makes.

    Parameters: `tag` marks the lab's things; `patience` is how many seconds to wait for AWS to let go of something.
    """

    def __init__(self, client: Callable[[str], Any], tag: Part, patience: float) -> None:
        self._ec2, self._iam, self._logs = client("ec2"), client("iam"), client("logs")
        self._finder = Finder(client)
        self._tagged = {"Name": f"tag:{tag['Key']}", "Values": [tag["Value"]]}
        self._patience = patience
        self._vpcs: list[str] = []
        self._errors: dict[str, Exception] = {}  # by a thing's id, or by a kind that AWS could not be asked for

    def preview(self) -> list[Thing]:
        """What there is to delete, in the order in which it would be."""
        self._errors.clear()
        return [thing for find in self._finds() for thing in self._found(find)]

    def run(self) -> Iterator[Thing]:
        """Delete one thing after another, and yield each that is deleted."""
        self._errors.clear()
        for find in self._finds():
            for thing in self._found(find):
                if self._delete(thing):
                    yield thing
            if find.word in ("instance", "NAT gateway"):  # until these are gone, what they stand on stays
                self._poll(lambda find=find: not self._found(find), f"each {find.word} to be gone")  # type: ignore[misc]

    def leftovers(self) -> list[str]:
        """Look again for everything, and say of each thing that is there why it is, and what to do next."""
        errors, things = dict(self._errors), list[Thing]()

        def is_clean() -> bool:
            things[:] = self.preview()
            return not things and not self._errors

        self._poll(is_clean, "the last things to be gone")
        left = [(str(thing), errors.get(thing.id)) for thing in things]
        return [*(f"{what}{_because(error)}" for what, error in left), *self.unseen()]

    def unseen(self) -> list[str]:
        """The kinds of things for which AWS could not be asked when they were last looked for, and why."""
        return [f"each {word} that there may be{_because(error)}" for word, error in self._errors.items()]

    # Looking

    def _finds(self) -> Iterator[_Find]:
        """One search after another, each in the account as it is when the one before has been dealt with."""
        yield _Find("VPC", self._look_for_vpcs)
        for kind in KINDS:
            if kind.word == "security group":
                yield _Find("rule that names a group", self._rules)
            yield _Find(kind.word, lambda kind=kind: self._of_kind(kind))  # type: ignore[misc]
        yield _Find("instance profile", self._profiles)
        yield _Find("role", self._roles)
        yield _Find("policy", self._policies)
        # Last: a flow log's role that still may would make it again for the last records.
        yield _Find("log group", self._log_groups)

    def _found(self, find: _Find) -> list[Thing]:
        try:
            return list(find.things())
        except (ClientError, HTTPClientError) as error:
            self._errors[find.word] = error
            return []

    def _look_for_vpcs(self) -> Iterator[Thing]:
        """Note which VPCs are the lab's, for all that is inside; they themselves come late."""
        self._vpcs = [part["VpcId"] for part in self._describe("describe_vpcs", "Vpcs[]", self._tagged)]
        yield from ()

    def _of_kind(self, kind: Kind) -> Iterator[Thing]:
        places = self._resources() if "resource-id" in kind.within else self._vpcs
        inside = [{"Name": name, "Values": places} for name in kind.within if places]
        parts = [part for each in [self._tagged, *inside] for part in self._describe(kind.operation, kind.path, each)]
        for id, part in {part[kind.id]: part for part in parts}.items():
            if not kind.stays(part):
                yield Thing(kind.word, id, _name(part), lambda part=part: kind.delete(self._ec2, part))  # type: ignore[misc]

    def _resources(self) -> list[str]:
        """What a flow log of the lab's may watch: its VPCs, and the subnets and interfaces in them."""
        if not self._vpcs:
            return []
        inside = {"Name": "vpc-id", "Values": self._vpcs}
        subnets = self._describe("describe_subnets", "Subnets[].SubnetId", inside)
        interfaces = self._describe("describe_network_interfaces", "NetworkInterfaces[].NetworkInterfaceId", inside)
        return [*self._vpcs, *subnets, *interfaces]

    def _describe(self, operation: str, path: str, condition: Part) -> list[Any]:
        """What a describe operation finds on all its pages."""
        name = self._ec2.meta.method_to_api_mapping[operation]
        members = self._ec2.meta.service_model.operation_model(name).input_shape.members
        condition = {"Filter" if "Filter" in members else "Filters": [condition]}
        if self._ec2.can_paginate(operation):
            return list(self._ec2.get_paginator(operation).paginate(**condition).search(path))
        return list(getattr(self._ec2, operation)(**condition)[path.removesuffix("[]")])

    def _rules(self) -> Iterator[Thing]:
        """The rules by which the groups of the lab's VPCs name groups, perhaps each other: they would keep them."""
        if not self._vpcs:
            return
        inside = {"Name": "vpc-id", "Values": self._vpcs}
        for group in self._describe("describe_security_groups", "SecurityGroups[]", inside):
            for way, key in (("ingress", "IpPermissions"), ("egress", "IpPermissionsEgress")):
                named = [
                    {**{k: rule[k] for k in ("IpProtocol", "FromPort", "ToPort") if k in rule}, "UserIdGroupPairs": [
                        {k: pair[k] for k in ("GroupId", "UserId") if k in pair} for pair in rule["UserIdGroupPairs"]
                    ]}
                    for rule in group[key]
                    if any(pair["GroupId"] != group["GroupId"] for pair in rule["UserIdGroupPairs"])
                ]  # fmt: skip
                revoke = getattr(self._ec2, f"revoke_security_group_{way}")
                if named:
                    name = f"{way}, {group['GroupName']}"
                    yield Thing(
                        "rules that name groups", group["GroupId"], name,
                        lambda revoke=revoke, id=group["GroupId"], named=named: revoke(GroupId=id, IpPermissions=named),  # type: ignore[misc]
                    )  # fmt: skip

    def _profiles(self) -> Iterator[Thing]:
        for name in PROFILES:
            if self._finder.find(name, "instance-profile"):
                yield Thing("instance profile", name, "", lambda name=name: self._delete_profile(name))  # type: ignore[misc]

    def _roles(self) -> Iterator[Thing]:
        for name in ROLES:
            if self._finder.find(name, "role"):
                yield Thing("role", name, "", lambda name=name: self._delete_role(name))  # type: ignore[misc]

    def _policies(self) -> Iterator[Thing]:
        for name in POLICIES:
            for arn in self._finder.find(name, "policy"):
                yield Thing("policy", name, "", lambda arn=arn: self._delete_policy(arn))  # type: ignore[misc]

    def _log_groups(self) -> Iterator[Thing]:
        for name in LOG_GROUPS:
            for found in self._finder.find(name, "log-group"):
                yield Thing("log group", found, "", lambda name=found: self._logs.delete_log_group(logGroupName=name))  # type: ignore[misc]

    # Deleting

    def _delete(self, thing: Thing) -> bool:
        def attempt() -> bool:
            self._errors.pop(thing.id, None)
            try:
                with suppress_gone():
                    thing.delete()
            except (ClientError, HTTPClientError) as error:
                self._errors[thing.id] = error
                return code(error) not in _NOT_YET
            return True

        self._poll(attempt, f"AWS to let go of {thing}")
        return thing.id not in self._errors

    def _poll(self, ask: Callable[[], bool], awaited: str) -> None:
        if not poll(ask, patience=self._patience, every=5, awaited=lambda: awaited):
            self._patience = 0.0  # what lasts so long lasts: don't wait as long for each thing that it holds up

    def _delete_profile(self, name: str) -> None:
        for role in self._iam.get_instance_profile(InstanceProfileName=name)["InstanceProfile"]["Roles"]:
            self._iam.remove_role_from_instance_profile(InstanceProfileName=name, RoleName=role["RoleName"])
        self._iam.delete_instance_profile(InstanceProfileName=name)

    def _delete_role(self, name: str) -> None:
        def all_of(operation: str, path: str) -> list[Any]:
            return list(self._iam.get_paginator(operation).paginate(RoleName=name).search(path))

        for profile in all_of("list_instance_profiles_for_role", "InstanceProfiles[].InstanceProfileName"):
            self._iam.remove_role_from_instance_profile(InstanceProfileName=profile, RoleName=name)
        for arn in all_of("list_attached_role_policies", "AttachedPolicies[].PolicyArn"):
            self._iam.detach_role_policy(RoleName=name, PolicyArn=arn)
        for inline in all_of("list_role_policies", "PolicyNames[]"):
            self._iam.delete_role_policy(RoleName=name, PolicyName=inline)
        self._iam.delete_role(RoleName=name)

    def _delete_policy(self, arn: str) -> None:
        pages = self._iam.get_paginator("list_policy_versions").paginate(PolicyArn=arn)
        for version in list(pages.search("Versions[?!IsDefaultVersion].VersionId")):
            self._iam.delete_policy_version(PolicyArn=arn, VersionId=version)
        self._iam.delete_policy(PolicyArn=arn)


def _name(part: Part) -> str:
    tags = {tag["Key"]: tag["Value"] for tag in part.get("Tags") or part.get("TagSet") or ()}
    return str(tags.get("Name") or part.get("GroupName") or part.get("KeyName") or part.get("Description") or "")


def _because(error: Exception | None) -> str:
    """Why something is left, and what to do next."""
    refusal = code(error)
    if error is None:
        return ". AWS has not let go of it yet: run lab.clean_up() again in a minute."
    if refusal.startswith(("AccessDenied", "UnauthorizedOperation")):
        next_step = "Use a profile that may do this, or ask whoever looks after the account; then lab.clean_up() again."
    elif refusal in _NOT_YET:
        next_step = (
            "Something that is not the lab's still uses it. Look for it in the console, delete it there, then run "
            "lab.clean_up() again."
        )
    elif refusal == "OperationNotPermitted":
        next_step = (
            "It may be protected from deletion: take the protection away "
            "(ec2.modify_instance_attribute(InstanceId=…, DisableApiTermination={'Value': False})), then run "
            "lab.clean_up() again."
        )
    else:
        next_step = "Run lab.clean_up() again in a minute."
    reason = error.response["Error"]["Message"] if isinstance(error, ClientError) else str(error)
    return f": {refusal or type(error).__name__}: {reason.rstrip('.')}. {next_step}"
