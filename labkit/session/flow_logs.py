"""What flow logs have delivered to a log group, and what is still to come."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from labkit.network import Network

#: How long a flow log may say FAILED before that is taken to be its state: one whose role was mended says so until its
#: next delivery.
_UNTIL_FAILED_IS_MEANT = timedelta(minutes=10)


def flow_logs(ec2: Any) -> list[dict[str, Any]]:
    """All flow logs, as EC2 describes them."""
    pages = ec2.get_paginator("describe_flow_logs").paginate()
    return [flow_log for page in pages for flow_log in page["FlowLogs"]]


def undelivered(ec2: Any, logs: Any, network: Network, log_group: str, since: datetime, now: datetime) -> list[str]:
    """The ids of the running instances' interfaces of which no record that begins at `since` or later is there.

    Those whose flow log still fails to deliver some time after `since` are left out: nothing will come from them.
    Parameters: `ec2` and `logs` are clients.
    """
    has_had_time = now - since > _UNTIL_FAILED_IS_MEANT
    covered = {
        flow_log["ResourceId"]
        for flow_log in flow_logs(ec2)
        if flow_log.get("LogGroupName") == log_group
        and not (has_had_time and flow_log.get("DeliverLogsStatus") == "FAILED")
    }
    running = {instance.id for instance in network.instances.values() if instance.state == "running"}
    return [
        interface.id
        for interface in network.interfaces.values()
        if interface.instance in running
        and covered & {interface.id, interface.subnet, interface.vpc}
        and not _has_event(logs, log_group, f"{interface.id}-all", since)
    ]


def _has_event(logs: Any, log_group: str, stream: str, since: datetime) -> bool:
    # Not lastEventTimestamp of describe_log_streams, which may be an hour late:
    # https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_LogStream.html
    pages = logs.get_paginator("filter_log_events").paginate(
        logGroupName=log_group, logStreamNames=[stream], startTime=int(since.timestamp() * 1000)
    )
    try:
        return any(page["events"] for page in pages)
    except logs.exceptions.ResourceNotFoundException:
        return False
