"""From a flow and its count to the fields of a flow log record.

https://docs.aws.amazon.com/vpc/latest/userguide/flow-log-records.html
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

from labkit.embedded.dataplane.capture import Count, Flow, FlowLog, Window
from labkit.network import Interface, Network
from labkit.network.packet import TCP

#: traffic-path, by the kind of target that the route names; the instances are taken to be Nitro ones, hence 8 for an
#: internet gateway.
_TRAFFIC_PATHS = {"local": 1, "nat": 1, "eni": 1, "igw": 8, "eigw": 8, "pcx": 4}


@dataclass(frozen=True, slots=True)
class Place:
    """Where an interface is, or was while it was there."""

    vpc: str
    subnet: str
    zone: str
    instance: str | None


def place(interface: Interface, network: Network) -> Place:
    """Where an interface of a network is."""
    zone = network.subnets[interface.subnet].availability_zone_id
    return Place(interface.vpc, interface.subnet, zone, interface.instance)


def lines(window: Window, flow_log: FlowLog, at: Place, account: str, region: str) -> Iterator[tuple[int, str]]:
    """The records of a closed window as (start in seconds, line); one that says NODATA where no flow is to be recorded.

    Parameters: `at` is where the interface is; fields that the embedded AWS does not compute are `-`.
    """
    # What NODATA records have too.
    common: dict[str, object] = {
        "account-id": account,
        "interface-id": window.interface,
        "region": region,
        "vpc-id": at.vpc,
        "subnet-id": at.subnet,
        "instance-id": at.instance,
        "az-id": at.zone,
    }
    flows = [(flow, count) for flow, count in window.flows if flow_log.wants(flow.action)]
    for flow, count in flows:
        yield math.floor(count.first), flow_log.format.line(common | _flow(flow, count) | {"log-status": "OK"})
    if not flows:
        values = common | {"start": window.start, "end": window.end, "log-status": "NODATA"}
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
