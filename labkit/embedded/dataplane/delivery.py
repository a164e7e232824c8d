"""Delivers the records of closed windows to CloudWatch Logs, if the flow log's role may write them.

https://docs.aws.amazon.com/vpc/latest/userguide/flow-logs-cwl.html
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from labkit.embedded.api.scope import ACCOUNT_ID
from labkit.embedded.api.server import Server
from labkit.embedded.api.stored_events import StoredEvent, log_groups, next_event_id
from labkit.embedded.dataplane.capture import Window
from labkit.embedded.dataplane.flow_log_records import lines
from labkit.embedded.dataplane.flow_logs import FlowLog
from labkit.iam import flow_log_delivery, read_role

#: Seconds from the end of a window to its events in the log group: modeled as always the same; AWS says "typically
#: about 5 minutes".
DELAY = 300


class Delivery:
    """Writes records to log streams, one `eni-…-all` for each interface, and keeps each flow log's delivery status."""

    def __init__(self, server: Server) -> None:
        self._server = server

    def deliver(
        self, flow_log: FlowLog, windows: Sequence[Window], places: Mapping[str, Mapping[str, str | None]]
    ) -> None:
        """Write the records of closed windows, or note that they may not be written.

        What was refused is lost (modeled: AWS doesn't say).

        Args:
            flow_log: The flow log.
            windows: Its closed windows, oldest first.
            places: By the id of each interface, the fields of its records that say where it is or was.
        """
        groups = log_groups(self._server.region)
        logs = self._server.client("logs")
        may_write = self._may_write(flow_log, log_group_exists=flow_log.log_group in groups)
        if may_write and flow_log.log_group not in groups:
            try:
                logs.create_log_group(logGroupName=flow_log.log_group)
            except logs.exceptions.InvalidParameterException:  # CreateFlowLogs takes any name
                may_write = False
        self._note(flow_log, may_write)
        if not may_write:
            return
        group = groups[flow_log.log_group]
        for window in windows:
            name = f"{window.interface}-all"
            if name not in group.streams:
                logs.create_log_stream(logGroupName=flow_log.log_group, logStreamName=name)
            stream = group.streams[name]
            ingestion_time = (window.end + DELAY) * 1000
            timestamp = window.start * 1000
            for line in lines(window, flow_log, places[window.interface]):
                # Not put_log_events: the clock may have jumped over many windows, and each keeps its own ingestion
                # time.
                stream.events.append(StoredEvent(timestamp, ingestion_time, line, next_event_id()))
                stream.stored_bytes += len(line)
            # moto keeps moments in UTC without their time zone.
            stream.last_ingestion_time = datetime.fromtimestamp(window.end + DELAY, UTC).replace(tzinfo=None)

    def _may_write(self, flow_log: FlowLog, log_group_exists: bool) -> bool:
        """Whether the flow log's role lets the flow logs service write to its log group."""

        def ask() -> bool:
            role = read_role(self._server.client("iam"), flow_log.role_arn.rpartition("/")[2])
            if role is None:
                return False
            return flow_log_delivery(
                role,
                account=ACCOUNT_ID,
                region=self._server.region,
                flow_log_id=flow_log.id,
                log_group=flow_log.log_group,
                log_group_exists=log_group_exists,
            ).allowed

        return self._server.remember("iam", (flow_log.id, log_group_exists), ask)

    def _note(self, flow_log: FlowLog, delivered: bool) -> None:
        from moto.ec2.models import ec2_backends

        stored = ec2_backends[ACCOUNT_ID][self._server.region].flow_logs[flow_log.id]
        stored.deliver_logs_status = "SUCCESS" if delivered else "FAILED"
        stored.deliver_logs_error_message = None if delivered else "Access error"
