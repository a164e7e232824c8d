"""SSM Run Command: the server calls it for `send_command`, and it runs a script on an instance's modeled shell.

https://docs.aws.amazon.com/systems-manager/latest/userguide/run-command.html
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Address
from typing import Any

from labkit.embedded.api import determinism
from labkit.embedded.api.paging import page
from labkit.embedded.api.refusals import AwsError, NotInEmbeddedAwsError
from labkit.embedded.api.scope import ACCOUNT_ID
from labkit.embedded.api.server import Handler, Server
from labkit.embedded.dataplane.transport import DataPlane
from labkit.embedded.instances.process import InstanceProcess, OutputLine
from labkit.embedded.instances.shell import Result, run
from labkit.iam import managed_instance, read_role
from labkit.network import tcp

_DOCUMENT = "AWS-RunShellScript"

#: https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_GetCommandInvocation.html
_MOST_CHARACTERS = 24_000
_TRUNCATED = "--output truncated--"

#: How many commands are kept; the oldest go (modeled: AWS keeps them for a time).
_MOST_KEPT = 1000

#: https://docs.aws.amazon.com/systems-manager/latest/userguide/monitor-commands.html
_DETAILS = {"TimedOut": "ExecutionTimedOut"}

#: Stands for the Systems Manager endpoints of the region, which the agent must reach on port 443.
_SSM_ENDPOINT = IPv4Address("52.46.128.10")


@dataclass(slots=True)
class Command:
    """One `send_command`, and what came of it."""

    id: str
    comment: str
    parameters: dict[str, list[str]]
    targets: list[dict[str, Any]]
    requested: datetime
    timeout_seconds: int
    invocations: dict[str, Result] = field(default_factory=dict)  # by the instances' ids

    @property
    def status(self) -> str:
        """The status of the first invocation that did not succeed: MaxErrors is 0, so one is enough."""
        return next((each.status for each in self.invocations.values() if each.status != "Success"), "Success")


class RunCommand:
    """The commands of one account.

    Args:
        server: The account's API.
        plane: What carries the packets that commands send.
    """

    def __init__(self, server: Server, plane: DataPlane) -> None:
        self._server = server
        self._plane = plane
        self._commands: dict[str, Command] = {}

    def handlers(self) -> dict[tuple[str, str], Handler]:
        """Return the API actions that this class answers."""
        return {
            ("ssm", "SendCommand"): self.send,
            ("ssm", "GetCommandInvocation"): self.invocation,
            ("ssm", "ListCommands"): self.commands,
            ("ssm", "DescribeInstanceInformation"): self.managed_instances,
        }

    def send(self, parameters: dict[str, Any]) -> dict[str, Any]:
        """Answer SendCommand: run the script on each target, one after the other, while virtual time passes."""
        script, timeout = _script(parameters)
        command_id = determinism.new_id()
        command = Command(
            id=command_id,
            comment=parameters.get("Comment", ""),
            parameters=parameters["Parameters"],
            targets=parameters.get("Targets") or [],
            requested=self._plane.clock.now(),
            timeout_seconds=int(parameters.get("TimeoutSeconds") or 3600),
        )
        instances = self._targets(parameters)
        self._commands[command_id] = command
        if len(self._commands) > _MOST_KEPT:
            del self._commands[next(iter(self._commands))]
        answer = _command_json(command, instances, "Pending")
        for instance in instances:
            process = InstanceProcess(self._plane, instance, timeout)
            command.invocations[instance] = _kept(run(process, script, command_id))
        return {"Command": answer}

    def invocation(self, parameters: dict[str, Any]) -> dict[str, Any]:
        """Answer GetCommandInvocation."""
        command_id, instance_id = parameters["CommandId"], parameters["InstanceId"]
        command = self._commands.get(command_id)
        if command is None or instance_id not in command.invocations:
            raise AwsError("InvocationDoesNotExist", f"The command {command_id} was not sent to {instance_id}.")
        invocation = command.invocations[instance_id]
        return {
            "CommandId": command.id,
            "InstanceId": instance_id,
            "Comment": command.comment,
            "DocumentName": _DOCUMENT,
            "DocumentVersion": "$DEFAULT",
            "PluginName": "aws:runShellScript",
            "ResponseCode": invocation.exit_code,
            "ExecutionStartDateTime": _iso(invocation.started),
            "ExecutionElapsedTime": f"PT{invocation.ended - invocation.started:.3f}S".replace(".000S", "S"),
            "ExecutionEndDateTime": _iso(invocation.ended),
            "Status": invocation.status,
            "StatusDetails": _DETAILS.get(invocation.status, invocation.status),
            "StandardOutputContent": _content(invocation.stdout),
            "StandardOutputUrl": "",
            "StandardErrorContent": _content(invocation.stderr),
            "StandardErrorUrl": "",
            "CloudWatchOutputConfig": {"CloudWatchLogGroupName": "", "CloudWatchOutputEnabled": False},
        }

    def commands(self, parameters: dict[str, Any]) -> dict[str, Any]:
        """Answer ListCommands, the newest first."""
        if parameters.get("Filters"):
            raise NotInEmbeddedAwsError("filter commands, except by CommandId and InstanceId")
        command_id, instance_id = parameters.get("CommandId"), parameters.get("InstanceId")
        if command_id is not None and command_id not in self._commands:
            raise AwsError("InvalidCommandId", f"There is no command {command_id}.")
        found = [
            _command_json(command, list(command.invocations), command.status)
            for command in reversed(self._commands.values())
            if command_id in (None, command.id) and (instance_id is None or instance_id in command.invocations)
        ]
        return _page("Commands", found, parameters)

    def managed_instances(self, parameters: dict[str, Any]) -> dict[str, Any]:
        """Answer DescribeInstanceInformation: the instances that Systems Manager can reach."""
        network = self._plane.network
        wanted = set(network.instances)
        if parameters.get("InstanceInformationFilterList"):
            raise NotInEmbeddedAwsError("take InstanceInformationFilterList, only Filters")
        for filter in parameters.get("Filters") or []:
            key, values = filter["Key"], filter["Values"]
            if key == "InstanceIds":
                wanted &= set(values)
            elif key != "PingStatus":
                raise NotInEmbeddedAwsError(f"filter managed instances by {key}, only by InstanceIds and PingStatus")
            elif "Online" not in values:
                wanted.clear()
        found = [
            {
                "InstanceId": id,
                "PingStatus": "Online",
                "LastPingDateTime": self._plane.clock.now().timestamp(),
                "AgentVersion": "3.3.3050.0",
                "IsLatestVersion": True,
                "PlatformType": "Linux",
                "PlatformName": "Amazon Linux",
                "PlatformVersion": "2023",
                "ResourceType": "EC2Instance",
                "IPAddress": str(interface.primary),
                "ComputerName": network.instances[id].private_dns_name,
            }
            for id in sorted(wanted)
            if (interface := network.primary_interface(id)) and self._is_managed(id)
        ]
        return _page("InstanceInformationList", found, parameters)

    def _targets(self, parameters: dict[str, Any]) -> list[str]:
        named = list(dict.fromkeys(parameters.get("InstanceIds") or []))
        if not named and not parameters.get("Targets"):
            raise AwsError("InvalidParameters", "Say on which instances: give InstanceIds or Targets.")
        refused = [id for id in named if not self._is_managed(id)]
        if refused:
            raise AwsError(
                "InvalidInstanceId", f"Instances [[{', '.join(refused)}]] not in a valid state for account {ACCOUNT_ID}"
            )
        for target in parameters.get("Targets") or []:
            key, values = target["Key"], target["Values"]
            if key == "InstanceIds":
                found = list(values)
            elif key.startswith("tag:"):
                pages = self._server.client("ec2").get_paginator("describe_instances")
                filters = [{"Name": key, "Values": values}]
                found = list(pages.paginate(Filters=filters).search("Reservations[].Instances[].InstanceId"))
            else:
                raise NotInEmbeddedAwsError(f"choose targets by {key}, only by InstanceIds and tag:")
            named += [id for id in found if id not in named and self._is_managed(id)]
        return named

    def _is_managed(self, instance_id: str) -> bool:
        """Whether the agent can talk to Systems Manager: it runs, its role permits it, port 443 is in reach.

        A new instance's agent registers when its boot is that far.

        https://docs.aws.amazon.com/systems-manager/latest/userguide/fleet-manager-troubleshooting-managed-nodes.html
        """
        network = self._plane.network
        instance, interface = network.instances.get(instance_id), network.primary_interface(instance_id)
        return (
            instance is not None
            and interface is not None
            and instance.state == "running"
            and self._plane.boot(instance_id).agent_registers <= self._plane.clock.time()
            and interface.primary.version == 4  # the agent of Amazon Linux 2023 talks to IPv4 endpoints
            and self._has_permission(instance.profile)
            and self._plane.path(tcp(interface.primary, _SSM_ENDPOINT, 443), interface.id).replied
        )

    def _has_permission(self, profile_arn: str | None) -> bool:
        if profile_arn is None:
            return False
        return self._server.remember("iam", profile_arn, lambda: self._ask_iam(profile_arn.rpartition("/")[2]))

    def _ask_iam(self, profile: str) -> bool:
        iam = self._server.client("iam")
        try:
            roles = iam.get_instance_profile(InstanceProfileName=profile)["InstanceProfile"]["Roles"]
        except iam.exceptions.NoSuchEntityException:
            return False
        role = read_role(iam, roles[0]["RoleName"]) if roles else None
        return bool(role and managed_instance(role))


def _script(parameters: dict[str, Any]) -> tuple[list[str], float]:
    """The command lines of a SendCommand, and the seconds that they may take."""
    document, given = parameters.get("DocumentName", ""), dict(parameters.get("Parameters") or {})
    if document != _DOCUMENT:
        if document.startswith(("AWS", "arn:")):
            raise NotInEmbeddedAwsError(f"run the document {document}, only {_DOCUMENT}")
        raise AwsError("InvalidDocument", f"There is no document {document}; the one for a shell is {_DOCUMENT}.")
    script, timeout = given.pop("commands", []), given.pop("executionTimeout", ["3600"])
    if any(given.pop("workingDirectory", [])):
        raise NotInEmbeddedAwsError("change the working directory: its instances have no disk")
    if given:
        raise AwsError("InvalidParameters", f"{_DOCUMENT} has no parameter {', '.join(sorted(given))}.")
    if not script:
        raise AwsError("InvalidParameters", f"{_DOCUMENT} needs the parameter commands: a list of command lines.")
    if len(timeout) != 1 or not timeout[0].isdecimal() or not 1 <= int(timeout[0]) <= 172800:
        raise AwsError("InvalidParameters", "executionTimeout is a number of seconds from 1 to 172800, as text.")
    return script, float(timeout[0])


def _page(key: str, found: list[dict[str, Any]], parameters: dict[str, Any]) -> dict[str, Any]:
    """Return at most MaxResults of an answer's parts, and a NextToken for the rest."""
    size = int(parameters.get("MaxResults") or 50)
    parts, token = page(found, parameters.get("NextToken"), size, code="InvalidNextToken")
    return {key: parts} | ({"NextToken": token} if token else {})


def _command_json(command: Command, instances: list[str], status: str) -> dict[str, Any]:
    done = status != "Pending"
    return {
        "CommandId": command.id,
        "DocumentName": _DOCUMENT,
        "DocumentVersion": "$DEFAULT",
        "Comment": command.comment,
        "ExpiresAfter": (command.requested + timedelta(seconds=command.timeout_seconds)).timestamp(),
        "Parameters": command.parameters,
        "InstanceIds": [] if command.targets else instances,
        "Targets": command.targets,
        "RequestedDateTime": command.requested.timestamp(),
        "Status": status,
        "StatusDetails": _DETAILS.get(status, status),
        "MaxConcurrency": "50",
        "MaxErrors": "0",
        "TargetCount": len(instances) if done else 0,
        "CompletedCount": len(command.invocations),
        "ErrorCount": sum(each.status != "Success" for each in command.invocations.values()),
        "DeliveryTimedOutCount": 0,
        "TimeoutSeconds": command.timeout_seconds,
    }


def _kept(result: Result) -> Result:
    """Return a result with as much of its output as can be asked for."""
    texts = {"stdout": result.stdout, "stderr": result.stderr}
    lines = (OutputLine(result.ended, stream, text[:_MOST_CHARACTERS]) for stream, text in texts.items())
    return replace(result, lines=tuple(lines))


def _content(text: str) -> str:
    return text if len(text) < _MOST_CHARACTERS else text[: _MOST_CHARACTERS - len(_TRUNCATED)] + _TRUNCATED


def _iso(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
