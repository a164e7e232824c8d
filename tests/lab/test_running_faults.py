"""What happens to a running lab: its server dies, a second kernel starts, days pass, things are deleted while records
are on their way. Each test says what AWS does or, where AWS does not document it, what is modeled.
"""

from __future__ import annotations

import ctypes
import json
import os
import subprocess
import sys
import threading
from collections import Counter
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import EndpointConnectionError

import labkit
from labkit.embedded.dataplane.transmission import Transmission
from labkit.errors import LabError
from labkit.lab import Lab
from labkit.learn.catch_up import catch_up
from labkit.names import LOG_GROUP
from labkit.network import udp
from labkit.session.flow_logs import events
from tests.lab.conftest import NOTEBOOKS, Built, aws_of, make_client
from tests.lab.test_build_cells import everything


def pinged(built: Built, count: int) -> bool:
    """Whether all of some echoes are answered over the peering connection."""
    return f"{count} received" in built.lab.shell("instance-1", f"ping -c {count} 10.2.0.126").stdout


def again(built: Built) -> None:
    """Run all build cells once more."""
    catch_up("06", built.names)


# The server and the kernel


@pytest.mark.usefixtures("elsewhere", "impatient")
def test_the_servers_thread_is_killed(record_property: Any) -> None:
    """Until connect() is called again, calls are refused at once and on the loopback; then all is as it was."""
    lab = labkit.connect()
    client = make_client("ec2")
    vpc = client.create_vpc(CidrBlock="10.1.0.0/16", TagSpecifications=lab.tags("vpc", "vpc-1"))["Vpc"]["VpcId"]
    now = lab.clock
    (thread,) = [each for each in threading.enumerate() if each.name == "labkit-embedded-aws"]
    ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread.ident or 0), ctypes.py_object(SystemExit))
    thread.join(10)
    assert not thread.is_alive()
    with pytest.raises(EndpointConnectionError, match=client.meta.endpoint_url):
        client.describe_vpcs()
    back = labkit.connect()
    assert (back.find("vpc-1"), back.clock) == (vpc, now)
    assert client.describe_vpcs(VpcIds=[vpc])["Vpcs"]
    back._account.close()  # type: ignore[attr-defined]
    record_property("fault", "server thread killed: calls refused, connect() serves the same account again")


KERNEL = """
import json, os, sys
import labkit
lab = labkit.connect()
names = {"lab": lab}
from labkit.learn.catch_up import catch_up
catch_up("04", names)
extra = names["ec2"].create_vpc(CidrBlock="10.9.0.0/16", TagSpecifications=lab.tags("vpc", sys.argv[1]))
print(json.dumps([os.environ["AWS_ENDPOINT_URL"], names["vpc_1"], names["instance_1"]]), flush=True)
sys.stdin.readline()
names["lab"].shell("instance-1", "ping -c 2 8.8.8.8")
lab.wait_for_flow_logs()
print(json.dumps([lab.find(sys.argv[1]) is not None, lab.find(sys.argv[2]) is None, len(lab.records("8.8.8.8"))]))
"""


def test_two_kernels_at_once(tmp_path: Path, record_property: Any) -> None:
    """Each has an AWS of its own on a port of its own, and nothing of it is on disk."""
    environment = {
        **os.environ, "HOME": str(tmp_path), "USERPROFILE": str(tmp_path), "PYTHONPATH": os.pathsep.join(sys.path),
        "PYTHONDONTWRITEBYTECODE": "1",
    }  # fmt: skip
    before = {path: path.stat().st_mtime_ns for path in NOTEBOOKS.rglob("*")}
    kernels = [
        subprocess.Popen(
            [sys.executable, "-c", KERNEL, *names], cwd=NOTEBOOKS, env=environment, text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        )
        for names in (("a", "b"), ("b", "a"))
    ]  # fmt: skip
    try:
        lines = [_next(kernel) for kernel in kernels]
        assert lines[0][0] != lines[1][0], "the same port"
        assert lines[0][1:] == lines[1][1:], "not the same ids"
        for kernel in kernels:
            kernel.stdin.write("go on\n")  # type: ignore[union-attr]
            kernel.stdin.flush()  # type: ignore[union-attr]
        assert [_next(kernel) for kernel in kernels] == [[True, True, 2], [True, True, 2]]
        assert [kernel.wait(60) for kernel in kernels] == [0, 0]
    finally:
        for kernel in kernels:
            kernel.kill()
            kernel.communicate()
    assert list(tmp_path.iterdir()) == []
    assert {path: path.stat().st_mtime_ns for path in NOTEBOOKS.rglob("*")} == before
    record_property("fault", "two kernels at once: own ports, same ids, own accounts, nothing on disk")


def _next(kernel: subprocess.Popen[str]) -> Any:
    """The next line of a kernel that is JSON."""
    assert kernel.stdout is not None
    for line in kernel.stdout:
        if line.startswith("["):
            return json.loads(line)
    raise AssertionError("the kernel ended")


# Time and size


def test_the_clock_is_pushed_by_days(whole: Built, record_property: Any) -> None:
    """Each minute of each interface is in the records, once. CloudWatch applies the retention, not the clock:
    https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/Working-with-log-groups-and-streams.html
    """
    whole.lab.wait_for_flow_logs()
    clock = aws_of(whole.lab).clock
    clock.jump_to(clock.now() + timedelta(days=2))
    records = [event.message.split() for event in events(whole.logs, LOG_GROUP)]
    assert {words[2] for words in records} == {whole.interface_1, whole.interface_2}
    for interface in (whole.interface_1, whole.interface_2):
        mine = [words for words in records if words[2] == interface]
        silent = [(int(words[10]), int(words[11])) for words in mine if words[13] == "NODATA"]
        first = silent[0][0]
        assert len(set(silent)) == len(silent)
        assert all(end - start == 60 and (start - first) % 60 == 0 for start, end in silent)
        minutes = {(int(words[10]) - first) // 60 for words in mine}
        assert len(minutes) >= 2 * 24 * 60 and minutes == set(range(min(minutes), max(minutes) + 1))
    assert pinged(whole, 3)
    before = whole.lab.clock
    again(whole)
    whole.lab.wait_for_flow_logs()
    assert whole.lab.records("10.2.0.126", since=before - timedelta(minutes=1))
    record_property("fault", f"the clock pushed by 2 days: {len(records)} records, no window missing or twice")


def test_ten_thousand_events_in_one_window(whole: Built, record_property: Any) -> None:
    """FilterLogEvents gives at most 10,000 events in an answer, and Insights searches them all:
    https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_FilterLogEvents.html
    """
    plane = aws_of(whole.lab).dataplane
    before, interface = whole.lab.clock, whole.interface_1
    for port in range(20_000, 30_001):
        plane.exchange(interface, Transmission(udp("10.1.15.80", "8.8.8.8", 53, port), 60))
    whole.lab.wait_for_flow_logs()
    sent = [line.split() for line in whole.lab.records("8.8.8.8", since=before)]
    assert sorted(int(words[5]) for words in sent) == list(range(20_000, 30_001))
    assert {(words[8], words[9]) for words in sent} == {("1", "60")} and len({words[10] for words in sent}) == 1
    found = whole.lab.insights('filter dstAddr = "8.8.8.8" | stats count(*) as n, sum(bytes) as total')
    assert found[["n", "total"]].to_numpy().tolist() == [[10_001, 600_060]]
    record_property("fault", "10,001 flows in one window: each in one record, in lab.records and in Insights")


# What is deleted while records are on their way


def test_the_log_group_is_deleted_under_delivery(whole: Built, record_property: Any) -> None:
    """The service makes it again for the next records, without its tag, which somebody must give back since the group
    could be anybody's, and without its retention, which the cells give back:
    https://docs.aws.amazon.com/vpc/latest/userguide/flow-logs-troubleshooting.html
    """
    once = everything(whole.lab)
    assert pinged(whole, 5)
    whole.logs.delete_log_group(logGroupName=LOG_GROUP)
    with pytest.raises(LabError, match="There is no log group"):
        whole.lab.records()
    whole.lab.wait_for_flow_logs()
    assert len(whole.lab.records("10.1.15.80", "10.2.0.126")) >= 4
    assert Lab(whole.lab._account).name(LOG_GROUP) == LOG_GROUP, "no second one is made beside it"
    with pytest.raises(LabError, match="their service has made it again after it was deleted") as caught:
        whole.lab.find(LOG_GROUP, "log-group")
    exec(str(caught.value).partition("give it the tag: ")[2].rstrip("."), whole.names)
    again(whole)
    (group,) = whole.logs.describe_log_groups(logGroupNamePrefix="Nimbus")["logGroups"]
    assert group["retentionInDays"] == 7
    assert everything(whole.lab) == once
    record_property("fault", "log group deleted under delivery: made again, the cells give back its retention")


def delete_role(built: Built, role: str, policy: str) -> None:
    built.iam.detach_role_policy(RoleName=role, PolicyArn=policy)
    built.iam.delete_role(RoleName=role)


def test_the_flow_logs_role_is_deleted_and_made_again(whole: Built, record_property: Any) -> None:
    """Meanwhile the service cannot assume it: Access error. One of the same name has the same ARN.

    https://docs.aws.amazon.com/vpc/latest/userguide/flow-logs-troubleshooting.html
    """
    delete_role(whole, "NimbusVPCFlowLogsRole", whole.policy)
    assert pinged(whole, 5)
    whole.lab.wait_for_flow_logs()
    logs = whole.ec2.describe_flow_logs()["FlowLogs"]
    assert {each["DeliverLogsErrorMessage"] for each in logs} == {"Access error"}
    again(whole)
    before = whole.lab.clock
    assert pinged(whole, 5)
    whole.lab.wait_for_flow_logs()
    assert {each["DeliverLogsStatus"] for each in whole.ec2.describe_flow_logs()["FlowLogs"]} == {"SUCCESS"}
    assert len(whole.lab.records("10.1.15.80", "10.2.0.126", since=before.replace(microsecond=0))) >= 4
    record_property("fault", "flow logs' role deleted, made again by the cells: Access error, then records again")


def test_the_instances_role_is_deleted_and_made_again(whole: Built, record_property: Any) -> None:
    """A role leaves its instance profile before it can go, and the cells put the new one into it:
    https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_manage_delete.html
    """
    names = {"InstanceProfileName": "NimbusInstanceProfile", "RoleName": "NimbusInstanceRole"}
    whole.iam.remove_role_from_instance_profile(**names)
    delete_role(whole, "NimbusInstanceRole", "arn:aws:iam::aws:policy/AmazonSSMManagedInstanceCore")
    with pytest.raises(LabError, match="Systems Manager cannot reach instance-1"):
        whole.lab.shell("instance-1", "hostname")
    again(whole)
    assert pinged(whole, 3)
    record_property("fault", "instances' role deleted, made again by the cells: unreachable, then reachable again")


def test_the_peering_connection_is_deleted_in_the_middle_of_a_ping(whole: Built, record_property: Any) -> None:
    """Here a command is over when send_command returns (see FIDELITY.md), so the deletion waits for the ping; the
    records of the ping come all the same, and the routes lead nowhere:
    https://docs.aws.amazon.com/vpc/latest/peering/delete-vpc-peering-connection.html
    """
    before = whole.lab.clock
    started = threading.Event()
    aws = aws_of(whole.lab)
    clock_moves = lambda old, new: started.set()  # noqa: E731
    aws.clock.listeners.append(clock_moves)

    def delete() -> None:
        started.wait(30)
        whole.ec2.delete_vpc_peering_connection(VpcPeeringConnectionId=whole.peering)

    other = threading.Thread(target=delete)
    other.start()
    answered = pinged(whole, 10)
    other.join(30)
    assert answered and not other.is_alive()
    assert "0 received" in whole.lab.shell("instance-1", "ping -c 2 10.2.0.126").stdout
    whole.lab.wait_for_flow_logs()
    packets = Counter[str]()
    for line in whole.lab.records("10.1.15.80", "10.2.0.126", since=before):
        words = line.split()
        packets[words[2], words[3]] += int(words[8])  # type: ignore[index]
    here, there = whole.interface_1, whole.interface_2
    assert dict(packets) == {
        (here, "10.1.15.80"): 12, (here, "10.2.0.126"): 10, (there, "10.1.15.80"): 10, (there, "10.2.0.126"): 10,
    }  # fmt: skip
    record_property("fault", "peering connection deleted during a ping: all of the ping recorded, then blackholes")


def test_an_instance_and_its_subnet_are_deleted_while_records_are_pending(whole: Built, record_property: Any) -> None:
    """AWS does not say what becomes of the last records; here they come (modeled), with what the interface was."""
    before, gone = whole.lab.clock, whole.interface_2
    assert pinged(whole, 5)
    whole.ec2.terminate_instances(InstanceIds=[whole.instance_2])
    whole.ec2.delete_subnet(SubnetId=whole.subnet_2)
    whole.lab.wait_for_flow_logs()
    last = [line.split() for line in whole.lab.records(gone, "10.1.15.80", since=before)]
    assert sum(int(words[8]) for words in last) == 10
    whole.lab.wait_for_flow_logs()
    later = whole.lab.clock
    whole.lab.wait_for_flow_logs()
    assert whole.lab.records(gone, since=later - timedelta(minutes=1)) == []
    again(whole)
    assert whole.interface_2 != gone and pinged(whole, 3)
    record_property("fault", "instance and subnet deleted while records are pending: records come, cells rebuild both")


def test_the_flow_logs_are_deleted_while_records_are_pending(whole: Built, record_property: Any) -> None:
    """What was not delivered is lost (modeled); the cells make new flow logs.

    https://docs.aws.amazon.com/vpc/latest/userguide/working-with-flow-logs.html
    """
    assert pinged(whole, 5)
    whole.ec2.delete_flow_logs(FlowLogIds=whole.flow_logs)
    again(whole)
    before = whole.lab.clock
    assert pinged(whole, 5)
    whole.lab.wait_for_flow_logs()
    assert len(whole.lab.records("10.1.15.80", "10.2.0.126", since=before.replace(microsecond=0))) >= 4
    assert len(whole.ec2.describe_flow_logs()["FlowLogs"]) == 2
    record_property("fault", "flow logs deleted while records are pending: the cells make two new ones, which record")
