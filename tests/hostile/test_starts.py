"""`labkit start`: two at once, killed, and a closed terminal; JupyterLab and its kernels end with it."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import time
import urllib.request
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests.hostile.commands import ROOT, Command, still_running

pytestmark = pytest.mark.skipif(os.name != "posix", reason="Windows has no such signals")

#: A kernel looks once a second whether its parent is still there.
KERNEL_SECONDS = 5


class Server:
    """A server that has just been asked for.

    Args:
        project: The folder that it serves.
    """

    def __init__(self, project: Path) -> None:
        self.command = Command(
            project, "start", "--no-browser", variables={"JUPYTER_RUNTIME_DIR": str(project / "runtime")}
        )

    def wait(self) -> None:
        """Wait until it answers, and start a kernel in it that is busy."""
        assert self.command.process.stdout is not None
        url = next(line for line in self.command.process.stdout if b"http://" in line).decode()
        found = re.search(r"(http://\S+?:(\d+))/\S*token=(\w+)", url)
        assert found
        self.url, self.port, self.token = found[1], found[2], found[3]
        for _ in range(300):
            try:
                self.ask("api/status")
                break
            except OSError:
                time.sleep(0.1)
        self.ask("api/kernels", {"name": "python3"})

    def ask(self, path: str, body: Any = None) -> Any:
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"{self.url}/{path}", data, {"Authorization": f"token {self.token}"})
        with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=30) as answer:
            return json.loads(answer.read())


@pytest.fixture
def project(tmp_path: Path) -> Path:
    for name in ("pyproject.toml", "constraints.txt"):
        (tmp_path / name).touch()
    (tmp_path / "notebooks").mkdir()
    shutil.copy(ROOT / "notebooks" / "00-start-here.ipynb", tmp_path / "notebooks")
    return tmp_path


def test_several_at_once_have_a_port_each_clean_sees_them_and_nothing_outlives_them(project: Path) -> None:
    servers = [Server(project) for _ in range(3)]
    processes: list[psutil.Process] = []
    try:
        for server in servers:
            server.wait()
        assert len({server.port for server in servers}) == 3

        (project / ".pytest_cache").mkdir()
        clean = Command(project, "clean").process
        _, error = clean.communicate()
        assert clean.returncode == 1
        assert all(f"JupyterLab on port {server.port}" in error.decode() for server in servers)
        assert (project / ".pytest_cache").is_dir()

        ends = {signal.SIGINT: 130, signal.SIGHUP: 129, signal.SIGKILL: -signal.SIGKILL}
        for server, (number, expected) in zip(servers, ends.items(), strict=True):
            processes = server.command.started()
            assert processes, "its kernel"
            code, error = server.command.end(number, group=number == signal.SIGINT)
            assert (code, "Traceback" in error) == (expected, False), error
            # On a machine with much else to do, it is killed after two seconds.
            said = "JupyterLab has ended" in error or "Nothing is lost" in error
            assert said == (number != signal.SIGKILL)
            assert still_running(processes, KERNEL_SECONDS if number == signal.SIGKILL else 0) == []

        with Command(project, "clean").process as clean:
            assert clean.wait() == 0
        assert not (project / ".pytest_cache").exists()
    finally:
        for server in servers:
            still_running(server.command.started())
            server.command.process.kill()
            server.command.process.wait()
