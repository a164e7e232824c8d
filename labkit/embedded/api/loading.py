"""Importing moto: as strict as AWS is, with the one region's tables, and without a trace in the environment."""

from __future__ import annotations

import importlib
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import PurePosixPath
from typing import Any

from labkit.embedded.api import determinism, patches

# Read by moto once, while it is imported.
_STRICTNESS = {
    "MOTO_ENABLE_AMI_VALIDATION": "true",
    "MOTO_EC2_ENABLE_INSTANCE_TYPE_VALIDATION": "true",
}


def import_moto(modules: Iterable[str], region: str) -> None:
    """Import moto's ``modules``, put its ids and times under determinism's rule, and patch it; once per process."""
    with _environment(_STRICTNESS), _services_read_once(), _offerings_of(region):
        for module in modules:
            importlib.import_module(module)
    determinism.install()
    patches.apply()
    _list_methods_once()


def _list_methods_once() -> None:
    """Let moto look only once through a class for the names of its methods; it does for each request."""
    responses: Any = importlib.import_module("moto.core.responses")
    responses.method_names_from_class = cache(responses.method_names_from_class)


@contextmanager
def _environment(values: dict[str, str]) -> Iterator[None]:
    before = {name: os.environ.get(name) for name in values}
    os.environ.update(values)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


@contextmanager
def _offerings_of(region: str) -> Iterator[None]:
    """Let moto read which instance types ``region`` offers, and leave the other regions' tables on the disk.

    moto reads those of every region while it is imported: half of its import time, and a hundred megabytes.
    """
    from moto.utilities import utils

    load = utils.load_resource

    def load_of_region(resource: str) -> Any:
        path = PurePosixPath(resource.replace(os.sep, "/"))
        if "instance_type_offerings" in path.parts and path.name.split(".")[0] != region:
            return []
        return load(resource)

    utils.load_resource = load_of_region
    try:
        yield
    finally:
        utils.load_resource = load


@contextmanager
def _services_read_once() -> Iterator[None]:
    """Let moto read each service's description once.

    While it is imported it asks boto3 for lists of regions, from a new session each time, and each time boto3 reads the
    whole description of the service: a tenth of a second for EC2's.
    """
    from botocore.loaders import Loader

    load = Loader.load_service_model
    models: dict[tuple[Any, ...], Any] = {}

    def load_once(self: Any, service_name: str, type_name: str, api_version: str | None = None) -> Any:
        key = (service_name, type_name, api_version)
        if key not in models:
            models[key] = load(self, service_name, type_name, api_version)
        return models[key]

    Loader.load_service_model = load_once
    try:
        yield
    finally:
        Loader.load_service_model = load
