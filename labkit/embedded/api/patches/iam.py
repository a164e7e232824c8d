"""IAM: trust policies are checked, an attached policy can't be deleted, and what is listed has no tags."""

from __future__ import annotations

import copy
import json
import re
from functools import cache
from typing import Any

from labkit.embedded.api.patches import IAM_API, Moto, around, check
from labkit.embedded.api.refusals import AwsError
from labkit.embedded.api.scope import USER_ARN

_BACKEND = "moto.iam.models:IAMBackend"

#: What a principal can be, but for "*": https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_grammar.html
_KINDS_OF_PRINCIPALS = {"AWS", "CanonicalUser", "Federated", "Service"}

#: Principals, without .amazonaws.com, that are neither an endpoint's nor an API's name.
#: https://docs.aws.amazon.com/vpc/latest/userguide/flow-logs-iam-role.html,
#: https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task-iam-roles.html, and so on.
_OTHER_PRINCIPALS = (
    "airflow-env apidestinations cloudwatch-crossaccount ecs-tasks edgelambda eks-fargate-pods eks-nodegroup lexv2 "
    "opensearchservice spot spotfleet transitgateway trustedadvisor vmie vpc-flow-logs"
)
#: Endpoints that are no principals: https://github.com/hashicorp/terraform/issues/35086
_NO_PRINCIPALS = "tagging"


@around(
    "listed-instance-profiles-have-no-tags",
    rule="ListInstanceProfiles doesn't return tags; GetInstanceProfile does.",
    source=f"{IAM_API}API_ListInstanceProfiles.html",
    hook="moto.iam.responses:IamResponse.list_instance_profiles",
)
def _list_profiles(self: Any, _: dict[str, Any], moto: Moto) -> Any:
    answer = moto()
    answer.result["InstanceProfiles"] = profiles = [copy.copy(each) for each in answer.result["InstanceProfiles"]]
    for each in profiles:
        each.tags = None
    return answer


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
    rule="CreateRole refuses a malformed trust policy: by AWS's grammar, a Principal that is neither `*` nor names "
    "under AWS, Service, Federated or CanonicalUser (the message is modeled); as widely reported, one with no "
    "principal, or with a service, or a role or user of the account, that doesn't exist.",
    source="https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_grammar.html",
    hook=f"{_BACKEND}.create_role",
)
def _create_role(self: Any, given: dict[str, Any]) -> None:
    _check_trust(self, given["assume_role_policy_document"])


@check(
    "changed-trust-policies-are-checked",
    rule="UpdateAssumeRolePolicy checks a trust policy as CreateRole does.",
    source=f"{IAM_API}API_UpdateAssumeRolePolicy.html",
    hook=f"{_BACKEND}.update_assume_role_policy",
)
def _update_trust(self: Any, given: dict[str, Any]) -> None:
    self.get_role(given["role_name"])
    _check_trust(self, given["policy_document"])


def _check_trust(backend: Any, document: str) -> None:
    """Raise IAM's refusal of a trust policy."""
    from moto.iam.policy_validation import IAMTrustPolicyDocumentValidator

    try:
        parsed = json.loads(document)
    except ValueError:
        raise AwsError("MalformedPolicyDocument", "This policy contains invalid Json") from None
    IAMTrustPolicyDocumentValidator(document).validate()
    statements = parsed["Statement"]
    for statement in statements if isinstance(statements, list) else [statements]:
        principal = statement.get("Principal", statement.get("NotPrincipal"))
        if not principal:
            raise AwsError("MalformedPolicyDocument", "Missing required field Principal")
        for kind, name in _principals(principal):
            if (kind == "Service" and not _is_service(name)) or (kind == "AWS" and not _is_identity(backend, name)):
                message = f'Invalid principal in policy: "{kind.upper()}":"{name}"'
                raise AwsError("MalformedPolicyDocument", message)


def _principals(element: Any) -> list[tuple[str, str]]:
    """Return the kind and the name of each principal in a Principal element but `*`, or raise IAM's refusal of it."""
    if element == "*":
        return []
    named = element if isinstance(element, dict) else {"": element}
    found = [(kind, name) for kind, value in named.items() for name in (value if isinstance(value, list) else [value])]
    if not all(kind in _KINDS_OF_PRINCIPALS and isinstance(name, str) for kind, name in found):
        raise AwsError("MalformedPolicyDocument", "Syntax errors in policy.")
    return found


def _is_identity(backend: Any, principal: str) -> bool:
    """Whether an AWS principal can be one; modeled: of another account, and of an account's sessions, any can.

    IAM looks up each role and user that a policy names, since it keeps their unique ids:
    https://github.com/hashicorp/terraform-provider-aws/issues/8905
    """
    account = f"arn:aws:iam::{backend.account_id}:"
    identities = {each.arn for each in (*backend.roles.values(), *backend.users.values())}
    return not principal.startswith(account) or principal in {*identities, USER_ARN, f"{account}root"}


def _is_service(principal: str) -> bool:
    """Whether AWS has a service of this principal, such as `ec2.amazonaws.com` or `logs.us-east-1.amazonaws.com`.

    Modeled: AWS publishes no list of them. A service has the name of its endpoint or of its API, or one in
    `_OTHER_PRINCIPALS`; what stands before the name is a part of the service.

    >>> [_is_service(f"{name}.amazonaws.com") for name in ("vpc-flow-logs", "delivery.logs", "vpc-flow-log")]
    [True, True, False]
    """
    name = re.fullmatch(r"(?:[\w-]+\.)*?([\w-]+)(?:\.[a-z]+(?:-[a-z]+)+-\d)?\.amazonaws\.com(?:\.cn)?", principal)
    return name is not None and name[1] in _service_names()


@cache
def _service_names() -> frozenset[str]:
    from botocore.loaders import create_loader

    loader = create_loader()
    endpoints = loader.load_data("endpoints")["partitions"][0]["services"]
    apis = loader.list_available_services("service-2")
    return frozenset({*endpoints, *apis, *_OTHER_PRINCIPALS.split()} - {*_NO_PRINCIPALS.split()})
