"""Whatever standard output and error are, a command shows what it can, loses nothing in silence, and never breaks."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from pathlib import Path

import pytest

from labkit import cli
from labkit.cli import environment, streams

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("encoding", ["ascii", "cp1252", "cp437", "utf-8"])
def test_every_text_shows_in_every_encoding(root: Path, monkeypatch: pytest.MonkeyPatch, encoding: str) -> None:
    monkeypatch.setattr(environment, "has_labkit", lambda root: True)
    monkeypatch.setenv("LABKIT_PROGRESS", str(root / "progress.json"))
    written = io.BytesIO()
    for name in ("stdout", "stderr"):
        monkeypatch.setattr(sys, name, io.TextIOWrapper(written, encoding=encoding))
    streams.prepare()
    for verb in ("", *cli.VERBS):
        try:
            cli.main([verb, "--help"] if verb else ["--help"])
        except SystemExit as ended:
            assert not ended.code
    assert cli.main(["progress"]) == 0
    assert cli.main(["no ✓ verb \udcff"]) == 2
    sys.stderr.flush()
    shown = written.getvalue().decode(encoding)
    assert "no ok verb ?" in shown or (encoding == "utf-8" and "no ✓ verb ?" in shown)
    assert "${account-id} ..." in shown or "${account-id} …" in shown


def labkit(shell: str) -> tuple[int, str, str]:
    """Run a line of a shell, in which $LABKIT is the command; return its exit code, its output and its errors."""
    variables = {name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"}
    variables |= {"PYTHONPATH": str(ROOT), "LABKIT": f"{sys.executable} -m labkit"}
    done = subprocess.run(
        ["bash", "-o", "pipefail", "-c", shell], env=variables, cwd=ROOT, capture_output=True, text=True, check=False
    )
    return done.returncode, done.stdout, done.stderr


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs Linux's device that is always full")
def test_a_full_disk_is_a_sentence_and_an_error() -> None:
    for verb in ("progress", "flows --help"):
        code, _, error = labkit(f"$LABKIT {verb} > /dev/full")
        assert code == 1
        assert error.startswith("labkit: The disk is full.") and "Traceback" not in error and "Exception" not in error


@pytest.mark.skipif(os.name != "posix", reason="needs a POSIX shell")
def test_a_reader_that_goes_away_or_was_never_there_is_no_traceback() -> None:
    assert labkit("$LABKIT progress | true")[1:] == ("", "")
    for closed in (">&-", "<&- >&-", "<&-"):
        code, _, error = labkit(f"$LABKIT progress {closed}")
        assert (code, error) == (0, "")
    assert labkit("$LABKIT bogus 2>&-")[0] == 2
