"""A role and its policies, read through an IAM client as the services that assume the role know them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from labkit.iam.documents import Document


@dataclass(frozen=True, slots=True)
class Role:
    """A role.

    Attributes:
        name: The role's name.
        trust: Its trust policy.
        policies: The documents of its permissions policies, attached and inline, by the policies' names.
    """

    name: str
    trust: Document
    policies: Mapping[str, Document]


def read_role(iam: Any, name: str) -> Role | None:
    """Read a role and its policies.

    Args:
        iam: A boto3 IAM client.
        name: The role's name.

    Returns:
        The role, or None if there is none of that name.
    """
    try:
        trust = iam.get_role(RoleName=name)["Role"]["AssumeRolePolicyDocument"]
    except iam.exceptions.NoSuchEntityException:
        return None
    policies: dict[str, Document] = {}
    for page in iam.get_paginator("list_attached_role_policies").paginate(RoleName=name):
        for attached in page["AttachedPolicies"]:
            policies[attached["PolicyName"]] = read_policy(iam, attached["PolicyArn"])
    for page in iam.get_paginator("list_role_policies").paginate(RoleName=name):
        for inline in page["PolicyNames"]:
            document = iam.get_role_policy(RoleName=name, PolicyName=inline)["PolicyDocument"]
            # An inline policy may have the name of an attached one.
            policies[f"{inline} (inline)" if inline in policies else inline] = document
    return Role(name, trust, policies)


def read_policy(iam: Any, arn: str) -> Document:
    """Read the document of a managed policy, in the version that is in force.

    Args:
        iam: A boto3 IAM client.
        arn: The policy's ARN.

    Returns:
        The document.
    """
    version = iam.get_policy(PolicyArn=arn)["Policy"]["DefaultVersionId"]
    document: Document = iam.get_policy_version(PolicyArn=arn, VersionId=version)["PolicyVersion"]["Document"]
    return document
