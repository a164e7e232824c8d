"""`labkit doctor`: each finding with its fix; secrets are never printed."""

from __future__ import annotations

import argparse
import os
import sys
import webbrowser
from pathlib import Path

import pytest

from labkit.cli import doctor, environment, start
from labkit.cli.doctor import Finding, Mark
from labkit.cli.environment import STAMP

INSTALLED = {"moto": "5.2.5", "pandas": "3.2.0"}


def packages(monkeypatch: pytest.MonkeyPatch, needed: list[str], constraints: str = "") -> Finding:
    """The finding if labkit needs this, and INSTALLED is installed."""
    monkeypatch.setattr(doctor, "_installed", INSTALLED.get)
    monkeypatch.setattr("importlib.metadata.requires", lambda name: needed)
    return doctor.packages(constraints, "run: again")


def test_the_exit_code_counts_only_what_must_be_fixed(
    root: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    found = [Finding(Mark.OK, "good"), Finding(Mark.NOTE, "so-so", "nothing")]
    monkeypatch.setattr(doctor, "examine", lambda root: found)
    assert doctor.run(argparse.Namespace()) == 0
    found.append(Finding(Mark.FIX, "bad", "do this"))
    assert doctor.run(argparse.Namespace()) == 1
    assert " FIX  bad\n      -> do this\n\n1 thing to fix.\n" in capsys.readouterr().out


@pytest.mark.usefixtures("bare")
def test_an_environment_that_is_not_ready_is_a_note_and_one_of_somebody_else_must_be_activated(root: Path) -> None:
    *before, last = doctor.the_environment(root)
    assert {finding.mark for finding in before} == {Mark.OK} and last.mark is Mark.NOTE
    assert last.what == "environment: .venv: there is none yet"
    (root / ".venv").mkdir()
    (root / ".venv" / STAMP).write_text('{"state": "unfinished"}')
    assert "an earlier set-up did not end" in list(doctor.the_environment(root))[-1].what
    (root / ".venv" / STAMP).rename(root / ".venv" / "pyvenv.cfg")
    (only,) = doctor.the_environment(root)
    assert only.mark is Mark.FIX and "activate it" in only.do


def test_a_missing_venv_module_and_a_full_disk_must_be_fixed(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    monkeypatch.setattr("shutil.disk_usage", lambda path: argparse.Namespace(free=2e8))
    first, second = doctor.can_set_up(root)
    assert first.mark is Mark.FIX and "sudo apt install python3-venv" in first.do
    assert second == Finding(Mark.FIX, "disk: 0.2 GB free", "set-up needs 1.5 GB: free some")


def test_packages_are_as_they_should_be_or_must_be_fixed_or_have_other_versions(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    found = packages(monkeypatch, ["moto[ssm]==5.2.5", "pytest>=9; extra == 'dev'"], "moto==5.2.5\n")
    assert found == Finding(Mark.OK, "packages: as in constraints.txt")
    found = packages(monkeypatch, ["moto==5.2.6", "flask>=3", "pandas<3"])
    what = "packages: moto is 5.2.5, labkit needs ==5.2.6; flask is missing; pandas is 3.2.0, labkit needs <3"
    assert found == Finding(Mark.FIX, what, "run: again")
    constraints = "# a comment\nmoto==5.2.5\npandas==3.1.1\nnumpy==2.4.6\nmoto==1 ; python_version < '3'\n"
    found = packages(monkeypatch, ["moto[ssm]==5.2.5", "pandas>=3"], constraints)
    what = "packages: other versions than constraints.txt: pandas 3.2.0 (3.1.1)"
    assert found == Finding(Mark.NOTE, what, "if outputs differ, run: again")


def test_an_environment_that_cannot_be_examined_must_be_fixed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "packaging.requirements", None)
    found = doctor.packages("", "run: again")
    assert found.mark is Mark.FIX
    assert "packaging" in found.what and found.do == "run: again"


def test_a_kernel_starts_and_imports_labkit() -> None:
    """Asked for real."""
    found = doctor.kernel("run: again")
    assert found.mark is Mark.OK
    assert found.what.startswith("kernel: starts and imports labkit")


def test_a_kernel_that_does_not_start_must_be_fixed(monkeypatch: pytest.MonkeyPatch) -> None:
    def run_kernel(**options: object) -> None:
        raise RuntimeError("Kernel died before replying")

    monkeypatch.setattr("jupyter_client.manager.run_kernel", run_kernel)
    assert doctor.kernel("run: again") == Finding(
        Mark.FIX, "kernel: RuntimeError: Kernel died before replying", "run: again"
    )


def test_the_environment_that_set_up_made_is_examined_by_its_own_python(
    root: Path, bare: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(environment, "state", lambda root: environment.State.READY)
    monkeypatch.setattr(environment, "run_in", lambda python, arguments: (python, arguments))
    assert doctor.run(argparse.Namespace()) == (environment.python_in(root / ".venv"), ["doctor"])  # type: ignore[comparison-overlap]


def test_credentials_are_named_and_never_shown(tmp_path: Path) -> None:
    assert doctor.keys({"AWS_ACCESS_KEY_ID": ""}, tmp_path).mark is Mark.OK
    (tmp_path / ".aws").mkdir()
    (tmp_path / ".aws" / "credentials").write_text("aws_secret_access_key = hush\n")
    found = doctor.keys({"AWS_SECRET_ACCESS_KEY": "hush", "AWS_PROFILE": "work"}, tmp_path)
    assert found.mark is Mark.NOTE
    assert "AWS_SECRET_ACCESS_KEY, AWS_PROFILE" in found.what
    assert str(tmp_path / ".aws" / "credentials") in found.what
    assert "hush" not in found.what + found.do
    assert "the embedded AWS does not use them" in found.do


def test_a_port_in_use_is_only_a_note(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(start, "is_free", lambda port: False)
    assert doctor.port().mark is Mark.NOTE


@pytest.mark.skipif(os.name != "posix", reason="the browsers' names are those on Linux")
def test_a_browser_is_found_by_its_usual_names_also_where_it_cannot_be_opened(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def get() -> None:
        raise webbrowser.Error

    monkeypatch.setenv("PATH", str(tmp_path / "nothing here"))
    monkeypatch.setattr(doctor, "PLACES", (str(tmp_path),))
    monkeypatch.setattr(webbrowser, "get", get)
    assert doctor.browser().what == "no browser found" and "start --no-browser" in doctor.browser().do
    for name in ("firefox", "google-chrome", "chromium-browser", "chromium"):
        (tmp_path / name).touch(mode=0o755)
        found = doctor.browser()
        assert found.mark is Mark.NOTE and "start --no-browser" in found.do
        assert found.what == f"browser: {tmp_path / name}, but there is no display to open it on"
    monkeypatch.setattr(webbrowser, "get", lambda: webbrowser.GenericBrowser("xdg-open"))
    assert doctor.browser() == Finding(Mark.OK, f"browser: {tmp_path / 'chromium'}")
