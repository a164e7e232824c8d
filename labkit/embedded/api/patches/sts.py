"""STS: the identity of the account's user."""

from __future__ import annotations

from typing import Any

from labkit.embedded.api.patches import Moto, around
from labkit.embedded.api.scope import USER_ARN


@around(
    "caller-identity-is-an-iam-user",
    rule="GetCallerIdentity names an IAM user by its unique id and its iam ARN.",
    source="https://docs.aws.amazon.com/STS/latest/APIReference/API_GetCallerIdentity.html",
    hook="moto.sts.models:STSBackend.get_caller_identity",
)
def _caller(self: Any, _: dict[str, Any], moto: Moto) -> Any:
    user_id, arn, account = moto()
    if arn.endswith(":user/moto"):
        return "AIDACKCEVSQ6C2EXAMPLE", USER_ARN, account
    return user_id, arn, account
