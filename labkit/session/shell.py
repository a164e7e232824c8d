"""Running a command on an instance through SSM Run Command, and showing its output as a terminal would.

https://docs.aws.amazon.com/systems-manager/latest/userguide/run-command.html
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

from labkit.errors import LabError
from labkit.network import Network, NetworkError

_UNFINISHED = ("Pending", "InProgress", "Delayed")

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
    instance_id = _instance(network, instance)
    _wait_for_agent(ssm, instance_id, instance, patience)
    sent = ssm.send_command(
        InstanceIds=[instance_id],
        DocumentName="AWS-RunShellScript",
        Parameters={"commands": command.strip().splitlines()},
    )
    command_id = sent["Command"]["CommandId"]
    shown = 0
    while True:
        try:
            answer = ssm.get_command_invocation(CommandId=command_id, InstanceId=instance_id)
        except ssm.exceptions.InvocationDoesNotExist:  # on AWS, for a second or so after it was sent
            answer = {"Status": "Pending", "StandardOutputContent": ""}
        output = answer["StandardOutputContent"]
        print(output[shown:], end="")
        shown = len(output)
        if answer["Status"] not in _UNFINISHED:
            break
        time.sleep(1)
    errors = "".join(
        line for line in answer["StandardErrorContent"].splitlines(keepends=True) if not line.startswith(_AGENT_WORDS)
    )
    print(errors, end="")
    return Output(output, errors, int(answer["ResponseCode"]))


def _instance(network: Network, name: str) -> str:
    try:
        interface = network.interface_of(name)
    except NetworkError as error:
        raise LabError(str(error)) from None
    if interface.instance is None:
        raise LabError(f"{name!r} is a network interface without an instance, so there is no shell.")
    state = network.instances[interface.instance].state
    if state != "running":
        raise LabError(
            f"{name} is {state}, so it runs no command. "
            f"Start it: ec2.start_instances(InstanceIds=[{interface.instance!r}])."
        )
    return interface.instance


def _wait_for_agent(ssm: Any, instance_id: str, name: str, patience: float) -> None:
    deadline = time.monotonic() + patience
    while True:
        answer = ssm.describe_instance_information(Filters=[{"Key": "InstanceIds", "Values": [instance_id]}])
        if any(each["PingStatus"] == "Online" for each in answer["InstanceInformationList"]):
            return
        if time.monotonic() >= deadline:
            raise LabError(
                f"Systems Manager cannot reach {name}. Its agent needs an instance profile whose role has the policy "
                "AmazonSSMManagedInstanceCore, and a way to the internet on port 443: a public address, a route to an "
                "internet gateway, and outbound rules that allow it."
            )
        time.sleep(5)
