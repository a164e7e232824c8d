"""A lab belongs to its own AWS: after connecting to another, nothing of it reaches either.

The other AWS is a server on the loopback that knows two accounts by their keys and notes each request. What each public
method and property does is tried, a new one's too.
"""

from __future__ import annotations

import builtins
import inspect
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import boto3
import pytest

import labkit
from labkit import embedded
from labkit.errors import LabError
from labkit.lab import Lab
from labkit.session import accounts
from labkit.session.findings import Report
from tests.lab.conftest import NOTEBOOKS

NUMBERS = {"AKIAOFANA": "111111111111", "AKIAOFBEN": "222222222222"}

#: A value for each parameter of the public methods, by its name; others are a text.
VALUES: dict[str, Any] = {
    "exercise.id": "3.2", "name.name": "NimbusVPCFlowLogsRole",
    "answer": "x", "chapter": "03", "codes": (), "command": "hostname", "containing": (), "destination": "10.2.0.126",
    "dry_run": False, "hint": True, "id": "vpc-0123456789abcdef0", "instance": "instance-1", "kind": "vpc",
    "log_group": "NimbusVPCFlowLogsGroup", "name": "vpc-1", "parameters": {}, "path": None, "port": None,
    "protocol": "icmp", "query": "fields @message", "service": "ec2", "since": datetime(2025, 1, 1, tzinfo=UTC),
    "source": "instance-1", "states": ("available",), "vpc": None,
}  # fmt: skip


class Accounts:
    """The other AWS.

    Attributes:
        url: Its endpoint.
        asked: The access key id and the body of each request so far.
    """

    def __init__(self) -> None:
        self.asked: list[tuple[str, str]] = []
        others = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"])).decode()
                key = self.headers["Authorization"].partition("Credential=")[2].partition("/")[0]
                others.asked.append((key, body))
                answer = (
                    "<GetCallerIdentityResponse><GetCallerIdentityResult><Arn>arn:aws:iam::1:user/u</Arn><UserId>u</UserId>"
                    f"<Account>{NUMBERS[key]}</Account></GetCallerIdentityResult></GetCallerIdentityResponse>"
                ).encode()
                self.send_response(200)
                self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            def log_message(self, format: str, *args: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://localhost:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def others(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Accounts]:
    """A computer with profiles for the two accounts of the other AWS, which confirms whatever it is asked."""
    embedded.start().stop()
    others = Accounts()
    config, credentials = tmp_path / "config", tmp_path / "credentials"
    profile = f"region = eu-west-1\nendpoint_url = {others.url}\n"
    config.write_text(f"[default]\n{profile}[profile ana]\n{profile}[profile ben]\n{profile}")
    credentials.write_text(
        "".join(
            f"[{name}]\naws_access_key_id = {key}\naws_secret_access_key = x\n"
            for name, key in (("ana", "AKIAOFANA"), ("ben", "AKIAOFBEN"), ("default", "AKIAOFBEN"))
        )
    )
    for name in [name for name in os.environ if name.startswith(("AWS_", "LABKIT_"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(config))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(credentials))
    monkeypatch.setattr("labkit.lab._look", look)
    monkeypatch.setattr(builtins, "input", lambda question: question.split()[4])
    monkeypatch.chdir(NOTEBOOKS)
    yield others
    accounts._go()
    others.close()
    embedded.start().stop()


def look(account: Any) -> Report:
    """Look at an account as the preflight does: with a client of it, before it is confirmed."""
    arn = account.client("sts").get_caller_identity()["Arn"]
    return Report(arn, account.region, {}, (), (), None)


def connect(where: str) -> Lab:
    """Connect to an embedded AWS, or with a profile to the other AWS."""
    return labkit.connect("aws", profile=where) if where in ("ana", "ben") else labkit.connect(where)


def given(method: Any) -> tuple[list[Any], dict[str, Any]]:
    """Return values for the parameters of a method."""
    positional, named = list[Any](), dict[str, Any]()
    for each in inspect.signature(method).parameters.values():
        if each.name == "operation":
            positional.append(lambda **_: pytest.fail("the operation was called"))
        elif each.kind is each.VAR_POSITIONAL:
            positional += VALUES[each.name]
        elif each.kind in (each.VAR_KEYWORD, each.KEYWORD_ONLY):
            named |= VALUES[each.name] if each.kind is each.VAR_KEYWORD else {each.name: VALUES[each.name]}
        else:
            positional.append(VALUES.get(f"{method.__name__}.{each.name}", VALUES.get(each.name, "vpc-1")))
    return positional, named


def uses(lab: Lab) -> Iterator[tuple[str, Callable[[], object]]]:
    """Everything public that can be done with a lab, with its widgets, and with what its grader gives."""
    for holder in (lab, lab.widgets):
        for name in [each for each in dir(holder) if not each.startswith("_")]:
            if callable(getattr(type(holder), name, None)):
                method = getattr(holder, name)
                positional, named = given(method)
                yield name, lambda method=method, positional=positional, named=named: method(*positional, **named)
            else:
                yield name, lambda holder=holder, name=name: getattr(holder, name)
    for id in lab._grader._exercises:
        exercise = lab.exercise(id)
        answer = ["x"] if inspect.signature(exercise.check).parameters else []
        yield f"exercise {id}", lambda exercise=exercise, answer=answer: exercise.check(*answer)
    for name in ("vpcs", "flow-logs", "ping"):
        yield f"check {name}", lambda name=name: lab.check(name)


WAYS = [
    ("embedded", "ana"), ("ana", "embedded"), ("contrary", "embedded"), ("embedded", "contrary"), ("ana", "ben"),
    ("contrary", "ben"), ("ben", "contrary:throttling"),
]  # fmt: skip


@pytest.mark.parametrize(("old", "new"), WAYS)
def test_nothing_of_an_old_lab_reaches_an_aws(others: Accounts, old: str, new: str) -> None:
    lab = connect(old)
    tried = list(uses(lab))
    connect(new)
    done: list[tuple[str, str]] = []
    if embedded.aws._current is not None:
        embedded.aws._current.server.after_action.append(lambda *action: done.append(action))
    others.asked.clear()
    refused = set()
    for name, use in tried:
        try:
            use()
        except LabError as error:
            if "This lab belongs to" in str(error):
                refused.add(name)
        assert (others.asked, done) == ([], []), name
    assert {
        "check vpcs",
        "exercise 1.a",
        "clean_up",
        "client",
        "network",
        "shell",
        "find",
        "catch_up",
        "eventually",
        "changes",
        "clock",
    } <= refused


def test_what_an_old_lab_gave_refuses_too_and_works_again_when_the_lab_is_back(others: Accounts) -> None:
    """Clients that the lab or boto3 has made, in a real account."""
    lab = connect("ana")
    clients = lab.client("sts"), boto3.client("sts")
    connect("ben")
    others.asked.clear()
    for client in clients:
        with pytest.raises(LabError, match="does not talk to the AWS account 222222222222"):
            client.get_caller_identity()
    assert others.asked == []
    connect("ana")
    for client in clients:
        assert client.get_caller_identity()["Account"] == "111111111111"
    assert lab.client("sts") is clients[0]


@pytest.mark.parametrize("where", ["embedded", "ana"])
def test_a_labs_clients_are_its_own_accounts_whatever_the_environment_says_later(
    others: Accounts, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    lab = connect(where)
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("AWS_ENDPOINT_URL_STS", "http://127.0.0.1:9")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAOFBEN")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "y")
    monkeypatch.setenv("AWS_REGION", "eu-west-3")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-3")
    sts = lab.client("sts")
    assert sts.get_caller_identity()["Account"] == lab.account
    assert sts.meta.region_name == lab.region


@pytest.mark.parametrize(("here", "there"), WAYS)
def test_where_connecting_fails_at_the_last_moment_all_goes_on_in_the_aws_before(
    others: Accounts, monkeypatch: pytest.MonkeyPatch, here: str, there: str
) -> None:
    lab = connect(here)
    clients = boto3.client("sts"), boto3.Session().client("sts"), lab.client("sts")

    def fail(account: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("labkit.lab._look", fail)
    monkeypatch.setattr("labkit.lab.Lab", fail)  # where nothing is looked at
    with pytest.raises(KeyboardInterrupt):
        connect(there)
    if "ana" in (here, there) or "ben" in (here, there):  # otherwise the one embedded AWS of the kernel is gone
        for client in (*clients, boto3.client("sts")):
            assert client.get_caller_identity()["Account"] == lab.account


def test_of_those_who_connect_at_once_the_last_one_has_the_environment(others: Accounts) -> None:
    for _ in range(5):
        threads = [
            threading.Thread(target=connect, args=[where])
            for where in ("embedded", "ana", "contrary:throttling", "ben", "embedded")
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        connected = accounts._connected
        assert connected is not None
        for client in (boto3.client("sts"), connected.client("sts")):
            assert client.get_caller_identity()["Account"] == connected.number


def test_connecting_again_to_the_same_account_keeps_the_old_lab(others: Accounts) -> None:
    for where in ("embedded", "ana"):
        lab = connect(where)
        assert connect(where).account == lab.account
        assert lab.client("sts").get_caller_identity()["Account"] == lab.account


def test_a_fresh_embedded_aws_is_another_one(others: Accounts) -> None:
    lab = connect("embedded")
    embedded.start().stop()
    connect("embedded")
    with pytest.raises(LabError, match="Use the lab that the last labkit.connect"):
        lab.find("vpc-1")


def test_a_profile_that_is_set_after_the_first_connect_counts_at_the_next(others: Accounts) -> None:
    connect("embedded")
    os.environ["AWS_PROFILE"] = "ana"
    try:
        assert labkit.connect("aws").account == "111111111111"
        connect("embedded")
        os.environ["AWS_PROFILE"] = "ben"
        assert labkit.connect("aws").account == "222222222222"
    finally:
        accounts._go()
        os.environ.pop("AWS_PROFILE", None)


FORK = """
import os, sys, time
import boto3
from botocore.config import Config
import labkit
from labkit.embedded import aws, start
from labkit.errors import ForkedError

lab = labkit.connect(sys.argv[1])
once = Config(retries={"total_max_attempts": 1})
ec2, running = boto3.client("ec2", config=once), aws._current
with running.lock:  # which another thread of the parent could hold just as well
    child = os.fork()
    if child == 0:
        def refused(use):
            try:
                use()
            except ForkedError as error:
                assert "multiprocessing.get_context('spawn')" in str(error)
            else:
                os._exit(1)

        for use in (labkit.connect, lambda: labkit.connect("contrary"), start, lambda: lab.clock,
                    lambda: lab.find("vpc-1"), lambda: lab.network):
            refused(use)
        os._exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
child = os.fork()
if child == 0:  # boto3 reaches the AWS of the parent
    boto3.client("ec2").create_vpc(CidrBlock="10.1.0.0/16", TagSpecifications=lab.tags("vpc", "vpc-1"))
    time.sleep(60)
while not lab.find("vpc-1"):
    time.sleep(0.05)
running.stop()  # and the child does not keep its socket open
try:
    ec2.describe_vpcs()
except Exception as error:
    assert "Could not connect" in str(error), error
os.kill(child, 9)
print("done")
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="Windows has no fork")
@pytest.mark.parametrize("where", ["embedded", "contrary:throttling"])
def test_a_forked_process_is_told_to_start_afresh_and_holds_nothing_of_its_parent(where: str) -> None:
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "LABKIT_"))}
    environment["PYTHONPATH"] = os.pathsep.join(sys.path)
    done = subprocess.run(
        [sys.executable, "-c", FORK, where], env=environment, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.stdout.endswith("done\n") and done.returncode == 0, done.stderr
