"""Lines about roles and policies: what `labkit.iam` decides, told to a student with the call that fixes it."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator

from labkit.iam import Decision, Outcome
from labkit.learn.result import Line


def trust_line(role: str, decision: Decision, account: str, document: str, asked: Collection[str] = ()) -> Line:
    """Tell whether a service may assume a role and, if not, what in the trust policy prevents it.

    Args:
        role: The role's name.
        decision: What IAM decides about `sts:AssumeRole` by the service.
        account: The lab's account number.
        document: The variable in which the notebook keeps the trust policy.
        asked: The keys of the conditions that the notebook asks for.

    Returns:
        The line.
    """
    service = decision.request.subject.partition(":")[2]
    next = (
        f"correct {document}, then iam.update_assume_role_policy(RoleName='{role}', "
        f"PolicyDocument=json.dumps({document}))."
    )
    if decision:
        has = {each.key.lower() for each in decision.statement.conditions} if decision.statement else set()
        missing = [key for key in asked if key.lower() not in has]
        if not missing:
            return Line(True, f"{role} trusts {service}")
        found = f"no condition for {' and '.join(missing)}: others could have the service use this role"
        return Line(False, f"{role}, trust policy", found, f"conditions for {' and '.join(asked)}", next)
    wanted = f"the service {service}, the action sts:AssumeRole"
    if _names_account(decision):
        wanted = f"aws:SourceAccount {account}, which is lab.account"
    elif decision.condition is not None:
        wanted = f"no condition, or one that holds: {decision.condition.key} is {decision.value or 'not given'}"
    return Line(False, f"{role}, trust policy", _trust_found(decision), wanted, next)


def _trust_found(decision: Decision) -> str:
    statement = decision.statement
    if decision.outcome in (Outcome.MALFORMED, Outcome.NOT_EVALUATED):
        return decision.reason
    if statement is None:
        return "the principal nobody"
    if decision.outcome is Outcome.EXPLICIT_DENY:
        return f"the principal nobody: {statement.label} denies it"
    if decision.outcome is Outcome.ACTION:
        return f"the action {statement.actions}"
    if decision.outcome is Outcome.SUBJECT:
        return f"the principal {'other than ' * statement.subject.but}{', '.join(statement.principals)}"
    if _names_account(decision) and decision.condition is not None:
        return f"a condition for the account {' or '.join(decision.condition.values)}"
    return f"a condition that does not hold: it {decision.miss}"


def _names_account(decision: Decision) -> bool:
    return decision.condition is not None and decision.condition.key.lower() == "aws:sourceaccount"


def refused_actions(decisions: Iterable[Decision]) -> str:
    """Name the actions that IAM refuses, together those with the same reason, each time with the reason.

    Args:
        decisions: Decisions about permissions; those that allow are left out.

    Returns:
        The text, such as `logs:PutLogEvents: statement 1 of my-policy denies it`; empty where nothing is refused.
    """
    reasons: dict[str, list[str]] = {}
    for decision in decisions:
        if not decision:
            reasons.setdefault(_permission_found(decision), []).append(decision.request.action)
    return "; ".join(f"{', '.join(actions)}{why}" for why, actions in reasons.items())


def _permission_found(decision: Decision) -> str:
    statement = decision.statement
    if decision.outcome in (Outcome.MALFORMED, Outcome.NOT_EVALUATED):
        return f": {decision.detail.rstrip('.')}"
    if statement is None or decision.outcome is Outcome.ACTION:
        return ""
    if decision.outcome is Outcome.EXPLICIT_DENY:
        return f": {statement.label} denies it"
    if decision.outcome is Outcome.SUBJECT:
        return f": {statement.label} is for the Resource {statement.subject}"
    return f": {statement.label} {decision.miss}"


def policies_at_fault(decisions: Iterable[Decision]) -> Iterator[str]:
    """Yield the names of the policies whose statements refuse, or come nearest to allowing, each once.

    Args:
        decisions: Decisions about permissions; those that allow are left out.
    """
    named = (each.statement.policy for each in decisions if not each and each.statement is not None)
    yield from dict.fromkeys(named)
