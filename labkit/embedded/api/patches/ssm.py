"""SSM: the public parameters that name the current images of Amazon Linux."""

from __future__ import annotations

from datetime import UTC
from typing import Any

from labkit.embedded.api.patches import patch
from labkit.embedded.api.patches.amis import PARAMETERS, PUBLISHED, images


@patch(
    "image-parameters-name-known-images",
    rule="The public parameters of Amazon Linux name its current images, which DescribeImages knows.",
    source="https://docs.aws.amazon.com/systems-manager/latest/userguide/parameter-store-public-parameters-ami.html",
    hook="moto.ssm.models:load_resource",
)
def _parameters(original: Any) -> Any:
    def load_resource(resource: str) -> Any:
        if not resource.startswith(PARAMETERS):
            return original(resource)
        shared = {
            "Type": "String",
            "LastModifiedDate": PUBLISHED.replace(tzinfo=UTC).timestamp(),
            "Version": 1,
            "DataType": "aws:ec2:image",
        }
        return [
            {"Name": f"/aws/service/ami-amazon-linux-latest/al2023-ami-{kernel}-{architecture}", "Value": id, **shared}
            for architecture, id in images(resource.removeprefix(PARAMETERS).partition(".")[0]).items()
            for kernel in ("kernel-default", "kernel-6.1")
        ]

    return load_resource
