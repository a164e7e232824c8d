"""What an AWS account has from its first day: its identity, and a default VPC that reaches the internet."""

from __future__ import annotations

from typing import Any

from labkit.embedded.api.patches import patch

USER = "student"
USER_ID = "AIDACKCEVSQ6C2EXAMPLE"


@patch(
    "caller-identity-is-an-iam-user",
    rule="GetCallerIdentity names an IAM user by its unique id and its iam ARN.",
    source="https://docs.aws.amazon.com/STS/latest/APIReference/API_GetCallerIdentity.html",
    hook="moto.sts.models:STSBackend.get_caller_identity",
    parameters="self access_key_id region",
)
def _caller(original: Any) -> Any:
    def get_caller_identity(self: Any, access_key_id: str, region: str) -> tuple[str, str, str]:
        user_id, arn, account = original(self, access_key_id, region)
        if arn.endswith(":user/moto"):
            return USER_ID, f"arn:aws:iam::{account}:user/{USER}", account
        return user_id, arn, account

    return get_caller_identity


@patch(
    "default-vpc-reaches-the-internet",
    rule="The default VPC has an internet gateway, and its main route table a route to it.",
    source="https://docs.aws.amazon.com/vpc/latest/userguide/default-vpc-components.html",
    hook="moto.ec2.models.vpcs:VPCBackend.create_default_vpc",
    parameters="self",
)
def _default_vpc(original: Any) -> Any:
    def create_default_vpc(self: Any) -> Any:
        vpc = original(self)
        gateway = self.create_internet_gateway()
        self.attach_internet_gateway(gateway.id, vpc.id)
        main = next(table for table in self.route_tables.values() if table.vpc_id == vpc.id)
        self.create_route(main.id, "0.0.0.0/0", gateway_id=gateway.id)
        return vpc

    return create_default_vpc
