"""What a long lesson makes more of costs in proportion at most: events, VPCs, calls.

Work is counted in calls of functions rather than in seconds, so that it is the same on every machine.
"""

from __future__ import annotations

import gc
import sys
from collections.abc import Callable, Iterator
from functools import partial
from itertools import count
from typing import Any

import pytest

from labkit.embedded import EmbeddedAws, start
from labkit.embedded.api import determinism, idempotency
from labkit.embedded.api.stored_events import StoredEvent, StoredEvents, log_groups
from labkit.embedded.instances import run_command
from labkit.embedded.instances.run_command import RunCommand
from labkit.network import Network
from tests.embedded.site import Site
from tests.embedded.support import client


@pytest.fixture
def aws() -> Iterator[EmbeddedAws]:
    with start() as running:
        yield running


def image(aws: EmbeddedAws) -> str:
    name = "/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-x86_64"
    return str(client(aws, "ssm").get_parameter(Name=name)["Parameter"]["Value"])


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
    """So lab.records() is linear in the number of records."""
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
    """Only what a packet or a flow log needs is read again, however many VPCs there are."""
    site = Site(aws, image(aws))
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


def test_describing_twice_as_many_resources_costs_twice_as_much(aws: EmbeddedAws) -> None:
    """Of the tags of the whole account, only those of a resource are looked at for it."""
    ec2 = aws.client("ec2")
    kinds = ("vpcs", "route_tables", "security_groups", "network_acls")
    costs: list[list[int]] = []
    for _ in range(2):
        for _ in range(40):
            tags = [{"ResourceType": "vpc", "Tags": [{"Key": "Name", "Value": "x"}]}]
            ec2.create_vpc(CidrBlock="10.9.0.0/16", TagSpecifications=tags)
        costs.append([calls_of(getattr(ec2, f"describe_{kind}")) for kind in kinds])
    assert all(large < 2.2 * small for small, large in zip(*costs, strict=True)), costs


def test_a_long_lesson_keeps_the_same_memory(aws: EmbeddedAws, monkeypatch: pytest.MonkeyPatch) -> None:
    """What an answer needs is forgotten with it, and what is kept for later questions is kept of the last ones only."""
    for module in (idempotency, run_command):
        monkeypatch.setattr(module, "_MOST_KEPT", 10)
    site = Site(aws, image(aws))
    names = count()

    def lesson() -> None:
        site.send("ping -c 3 10.1.0.20")
        subnet = site.ec2.create_subnet(VpcId=site.vpc, CidrBlock="10.1.9.0/24")["Subnet"]["SubnetId"]
        site.ec2.delete_subnet(SubnetId=subnet)
        table = site.ec2.create_route_table(VpcId=site.vpc)["RouteTable"]["RouteTableId"]
        site.ec2.delete_route_table(RouteTableId=table)
        site.allow("tcp", 22, 22)
        rule = {"IpProtocol": "tcp", "FromPort": 22, "ToPort": 22, "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}
        site.ec2.revoke_security_group_ingress(GroupId=site.group, IpPermissions=[rule])
        site.ec2.describe_instances()
        with determinism.stream(f"ec2/Action{next(names)}"):
            pass

    for _ in range(15):
        lesson()
    before = blocks()
    for _ in range(15):
        lesson()
    assert (blocks() - before) / 15 < 10


def blocks() -> int:
    """How many blocks of memory Python has allocated."""
    gc.collect()
    return sys.getallocatedblocks()


def test_of_a_commands_output_as_much_is_kept_as_can_be_asked_for(aws: EmbeddedAws) -> None:
    site = Site(aws, image(aws))
    commands = RunCommand(aws.server, aws.dataplane)
    sent = commands.send(
        {
            "InstanceIds": [site.here],
            "DocumentName": "AWS-RunShellScript",
            "Parameters": {"commands": ["ping -c 900 10.1.0.20"]},
        }
    )
    (kept,) = commands._commands[sent["Command"]["CommandId"]].invocations.values()
    assert sum(len(line.text) for line in kept.lines) == 24_000
    asked = commands.invocation({"CommandId": sent["Command"]["CommandId"], "InstanceId": site.here})
    assert asked["StandardOutputContent"].endswith("--output truncated--")
