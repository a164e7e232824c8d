"""The line of progress: in a terminal, in a notebook with and without a front end, and elsewhere."""

from __future__ import annotations

import io
from types import SimpleNamespace
from typing import Any

import pytest

from labkit import status
from labkit.status import Status


class Screen(io.StringIO):
    def __init__(self, terminal: bool = False) -> None:
        super().__init__()
        self._terminal = terminal

    def isatty(self) -> bool:
        return self._terminal

    def seen(self) -> str:
        """The line as it is now."""
        line = ""
        for part in self.getvalue().split("\r"):
            line = part + line[len(part) :]
        return line.rstrip()


@pytest.fixture
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(status, "PAUSE_SECONDS", 0)


@pytest.mark.usefixtures("at_once")
def test_in_a_terminal_the_line_is_replaced_and_disappears_at_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "20")
    screen = Screen(terminal=True)
    with Status(0, screen) as line:
        line.say("reading ten records of it")
        assert screen.seen() == "reading ten records"
        line.say("two", plain="never said")
        assert screen.seen() == "two"
    assert screen.seen() == "" and "\n" not in screen.getvalue()


@pytest.mark.usefixtures("at_once")
def test_elsewhere_one_plain_line_stays() -> None:
    screen = Screen()
    with Status(0, screen) as line:
        for n in range(100):
            line.say(f"cell {n}", plain="catching up")
    assert screen.getvalue() == "catching up\n"
    silent = Screen()
    with Status(0, silent) as line:
        line.say("cell", plain="")
    assert silent.getvalue() == ""


def test_work_that_is_short_says_nothing() -> None:
    for terminal in (True, False):
        screen = Screen(terminal)
        with Status(stream=screen) as line:
            line.say("it")
        assert screen.getvalue() == ""


@pytest.mark.usefixtures("at_once")
@pytest.mark.parametrize("live", [True, False])
def test_in_a_notebook_only_a_person_sees_it(
    live: bool, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The outputs of a run without a front end are kept and compared: nothing may be in them."""
    monkeypatch.setattr(status, "_kernel", lambda: SimpleNamespace(_allow_stdin=live))
    with Status(0) as line:
        line.say("catching up", plain="catching up")
    out, err = capsys.readouterr()
    assert err == "" and ("catching up" in out) is live
    assert not live or out.endswith("\r")


def test_a_read_shows_its_progress(monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
    from labkit import flowlogs

    monkeypatch.setattr(status, "QUIET_SECONDS", 0)
    monkeypatch.setattr(status, "_kernel", lambda: SimpleNamespace(_allow_stdin=True))
    flowlogs.read(["2 123456789012 eni-1 10.1.15.80 10.2.0.126 0 0 1 5 420 1764774316 1764774376 ACCEPT OK"])
    assert "reading flow logs: 1 records" in capsys.readouterr().out
