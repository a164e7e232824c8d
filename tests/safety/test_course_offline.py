"""The whole course on a computer that reaches only its own loopback, with planted credentials: it passes, nothing tries
to leave, and the credentials are neither used nor shown.

An audit hook refuses and notes each attempt, in the process and in those that it starts. If the test runs as root on
Linux, the course also runs in a network namespace with only a loopback, so that libraries that do not use Python's
sockets cannot leave either.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SECRETS = ("AKIAPLANTEDINENV", "planted-secret-env", "AKIAPLANTEDINFILE", "planted-secret-file", "planted-token")


@pytest.fixture
def computer(tmp_path: Path) -> dict[str, str]:
    """The environment of a computer on which somebody works with AWS."""
    aws = tmp_path / ".aws"
    (aws / "sso" / "cache").mkdir(parents=True)
    process = f"{sys.executable} -c \"open(r'{tmp_path / 'process-ran'}', 'w')\""
    (aws / "config").write_text(
        "[default]\nregion = eu-west-1\nendpoint_url = https://planted.invalid\n"
        f"[profile work]\nregion = eu-west-3\ncredential_process = {process}\n"
        "[profile sso]\nsso_session = s\nsso_account_id = 111122223333\nsso_role_name = r\n"
        "[sso-session s]\nsso_start_url = https://planted.awsapps.com/start\nsso_region = eu-west-1\n"
        "[services local]\nec2 =\n  endpoint_url = https://planted.invalid\n"
    )
    (aws / "credentials").write_text(
        f"[default]\naws_access_key_id = {SECRETS[2]}\naws_secret_access_key = {SECRETS[3]}\n"
    )
    token = {"startUrl": "https://planted.awsapps.com/start", "accessToken": SECRETS[4], "expiresAt": "2099-01-01"}
    (aws / "sso" / "cache" / "x.json").write_text(json.dumps(token))
    return {
        **{name: value for name, value in os.environ.items() if not name.startswith("AWS_")},
        "HOME": str(tmp_path),
        "USERPROFILE": str(tmp_path),
        "PYTHONHASHSEED": "0",
        "PYTHONPATH": os.pathsep.join([str(Path(__file__).parent / "loopback_only"), str(ROOT)]),
        "LOOPBACK_ONLY": str(tmp_path / "attempts"),
        "AWS_ACCESS_KEY_ID": SECRETS[0],
        "AWS_SECRET_ACCESS_KEY": SECRETS[1],
        "AWS_SESSION_TOKEN": SECRETS[4],
        "AWS_PROFILE": "work",
        "AWS_REGION": "eu-west-1",
        "AWS_ENDPOINT_URL": "https://planted.invalid",
        "AWS_ENDPOINT_URL_EC2": "https://planted.invalid",
        "AWS_CA_BUNDLE": str(tmp_path / "no-such-bundle"),
        "AWS_CONTAINER_CREDENTIALS_FULL_URI": "http://169.254.170.23/v1/credentials",
        "AWS_ROLE_ARN": "arn:aws:iam::111122223333:role/planted",
        "AWS_WEB_IDENTITY_TOKEN_FILE": str(aws / "credentials"),
        "HTTPS_PROXY": "http://192.0.2.1:3128",
        "HTTP_PROXY": "http://192.0.2.1:3128",
    }


def attempts(computer: dict[str, str]) -> list[str]:
    """What the course tried to reach besides the loopback."""
    log = Path(computer["LOOPBACK_ONLY"])
    return log.read_text(encoding="utf-8").splitlines() if log.exists() else []


def namespace() -> list[str]:
    """The command that runs another one without any network, if that is possible here."""
    command = ["unshare", "--net", "--"]
    try:
        possible = subprocess.run([*command, "true"], capture_output=True, check=False).returncode == 0
    except FileNotFoundError:
        possible = False
    return command if possible else []


def test_the_whole_course_needs_nothing_but_the_loopback_and_shows_no_credentials(
    computer: dict[str, str], tmp_path: Path
) -> None:
    requests = tmp_path / "requests"
    command = [*namespace(), sys.executable, "-m", "tests.safety.course", str(requests)]
    done = subprocess.run(command, env=computer, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    assert attempts(computer) == []
    asked = requests.read_text(encoding="utf-8")
    assert len(asked.splitlines()) > 300
    assert all(re.search(r"Credential=LABKIT[0-9A-F]{14}/", line) for line in asked.splitlines())
    for secret in (*SECRETS, "planted"):
        assert secret not in asked and secret not in done.stdout and secret not in done.stderr
    assert not (tmp_path / "process-ran").exists()
    written = [path for path in tmp_path.rglob("*") if path.is_file() and path.suffix in (".log", ".sqlite", ".json")]
    assert not [path for path in written if ".aws" not in path.parts and b"planted" in path.read_bytes()]


LEAKS = {
    "boto3": "import boto3\nfrom botocore.config import Config\n"
    "boto3.client('ec2', endpoint_url='https://ec2.us-east-1.amazonaws.com', aws_access_key_id='x',"
    " aws_secret_access_key='x', region_name='us-east-1',"
    " config=Config(retries={'total_max_attempts': 1}, proxies={})).describe_vpcs()",
    "an address": "import socket\nsocket.create_connection(('169.254.169.254', 80), 1)",
    "UDP": "import socket\nsocket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b'x', ('192.0.2.1', 53))",
    "a name": "import urllib.request\nurllib.request.build_opener(urllib.request.ProxyHandler({})).open('http://example.com')",
    "listening to others": "import socket\nsocket.create_server(('0.0.0.0', 0))",
    "a child": "import subprocess, sys\nsubprocess.run([sys.executable, '-c',"
    " 'import socket; socket.create_connection((\"192.0.2.1\", 80), 1)'], check=True)",
}


@pytest.mark.parametrize("leak", LEAKS)
def test_a_leak_would_be_caught(leak: str, computer: dict[str, str]) -> None:
    del computer["AWS_CA_BUNDLE"]
    done = subprocess.run(
        [sys.executable, "-c", LEAKS[leak]], env=computer, cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode != 0
    assert len(attempts(computer)) == 1, done.stderr
