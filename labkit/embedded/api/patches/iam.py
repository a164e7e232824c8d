"""IAM: trust policies are checked when a role is made, and an attached policy can't be deleted."""

from __future__ import annotations

import json
from typing import Any

from labkit.embedded.api.patches import IAM_API, Moto, around, check
from labkit.embedded.api.refusals import AwsError

_BACKEND = "moto.iam.models:IAMBackend"


@around(
    "policies-are-attached-once",
    rule="Attaching a policy that is attached already changes nothing (widely reported).",
    source=f"{IAM_API}API_AttachRolePolicy.html",
    hook="moto.iam.models:ManagedPolicy.attach_to",
)
def _attach(self: Any, given: dict[str, Any], moto: Moto) -> None:
    if self.arn not in given["obj"].managed_policies:
        moto()


@check(
    "attached-policy-stays",
    rule="DeletePolicy refuses a policy that is attached to anything, or has versions other than its default one.",
    source=f"{IAM_API}API_DeletePolicy.html",
    hook=f"{_BACKEND}.delete_policy",
)
def _delete(self: Any, given: dict[str, Any]) -> None:
    policy = self.get_policy(given["policy_arn"])
    if policy.attachment_count:
        raise AwsError("DeleteConflict", "Cannot delete a policy attached to entities.")
    if len(policy.versions) > 1:
        raise AwsError(
            "DeleteConflict",
            "This policy has more than one version. Before you delete a policy, you must delete the policy's versions. "
            "The default version is deleted with the policy.",
        )


@check(
    "trust-policies-are-checked",
    rule="CreateRole refuses a malformed trust policy; AWS's page doesn't say what is malformed, so that no principal "
    "is trusted is taken as widely reported.",
    source=f"{IAM_API}API_CreateRole.html",
    hook=f"{_BACKEND}.create_role",
)
def _create_role(self: Any, given: dict[str, Any]) -> None:
    from moto.iam.policy_validation import IAMTrustPolicyDocumentValidator

    document = given["assume_role_policy_document"]
    try:
        parsed = json.loads(document)
    except ValueError:
        raise AwsError("MalformedPolicyDocument", "This policy contains invalid Json") from None
    IAMTrustPolicyDocumentValidator(document).validate()
    statements = parsed["Statement"]
    for statement in statements if isinstance(statements, list) else [statements]:
        if "Principal" not in statement and "NotPrincipal" not in statement:
            raise AwsError("MalformedPolicyDocument", "Missing required field Principal")
