"""A sandbox, as schools give them: an identity that can't make roles, and a role and a profile to use instead."""

from __future__ import annotations

from typing import ClassVar

from labkit.embedded.api.contrary import Account, Behavior, Call, CarryOut, policy_document
from labkit.embedded.api.refusals import AwsError, HttpResponse
from labkit.embedded.api.scope import ACCOUNT_ID
from labkit.iam.services import EC2_SERVICE, FLOW_LOGS_SERVICE, LOG_ACTIONS

_ARN = f"arn:aws:iam::{ACCOUNT_ID}:"
_ROLE = f"{_ARN}role/LabRole"

#: What names the thing that an action of IAM is about, and how its ARN begins.
_SUBJECTS = {
    "RoleName": f"{_ARN}role/",
    "InstanceProfileName": f"{_ARN}instance-profile/",
    "PolicyArn": "",
    "PolicyName": f"{_ARN}policy/",
    "UserName": f"{_ARN}user/",
    "GroupName": f"{_ARN}group/",
    "PolicySourceArn": "",
}


class Sandbox(Behavior):
    """The identity can't change or simulate anything in IAM, and can pass LabRole only.

    Attributes:
        trusted: The services that LabRole trusts.
    """

    name = "sandbox"
    rule = (
        "An identity without permissions for IAM is answered AccessDenied; EC2 refuses what needs iam:PassRole with "
        "UnauthorizedOperation."
    )
    source = "https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_access-denied.html"
    trusted: ClassVar[tuple[str, ...]] = (EC2_SERVICE, "ssm.amazonaws.com", FLOW_LOGS_SERVICE)

    def begin(self) -> None:
        """Make LabRole, which may write logs and register with Systems Manager, and LabInstanceProfile with it."""
        iam = self.account.client("iam")
        trust = policy_document(Principal={"Service": list(self.trusted)}, Action="sts:AssumeRole")
        iam.create_role(RoleName="LabRole", AssumeRolePolicyDocument=trust)
        logs = policy_document(Action=list(LOG_ACTIONS), Resource="*")
        iam.put_role_policy(RoleName="LabRole", PolicyName="WriteLogs", PolicyDocument=logs)
        managed = "arn:aws:iam::aws:policy/AmazonSSMManagedInstanceCore"
        iam.attach_role_policy(RoleName="LabRole", PolicyArn=managed)
        iam.create_instance_profile(InstanceProfileName="LabInstanceProfile")
        iam.add_role_to_instance_profile(InstanceProfileName="LabInstanceProfile", RoleName="LabRole")

    def around(self, call: Call, carry_out: CarryOut) -> HttpResponse:
        """Refuse what the identity may not do."""
        if call.service == "iam" and not call.action.startswith(("Get", "List")):
            raise AwsError("AccessDenied", self._refusal(f"iam:{call.action}", _subject(call)), status=403)
        for role in self._passed(call) if call.service == "ec2" else ():
            if role != _ROLE:
                message = f"You are not authorized to perform this operation. {self._refusal('iam:PassRole', role)}"
                raise AwsError("UnauthorizedOperation", message, status=403)
        return carry_out()

    def _refusal(self, action: str, subject: str) -> str:
        who = self.account.client("sts").get_caller_identity()["Arn"]
        return (
            f"User: {who} is not authorized to perform: {action} on resource: {subject} because no identity-based "
            f"policy allows the {action} action"
        )

    def _passed(self, call: Call) -> list[str]:
        """Return the ARNs of the roles that a request to EC2 passes to a service.

        https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_use_passrole.html
        """
        given = call.parameters
        if call.action == "CreateFlowLogs":
            return [given["DeliverLogsPermissionArn"]] if given.get("DeliverLogsPermissionArn") else []
        name = given.get("IamInstanceProfile.Name") or given.get("IamInstanceProfile.Arn", "").rpartition("/")[2]
        return _roles_in(self.account, name) if name else []


def _roles_in(account: Account, profile: str) -> list[str]:
    iam = account.client("iam")
    try:
        found = iam.get_instance_profile(InstanceProfileName=profile)["InstanceProfile"]
    except iam.exceptions.NoSuchEntityException:  # EC2 refuses it
        return []
    return [role["Arn"] for role in found["Roles"]]


def _subject(call: Call) -> str:
    """Return the ARN of what a request to IAM is about."""
    for parameter, prefix in _SUBJECTS.items():
        if parameter in call.parameters:
            return f"{prefix}{call.parameters[parameter]}"
    return "*"
