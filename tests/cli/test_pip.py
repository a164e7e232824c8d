"""Why an installation failed, in a sentence, from what pip printed."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from labkit.cli import messages, pip
from labkit.errors import CommandError

OFFLINE = """\
WARNING: Retrying (Retry(total=4)) after connection broken by 'NewConnectionError('<…>: Failed to establish a new \
connection: [Errno -3] Temporary failure in name resolution')': /simple/hatchling/
ERROR: Could not find a version that satisfies the requirement hatchling>=1.27 (from versions: none)
ERROR: No matching distribution found for hatchling>=1.27
"""
FULL = "ERROR: Could not install packages due to an OSError: [Errno 28] No space left on device\n"
CERTIFICATE = "SSLError(SSLCertVerificationError(1, '[SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed'))\n"
NO_WHEEL = "ERROR: No matching distribution found for pyarrow==26.0.1\n"
IN_USE = "ERROR: Could not install packages due to an OSError: [WinError 32] The process cannot access the file\n"


def test_each_reason_has_its_sentence_and_pips_own_words() -> None:
    for output, sentence in (
        (OFFLINE, "The package index can't be reached. Set-up needs the internet once"),
        (FULL, "The disk is full. Free about 1 GB"),
        (CERTIFICATE, "set PIP_CERT"),
        (NO_WHEEL, "A package has no version for this Python"),
        (IN_USE, "Close the notebooks and terminals that use it"),
        ("ERROR: something new\n", "pip failed, for the reason below"),
    ):
        text = str(messages.explain_output(output, "pip"))
        assert sentence in text and output.splitlines()[-1] in text


def fake_pip(folder: Path, program: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A module named pip that runs this program instead."""
    (folder / "pip.py").write_text(program, encoding="utf-8")
    monkeypatch.setenv("PYTHONPATH", str(folder))


def test_install_is_quiet_when_all_goes_well(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    seen = tmp_path / "seen"
    program = f"import sys; open({str(seen)!r}, 'w').write(' '.join(sys.argv[1:])); print('Collecting moto')"
    fake_pip(tmp_path, program, monkeypatch)
    pip.install(sys.executable, ["-e", ".[dev]"], target=Path("there"))
    assert seen.read_text().startswith("--python there install --no-input")
    assert seen.read_text().endswith("-e .[dev]")
    assert capsys.readouterr().out == ""


def test_install_counts_packages_on_one_line_in_a_terminal(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    fake_pip(tmp_path, "print('Collecting moto==5.2.5 (from labkit)'); print('Collecting boto3')", monkeypatch)
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    monkeypatch.setattr("labkit.status.PAUSE_SECONDS", 0)
    pip.install(sys.executable, ["x"])
    printed = capsys.readouterr().out
    assert "1 packages found, moto" in printed
    assert "2 packages found, boto3" in printed
    assert "\n" not in printed


def test_a_failing_install_is_explained(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fake_pip(tmp_path, f"import sys; print({FULL!r}, file=sys.stderr); sys.exit(1)", monkeypatch)
    with pytest.raises(CommandError, match="The disk is full"):
        pip.install(sys.executable, ["x"])
