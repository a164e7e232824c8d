"""pyproject.toml is the one list of dependencies; everything else that installs the project holds to it."""

from __future__ import annotations

import json
import re
import tomllib
from pathlib import Path

import pytest
import yaml
from packaging.markers import default_environment
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
INSTALL = "python -m pip install -e '.[dev]' -c constraints.txt"
PINS = [
    Requirement(line)
    for line in (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    if line and not line.startswith("#")
]
SYSTEMS = [
    {"sys_platform": "linux", "platform_system": "Linux", "os_name": "posix", "platform_machine": "x86_64"},
    {"sys_platform": "darwin", "platform_system": "Darwin", "os_name": "posix", "platform_machine": "arm64"},
    {"sys_platform": "win32", "platform_system": "Windows", "os_name": "nt", "platform_machine": "AMD64"},
]


@pytest.mark.parametrize("system", SYSTEMS, ids=lambda system: system["sys_platform"])
@pytest.mark.parametrize("python", ["3.11", "3.12", "3.13", "3.14"])
def test_constraints_pin_each_dependency_once_on_every_system(python: str, system: dict[str, str]) -> None:
    here: dict[str, str] = {**default_environment(), **system, "python_version": python}  # type: ignore[dict-item]
    here["python_full_version"] = f"{python}.0"
    pins = [pin for pin in PINS if pin.marker is None or pin.marker.evaluate(here)]
    names = [canonicalize_name(pin.name) for pin in pins]
    assert len(names) == len(set(names))
    versions = dict(zip(names, pins, strict=True))
    for text in PROJECT["dependencies"] + PROJECT["optional-dependencies"]["dev"]:
        needed = Requirement(text)
        (pin,) = versions[canonicalize_name(needed.name)].specifier
        assert needed.specifier.contains(pin.version), f"{text} but constraints.txt has {pin}"


def test_constraints_are_exact_and_name_no_address() -> None:
    text = (ROOT / "constraints.txt").read_text(encoding="utf-8")
    assert not re.search(r"://|@|--|\.(com|org|io)\b", "\n".join(str(pin) for pin in PINS))
    assert "://" not in text
    assert all([specifier.operator for specifier in pin.specifier] == ["=="] for pin in PINS)


def test_moto_is_exact() -> None:
    """The embedded AWS hooks into its inside (labkit.embedded)."""
    (moto,) = (Requirement(text) for text in PROJECT["dependencies"] if text.startswith("moto"))
    assert str(moto.specifier) == "==5.2.5"


def test_conda_takes_python_from_conda_and_all_else_from_pyproject() -> None:
    conda = yaml.safe_load((ROOT / "environment.yml").read_text(encoding="utf-8"))
    assert conda["name"] == PROJECT["name"]
    python, pip, with_pip = conda["dependencies"]
    assert SpecifierSet(python.removeprefix("python")) == SpecifierSet(PROJECT["requires-python"])
    assert pip == "pip"
    assert with_pip == {"pip": ["-c constraints.txt", "-e .[dev]"]}


def test_the_dev_container_uses_the_same_install() -> None:
    container = json.loads((ROOT / ".devcontainer" / "devcontainer.json").read_text(encoding="utf-8"))
    assert container["postCreateCommand"] == INSTALL
    assert container["image"].removeprefix("python:") in SpecifierSet(PROJECT["requires-python"])


def test_binder_uses_the_same_install() -> None:
    assert INSTALL in (ROOT / "binder" / "postBuild").read_text(encoding="utf-8").splitlines()
    python = (ROOT / "binder" / "runtime.txt").read_text(encoding="utf-8").strip()
    assert python.removeprefix("python-") in SpecifierSet(PROJECT["requires-python"])
