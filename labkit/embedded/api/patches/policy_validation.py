"""The validation of policies: one of an identity names no principal."""

from __future__ import annotations

from typing import Any

from labkit.embedded.api.patches import Moto, around
from labkit.embedded.api.refusals import AwsError


@around(
    "identity-policies-have-no-principal",
    rule="A policy of a role, user or group can't have a Principal; the message, and that a missing Resource is "
    "refused only after it, are as widely reported.",
    source="https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_principal.html",
    hook="moto.iam.policy_validation:BaseIAMPolicyValidator.validate",
)
def _validate(self: Any, _: dict[str, Any], moto: Moto) -> None:
    from moto.iam.policy_validation import IAMPolicyDocumentValidator

    moto()
    if isinstance(self, IAMPolicyDocumentValidator):
        for statement in self._statements:
            if "Principal" in statement or "NotPrincipal" in statement:
                raise AwsError("MalformedPolicyDocument", "Policy document should not specify a principal.")
