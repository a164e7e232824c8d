"""What the embedded AWS does: which services, in which region, and which of their actions it must refuse.

`server` asks this module about each request before moto carries it out.
"""

from __future__ import annotations

from labkit.embedded.api.refusals import NotInEmbeddedAwsError

REGION = "us-east-1"
"""The region of an embedded AWS, unless a contrary behavior chooses another."""
ACCOUNT_ID = "123456789012"
USER_ARN = f"arn:aws:iam::{ACCOUNT_ID}:user/student"
"""The identity that makes the requests; IAM doesn't list it."""

#: Services of all regions, and where requests to them are signed for.
#: https://docs.aws.amazon.com/general/latest/gr/iam-service.html, https://docs.aws.amazon.com/general/latest/gr/sts.html
_GLOBAL = {("iam", "us-east-1"), ("sts", "us-east-1")}

#: moto's own entrance to each service that the course uses; every other service is refused by name.
SERVICES = {
    "ec2": "moto.ec2.responses:EC2Response",
    "iam": "moto.iam.responses:IamResponse",
    "logs": "moto.logs.responses:LogsResponse",
    "ssm": "moto.ssm.responses:SimpleSystemManagerResponse",
    "sts": "moto.sts.responses:TokenResponse",
}

#: Services of which moto does nothing here: handlers answer a few of their actions, and the rest is refused.
WITHOUT_MOTO = ("servicequotas",)

#: Parts of EC2 that moto would record but through which no packet moves here. Reading them is answered: there are none.
_NO_PACKETS_THROUGH = {
    "TransitGateway": "route through transit gateways",
    "VpnConnection": "do VPN connections",
    "VpnGateway": "do virtual private gateways",
    "CustomerGateway": "do customer gateways",
    "CarrierGateway": "do carrier gateways",
    "TrafficMirror": "mirror traffic",
    "VpcEndpoint": "do VPC endpoints",
    "SpotFleet": "do spot fleets",
    "SpotInstance": "do spot instances",
    "Fleet": "do fleets",
}

#: Actions that moto answers differently from AWS, or answers without ever doing anything.
_ONLY_SEEMING = {
    ("logs", "PutSubscriptionFilter"): "forward log events to other services",
    ("logs", "CreateExportTask"): "export log events to S3",
    ("ssm", "SendCommand"): "run commands without its data plane",
}

_READS = ("Describe", "Filter", "Get", "List", "Search", "Simulate", "StartQuery", "StopQuery", "Test", "Validate")


def is_read(action: str) -> bool:
    """Whether an API action only reads: then it takes no virtual time.

    >>> is_read("DescribeVpcs"), is_read("CreateVpc")
    (True, False)
    """
    return action.startswith(_READS)


def check_service(service: str, region: str, own: str) -> None:
    """Check that the embedded AWS has a service, in a region.

    Args:
        service: The service's name in a signature, such as `ec2`.
        region: The region's name in a signature.
        own: The region of this embedded AWS.

    Raises:
        NotInEmbeddedAwsError: It has not.
    """
    if service not in (*SERVICES, *WITHOUT_MOTO):
        raise NotInEmbeddedAwsError(f"do the service {service}")
    if region != own and (service, region) not in _GLOBAL:
        raise NotInEmbeddedAwsError(f"have the region {region}, only {own}")


def check_action(service: str, action: str) -> None:
    """Check that moto's answer to an action is AWS's.

    Args:
        service: The service's name, such as `ec2`.
        action: The action's name, such as `CreateVpc`.

    Raises:
        NotInEmbeddedAwsError: moto would only seem to carry the action out.
    """
    if service in WITHOUT_MOTO:
        raise NotInEmbeddedAwsError(f"do {service} {action}")
    seeming = _ONLY_SEEMING.get((service, action))
    if seeming is not None:
        raise NotInEmbeddedAwsError(seeming)
    if service == "ec2" and not is_read(action):
        for part, what in _NO_PACKETS_THROUGH.items():
            if part in action:
                raise NotInEmbeddedAwsError(what)
