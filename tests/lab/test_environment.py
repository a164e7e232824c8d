"""What connecting does to the environment, and what the student has set there before and between."""

from __future__ import annotations

import os
import urllib.request
from collections.abc import Iterator
from types import SimpleNamespace

import pytest

from labkit.session import environment


@pytest.fixture(autouse=True)
def clean(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """No proxy, no variable of AWS, and nothing entered."""
    for name in [name for name in os.environ if name.startswith("AWS_") or name.lower().endswith("_proxy")]:
        monkeypatch.delenv(name)
    environment.leave()
    yield
    environment.leave()
    for name in ("AWS_PROFILE", "AWS_REGION", "NO_PROXY", "no_proxy"):
        os.environ.pop(name, None)


def test_leaving_puts_back_what_was_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_PROFILE", "work")
    environment.enter({"AWS_REGION": "us-east-1"}, ["AWS_PROFILE", "AWS_SESSION_TOKEN"])
    assert (os.environ.get("AWS_PROFILE"), os.environ["AWS_REGION"]) == (None, "us-east-1")
    environment.leave()
    assert (os.environ["AWS_PROFILE"], os.environ.get("AWS_REGION")) == ("work", None)


def test_what_the_student_sets_or_removes_in_between_stays() -> None:
    environment.enter({"AWS_REGION": "us-east-1", "AWS_ACCESS_KEY_ID": "x"}, ["AWS_PROFILE"])
    os.environ["AWS_PROFILE"] = "class"
    os.environ["AWS_REGION"] = "eu-west-1"
    del os.environ["AWS_ACCESS_KEY_ID"]
    environment.leave()
    assert (os.environ["AWS_PROFILE"], os.environ["AWS_REGION"]) == ("class", "eu-west-1")
    assert "AWS_ACCESS_KEY_ID" not in os.environ


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("*", "*"),
        (" * ", "*"),
        ("", "127.0.0.1"),
        ("localhost, .corp.example", "localhost,.corp.example,127.0.0.1"),
        ("127.0.0.1,a", "a,127.0.0.1"),
    ],
)
def test_hosts_without_a_proxy_stay_so(monkeypatch: pytest.MonkeyPatch, before: str, after: str) -> None:
    monkeypatch.setenv("NO_PROXY", before)
    monkeypatch.setenv("HTTP_PROXY", "http://192.0.2.1:3128")
    environment.enter(environment.without_proxy("127.0.0.1"))
    assert os.environ["NO_PROXY"] == os.environ["no_proxy"] == after
    assert urllib.request.proxy_bypass("127.0.0.1")
    assert bool(urllib.request.proxy_bypass("example.com")) == (after == "*")
    environment.leave()
    assert os.environ["NO_PROXY"] == before and "no_proxy" not in os.environ


def test_the_systems_proxy_and_its_exceptions_stay(monkeypatch: pytest.MonkeyPatch) -> None:
    """As on macOS, where Python asks the system for both only while the environment names no proxy and no exception."""
    system = {"http": "http://192.0.2.1:3128", "https": "http://192.0.2.1:3128"}
    monkeypatch.setattr(urllib.request, "getproxies", lambda: urllib.request.getproxies_environment() or system)
    settings = SimpleNamespace(_get_proxy_settings=lambda: {"exceptions": ("*.corp.example", "10.1.2.3")})
    monkeypatch.setitem(__import__("sys").modules, "_scproxy", settings)
    monkeypatch.setattr(environment.os, "name", "posix")
    environment.enter(environment.without_proxy("127.0.0.1"))
    found = urllib.request.getproxies()
    assert {scheme: found[scheme] for scheme in system} == system
    for host, direct in (("127.0.0.1", True), ("a.corp.example", True), ("10.1.2.3", True), ("example.com", False)):
        assert bool(urllib.request.proxy_bypass_environment(host)) == direct, host
    environment.leave()
    assert not urllib.request.getproxies_environment()
