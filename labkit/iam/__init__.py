"""IAM policies as data: documents, trust, evaluation with conditions and Deny, and why a request is refused.

The embedded AWS decides by it whether flow logs are delivered and commands run; the course's checks explain it; an
engineer can ask it about the roles of any account. It makes no AWS call but those of `read_role` and `read_policy`.

>>> trust = {"Statement": {
...     "Effect": "Allow", "Principal": {"Service": "vpc-flow-logs.amazonaws.com"}, "Action": "sts:AssumeRole"}}
>>> other = {"Statement": {"Effect": "Allow", "Action": "logs:*", "Resource": "arn:aws:logs:*:*:log-group:other:*"}}
>>> decision = flow_log_delivery(
...     Role("my-role", trust, {"my-policy": other}),
...     account="123456789012", region="us-east-1", flow_log_id="fl-1", log_group="my-group")
>>> decision.allowed, decision.refused[0].outcome, decision.refused[0].statement.subject.names
(False, <Outcome.SUBJECT: 4>, ('arn:aws:logs:*:*:log-group:other:*',))
"""

from labkit.errors import PolicyError
from labkit.iam.documents import Condition, Document, Names, PolicyKind, Statement, statements
from labkit.iam.evaluation import Decision, Outcome, Request, allows, evaluate, trusts
from labkit.iam.roles import Role, read_policy, read_role
from labkit.iam.services import RoleDecision, flow_log_delivery, log_permissions, managed_instance

__all__ = [
    "Condition",
    "Decision",
    "Document",
    "Names",
    "Outcome",
    "PolicyError",
    "PolicyKind",
    "Request",
    "Role",
    "RoleDecision",
    "Statement",
    "allows",
    "evaluate",
    "flow_log_delivery",
    "log_permissions",
    "managed_instance",
    "read_policy",
    "read_role",
    "statements",
    "trusts",
]
