"""What is installed is what was pinned, and fits together.

Known vulnerabilities are not checked: that takes a database, and so a network. With one, run
`pip-audit --requirement constraints.txt --no-deps --disable-pip`.
"""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, distributions, version
from pathlib import Path

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


def test_what_is_installed_is_what_was_pinned() -> None:
    """What is not installed here belongs to an extra, or to what was left out."""
    pins = [pin for pin in PINS if pin.marker is None or pin.marker.evaluate()]
    found = [(str(pin), installed(pin.name), pin.specifier) for pin in pins]
    assert sum(here is not None for _, here, _ in found) > 50
    assert [(pin, here) for pin, here, takes in found if here and not takes.contains(here, prereleases=True)] == []


def test_everything_that_a_pinned_package_needs_is_installed_in_a_version_that_it_accepts() -> None:
    """As pip check does."""
    pinned = {canonicalize_name(pin.name) for pin in PINS}
    wrong = []
    for distribution in distributions():
        name = distribution.metadata["Name"]
        for text in (distribution.requires or ()) if canonicalize_name(name) in pinned else ():
            needed = Requirement(text)
            here = installed(needed.name)
            if needed.marker is not None and not needed.marker.evaluate({"extra": ""}):
                continue
            if here is None or not needed.specifier.contains(here, prereleases=True):
                wrong.append(f"{name} needs {text}, and {here} is installed")
    assert wrong == []
