"""An embedded AWS for each test, and the marker for a test that proves a patch."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from functools import cache
from typing import Any

import pytest

from labkit.embedded import EmbeddedAws, start
from labkit.embedded.api import patches
from tests.embedded.site import Site
from tests.embedded.support import client, new_vpc


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "behaves(*behaviors): the contrary behaviors of the test's account.")
    config.addinivalue_line("markers", "aws_does(*patches): what AWS does with each patch, and moto alone does not.")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run a test marked aws_does twice for each patch: patched it must pass; with moto alone it must fail.

    The second run is the canary: it fails where a new moto does what AWS does, or where the hook has moved. A test of
    several patches takes the name of the one that is tested as its argument `patch`.
    """
    marker = metafunc.definition.get_closest_marker("aws_does")
    if marker is not None:
        runs = [
            each
            for name in marker.args
            for each in (
                pytest.param(name, None, id=f"{name}-patched"),
                pytest.param(name, name, id=f"{name}-moto-alone", marks=pytest.mark.xfail(strict=True)),
            )
        ]
        metafunc.parametrize("patch, unpatched", runs)


@pytest.fixture
def unpatched() -> str | None:
    return None


@pytest.fixture
def patch() -> str | None:
    """The patch that is tested."""
    return None


@cache
def _port() -> int:
    """One port for all the tests, so that they can share their clients."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        return int(free.getsockname()[1])


@pytest.fixture
def aws(request: pytest.FixtureRequest, patch: str | None, unpatched: str | None) -> Iterator[EmbeddedAws]:
    """A fresh embedded AWS, with the behaviors of the test's marker; in a canary, without the patch that it proves."""
    marker = request.node.get_closest_marker("behaves")
    running = start(_port(), behaviors=marker.args if marker else ())
    try:
        if unpatched is None:
            yield running
        else:
            with patches.without(unpatched):
                yield running
    finally:
        running.stop()


def _client_of(service: str) -> Any:
    @pytest.fixture(name=service)
    def fixture(aws: EmbeddedAws) -> Any:
        return client(aws, service)

    return fixture


ec2, iam, logs, ssm, sts = map(_client_of, ("ec2", "iam", "logs", "ssm", "sts"))


@pytest.fixture
def site(aws: EmbeddedAws, image: str) -> Site:
    return Site(aws, image)


@pytest.fixture
def vpc(ec2: Any) -> str:
    return new_vpc(ec2, "10.1.0.0/16")


@pytest.fixture
def other_vpc(ec2: Any) -> str:
    return new_vpc(ec2, "10.2.0.0/16")


@pytest.fixture
def subnet(ec2: Any, vpc: str) -> str:
    return str(ec2.create_subnet(VpcId=vpc, CidrBlock="10.1.0.0/20")["Subnet"]["SubnetId"])


@pytest.fixture
def image(ssm: Any) -> str:
    name = "/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-x86_64"
    return str(ssm.get_parameter(Name=name)["Parameter"]["Value"])
