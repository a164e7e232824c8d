"""Writes the lines of flow log records from closed windows; delivery puts them into a log group.

https://docs.aws.amazon.com/vpc/latest/userguide/flow-log-records.html

`start` and `end` are modeled: the window's, so that the records of an interface and a window share them. AWS defines
them as the times of the flow's first and last packet in the interval. Published records read otherwise: these have
several flows of one interface, some of a single packet, all with the same start and the same end.

- the two records in `data/original-lab`
- AWS's examples of accepted and rejected traffic, and of TCP flags (its example of a rejected reply has two starts)
  https://docs.aws.amazon.com/vpc/latest/userguide/flow-logs-records-examples.html
- four records in the tests of a log collector
  https://github.com/SEKOIA-IO/automation-library/blob/main/AWS/tests/connectors/s3/test_trigger_s3_flowlogs.py
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from labkit.embedded.dataplane.capture import Count, Flow, Window
from labkit.embedded.dataplane.flow_logs import FlowLog
from labkit.network.packet import TCP

#: traffic-path, by the kind of target that the route names; the instances are taken to be Nitro ones, hence 8 for an
#: internet gateway.
_TRAFFIC_PATHS = {"local": 1, "nat": 1, "eni": 1, "igw": 8, "eigw": 8, "pcx": 4}


def lines(window: Window, flow_log: FlowLog, common: Mapping[str, object]) -> Iterator[str]:
    """Write the records of a closed window; fields that the embedded AWS does not compute are `-`.

    Args:
        window: The window of one interface.
        flow_log: The flow log, with the format of its records.
        common: The fields that do not depend on the flow: the account, the region and where the interface is.

    Yields:
        The line of each record; one record with NODATA where no flow is to be recorded.
    """
    common = {**common, "start": window.start, "end": window.end}
    flows = [(flow, count) for flow, count in window.flows if flow_log.wants(flow.action)]
    for flow, count in flows:
        yield flow_log.format.line({**common, **_flow(flow, count), "log-status": "OK"})
    if not flows:
        yield flow_log.format.line({**common, "log-status": "NODATA"})


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
