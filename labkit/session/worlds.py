"""The two AWSs that a lab can talk to, and the few things in which they differ: how to get there, and how time
passes.
"""

from __future__ import annotations

import gc
import os
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, Protocol

from labkit.errors import LabError

#: Settings that would lead boto3 elsewhere; each world takes out those of the other.
_FOREIGN = (
    "AWS_PROFILE", "AWS_DEFAULT_PROFILE", "AWS_SESSION_TOKEN", "AWS_ROLE_ARN", "AWS_WEB_IDENTITY_TOKEN_FILE",
    "AWS_USE_FIPS_ENDPOINT", "AWS_USE_DUALSTACK_ENDPOINT", "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS",
)  # fmt: skip


class World(Protocol):
    """An AWS. `account` and `region` say which; `patience` is how many seconds of real time it is worth waiting for
    things to come about.
    """

    account: str
    region: str
    patience: float

    def now(self) -> datetime:
        """The time that this AWS goes by."""
        ...

    def settle(self, delivered_until: Callable[[], datetime | None]) -> None:
        """Let time pass until the records of all traffic so far are in the log groups.

        Parameters: `delivered_until` says up to when they are, as far as anyone can tell; None where nothing has come
        yet.
        """
        ...


class Embedded:
    """The AWS in this process: no account, no cost, no network; time is virtual."""

    patience = 0.0

    def __init__(self) -> None:
        from labkit import embedded

        self._aws = embedded.start()
        self.account = embedded.ACCOUNT_ID
        self.region = embedded.REGION
        _enter_environment(
            {
                "AWS_ENDPOINT_URL": self._aws.endpoint_url,
                "AWS_ACCESS_KEY_ID": "embedded",
                "AWS_SECRET_ACCESS_KEY": "embedded",
                "AWS_DEFAULT_REGION": self.region,
                "AWS_REGION": self.region,
                "AWS_CONFIG_FILE": os.devnull,
                "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
                "AWS_EC2_METADATA_DISABLED": "true",
                "NO_PROXY": ",".join(filter(None, [os.environ.get("NO_PROXY"), "127.0.0.1"])),
            },
            without=[*_FOREIGN, *(name for name in os.environ if name.startswith("AWS_ENDPOINT_URL_"))],
        )
        _disable_older_clients(self._aws.endpoint_url, keep=self._aws.internal_clients())

    def close(self) -> None:
        """Stop the embedded AWS, and leave the environment as it was before."""
        _leave_environment()
        self._aws.stop()

    def now(self) -> datetime:
        return self._aws.clock.now()

    def settle(self, delivered_until: Callable[[], datetime | None]) -> None:
        self._aws.clock.jump_to(self._aws.dataplane.settled_at())

    def __str__(self) -> str:
        return f"the embedded AWS (account {self.account}, {self.region}); nothing leaves this computer"


class Account:
    """A real AWS account, reached with the student's own credentials."""

    patience = 180.0

    def __init__(self, profile: str | None, region: str | None) -> None:
        _leave_environment()
        if profile:
            os.environ["AWS_PROFILE"] = profile
        if region:
            os.environ["AWS_DEFAULT_REGION"] = os.environ["AWS_REGION"] = region
        import boto3
        import botocore.exceptions

        boto3.DEFAULT_SESSION = None
        try:
            session = boto3.Session()
            self.region = session.region_name or ""
            self.account = str(
                session.client("sts", region_name=self.region or "us-east-1").get_caller_identity()["Account"]
            )
        except botocore.exceptions.ProfileNotFound:
            names = (
                ", ".join(boto3.Session(profile_name=None).available_profiles) if not profile else "see ~/.aws/config"
            )
            raise LabError(
                f"There is no AWS profile {profile!r} ({names}). Name one of yours: connect('aws', profile=…)."
            ) from None
        except (botocore.exceptions.BotoCoreError, botocore.exceptions.ClientError) as error:
            raise LabError(
                f"AWS did not let us in: {error} Sign in (for example with aws sso login), then connect again."
            ) from None
        if not self.region:
            raise LabError("No region is set. Name one: connect('aws', region='us-east-1').")

    def now(self) -> datetime:
        return datetime.now(UTC)

    def settle(self, delivered_until: Callable[[], datetime | None]) -> None:
        """Poll until records reach the moment of the call: about 5 minutes, 10 or more for a new flow log."""
        target, deadline = self.now(), time.monotonic() + 20 * 60
        while True:
            reached = delivered_until()
            if reached is not None and reached >= target:
                return
            if time.monotonic() > deadline:
                raise LabError(
                    "No newer records came within 20 minutes. "
                    "Look at the flow log's DeliverLogsStatus, then wait once more."
                )
            _show_progress(f"waiting for flow logs up to {target:%H:%M:%S} UTC; they reach {_clock_time(reached)}")
            time.sleep(15)

    def __str__(self) -> str:
        return f"the AWS account {self.account}, {self.region}"


_environment_before: dict[str, str | None] = {}


def _enter_environment(values: dict[str, str], without: list[str]) -> None:
    """Point boto3, the AWS CLI and every process started from here at the embedded AWS."""
    import boto3

    for name in [*values, *without]:
        _environment_before.setdefault(name, os.environ.get(name))
        os.environ.pop(name, None)
    os.environ.update(values)
    boto3.DEFAULT_SESSION = None  # it would remember the credentials of before


def _leave_environment() -> None:
    for name, value in _environment_before.items():
        os.environ.pop(name, None)
        if value is not None:
            os.environ[name] = value
    _environment_before.clear()


def _disable_older_clients(endpoint_url: str, keep: list[Any]) -> None:
    """Make clients that were created before connect() say so, rather than call whatever AWS they were made for."""
    base = getattr(sys.modules.get("botocore.client"), "BaseClient", None)
    if base is None:
        return

    def refuse(**_: Any) -> None:
        raise LabError(
            "This client was made before labkit.connect(), so it does not talk to the embedded AWS. "
            "Make it again: run the cell with boto3.client(…) once more."
        )

    for client in [each for each in gc.get_objects() if isinstance(each, base)]:
        if client.meta.endpoint_url != endpoint_url and not any(client is each for each in keep):
            client.meta.events.register_first("before-send", refuse)


def _clock_time(moment: datetime | None) -> str:
    return f"{moment:%H:%M:%S}" if moment else "nowhere yet"


def _show_progress(text: str) -> None:
    print(f"\r{text}", end="", flush=True)
