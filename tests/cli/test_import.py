"""`import labkit` and the bare command line use only the standard library; any Python 3 can parse their first files."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import labkit

HOME = Path(labkit.__file__).parent


def run(code: str) -> None:
    subprocess.run([sys.executable, "-c", code], check=True, cwd=HOME.parent)


def modules_after(code: str) -> set[str]:
    """The top-level modules outside the standard library that a fresh Python has loaded after this code."""
    report = "import sys; print(*{name.partition('.')[0] for name in sys.modules})"
    before = subprocess.check_output([sys.executable, "-c", report], text=True).split()
    after = subprocess.check_output([sys.executable, "-c", f"{code}\n{report}"], text=True, cwd=HOME.parent).split()
    return set(after) - set(before) - set(sys.stdlib_module_names)


def test_import_labkit_loads_nothing_but_the_standard_library_and_no_room() -> None:
    assert modules_after("import labkit") == {"labkit"}
    run("import labkit, sys; assert not [m for m in sys.modules if m.startswith('labkit.')]")


def test_a_room_loads_on_first_use() -> None:
    run("import labkit, sys; labkit.network; assert 'labkit.network' in sys.modules")


def test_every_verb_parses_its_arguments_with_the_standard_library_alone() -> None:
    """They are parsed before the environment is ready, so that a typo doesn't cost a minute of set-up."""
    assert modules_after("import labkit.cli") == {"labkit"}


@pytest.mark.parametrize("name", ["__init__.py", "__main__.py"])
def test_an_old_python_can_parse_the_first_files(name: str) -> None:
    ast.parse((HOME / name).read_text(encoding="utf-8"), feature_version=(3, 6))


def test_an_old_python_is_told_what_to_do(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    code = compile((HOME / "__main__.py").read_text(encoding="utf-8"), "__main__.py", "exec")
    monkeypatch.setattr(sys, "version_info", (3, 8, 18))
    with pytest.raises(SystemExit) as end:
        exec(code, {"__name__": "__main__"})
    assert end.value.code == 1
    error = capsys.readouterr().err
    assert "This is Python 3.8" in error
    assert "install a newer Python" in error


def test_labkit_lists_what_it_has() -> None:
    assert {"connect", "flowlogs", "network", "show", "__version__"} <= set(dir(labkit))
    with pytest.raises(AttributeError, match="labkit has no 'conect'; it has connect, flowlogs"):
        _ = labkit.conect
    assert not hasattr(labkit, "nothing")


def test_a_missing_library_is_named_with_the_way_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    def import_module(name: str) -> None:
        raise ModuleNotFoundError("No module named 'boto3'", name="boto3")

    monkeypatch.setattr("importlib.import_module", import_module)
    with pytest.raises(ImportError, match=r"needs the package boto3.*python3 -m labkit start"):
        _ = labkit.connect
