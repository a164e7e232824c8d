"""Imports moto with its checks turned on and the tables of the regions in use, and leaves os.environ as it was.

`server` calls `import_moto` before it makes an account.
"""

from __future__ import annotations

import copy
import gc
import importlib
import os
from collections.abc import Callable, Iterable
from functools import cache, partial
from pathlib import PurePosixPath
from typing import Any
from unittest import mock

from labkit.embedded.api import determinism, patches

#: Read by moto once, while it is imported.
_SETTINGS = {
    "MOTO_ENABLE_AMI_VALIDATION": "true",
    "MOTO_EC2_ENABLE_INSTANCE_TYPE_VALIDATION": "true",
}


def import_moto(modules: Iterable[str], region: str) -> None:
    """Import modules of moto, and patch them.

    Args:
        modules: The modules' names.
        region: A region whose tables are needed.
    """
    from botocore.loaders import Loader

    reading_once = _reading_once(Loader.load_service_model)
    with mock.patch.dict(os.environ, _SETTINGS), mock.patch.object(Loader, "load_service_model", reading_once):
        from moto.utilities import utils

        with mock.patch.object(utils, "load_resource", _reading_no_offerings(utils.load_resource)):
            for module in modules:
                importlib.import_module(module)
    _read_offerings(region)
    _install()


def _reading_once(load: Callable[..., Any]) -> Callable[..., Any]:
    """Return botocore's `load_service_model` so that it reads each service's description once.

    While moto is imported it asks boto3 for lists of regions, from a new session each time, and each time boto3 reads
    the whole description of the service: a tenth of a second for EC2's.
    """
    from botocore.loaders import create_loader

    read = cache(partial(load, create_loader()))
    return lambda self, service_name, type_name, api_version=None: read(service_name, type_name, api_version)


def _reading_no_offerings(load: Callable[[str], Any]) -> Callable[[str], Any]:
    """Return moto's `load_resource` so that it skips the offerings of instance types.

    moto reads those of every region: 80 megabytes.
    """
    return lambda resource: (
        [] if "instance_type_offerings" in PurePosixPath(resource.replace(os.sep, "/")).parts else load(resource)
    )


@cache
def _read_offerings(region: str) -> None:
    """Let moto know which instance types a region and its zones offer."""
    from moto.ec2.models.instance_types import INSTANCE_TYPE_OFFERINGS
    from moto.utilities.utils import load_resource

    for location_type, offered in INSTANCE_TYPE_OFFERINGS.items():
        found = load_resource(f"ec2/resources/instance_type_offerings/{location_type}/{region}.json.gz")
        offered[region] = [{**each, "LocationType": location_type} for each in found]


@cache
def _install() -> None:
    """Install determinism and the patches in moto, once per process."""
    from moto.core import config, responses
    from moto.core.common_models import BaseModel
    from moto.ec2.models.core import TaggedEC2Resource
    from moto.ec2.models.subnets import Subnet
    from moto.iam.models import IAMBackend

    determinism.install()
    patches.apply()

    # moto would look through a class for the names of its methods for each request: half a millisecond.
    responses.method_names_from_class = cache(responses.method_names_from_class)  # type: ignore[attr-defined]
    # moto would look through the tags of everything for those of each resource that it describes.
    TaggedEC2Resource.get_tags = _tags  # type: ignore[assignment]
    # moto would keep each object that it has ever made, for a page of its own server.
    BaseModel.__new__ = lambda cls, *_, **__: object.__new__(cls)  # type: ignore[method-assign]
    # moto would keep each subnet, and with it the whole account, in a cache.
    Subnet._base_avail_ip_iterator = _hosts  # type: ignore[assignment]
    # moto has AWS's managed policies only if configured so, and would read them for each account: 60 milliseconds.
    config.default_user_config["iam"] = {"load_aws_managed_policies": True}
    read, policies = IAMBackend._init_aws_policies, list[Any]()

    def _init_aws_policies(self: Any) -> list[Any]:
        policies.extend([] if policies else read(self))
        return [copy.copy(policy) for policy in policies]

    IAMBackend._init_aws_policies = _init_aws_policies  # type: ignore[method-assign]

    # moto's tables live as long as the process: a full collection of garbage would look through them each time.
    gc.freeze()


def _tags(resource: Any) -> list[dict[str, str]]:
    """Return the tags of one resource, as moto's get_tags does."""
    from moto.ec2.utils import EC2_PREFIX_TO_RESOURCE, get_prefix

    id: str = resource.id
    kind = EC2_PREFIX_TO_RESOURCE.get(get_prefix(id), "") if id else ""
    tags: dict[str, str] = resource.ec2_backend.tags.get(id, {})
    return [{"resource_id": id, "key": key, "value": value, "resource_type": kind} for key, value in tags.items()]


def _hosts(subnet: Any) -> Any:
    """Return the one iterator over a subnet's addresses, as moto's _base_avail_ip_iterator does."""
    if not hasattr(subnet, "_hosts"):
        subnet._hosts = subnet.cidr.hosts()
    return subnet._hosts
