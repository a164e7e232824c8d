"""The images to launch from: Amazon Linux 2023 as of the day of the lab, and the parameters that name it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from labkit.embedded.api.patches import patch

RELEASE = "2023.9.20251117.1"
_KERNEL = "kernel-6.1"
_PUBLISHED = datetime(2025, 11, 18, 2, 12, 31)
_PARAMETERS = "/aws/service/ami-amazon-linux-latest"


@dataclass(frozen=True, slots=True)
class Image:
    """One image of Amazon Linux 2023. The release and the x86_64 image's id are those of AWS in us-east-1; the arm64
    image's id is that of an older one.
    """

    image_id: str
    architecture: str

    @property
    def name(self) -> str:
        return f"al2023-ami-{RELEASE}-{_KERNEL}-{self.architecture}"

    @property
    def parameters(self) -> tuple[str, ...]:
        """The public SSM parameters whose value is this image's id."""
        return tuple(f"{_PARAMETERS}/al2023-ami-{kernel}-{self.architecture}" for kernel in ("kernel-default", _KERNEL))


IMAGES = (Image("ami-0fa3fe0fa7920f68e", "x86_64"), Image("ami-0cd7323ab3e63805f", "arm64"))


@patch(
    "images-are-of-the-labs-day",
    rule="DescribeImages knows the current images of Amazon Linux 2023, owned by Amazon.",
    source="https://docs.aws.amazon.com/linux/al2023/ug/ec2.html",
    hook="moto.ec2.models.amis:AmiBackend._load_amis",
    parameters="self",
)
def _load(_: Any) -> Any:
    def _load_amis(self: Any) -> None:
        from moto.ec2.models.amis import Ami

        for image in IMAGES:
            self.amis[image.image_id] = Ami(
                self,
                image.image_id,
                name=image.name,
                description=f"Amazon Linux 2023 AMI {RELEASE} {image.architecture} HVM {_KERNEL}",
                owner_id="137112412989",
                owner_alias="amazon",
                public=True,
                virtualization_type="hvm",
                architecture=image.architecture,
                creation_date=_PUBLISHED,
                hypervisor="xen",
                root_device_name="/dev/xvda",
                root_device_type="ebs",
                image_location=f"amazon/{image.name}",
            )

    return _load_amis


@patch(
    "image-parameters-name-known-images",
    rule="The public parameters of Amazon Linux name its current images, which DescribeImages knows.",
    source="https://docs.aws.amazon.com/systems-manager/latest/userguide/parameter-store-public-parameters-ami.html",
    hook="moto.ssm.models:ParameterDict._load_latest_amis",
    parameters="self",
)
def _parameters(_: Any) -> Any:
    def _load_latest_amis(self: Any) -> None:
        from moto.core.utils import unix_time
        from moto.ssm import models

        make: Any = models.Parameter
        for image in IMAGES:
            for name in image.parameters:
                parameter = make(
                    account_id=self.account_id,
                    name=name,
                    value=image.image_id,
                    parameter_type="String",
                    description=None,
                    allowed_pattern=None,
                    keyid=None,
                    last_modified_date=unix_time(_PUBLISHED),
                    version=1,
                    data_type="aws:ec2:image",
                )
                # As moto does it: past ParameterDict's own __getitem__, which would come here again.
                super(type(self), self).__getitem__(name).append(parameter)

    return _load_latest_amis
