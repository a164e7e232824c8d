"""What flow logs have delivered to a log group, and which records are still to come; `lab` asks it."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from labkit.flowlogs import DEFAULT_FORMAT
from labkit.names import LAB_TAG
from labkit.network import Network
from labkit.session.paging import all_of

#: How long a flow log may say FAILED before that counts as its state: after its role is fixed, it says so until the
#: next delivery.
_UNTIL_FAILED_COUNTS = timedelta(minutes=10)

#: The interval of the lab's flow logs, of which each record tells.
INTERVAL = timedelta(minutes=1)

#: The longest interval of any flow log.
LONGEST_INTERVAL = timedelta(minutes=10)


#: How long after its traffic a record may arrive: by far more than AWS's "within 10 minutes".
#: https://docs.aws.amazon.com/vpc/latest/userguide/flow-logs-basics.html
_MAY_STILL_ARRIVE = timedelta(hours=6)


class Event(NamedTuple):
    """An event of a log group.

    Attributes:
        timestamp: The start of its record, in milliseconds since 1970.
        stream: The name of its log stream.
        message: Its record.
    """

    timestamp: int
    stream: str
    message: str


class Records(list[str]):
    """Flow log records as they were delivered, one line each, oldest first; a notebook shows them line by line."""

    def __repr__(self) -> str:
        return "\n".join(self) if self else "no records"

    def _repr_pretty_(self, printer: object, cycle: bool) -> None:
        # Without this, IPython would show a list's subclass as a list, in brackets and quotes.
        printer.text(repr(self))  # type: ignore[attr-defined]


def flow_logs(ec2: Any) -> list[dict[str, Any]]:
    """Return all flow logs as EC2 describes them."""
    return all_of(ec2, "describe_flow_logs", "FlowLogs[]")


def for_the_lab(ec2: Any, log_group: str) -> list[dict[str, Any]]:
    """Return the flow logs that have the lab's tag or deliver to its log group, and not other people's."""
    return [each for each in flow_logs(ec2) if LAB_TAG in each.get("Tags", ()) or each.get("LogGroupName") == log_group]


def events(logs: Any, log_group: str, since: datetime | None = None, **conditions: Any) -> list[Event]:
    """Return the events of a log group, oldest first; none if there is no such log group.

    Args:
        logs: A CloudWatch Logs client.
        log_group: The name of the log group.
        since: Leave out events whose timestamp is earlier.
        conditions: Further parameters of FilterLogEvents.
    """
    if since is not None:
        conditions["startTime"] = max(0, int(since.timestamp() * 1000))
    pages = logs.get_paginator("filter_log_events").paginate(logGroupName=log_group, **conditions)
    try:
        found = [
            Event(each["timestamp"], sys.intern(each["logStreamName"]), each["message"])
            for page in pages
            for each in page["events"]
        ]
    except logs.exceptions.ResourceNotFoundException:
        return []
    found.sort()
    return found


def arriving(logs: Any, log_group: str, now: datetime) -> int:
    """Return how many events there are of the time from which records may still arrive."""
    return len(events(logs, log_group, now - _MAY_STILL_ARRIVE))


def formats(ec2: Any, log_group: str) -> list[list[str]]:
    """Return the fields, in order, that records in a log group may have: the default ones, and those of its flow logs.

    A field that is newer than labkit is one, too.
    """
    texts = [DEFAULT_FORMAT, *(each["LogFormat"] for each in flow_logs(ec2) if each.get("LogGroupName") == log_group)]
    return [re.findall(r"\$\{(.*?)\}", text) for text in dict.fromkeys(texts)]


def overlaps(event: Event, since: datetime, formats: Iterable[list[str]]) -> bool:
    """Return whether a record is of traffic at some moment or later, as far as one can tell: whether it ends then.

    Args:
        event: The event that holds the record; its timestamp is the record's start.
        since: The moment.
        formats: The fields that the record may have. Where none of them says when it ends, it must begin then.
    """
    words = event.message.split()
    ends = [
        int(words[at])
        for names in formats
        if len(names) == len(words) and "end" in names and words[at := names.index("end")].isdecimal()
    ]
    return max(ends, default=event.timestamp / 1000) >= since.timestamp()


def undelivered(ec2: Any, logs: Any, network: Network, log_group: str, since: datetime, now: datetime) -> list[str]:
    """Return which interfaces of running instances have delivered no record that begins at a moment or later.

    Interfaces whose flow log still fails to deliver some time after that moment are left out: nothing will come from
    them.

    Args:
        ec2: An EC2 client.
        logs: A CloudWatch Logs client.
        network: The network as it is now.
        log_group: The name of the log group to which the records go.
        since: The moment.
        now: The current time of this AWS.

    Returns:
        The ids of the interfaces.
    """
    has_had_time = now - since > _UNTIL_FAILED_COUNTS
    covered = {
        flow_log["ResourceId"]
        for flow_log in flow_logs(ec2)
        if flow_log.get("LogGroupName") == log_group
        and not (has_had_time and flow_log.get("DeliverLogsStatus") == "FAILED")
    }
    running = {instance.id for instance in network.instances.values() if instance.state == "running"}
    # The events are read, since lastEventTimestamp of describe_log_streams may be an hour late:
    # https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_LogStream.html
    return [
        interface.id
        for interface in network.interfaces.values()
        if interface.instance in running
        and covered & {interface.id, interface.subnet, interface.vpc}
        and not events(logs, log_group, since, logStreamNames=[f"{interface.id}-all"])
    ]
