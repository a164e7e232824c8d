"""CIDR blocks as AWS takes them: checked, and with their host bits cleared before they are stored."""

from __future__ import annotations

import ipaddress
from typing import Any

from labkit.embedded.api.refusals import AwsError


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
