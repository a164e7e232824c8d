"""IAM: trust policies are checked, an attached policy can't be deleted, and what is listed has no tags."""

from __future__ import annotations

import copy
import json
import re
from functools import cache
from typing import Any

from labkit.embedded.api.patches import IAM_API, Moto, around, check
from labkit.embedded.api.refusals import AwsError

_BACKEND = "moto.iam.models:IAMBackend"

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
    rule="CreateRole refuses a malformed trust policy; AWS's page doesn't say what is malformed, so that no principal "
    "is trusted, or a service that doesn't exist, is taken as widely reported.",
    source=f"{IAM_API}API_CreateRole.html",
    hook=f"{_BACKEND}.create_role",
)
def _create_role(self: Any, given: dict[str, Any]) -> None:
    _check_trust(given["assume_role_policy_document"])


@check(
    "changed-trust-policies-are-checked",
    rule="UpdateAssumeRolePolicy checks a trust policy as CreateRole does.",
    source=f"{IAM_API}API_UpdateAssumeRolePolicy.html",
    hook=f"{_BACKEND}.update_assume_role_policy",
)
def _update_trust(self: Any, given: dict[str, Any]) -> None:
    self.get_role(given["role_name"])
    _check_trust(given["policy_document"])


def _check_trust(document: str) -> None:
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
        if principal is None:
            raise AwsError("MalformedPolicyDocument", "Missing required field Principal")
        services = principal.get("Service", []) if isinstance(principal, dict) else []
        for service in [services] if isinstance(services, str) else services:
            if not _is_service(service):
                message = f'Invalid principal in policy: "SERVICE":"{service}"'
                raise AwsError("MalformedPolicyDocument", message)


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
