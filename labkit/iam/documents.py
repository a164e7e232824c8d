"""IAM policy documents as statements, refused where IAM would refuse to store them; the evaluation reads them.

Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_grammar.html
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any

from labkit.errors import PolicyError

#: A policy document as JSON text, or as the dict that boto3 makes of it.
Document = Mapping[str, Any] | str

_VERSIONS = ("2012-10-17", "2008-10-17")


class PolicyKind(Enum):
    """The two kinds of policy that a role has, each with the element that only it has."""

    TRUST = "Principal"
    PERMISSIONS = "Resource"


@dataclass(frozen=True, slots=True)
class Names:
    """The names in an element of a statement.

    Attributes:
        names: Actions, resources, or principals such as `Service:ec2.amazonaws.com`; wildcards stay as they are.
        but: Whether the element is in its Not… form and so covers everything but these names.
    """

    names: tuple[str, ...]
    but: bool = False

    def __str__(self) -> str:
        return ("everything but " if self.but else "") + ", ".join(self.names)


@dataclass(frozen=True, slots=True)
class Condition:
    """One key under one condition operator, with the values to compare it to."""

    operator: str
    key: str
    values: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Statement:
    """One statement of a policy.

    Attributes:
        policy: The name of the policy that the statement is in, as messages give it.
        number: Its place in the policy, from 1.
        sid: Its Sid, or an empty text.
        allow: Whether its Effect is Allow; otherwise it is Deny.
        actions: What its Action or NotAction covers.
        subject: What its Resource or, in a trust policy, its Principal covers; principals as `Service:name`, `AWS:arn`
            and so on.
        conditions: All of them must hold.
    """

    policy: str
    number: int
    sid: str
    allow: bool
    actions: Names
    subject: Names
    conditions: tuple[Condition, ...]

    @property
    def label(self) -> str:
        """The statement in words, such as `statement 2 (Write) of the permissions policy`."""
        return f"statement {self.number}{f' ({self.sid})' if self.sid else ''} of {self.policy}"

    @property
    def principals(self) -> tuple[str, ...]:
        """The principals of a trust policy's statement without their types, such as `ec2.amazonaws.com`."""
        return tuple(name.partition(":")[2] or name for name in self.subject.names)


def statements(document: Document, kind: PolicyKind, name: str) -> list[Statement]:
    """Read the statements of a policy document.

    Args:
        document: The document, as JSON text or as a dict.
        kind: What the policy is, which says whether a statement has a Principal or a Resource.
        name: The policy's name for messages, such as "the trust policy".

    Returns:
        The statements in order.

    Raises:
        PolicyError: If IAM would refuse the document.

    >>> text = '{"Statement": {"Effect": "Deny", "Action": "*", "Resource": "*"}}'
    >>> [one] = statements(text, PolicyKind.PERMISSIONS, "the policy")
    >>> one.label, one.allow
    ('statement 1 of the policy', False)
    """
    policy: Any = document
    if isinstance(document, str):
        try:
            policy = json.loads(document)
        except (ValueError, RecursionError) as error:
            raise PolicyError(f"{capitalized(name)} isn't JSON: {error}.") from None
    if not isinstance(policy, Mapping) or not policy.get("Statement"):
        raise PolicyError(f"{capitalized(name)} has no Statement.")
    if policy.get("Version", _VERSIONS[-1]) not in _VERSIONS:
        raise PolicyError(f"{capitalized(name)} has the Version {policy['Version']!r}; write {_VERSIONS[0]!r}.")
    bodies = policy["Statement"] if isinstance(policy["Statement"], list) else [policy["Statement"]]
    return [_statement(number, name, body, kind) for number, body in enumerate(bodies, 1)]


def capitalized(text: str) -> str:
    """Return the text with a capital at its beginning, the rest as it is."""
    return text[:1].upper() + text[1:]


def _statement(number: int, name: str, body: Any, kind: PolicyKind) -> Statement:
    label = f"statement {number} of {name}"
    if not isinstance(body, Mapping):
        raise PolicyError(f"{capitalized(label)} isn't an object with an Effect and an Action.")
    if body.get("Sid"):
        label = f"statement {number} ({body['Sid']}) of {name}"
    known = {"Sid", "Effect", "Action", "NotAction", kind.value, f"Not{kind.value}", "Condition"}
    strange = [str(element) for element in body if element not in known]
    if strange:
        raise PolicyError(f"{capitalized(label)} has {', '.join(strange)}, which doesn't belong in it.")
    if body.get("Effect") not in ("Allow", "Deny"):
        raise PolicyError(f"{capitalized(label)} needs the Effect Allow or Deny.")
    actions = _names(label, body, "Action")
    for action in actions.names:
        if action != "*" and ":" not in action:
            message = f"has the Action {action!r}; name its service too: logs:PutLogEvents."
            raise PolicyError(f"{capitalized(label)} {message}")
    subject = _names(label, body, kind.value)
    for resource in subject.names if kind is PolicyKind.PERMISSIONS else ():
        if resource != "*" and not resource.startswith("arn:"):
            raise PolicyError(f'{capitalized(label)} has the Resource {resource!r}, which is neither an ARN nor "*".')
    conditions = tuple(_conditions(label, body.get("Condition", {})))
    return Statement(name, number, str(body.get("Sid") or ""), body["Effect"] == "Allow", actions, subject, conditions)


def _names(label: str, body: Mapping[str, Any], element: str) -> Names:
    if (element in body) == (f"Not{element}" in body):
        raise PolicyError(f"{capitalized(label)} needs either {element} or Not{element}.")
    but = element not in body
    value = body[f"Not{element}" if but else element]
    if element != PolicyKind.TRUST.value:
        return Names(_texts(label, element, value), but)
    if value == "*":
        return Names(("*",), but)
    if not isinstance(value, Mapping):
        raise PolicyError(f'{capitalized(label)} needs a Principal like {{"Service": …}}, or "*".')
    return Names(tuple(f"{of}:{one}" for of, names in value.items() for one in _texts(label, element, names)), but)


def _conditions(label: str, block: Any) -> Iterator[Condition]:
    if not isinstance(block, Mapping) or not all(isinstance(keys, Mapping) for keys in block.values()):
        example = '{"StringEquals": {"aws:SourceAccount": …}}'
        raise PolicyError(f"{capitalized(label)} needs a Condition like {example}.")
    for operator, keys in block.items():
        for key, value in keys.items():
            yield Condition(str(operator), str(key), _texts(label, "Condition", value))


def _texts(label: str, element: str, value: Any) -> tuple[str, ...]:
    values = value if isinstance(value, list) else [value]
    if not values or not all(isinstance(each, (str, bool, int)) for each in values):
        raise PolicyError(f"The {element} of {label} is neither a text nor a list of texts.")
    return tuple(str(each).lower() if isinstance(each, bool) else str(each) for each in values)
