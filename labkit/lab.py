"""`lab`: one object over boto3 for what a lesson needs and boto3 does not say in a line.

Everything here works on the embedded AWS and on a real account alike; only `connect` chooses between them.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from functools import cached_property
from typing import TYPE_CHECKING, Any

from labkit.errors import LabError
from labkit.names import LOG_GROUP
from labkit.session.accounts import Account, Embedded, World, environment_kept
from labkit.session.changes import changes, watch
from labkit.session.finding import Finder
from labkit.session.flow_logs import flow_logs, undelivered
from labkit.session.records import Records
from labkit.session.shell import Output, run
from labkit.session.waiting import poll
from labkit.status import is_live, shell

if TYPE_CHECKING:
    from botocore.exceptions import ClientError
    from pandas import DataFrame

    from labkit.learn.checks import Overview
    from labkit.learn.exercises import Exercise
    from labkit.learn.grader import Desk
    from labkit.learn.result import Result
    from labkit.network import Network, Path
    from labkit.show.map.drawing import Drawing
    from labkit.show.widgets import Widgets
    from labkit.show.widgets.quiz import QuizWidget

#: The tag that marks what belongs to the lab, beside the Name.
LAB_TAG = {"Key": "Lab", "Value": "nimbus"}

#: What EC2 says of an instance profile, and of a role, of which it has not heard yet.
_TOO_EARLY = ("Invalid IAM Instance Profile", "Unable to assume given IAM role")


class Lab:
    """A connection to one AWS, embedded or real."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._clients: dict[str, Any] = {}
        self.account = world.account
        self.region = world.region
        watch()

    # Finding and making

    def find(self, name: str, kind: str | None = None) -> str | None:
        """The id of the one thing that bears a name, or None: so `lab.find("vpc-1") or ec2.create_vpc(…)` makes it
        once.

        Parameters: `name` is the Name tag of something in EC2, unless `kind` says otherwise: `log-group`, `role`,
        `policy` and `instance-profile` are found by their own names and given by their ARNs (a log group by its
        name). `kind` may also be a resource type as EC2 writes it (`vpc`, `subnet`, …), where things of two types
        share a name. What is deleted, terminated or failed does not count.
        Raises LabError where several things bear the name.
        """
        found = self.find_all(name, kind)
        if len(found) > 1:
            raise LabError(
                f"{len(found)} things are called {name!r}: {', '.join(found)}. "
                "Delete the ones that you do not want, or use the id itself instead of lab.find."
            )
        return found[0] if found else None

    def find_all(self, name: str, kind: str | None = None) -> list[str]:
        """The ids of all things that bear a name, as `find` gives one; an empty list where there is none."""
        return Finder(self.client).find(name, kind)

    def tags(self, kind: str, name: str) -> list[dict[str, Any]]:
        """`TagSpecifications` that name a new EC2 resource and mark it as the lab's.

        >>> Lab.tags(None, "vpc", "vpc-1")
        [{'ResourceType': 'vpc', 'Tags': [{'Key': 'Name', 'Value': 'vpc-1'}, {'Key': 'Lab', 'Value': 'nimbus'}]}]
        """
        return [{"ResourceType": kind, "Tags": [{"Key": "Name", "Value": name}, LAB_TAG]}]

    @contextmanager
    def unless(self, *codes: str) -> Iterator[None]:
        """Do what is in the block, unless AWS answers that it has been done: then go on.

        Parameters: `codes` are AWS's error codes, such as `RouteAlreadyExists`. Other errors are raised.
        """
        from botocore.exceptions import ClientError

        try:
            yield
        except ClientError as error:
            if error.response["Error"]["Code"] not in codes:
                raise

    def eventually(self, operation: Callable[..., Any], **parameters: Any) -> Any:
        """Call a client's operation, again if need be, until AWS's services have heard of what was made a moment ago.

        On a real account a new instance profile, role or subnet can be unknown elsewhere for some seconds; in the
        embedded AWS nothing is.
        Raises the operation's error where it is another one, or lasts.
        """
        from botocore.exceptions import ClientError

        def attempt() -> list[Any] | None:
            try:
                return [operation(**parameters)]
            except ClientError as error:
                refusals.append(error)
                if not _may_be_too_early(error):
                    raise
                return None

        refusals: list[ClientError] = []
        done = poll(attempt, patience=self._world.patience, every=3, awaited=lambda: f"AWS, which says: {refusals[-1]}")
        if done is None:
            raise refusals[-1]
        return done[0]

    def client(self, service: str) -> Any:
        """A boto3 client of the AWS that the lab is connected to, made once."""
        import boto3

        if service not in self._clients:
            self._clients[service] = boto3.client(service)
        return self._clients[service]

    # The network

    @property
    def network(self) -> Network:
        """The network as it stands now, read with `describe_*` calls."""
        from labkit.network import Network

        return Network.from_ec2(self.client("ec2"))

    @property
    def changes(self) -> Sequence[str]:
        """The EC2 operations, in order, by which cells of this notebook may have changed the network."""
        return changes()

    def trace(self, source: str, destination: str, protocol: str = "icmp", port: int | None = None) -> Path:
        """Follow a packet from one end to the other and back, hop by hop, without sending it.

        Parameters: `source` and `destination` are names, ids or addresses; `protocol` is `icmp`, `tcp` or `udp`, and
        `port` the destination's.
        Raises NetworkError for an end that is not there, PacketError for a protocol or port that is none.
        """
        return self.network.trace_between(source, destination, protocol, port)

    def map(self, path: Path | None = None) -> Drawing:
        """Draw the network as it stands now and, if one is given, the way of a packet over it.

        Parameters: `path` is what `trace` gives. Raises LabError where it is something else.
        """
        from labkit.network import Path

        if path is not None and not isinstance(path, Path):
            raise LabError(f"{path!r} is not a path: give what lab.trace gives, lab.map(lab.trace(…, …)).")
        from labkit.show.map.drawing import draw

        return draw(self.network, path)

    @property
    def widgets(self) -> Widgets:
        """What can be moved: the packet lab, editors of routes and rules, and others; `lab.widgets` lists them."""
        from labkit.show.widgets import Widgets

        return Widgets(self)

    # The instances

    def shell(self, instance: str, command: str) -> Output:
        """Run a command on an instance through SSM Run Command and print what it prints.

        Parameters: `instance` is its name or id; `command` is one or more lines of shell.
        Raises LabError where there is no such instance, or Systems Manager cannot reach it.
        """
        return run(self.client("ec2"), self.client("ssm"), instance, command, patience=self._world.patience)

    # Flow logs

    def wait_for_flow_logs(self) -> None:
        """Wait until the flow log records of all traffic so far have arrived, and say what has come.

        Records come minutes after the packets. The embedded AWS lets that time pass at once; on a real account this
        takes as long as it takes.
        Raises LabError where there is no flow log, and where a real account delivers nothing for 20 minutes.
        """
        ec2, logs = self.client("ec2"), self.client("logs")
        if not flow_logs(ec2):
            raise LabError("There is no flow log, so no record will come. Create one first: see notebook 02.")
        started = self._world.now()
        before = len(self._events())
        self._world.settle(lambda since: undelivered(ec2, logs, self.network, LOG_GROUP, since, self.clock))
        failed = [each for each in flow_logs(ec2) if each.get("DeliverLogsStatus") == "FAILED"]
        now = self._world.now()
        print(f"{started:%H:%M:%S} → {now:%H:%M:%S} UTC: {len(self._events()) - before} new records")
        for flow_log in failed:
            print(
                f"{flow_log['FlowLogId']} on {flow_log['ResourceId']}: "
                f"delivery FAILED, {flow_log.get('DeliverLogsErrorMessage')!r}"
            )

    def records(self, *containing: object, since: datetime | None = None, log_group: str = LOG_GROUP) -> Records:
        """The flow log records in a log group as they were delivered, line by line, oldest first.

        Parameters: `containing` are words that a line must all contain, such as an address, an interface's id or
        `REJECT`; `since` leaves out records of traffic before that moment. Raises LabError where there is no such log
        group, and where `since` has no time zone.
        """
        if self.find(log_group, "log-group") is None:
            raise LabError(f"There is no log group {log_group!r}. Notebook 02 creates it; flow logs fill it.")
        if since is not None and (not isinstance(since, datetime) or since.tzinfo is None):
            raise LabError(f"{since!r} is not a moment with a time zone. Take one from lab.clock, before the traffic.")
        words = {word for each in containing for word in str(each).split()}
        earliest = since.timestamp() * 1000 if since else 0
        lines = [str(event["message"]) for event in self._events(log_group) if event["timestamp"] >= earliest]
        return Records(line for line in lines if words <= set(line.split()))

    def insights(self, query: str, since: datetime | None = None, log_group: str = LOG_GROUP) -> DataFrame:
        """Ask CloudWatch Logs Insights and give the answer as a table, numbers as numbers.

        Parameters: `query` is in its query language; records from `since` until now are searched, those of the last 24
        hours unless it is given. Raises LabError where the query is malformed, marking the offending word.
        """
        from labkit.session.insights import ask

        now = self._world.now()
        return ask(self.client("logs"), query, log_group, since or now - timedelta(days=1), now)

    def _events(self, log_group: str = LOG_GROUP) -> list[dict[str, Any]]:
        logs = self.client("logs")
        try:
            pages = logs.get_paginator("filter_log_events").paginate(logGroupName=log_group)
            events = [event for page in pages for event in page["events"]]
        except logs.exceptions.ResourceNotFoundException:
            return []
        return sorted(events, key=lambda event: (event["timestamp"], event["logStreamName"], event["message"]))

    # The lesson

    @property
    def clock(self) -> datetime:
        """The time that this AWS goes by, in UTC: virtual in the embedded AWS, real on an account."""
        return self._world.now()

    def catch_up(self, chapter: str) -> None:
        """Run the build cells of every notebook before a chapter, so that this one can begin where they end.

        Parameters: `chapter` is the number of the notebook that calls it, such as `"03"`. The names that the cells
        define are there afterwards.
        What exists already is found, not made again.
        """
        from labkit.learn.catch_up import catch_up

        namespace = _namespace_of_caller()
        namespace.setdefault("lab", self)  # the cells say lab, whatever the caller says
        done = catch_up(chapter, namespace)
        print(f"Caught up: {', '.join(done)}" if done else "Nothing to catch up with: this is the first chapter.")

    def check(self, name: str | None = None, vpc: str | None = None) -> Result | Overview:
        """Look at what you have built so far, and say of each part what is right and what to do next.

        Parameters: `name` is a step's, such as `"vpcs"` (without it, all steps in short); `vpc` is `"vpc-1"` or
        `"vpc-2"` where only that half is meant. Raises nothing, save CheckFailedError where LABKIT_STRICT is set.
        """
        return self._desk.check(name, vpc)

    def exercise(self, id: str) -> Exercise:
        """An exercise, such as `"3.2"`, with `.check(answer)`, `.hint()` (one more each time) and `.solution()`.

        Raises LabError where there is none of that number.
        """
        return self._desk.exercise(id)

    def quiz(self, chapter: str) -> QuizWidget:
        """The quiz of a chapter, such as `"03"`: to be clicked, or answered with `.answer(1, "b")`.

        Raises LabError where there is none of that number.
        """
        from labkit.show.widgets.quiz import QuizWidget

        return QuizWidget(self._desk.quiz(chapter))

    def clean_up(self, dry_run: bool = False) -> None:
        """Delete the lab, in the order in which AWS lets go of it, say what was deleted, and look whether all is gone.

        That is what bears the lab's tag (`Lab`: `nimbus`), everything inside a VPC or attached to one that bears it,
        whoever made it, and by their names the lab's roles, policy, instance profile and log group with its records.
        Nothing else is touched. Running it again deletes what was left, or nothing.
        Parameters: with `dry_run`, it only says what it would delete.
        """
        from labkit.session.clean_up import clean_up

        clean_up(self.client, LAB_TAG, patience=self._world.patience, dry_run=dry_run)

    @cached_property
    def _desk(self) -> Desk:
        from labkit.learn.grader import Desk

        return Desk(self, is_live)

    def __repr__(self) -> str:
        return f"<lab on {self._world}>"


_lab: Lab | None = None


def connect(where: str = "embedded", *, profile: str | None = None, region: str | None = None) -> Lab:
    """Connect to an AWS and give the `lab` for it; `boto3.client(…)` in the cells below then talks to the same AWS.

    Parameters: `where` is `"embedded"` (no account, no cost, no network) or `"aws"`, a real account, reached with the
    credentials of `profile` in `region` and only after you have confirmed its number. Connecting again to the
    embedded AWS finds it as it was.
    Raises LabError for any other place, for credentials that do not work, and where the account is not confirmed.
    """
    global _lab
    if where == "embedded":
        if profile or region:
            raise LabError(
                "The embedded AWS has one account and one region; leave profile and region out, or connect('aws', …)."
            )
        _lab = Lab(Embedded())
    elif where == "aws":
        with environment_kept():
            account = Account(profile, region)
            _confirm(account)
        account.enter()
        _lab = Lab(account)
    else:
        raise LabError(
            f"There is no AWS called {where!r}: connect() goes to the embedded one, connect('aws') to a real account."
        )
    from labkit.show.magics import register

    register(_lab.shell, _lab.insights)
    print(f"Connected to {_lab._world}.")
    return _lab


def _confirm(account: Account) -> None:
    """Ask before anything is made, and paid for, in a real account."""
    print(f"This is {account}. What the notebooks make there costs money until it is deleted (notebook 10).")
    try:
        typed = input(f"Type the account number {account.account} to go on: ")
    except (EOFError, OSError, NotImplementedError):  # of a script, of a test, of a notebook run without a browser
        raise LabError(
            "Not connected: there is nobody here to confirm the account. Run this in a notebook or in a terminal."
        ) from None
    if typed.strip() != account.account:
        raise LabError("Not connected: the account number was not confirmed.")


def _may_be_too_early(error: ClientError) -> bool:
    """Whether a refusal is what AWS answers about a thing that it will know in a moment."""
    code, message = error.response["Error"]["Code"], error.response["Error"]["Message"]
    return code.endswith("NotFound") or any(words in message for words in _TOO_EARLY)


def _namespace_of_caller() -> dict[str, Any]:
    """The notebook's own namespace or, in a plain script, the one of the code that called the lab."""
    ipython = shell()
    return ipython.user_ns if ipython else sys._getframe(2).f_globals
