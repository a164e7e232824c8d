"""A lab on a fresh embedded AWS, and the lab as the notebooks' build cells leave it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from labkit import embedded
from labkit.lab import Lab
from labkit.learn.catch_up import catch_up
from labkit.session.worlds import Embedded

NOTEBOOKS = Path(__file__).parents[2] / "notebooks"


@pytest.fixture
def lab(monkeypatch: pytest.MonkeyPatch) -> Iterator[Lab]:
    monkeypatch.chdir(NOTEBOOKS)
    embedded.start().stop()
    world = Embedded()
    try:
        yield Lab(world)
    finally:
        world.close()


class Built:
    """A lab in which the build cells of the first notebooks have run, and their names."""

    def __init__(self, lab: Lab, until: str) -> None:
        self.lab = lab
        self.names: dict[str, Any] = {"lab": lab}
        catch_up(until, self.names)

    def __getattr__(self, name: str) -> Any:
        return self.names[name]

    @property
    def interface_1(self) -> str:
        return self.lab.network.interface_of("instance-1").id

    @property
    def interface_2(self) -> str:
        return self.lab.network.interface_of("instance-2").id


@pytest.fixture
def built(lab: Lab) -> Built:
    """The lab after notebook 03: two VPCs, two instances, flow logs, no peering connection."""
    return Built(lab, "04")
