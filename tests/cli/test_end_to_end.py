"""The whole of set-up, for real, in a copy of the project as a fresh clone has it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from labkit.cli.environment import STAMP

ROOT = Path(__file__).parents[2]


@pytest.mark.slow
def test_a_killed_set_up_recovers_and_the_next_takes_no_time(tmp_path: Path) -> None:
    clone = tmp_path / "a fresh clone"
    listed = subprocess.check_output(["git", "ls-files", "-co", "--exclude-standard", "-z"], cwd=ROOT, text=True)
    for name in [name for name in listed.split("\0") if (ROOT / name).is_file()]:
        (clone / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / name, clone / name)
    python = getattr(sys, "_base_executable", sys.executable)
    line = [python, "-m", "labkit", "setup"]
    variables = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "VIRTUAL_ENV")}

    killed = subprocess.Popen(line, cwd=clone, env=variables)
    time.sleep(15)
    killed.kill()
    killed.wait()
    assert "unfinished" in (clone / ".venv" / STAMP).read_text()

    shown = subprocess.check_output(line, cwd=clone, env=variables, text=True)
    assert "Setting up .venv again: an earlier set-up did not end." in shown
    shown = subprocess.check_output(line, cwd=clone, env=variables, text=True)
    assert "Setting up" not in shown
    subprocess.run([python, "-m", "labkit", "doctor"], cwd=clone, env=variables, check=True)
