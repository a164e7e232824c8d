"""Runs a command on an instance through SSM Run Command and shows its output as a terminal would, for `lab.shell`.

https://docs.aws.amazon.com/systems-manager/latest/userguide/run-command.html
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

from labkit.errors import LabError
from labkit.names import LAB_TAG
from labkit.session.consistency import wait_until_shown
from labkit.session.given import require_text
from labkit.session.waiting import poll

_UNFINISHED = ("Pending", "InProgress", "Delayed", "Cancelling")

#: Seconds for which a command that was sent may be unknown to AWS.
_REGISTERING = 30.0

#: The agent's own last words on a command that failed; a terminal would not show them.
_AGENT_WORDS = "failed to run commands: exit status"

#: Of each instance that is not terminated: its id, state and tags, and its interfaces' ids and addresses.
_INSTANCES = """
Reservations[].Instances[?State.Name != 'terminated'][].{
    id: InstanceId, state: State.Name, name: Tags[?Key == 'Name'] | [0].Value, tags: Tags,
    keys: NetworkInterfaces[].[
        NetworkInterfaceId, PrivateIpAddresses[].[PrivateIpAddress, Association.PublicIp][], Ipv6Addresses[].Ipv6Address
    ][][]
}"""


@dataclass(frozen=True, slots=True)
class Output:
    """What a command printed. It has been shown already, so a notebook shows it no second time.

    Attributes:
        stdout: What it wrote on standard output.
        stderr: What it wrote on standard error.
        exit_code: Its exit code.
    """

    stdout: str
    stderr: str
    exit_code: int

    def _ipython_display_(self) -> None:
        pass


def run(ec2: Any, ssm: Any, instance: str, command: str, patience: float) -> Output:
    """Send a command to an instance, print its output as it comes, and return it.

    Args:
        ec2: A boto3 client of EC2.
        ssm: A boto3 client of Systems Manager.
        instance: The instance's name or id, an address, or the id of a network interface.
        command: One or more lines of shell.
        patience: How many seconds to wait for a new instance's agent to report to Systems Manager.

    Raises:
        LabError: There is no such instance, or its agent is not in reach.
    """
    require_text(instance, "the name or id of an instance", "lab.shell('instance-1', 'hostname')")
    require_text(command, "a command", "lab.shell('instance-1', 'hostname')")
    if not command.strip():
        raise LabError(f"There is no command to run. Give one, such as lab.shell({instance!r}, 'hostname').")
    instance_id = _running_instance(ec2, instance)
    _wait_for_agent(ssm, instance_id, instance, patience)
    sent = ssm.send_command(
        InstanceIds=[instance_id],
        DocumentName="AWS-RunShellScript",
        Parameters={"commands": command.strip().splitlines()},
    )
    answer = _follow(ssm, sent["Command"]["CommandId"], instance_id)
    errors = "".join(
        line for line in answer["StandardErrorContent"].splitlines(keepends=True) if not line.startswith(_AGENT_WORDS)
    )
    print(errors, end="")
    if answer["Status"] not in ("Success", "Failed"):
        print(f"The command did not end by itself: {answer['StatusDetails']}.")
    return Output(answer["StandardOutputContent"], errors, int(answer["ResponseCode"]))


def _follow(ssm: Any, command_id: str, instance_id: str) -> dict[str, Any]:
    """Print what a command prints until it has ended, and return its invocation."""
    shown = 0
    known_by = time.monotonic() + _REGISTERING
    while True:
        try:
            answer: dict[str, Any] = ssm.get_command_invocation(CommandId=command_id, InstanceId=instance_id)
        except ssm.exceptions.InvocationDoesNotExist:  # on AWS, for a second or so after it was sent
            if time.monotonic() > known_by:
                raise
            answer = {"Status": "Pending", "StandardOutputContent": ""}
        output = answer["StandardOutputContent"]
        print(output[shown:], end="")
        shown = len(output)
        if answer["Status"] not in _UNFINISHED:
            return answer
        time.sleep(1)


def _running_instance(ec2: Any, key: str) -> str:
    """The id of the running instance that has an id or address or, if it is the lab's, a name."""
    wait_until_shown(ec2)
    instances = list(ec2.get_paginator("describe_instances").paginate().search(_INSTANCES))
    found = [each for each in instances if key in (each["name"] or each["id"], each["id"], *each["keys"])]
    if not key.startswith(("i-", "eni-")):
        # Somebody else's instance may have the same name or private address.
        others = [each["id"] for each in found if LAB_TAG not in (each["tags"] or ())]
        found = [each for each in found if each["id"] not in others]
        if others and not found:
            raise LabError(
                f"The lab has no instance {key!r}. {', '.join(others)} has this name or address and lacks the lab's "
                "tag (Lab: nimbus), so it is somebody else's. If it is yours, use its id."
            )
    if len(found) > 1:
        interfaces = ", ".join((each["keys"] or [each["id"]])[0] for each in found)
        raise LabError(f"{key!r} is the name or address of {len(found)} interfaces: {interfaces}. Use an id.")
    if not found and key.startswith("eni-"):
        raise LabError(f"No instance has the network interface {key!r}, so there is no shell.")
    if not found:
        known = ", ".join(sorted(each["name"] or each["id"] for each in instances))
        raise LabError(
            f"There is no instance, interface or address {key!r} in this network. "
            + (f"The instances are: {known}." if known else "It has no instance yet: launch them first.")
        )
    id, state = str(found[0]["id"]), found[0]["state"]
    if state == "stopped":
        raise LabError(f"{key} is stopped, so it runs no command. Start it: ec2.start_instances(InstanceIds=[{id!r}]).")
    if state != "running":
        raise LabError(f"{key} is {state}, so it runs no command now. Try again once it is running.")
    return id


def _wait_for_agent(ssm: Any, instance_id: str, name: str, patience: float) -> None:
    def is_online() -> bool:
        answer = ssm.describe_instance_information(Filters=[{"Key": "InstanceIds", "Values": [instance_id]}])
        return any(each["PingStatus"] == "Online" for each in answer["InstanceInformationList"])

    if not poll(is_online, patience=patience, every=5, awaited=lambda: f"the agent of {name} to report"):
        raise LabError(
            f"Systems Manager cannot reach {name}. Its agent needs an instance profile whose role has the policy "
            "AmazonSSMManagedInstanceCore, and a way to the internet on port 443: a public address, a route to an "
            "internet gateway, and outbound rules that allow it."
        )
