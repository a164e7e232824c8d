"""Images to launch instances from: Amazon Linux 2023 as of the day of the lab."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from labkit.embedded.api.patches import patch
from labkit.embedded.api.scope import REGION

PUBLISHED = datetime(2025, 11, 18, 2, 12, 31)
"""When the images were published, in UTC."""
IMAGES = {"x86_64": "ami-0fa3fe0fa7920f68e", "arm64": "ami-0cd7323ab3e63805f"}
"""The images' ids by architecture: AWS's in us-east-1, of this release for x86_64 and of an older one for arm64."""
PARAMETERS = "ssm/resources/ami-amazon-linux-latest/"
"""Where moto has the public parameters that name each region's images."""
_NAME = "al2023-ami-2023.9.20251117.1-kernel-6.1"


def images(region: str) -> dict[str, str]:
    """Return the images' ids in a region by architecture; in other regions than us-east-1, they are of newer images."""
    from moto.utilities.utils import load_resource

    if region == REGION:
        return IMAGES
    ids = {each["Name"].rpartition("/")[2]: each["Value"] for each in load_resource(f"{PARAMETERS}{region}.json")}
    return {architecture: ids[f"al2023-ami-kernel-6.1-{architecture}"] for architecture in IMAGES}


@patch(
    "images-are-current",
    rule="DescribeImages knows the current images of Amazon Linux 2023, owned by Amazon.",
    source="https://docs.aws.amazon.com/linux/al2023/ug/ec2.html",
    hook="moto.ec2.models.amis:AmiBackend._load_amis",
)
def _load(_: Any) -> Any:
    def _load_amis(self: Any) -> None:
        from moto.ec2.models.amis import Ami

        for architecture, id in images(self.region_name).items():
            name = f"{_NAME}-{architecture}"
            self.amis[id] = Ami(
                self,
                id,
                name=name,
                description=f"Amazon Linux 2023 AMI 2023.9.20251117.1 {architecture} HVM kernel-6.1",
                owner_id="137112412989",
                owner_alias="amazon",
                public=True,
                virtualization_type="hvm",
                architecture=architecture,
                creation_date=PUBLISHED,
                hypervisor="xen",
                root_device_name="/dev/xvda",
                root_device_type="ebs",
                image_location=f"amazon/{name}",
            )

    return _load_amis
