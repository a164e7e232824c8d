"""Writes the lines of flow log records from closed windows; delivery puts them into a log group.

https://docs.aws.amazon.com/vpc/latest/userguide/flow-log-records.html
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping

from labkit.embedded.dataplane.capture import Count, Flow, Window
from labkit.embedded.dataplane.flow_logs import FlowLog
from labkit.network.packet import TCP

#: traffic-path, by the kind of target that the route names; the instances are taken to be Nitro ones, hence 8 for an
#: internet gateway.
_TRAFFIC_PATHS = {"local": 1, "nat": 1, "eni": 1, "igw": 8, "eigw": 8, "pcx": 4}


def lines(window: Window, flow_log: FlowLog, common: Mapping[str, object]) -> Iterator[tuple[int, str]]:
    """Write the records of a closed window; fields that the embedded AWS does not compute are `-`.

    Args:
        window: The window of one interface.
        flow_log: The flow log, with the format of its records.
        common: The fields that do not depend on the flow: the account, the region and where the interface is.

    Yields:
        For each record its start, in seconds since the epoch, and its line; one record with NODATA where no flow is to
        be recorded.
    """
    flows = [(flow, count) for flow, count in window.flows if flow_log.wants(flow.action)]
    for flow, count in flows:
        yield math.floor(count.first), flow_log.format.line({**common, **_flow(flow, count), "log-status": "OK"})
    if not flows:
        values = {**common, "start": window.start, "end": window.end, "log-status": "NODATA"}
        yield window.start, flow_log.format.line(values)


def _flow(flow: Flow, count: Count) -> dict[str, object]:
    packet, original = flow.packet, flow.original
    values: dict[str, object] = {
        "srcaddr": packet.src,
        "dstaddr": packet.dst,
        "srcport": packet.src_port,
        "dstport": packet.dst_port,
        "protocol": packet.protocol,
        "packets": count.packets,
        "bytes": count.bytes,
        "start": math.floor(count.first),
        "end": math.floor(count.last),
        "action": flow.action,
        "tcp-flags": count.tcp_flags if packet.protocol == TCP else 0,
        "type": f"IPv{packet.src.version}",
        "pkt-srcaddr": original.src,
        "pkt-dstaddr": original.dst,
        "flow-direction": flow.direction,
    }
    if flow.direction == "egress" and flow.target is not None:
        values["traffic-path"] = _TRAFFIC_PATHS.get(flow.target.split("-")[0])
    return values
