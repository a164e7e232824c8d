"""A lab on a fresh embedded AWS, and the lab as the notebooks' build cells leave it."""

from __future__ import annotations

import gc
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import boto3
import botocore.endpoint
import pytest
from botocore.exceptions import ClientError

from labkit import embedded
from labkit.lab import Lab
from labkit.learn.catch_up import catch_up
from labkit.session.accounts import BOUND, REFUSED_AT, EmbeddedAccount

NOTEBOOKS = Path(__file__).parents[2] / "notebooks"

make_client: Callable[..., Any] = boto3.client


@cache
def _port() -> int:
    """One port for all tests, so that they can share their clients: making those takes half of a test's time."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        return int(free.getsockname()[1])


@cache
def _shared_client(service: str) -> Any:
    made = make_client(service)
    made.meta.events.unregister(REFUSED_AT, unique_id=BOUND)  # each test has another embedded AWS
    return made


@contextmanager
def fresh_lab(*behaviors: str) -> Iterator[Lab]:
    """A lab on an empty account with contrary behaviors, in the folder of the notebooks."""
    embedded.start().stop()
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(NOTEBOOKS)
        embedded.start(_port(), behaviors)
        account = EmbeddedAccount(behaviors)
        patch.setattr(boto3, "client", _shared_client)
        patch.setattr(EmbeddedAccount, "client", lambda self, service: _shared_client(service))
        try:
            yield Lab(account)
        finally:
            account.close()


def aws_of(lab: Lab) -> Any:
    """The embedded AWS of a lab."""
    return lab._account._aws  # type: ignore[attr-defined]


def inside(lab: Lab) -> Callable[[str], Any]:
    """Clients of the lab's embedded AWS that need no socket, for the questions of a test."""
    client: Callable[[str], Any] = aws_of(lab).client
    return client


@pytest.fixture(autouse=True, scope="session")
def settled() -> Iterator[None]:
    """Keep moto's tables, which live as long as the process, out of every further collection of garbage."""
    embedded.start().stop()
    gc.collect()
    gc.freeze()
    yield
    gc.unfreeze()


@pytest.fixture
def lab() -> Iterator[Lab]:
    with fresh_lab() as made:
        yield made


@pytest.fixture
def elsewhere() -> Iterator[None]:
    """For tests that connect on another port, after which the shared clients are useless."""
    embedded.start().stop()
    yield
    embedded.start().stop()
    _shared_client.cache_clear()


class Built:
    """A lab in which the build cells of the first notebooks have run, and their names."""

    def __init__(self, lab: Lab, until: str) -> None:
        self.lab = lab
        self.names: dict[str, Any] = {"lab": lab}
        catch_up(until, self.names)

    def __getattr__(self, name: str) -> Any:
        return self.names[name]

    @property
    def flow_logs(self) -> list[str]:
        return self.lab.find_all("NimbusVPCFlowLog")

    @property
    def interface_1(self) -> str:
        return self.lab.network.interface_of("instance-1").id

    @property
    def interface_2(self) -> str:
        return self.lab.network.interface_of("instance-2").id


def refusal(code: str, message: str, operation: str = "X") -> ClientError:
    """The error that boto3 raises where AWS refuses something."""
    return ClientError({"Error": {"Code": code, "Message": message}}, operation)


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """boto3 does not sleep between its tries."""
    monkeypatch.setattr(botocore.endpoint.time, "sleep", lambda _: None)


@pytest.fixture
def built(lab: Lab) -> Built:
    """The lab after notebook 03: two VPCs, two instances, flow logs, no peering connection."""
    return Built(lab, "04")


@pytest.fixture
def whole(lab: Lab) -> Built:
    """The lab after all build cells."""
    return Built(lab, "06")
