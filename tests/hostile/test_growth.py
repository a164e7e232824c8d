"""What a long lesson makes more of costs in proportion at most: events, VPCs, calls.

Work is counted in calls of functions rather than in seconds, so that it is the same on every machine.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import pytest

from labkit.embedded import EmbeddedAws, start
from labkit.embedded.api.stored_events import StoredEvent, StoredEvents, log_groups
from labkit.network import Network
from tests.embedded.site import Site
from tests.embedded.support import client


@pytest.fixture
def aws() -> Iterator[EmbeddedAws]:
    with start() as running:
        yield running


def calls_of(action: Callable[[], object]) -> int:
    """Count the calls of functions that an action makes in this thread."""
    count = 0

    def note(frame: object, event: str, arg: object) -> None:
        nonlocal count
        count += event in ("call", "c_call")

    sys.setprofile(note)
    try:
        action()
    finally:
        sys.setprofile(None)
    return count


def test_a_page_of_events_costs_what_it_holds_wherever_it_is(aws: EmbeddedAws) -> None:
    """lab.records() with 143,000 records took 160 times as long as with 5,000: each page went through all of them."""
    logs, reader = aws.client("logs"), StoredEvents(aws.region)
    logs.create_log_group(logGroupName="g")
    logs.create_log_stream(logGroupName="g", logStreamName="s")
    stream = log_groups(aws.region)["g"].streams["s"]
    request: dict[str, Any] = {"logGroupName": "g", "logStreamName": "s", "limit": 100, "startFromHead": True}
    costs: dict[int, list[int]] = {}
    for size in (1_000, 50_000):
        stream.events.extend(StoredEvent(number, number, "m", number) for number in range(len(stream.events), size))
        for read, token in ((reader.filter, f"{size - 500}/{size - 500}/s"), (reader.get, f"f/{size - 500}")):
            read(request)  # brings what is new into order, once
            costs.setdefault(size, []).append(calls_of(partial(read, {**request, "nextToken": token})))
    assert all(large < 1.2 * small for small, large in zip(*costs.values(), strict=True)), costs


def test_a_change_costs_the_same_in_a_large_account(aws: EmbeddedAws, monkeypatch: pytest.MonkeyPatch) -> None:
    """With a flow log, CreateVpc took 68 ms and with 150 VPCs 338: it read the whole network, twice."""
    name = "/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-x86_64"
    site = Site(aws, client(aws, "ssm").get_parameter(Name=name)["Parameter"]["Value"])
    site.record(site.vpc)
    reads: list[object] = []
    read = Network.from_ec2
    monkeypatch.setattr(Network, "from_ec2", lambda *given: reads.append(given) or read(*given))
    made = site.ec2.create_vpc(CidrBlock="10.9.0.0/16")["Vpc"]["VpcId"]
    subnet = site.ec2.create_subnet(VpcId=made, CidrBlock="10.9.0.0/24")["Subnet"]["SubnetId"]
    site.ec2.create_tags(Resources=[made, subnet], Tags=[{"Key": "Name", "Value": "x"}])
    site.ec2.create_route(RouteTableId=site.table, DestinationCidrBlock="9.9.9.9/32", GatewayId=site.gateway)
    site.allow("tcp", 22, 22)
    assert not reads
    site.send("ping -c 1 10.1.0.20")  # a packet needs the network as it is now
    assert len(reads) == 1
    site.launch("10.1.0.30")  # an interface is recorded from the moment at which it appears
    assert len(reads) == 2


@pytest.mark.parametrize("kind", ["vpcs", "route_tables", "security_groups", "network_acls"])
def test_describing_twice_as_many_resources_costs_twice_as_much(aws: EmbeddedAws, kind: str) -> None:
    """moto went through the tags of everything for each resource that it described."""
    ec2 = aws.client("ec2")
    costs = []
    for _ in range(2):
        for _ in range(40):
            tags = [{"ResourceType": "vpc", "Tags": [{"Key": "Name", "Value": "x"}]}]
            ec2.create_vpc(CidrBlock="10.9.0.0/16", TagSpecifications=tags)
        costs.append(calls_of(getattr(ec2, f"describe_{kind}")))
    assert costs[1] < 2.2 * costs[0], costs
