"""The table of patches: each has its rule, its source, its hook as moto has it, and a test that is its canary."""

from __future__ import annotations

import importlib
import inspect
import re
import tomllib
from pathlib import Path

from labkit.embedded import start
from labkit.embedded.api import patches

start().stop()
TABLE = list(patches.PATCHES.values())


def test_moto_still_has_each_hook_with_its_parameters() -> None:
    """Patches name the arguments of moto's functions: where a new moto has others, they must be read again."""
    known = tomllib.loads((Path(__file__).parent / "moto_hooks.toml").read_text(encoding="utf-8"))
    assert {patch.hook for patch in TABLE} == set(known)
    for hook, parameters in known.items():
        unpatched = patches.original(hook)
        has = () if isinstance(unpatched, property) else tuple(inspect.signature(unpatched).parameters)
        assert has == tuple(parameters.split()), hook


def test_each_rule_is_one_sentence_with_a_source() -> None:
    for patch in TABLE:
        assert re.fullmatch(r"[A-Z][^.]*(\.[^. ][^.]*)*\.", patch.rule), (patch.name, patch.rule)
        assert patch.source.startswith("https://docs.aws.amazon.com/"), patch.name


def test_each_patch_has_a_canary() -> None:
    modules = [
        importlib.import_module(f"tests.embedded.{path.stem}")
        for path in Path(__file__).parent.glob("test_patches_*.py")
    ]
    marks = [mark for module in modules for each in vars(module).values() for mark in getattr(each, "pytestmark", [])]
    proven = {name for mark in marks if mark.name == "aws_does" for name in mark.args}
    assert proven == set(patches.PATCHES)


def test_each_module_of_moto_is_patched_in_the_file_that_bears_its_name() -> None:
    """A service's own models and responses go by its name: moto.iam.models is patched in iam.py."""
    for patch in TABLE:
        *package, module = patch.hook.partition(":")[0].split(".")
        file = package[-1] if module in ("models", "responses") else module.lstrip("_")
        # check_ids, in _checks, makes the patches that name an id that doesn't exist.
        assert patch.make.__module__.rpartition(".")[2] in (file, "_checks"), patch.name


def test_patches_are_applied_once_and_can_be_taken_out_for_a_moment() -> None:
    from moto.ec2.models.route_tables import Route

    def state() -> object:
        return inspect.getattr_static(Route, "state")

    unpatched = patches.original("moto.ec2.models.route_tables:Route.state")
    patched = state()
    patches.apply()
    assert state() is patched
    assert state() is not unpatched
    with patches.without("route-to-nowhere-is-a-blackhole"):
        assert state() is unpatched
    assert state() is not unpatched
