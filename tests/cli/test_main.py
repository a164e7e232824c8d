"""The command line: help, verbs, errors, and where a verb runs."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from labkit import __version__, cli
from labkit.cli import environment
from labkit.cli.errors import command
from labkit.errors import CommandError


def test_help_has_a_line_for_each_verb(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["--help"]) == 0
    printed = capsys.readouterr().out
    for name, verb in cli.VERBS.items():
        assert f"  {name:<8} {verb.help}\n" in printed


def test_no_verb_at_all_is_wrong_usage(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main([]) == 2
    assert "usage:" in capsys.readouterr().out


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["--version"]) == 0
    assert capsys.readouterr().out == f"labkit {__version__}\n"


def test_an_unknown_verb_names_the_nearest_and_all(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["strat"]) == 2
    error = capsys.readouterr().err
    assert "There is no verb 'strat'" in error
    assert "labkit start'?" in error
    assert ", ".join(cli.VERBS) in error


@pytest.mark.parametrize("verb", cli.VERBS)
def test_each_verb_explains_itself(verb: str, capsys: pytest.CaptureFixture[str], root: Path) -> None:
    with pytest.raises(SystemExit) as end:
        cli.main([verb, "--help"])
    assert end.value.code == 0
    assert f"usage: labkit {verb}" in capsys.readouterr().out


def test_wrong_arguments_are_refused_before_anything_is_set_up(root: Path) -> None:
    with pytest.raises(SystemExit):
        cli.main(["start", "--port", "eighty"])
    assert not (root / ".venv").exists()


@pytest.mark.parametrize(("argv0", "line"), [("/usr/bin/labkit", "labkit run"), ("C:/x/labkit.exe", "labkit run")])
def test_hints_name_the_command_as_it_was_typed(argv0: str, line: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", [argv0])
    assert command("run") == line


@pytest.mark.parametrize(("platform", "line"), [("linux", "python3 -m labkit run"), ("win32", "py -m labkit run")])
def test_hints_name_python_where_there_is_no_script(platform: str, line: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["labkit/__main__.py"])
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
    lines: list[list[str]] = []
    monkeypatch.setattr(environment, "ensure", lambda: Path("/there/python"))

    def execv(python: Path, line: list[str]) -> None:
        lines.append(line)
        raise SystemExit(0)  # execv never comes back

    monkeypatch.setattr(os, "execv", execv)
    with pytest.raises(SystemExit):
        cli.main(["test", "-k", "a and b"])
    assert lines == [["/there/python", "-m", "labkit", "test", "-k", "a and b"]]


def test_an_error_is_a_sentence_and_exit_code_1(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def ensure() -> None:
        raise CommandError("The disk is full. Free some.")

    monkeypatch.setattr(environment, "ensure", ensure)
    assert cli.main(["setup"]) == 1
    assert capsys.readouterr().err == "labkit: The disk is full. Free some.\n"


def test_an_interruption_says_that_the_next_try_recovers(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def ensure() -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(environment, "ensure", ensure)
    assert cli.main(["setup"]) == 130
    assert "run the same command again" in capsys.readouterr().err
