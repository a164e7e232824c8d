"""May this role deliver flow logs? IAM's evaluation of policies, as pure functions.

The rules are those of AWS's pages on policy evaluation, and on the role that a flow log needs:
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html and
https://docs.aws.amazon.com/vpc/latest/userguide/flow-logs-iam-role.html

Not evaluated, and said so in the verdict wherever it matters: policy variables such as `${aws:username}`, and the
condition operators other than those for strings, ARNs and booleans. Simplified: a `*` in a Resource crosses colons
anywhere, not only at the end of a part of the ARN.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase

from labkit.errors import PolicyError
from labkit.iam.documents import Condition, Document, Kind, Names, Statement, sentence, statements

FLOW_LOGS_SERVICE = "vpc-flow-logs.amazonaws.com"

#: What AWS's page asks of the role, for a log group that exists.
LOG_ACTIONS = ("logs:CreateLogStream", "logs:PutLogEvents", "logs:DescribeLogGroups", "logs:DescribeLogStreams")

# Streams bear the names of interfaces; this one stands for all of them.
_STREAM = "eni-0123456789abcdef0-all"


@dataclass(frozen=True, slots=True)
class Verdict:
    """What IAM says of a request, with the statement that decided it, or that none does; true if allowed."""

    allowed: bool
    reason: str

    def __bool__(self) -> bool:
        return self.allowed


class _Unknown(Exception):
    """A policy uses something that labkit doesn't evaluate."""


@dataclass(frozen=True, slots=True)
class _Request:
    action: str
    subject: str  # the resource, or in a trust policy the principal as `Service:name`
    context: Mapping[str, str]
    text: str


@dataclass(frozen=True, slots=True)
class _Miss:
    """Why a statement doesn't apply to a request; the later the stage, the nearer it came."""

    stage: int
    why: str


def trusts(trust_policy: Document, *, account: str, source_arn: str, service: str = FLOW_LOGS_SERVICE) -> Verdict:
    """Whether a role's trust policy lets a service assume the role.

    Parameters: `account` and `source_arn` are what the service gives as aws:SourceAccount and aws:SourceArn.
    A malformed document gives a verdict with the reason; nothing is raised.

    >>> policy = {"Version": "2012-10-17", "Statement": {
    ...     "Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}}
    >>> flow_log = "arn:aws:ec2:us-east-1:123456789012:vpc-flow-log/fl-1"
    >>> verdict = trusts(policy, account="123456789012", source_arn=flow_log)
    >>> verdict.allowed
    False
    >>> verdict.reason.partition(": ")[2]
    'statement 1 of the trust policy is for Service:ec2.amazonaws.com.'

    Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_principal.html
    """
    context = {"aws:SourceAccount": account, "aws:SourceArn": source_arn}
    request = _Request("sts:AssumeRole", f"Service:{service}", context, f"sts:AssumeRole by {service}")
    return _verdict([("the trust policy", trust_policy)], "Principal", request)


def allows(
    policies: Iterable[Document] | Document, action: str, resource: str, context: Mapping[str, str] | None = None
) -> Verdict:
    """Whether a role's permissions policies allow an action on a resource.

    Parameters: `policies`, all of the role's, inline and attached; `resource`, an ARN; `context`, the values of
    the request's condition keys. A malformed document gives a verdict with the reason; nothing is raised.

    >>> allows([], "logs:PutLogEvents", "arn:aws:logs:us-east-1:123456789012:log-group:g:log-stream:s").reason
    'The role has no permissions policy, so nothing allows logs:PutLogEvents.'

    Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html
    """
    documents = _documents(policies)
    if not documents:
        return Verdict(False, f"The role has no permissions policy, so nothing allows {action}.")
    many = len(documents) > 1
    named = [(f"permissions policy {n}" if many else "the permissions policy", each) for n, each in documents]
    return _verdict(named, "Resource", _Request(action, resource, context or {}, f"{action} on {resource}"))


def delivery_verdict(
    trust_policy: Document,
    policies: Iterable[Document] | Document,
    *,
    account: str,
    region: str,
    flow_log_id: str,
    log_group_name: str,
    log_group_exists: bool = True,
) -> Verdict:
    """Whether the flow logs service can write to a log group with this role; if not, AWS reports "Access error".

    Parameters: as for `trusts` and `allows`; where the group doesn't exist, the service has to create it.

    Two things are modelled. AWS's page has logs:CreateLogGroup among the role's permissions; labkit asks for it only
    where the group doesn't exist, since public modules that leave it out deliver. And IAM checks
    logs:DescribeLogGroups on an empty group name, which a policy for one group can't match; labkit accepts it for
    the group too, since public modules write their policies so.

    Source: https://docs.aws.amazon.com/vpc/latest/userguide/flow-logs-iam-role.html
    """
    source_arn = f"arn:aws:ec2:{region}:{account}:vpc-flow-log/{flow_log_id}"
    trust = trusts(trust_policy, account=account, source_arn=source_arn)
    if not trust:
        return trust
    documents = [document for _, document in _documents(policies)]
    context = {"aws:PrincipalAccount": account, "aws:ResourceAccount": account, "aws:RequestedRegion": region}
    actions = LOG_ACTIONS if log_group_exists else ("logs:CreateLogGroup", *LOG_ACTIONS)
    refused: dict[str, str] = {}
    for action in actions:
        arns = _log_arns(action, f"arn:aws:logs:{region}:{account}:log-group:", log_group_name)
        verdicts = [allows(documents, action, arn, context) for arn in arns]
        if not any(verdicts):
            refused[action] = verdicts[0].reason
    if not refused:
        return Verdict(True, f"{trust.reason} The role's permissions policies allow {', '.join(actions)}.")
    first, *others = refused
    also = f" Not allowed either: {', '.join(others)}." if others else ""
    return Verdict(False, refused[first] + also)


def _documents(policies: Iterable[Document] | Document) -> list[tuple[int, Document]]:
    return list(enumerate([policies] if isinstance(policies, (str, Mapping)) else policies, 1))


def _log_arns(action: str, groups: str, group: str) -> tuple[str, ...]:
    """The ARNs on which an action may be allowed; a group's ends in `:log-stream:`, so that policies need the `:*`.

    https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/iam-access-control-overview-cwl.html
    """
    if action == "logs:DescribeLogGroups":
        return f"{groups}{group}:log-stream:", f"{groups}:log-stream:"
    stream = _STREAM if action in ("logs:CreateLogStream", "logs:PutLogEvents") else ""
    return (f"{groups}{group}:log-stream:{stream}",)


def _verdict(documents: Iterable[tuple[str, Document]], kind: Kind, request: _Request) -> Verdict:
    try:
        return _decide([each for name, doc in documents for each in statements(name, doc, kind)], kind, request)
    except PolicyError as error:
        return Verdict(False, f"{error} IAM refuses such a policy.")


def _decide(candidates: Iterable[Statement], kind: Kind, request: _Request) -> Verdict:
    """Denied by default; an Allow allows; an explicit Deny overrides every Allow."""
    allowed: Verdict | None = None
    unknown: Verdict | None = None
    nearest = _Miss(-1, "")
    for statement in candidates:
        try:
            miss = _miss(statement, kind, request)
        except _Unknown as error:
            text = f"Whether {statement.label} applies to {request.text} is unknown: {error}."
            if not statement.allow:
                return Verdict(False, f"{text} It is a Deny, so the request counts as denied.")
            unknown = Verdict(False, text)
            continue
        label = sentence(statement.label)
        if miss is None and not statement.allow:
            return Verdict(False, f"{label} denies {request.text}, and an explicit Deny overrides every Allow.")
        if miss is None:
            allowed = allowed or Verdict(True, f"{label} allows {request.text}.")
        elif statement.allow and miss.stage > nearest.stage:
            nearest = _Miss(miss.stage, f": {statement.label} {miss.why}")
    if allowed is not None:
        return allowed
    if unknown is not None:
        return unknown
    return Verdict(False, f"Nothing allows {request.text}{nearest.why}.")


def _miss(statement: Statement, kind: Kind, request: _Request) -> _Miss | None:
    actions, subject = statement.actions, statement.subject
    if not _covers(actions, lambda name: _like(name.lower(), request.action.lower())):
        return _Miss(0, f"is for {actions}")
    # As a principal "*" is everyone, but {"AWS": "*"} only the users, sessions and roots of accounts: no service.
    fits = _like if kind == "Resource" else (lambda name, wanted: name in ("*", wanted))
    if not _covers(subject, lambda name: fits(name, request.subject)):
        return _Miss(1, f"is for {subject}")
    context = {key.lower(): value for key, value in request.context.items()}
    unknown: _Unknown | None = None
    for condition in statement.conditions:
        try:
            if why := _fails(condition, context.get(condition.key.lower())):
                return _Miss(2, why)
        except _Unknown as error:
            unknown = unknown or error
    if unknown:
        raise unknown
    return None


def _covers(element: Names, matches: Callable[[str], bool]) -> bool:
    return _any(element.names, matches) != element.but


def _any(names: Iterable[str], matches: Callable[[str], bool]) -> bool:
    variable = None
    for name in names:
        if "${" in name:
            variable = name
        elif matches(name):
            return True
    if variable:
        raise _Unknown(f"labkit doesn't resolve policy variables, as in {variable}")
    return False


def _fails(condition: Condition, value: str | None) -> str | None:
    """Why a condition doesn't hold. One of its values is enough; of a negated operator's, none may match.

    Where the request lacks the key, an operator that asks for a match fails; negated and …IfExists operators hold.
    https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html
    """
    operator = condition.operator.removesuffix("IfExists")
    matches = _OPERATORS.get(operator) or _NEGATED.get(operator)
    if matches is None:
        raise _Unknown(f"labkit doesn't know the condition operator {condition.operator}")
    if value is None:
        holds = operator in _NEGATED or operator != condition.operator
        return None if holds else f"asks for {condition.key}, which the request doesn't have"
    if _any(condition.values, lambda pattern: matches(pattern, value)) == (operator in _OPERATORS):
        return None
    return f"asks for {condition.operator} {condition.key} {' or '.join(condition.values)}, and it is {value}"


def _like(pattern: str, value: str) -> bool:
    # IAM knows * and ?, but not the brackets of fnmatch.
    return fnmatchcase(value, pattern.replace("[", "[[]"))


def _arn_like(pattern: str, value: str) -> bool:
    # Each of the six parts of an ARN is matched by itself.
    parts, values = pattern.split(":", 5), value.split(":", 5)
    return pattern == "*" or (len(parts) == len(values) == 6 and all(map(_like, parts, values)))


def _same(pattern: str, value: str) -> bool:
    return pattern == value


def _same_ignoring_case(pattern: str, value: str) -> bool:
    return pattern.lower() == value.lower()


_OPERATORS = {
    "StringEquals": _same,
    "StringEqualsIgnoreCase": _same_ignoring_case,
    "StringLike": _like,
    "ArnEquals": _arn_like,
    "ArnLike": _arn_like,
    "Bool": _same_ignoring_case,
}
_NEGATED = {
    "StringNotEquals": _same,
    "StringNotEqualsIgnoreCase": _same_ignoring_case,
    "StringNotLike": _like,
    "ArnNotEquals": _arn_like,
    "ArnNotLike": _arn_like,
}
