"""What the embedded AWS does: which services, in which region, and which of their actions it must refuse."""

from __future__ import annotations

from labkit.embedded.api.refusals import NotInEmbeddedAwsError

REGION = "us-east-1"
ACCOUNT_ID = "123456789012"

# moto's own entrance to each service that the course uses; whatever is not here is refused by name.
SERVICES = {
    "ec2": "moto.ec2.responses:EC2Response",
    "iam": "moto.iam.responses:IamResponse",
    "logs": "moto.logs.responses:LogsResponse",
    "ssm": "moto.ssm.responses:SimpleSystemManagerResponse",
    "sts": "moto.sts.responses:TokenResponse",
}

# Parts of EC2 that moto would record but through which no packet moves here. Reading them is answered: there are none.
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

# Actions that moto answers, but not with what AWS would: with wrong results, or with none that anything ever comes of.
_ONLY_SEEMING = {
    ("logs", "PutSubscriptionFilter"): "forward log events to other services",
    ("logs", "CreateExportTask"): "export log events to S3",
    ("ssm", "SendCommand"): "run commands without its data plane",
}

_READS = (
    "Check",
    "Describe",
    "Filter",
    "Get",
    "Head",
    "List",
    "Lookup",
    "Search",
    "Simulate",
    "StartQuery",
    "StopQuery",
    "Test",
    "Validate",
)


def is_read(action: str) -> bool:
    """Whether an API action only looks: then it takes no virtual time.

    >>> is_read("DescribeVpcs"), is_read("CreateVpc")
    (True, False)
    """
    return action.startswith(_READS)


def check_service(service: str, region: str) -> None:
    """Raise NotInEmbeddedAwsError for a service or region that isn't here."""
    if service not in SERVICES:
        raise NotInEmbeddedAwsError(f"do the service {service}")
    if region != REGION:
        raise NotInEmbeddedAwsError(f"have the region {region}, only {REGION}")


def check_action(service: str, action: str) -> None:
    """Raise NotInEmbeddedAwsError for an action that moto would answer as if it were here, and isn't."""
    seeming = _ONLY_SEEMING.get((service, action))
    if seeming is not None:
        raise NotInEmbeddedAwsError(seeming)
    if service == "ec2" and not is_read(action):
        for part, what in _NO_PACKETS_THROUGH.items():
            if part in action:
                raise NotInEmbeddedAwsError(what)
