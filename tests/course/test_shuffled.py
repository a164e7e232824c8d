"""Cells run in any order on a computer with a stranger's keys: nothing leaves it, the keys are used and shown nowhere,
and each error is one that says what to do.

The computer reaches only its own loopback; `tests/safety` shows that a leak would be caught.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from tests.safety.test_course_offline import ROOT, SECRETS, attempts, namespace
from tests.safety.test_course_offline import computer as computer


def is_clear(ended: dict[str, Any]) -> bool:
    """Whether a cell ended well, or with an error that a student can read."""
    kinds = set(ended["kinds"])
    if not kinds or kinds & {"NameError", "LabError", "UsageError"}:  # the last: a cell magic, before connect()
        return True
    if "ClientError" in kinds:  # AWS refuses as the cell means to show, or has not got the thing yet
        return ended["meant"] or ended["code"].endswith(("NotFound", "NoSuchEntity", "ResourceNotFoundException"))
    return "ParamValidationError" in kinds and "A value above is None" in ended["shown"]


def test_cells_out_of_order_reach_nobody_and_say_what_is_missing(computer: dict[str, str], tmp_path: Path) -> None:
    requests, ends = tmp_path / "requests", tmp_path / "ends"
    command = [*namespace(), sys.executable, "-m", "tests.course.shuffled", str(requests), str(ends)]
    done = subprocess.run(command, env=computer, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    assert attempts(computer) == [] and not (tmp_path / "process-ran").exists()
    asked, ended = requests.read_text(encoding="utf-8"), json.loads(ends.read_text(encoding="utf-8"))
    assert asked and all("Credential=LABKIT" in line for line in asked.splitlines())
    assert len(ended) > 500 and sum("NameError" in each["kinds"] for each in ended) > 200
    assert [each for each in ended if not is_clear(each)] == []
    for secret in (*SECRETS, "planted"):
        assert secret not in asked and secret not in json.dumps(ended) + done.stdout + done.stderr
