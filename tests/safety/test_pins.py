"""What is installed is what was pinned, and fits together.

Whether a pinned version has a known vulnerability takes a database, which is not to be had without a network. Where
there is one, `pip-audit --requirement constraints.txt --no-deps --disable-pip` asks it; nothing here stands in for
that.
"""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, distributions, version
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

PINS = [
    Requirement(line)
    for line in (Path(__file__).parents[2] / "constraints.txt").read_text(encoding="utf-8").splitlines()
    if line and not line.startswith("#")
]


def installed(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None


@pytest.mark.parametrize("pin", PINS, ids=str)
def test_what_is_installed_is_what_was_pinned(pin: Requirement) -> None:
    if pin.marker is not None and not pin.marker.evaluate():
        return
    found = installed(pin.name)
    if found is None:
        pytest.skip("not installed here: it belongs to an extra, or to what was left out")
    assert pin.specifier.contains(found, prereleases=True), f"{found} is installed"


def test_everything_that_a_pinned_package_needs_is_there_in_a_version_that_it_takes() -> None:
    """As pip check would say."""
    pinned = {canonicalize_name(pin.name) for pin in PINS}
    wrong = []
    for distribution in distributions():
        if canonicalize_name(distribution.metadata["Name"]) not in pinned:
            continue
        for text in distribution.requires or ():
            needed = Requirement(text)
            if needed.marker is not None and not needed.marker.evaluate({"extra": ""}):
                continue
            found = installed(needed.name)
            if found is None or not needed.specifier.contains(found, prereleases=True):
                wrong.append(f"{distribution.metadata['Name']} needs {text}, and {found} is there")
    assert wrong == []
