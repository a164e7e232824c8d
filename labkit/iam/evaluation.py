"""What IAM decides about a request, and why: policy evaluation as pure functions over policy documents.

Delivery of flow logs, Run Command and the course's checks ask it through `labkit.iam.services`. The rules:
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html

Not evaluated: permissions boundaries, policies of the organization and of resources. Policy variables such as
`${aws:username}`, and condition operators other than those for strings, ARNs and booleans, are not resolved: a decision
that rests on one is `NOT_EVALUATED` and counts as refused. Simplified: a `*` in a Resource crosses colons anywhere, not
only at the end of a part of the ARN.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from enum import Enum, auto
from fnmatch import fnmatchcase

from labkit.errors import PolicyError
from labkit.iam.documents import Condition, Document, Names, PolicyKind, Statement, capitalized, statements


class Outcome(Enum):
    """What decided a request, or what is missing so that nothing allows it.

    From ACTION to CONDITION no statement allows the request, and the one that comes nearest fails at this element.
    """

    ALLOWED = auto()
    EXPLICIT_DENY = auto()
    ACTION = auto()
    SUBJECT = auto()
    CONDITION = auto()
    NO_POLICY = auto()
    MALFORMED = auto()
    NOT_EVALUATED = auto()


@dataclass(frozen=True, slots=True)
class Request:
    """What is asked of IAM.

    Attributes:
        action: The action, such as `logs:PutLogEvents`.
        subject: The ARN of the resource or, for `sts:AssumeRole`, who asks: `Service:vpc-flow-logs.amazonaws.com`.
        kind: Which kind of policy decides.
        context: The values of the request's condition keys.
    """

    action: str
    subject: str
    kind: PolicyKind
    context: Mapping[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        if self.kind is PolicyKind.TRUST:
            return f"{self.action} by {self.subject.partition(':')[2]}"
        return f"{self.action} on {self.subject}"


@dataclass(frozen=True, slots=True)
class Decision:
    """What IAM decides about one request; true if it allows it.

    Attributes:
        request: What was asked.
        outcome: What decided.
        statement: The statement that decided or, where none did, the one that came nearest; None without one.
        condition: The condition that the nearest statement fails at, where the outcome is CONDITION.
        value: The request's value for that condition's key; None if the request lacks the key.
        detail: In words, what is wrong with a malformed document, or what labkit does not evaluate.
    """

    request: Request
    outcome: Outcome
    statement: Statement | None = None
    condition: Condition | None = None
    value: str | None = None
    detail: str = ""

    @property
    def allowed(self) -> bool:
        """Whether the request is allowed."""
        return self.outcome is Outcome.ALLOWED

    def __bool__(self) -> bool:
        return self.allowed

    @property
    def miss(self) -> str:
        """Why the nearest statement does not allow the request, after its label: `is for …` or `asks for …`."""
        if self.statement is None:
            return ""
        if self.outcome is Outcome.CONDITION and self.condition is not None:
            if self.value is None:
                return f"asks for {self.condition.key}, which the request doesn't have"
            values = " or ".join(self.condition.values)
            return f"asks for {self.condition.operator} {self.condition.key} {values}, and it is {self.value}"
        return f"is for {self.statement.actions if self.outcome is Outcome.ACTION else self.statement.subject}"

    @property
    def reason(self) -> str:
        """The decision in a sentence, with the statement that it rests on."""
        if self.outcome is Outcome.NO_POLICY:
            return f"The role has no permissions policy, so nothing allows {self.request.action}."
        if self.outcome is Outcome.MALFORMED:
            return f"{self.detail} IAM refuses such a policy."
        if self.statement is None:
            return f"Nothing allows {self.request}."
        label = self.statement.label
        if self.outcome is Outcome.NOT_EVALUATED:
            denies = "" if self.statement.allow else " It is a Deny, so the request counts as denied."
            return f"Whether {label} applies to {self.request} is unknown: {self.detail}.{denies}"
        if self.outcome is Outcome.EXPLICIT_DENY:
            return f"{capitalized(label)} denies {self.request}, and an explicit Deny overrides every Allow."
        if self.outcome is Outcome.ALLOWED:
            return f"{capitalized(label)} allows {self.request}."
        return f"Nothing allows {self.request}: {label} {self.miss}."


class _UnknownError(Exception):
    """A policy uses something that labkit does not evaluate."""


def evaluate(policies: Mapping[str, Document], request: Request) -> Decision:
    """Decide a request: denied by default, an Allow allows, an explicit Deny overrides every Allow.

    Args:
        policies: All policies that have a say, each by its name for messages.
        request: What is asked; its `kind` says how the documents are read.

    Returns:
        The decision. A malformed document gives a decision too; nothing is raised.

    >>> policy = {"Statement": {"Effect": "Allow", "Action": "logs:*", "Resource": "arn:aws:logs:*:*:log-group:a:*"}}
    >>> group = "arn:aws:logs:us-east-1:123456789012:log-group:b:log-stream:"
    >>> decision = evaluate({"my policy": policy}, Request("logs:PutLogEvents", group, PolicyKind.PERMISSIONS))
    >>> decision.outcome.name, decision.statement.label, str(decision.statement.subject)
    ('SUBJECT', 'statement 1 of my policy', 'arn:aws:logs:*:*:log-group:a:*')
    """
    try:
        candidates = [one for name, document in policies.items() for one in statements(document, request.kind, name)]
    except PolicyError as error:
        return Decision(request, Outcome.MALFORMED, detail=str(error))
    allowed: Decision | None = None
    unknown: Decision | None = None
    nearest = Decision(request, Outcome.ACTION if candidates else Outcome.NO_POLICY)
    for statement in candidates:
        try:
            miss = _miss(statement, request)
        except _UnknownError as error:
            undecided = Decision(request, Outcome.NOT_EVALUATED, statement, detail=str(error))
            if not statement.allow:
                return undecided
            unknown = undecided
            continue
        if miss is None and not statement.allow:
            return Decision(request, Outcome.EXPLICIT_DENY, statement)
        if miss is None:
            allowed = allowed or Decision(request, Outcome.ALLOWED, statement)
        elif statement.allow and (nearest.statement is None or miss.outcome.value > nearest.outcome.value):
            nearest = miss
    return next(each for each in (allowed, unknown, nearest) if each is not None)


def trusts(trust_policy: Document, service: str, context: Mapping[str, str] | None = None) -> Decision:
    """Decide whether a role's trust policy lets a service assume the role.

    Args:
        trust_policy: The role's trust policy.
        service: The service's principal, such as `vpc-flow-logs.amazonaws.com`.
        context: What the service gives as `aws:SourceAccount`, `aws:SourceArn` and so on.

    Returns:
        The decision.

    >>> policy = {"Version": "2012-10-17", "Statement": {
    ...     "Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}}
    >>> decision = trusts(policy, "vpc-flow-logs.amazonaws.com")
    >>> decision.allowed, decision.outcome.name, decision.statement.principals
    (False, 'SUBJECT', ('ec2.amazonaws.com',))

    Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_principal.html
    """
    request = Request("sts:AssumeRole", f"Service:{service}", PolicyKind.TRUST, context or {})
    return evaluate({"the trust policy": trust_policy}, request)


def allows(
    policies: Mapping[str, Document], action: str, resource: str, context: Mapping[str, str] | None = None
) -> Decision:
    """Decide whether a role's permissions policies allow an action on a resource.

    Args:
        policies: All of the role's, inline and attached, each by its name for messages.
        action: The action, such as `logs:PutLogEvents`.
        resource: The resource's ARN.
        context: The values of the request's condition keys.

    Returns:
        The decision.

    >>> allows({}, "logs:PutLogEvents", "arn:aws:logs:us-east-1:123456789012:log-group:g:log-stream:s").reason
    'The role has no permissions policy, so nothing allows logs:PutLogEvents.'
    """
    return evaluate(policies, Request(action, resource, PolicyKind.PERMISSIONS, context or {}))


def _miss(statement: Statement, request: Request) -> Decision | None:
    """Why a statement does not apply to a request: None if it does."""
    if not _covers(statement.actions, lambda name: _like(name.lower(), request.action.lower())):
        return Decision(request, Outcome.ACTION, statement)
    # As a principal "*" is everyone, but {"AWS": "*"} only the users, sessions and roots of accounts: no service.
    is_trust = request.kind is PolicyKind.TRUST
    fits = (lambda name, wanted: name in ("*", wanted)) if is_trust else _like
    if not _covers(statement.subject, lambda name: fits(name, request.subject)):
        return Decision(request, Outcome.SUBJECT, statement)
    context = {key.lower(): value for key, value in request.context.items()}
    unknown: _UnknownError | None = None
    for condition in statement.conditions:
        value = context.get(condition.key.lower())
        try:
            if not _holds(condition, value):
                return Decision(request, Outcome.CONDITION, statement, condition, value)
        except _UnknownError as error:
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
        raise _UnknownError(f"labkit doesn't resolve policy variables, as in {variable}")
    return False


def _holds(condition: Condition, value: str | None) -> bool:
    """Whether a condition holds: one of its values is enough; of a negated operator's, none may match.

    Where the request lacks the key, an operator that asks for a match fails; negated and …IfExists operators hold.
    https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html
    """
    operator = condition.operator.removesuffix("IfExists")
    matches = _OPERATORS.get(operator) or _NEGATED.get(operator)
    if matches is None:
        raise _UnknownError(f"labkit doesn't know the condition operator {condition.operator}")
    if value is None:
        return operator in _NEGATED or operator != condition.operator
    return _any(condition.values, lambda pattern: matches(pattern, value)) == (operator in _OPERATORS)


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
