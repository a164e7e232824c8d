"""`labkit test`: one pytest run for tests and notebooks."""

from __future__ import annotations

import sys
from contextlib import nullcontext
from pathlib import Path
from unittest.mock import Mock

import pytest

from labkit import interruption
from labkit.cli import testing
from labkit.errors import CommandError


@pytest.fixture
def call(monkeypatch: pytest.MonkeyPatch) -> Mock:
    made = Mock(side_effect=lambda *_, **__: nullcontext(Mock(**{"wait.return_value": 5})))
    monkeypatch.setattr(interruption, "child", made)
    return made


def test_notebooks_are_strict_parallel_by_file_and_hashes_fixed(root: Path, call: Mock) -> None:
    assert testing.run([]) == 5, "pytest's own exit code"
    (line,), keywords = call.call_args
    assert line[:4] == [sys.executable, "-m", "pytest", "--nbval"]
    assert line[line.index("--dist") + 1] == "loadfile"
    assert 1 <= int(line[line.index("-n") + 1]) <= testing.MOST_WORKERS
    assert keywords["cwd"] == root
    assert keywords["env"]["PYTHONHASHSEED"] == "0"


def test_further_arguments_go_to_pytest_last_so_that_they_win(root: Path, call: Mock) -> None:
    testing.run(testing.parse(["-n", "0", "-k", "ping"]))
    assert call.call_args.args[0][-4:] == ["-n", "0", "-k", "ping"]


def test_two_dashes_pass_even_help_on() -> None:
    assert testing.parse(["--", "--help"]) == ["--help"]


def test_an_environment_without_the_tools_for_tests_is_told(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None if name == "nbval" else object())
    with pytest.raises(CommandError, match=r"not the tools for tests \(nbval\).*pip install -e '\.\[dev\]'"):
        testing.run([])
