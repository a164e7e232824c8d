"""The command line: help, verbs, errors, and where a verb runs."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from unittest.mock import Mock

import pytest

from labkit import __version__, cli
from labkit.cli import environment
from labkit.cli.messages import command
from labkit.errors import CommandError


def test_help_version_and_wrong_usage(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["--help"]) == 0
    printed = capsys.readouterr().out
    for name, verb in cli.VERBS.items():
        assert f"  {name:<8} {verb.help}\n" in printed
    assert cli.main([]) == 2
    assert "usage:" in capsys.readouterr().out
    assert cli.main(["--version"]) == 0
    assert capsys.readouterr().out == f"labkit {__version__}\n"
    assert cli.main(["strat"]) == 2
    error = capsys.readouterr().err
    assert "There is no verb 'strat'" in error and "labkit start'?" in error and ", ".join(cli.VERBS) in error


def test_each_verb_explains_itself(capsys: pytest.CaptureFixture[str], root: Path) -> None:
    for verb in cli.VERBS:
        with pytest.raises(SystemExit) as end:
            cli.main([verb, "--help"])
        assert end.value.code == 0
        assert f"usage: labkit {verb}" in capsys.readouterr().out


def test_wrong_arguments_are_refused_before_anything_is_set_up(root: Path) -> None:
    with pytest.raises(SystemExit):
        cli.main(["start", "--port", "eighty"])
    assert not (root / ".venv").exists()


def test_hints_name_the_command_as_it_was_typed(monkeypatch: pytest.MonkeyPatch) -> None:
    for argv0, platform, line in (
        ("/usr/bin/labkit", "linux", "labkit run"),
        ("C:/x/labkit.exe", "win32", "labkit run"),
        ("labkit/__main__.py", "linux", "python3 -m labkit run"),
        ("labkit/__main__.py", "win32", "py -m labkit run"),
    ):
        monkeypatch.setattr(sys, "argv", [argv0])
        monkeypatch.setattr(sys, "platform", platform)
        assert command("run") == line


def test_a_verb_runs_here_if_this_environment_has_labkit(
    root: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(environment, "has_labkit", lambda root: True)
    assert cli.main(["setup"]) == 0
    assert f"Everything is set up in {sys.prefix}" in capsys.readouterr().out
    assert not (root / ".venv").exists()


@pytest.mark.skipif(os.name != "posix", reason="on Windows the environment's Python is a child process")
def test_a_verb_runs_in_the_environment_otherwise(monkeypatch: pytest.MonkeyPatch) -> None:
    execv = Mock(side_effect=SystemExit)  # it never comes back
    monkeypatch.setattr(environment, "ensure", lambda: Path("/there/python"))
    monkeypatch.setattr(os, "execv", execv)
    with pytest.raises(SystemExit):
        cli.main(["test", "-k", "a and b"])
    execv.assert_called_once_with(Path("/there/python"), ["/there/python", "-m", "labkit", "test", "-k", "a and b"])


def test_an_error_is_a_sentence_and_an_exit_code(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(environment, "ensure", Mock(side_effect=CommandError("The disk is full. Free some.")))
    assert cli.main(["setup"]) == 1
    assert capsys.readouterr().err == "labkit: The disk is full. Free some.\n"
