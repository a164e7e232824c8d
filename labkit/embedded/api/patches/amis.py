"""Images to launch instances from: Amazon Linux 2023 as of the day of the lab."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from labkit.embedded.api.patches import patch

PUBLISHED = datetime(2025, 11, 18, 2, 12, 31)
"""When the images were published, in UTC."""
_RELEASE = "2023.9.20251117.1"
_KERNEL = "kernel-6.1"


@dataclass(frozen=True, slots=True)
class Image:
    """One image of Amazon Linux 2023.

    The release and the id of the x86_64 image are AWS's in us-east-1; the id of the arm64 image is that of an older
    one.

    Attributes:
        id: The image's id.
        architecture: `x86_64` or `arm64`.
    """

    id: str
    architecture: str

    @property
    def name(self) -> str:
        return f"al2023-ami-{_RELEASE}-{_KERNEL}-{self.architecture}"

    @property
    def parameters(self) -> tuple[str, ...]:
        """The public SSM parameters whose value is this image's id."""
        names = (f"al2023-ami-{kernel}-{self.architecture}" for kernel in ("kernel-default", _KERNEL))
        return tuple(f"/aws/service/ami-amazon-linux-latest/{name}" for name in names)


IMAGES = (Image("ami-0fa3fe0fa7920f68e", "x86_64"), Image("ami-0cd7323ab3e63805f", "arm64"))


@patch(
    "images-are-current",
    rule="DescribeImages knows the current images of Amazon Linux 2023, owned by Amazon.",
    source="https://docs.aws.amazon.com/linux/al2023/ug/ec2.html",
    hook="moto.ec2.models.amis:AmiBackend._load_amis",
    parameters="self",
)
def _load(_: Any) -> Any:
    def _load_amis(self: Any) -> None:
        from moto.ec2.models.amis import Ami

        for image in IMAGES:
            self.amis[image.id] = Ami(
                self,
                image.id,
                name=image.name,
                description=f"Amazon Linux 2023 AMI {_RELEASE} {image.architecture} HVM {_KERNEL}",
                owner_id="137112412989",
                owner_alias="amazon",
                public=True,
                virtualization_type="hvm",
                architecture=image.architecture,
                creation_date=PUBLISHED,
                hypervisor="xen",
                root_device_name="/dev/xvda",
                root_device_type="ebs",
                image_location=f"amazon/{image.name}",
            )

    return _load_amis
