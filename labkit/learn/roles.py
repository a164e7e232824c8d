"""What a role's trust policy and its permissions policies say: enough of IAM to tell a student what is missing.

The judge of a delivery is AWS itself; this looks for the likely mistakes in the documents.
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements.html
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from fnmatch import fnmatchcase
from typing import Any
from urllib.parse import unquote

from labkit.learn.result import Line
from labkit.learn.view import View


def trusted(view: View, role: str, service: str) -> Line:
    """Whether a role's trust policy lets a service assume it, and under no condition that names another account."""
    found = document(view.client("iam").get_role(RoleName=role)["Role"]["AssumeRolePolicyDocument"])
    subject, wanted = f"{role}, trust policy", f"the service {service}, the action sts:AssumeRole"
    mend = f"iam.update_assume_role_policy(RoleName='{role}', PolicyDocument=…) with the principal {service}."
    allowed = [each for each in statements(found) if each.get("Effect") == "Allow"]
    principals = [name for each in allowed for name in principals_of(each)]
    fitting = [each for each in allowed if service in principals_of(each)]
    if not fitting:
        return Line(False, subject, f"the principal {', '.join(principals) or 'nobody'}", wanted, mend)
    assuming = [each for each in fitting if matches(each.get("Action"), "sts:AssumeRole")]
    if not assuming:
        actions = ", ".join(texts(fitting[0].get("Action"))) or "none"
        return Line(False, subject, f"the action {actions}", wanted, mend)
    accounts = [account for each in assuming for account in source_accounts(each)]
    if accounts and view.lab.account not in accounts:
        found_account = f"a condition for the account {accounts[0]}"
        return Line(False, subject, found_account, f"aws:SourceAccount {view.lab.account}, which is lab.account", mend)
    return Line(True, f"{role} trusts {service}")


def missing_actions(documents: Iterable[Any], wanted: Iterable[str]) -> list[str]:
    """Those of the actions that no statement allows, or that one denies."""
    found = [statement for each in documents for statement in statements(document(each))]

    def says(effect: str, action: str) -> bool:
        return any(each.get("Effect") == effect and matches(each.get("Action"), action) for each in found)

    return [action for action in wanted if not says("Allow", action) or says("Deny", action)]


def policies_of(view: View, role: str) -> Iterator[tuple[str, Any]]:
    """The name and the document of each of a role's policies, attached and inline."""
    iam = view.client("iam")
    for attached in iam.list_attached_role_policies(RoleName=role)["AttachedPolicies"]:
        yield attached["PolicyName"], policy(view, attached["PolicyArn"])
    for name in iam.list_role_policies(RoleName=role)["PolicyNames"]:
        yield name, iam.get_role_policy(RoleName=role, PolicyName=name)["PolicyDocument"]


def policy(view: View, arn: str) -> Any:
    """The document of a policy, in the version that is in force."""
    iam = view.client("iam")
    version = iam.get_policy(PolicyArn=arn)["Policy"]["DefaultVersionId"]
    return iam.get_policy_version(PolicyArn=arn, VersionId=version)["PolicyVersion"]["Document"]


def document(found: Any) -> dict[str, Any]:
    """A policy as data; boto3 gives it so, other ways of asking as text."""
    if isinstance(found, str):
        try:
            found = json.loads(unquote(found))
        except ValueError:
            return {}
    return found if isinstance(found, dict) else {}


def statements(found: dict[str, Any]) -> list[dict[str, Any]]:
    listed = found.get("Statement", [])
    return [each for each in (listed if isinstance(listed, list) else [listed]) if isinstance(each, dict)]


def texts(value: Any) -> list[str]:
    return [value] if isinstance(value, str) else [str(each) for each in value or ()]


def matches(patterns: Any, action: str) -> bool:
    return any(fnmatchcase(action.lower(), pattern.lower()) for pattern in texts(patterns))


def principals_of(statement: dict[str, Any]) -> list[str]:
    principal = statement.get("Principal", {})
    if not isinstance(principal, dict):
        return texts(principal)
    return [name for value in principal.values() for name in texts(value)]


def source_accounts(statement: dict[str, Any]) -> list[str]:
    tests = statement.get("Condition", {})
    keys = [each for each in tests.values() if isinstance(each, dict)] if isinstance(tests, dict) else []
    named = [pair for each in keys for pair in each.items()]
    return [account for key, value in named if key.lower() == "aws:sourceaccount" for account in texts(value)]
