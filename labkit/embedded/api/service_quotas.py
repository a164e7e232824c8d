"""Service Quotas: how many VPCs, Elastic IP addresses and vCPUs an account may have in its region.

Only reading is answered, and only of these three; the embedded AWS itself does not enforce them. The contrary behavior
`quotas` does.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from labkit.embedded.api.refusals import AwsError
from labkit.embedded.api.scope import ACCOUNT_ID

#: The codes of the quotas that the course needs.
VPCS, ADDRESSES, VCPUS = "L-F678F1CE", "L-0263D0A3", "L-1216C47A"

_NAMES = {"ec2": "Amazon Elastic Compute Cloud (Amazon EC2)", "vpc": "Amazon Virtual Private Cloud (Amazon VPC)"}


@dataclass(frozen=True, slots=True)
class Quota:
    """A quota as AWS gives it to a new account.

    Attributes:
        service: The service's code in Service Quotas, such as `vpc`.
        name: The quota's name.
        value: The default.
    """

    service: str
    name: str
    value: int


#: By code. https://docs.aws.amazon.com/vpc/latest/userguide/amazon-vpc-limits.html,
#: https://docs.aws.amazon.com/cli/latest/userguide/cli_service-quotas_code_examples.html
QUOTAS = {
    VPCS: Quota("vpc", "VPCs per Region", 5),
    ADDRESSES: Quota("ec2", "EC2-VPC Elastic IPs", 5),
    VCPUS: Quota("ec2", "Running On-Demand Standard (A, C, D, H, I, M, R, T, Z) instances", 5),
}


#: The families of instance types that count against the quota of vCPUs; others, such as inf1 and trn1, have their own.
_STANDARD = re.compile(r"[acdhimrtz]\d")

#: Modeled: AWS raises the quotas of an account that is in use; this one's are so many times the defaults.
RAISED = 4


def is_standard(instance_type: str) -> bool:
    """Whether an instance type counts against the quota of vCPUs of standard instances.

    https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/ec2-on-demand-instances.html#ec2-on-demand-instances-limits

    >>> is_standard("t3.micro"), is_standard("inf1.xlarge")
    (True, False)
    """
    return _STANDARD.match(instance_type) is not None


def handlers(region: str) -> dict[tuple[str, str], Callable[[dict[str, Any]], dict[str, Any]]]:
    """Return what answers Service Quotas.

    Args:
        region: The account's region.
    """

    def applied(request: dict[str, Any]) -> dict[str, Any]:
        quota = _described(request, f"{region}:{ACCOUNT_ID}")
        return {"Quota": {**quota, "Value": quota["Value"] * RAISED}}

    def default(request: dict[str, Any]) -> dict[str, Any]:
        return {"Quota": _described(request, f"{region}:")}

    return {
        ("servicequotas", "GetServiceQuota"): applied,
        ("servicequotas", "GetAWSDefaultServiceQuota"): default,
    }


def _described(request: dict[str, Any], owner: str) -> dict[str, Any]:
    """Describe the quota that a request asks for.

    https://docs.aws.amazon.com/servicequotas/2019-06-24/apireference/API_ServiceQuota.html

    Raises:
        AwsError: There is no such quota here.
    """
    service, code = request.get("ServiceCode", ""), request.get("QuotaCode", "")
    quota = QUOTAS.get(code)
    if quota is None or quota.service != service:
        message = f"The embedded AWS knows no quota {code} of {service}: only {', '.join(QUOTAS)}."
        raise AwsError("NoSuchResourceException", message)
    return {
        "ServiceCode": service,
        "ServiceName": _NAMES[service],
        "QuotaArn": f"arn:aws:servicequotas:{owner}:{service}/{code}",
        "QuotaCode": code,
        "QuotaName": quota.name,
        "Value": float(quota.value),
        "Unit": "None",
        "Adjustable": True,
        "GlobalQuota": False,
    }
