"""Start JupyterLab as `labkit start` does, with a copy of the course and its own settings folders."""

from __future__ import annotations

import json
import os
import secrets
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nbformat

from labkit.cli import my_notebooks, start
from labkit.cli.my_notebooks import FOLDER
from labkit.folders import notebooks_in

ROOT = Path(__file__).parents[2]
BUILD = ROOT / "build" / "browser"

LIGHT, DARK = "JupyterLab Light", "JupyterLab Dark"

#: Makes JupyterLab's commands available in the page, as `jupyterapp`.
EXPOSED = "--LabApp.expose_app_in_browser=True"

START_SECONDS = 90


@dataclass(frozen=True, slots=True)
class Jupyter:
    """A running JupyterLab.

    Attributes:
        course: The folder that it serves.
        url: Its address.
        token: The token that it asks for.
    """

    course: Path
    url: str
    token: str

    def page(self, notebook: str) -> str:
        """Return the address of one notebook, in a workspace with nothing else open."""
        return f"{self.url}/lab/tree/{FOLDER}/{notebook}?token={self.token}&reset"

    def path(self, notebook: str) -> Path:
        """Return the file of one notebook."""
        return self.course / FOLDER / notebook

    def ask(self, method: str, path: str, body: Any = None) -> Any:
        """Call the server's own API (https://jupyter-server.readthedocs.io/en/stable/developers/rest-api.html)."""
        data = json.dumps(body).encode() if body is not None else None
        request = urllib.request.Request(f"{self.url}/{path}", data, method=method)
        request.add_header("Authorization", f"token {self.token}")
        # Straight to this machine, whatever proxy the environment names.
        with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=30) as answer:
            text = answer.read()
        return json.loads(text) if text else None

    def look(self, theme: str = LIGHT, **fonts: str) -> None:
        """Set how the next page looks.

        Args:
            theme: The name of a theme.
            fonts: Font sizes by JupyterLab's names of the settings, such as `ui_font_size1="20px"`.
        """
        sizes = {name.replace("_", "-"): size for name, size in fonts.items()}
        self._settings("apputils-extension", "themes", {"theme": theme, "overrides": sizes})
        # Each cell is drawn whether or not it is in view, so that a picture can show all of them.
        self._settings("notebook-extension", "tracker", {"windowingMode": "none"})

    def _settings(self, extension: str, plugin: str, values: dict[str, Any]) -> None:
        path = self.course.parent / "settings" / "@jupyterlab" / extension / f"{plugin}.jupyterlab-settings"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(values))

    def end_kernels(self) -> None:
        for session in self.ask("GET", "api/sessions"):
            self.ask("DELETE", f"api/sessions/{session['id']}")

    def write(self, name: str, cells: list[str]) -> str:
        """Write a notebook with these code cells beside the course's; return its file name."""
        kernel = {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"}
        made = nbformat.v4.new_notebook(
            cells=[nbformat.v4.new_code_cell(source) for source in cells], metadata={"kernelspec": kernel}
        )
        nbformat.write(made, self.path(f"{name}.ipynb"))
        return f"{name}.ipynb"


def copy_course(folder: Path) -> Path:
    """Make the folder of a student who has written each step of their own as the course does, and return it."""
    shutil.copytree(ROOT / "data", folder / "data", ignore=shutil.ignore_patterns("__pycache__"))
    lesson = notebooks_in(ROOT / "notebooks")
    my_notebooks.update(lesson, folder / FOLDER)
    for path in lesson:
        solved = nbformat.read(folder / FOLDER / path.name, as_version=4)
        for cell, original in zip(solved.cells, nbformat.read(path, as_version=4).cells, strict=True):
            cell.source = original.source
        nbformat.write(solved, folder / FOLDER / path.name)
    return folder


@contextmanager
def jupyter_lab(folder: Path) -> Iterator[Jupyter]:
    """Serve a copy of the course from a new folder until the block ends."""
    course = copy_course(folder / "course")
    token = secrets.token_hex(24)
    variables = {
        **start.variables(token),
        "PYTHONPATH": str(ROOT),  # this labkit, not one that is installed
        "LABKIT_PROGRESS": str(folder / "progress.json"),
        "JUPYTER_CONFIG_DIR": str(folder / "config"),
        "JUPYTER_DATA_DIR": str(folder / "data"),
        "JUPYTER_RUNTIME_DIR": str(folder / "runtime"),
        "JUPYTERLAB_SETTINGS_DIR": str(folder / "settings"),
        "JUPYTERLAB_WORKSPACES_DIR": str(folder / "workspaces"),
    }
    with (folder / "jupyter.log").open("w") as log:
        port = _free_port()
        options = start.arguments(course, port, "/lab", no_browser=True)
        line = [sys.executable, "-m", "jupyterlab", *options, EXPOSED]
        server = subprocess.Popen(line, env=variables, cwd=course, stdout=log, stderr=subprocess.STDOUT)
        jupyter = Jupyter(course, f"http://{start.HOST}:{port}", token)
        try:
            _wait_for(jupyter, server, folder / "jupyter.log")
            yield jupyter
            jupyter.end_kernels()
        finally:
            server.terminate()
            try:
                server.wait(timeout=30)
            except subprocess.TimeoutExpired:
                server.kill()
                server.wait()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((start.HOST, 0))
        return int(probe.getsockname()[1])


def _wait_for(jupyter: Jupyter, server: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and server.poll() is None:
        try:
            jupyter.ask("GET", "api/status")
            return
        except (urllib.error.URLError, ConnectionError):
            time.sleep(0.1)
    raise RuntimeError(f"JupyterLab did not start within {START_SECONDS} s. It said:\n{log.read_text()}")


def is_root() -> bool:
    return os.name == "posix" and os.geteuid() == 0
