"""The registry of flow logs: which ones exist, which interfaces each covers, and what these have seen.

The data plane reads it anew when a flow log or the network changes, and tells it what each packet showed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from labkit.embedded.api.scope import ACCOUNT_ID
from labkit.embedded.dataplane.capture import Capture, Window
from labkit.flowlogs.format import Format
from labkit.network import Interface, Network, Sighting


@dataclass(frozen=True, slots=True)
class FlowLog:
    """A flow log, as far as capture and delivery need it.

    Attributes:
        id: Its id.
        resource: The id of the VPC, subnet or interface that it is on.
        traffic_type: `ALL`, `ACCEPT` or `REJECT`.
        interval: The length of its aggregation windows, in seconds.
        format: The fields of its records.
        log_group: The log group that it delivers to.
        role_arn: The role that delivers.
    """

    id: str
    resource: str
    traffic_type: str
    interval: int
    format: Format
    log_group: str
    role_arn: str

    def wants(self, action: str) -> bool:
        """Tell whether its traffic type asks for records with this action (`ACCEPT` or `REJECT`)."""
        return self.traffic_type in ("ALL", action)


@dataclass(slots=True)
class _Recording:
    """A flow log at work: its open windows, and the interfaces that it covers now."""

    flow_log: FlowLog
    capture: Capture
    interfaces: frozenset[str] = frozenset()


class FlowLogs:
    """The flow logs of an account; true where there is one.

    Args:
        client: Makes a boto3 client of the account.
        region: The account's region.
    """

    def __init__(self, client: Callable[[str], Any], region: str) -> None:
        self._client = client
        self._region = region
        self._recordings: dict[str, _Recording] = {}
        self.places: dict[str, dict[str, str | None]] = {}
        """Where each interface is or, if it is gone, was: the fields of its records that say so."""

    def __bool__(self) -> bool:
        return bool(self._recordings)

    def read(self) -> None:
        """Read from the API which flow logs exist; the windows of those that stay remain open."""
        pages = self._client("ec2").get_paginator("describe_flow_logs").paginate()
        found = [_flow_log(part) for page in pages for part in page["FlowLogs"]]
        before = self._recordings
        self._recordings = {each.id: before.get(each.id) or _Recording(each, Capture(each.interval)) for each in found}

    def watch(self, network: Network, now: float) -> None:
        """Note which interfaces each flow log covers: its own, its subnet's or its VPC's.

        Args:
            network: The network as it is now.
            now: The moment from which new interfaces are recorded, in seconds since the epoch.
        """
        interfaces = network.interfaces.values()
        self.places |= {each.id: place(each, network, self._region) for each in interfaces}
        for one in self._recordings.values():
            resource = one.flow_log.resource
            one.interfaces = frozenset(i.id for i in interfaces if resource in (i.id, i.subnet, i.vpc))
            for id in one.interfaces:
                one.capture.watch(id, now)

    def see(self, sightings: Iterable[Sighting], at: float, length: int, tcp_flags: int = 0) -> None:
        """Count one packet at each interface that saw it, for each flow log that covers the interface.

        Args:
            sightings: Which interfaces saw it, with which verdict.
            at: The moment, in seconds since the epoch.
            length: The length of the IP packet, in bytes.
            tcp_flags: The bits of the TCP header, as on the wire.
        """
        for sighting in sightings:
            for one in self._recordings.values():
                if sighting.interface in one.interfaces:
                    one.capture.see(sighting, at, length, tcp_flags)

    def last_end(self, now: float) -> float | None:
        """Return when the last window that is open now ends, or None where no interface is recorded."""
        ends = [end for one in self._recordings.values() if (end := one.capture.last_end(now)) is not None]
        return max(ends, default=None)

    def close(self, before: float) -> Iterator[tuple[FlowLog, list[Window]]]:
        """Yield, for each flow log, the windows that ended at or before a moment, oldest first."""
        for one in self._recordings.values():
            if one.capture.next_end() <= before:
                windows = list(one.capture.close(before, present=one.interfaces))
                if windows:
                    yield one.flow_log, windows


def place(interface: Interface, network: Network, region: str) -> dict[str, str | None]:
    """Return the fields of an interface's records that say where it is, by AWS's names."""
    return {
        "account-id": ACCOUNT_ID,
        "region": region,
        "interface-id": interface.id,
        "vpc-id": interface.vpc,
        "subnet-id": interface.subnet,
        "instance-id": interface.instance,
        "az-id": network.subnets[interface.subnet].availability_zone_id,
    }


def _flow_log(part: dict[str, Any]) -> FlowLog:
    return FlowLog(
        id=part["FlowLogId"],
        resource=part["ResourceId"],
        traffic_type=part["TrafficType"],
        # Nitro instances, which all of the lab's are, never gather for more than a minute.
        interval=min(part["MaxAggregationInterval"], 60),
        format=Format.parse(part["LogFormat"]),
        log_group=part["LogGroupName"],
        role_arn=part["DeliverLogsPermissionArn"],
    )
