"""The progress bar, in a terminal and elsewhere."""

from __future__ import annotations

import sys

import pytest

from labkit.cli.run import Progress


def test_in_a_terminal_one_line_updates(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    progress = Progress(4)
    progress.step("03-the-failed-ping")
    progress.step("03-the-failed-ping")
    printed = capsys.readouterr().out
    assert "[######..................] cell 1 of 4  03-the-failed-ping" in printed
    assert "[############............] cell 2 of 4  03-the-failed-ping" in printed
    assert "\n" not in printed


def test_a_narrow_terminal_never_wraps(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    monkeypatch.setenv("COLUMNS", "30")
    Progress(1).step("03-the-failed-ping")
    assert "cell 1 of 1" not in capsys.readouterr().out


def test_elsewhere_a_line_for_each_part_that_is_done(capsys: pytest.CaptureFixture[str]) -> None:
    progress = Progress(2)
    progress.step("00")
    progress.done("00: ok")
    progress.step("01")
    progress.done("01: failed")
    assert capsys.readouterr().out == "00: ok\n01: failed\n"
