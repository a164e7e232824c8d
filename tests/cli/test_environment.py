"""Set-up: made once, recognized after that, repaired or remade when it is out of date; never somebody else's."""

from __future__ import annotations

import errno
import os
import re
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import pytest

from labkit import cli, interruption
from labkit.cli import environment, pip
from labkit.cli.environment import STAMP, State
from labkit.errors import CommandError
from labkit.machine import locked


def made() -> Mock:
    """`python -m venv` that has succeeded."""
    return Mock(returncode=0, **{"communicate.return_value": ("", None)})


class FakeTools:
    """venv and pip as far as set-up can see them; `fail_at` names the step that raises."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.calls: list[str] = []
        self.fail_at = ""
        self.error: BaseException = KeyboardInterrupt()

    @contextmanager
    def child(self, line: list[str], **options: object) -> Iterator[Mock]:
        self._step("venv")
        assert line[1:3] == ["-m", "venv"]
        assert options["pass_fds"] or os.name == "nt", "it keeps the lock if set-up is killed"
        python = environment.python_in(Path(line[-1]))
        python.parent.mkdir(exist_ok=True)
        python.touch()
        yield made()

    def install(self, python: Path, arguments: list[str], target: Path | None = None, pass_fds: object = ()) -> None:
        assert environment.state(self.root) is State.UNFINISHED, "a kill at this moment must be seen by the next run"
        assert pass_fds or os.name == "nt", "it keeps the lock if set-up is killed"
        assert arguments == ["-e", f"{self.root}[dev]", "-c", str(self.root / "constraints.txt")]
        (self.root / ".venv" / "package").touch()
        self._step("pip")

    def _step(self, name: str) -> None:
        self.calls.append(name)
        if self.fail_at == name:
            raise self.error


@pytest.fixture
def tools(root: Path, bare: None, monkeypatch: pytest.MonkeyPatch) -> FakeTools:
    fake = FakeTools(root)
    monkeypatch.setattr(interruption, "child", fake.child)
    monkeypatch.setattr(pip, "install", fake.install)
    return fake


def test_the_first_run_makes_it_and_the_second_finds_it(root: Path, tools: FakeTools) -> None:
    assert environment.state(root) is State.ABSENT
    assert environment.ensure() == environment.python_in(root / ".venv")
    assert environment.state(root) is State.READY
    assert environment.ensure() == environment.python_in(root / ".venv")
    assert tools.calls == ["venv", "pip"]


@pytest.mark.parametrize("step", ["venv", "pip"])
def test_an_interruption_is_seen_and_the_next_run_starts_clean(root: Path, tools: FakeTools, step: str) -> None:
    tools.fail_at = step
    with pytest.raises(KeyboardInterrupt):
        environment.ensure()
    assert environment.state(root) is State.UNFINISHED
    leftover = root / ".venv" / "half-written"
    leftover.touch()
    tools.fail_at = ""
    environment.ensure()
    assert environment.state(root) is State.READY
    assert not leftover.exists()


@pytest.mark.parametrize("name", ["pyproject.toml", "constraints.txt"])
def test_a_change_of_what_it_is_made_from_runs_pip_again_but_line_ends_of_windows_are_none(
    root: Path, tools: FakeTools, name: str
) -> None:
    environment.ensure()
    text = (root / name).read_bytes()
    (root / name).write_bytes(text.replace(b"\n", b"\r\n"))
    assert environment.state(root) is State.READY
    (root / name).write_bytes(text + b"# changed\n")
    assert environment.state(root) is State.STALE
    environment.ensure()
    assert tools.calls == ["venv", "pip", "pip"]
    assert environment.state(root) is State.READY


def test_an_interrupted_update_is_remade_from_nothing(root: Path, tools: FakeTools) -> None:
    environment.ensure()
    (root / "constraints.txt").write_text("moto==5.2.6\n")
    tools.fail_at = "pip"
    with pytest.raises(KeyboardInterrupt):
        environment.ensure()
    tools.fail_at = ""
    environment.ensure()
    assert tools.calls == ["venv", "pip", "pip", "venv", "pip"]


def test_another_python_or_folder_or_none_remakes_it(
    root: Path, tools: FakeTools, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The scripts in .venv, and the link to the project, name the old folder."""
    environment.ensure()
    real = environment._maker(root)
    with monkeypatch.context() as patch:
        patch.setattr(environment, "_maker", lambda root: real.replace("Python 3.", "Python 4."))
        assert environment.state(root) is State.OTHER_PYTHON
        environment.ensure()
        assert tools.calls == ["venv", "pip"] * 2
    moved = root.rename(root.with_name("moved"))
    assert environment.state(moved) is State.OTHER_PYTHON
    environment.python_in(moved / ".venv").unlink()
    assert environment.state(moved) is State.UNFINISHED


def test_a_stamp_that_does_not_say_ready_means_unfinished(root: Path) -> None:
    (root / ".venv").mkdir()
    for content in ("", "{", '{"state": "unfinished"}', "{}", "[]"):
        (root / ".venv" / STAMP).write_text(content)
        assert environment.state(root) is State.UNFINISHED


def test_a_set_up_that_was_killed_at_once_is_not_taken_for_somebody_elses(root: Path) -> None:
    (root / ".venv").mkdir()
    for name in (environment.LOCK, f".{STAMP}.new"):
        (root / ".venv" / name).touch()
        assert environment.state(root) is State.ABSENT


def test_somebody_elses_venv_is_never_touched_nor_what_a_link_leads_to(
    root: Path, tools: FakeTools, tmp_path: Path
) -> None:
    venv, theirs = root / ".venv", tmp_path / "theirs"
    theirs.mkdir()
    (theirs / "pyvenv.cfg").write_text("uv = 0.9\n")
    shutil.copytree(theirs, venv)
    for is_link in (False, True):
        if is_link:
            (theirs / STAMP).write_text('{"state": "ready", "maker": "Python 3.11 in another folder"}')
            shutil.rmtree(venv)
            venv.symlink_to(theirs)
        assert environment.state(root) is State.FOREIGN
        with pytest.raises(CommandError, match=r"was not made by labkit, so it stays as it is\. Activate it"):
            environment.ensure()
        assert (venv / "pyvenv.cfg").read_text() == "uv = 0.9\n"
    assert tools.calls == []


def test_of_two_at_once_one_waits_and_finds_it_made(
    root: Path, tools: FakeTools, monkeypatch: pytest.MonkeyPatch
) -> None:
    waits = threading.Event()
    monkeypatch.setattr("builtins.print", lambda text, **_: waits.set() if "This one waits" in text else None)
    second = threading.Thread(target=environment.ensure)

    def install(*arguments: Any, **options: Any) -> None:
        second.start()
        assert waits.wait(10)
        tools.install(*arguments, **options)

    monkeypatch.setattr(pip, "install", install)
    environment.ensure()
    second.join()
    assert tools.calls == ["venv", "pip"]
    assert environment.state(root) is State.READY


@pytest.mark.skipif(os.name != "posix", reason="on Windows, a process can't inherit a lock")
def test_what_a_killed_set_up_left_running_ends_before_the_next_begins(root: Path) -> None:
    """A process that keeps the lock open stands for its pip."""
    (root / ".venv").mkdir()
    path = root / ".venv" / environment.LOCK
    with locked(path) as lock:
        pip_of_it = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE, pass_fds=(lock,))
    with pytest.raises(BlockingIOError), locked(path, wait=False):
        pass
    pip_of_it.communicate(b"\n")
    with locked(path, wait=False):
        pass


def test_what_the_system_refuses_is_a_sentence(
    root: Path, tools: FakeTools, capsys: pytest.CaptureFixture[str]
) -> None:
    full = OSError(errno.ENOSPC, "No space left on device")
    refused = OSError(errno.EACCES, "Permission denied", ".venv")
    other = OSError(errno.EIO, "Input/output error")
    for error, words in (
        (full, r"The disk is full\. Free about 1 GB, then run the same command"),
        (refused, r"can't be written\. Close .*'\.venv'"),
        (other, "The system refused something: .* Fix that, then run the same command"),
    ):
        for step in ("venv", "pip"):
            tools.fail_at, tools.error = step, error
            assert cli.main(["setup"]) == 1
            assert re.search(words, capsys.readouterr().err, re.DOTALL)
            assert environment.state(root) is State.UNFINISHED


def test_without_the_venv_module_and_pip_the_package_to_install_is_named(
    root: Path, tools: FakeTools, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None if name in ("ensurepip", "pip") else object())
    with pytest.raises(CommandError, match="sudo apt install python3-venv"):
        environment.ensure()


def test_without_ensurepip_the_systems_pip_begins(root: Path, bare: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Debian splits ensurepip off into python3-venv; its python3-pip can install pip into the environment instead."""
    child, install = Mock(side_effect=lambda *_, **__: nullcontext(made())), Mock()
    monkeypatch.setattr(interruption, "child", child)
    monkeypatch.setattr(pip, "install", install)
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None if name == "ensurepip" else object())
    environment.ensure()
    assert "--without-pip" in child.call_args.args[0]
    assert install.call_args_list[0].args[1] == ["pip"]
    assert install.call_args_list[0].kwargs["target"] == environment.python_in(root / ".venv")


def test_labkit_merely_at_hand_is_not_installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`python3 -m labkit` puts the project's folder on the path, which may hold the metadata of an older build."""
    (tmp_path / "labkit-1.0.dist-info").mkdir()
    (tmp_path / "labkit-1.0.dist-info" / "METADATA").write_text("Name: labkit\nVersion: 1.0\n")
    monkeypatch.setattr(sys, "path", [str(tmp_path)])
    assert not environment.has_labkit(tmp_path)
    monkeypatch.setattr("importlib.util.find_spec", lambda name: object())
    assert environment.has_labkit(tmp_path / "elsewhere")
