"""Deletes the lab, one kind of thing after another, and checks afterwards whether anything is left.

`lab.clean_up` and `labkit cleanup` do it. Only what has the lab's tag is deleted. What lacks it inside one of the lab's
VPCs is named, with what to do: it may be the student's, or somebody else's.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

from botocore.exceptions import ClientError, HTTPClientError

from labkit import names
from labkit.session.consistency import wait_until_shown
from labkit.session.finding import Finder
from labkit.session.kinds import BY_PREFIX, KINDS, Kind, Part, code, suppress_gone
from labkit.session.paging import all_of
from labkit.session.waiting import poll

#: What is in IAM: only things there use it.
_IN_IAM = ("instance profile", "role", "policy")

#: What AWS answers while something else that is being deleted still uses a thing.
_NOT_YET = {
    "DependencyViolation", "DeleteConflict", "InvalidParameterValue", "InvalidIPAddress.InUse",
    "InvalidNetworkInterface.InUse", "InvalidStateTransition", "OperationAbortedException",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Thing:
    """A thing of the lab that can be deleted.

    Attributes:
        word: What kind of thing it is.
        id: Its id, or its name if it has no id.
        name: Its name, or an empty text.
        delete: Deletes it.
    """

    word: str
    id: str
    name: str
    delete: Callable[[], object]

    def __str__(self) -> str:
        return " ".join(dict.fromkeys((self.word, self.name or self.id, self.id)))


@dataclass(frozen=True, slots=True)
class _Search:
    """A search for things of one kind.

    Attributes:
        word: What kind of things.
        things: Finds them.
        wait: Whether to wait until they are gone before the next search.
    """

    word: str
    things: Callable[[], Iterator[Thing]]
    wait: bool = False


def clean_up(client: Callable[[str], Any], patience: float, dry_run: bool = False) -> None:
    """Delete the lab, and print each thing that was deleted, then what is left and what to do about it.

    Args:
        client: Makes a boto3 client of a service.
        patience: How many seconds to wait until AWS allows a deletion.
        dry_run: Whether only to print what would be deleted.
    """
    work = CleanUp(client, patience)
    count = 0
    for thing in work.preview() if dry_run else work.run():
        print(f"{'Would delete' if dry_run else 'Deleted'} {thing}")
        count += 1
    if dry_run:
        print(f"Nothing was deleted; {count} things would be." if count else "There is nothing of the lab to delete.")
    left = [*work.foreign(), *work.unseen()] if dry_run else work.leftovers()
    for line in left:
        print(f"{'Would leave' if dry_run else 'Left'}: {line}")
    if not left and not dry_run:
        print("Looked again: nothing of the lab is left." if count else "There is nothing of the lab to delete.")


class CleanUp:
    """Deletes the lab. The arguments are those of `clean_up`."""

    def __init__(self, client: Callable[[str], Any], patience: float) -> None:
        self._ec2, self._iam, self._logs = client("ec2"), client("iam"), client("logs")
        self._finder = Finder(client)
        self._tagged = {"Name": f"tag:{names.LAB_TAG['Key']}", "Values": [names.LAB_TAG["Value"]]}
        self._patience = patience
        self._vpcs: list[str] = []
        self._foreign: dict[str, Thing] = {}  # what lacks the tag in these VPCs, by id
        self._groups: set[str] = set()  # the log groups that the lab's flow logs wrote to
        self._errors: dict[str, Exception] = {}  # by a thing's id, or by a kind that AWS would not list

    def preview(self) -> list[Thing]:
        """Return what there is to delete, in the order in which it would be deleted."""
        self._errors.clear()
        self._foreign.clear()
        return [thing for search in self._searches() for thing in self._found(search)]

    def run(self) -> Iterator[Thing]:
        """Delete one thing after another, and yield each that was deleted."""
        self._errors.clear()
        for search in self._searches():
            found = self._found(search)
            for thing in found:
                if self._delete(thing):
                    yield thing
            if found and search.wait:
                self._poll(lambda search=search: not self._found(search), f"each {search.word} to be gone")  # type: ignore[misc]

    def leftovers(self) -> list[str]:
        """Look again for everything; return a line for each thing that is left, with the reason and the next step."""
        errors, things = dict(self._errors), list[Thing]()

        def is_clean() -> bool:
            things[:] = self.preview()
            return not things and not self._errors

        self._poll(is_clean, "the last things to be gone")
        left = []
        for at, thing in enumerate(things):
            is_used = any((other.word in _IN_IAM) == (thing.word in _IN_IAM) for other in things[:at])
            left.append(f"{thing}{_because(errors.get(thing.id), thing.id, is_used)}")
        return [*left, *self._made_again(), *self.foreign(), *self.unseen()]

    def foreign(self) -> list[str]:
        """Return a line for each thing without the lab's tag in one of its VPCs, with the next step."""
        tag = f"{names.LAB_TAG['Key']}: {names.LAB_TAG['Value']}"
        return [
            f"{thing}: it is in the lab's network and lacks the lab's tag ({tag}), so it may be somebody else's. If it "
            f"is yours, delete it or tag it (ec2.create_tags(Resources=[{thing.id!r}], Tags=[lab.tag])), then run "
            "lab.clean_up() again."
            for thing in self._foreign.values()
        ]

    def _made_again(self) -> Iterator[str]:
        """Yield a line for each log group without the tag that the lab's flow logs wrote to.

        After it was deleted, their service makes it again for the last records.
        https://docs.aws.amazon.com/vpc/latest/userguide/flow-logs-troubleshooting.html
        """
        for name in sorted(filter(None, self._groups)):
            try:
                found = self._finder.named(name, "log-group")
            except (ClientError, HTTPClientError):  # then it is among the unseen
                continue
            if found is not None and not found.is_labs:
                yield (
                    f"log group {name}: the lab's flow logs wrote to it, and it lacks the lab's tag. Their service "
                    "makes it again for the last records after it was deleted. If nobody else uses it, delete it in "
                    f"some minutes: logs.delete_log_group(logGroupName={name!r})."
                )

    def unseen(self) -> list[str]:
        """Return a line for each kind of thing that AWS would not list in the last search, with the reason."""
        return [f"each {word} that there may be{_because(error, word)}" for word, error in self._errors.items()]

    # Looking

    def _searches(self) -> Iterator[_Search]:
        """Yield one search after another, each to be made when what the one before found has been dealt with."""
        yield _Search("VPC", self._look_for_vpcs)
        for kind in KINDS:
            if kind is BY_PREFIX["sg"]:
                yield _Search("rule that names a group", self._rules)
            yield _Search(kind.word, partial(self._of_kind, kind), wait=kind.holds)
        # The log group is last: until its role is gone, the service of the flow logs would create it again for the last
        # records.
        in_iam, in_logs = partial(all_of, self._iam), partial(all_of, self._logs)
        every_profile = partial(in_iam, "list_instance_profiles", "InstanceProfiles[].InstanceProfileName")
        every_role = partial(in_iam, "list_roles", "Roles[].RoleName")
        every_policy = partial(in_iam, "list_policies", "Policies[].PolicyName", Scope="Local")
        every_group = partial(in_logs, "describe_log_groups", "logGroups[].logGroupName")
        yield _Search("instance profile", partial(self._named, "instance profile", every_profile, self._delete_profile))
        yield _Search("role", partial(self._named, "role", every_role, self._delete_role))
        yield _Search("policy", partial(self._named, "policy", every_policy, self._delete_policy))
        yield _Search("log group", partial(self._named, "log group", every_group, self._delete_log_group))

    def _found(self, search: _Search) -> list[Thing]:
        try:
            return list(search.things())
        except (ClientError, HTTPClientError) as error:
            self._errors[search.word] = error
            return []

    def _look_for_vpcs(self) -> Iterator[Thing]:
        """Note which VPCs are the lab's, for everything that is inside; they are deleted late."""
        wait_until_shown(self._ec2)
        self._vpcs = [vpc["VpcId"] for vpc in self._describe(BY_PREFIX["vpc"], self._tagged)]
        yield from ()

    def _of_kind(self, kind: Kind) -> Iterator[Thing]:
        own: dict[str, Part] = {}
        for part in [*self._describe(kind, self._tagged), *self._inside(kind)]:
            if names.LAB_TAG in _tags(part):
                own[part[kind.id]] = part
                self._groups.add(part.get("LogGroupName", ""))
            elif not kind.is_default(part) and not kind.is_gone(part):
                self._foreign[part[kind.id]] = self._thing(kind, part)
        yield from (self._thing(kind, part) for part in own.values() if not kind.stays(part))

    def _inside(self, kind: Kind) -> Iterator[Part]:
        """Find the things of a kind in the lab's VPCs, whoever made them."""
        places = self._resources() if "resource-id" in kind.within else self._vpcs
        if kind.vpcs and places:
            yield from (part for part in self._describe(kind) if kind.vpcs(part) & set(places))
        elif places:
            for name in kind.within:
                yield from self._describe(kind, {"Name": name, "Values": places})

    def _thing(self, kind: Kind, part: Part) -> Thing:
        return Thing(kind.word, part[kind.id], _name(part), partial(kind.remove, self._ec2, part))

    def _resources(self) -> list[str]:
        """Return what a flow log of the lab may watch: its VPCs, and the subnets and interfaces in them."""
        if not self._vpcs:
            return []
        inside = {"Name": "vpc-id", "Values": self._vpcs}
        kinds = BY_PREFIX["subnet"], BY_PREFIX["eni"]
        return [*self._vpcs, *(part[kind.id] for kind in kinds for part in self._describe(kind, inside))]

    def _describe(self, kind: Kind, *conditions: Part) -> list[Any]:
        name = self._ec2.meta.method_to_api_mapping[kind.operation]
        members = self._ec2.meta.service_model.operation_model(name).input_shape.members
        given = {"Filter" if "Filter" in members else "Filters": list(conditions)} if conditions else {}
        return all_of(self._ec2, kind.operation, kind.path, **given)

    def _rules(self) -> Iterator[Thing]:
        """Find the rules of the lab's security groups that name groups, which could then not be deleted."""
        for group in self._describe(BY_PREFIX["sg"], self._tagged):
            for direction, key in (("ingress", "IpPermissions"), ("egress", "IpPermissionsEgress")):
                named = [
                    {**{k: rule[k] for k in ("IpProtocol", "FromPort", "ToPort") if k in rule}, "UserIdGroupPairs": [
                        {k: pair[k] for k in ("GroupId", "UserId") if k in pair} for pair in rule["UserIdGroupPairs"]
                    ]}
                    for rule in group[key]
                    if any(pair["GroupId"] != group["GroupId"] for pair in rule["UserIdGroupPairs"])
                ]  # fmt: skip
                if named:
                    revoke = getattr(self._ec2, f"revoke_security_group_{direction}")
                    delete = partial(revoke, GroupId=group["GroupId"], IpPermissions=named)
                    name = f"{direction}, {group['GroupName']}"
                    yield Thing("rules that name groups", group["GroupId"], name, delete)

    def _named(self, word: str, every: Callable[[], list[str]], delete: Callable[[str, str], None]) -> Iterator[Thing]:
        for name in sorted(name for name in every() if name.startswith(names.PREFIX)):
            found = self._finder.named(name, word.replace(" ", "-"))
            if found is not None and found.is_labs:
                yield Thing(word, name, "", partial(delete, name, found.arn))

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

        self._poll(attempt, f"AWS to allow the deletion of {thing}")
        return thing.id not in self._errors

    def _poll(self, ask: Callable[[], bool], awaited: str) -> None:
        if not poll(ask, patience=self._patience, every=5, awaited=lambda: awaited):
            self._patience = 0.0  # it will not happen: don't wait as long for each thing that it holds up

    def _delete_profile(self, name: str, arn: str) -> None:
        for role in self._iam.get_instance_profile(InstanceProfileName=name)["InstanceProfile"]["Roles"]:
            self._iam.remove_role_from_instance_profile(InstanceProfileName=name, RoleName=role["RoleName"])
        self._iam.delete_instance_profile(InstanceProfileName=name)

    def _delete_role(self, name: str, arn: str) -> None:
        listed = partial(all_of, self._iam, RoleName=name)
        for policy in listed("list_attached_role_policies", "AttachedPolicies[].PolicyArn"):
            self._iam.detach_role_policy(RoleName=name, PolicyArn=policy)
        for inline in listed("list_role_policies", "PolicyNames[]"):
            self._iam.delete_role_policy(RoleName=name, PolicyName=inline)
        self._iam.delete_role(RoleName=name)

    def _delete_policy(self, name: str, arn: str) -> None:
        others = "Versions[?!IsDefaultVersion].VersionId"
        for version in all_of(self._iam, "list_policy_versions", others, PolicyArn=arn):
            self._iam.delete_policy_version(PolicyArn=arn, VersionId=version)
        self._iam.delete_policy(PolicyArn=arn)

    def _delete_log_group(self, name: str, arn: str) -> None:
        self._logs.delete_log_group(logGroupName=name)


def _tags(part: Part) -> list[Part]:
    return list(part.get("Tags") or part.get("TagSet") or ())


def _name(part: Part) -> str:
    tags = {tag["Key"]: tag["Value"] for tag in _tags(part)}
    return str(tags.get("Name") or part.get("GroupName") or part.get("KeyName") or part.get("Description") or "")


def _because(error: Exception | None, id: str, is_used: bool = False) -> str:
    """Return why something is left, and what to do next.

    Args:
        error: What AWS answered; None if nothing.
        id: The thing's id.
        is_used: Whether something else of the lab that is left, and was named before, may use it.
    """
    refusal = code(error)
    if error is None:
        return ". AWS has not finished deleting it: run lab.clean_up() again in a minute."
    if refusal.startswith(("AccessDenied", "UnauthorizedOperation")):
        next_step = "Use a profile that may do this, or ask whoever looks after the account; then lab.clean_up() again."
    elif refusal in _NOT_YET and is_used:
        next_step = "Something named above probably still uses it. See to that first, then run lab.clean_up() again."
    elif refusal in _NOT_YET:
        next_step = (
            "Something that is not the lab's still uses it. Look for it in the console, delete it there, then run "
            "lab.clean_up() again."
        )
    elif refusal == "OperationNotPermitted":
        next_step = (
            "It may be protected from deletion: take the protection away "
            f"(ec2.modify_instance_attribute(InstanceId={id!r}, DisableApiTermination={{'Value': False}})), then run "
            "lab.clean_up() again."
        )
    else:
        next_step = "Run lab.clean_up() again in a minute."
    reason = error.response["Error"]["Message"] if isinstance(error, ClientError) else str(error)
    return f": {refusal or type(error).__name__}: {reason.rstrip('.')}. {next_step}"
