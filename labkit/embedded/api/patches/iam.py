"""Roles and policies: what AWS checks when they are made, and what it refuses to delete."""

from __future__ import annotations

import inspect
import json
import re
from typing import Any

from labkit.embedded.api.patches import patch
from labkit.embedded.api.refusals import AwsError

_API = "https://docs.aws.amazon.com/IAM/latest/APIReference/"
_BACKEND = "moto.iam.models:IAMBackend"


def _load(backend: Any, arn: str) -> None:
    """Let ``backend`` know AWS's managed policy ``arn``; nothing happens where AWS has none of that name.

    moto keeps all 1,600 of them in one text. Reading one out of it takes no time; reading all takes a fifth of a
    second, which is why moto leaves them out unless it is told otherwise.
    """
    found = re.fullmatch(r"arn:aws:iam::aws:policy/(?:[\w+=,.@-]+/)*([\w+=,.@-]+)", arn)
    if found is None or arn in backend.managed_policies:
        return
    from moto.iam.aws_managed_policies import aws_managed_policies_data
    from moto.iam.models import AWSManagedPolicy

    name = found[1]
    place = re.search(rf'^\s*"{re.escape(name)}":\s*(?=\{{)', aws_managed_policies_data, re.MULTILINE)
    if place is None:
        return
    data, _ = json.JSONDecoder().raw_decode(aws_managed_policies_data, place.end())
    policy = AWSManagedPolicy.from_data(name, backend.account_id, backend.region_name, data)
    if policy.arn == arn:
        backend.managed_policies[arn] = policy


def _loading(name: str, action: str, parameters: str, rule: str) -> None:
    """Patch ``action`` so that AWS's managed policy, named in its ``policy_arn``, is known when it is looked up."""

    @patch(
        name,
        rule=rule,
        source="https://docs.aws.amazon.com/aws-managed-policy/latest/reference/about-managed-policy-reference.html",
        hook=f"{_BACKEND}.{action}",
        parameters=parameters,
    )
    def make(original: Any) -> Any:
        signature = inspect.signature(original)

        def with_managed_policy(self: Any, *args: Any, **kwargs: Any) -> Any:
            _load(self, signature.bind(self, *args, **kwargs).arguments["policy_arn"])
            return original(self, *args, **kwargs)

        return with_managed_policy


_loading("managed-policies-are-there", "get_policy", "self policy_arn", "Every account has AWS's managed policies.")
_loading(
    "managed-policies-are-attached-to-roles",
    "attach_role_policy",
    "self policy_arn role_name",
    "AWS's managed policies can be attached to a role.",
)


@patch(
    "managed-policies-are-listed",
    rule="ListPolicies returns AWS's managed policies too, unless the scope is Local.",
    source=f"{_API}API_ListPolicies.html",
    hook=f"{_BACKEND}.list_policies",
    parameters="self marker max_items only_attached path_prefix scope",
)
def _list(original: Any) -> Any:
    def list_policies(
        self: Any, marker: str | None, max_items: int, only_attached: bool, path_prefix: str, scope: str
    ) -> Any:
        if scope != "Local" and not only_attached and not getattr(self, "knows_all_managed_policies", False):
            from moto.iam.aws_managed_policies import aws_managed_policies_data
            from moto.iam.models import AWSManagedPolicy

            for name, data in json.loads(aws_managed_policies_data).items():
                policy = AWSManagedPolicy.from_data(name, self.account_id, self.region_name, data)
                self.managed_policies.setdefault(policy.arn, policy)
            self.knows_all_managed_policies = True
        return original(self, marker, max_items, only_attached, path_prefix, scope)

    return list_policies


@patch(
    "policies-are-attached-once",
    rule="Attaching a policy that is attached already changes nothing (widely reported).",
    source=f"{_API}API_AttachRolePolicy.html",
    hook="moto.iam.models:ManagedPolicy.attach_to",
    parameters="self obj",
)
def _attach(original: Any) -> Any:
    def attach_to(self: Any, obj: Any) -> None:
        if self.arn not in obj.managed_policies:
            original(self, obj)

    return attach_to


@patch(
    "attached-policy-stays",
    rule="DeletePolicy needs a policy that is attached to nothing.",
    source=f"{_API}API_DeletePolicy.html",
    hook=f"{_BACKEND}.delete_policy",
    parameters="self policy_arn",
)
def _delete(original: Any) -> Any:
    def delete_policy(self: Any, policy_arn: str) -> None:
        policy = self.get_policy(policy_arn)
        if policy.attachment_count:
            raise AwsError("DeleteConflict", "Cannot delete a policy attached to entities.")
        if len(policy.versions) > 1:
            raise AwsError(
                "DeleteConflict",
                "This policy has more than one version. Before you delete a policy, you must delete the policy's "
                "versions. "
                "The default version is deleted with the policy.",
            )
        original(self, policy_arn)

    return delete_policy


@patch(
    "trust-policies-are-checked",
    rule="CreateRole refuses a malformed trust policy; AWS's page doesn't say what is malformed, so that no principal "
    "is trusted is taken as widely reported.",
    source=f"{_API}API_CreateRole.html",
    hook=f"{_BACKEND}.create_role",
    parameters="self role_name assume_role_policy_document path permissions_boundary description tags "
    "max_session_duration "
    "linked_service",
)
def _create_role(original: Any) -> Any:
    signature = inspect.signature(original)

    def create_role(self: Any, *args: Any, **kwargs: Any) -> Any:
        from moto.iam.policy_validation import IAMTrustPolicyDocumentValidator

        document = signature.bind(self, *args, **kwargs).arguments["assume_role_policy_document"]
        try:
            json.loads(document)
        except ValueError:
            raise AwsError("MalformedPolicyDocument", "This policy contains invalid Json") from None
        IAMTrustPolicyDocumentValidator(document).validate()
        statements = json.loads(document)["Statement"]
        for statement in statements if isinstance(statements, list) else [statements]:
            if "Principal" not in statement and "NotPrincipal" not in statement:
                raise AwsError("MalformedPolicyDocument", "Missing required field Principal")
        return original(self, *args, **kwargs)

    return create_role
