"""Checks that several patches share: CIDR blocks, ids that must exist, and resources that are still needed."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Iterable
from typing import Any

from labkit.embedded.api.patches import EC2_API, check
from labkit.embedded.api.refusals import AwsError


def not_found(what: str, id: str) -> AwsError:
    """Return EC2's refusal of an id that doesn't exist.

    Args:
        what: The kind of resource as the parameters of EC2 spell it, such as `routeTable`.
        id: The id.

    >>> not_found("vpc", "vpc-0").code
    'InvalidVpcID.NotFound'
    """
    if what == "securityGroup":
        return AwsError("InvalidGroup.NotFound", f"The security group '{id}' does not exist")
    return AwsError(f"Invalid{what[0].upper()}{what[1:]}ID.NotFound", f"The {what} ID '{id}' does not exist")


def still_needed(what: str, id: str) -> AwsError:
    """Return EC2's refusal to delete a resource that another one needs; `what` is as in `not_found`."""
    return AwsError("DependencyViolation", f"The {what} '{id}' has dependencies and cannot be deleted.")


def check_ids(what: str, hook: str, known: Callable[[Any], Iterable[str]], *, name: str = "") -> None:
    """Patch an action so that it refuses the first id of its first parameter that doesn't exist.

    Args:
        what: The kind of resource, as `not_found` takes it.
        hook: What is replaced, as `module:qualname`.
        known: Takes moto's backend and returns the ids that exist.
        name: The words of the patch's name for the kind of resource, where they are not those of `what`.
    """
    words = name or re.sub(r"[A-Z]", lambda capital: "-" + capital[0].lower(), what)

    @check(
        f"unknown-{words}-is-named",
        rule=f"A request with the id of a {what} that doesn't exist is refused with {not_found(what, '').code}; of "
        "several such ids, the message names the first.",
        source=f"{EC2_API}errors-overview.html",
        hook=hook,
    )
    def look(self: Any, given: dict[str, Any]) -> None:
        _, wanted, *_ = given.values()
        there = set(known(self)) if wanted else set()
        for id in [wanted] if isinstance(wanted, str) else wanted or []:
            if id not in there:
                raise not_found(what, id)


def canonical(cidr: str, parameter: str, *, ipv6: bool = False) -> str:
    """Return a CIDR block with its host bits cleared.

    Args:
        cidr: The block, such as 10.8.1.1/16.
        parameter: The parameter of the request that holds it, for the message.
        ipv6: Whether the parameter takes an IPv6 block.

    Raises:
        AwsError: AWS's refusal of text that is not such a block.

    >>> canonical("10.8.1.1/16", "cidrBlock")
    '10.8.0.0/16'
    """
    try:
        if "/" not in cidr:
            raise ValueError
        return str((ipaddress.IPv6Network if ipv6 else ipaddress.IPv4Network)(cidr, strict=False))
    except ValueError:
        what = "IPv6 CIDR block" if ipv6 else "CIDR block"
        message = f"Value ({cidr}) for parameter {parameter} is invalid. This is not a valid {what}."
        raise AwsError("InvalidParameterValue", message) from None


def check_block(given: dict[str, Any], code: str) -> None:
    """Bring the `cidr_block` of a VPC or subnet into canonical form, in place.

    Raises:
        AwsError: AWS's refusal; with `code` where the block is not of /16 to /28.
    """
    cidr = given["cidr_block"]
    if cidr:
        given["cidr_block"] = canonical(cidr, "cidrBlock")
        if not 16 <= ipaddress.IPv4Network(given["cidr_block"]).prefixlen <= 28:
            raise AwsError(code, f"The CIDR '{cidr}' is invalid.")
