"""Ctrl-C, SIGTERM and a closed terminal, at any moment: a command ends with a sentence and leaves nothing behind."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import nbformat
import pytest

from labkit import interruption
from labkit.cli import environment
from labkit.cli.environment import State
from tests.hostile.commands import Command, still_running
from tests.hostile.fuzzing import SOAK

pytestmark = pytest.mark.skipif(os.name != "posix", reason="Windows has no process groups to send signals to")

#: How long a command may take to end, in seconds, on a machine that does other things, too.
END_SECONDS = 5

WORDS = {
    signal.SIGINT: "labkit: Interrupted. Nothing is lost: run the same command again.\n",
    signal.SIGTERM: "labkit: Ended by SIGTERM. Nothing is lost: run the same command again.\n",
    signal.SIGHUP: "labkit: Ended by SIGHUP. Nothing is lost: run the same command again.\n",
}

#: Each with the latest moment at which it is interrupted, in seconds, and whether its environment is yet to be made.
COMMANDS = {
    "run": (["run"], 4.0, False),
    "run contrary": (["run", "--aws", "contrary", "--score"], 4.0, False),
    "flows": (["flows", "-"], 2.0, False),
    "doctor": (["doctor"], 1.0, False),
    "cleanup": (["cleanup", "--aws", "embedded"], 0.3, False),
    "test": (["test", "-p", "no:cacheprovider", "forever.py"], 3.0, False),
    "setup": (["setup"], 4.0, True),
}

#: A pip that never comes to an end, nor does what it started.
FAKE_PIP = """
import subprocess, sys, time
if "install" in sys.argv:
    print("Collecting moto", flush=True)
    subprocess.run([sys.executable, "-c", "import time; time.sleep(600)"])
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    folder = tmp_path / "the course"
    (folder / "notebooks").mkdir(parents=True)
    for name in ("pyproject.toml", "constraints.txt"):
        (folder / name).touch()
    for number in range(3):
        cells = [nbformat.v4.new_code_cell(f"import time; time.sleep({pause})") for pause in (0, 0.1, 0.2)]
        nbformat.write(nbformat.v4.new_notebook(cells=cells), folder / "notebooks" / f"0{number}-short.ipynb")
    (folder / "forever.py").write_text("import time\ndef test_it(): time.sleep(600)\n")
    return folder


@pytest.mark.parametrize("name", COMMANDS)
def test_the_first_signal_ends_it_at_any_moment(name: str, project: Path, tmp_path: Path) -> None:
    arguments, latest, bare = COMMANDS[name]
    (tmp_path / "fake").mkdir()
    (tmp_path / "fake" / "pip.py").write_text(FAKE_PIP)
    variables = {"PYTHONPATH": os.pathsep.join([str(Path.cwd()), str(tmp_path / "fake")]), "LABKIT_TEST_BARE": "1"}

    def interrupt(seed: int) -> None:
        rng = random.Random(f"{name} {seed}")
        here = tmp_path / str(seed)
        here.mkdir()
        for entry in project.iterdir():
            (here / entry.name).symlink_to(entry)
        command = Command(here, *arguments, stdin=subprocess.PIPE, variables=variables if bare else None)
        time.sleep(rng.uniform(0, latest))
        number, group = rng.choice([signal.SIGINT, *WORDS]), rng.random() < 0.5
        started, began = command.started(), time.monotonic()
        if command.process.poll() is not None:
            return  # it was done
        code, error = command.end(number, group)
        took = time.monotonic() - began
        if code in (0, 1) and name != "setup":  # the signal came when it was done
            assert "Traceback" not in error
            return
        said = error.removeprefix("reading flow logs\n")
        assert (code, said) == (128 + number, WORDS[signal.Signals(number)]), f"{seed}: {error}"
        assert took < END_SECONDS
        assert still_running(started) == []
        for path in here.rglob("build/*.ipynb"):
            nbformat.read(path, as_version=4)
        assert not [path for path in here.rglob("*.new") if ".venv" not in path.parts]
        if bare:
            assert environment.state(here) in (State.ABSENT, State.UNFINISHED)

    with ThreadPoolExecutor(3) as pool:
        for _ in pool.map(interrupt, range(3 * SOAK)):
            pass


def test_a_second_ctrl_c_ends_it_at_once(tmp_path: Path) -> None:
    """Even where the first is kept waiting, as by a disk that does not answer."""
    program = (
        "import os, time; from labkit import interruption as i; i.watch()\nwith i.deferred():\n os.write(1, b'.'); "
    )
    line = [sys.executable, "-c", program + "time.sleep(600)"]
    with subprocess.Popen(line, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None and process.stdout.read(1) == b"."
        process.send_signal(signal.SIGINT)
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(0.3)
        process.send_signal(signal.SIGINT)
        assert process.wait(5) == -signal.SIGINT


def test_what_is_being_written_is_written_first(tmp_path: Path) -> None:
    program = (
        "import signal, sys; from labkit import interruption as i; i.watch(); i.at_end(lambda: print('cleaned'))\n"
        "with i.deferred():\n signal.raise_signal(signal.SIGTERM)\n print('whole', flush=True)\nprint('on')"
    )
    variables = {**os.environ, "PYTHONUNBUFFERED": "1"}
    line = [sys.executable, "-c", program]
    done = subprocess.run(line, capture_output=True, text=True, env=variables, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (143, "whole\ncleaned\n", WORDS[signal.SIGTERM])


def test_what_a_process_was_told_to_ignore_stays_ignored(monkeypatch: pytest.MonkeyPatch) -> None:
    """As `nohup labkit start` does with SIGHUP."""
    kept = {number: signal.getsignal(number) for number in interruption.SIGNALS}
    try:
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
        interruption.watch()
        assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
        assert signal.getsignal(signal.SIGTERM) is not kept[signal.SIGTERM]
    finally:
        for number, handler in kept.items():
            signal.signal(number, handler)
