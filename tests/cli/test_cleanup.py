"""`labkit cleanup`: what `lab.clean_up()` does, from a terminal, on a real account that the person confirms."""

from __future__ import annotations

import builtins
from collections.abc import Iterator
from typing import Any
from unittest.mock import Mock

import pytest

from labkit.cli import cleanup
from labkit.errors import LabError
from labkit.lab import Lab
from labkit.session import accounts
from tests.lab.conftest import Built, fresh_lab
from tests.lab.test_real_account import NUMBER


@pytest.fixture
def account(monkeypatch: pytest.MonkeyPatch) -> Iterator[Lab]:
    """A real account, which is an embedded one with the lab's VPCs."""
    for name in ("LABKIT_AWS", "LABKIT_PROFILE", "LABKIT_REGION"):
        monkeypatch.delenv(name, raising=False)
    with fresh_lab() as lab:
        Built(lab, "02")

        class Real:
            number, region, patience, enter, now = NUMBER, "eu-west-1", 0.0, Mock(), lab._account.now
            client, world = staticmethod(lab._account.client), lab._account.world
            given: tuple[Any, ...] = ()

            def __init__(self, *given: Any) -> None:
                Real.given = given

            def __str__(self) -> str:
                return f"the AWS account {NUMBER}, eu-west-1"

        monkeypatch.setattr(accounts, "RealAccount", Real)
        yield lab


def confirm_with(monkeypatch: pytest.MonkeyPatch, text: str) -> Mock:
    asked = Mock(return_value=text)
    monkeypatch.setattr(builtins, "input", asked)
    return asked


def test_it_asks_for_the_account_number_then_deletes_the_lab(
    account: Lab, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = confirm_with(monkeypatch, NUMBER)
    capsys.readouterr()
    assert cleanup.run(cleanup.parse(["--dry-run", "--profile", "class", "--region", "eu-west-1"])) == 0
    shown = capsys.readouterr().out
    assert shown.startswith(f"This is the AWS account {NUMBER}, eu-west-1. This shows what would be deleted there.\n")
    assert "Would delete VPC vpc-1" in shown and account.find("vpc-1")
    assert accounts.RealAccount.given == ("class", "eu-west-1")  # type: ignore[attr-defined]
    assert cleanup.run(cleanup.parse([])) == 0
    shown = capsys.readouterr().out
    assert "This deletes what has the lab's tag there.\n" in shown
    assert shown.endswith("Looked again: nothing of the lab is left.\n") and account.find("vpc-1") is None
    assert asked.call_count == 2


def test_nothing_is_deleted_where_the_account_is_not_confirmed(account: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    confirm_with(monkeypatch, "yes")
    with pytest.raises(LabError, match="the account number was not confirmed"):
        cleanup.run(cleanup.parse([]))
    assert account.find("vpc-1")


def test_the_embedded_aws_keeps_nothing(
    account: Lab, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    capsys.readouterr()
    monkeypatch.setenv("LABKIT_AWS", "contrary")
    for arguments in ([], ["--aws", "embedded"]):
        assert cleanup.run(cleanup.parse(arguments)) == 0
        assert "There is nothing to delete: the embedded AWS is in the notebook's kernel" in capsys.readouterr().out
    assert account.find("vpc-1")
