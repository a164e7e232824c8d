"""`lab`: one object beside boto3, for what a lesson needs and boto3 does not do in one line.

The first cell of each notebook calls `labkit.connect`, which returns the `Lab`. Everything in it works on the embedded
AWS and on a real account alike; only `connect` chooses between them.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from functools import cached_property
from typing import TYPE_CHECKING, Any

from labkit.errors import LabError
from labkit.names import GIVEN, LAB_TAG, LOG_GROUP
from labkit.session import consistency
from labkit.session.accounts import (
    Account,
    EmbeddedAccount,
    RealAccount,
    all_behaviors,
    confirm,
    connecting,
    require_connected,
)
from labkit.session.changes import changes, watch
from labkit.session.finding import Finder
from labkit.session.flow_logs import (
    INTERVAL,
    LONGEST_INTERVAL,
    Records,
    arriving,
    events,
    for_the_lab,
    formats,
    overlaps,
    undelivered,
)
from labkit.session.given import require_moment, require_text
from labkit.session.naming import Names
from labkit.session.shell import Output, run
from labkit.session.states import wait_for
from labkit.status import is_live, shell

if TYPE_CHECKING:
    from pandas import DataFrame

    from labkit.learn.checks import Overview
    from labkit.learn.exercises import Exercise, Step
    from labkit.learn.grader import Grader
    from labkit.learn.result import Result
    from labkit.learn.standing import Progress
    from labkit.network import Network, Path
    from labkit.session.costs import Quote
    from labkit.session.findings import Report
    from labkit.show.map.drawing import Drawing
    from labkit.show.widgets import Widgets
    from labkit.show.widgets.quiz import QuizWidget


class Lab:
    """A connection to one AWS, embedded or real; `labkit.connect()` makes it.

    Attributes:
        account: The number of the AWS account, 12 digits.
        region: The region, such as `us-east-1`.
        tag: The tag that marks what is the lab's, as IAM takes it in `Tags=[lab.tag]`.
    """

    def __init__(self, account: Account) -> None:
        self._account = account
        self.account = account.number
        self.region = account.region
        self.tag = dict(LAB_TAG)
        watch()

    # Finding and making

    def find(self, name: str, kind: str | None = None) -> str | None:
        """Find the one thing of the lab that has a name.

        So `vpc_1 = lab.find("vpc-1") or ec2.create_vpc(…)` makes the VPC only once. What is deleted, terminated or
        failed does not count, nor does what lacks the lab's tag: it is somebody else's.

        Args:
            name: The Name tag of something in EC2, or the name of what `kind` says.
            kind: `log-group`, `role`, `policy` or `instance-profile`, which are found by their own names; or a resource
                type of EC2, such as `vpc` or `subnet`, if things of two types share the name.

        Returns:
            The id of a thing in EC2, the ARN of a role, policy or instance profile, or the name of a log group; None if
            nothing has the name.

        Raises:
            LabError: If several things have the name, there is no such kind, or the name is unique in the account and
                belongs to something without the lab's tag; `lab.name` then returns another name.
        """
        found = self.find_all(name, kind)
        if len(found) > 1:
            raise LabError(
                f"{len(found)} things are called {name!r}: {', '.join(found)}. "
                "Delete the ones that you do not want, or use the id itself instead of lab.find."
            )
        return found[0] if found else None

    def find_all(self, name: str, kind: str | None = None) -> list[str]:
        """Find all things of the lab that have a name.

        Args:
            name: As for `find`.
            kind: As for `find`.

        Returns:
            What `find` returns, for each of them, in order; an empty list if there is none.

        Raises:
            LabError: As for `find`, but for several things.
        """
        return self._finder.find(name, kind)

    def name(self, name: str) -> str:
        """Return the name that the lab's log group, one of its roles, its policy or its instance profile has here.

        That is the name itself. Where somebody else's thing has it, it is the name with `-2`, or `-3` and so on. In a
        sandbox, where you may not create roles, it is `LabRole` or `LabInstanceProfile`, which the account's owner has
        made for you: the lab uses them, and never changes or deletes them.

        Args:
            name: The name in the notebooks, such as `"NimbusVPCFlowLogsGroup"`.

        Raises:
            LabError: If the notebooks give no such name.
        """
        return self._names.of(name)

    def is_given(self, name: str) -> bool:
        """Return whether `lab.name` returned the name of a role or profile that the owner of a sandbox gives.

        The lab uses it as it is: it attaches nothing to it, and adds nothing to it.

        Args:
            name: What `lab.name` returned.
        """
        return name in GIVEN.values()

    def tags(self, kind: str, name: str) -> list[dict[str, Any]]:
        """Return `TagSpecifications` that name a new EC2 resource and mark it as the lab's.

        Args:
            kind: The resource type, such as `vpc`.
            name: The name.

        >>> Lab.tags(None, "vpc", "vpc-1")
        [{'ResourceType': 'vpc', 'Tags': [{'Key': 'Name', 'Value': 'vpc-1'}, {'Key': 'Lab', 'Value': 'nimbus'}]}]
        """
        require_text(kind, "a resource type", "lab.tags('vpc', 'vpc-1')")
        require_text(name, "a name", "lab.tags('vpc', 'vpc-1')")
        return [{"ResourceType": kind, "Tags": [{"Key": "Name", "Value": name}, LAB_TAG]}]

    @contextmanager
    def unless(self, *codes: str) -> Iterator[None]:
        """Run the `with` block, and go on if AWS answers that its work has been done already.

        Args:
            codes: AWS's error codes for that, such as `RouteAlreadyExists`. Other errors are raised.
        """
        from botocore.exceptions import ClientError

        for each in codes:
            require_text(each, "an error code", "lab.unless('RouteAlreadyExists')")
        try:
            yield
        except ClientError as error:
            if error.response["Error"]["Code"] not in codes:
                raise

    def eventually(self, operation: Callable[..., Any], **parameters: Any) -> Any:
        """Call an operation, again if needed, until AWS's services know what was made a moment ago.

        On a real account, other services do not know a new instance profile or role for some seconds. What an operation
        did for some of the resources and not for others, as `Unsuccessful` in its answer says, is repeated for the
        others. In the embedded AWS all is known at once.

        Args:
            operation: The method of a boto3 client, such as `ec2.run_instances`.
            parameters: Its parameters.

        Returns:
            The operation's answer.

        Raises:
            ClientError: If the operation fails for another reason, or goes on failing.
        """
        return consistency.eventually(operation, parameters, self._here.patience)

    def wait_for(self, id: str, *states: str) -> str:
        """Wait until a thing in EC2 is in a state that the next step needs.

        So `lab.wait_for(peering, "pending-acceptance")` waits until a peering connection can be accepted.

        Args:
            id: The thing's id.
            states: The states, each of which ends the waiting, such as `active` and `failed`.

        Returns:
            The state that ended it.

        Raises:
            LabError: If the thing is in a state from which it will not come into these, or takes too long.
        """
        return wait_for(self.client("ec2"), id, states, self._here.patience)

    def client(self, service: str) -> Any:
        """Return a boto3 client of the AWS that the lab is connected to, the same one each time.

        Args:
            service: The service, such as `ec2` or `logs`.
        """
        from botocore.exceptions import UnknownServiceError

        require_text(service, "a service", "lab.client('ec2')")
        try:
            return self._here.client(service)
        except UnknownServiceError:
            raise LabError(f"boto3 has no service {service!r}. Give one, such as lab.client('ec2').") from None

    # The network

    @property
    def network(self) -> Network:
        """The network as it is now, read with `describe_*` calls; a name in it means the lab's thing of that name."""
        from labkit.network import Network

        ec2 = self.client("ec2")
        consistency.wait_until_shown(ec2)
        return Network.from_ec2(ec2, own=LAB_TAG)

    @property
    def changes(self) -> Sequence[str]:
        """The EC2 operations with which cells of this notebook may have changed the network, in order."""
        require_connected(self._account)
        return changes()

    def trace(self, source: str, destination: str, protocol: str = "icmp", port: int | None = None) -> Path:
        """Follow a packet from one end to the other and back, hop by hop, without sending it.

        Args:
            source: The name, id or address of the sender.
            destination: The name, id or address of the receiver.
            protocol: `icmp`, `tcp` or `udp`.
            port: The destination port, for TCP and UDP.

        Returns:
            The path: each hop, with the route or rule that decided.

        Raises:
            NetworkError: If an end does not exist.
            PacketError: If the protocol or port does not exist.
        """
        for end in (source, destination):
            require_text(end, "an end of a path", "lab.trace('instance-1', '10.2.0.126')")
        return self.network.trace_between(source, destination, protocol, port)

    def map(self, path: Path | None = None) -> Drawing:
        """Draw the network as it is now and, if one is given, the path of a packet through it.

        Args:
            path: What `lab.trace` returned.

        Raises:
            LabError: If it is something else.
            NetworkError: If it leads through what has been deleted since.
        """
        from labkit.network import Path

        if path is not None and not isinstance(path, Path):
            raise LabError(f"{path!r} is not a path: give what lab.trace gives, lab.map(lab.trace(…, …)).")
        from labkit.show.map.drawing import draw

        return draw(self.network, path)

    @property
    def widgets(self) -> Widgets:
        """The interactive widgets: a packet lab, editors of routes and rules, and others; `lab.widgets` lists them."""
        from labkit.show.widgets import Widgets

        return Widgets(self)

    # The instances

    def shell(self, instance: str, command: str) -> Output:
        """Run a command on an instance through SSM Run Command, and print its output.

        Args:
            instance: The instance's name or id.
            command: One or more lines of shell.

        Returns:
            The output and the exit code, which a notebook does not show a second time.

        Raises:
            LabError: If there is no such instance, or Systems Manager cannot reach it.
        """
        return run(self.client("ec2"), self.client("ssm"), instance, command, patience=self._here.patience)

    # Flow logs

    def wait_for_flow_logs(self) -> None:
        """Wait until the flow log records of all traffic so far have arrived, and print how many have come.

        Records come minutes after the packets. The embedded AWS lets that time pass at once; on a real account it takes
        as long as it takes.

        Raises:
            LabError: If the lab has no flow log, or a real account delivers nothing for 20 minutes.
        """
        ec2, logs, log_group = self.client("ec2"), self.client("logs"), self.name(LOG_GROUP)
        if not for_the_lab(ec2, log_group):
            raise LabError("There is no flow log, so no record will come. Create one first: see notebook 02.")
        started = self.clock
        before = arriving(logs, log_group, started)
        self._here.settle(lambda since: undelivered(ec2, logs, self.network, log_group, since, self.clock))
        failed = [each for each in for_the_lab(ec2, log_group) if each.get("DeliverLogsStatus") == "FAILED"]
        now = self.clock
        print(f"{started:%H:%M:%S} → {now:%H:%M:%S} UTC: {arriving(logs, log_group, started) - before} new records")
        for flow_log in failed:
            print(
                f"{flow_log['FlowLogId']} on {flow_log['ResourceId']}: "
                f"delivery FAILED, {flow_log.get('DeliverLogsErrorMessage')!r}"
            )

    def records(self, *containing: object, since: datetime | None = None, log_group: str | None = None) -> Records:
        """Return the flow log records in a log group as they were delivered, one line each, oldest first.

        Args:
            containing: Words that a line must contain, all of them, such as an address, an interface's id or `REJECT`.
            since: Leave out records that end before this moment; it needs a time zone, such as `lab.clock` has. A
                record is of one interval of its flow log, such as a minute: the one in which this moment lies counts.
            log_group: The name of the log group; the lab's unless given.

        Raises:
            LabError: If there is no such log group, or `since` has no time zone.
        """
        log_group = log_group or self.name(LOG_GROUP)
        require_text(log_group, "the name of a log group", "lab.records(log_group='…')")
        if self._finder.named(log_group, "log-group") is None:
            raise LabError(f"There is no log group {log_group!r}. Notebook 02 creates it; flow logs fill it.")
        if since is not None:
            require_moment(since)
        words = {word for each in containing for word in str(each).split()}
        found = events(self.client("logs"), log_group, since and since - LONGEST_INTERVAL)
        if since:
            known = formats(self.client("ec2"), log_group)
            found = [event for event in found if overlaps(event, since, known)]
        lines = (event.message for event in found)
        return Records(line for line in lines if not words or words <= set(line.split()))

    def insights(
        self, query: str, since: datetime | None = None, log_group: str | None = None, *, hint: bool = True
    ) -> DataFrame:
        """Run a query of CloudWatch Logs Insights.

        Logs Insights is silent about a field that no record has; this prints a sentence about it.

        Args:
            query: The query, in the language of Logs Insights.
            since: Search the records of traffic from this moment until now; those of the last 24 hours unless given.
                The time of a record is where its interval begins, up to a minute earlier, so those are searched too.
            log_group: The name of the log group; the lab's unless given.
            hint: Whether to print a sentence about a field that no flow log record has. Only of the lab's own log
                group is it known what its fields are.

        Returns:
            The answer as a table, numbers as numbers and times as times.

        Raises:
            LabError: If the query is malformed, with the wrong word marked, or there is no such log group.
        """
        from labkit.insights import unknown_fields
        from labkit.session.insights import ask

        if since is not None:
            require_moment(since)
        now, own = self.clock, self.name(LOG_GROUP)
        start = since - INTERVAL if since else now - timedelta(days=1)
        table = ask(self.client("logs"), query, log_group or own, start, now)
        if hint and log_group in (None, own):
            for sentence in unknown_fields(query, table.columns):
                print(sentence)
        return table

    # The lesson

    @property
    def clock(self) -> datetime:
        """The current time of this AWS, in UTC: virtual in the embedded AWS, real on an account."""
        return self._here.now()

    def catch_up(self, chapter: str | None = None) -> None:
        """Build the lab as it is where this cell begins, and print what was done.

        With a chapter, this runs the build cells of every notebook before it, so that this one can start where they
        end. Each notebook's first cell does that. Without one, it runs the build cells of this notebook: those above
        the cell that calls it or, if the kernel cannot know where that is, as in a cell of your own, those up to where
        you were. After a restart it so builds again, in the embedded AWS, what was lost with the kernel. It also runs
        the cells whose names or traffic later cells need, which on a real account take as long as before.

        What exists already is found, not made again. The variables that the cells set, such as `vpc_1`, are there
        afterwards.

        Args:
            chapter: The number of the notebook that calls it, such as `"03"`.

        Raises:
            LabError: If there is no such chapter, no cell of this one has run yet, or a build cell fails.
        """
        from labkit.learn.catch_up import catch_up, catch_up_here
        from labkit.learn.visit import visit_of

        require_connected(self._account)
        namespace, visit = _namespace_of_caller(), visit_of(shell())
        namespace.setdefault("lab", self)  # the cells say lab, whatever the caller says
        if chapter is None:
            print(catch_up_here(visit, namespace))
            return
        earlier = visit.start(chapter)
        done = catch_up(chapter, namespace)
        self._grader.chapter = chapter
        print(f"Caught up: {', '.join(done)}" if done else "Nothing to catch up with: this is the first chapter.")
        if earlier:
            print(
                f"Before, you were at '{earlier.section}'. lab.catch_up() in a new cell rebuilds the lab up to there."
            )

    def check(self, name: str | None = None, vpc: str | None = None) -> Result | Overview:
        """Look at what you have built so far, and show what is right and what to do next.

        What is marked `·` is not there yet, or only in part, which is not wrong.

        Args:
            name: The name of a step, such as `"vpcs"`; all steps, in short, unless given.
            vpc: `"vpc-1"` or `"vpc-2"`, if only that half is meant.

        Raises:
            CheckFailedError: If LABKIT_STRICT is set, and something is wrong, or not there although this notebook has
                come to it; otherwise nothing is raised.
        """
        return self._grader.check(name, vpc)

    def progress(self) -> Progress:
        """Show what you have passed, what is left, and what comes next, by chapter.

        Where notebooks run by themselves, it is what this run has passed.
        """
        return self._grader.progress()

    def exercise(self, id: str) -> Exercise | Step:
        """Return an exercise, with `.check(answer)`, `.hint()` (one more each time) and `.solution()`.

        Args:
            id: The exercise's number, such as `"3.2"`, or that of a step to write yourself, such as `"1.a"`.

        Raises:
            LabError: If there is no such exercise.
        """
        return self._grader.exercise(id)

    def quiz(self, chapter: str) -> QuizWidget:
        """Return the quiz of a chapter: click an answer, or call `.answer(1, "b")`.

        Args:
            chapter: The chapter's number, such as `"03"`.

        Raises:
            LabError: If there is no such quiz.
        """
        from labkit.show.widgets.quiz import QuizWidget

        quiz = self._grader.quiz(chapter)
        questions = [(each.text, {option.letter: option.text for option in each.options}) for each in quiz.questions]
        return QuizWidget(quiz.title, questions, quiz.trouble, quiz.answer, still=quiz, passed=quiz.passed())

    def clean_up(self, dry_run: bool = False) -> None:
        """Delete the lab in the order that AWS demands, print what was deleted, and look whether anything is left.

        This deletes what has the lab's tag (`Lab`: `nimbus`), with all that AWS deletes with it, and nothing else. What
        lacks the tag in one of the lab's VPCs stays, and is named, with what to do. Running it again deletes what was
        left, or nothing.

        Args:
            dry_run: Only print what would be deleted.
        """
        from labkit.session.clean_up import clean_up

        clean_up(self.client, patience=self._here.patience, dry_run=dry_run)

    def costs(self) -> Quote:
        """Return what the lab costs by a dated table of list prices: an hour, a day, a forgotten month, and so far.

        In the embedded AWS, which costs nothing, it is what the same things would cost on AWS.

        Raises:
            LabError: If the course's folder, which has the prices, is not here.
        """
        from labkit.session.costs import costs

        return costs(self.client, self.name(LOG_GROUP), self.region, self.clock)

    @cached_property
    def _finder(self) -> Finder:
        return Finder(self.client)

    @cached_property
    def _names(self) -> Names:
        return Names(self._finder)

    @cached_property
    def _grader(self) -> Grader:
        from labkit.learn.grader import Grader

        return Grader(self, is_live)

    @property
    def _here(self) -> Account:
        """The lab's account, as long as it is the one that is connected."""
        require_connected(self._account)
        return self._account

    def __repr__(self) -> str:
        return f"<lab on {self._account}>"


_lab: Lab | None = None


def connect(where: str | None = None, *, profile: str | None = None, region: str | None = None) -> Lab:
    """Connect to an AWS; `boto3.client(…)` in the cells below then talks to the same one.

    Connecting to the embedded AWS again finds it as it was.

    Args:
        where: `"embedded"` (no account, no cost, no network); `"contrary"`, an embedded one that lags, throttles,
            refuses and holds other people's things, as real ones do; `"contrary:throttling"`, one with only these
            behaviors, joined by commas; or `"aws"`, a real account, after a look at it that makes nothing, and after
            you have confirmed its number. Unless given, what the environment variable LABKIT_AWS says, or else
            `"embedded"`.
        profile: The profile with the credentials for the real account. Unless given, what LABKIT_PROFILE says, or else
            the usual credentials.
        region: The region of the real account. Unless given, what LABKIT_REGION says, or else that of the profile.

    Returns:
        The `lab`.

    Raises:
        LabError: If there is no such place, the credentials do not work, something in the account is in the lab's way,
            or the account is not confirmed.
    """
    global _lab
    if where is None:
        where = os.environ.get("LABKIT_AWS") or "embedded"
    require_text(where, "the name of an AWS", "connect('aws')")
    for each in filter(None, (profile, region)):
        require_text(each, "the name of a profile or a region", "connect('aws', profile='class', region='us-east-1')")
    world, _, names = where.partition(":")
    if world not in ("embedded", "contrary", "aws") or (names and world != "contrary"):
        raise LabError(
            f"There is no AWS called {where!r}: connect() goes to the embedded one, connect('contrary') to one that "
            "behaves as real ones do, connect('aws') to a real account."
        )
    with connecting():
        if world == "aws":
            account: Account = _confirmed(
                profile or os.environ.get("LABKIT_PROFILE"), region or os.environ.get("LABKIT_REGION")
            )
        elif profile or region:
            raise LabError(
                "The embedded AWS has one account and one region; leave profile and region out, or connect('aws', …)."
            )
        elif world == "contrary":
            account = _contrary([name.strip() for name in names.split(",")] if names else all_behaviors())
        else:
            account = EmbeddedAccount()
        _lab = Lab(account)
        from labkit.learn.visit import visit_of
        from labkit.show.magics import register

        visit = visit_of(shell())
        visit.lasts = world == "aws"
        register(_lab.shell, _lab.insights, visit)
        print(f"Connected to {_lab._account}.")
        return _lab


def _confirmed(profile: str | None, region: str | None) -> RealAccount:
    """Connect to a real account, unless the student does not want it; then everything stays as it was."""
    account = RealAccount(profile, region)
    report = _look(account)
    print(report)
    report.require()
    confirm(account, "What the notebooks make there costs money until it is deleted (notebook 10).")
    account.enter()
    return account


def _contrary(behaviors: list[str]) -> EmbeddedAccount:
    """Connect to a contrary AWS, unless the lab can't be made there.

    Then the settings are as they were, but an embedded AWS that was connected before is gone: calls to it are refused
    on the loopback, so that none goes to an account that was not confirmed.
    """
    account = EmbeddedAccount(behaviors)
    try:
        report = _look(account)
        for note in report.notes:
            print(note)
        report.require()
    except LabError as error:
        account.close()
        if _lab is None:
            raise
        raise LabError(
            f"{error}\nA kernel has one embedded AWS at a time, so what an earlier one held is gone. Connect again "
            "before you go on, such as with connect('embedded')."
        ) from None
    except BaseException:
        account.close()
        raise
    return account


def _look(account: Account) -> Report:
    from labkit.session.preflight import preflight

    return preflight(account.client, account.region)


def _namespace_of_caller() -> dict[str, Any]:
    """Return the notebook's namespace or, in a plain script, that of the code that called the lab."""
    ipython = shell()
    return ipython.user_ns if ipython else sys._getframe(2).f_globals
