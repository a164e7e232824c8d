"""From a flow and its count to the fields of a flow log record.

https://docs.aws.amazon.com/vpc/latest/userguide/flow-log-records.html
"""

from __future__ import annotations

import math
from collections.abc import Iterator

from labkit.embedded.capture import Count, Flow, FlowLog, Window
from labkit.network import Interface, Network
from labkit.network.packet import TCP

#: traffic-path, by the kind of target that the route names; the instances are taken to be Nitro ones, hence 8 for an
#: internet gateway.
_TRAFFIC_PATHS = {"local": 1, "nat": 1, "eni": 1, "igw": 8, "eigw": 8, "pcx": 4}


def lines(window: Window, flow_log: FlowLog, network: Network, account: str, region: str) -> Iterator[tuple[int, str]]:
    """The records of a closed window as (start in seconds, line); one that says NODATA where no flow is to be recorded.

    Parameters: `network` is consulted for what the interface belongs to; fields that the embedded AWS does not
    compute are `-`.
    """
    place = _place(window.interface, network, account, region)
    flows = [(flow, count) for flow, count in window.flows if flow_log.wants(flow.action)]
    for flow, count in flows:
        values = place | _flow(flow, count) | {"log-status": "OK"}
        yield math.floor(count.first), flow_log.format.line(values)
    if not flows:
        values = place | {"start": window.start, "end": window.end, "log-status": "NODATA"}
        yield window.start, flow_log.format.line(values)


def _place(interface_id: str, network: Network, account: str, region: str) -> dict[str, object]:
    """The fields that say where a record was made, which NODATA records have too."""
    values: dict[str, object] = {"account-id": account, "interface-id": interface_id, "region": region}
    interface: Interface | None = network.interfaces.get(interface_id)
    if interface is not None:
        values |= {"vpc-id": interface.vpc, "subnet-id": interface.subnet, "instance-id": interface.instance}
        values["az-id"] = network.subnets[interface.subnet].availability_zone_id
    return values


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
