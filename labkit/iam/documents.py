"""IAM policy documents read into statements, and refused where IAM would refuse to store them.

Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_grammar.html
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from labkit.errors import PolicyError

#: A policy document as JSON text, or as the dict that boto3 makes of it.
Document = Mapping[str, Any] | str

#: What tells the two kinds apart: a trust policy says who, a permissions policy says on what.
Kind = Literal["Principal", "Resource"]

_VERSIONS = ("2012-10-17", "2008-10-17")


@dataclass(frozen=True, slots=True)
class Names:
    """The names in an element, or, in its Not… form (`but`), all others."""

    names: tuple[str, ...]
    but: bool

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
    """One statement; `subject` is its Resource, or its Principal as `*`, `Service:name`, `AWS:arn` and so on."""

    label: str
    allow: bool
    actions: Names
    subject: Names
    conditions: tuple[Condition, ...]


def statements(name: str, document: Document, kind: Kind) -> list[Statement]:
    """The statements of a document.

    Parameters: `name` for messages, such as "the trust policy"; `kind`, the element that each statement must have.
    Raises PolicyError.

    >>> text = '{"Statement": {"Effect": "Deny", "Action": "*", "Resource": "*"}}'
    >>> [one] = statements("the policy", text, "Resource")
    >>> one.label, one.allow
    ('statement 1 of the policy', False)
    """
    policy: Any = document
    if isinstance(document, str):
        try:
            policy = json.loads(document)
        except (ValueError, RecursionError) as error:
            raise PolicyError(f"{sentence(name)} isn't JSON: {error}.") from None
    if not isinstance(policy, Mapping) or not policy.get("Statement"):
        raise PolicyError(f"{sentence(name)} has no Statement.")
    if policy.get("Version", _VERSIONS[-1]) not in _VERSIONS:
        raise PolicyError(f"{sentence(name)} has the Version {policy['Version']!r}; write {_VERSIONS[0]!r}.")
    bodies = policy["Statement"] if isinstance(policy["Statement"], list) else [policy["Statement"]]
    return [_statement(f"statement {number}", name, body, kind) for number, body in enumerate(bodies, 1)]


def sentence(text: str) -> str:
    """The text with a capital at its beginning."""
    return text[:1].upper() + text[1:]


def _statement(number: str, name: str, body: Any, kind: Kind) -> Statement:
    label = f"{number} of {name}"
    if not isinstance(body, Mapping):
        raise PolicyError(f"{sentence(label)} isn't an object with an Effect and an Action.")
    if body.get("Sid"):
        label = f"{number} ({body['Sid']}) of {name}"
    known = {"Sid", "Effect", "Action", "NotAction", kind, f"Not{kind}", "Condition"}
    strange = [str(element) for element in body if element not in known]
    if strange:
        raise PolicyError(f"{sentence(label)} has {', '.join(strange)}, which doesn't belong in it.")
    if body.get("Effect") not in ("Allow", "Deny"):
        raise PolicyError(f"{sentence(label)} needs the Effect Allow or Deny.")
    actions = _names(label, body, "Action")
    for action in actions.names:
        if action != "*" and ":" not in action:
            raise PolicyError(f"{sentence(label)} has the Action {action!r}; name its service too: logs:PutLogEvents.")
    subject = _names(label, body, kind)
    for resource in subject.names if kind == "Resource" else ():
        if resource != "*" and not resource.startswith("arn:"):
            raise PolicyError(f'{sentence(label)} has the Resource {resource!r}, which is neither an ARN nor "*".')
    conditions = tuple(_conditions(label, body.get("Condition", {})))
    return Statement(label, body["Effect"] == "Allow", actions, subject, conditions)


def _names(label: str, body: Mapping[str, Any], element: str) -> Names:
    if (element in body) == (f"Not{element}" in body):
        raise PolicyError(f"{sentence(label)} needs either {element} or Not{element}.")
    but = element not in body
    value = body[f"Not{element}" if but else element]
    if element != "Principal":
        return Names(_texts(label, element, value), but)
    if value == "*":
        return Names(("*",), but)
    if not isinstance(value, Mapping):
        raise PolicyError(f'{sentence(label)} needs a Principal like {{"Service": …}}, or "*".')
    return Names(tuple(f"{of}:{one}" for of, names in value.items() for one in _texts(label, element, names)), but)


def _conditions(label: str, block: Any) -> Iterator[Condition]:
    if not isinstance(block, Mapping) or not all(isinstance(keys, Mapping) for keys in block.values()):
        raise PolicyError(f'{sentence(label)} needs a Condition like {{"StringEquals": {{"aws:SourceAccount": …}}}}.')
    for operator, keys in block.items():
        for key, value in keys.items():
            yield Condition(str(operator), str(key), _texts(label, "Condition", value))


def _texts(label: str, element: str, value: Any) -> tuple[str, ...]:
    values = value if isinstance(value, list) else [value]
    if not values or not all(isinstance(each, (str, bool, int)) for each in values):
        raise PolicyError(f"The {element} of {label} is neither a text nor a list of texts.")
    return tuple(str(each).lower() if isinstance(each, bool) else str(each) for each in values)
