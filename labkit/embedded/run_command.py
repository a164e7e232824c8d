"""SSM Run Command: `send_command` runs a script on an instance's modelled shell.

https://docs.aws.amazon.com/systems-manager/latest/userguide/run-command.html
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Address
from typing import Any

from labkit.embedded import determinism, hosts
from labkit.embedded.dataplane import DataPlane
from labkit.embedded.errors import AwsError, NotInEmbeddedAws
from labkit.embedded.instance import InstanceHost
from labkit.embedded.permissions import allows, trusts
from labkit.embedded.roles import read_role
from labkit.embedded.server import ACCOUNT_ID, Handler
from labkit.network import NetworkError, tcp

DOCUMENT = "AWS-RunShellScript"

#: Seconds that a script may run unless executionTimeout says otherwise.
_EXECUTION_TIMEOUT = 3600

#: Stands for the Systems Manager endpoints of the region, which the agent must reach on port 443.
_SSM_ENDPOINT = IPv4Address("52.46.128.10")


@dataclass(frozen=True, slots=True)
class Invocation:
    """One run of a script on one instance."""

    instance_id: str
    started: datetime
    ended: datetime
    result: hosts.Result

    @property
    def status(self) -> str:
        return "Success" if self.result.exit_code == 0 else "Failed"


@dataclass(slots=True)
class Command:
    """One `send_command`, and what came of it."""

    id: str
    comment: str
    parameters: dict[str, list[str]]
    targets: list[dict[str, Any]]
    requested: datetime
    timeout_seconds: int
    invocations: list[Invocation] = field(default_factory=list)

    @property
    def status(self) -> str:
        return "Failed" if any(each.status == "Failed" for each in self.invocations) else "Success"


class RunCommand:
    """The commands of one embedded AWS."""

    def __init__(self, plane: DataPlane) -> None:
        self._plane = plane
        self._commands: dict[str, Command] = {}

    def handlers(self) -> dict[tuple[str, str], Handler]:
        """The API actions that this class answers."""
        return {
            ("ssm", "SendCommand"): self.send,
            ("ssm", "GetCommandInvocation"): self.invocation,
            ("ssm", "ListCommands"): self.commands,
            ("ssm", "DescribeInstanceInformation"): self.managed_instances,
        }

    def send(self, parameters: dict[str, Any]) -> dict[str, Any]:
        """SendCommand: run the script on each target, one after the other, while virtual time passes."""
        if parameters.get("DocumentName") != DOCUMENT:
            raise NotInEmbeddedAws(f"run the document {parameters.get('DocumentName')}, only {DOCUMENT}")
        script = (parameters.get("Parameters") or {}).get("commands")
        if not script:
            raise AwsError("InvalidParameters", f"{DOCUMENT} needs the parameter commands: a list of command lines.")
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
        timeout = float(command.parameters.get("executionTimeout", [_EXECUTION_TIMEOUT])[0])
        answer = _command_json(command, instances, "Pending")
        for instance in instances:
            started = self._plane.clock.now()
            result = hosts.run(InstanceHost(self._plane, instance), script, command_id=command_id, timeout=timeout)
            command.invocations.append(Invocation(instance, started, self._plane.clock.now(), result))
        return {"Command": answer}

    def invocation(self, parameters: dict[str, Any]) -> dict[str, Any]:
        """GetCommandInvocation."""
        command_id, instance_id = parameters["CommandId"], parameters["InstanceId"]
        command = self._commands.get(command_id)
        found = [each for each in command.invocations if each.instance_id == instance_id] if command else []
        if command is None or not found:
            raise AwsError("InvocationDoesNotExist", f"The command {command_id} was not sent to {instance_id}.")
        run = found[0]
        return {
            "CommandId": command.id,
            "InstanceId": instance_id,
            "Comment": command.comment,
            "DocumentName": DOCUMENT,
            "DocumentVersion": "$DEFAULT",
            "PluginName": "aws:runShellScript",
            "ResponseCode": run.result.exit_code,
            "ExecutionStartDateTime": _iso(run.started),
            "ExecutionElapsedTime": _duration(run.ended - run.started),
            "ExecutionEndDateTime": _iso(run.ended),
            "Status": run.status,
            "StatusDetails": run.status,
            "StandardOutputContent": run.result.standard_output_content,
            "StandardOutputUrl": "",
            "StandardErrorContent": run.result.standard_error_content,
            "StandardErrorUrl": "",
            "CloudWatchOutputConfig": {"CloudWatchLogGroupName": "", "CloudWatchOutputEnabled": False},
        }

    def commands(self, parameters: dict[str, Any]) -> dict[str, Any]:
        """ListCommands, the newest first."""
        command_id, instance_id = parameters.get("CommandId"), parameters.get("InstanceId")
        found = [
            _command_json(command, [each.instance_id for each in command.invocations], command.status)
            for command in reversed(self._commands.values())
            if command_id in (None, command.id)
            and (instance_id is None or any(each.instance_id == instance_id for each in command.invocations))
        ]
        return {"Commands": found}

    def managed_instances(self, parameters: dict[str, Any]) -> dict[str, Any]:
        """DescribeInstanceInformation: the instances that Systems Manager can reach."""
        network = self._plane.network
        wanted = set(network.instances)
        for filter in parameters.get("Filters") or []:
            if filter["Key"] != "InstanceIds":
                raise NotInEmbeddedAws(f"filter managed instances by {filter['Key']}, only by InstanceIds")
            wanted &= set(filter["Values"])
        return {
            "InstanceInformationList": [
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
        }

    def _targets(self, parameters: dict[str, Any]) -> list[str]:
        named = list(dict.fromkeys(parameters.get("InstanceIds") or []))
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
                pages = (
                    self._plane.aws.client("ec2")
                    .get_paginator("describe_instances")
                    .paginate(Filters=[{"Name": key, "Values": values}])
                )
                found = [
                    i["InstanceId"]
                    for page in pages
                    for reservation in page["Reservations"]
                    for i in reservation["Instances"]
                ]
            else:
                raise NotInEmbeddedAws(f"choose targets by {key}, only by InstanceIds and tag:")
            named += [id for id in found if id not in named and self._is_managed(id)]
        return named

    def _is_managed(self, instance_id: str) -> bool:
        """Whether the instance's agent can talk to Systems Manager: it runs, its role permits it, and port 443 of the
        endpoints is in reach.

        https://docs.aws.amazon.com/systems-manager/latest/userguide/troubleshooting-managed-nodes.html
        """
        network = self._plane.network
        instance = network.instances.get(instance_id)
        interface = network.primary_interface(instance_id)
        if (
            instance is None
            or interface is None
            or instance.state != "running"
            or not self._has_permission(instance_id)
        ):
            return False
        try:
            return self._plane.path(tcp(interface.primary, _SSM_ENDPOINT, 443), interface.id).replied
        except NetworkError:
            return False

    def _has_permission(self, instance_id: str) -> bool:
        client = self._plane.aws.client
        instance = client("ec2").describe_instances(InstanceIds=[instance_id])["Reservations"][0]["Instances"][0]
        profile = instance.get("IamInstanceProfile")
        if not profile:
            return False
        iam = client("iam")
        name = profile["Arn"].rpartition("/")[2]
        roles = iam.get_instance_profile(InstanceProfileName=name)["InstanceProfile"]["Roles"]
        role = read_role(iam, roles[0]["RoleName"]) if roles else None
        return bool(
            role
            and trusts(role.trust, account=ACCOUNT_ID, source_arn="", service="ec2.amazonaws.com")
            and allows(role.policies, "ssm:UpdateInstanceInformation", "*")
        )


def _command_json(command: Command, instances: list[str], status: str) -> dict[str, Any]:
    done = status != "Pending"
    return {
        "CommandId": command.id,
        "DocumentName": DOCUMENT,
        "DocumentVersion": "$DEFAULT",
        "Comment": command.comment,
        "ExpiresAfter": (command.requested + timedelta(seconds=command.timeout_seconds)).timestamp(),
        "Parameters": command.parameters,
        "InstanceIds": [] if command.targets else instances,
        "Targets": command.targets,
        "RequestedDateTime": command.requested.timestamp(),
        "Status": status,
        "StatusDetails": status,
        "MaxConcurrency": "50",
        "MaxErrors": "0",
        "TargetCount": len(instances) if done else 0,
        "CompletedCount": len(command.invocations),
        "ErrorCount": sum(each.status == "Failed" for each in command.invocations),
        "DeliveryTimedOutCount": 0,
        "TimeoutSeconds": command.timeout_seconds,
    }


def _iso(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03}Z"


def _duration(elapsed: timedelta) -> str:
    seconds = elapsed.total_seconds()
    return f"PT{seconds:.3f}S".replace(".000S", "S")
