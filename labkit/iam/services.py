"""What AWS's services ask of a role: VPC Flow Logs, to deliver records, and Systems Manager, to run commands.

The embedded data plane and Run Command decide by these; the course's checks say from them what is missing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from labkit.iam.documents import Document
from labkit.iam.evaluation import Decision, allows, trusts
from labkit.iam.roles import Role

FLOW_LOGS_SERVICE = "vpc-flow-logs.amazonaws.com"
EC2_SERVICE = "ec2.amazonaws.com"

#: What AWS's page asks of the role's policies.
#: https://docs.aws.amazon.com/vpc/latest/userguide/flow-logs-iam-role.html
LOG_ACTIONS = (
    "logs:CreateLogGroup", "logs:CreateLogStream", "logs:PutLogEvents", "logs:DescribeLogGroups",
    "logs:DescribeLogStreams",
)  # fmt: skip

#: Those of them without which nothing is delivered to a log group that exists, and to one that doesn't. Modeled: AWS
#: doesn't say which it can do without. AWS's CDK makes roles with the first three, and these deliver.
#: https://github.com/aws/aws-cdk/blob/main/packages/aws-cdk-lib/aws-ec2/lib/vpc-flow-logs.ts
WRITE_ACTIONS = ("logs:CreateLogStream", "logs:PutLogEvents", "logs:DescribeLogStreams")
CREATE_AND_WRITE_ACTIONS = ("logs:CreateLogGroup", *WRITE_ACTIONS)

# Streams have the names of interfaces; this one stands for all of them.
_STREAM = "eni-0123456789abcdef0-all"


@dataclass(frozen=True, slots=True)
class RoleDecision:
    """What IAM decides about all that a service asks of a role; true if it allows everything.

    Attributes:
        trust: Whether the service may assume the role.
        permissions: Whether the role may do each action that the service then takes, in order.
    """

    trust: Decision
    permissions: tuple[Decision, ...]

    @property
    def refused(self) -> tuple[Decision, ...]:
        """The decisions that refuse, the trust first."""
        return tuple(each for each in (self.trust, *self.permissions) if not each)

    @property
    def allowed(self) -> bool:
        """Whether the service may do everything."""
        return not self.refused

    def __bool__(self) -> bool:
        return self.allowed

    @property
    def reason(self) -> str:
        """The decision in one or two sentences."""
        if self.allowed:
            actions = ", ".join(each.request.action for each in self.permissions)
            return f"{self.trust.reason} The role's permissions policies allow {actions}."
        first, *others = self.refused
        if not self.trust or not others:
            return first.reason
        return f"{first.reason} Not allowed either: {', '.join(each.request.action for each in others)}."


def flow_log_delivery(
    role: Role, *, account: str, region: str, flow_log_id: str, log_group: str, log_group_exists: bool = True
) -> RoleDecision:
    """Decide whether VPC Flow Logs can write to a log group with a role; if not, AWS reports "Access error".

    Args:
        role: The role that the flow log names.
        account: The account's 12-digit number.
        region: The flow log's region.
        flow_log_id: The flow log's id, which the service gives in `aws:SourceArn`.
        log_group: The name of the log group.
        log_group_exists: Whether the group exists; if not, the service has to make it.

    Returns:
        The decision about the trust and about each action.

    Source: https://docs.aws.amazon.com/vpc/latest/userguide/flow-logs-iam-role.html
    """
    source = {
        "aws:SourceAccount": account,
        "aws:SourceArn": f"arn:aws:ec2:{region}:{account}:vpc-flow-log/{flow_log_id}",
    }
    actions = WRITE_ACTIONS if log_group_exists else CREATE_AND_WRITE_ACTIONS
    permissions = log_permissions(role.policies, actions, account=account, region=region, log_group=log_group)
    return RoleDecision(trusts(role.trust, FLOW_LOGS_SERVICE, source), permissions)


def log_permissions(
    policies: Mapping[str, Document],
    actions: Iterable[str],
    *,
    account: str,
    region: str,
    log_group: str,
) -> tuple[Decision, ...]:
    """Decide which actions policies allow on a log group and its streams.

    Modeled: IAM checks logs:DescribeLogGroups on an empty group name, which a policy for one group can't match; labkit
    accepts it for the group too, since public modules write their policies so.

    Args:
        policies: The permissions policies by name.
        actions: The actions, such as LOG_ACTIONS.
        account: The account's 12-digit number.
        region: The log group's region.
        log_group: The name of the log group.

    Returns:
        One decision for each action.
    """
    context = {"aws:PrincipalAccount": account, "aws:ResourceAccount": account, "aws:RequestedRegion": region}
    found = []
    for action in actions:
        arns = _log_arns(action, f"arn:aws:logs:{region}:{account}:log-group:", log_group)
        decisions = [allows(policies, action, arn, context) for arn in arns]
        found.append(next((each for each in decisions if each), decisions[0]))
    return tuple(found)


def _log_arns(action: str, groups: str, group: str) -> tuple[str, ...]:
    """Return the ARNs on which an action may be allowed.

    A group's ends in `:log-stream:`, so that policies need the `:*`.
    https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/iam-access-control-overview-cwl.html
    """
    if action == "logs:DescribeLogGroups":
        return f"{groups}{group}:log-stream:", f"{groups}:log-stream:"
    stream = _STREAM if action in ("logs:CreateLogStream", "logs:PutLogEvents") else ""
    return (f"{groups}{group}:log-stream:{stream}",)


def managed_instance(role: Role) -> RoleDecision:
    """Decide whether Systems Manager can manage an instance that has this role.

    Args:
        role: The role in the instance's profile.

    Returns:
        The decision about the trust and the action by which the agent registers.

    Source: https://docs.aws.amazon.com/systems-manager/latest/userguide/setup-instance-permissions.html
    """
    return RoleDecision(trusts(role.trust, EC2_SERVICE), (allows(role.policies, "ssm:UpdateInstanceInformation", "*"),))
