"""`labkit start`: a server on this machine only, that asks the internet for nothing."""

from __future__ import annotations

import argparse
import json
import os
import socket
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import nbformat
import pytest

from labkit.cli import start
from labkit.errors import CommandError
from labkit.learn import bookmark


class FakeServer:
    """JupyterLab as `start` sees it: what it was started with, and how it ends."""

    code = 0

    def __call__(self, port: socket.socket, line: list[str], env: dict[str, str], farewell: str) -> int:
        self.port, self.line, self.env = port.getsockname()[1], line, env
        self.serving = start.serving(Path.cwd())
        return self.code


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> FakeServer:
    made = FakeServer()
    monkeypatch.setenv("LABKIT_PROGRESS", str(tmp_path / "progress.json"))
    monkeypatch.setattr("labkit.cli.server.serve", made)
    return made


def options(**given: Any) -> argparse.Namespace:
    return argparse.Namespace(**{"port": None, "no_browser": False, "fresh": [], **given})


def chapter(root: Path, name: str) -> None:
    nbformat.write(nbformat.v4.new_notebook(), root / "notebooks" / name)


def test_it_listens_on_this_machine_only_and_asks_for_no_news(root: Path, server: FakeServer) -> None:
    start.run(options())
    line = server.line
    assert "--ServerApp.ip=127.0.0.1" in line
    assert f"--ServerApp.root_dir={root}" in line
    assert "--LabApp.news_url=None" in line
    assert "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate" in line
    assert "--no-browser" not in line


def test_it_opens_the_student_s_copy_of_the_first_notebook_and_prints_its_url(
    root: Path, server: FakeServer, capsys: pytest.CaptureFixture[str]
) -> None:
    start.run(options())
    assert "'git restore notebooks' brings it back" in capsys.readouterr().out
    assert "--LabApp.default_url=/lab" in server.line
    chapter(root, start.FIRST)
    assert start.run(options(no_browser=True)) == 0
    assert "--LabApp.default_url=/lab/tree/my-notebooks/00-start-here.ipynb" in server.line
    assert "--no-browser" in server.line
    token = server.env["JUPYTER_TOKEN"]
    assert len(token) >= 32
    printed = capsys.readouterr().out
    assert "Added to my-notebooks/" in printed
    assert f"/lab/tree/my-notebooks/00-start-here.ipynb?token={token}" in printed
    assert token not in " ".join(server.line), "the token must not show in the list of processes"


def test_it_opens_the_notebook_worked_on_last(root: Path, server: FakeServer) -> None:
    for name in (start.FIRST, "03-the-failed-ping.ipynb"):
        chapter(root, name)
    start.run(options())
    for last, opened in (("03", "03-the-failed-ping"), ("09", "00-start-here")):  # there is no 09
        bookmark.keep(last, "a-cell")
        start.run(options())
        assert f"--LabApp.default_url=/lab/tree/my-notebooks/{opened}.ipynb" in server.line


def test_a_fresh_copy_is_asked_for_by_number_or_name_and_opened(root: Path, server: FakeServer) -> None:
    for name in (start.FIRST, "03-the-failed-ping.ipynb", "04-peering-and-routes.ipynb"):
        chapter(root, name)
    start.run(start.parse([]))
    mine = root / "my-notebooks" / "03-the-failed-ping.ipynb"
    mine.write_text("work")
    for number in ("00", "03"):
        bookmark.keep(number, "a-cell")
    start.run(start.parse(["--fresh", "3", "my-notebooks/04-peering-and-routes.ipynb"]))
    assert "--LabApp.default_url=/lab/tree/my-notebooks/03-the-failed-ping.ipynb" in server.line
    assert mine.with_name("old-03-the-failed-ping-1.ipynb").read_text() == "work"
    assert bookmark.read("03") is None and bookmark.read("00") == "a-cell"  # whoever begins again was nowhere yet
    assert start.parse(["--fresh", "3", "--fresh", "04"]).fresh == [mine.name, "04-peering-and-routes.ipynb"]
    with pytest.raises(CommandError, match="There is no chapter '7'"):
        start.parse(["--fresh", "7"])


def test_the_settings_come_on_top_of_the_persons_own_and_hashes_are_as_in_the_committed_notebooks(
    root: Path, server: FakeServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("JUPYTER_CONFIG_PATH", "/mine")
    start.run(options())
    assert server.env["JUPYTER_CONFIG_PATH"] == os.pathsep.join([str(start.SETTINGS), "/mine"])
    defaults = json.loads((start.SETTINGS / "labconfig" / "default_setting_overrides.json").read_text())
    assert defaults["@jupyterlab/apputils-extension:notification"]["fetchNews"] == "false"
    assert server.env["PYTHONHASHSEED"] == "0"


def test_its_kernels_are_told_which_aws_to_use(root: Path, server: FakeServer, monkeypatch: pytest.MonkeyPatch) -> None:
    names = ("LABKIT_AWS", "LABKIT_PROFILE", "LABKIT_REGION")
    for name in names:
        monkeypatch.delenv(name, raising=False)

    def told(*arguments: str) -> dict[str, str]:
        start.run(start.parse(list(arguments)))
        return {name: value for name, value in server.env.items() if name in names}

    assert told() == {}
    assert told("--aws") == {"LABKIT_AWS": "aws"}
    assert told("--aws", "contrary:throttling") == {"LABKIT_AWS": "contrary:throttling"}
    assert told("--aws", "--profile", "class", "--region", "eu-west-1") == {
        "LABKIT_AWS": "aws", "LABKIT_PROFILE": "class", "LABKIT_REGION": "eu-west-1",
    }  # fmt: skip


def test_a_profile_without_a_real_account_is_refused(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("LABKIT_AWS", raising=False)
    for arguments in (["--profile", "class"], ["--aws", "contrary", "--region", "eu-west-1"]):
        with pytest.raises(SystemExit):
            start.parse(arguments)
        assert "--profile and --region are for a real account: add --aws" in capsys.readouterr().err
    monkeypatch.setenv("LABKIT_AWS", "aws")
    assert start.parse(["--profile", "class"]).profile == "class", "the environment says that it is one"


def test_its_end_is_said_and_a_server_that_fails_an_error(
    root: Path, server: FakeServer, capsys: pytest.CaptureFixture[str]
) -> None:
    assert start.run(options()) == 0
    assert "JupyterLab has ended" in capsys.readouterr().err
    server.code = 3
    with pytest.raises(CommandError, match=r"JupyterLab ended with code 3.*doctor"):
        start.run(options())


def test_the_port_is_the_one_asked_for_if_it_is_free_or_else_the_next_free_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with socket.create_server((start.HOST, 0)) as taken, monkeypatch.context() as patch:
        busy = taken.getsockname()[1]
        with pytest.raises(CommandError, match=f"Port {busy} is in use: choose another"):
            start.open_port(busy)
        patch.setattr(start, "PORT", busy)
        with start.open_port(None) as first, start.open_port(None) as second:
            assert busy < first.getsockname()[1] < second.getsockname()[1] < busy + 100
    monkeypatch.setattr(socket, "create_server", Mock(side_effect=OSError))
    with pytest.raises(CommandError, match="No port from 8888 to 8987 is free"):
        start.open_port(None)


def test_a_server_is_seen_for_as_long_as_it_runs(root: Path, server: FakeServer) -> None:
    start.run(options())
    assert server.serving == [str(server.port)]
    assert start.serving(root) == []


def test_what_is_not_a_port_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    for text in ("80", "65536", "-1", "eighty", "８８８８"):
        with pytest.raises(SystemExit):
            start.parse([f"--port={text}"])
        assert "is not a port; choose a number from 1024 to 65535" in capsys.readouterr().err
