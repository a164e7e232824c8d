"""`labkit doctor`: each finding with its fix; secrets are never printed."""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import webbrowser
from pathlib import Path
from typing import Any

import pytest

from labkit.cli import doctor, environment, inside, start
from labkit.cli.doctor import Finding, Mark
from labkit.cli.environment import STAMP

ROOT = Path(__file__).parents[2]
HEALTHY = {"unmet": [], "other": [], "kernel_seconds": 0.9, "kernel_error": ""}


def answer(monkeypatch: pytest.MonkeyPatch, stdout: str, stderr: str = "") -> None:
    """What an environment says when it is asked about itself."""

    def run(line: list[str], **options: Any) -> subprocess.CompletedProcess[str]:
        return subprocess.CompletedProcess(line, 0, stdout, stderr)

    monkeypatch.setattr(subprocess, "run", run)


def contents(monkeypatch: pytest.MonkeyPatch, **said: Any) -> list[Finding]:
    answer(monkeypatch, json.dumps(HEALTHY | said) + "\n")
    return list(doctor.contents(Path(sys.executable), Path(), "run: again"))


def test_the_exit_code_counts_only_what_must_be_fixed(
    root: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    found = [Finding(Mark.OK, "good"), Finding(Mark.NOTE, "so-so", "nothing")]
    monkeypatch.setattr(doctor, "examine", lambda root: found)
    assert doctor.run(argparse.Namespace()) == 0
    found.append(Finding(Mark.FIX, "bad", "do this"))
    assert doctor.run(argparse.Namespace()) == 1
    assert " FIX  bad\n      -> do this\n\n1 thing to fix.\n" in capsys.readouterr().out


def test_before_the_first_start_nothing_is_wrong(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(environment, "has_labkit", lambda root: False)
    found = list(doctor.the_environment(root))
    assert {finding.mark for finding in found} == {Mark.OK, Mark.NOTE}
    assert found[-1].what == "environment: .venv: there is none yet"


def test_a_missing_venv_module_must_be_fixed(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    first = next(doctor.can_set_up(root))
    assert first.mark is Mark.FIX
    assert "sudo apt install python3-venv" in first.do


def test_a_full_disk_must_be_fixed(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shutil.disk_usage", lambda path: argparse.Namespace(free=2e8))
    assert Finding(Mark.FIX, "disk: 0.2 GB free", "set-up needs 1.5 GB: free some") in list(doctor.can_set_up(root))


def test_an_interrupted_set_up_is_said(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(environment, "has_labkit", lambda root: False)
    (root / ".venv").mkdir()
    (root / ".venv" / STAMP).write_text('{"state": "unfinished"}')
    assert "an earlier set-up did not end" in list(doctor.the_environment(root))[-1].what


def test_a_venv_of_somebody_else_must_be_activated(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(environment, "has_labkit", lambda root: False)
    (root / ".venv").mkdir()
    (root / ".venv" / "pyvenv.cfg").touch()
    (only,) = doctor.the_environment(root)
    assert only.mark is Mark.FIX
    assert "activate it" in only.do


def test_a_healthy_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    assert contents(monkeypatch) == [
        Finding(Mark.OK, "packages: as in constraints.txt"),
        Finding(Mark.OK, "kernel: starts and imports labkit (0.9 s)"),
    ]


def test_missing_packages_must_be_fixed(monkeypatch: pytest.MonkeyPatch) -> None:
    first = contents(monkeypatch, unmet=["moto is 5.2.6, labkit needs ==5.2.5"])[0]
    assert first == Finding(Mark.FIX, "packages: moto is 5.2.6, labkit needs ==5.2.5", "run: again")


def test_other_versions_are_a_note(monkeypatch: pytest.MonkeyPatch) -> None:
    first = contents(monkeypatch, other=["pandas 3.2.0 (3.1.1)"])[0]
    assert first.mark is Mark.NOTE
    assert "pandas 3.2.0 (3.1.1)" in first.what


def test_a_kernel_that_does_not_start_must_be_fixed(monkeypatch: pytest.MonkeyPatch) -> None:
    assert contents(monkeypatch, kernel_error="NoSuchKernel: python3")[1].mark is Mark.FIX


def test_an_environment_that_cannot_answer_must_be_fixed(monkeypatch: pytest.MonkeyPatch) -> None:
    answer(monkeypatch, "", "Traceback\nModuleNotFoundError: No module named 'packaging'\n")
    (only,) = doctor.contents(Path(sys.executable), Path(), "run: again")
    assert only.mark is Mark.FIX
    assert "No module named 'packaging'" in only.what


def test_credentials_are_named_and_never_shown(tmp_path: Path) -> None:
    (tmp_path / ".aws").mkdir()
    (tmp_path / ".aws" / "credentials").write_text("aws_secret_access_key = hush\n")
    found = doctor.keys({"AWS_SECRET_ACCESS_KEY": "hush", "AWS_PROFILE": "work"}, tmp_path)
    assert found.mark is Mark.NOTE
    assert "AWS_SECRET_ACCESS_KEY, AWS_PROFILE" in found.what
    assert str(tmp_path / ".aws" / "credentials") in found.what
    assert "hush" not in found.what + found.do
    assert "the embedded AWS does not use them" in found.do


def test_no_credentials_are_fine(tmp_path: Path) -> None:
    assert doctor.keys({"AWS_ACCESS_KEY_ID": ""}, tmp_path).mark is Mark.OK


def test_a_port_in_use_is_only_a_note(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(start, "is_free", lambda port: False)
    assert doctor.port().mark is Mark.NOTE


def test_no_browser_is_only_a_note(monkeypatch: pytest.MonkeyPatch) -> None:
    def get() -> None:
        raise webbrowser.Error

    monkeypatch.setattr(webbrowser, "get", get)
    assert "start --no-browser" in doctor.browser().do


INSTALLED = {"moto": "5.2.5", "pandas": "3.2.0"}


def test_versions_are_compared_where_their_marker_applies(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inside, "_installed", INSTALLED.get)
    needed = ["moto[ssm]==5.2.5", "pandas>=3", "flask>=3", "pytest>=9; extra == 'dev'"]
    monkeypatch.setattr("importlib.metadata.requires", lambda name: needed)
    constraints = "# a comment\nmoto==5.2.5\npandas==3.1.1\nnumpy==2.4.6\nmoto==1 ; python_version < '3'\n"
    assert inside.versions(constraints) == (["flask is missing"], ["pandas 3.2.0 (3.1.1)"])


def test_a_requirement_that_is_not_met_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inside, "_installed", INSTALLED.get)
    monkeypatch.setattr("importlib.metadata.requires", lambda name: ["pandas<3"])
    assert inside.versions("") == (["pandas is 3.2.0, labkit needs <3"], [])


def test_an_environment_prints_one_line_of_json_about_itself() -> None:
    """Asked for real: a kernel starts, and nothing that it says gets between."""
    printed = subprocess.check_output([sys.executable, "-m", "labkit.cli.inside"], text=True, cwd=ROOT)
    told = json.loads(printed)
    assert told.keys() == HEALTHY.keys()
    assert told["unmet"] or not told["kernel_error"]
