"""Running a command on an instance through SSM Run Command, and showing its output as a terminal would.

https://docs.aws.amazon.com/systems-manager/latest/userguide/run-command.html
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

from labkit.errors import LabError
from labkit.network import Network
from labkit.session.waiting import poll

_UNFINISHED = ("Pending", "InProgress", "Delayed", "Cancelling")

#: Seconds for which a command that was sent may be unknown to AWS.
_REGISTERING = 30.0

#: The agent's own last words on a command that failed; a terminal would not show them.
_AGENT_WORDS = "failed to run commands: exit status"


@dataclass(frozen=True, slots=True)
class Output:
    """What a command printed, and its exit code. It has been shown already, so a notebook shows it no second time."""

    stdout: str
    stderr: str
    exit_code: int

    def _ipython_display_(self) -> None:
        pass


def run(ssm: Any, network: Network, instance: str, command: str, patience: float) -> Output:
    """Send `command` to an instance, print its output as it comes, and give it back.

    Parameters: `instance` is a name, id or address in `network`; `patience` is how many seconds to wait for a new
    instance's agent to report to Systems Manager. Raises LabError where there is no such instance, or its agent is
    not in reach.
    """
    if not command.strip():
        raise LabError(f"There is no command to run. Give one, such as lab.shell({instance!r}, 'hostname').")
    instance_id = _instance(network, instance)
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
    """Print what a command prints until it has ended, and give its invocation."""
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


def _instance(network: Network, name: str) -> str:
    interface = network.interface_of(name)
    if interface.instance is None:
        raise LabError(f"{name!r} is a network interface without an instance, so there is no shell.")
    state = network.instances[interface.instance].state
    if state == "stopped":
        raise LabError(
            f"{name} is stopped, so it runs no command. "
            f"Start it: ec2.start_instances(InstanceIds=[{interface.instance!r}])."
        )
    if state != "running":
        raise LabError(f"{name} is {state}, so it runs no command now. Try again once it is running.")
    return interface.instance


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
