"""Reading an IAM role as the services that assume it do."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from labkit.iam.documents import Document


@dataclass(frozen=True, slots=True)
class Role:
    """A role's trust policy and the documents of its permissions policies, attached and inline."""

    trust: Document
    policies: tuple[Document, ...]


def read_role(iam: Any, name: str) -> Role | None:
    """Read a role by name through an IAM client; None where there is no such role."""
    try:
        trust = iam.get_role(RoleName=name)["Role"]["AssumeRolePolicyDocument"]
    except iam.exceptions.NoSuchEntityException:
        return None
    policies: list[Document] = []
    for page in iam.get_paginator("list_attached_role_policies").paginate(RoleName=name):
        for attached in page["AttachedPolicies"]:
            arn = attached["PolicyArn"]
            version = iam.get_policy(PolicyArn=arn)["Policy"]["DefaultVersionId"]
            policies.append(iam.get_policy_version(PolicyArn=arn, VersionId=version)["PolicyVersion"]["Document"])
    for page in iam.get_paginator("list_role_policies").paginate(RoleName=name):
        policies += [
            iam.get_role_policy(RoleName=name, PolicyName=each)["PolicyDocument"] for each in page["PolicyNames"]
        ]
    return Role(trust, tuple(policies))
