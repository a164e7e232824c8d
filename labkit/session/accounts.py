"""The two kinds of AWS account that a lab can use, embedded and real, and the little in which they differ.

They differ in how boto3 reaches them, and in how time passes. `labkit.connect` makes one, and `Lab` uses it.
"""

from __future__ import annotations

import difflib
import gc
import os
import sys
import threading
from collections.abc import Callable, Collection, Hashable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any, Protocol

from labkit.errors import DisconnectedError, ForkedError, LabError
from labkit.session import consistency, environment, sleeping
from labkit.session.kinds import code
from labkit.session.waiting import poll

#: Settings that would lead boto3 elsewhere; the embedded AWS removes them.
_FOREIGN = (
    "AWS_PROFILE", "AWS_DEFAULT_PROFILE", "AWS_SESSION_TOKEN", "AWS_ROLE_ARN", "AWS_WEB_IDENTITY_TOKEN_FILE",
    "AWS_USE_FIPS_ENDPOINT", "AWS_USE_DUALSTACK_ENDPOINT", "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS",
)  # fmt: skip

#: Credentials that botocore would prefer to those of AWS_PROFILE.
_CREDENTIALS = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN")


class Account(Protocol):
    """An AWS account to which a lab is connected.

    Attributes:
        number: The account's number, 12 digits.
        region: The region.
        patience: How many seconds it is worth waiting for something to happen.
        called: What to call it in a sentence.
        world: What is equal for two connections to the same AWS, account and region.
    """

    number: str
    region: str
    patience: float
    world: Hashable

    @property
    def called(self) -> str: ...

    def client(self, service: str) -> Any:
        """Return a boto3 client of this account, whatever the environment says now, the same one each time.

        Args:
            service: The service, such as `ec2` or `logs`.
        """
        ...

    def now(self) -> datetime:
        """Return the current time of this AWS, in UTC."""
        ...

    def settle(self, missing: Callable[[datetime], list[str]]) -> None:
        """Let time pass until the records of all traffic so far are in the log groups.

        Args:
            missing: Returns what has not delivered a record of a moment, or a later one, given that moment.

        Raises:
            LabError: If the records do not come.
        """
        ...


#: How many seconds it is worth waiting for an AWS in which something happens while one waits.
PATIENCE = 180.0


class EmbeddedAccount:
    """The account of the AWS in this process: no cost, no network; time is virtual.

    Args:
        behaviors: The names of the contrary behaviors that it has. With any of them, pauses pass in virtual time.

    Raises:
        LabError: If there is no such behavior.
    """

    def __init__(self, behaviors: Collection[str] = ()) -> None:
        from labkit import embedded

        check_behaviors(behaviors)
        self._aws = embedded.start(behaviors=behaviors)
        self.patience = PATIENCE if behaviors else 0.0
        self.number = embedded.ACCOUNT_ID
        self.region = self._aws.region
        self.world: Hashable = self._aws
        self._clients: dict[str, Any] = {}
        self._endpoint, keys = self._aws.endpoint_url, self._aws.keys
        environment.leave()
        _go(
            {
                "AWS_ENDPOINT_URL": self._endpoint,
                "AWS_ACCESS_KEY_ID": keys.access_key_id,
                "AWS_SECRET_ACCESS_KEY": keys.secret_access_key,
                "AWS_DEFAULT_REGION": self.region,
                "AWS_REGION": self.region,
                "AWS_CONFIG_FILE": os.devnull,
                "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
                "AWS_EC2_METADATA_DISABLED": "true",
                **environment.without_proxy("127.0.0.1"),
            },
            without=[*_FOREIGN, *(name for name in os.environ if name.startswith("AWS_ENDPOINT_URL_"))],
        )
        import boto3

        self._session = boto3.DEFAULT_SESSION
        _bind(self._session, self)
        if behaviors:
            consistency.begin(lags=True)
            sleeping.pause_by(sleeping.VirtualTime(self._aws.clock))
        own = self._aws.server.internal_clients()
        _disable_clients(lambda endpoint: endpoint != self._endpoint, self, "the embedded AWS", keep=own)
        _become(self)

    def client(self, service: str) -> Any:
        """Return a client of this embedded AWS, with its keys."""
        if service not in self._clients:
            keys = self._aws.keys
            self._clients[service] = self._session.client(
                service,
                region_name=self.region,
                endpoint_url=self._endpoint,
                aws_access_key_id=keys.access_key_id,
                aws_secret_access_key=keys.secret_access_key,
            )
        return self._clients[service]

    def close(self) -> None:
        """Stop the embedded AWS, and restore the environment."""
        _go()
        self._aws.stop()

    def now(self) -> datetime:
        """Return the virtual time."""
        return self._aws.clock.now()

    def settle(self, missing: Callable[[datetime], list[str]]) -> None:
        """Jump to the moment at which all records have been delivered."""
        with self._aws.lock:
            self._aws.clock.jump_to(self._aws.dataplane.settled_at())

    @property
    def called(self) -> str:
        contrary = ""
        if on := self._aws.behaviors:
            contrary = ", contrary" if on == set(all_behaviors()) else f", contrary in {', '.join(sorted(on))}"
        return f"the embedded AWS (account {self.number}, {self.region}{contrary})"

    def __str__(self) -> str:
        return f"{self.called}; nothing leaves this computer"


class RealAccount:
    """A real AWS account, reached with the student's own credentials.

    Args:
        profile: A profile of this computer's AWS configuration; the usual credentials unless given.
        region: The region; that of the profile unless given.

    Raises:
        LabError: If there is no such profile, no region, or the credentials do not work.
    """

    patience = PATIENCE

    def __init__(self, profile: str | None, region: str | None) -> None:
        named = {"AWS_PROFILE": profile} if profile else {}
        regions = {"AWS_DEFAULT_REGION": region, "AWS_REGION": region} if region else {}
        _go({**named, **regions}, without=_CREDENTIALS if profile else ())
        import boto3
        import botocore.exceptions

        self._clients: dict[str, Any] = {}
        self._environment = dict(os.environ)
        try:
            self._session = boto3.DEFAULT_SESSION or boto3.Session()
            self.region = self._session.region_name or ""
            sts = self._session.client("sts", region_name=self.region or "us-east-1")
            self.number = str(sts.get_caller_identity()["Account"])
        except botocore.exceptions.ProfileNotFound as error:
            raise LabError(f"{error}. {_profiles()}") from None
        except (botocore.exceptions.BotoCoreError, botocore.exceptions.ClientError) as error:
            reason = str(error).rstrip(".")
            # AWS answers the same to credentials that it does not know and in a region that is not enabled.
            # https://docs.aws.amazon.com/accounts/latest/reference/manage-acct-regions.html
            unknown = f" Or is {self.region} a region that this account has not enabled? Then name another one."
            raise LabError(
                f"AWS did not let us in: {reason}. Sign in (for example with aws sso login), then connect again."
                f"{unknown if code(error) == 'InvalidClientTokenId' else ''}"
            ) from None
        if not self.region:
            raise LabError("No region is set. Name one: connect('aws', region='us-east-1').")
        self.world: Hashable = (self.number, self.region)
        _bind(self._session, self)
        _look_at(self)

    def client(self, service: str) -> Any:
        """Return a client with the credentials that were confirmed, and of the endpoint that was set then, if any."""
        from botocore.config import Config
        from botocore.configprovider import ConfiguredEndpointProvider

        if service not in self._clients:
            settings = self._session._session
            endpoint = ConfiguredEndpointProvider(
                settings.full_config, settings.get_scoped_config(), service, self._environment
            ).provide()
            self._clients[service] = self._session.client(
                service,
                region_name=self.region,
                endpoint_url=endpoint,
                config=Config(ignore_configured_endpoint_urls=True),
            )
        return self._clients[service]

    def enter(self) -> None:
        """Make this the AWS that cells talk to; clients of another AWS now refuse to work."""
        consistency.begin(lags=True)
        _become(self)
        _disable_clients(lambda endpoint: endpoint.startswith("http://127.0.0.1:"), self, self.called)

    def now(self) -> datetime:
        """Return the time of this computer."""
        return datetime.now(UTC)

    def settle(self, missing: Callable[[datetime], list[str]]) -> None:
        """Poll until records reach the moment of the call: about 5 minutes, 10 or more for a new flow log."""
        target, left = self.now(), [""]

        def done() -> bool:
            left[:] = missing(target)
            return not left

        awaited = f"flow log records later than {target:%H:%M:%S} UTC"
        if not poll(done, patience=20 * 60, every=15, awaited=lambda: f"{awaited}, of {', '.join(left)}"):
            raise LabError(
                f"No {awaited} came within 20 minutes from {', '.join(left)}. "
                "Look at the flow log's DeliverLogsStatus, then wait once more."
            )

    @property
    def called(self) -> str:
        return f"the AWS account {self.number}, {self.region}"

    def __str__(self) -> str:
        return self.called


def confirm(account: RealAccount, what: str) -> None:
    """Ask the person to confirm an account, before anything is done there.

    Args:
        account: The account.
        what: What will be done, in a sentence.

    Raises:
        LabError: If the account is not confirmed, or nobody is there.
    """
    print(f"This is {account}. {what}")
    try:
        typed = input(f"Type the account number {account.number} to go on: ")
    except (EOFError, OSError, NotImplementedError):  # in a script, a test, a notebook that runs without a browser
        raise LabError(
            "Not connected: there is nobody here to confirm the account. Run this in a notebook or in a terminal."
        ) from None
    if typed.strip() != account.number:
        raise LabError("Not connected: the account number was not confirmed.")


def all_behaviors() -> list[str]:
    """Return the names of the contrary behaviors that an embedded AWS can have."""
    from labkit.embedded.api.contrary import behaviors

    return list(behaviors())


def check_behaviors(names: Collection[str]) -> None:
    """Check the names of contrary behaviors.

    Raises:
        LabError: If there is no behavior of one of these names.
    """
    known = all_behaviors() if names else []
    for name in names:
        if name not in known:
            near = difflib.get_close_matches(name, known, n=1)
            guess = f" Did you mean {near[0]!r}?" if near else ""
            raise LabError(f"There is no contrary behavior {name!r}.{guess} They are {', '.join(known)}.")


def _profiles() -> str:
    import botocore.session

    names = ", ".join(botocore.session.Session().available_profiles)
    if not names:
        return "There is none on this computer: make one with aws configure sso."
    return f"The profiles on this computer are {names}: connect('aws', profile=…)."


#: The account that is connected, and the process that has connected it.
_connected: Account | None = None
_process = 0

#: The account that may be connected next, while it is looked at and the person is asked.
_looked_at: Account | None = None

#: Held while an account is connected: the environment is one for all threads.
_connecting = threading.RLock()


def require_connected(account: Account) -> None:
    """Check that an account, or an equal one, is that to which this process is connected.

    The environment, the time by which pauses pass, and what was made a moment ago are those of the connected account.
    So an old lab could not work in its own any more, and must not in the other.

    Raises:
        DisconnectedError: It is not.
    """
    if _connected is not None and _process != os.getpid():
        raise ForkedError
    if _connected is None or _connected.world != account.world:
        where = _connected.called if _connected is not None else "none"
        now = f"now connected to {where if where != account.called else 'a new one, which began empty'}"
        raise DisconnectedError(
            f"This lab belongs to {account.called}, and this notebook is {now}. "
            "Use the lab that the last labkit.connect(…) has returned, or connect again and use what that returns."
        )


def _forked() -> None:
    """Let go, in a forked child, of virtual time, which is the parent's, and of locks that its threads may hold."""
    global _connecting
    sleeping.pause_by()
    _connecting = threading.RLock()


if hasattr(os, "register_at_fork"):  # not on Windows
    os.register_at_fork(after_in_child=_forked)


def _become(account: Account) -> None:
    global _connected, _process
    _connected, _process = account, os.getpid()


def _look_at(account: Account) -> None:
    global _looked_at
    _looked_at = account


@contextmanager
def connecting() -> Iterator[None]:
    """Connect in the block, one thread at a time; if it fails, all is as before, so that cells talk to the same AWS.

    A cell must not reach an account that was not confirmed.
    """
    global _connected, _process, _looked_at
    with _connecting:
        clock, made, connected, process = sleeping.current(), consistency.current(), _connected, _process
        try:
            with environment.kept():
                yield
        except BaseException:
            _connected, _process = connected, process
            sleeping.pause_by(clock)
            consistency.go_back(made)
            _forget_session()
            raise
        finally:
            _looked_at = None


def _go(values: Mapping[str, str] = MappingProxyType({}), without: Iterable[str] = ()) -> None:
    """Leave the AWS that the environment points at, and let it point at another one, if any.

    Pauses pass in real time from now on, and what was made in the other AWS is forgotten: its moments may be virtual.

    Args:
        values: Variables of the environment.
        without: The names of variables that are removed.
    """
    environment.leave()
    environment.enter(values, without)
    sleeping.pause_by()
    consistency.begin(lags=False)
    _forget_session()


#: The event at which a client of another AWS refuses to work, and the id of the handler that does it.
REFUSED_AT, REFUSAL = "provide-client-params", "labkit-refuses"


def _forget_session() -> None:
    """Make boto3 read the environment again: its session remembers profile and credentials."""
    import boto3
    from botocore.exceptions import ProfileNotFound

    boto3.DEFAULT_SESSION = None
    try:
        boto3.setup_default_session()
    except ProfileNotFound:  # the next boto3.client() raises it again
        return
    events = boto3.DEFAULT_SESSION.events
    events.register("needs-retry", _make_nothing_twice, unique_id="labkit-makes-nothing-twice")
    consistency.watch(events)


def _make_nothing_twice(operation: Any, caught_exception: Exception | None = None, **_: Any) -> None:
    """Raise the error instead of letting boto3 repeat a request, if that could make a second thing.

    AWS cannot tell a second CreateVpc from a new one, so there would be two VPCs of the same name. Running the cell
    again finds the one that was made.
    https://docs.aws.amazon.com/ec2/latest/devguide/ec2-api-idempotency.html
    """
    from botocore.exceptions import ConnectionClosedError, ReadTimeoutError

    is_lost = isinstance(caught_exception, (ConnectionClosedError, ReadTimeoutError))
    if is_lost and operation.name.startswith(("Create", "Allocate")) and not operation.idempotent_members:
        raise caught_exception  # type: ignore[misc]


#: The id of the handler that binds a client to the account for which its session was made.
BOUND = "labkit-bound"


def _bind(session: Any, account: Account) -> None:
    """Let the clients that a session makes from now on refuse to work while another AWS is connected."""

    def refuse(**_: Any) -> None:
        if _connected is not None and account is not _looked_at and _connected.world != account.world:
            raise _made_before(_connected.called)

    session.events.register_first(REFUSED_AT, refuse, unique_id=BOUND)


def _made_before(here: str) -> DisconnectedError:
    return DisconnectedError(
        f"This client was made before labkit.connect(), so it does not talk to {here}. "
        "Make it again: run the cell with boto3.client(…) once more."
    )


def _disable_clients(is_foreign: Callable[[str], bool], account: Account, here: str, keep: Iterable[Any] = ()) -> None:
    """Make clients that were created before connect() refuse to work, instead of calling another AWS.

    Args:
        is_foreign: Returns whether the URL of an endpoint is that of another AWS.
        account: The AWS that the lab is connected to; while it is no more, they work.
        here: What to call it.
        keep: Clients that go on working.
    """
    base = getattr(sys.modules.get("botocore.client"), "BaseClient", None)
    kinds = set(base.__subclasses__()) if base is not None else set()
    if not kinds:
        return

    def refuse(**_: Any) -> None:
        if _connected is not None and _connected.world == account.world:
            raise _made_before(here)

    spared = {id(client) for client in keep}
    # By type() alone: isinstance() would read __class__ of each object in the process, and some raise an error.
    for client in [each for each in gc.get_objects() if type(each) in kinds]:
        # The first event of a call, before the client signs it or even looks for credentials.
        client.meta.events.unregister(REFUSED_AT, unique_id=REFUSAL)  # refused while another AWS was connected
        if id(client) not in spared and is_foreign(client.meta.endpoint_url):
            client.meta.events.register_first(REFUSED_AT, refuse, unique_id=REFUSAL)
