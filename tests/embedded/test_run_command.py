"""Run Command: what SendCommand, GetCommandInvocation, ListCommands and DescribeInstanceInformation answer.

https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_SendCommand.html
https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_GetCommandInvocation.html
https://docs.aws.amazon.com/systems-manager/latest/userguide/monitor-commands.html
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from botocore.exceptions import WaiterError

from labkit.embedded.instances import run_command
from tests.embedded.site import Site, trust
from tests.embedded.support import refused, where

DOCUMENT = "AWS-RunShellScript"


def managed(site: Site, **more: Any) -> list[str]:
    return [each["InstanceId"] for each in site.ssm.describe_instance_information(**more)["InstanceInformationList"]]


def send(site: Site, *commands: str, **more: Any) -> dict[str, Any]:
    return dict(
        site.ssm.send_command(DocumentName=DOCUMENT, Parameters={"commands": list(commands)}, **more)["Command"]
    )


# What came of a command


def test_a_command_is_pending_and_then_has_an_invocation(site: Site) -> None:
    command = send(site, "hostname", InstanceIds=[site.here], Comment="who", TimeoutSeconds=60)
    assert (command["Status"], command["InstanceIds"], command["Targets"]) == ("Pending", [site.here], [])
    assert command["ExpiresAfter"] - command["RequestedDateTime"] == timedelta(seconds=60)
    answer = site.ssm.get_command_invocation(CommandId=command["CommandId"], InstanceId=site.here)
    assert (answer["Status"], answer["StatusDetails"], answer["ResponseCode"]) == ("Success", "Success", 0)
    assert answer["StandardOutputContent"] == "ip-10-1-0-10.ec2.internal\n"
    assert answer["StandardErrorContent"] == ""
    assert (answer["DocumentName"], answer["PluginName"], answer["Comment"]) == (DOCUMENT, "aws:runShellScript", "who")


def test_a_failed_command_says_on_stderr_why_and_with_which_code(site: Site) -> None:
    answer = site.send("hostname", "nmap 10.1.0.20")
    assert (answer["Status"], answer["StatusDetails"], answer["ResponseCode"]) == ("Failed", "Failed", 127)
    assert answer["StandardOutputContent"] == "ip-10-1-0-10.ec2.internal\n"
    assert "nmap: command not found" in answer["StandardErrorContent"]
    assert answer["StandardErrorContent"].endswith("failed to run commands: exit status 127")


def test_a_command_that_overruns_its_time_is_timed_out(site: Site) -> None:
    answer = site.send("ping 10.1.0.20", executionTimeout="10")
    assert (answer["Status"], answer["StatusDetails"]) == ("TimedOut", "ExecutionTimedOut")
    assert answer["ExecutionElapsedTime"] == "PT10S"
    assert answer["StandardOutputContent"].count("64 bytes from 10.1.0.20") in (10, 11)
    (command,) = site.ssm.list_commands()["Commands"]
    assert (command["Status"], command["ErrorCount"], command["CompletedCount"]) == ("TimedOut", 1, 1)


def test_time_passes_while_a_command_runs(site: Site) -> None:
    before = site.aws.clock.now()
    answer = site.send("ping -c 5 10.1.0.20")
    assert timedelta(seconds=4) < site.aws.clock.now() - before < timedelta(seconds=7)
    assert answer["ExecutionStartDateTime"] < answer["ExecutionEndDateTime"]
    assert answer["ExecutionElapsedTime"].startswith("PT4.")


def test_the_output_is_cut_at_24000_characters(site: Site) -> None:
    """https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_GetCommandInvocation.html"""
    answer = site.send("ping -c 600 10.1.0.20")
    assert len(answer["StandardOutputContent"]) == 24000
    assert answer["StandardOutputContent"].endswith("--output truncated--")


def test_the_waiter_knows_success_from_failure(site: Site) -> None:
    waiter = site.ssm.get_waiter("command_executed")
    sent = send(site, "hostname", InstanceIds=[site.here])
    waiter.wait(CommandId=sent["CommandId"], InstanceId=site.here)
    for script in ("nmap", "ping 10.1.0.20"):
        sent = site.ssm.send_command(
            DocumentName=DOCUMENT, InstanceIds=[site.here],
            Parameters={"commands": [script], "executionTimeout": ["5"]},
        )["Command"]  # fmt: skip
        with pytest.raises(WaiterError):
            waiter.wait(CommandId=sent["CommandId"], InstanceId=site.here)


# Which instances


def test_targets_by_tag_and_by_id(site: Site) -> None:
    site.ec2.create_tags(Resources=[site.there, site.here], Tags=[{"Key": "App", "Value": "shop"}])
    for target in ({"Key": "tag:App", "Values": ["shop"]}, {"Key": "InstanceIds", "Values": [site.here, site.there]}):
        sent = send(site, "hostname", Targets=[target])
        assert (sent["InstanceIds"], sent["Targets"]) == ([], [target])
        for instance, name in ((site.here, "ip-10-1-0-10"), (site.there, "ip-10-1-0-20")):
            answer = site.ssm.get_command_invocation(CommandId=sent["CommandId"], InstanceId=instance)
            assert answer["StandardOutputContent"] == f"{name}.ec2.internal\n"
    with refused("NotImplemented", "choose targets by resource-groups:Name"):
        send(site, "hostname", Targets=[{"Key": "resource-groups:Name", "Values": ["x"]}])


def test_no_instance_at_all_is_refused(site: Site) -> None:
    with refused("InvalidParameters", "give InstanceIds or Targets"):
        send(site, "hostname")


def test_iam_is_asked_once_until_it_changes(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    decide = run_command.managed_instance
    monkeypatch.setattr(run_command, "managed_instance", lambda role: asked.append(role.name) or decide(role))
    site.send("hostname")
    site.send("hostname")
    assert asked == ["Instance"]
    site.iam.create_role(RoleName="Other", AssumeRolePolicyDocument=trust("ec2.amazonaws.com"))
    site.send("hostname")
    assert asked == ["Instance", "Instance"]


def take_profile(site: Site) -> None:
    (found,) = site.ec2.describe_iam_instance_profile_associations(Filters=where("instance-id", site.there))[
        "IamInstanceProfileAssociations"
    ]
    site.ec2.disassociate_iam_instance_profile(AssociationId=found["AssociationId"])


def take_role(site: Site) -> None:
    site.iam.remove_role_from_instance_profile(InstanceProfileName="Instance", RoleName="Instance")


def delete_profile(site: Site) -> None:
    take_role(site)
    site.iam.delete_instance_profile(InstanceProfileName="Instance")


CORE = "arn:aws:iam::aws:policy/AmazonSSMManagedInstanceCore"
EVERYTHING = {"IpProtocol": "-1", "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}

#: What puts an instance out of reach; a function returns the id of the instance, unless it is `site.there`.
FAULTS: dict[str, Callable[[Site], Any]] = {
    "it is unknown": lambda site: "i-0123456789abcdef0",
    "it is stopped": lambda site: site.ec2.stop_instances(InstanceIds=[site.there]),
    "it is terminated": lambda site: site.ec2.terminate_instances(InstanceIds=[site.there]),
    "it has no profile": take_profile,
    "the profile has no role": take_role,
    "the profile is deleted": delete_profile,
    "the role has no policy": lambda site: site.iam.detach_role_policy(RoleName="Instance", PolicyArn=CORE),
    "the role trusts another": lambda site: site.iam.update_assume_role_policy(
        RoleName="Instance", PolicyDocument=trust("lambda.amazonaws.com")
    ),
    "no route leads out": lambda site: site.ec2.delete_route(
        RouteTableId=site.table, DestinationCidrBlock="0.0.0.0/0"
    ),
    "it has no public address": lambda site: site.launch("10.1.0.30", public=False)[0],
    "its group lets nothing out": lambda site: site.ec2.revoke_security_group_egress(
        GroupId=site.group, IpPermissions=[EVERYTHING]
    ),
}  # fmt: skip


@pytest.mark.parametrize("fault", FAULTS)
def test_an_instance_out_of_reach_is_not_managed(site: Site, fault: str) -> None:
    """https://docs.aws.amazon.com/systems-manager/latest/userguide/troubleshooting-managed-nodes.html"""
    assert managed(site) == sorted([site.here, site.there])
    changed = FAULTS[fault](site)
    instance = changed if isinstance(changed, str) else site.there
    assert managed(site, Filters=[{"Key": "InstanceIds", "Values": [instance]}]) == []
    with refused("InvalidInstanceId", instance):
        send(site, "hostname", InstanceIds=[instance])
    assert site.ssm.list_commands()["Commands"] == []


# What is refused


def test_documents(site: Site) -> None:
    with refused("InvalidDocument", "no document RunShell"):
        site.ssm.send_command(DocumentName="RunShell", InstanceIds=[site.here])
    with refused("NotImplemented", "run the document AWS-RunPowerShellScript"):
        site.ssm.send_command(DocumentName="AWS-RunPowerShellScript", InstanceIds=[site.here])


def test_parameters(site: Site) -> None:
    wrong: list[tuple[dict[str, list[str]], str]] = [
        ({}, "needs the parameter commands"),
        ({"commands": []}, "needs the parameter commands"),
        ({"commands": ["hostname"], "executionTimeout": ["soon"]}, "executionTimeout is a number of seconds"),
        ({"commands": ["hostname"], "executionTimeout": ["0"]}, "executionTimeout is a number of seconds"),
        ({"commands": ["hostname"], "command": ["x"]}, "has no parameter command."),
    ]
    for parameters, words in wrong:
        with refused("InvalidParameters", words):
            site.ssm.send_command(DocumentName=DOCUMENT, InstanceIds=[site.here], Parameters=parameters)
    assert site.send("hostname", workingDirectory="")["Status"] == "Success"
    with refused("NotImplemented", "working directory"):
        site.send("hostname", workingDirectory="/tmp")


def test_commands_that_were_not_sent(site: Site) -> None:
    sent = send(site, "hostname", InstanceIds=[site.here])
    with refused("InvocationDoesNotExist"):
        site.ssm.get_command_invocation(CommandId="0" * 36, InstanceId=site.here)
    with refused("InvocationDoesNotExist"):
        site.ssm.get_command_invocation(CommandId=sent["CommandId"], InstanceId=site.there)
    with refused("InvalidCommandId"):
        site.ssm.list_commands(CommandId="0" * 36)


# Lists


def test_commands_are_listed_the_newest_first_in_pages(site: Site) -> None:
    ids = [send(site, "hostname", InstanceIds=[each])["CommandId"] for each in (site.here, site.there, site.here)]
    listed = site.ssm.list_commands()["Commands"]
    assert [each["CommandId"] for each in listed] == ids[::-1]
    assert {each["Status"] for each in listed} == {"Success"}
    assert [each["CommandId"] for each in site.ssm.list_commands(InstanceId=site.there)["Commands"]] == [ids[1]]
    assert [each["CommandId"] for each in site.ssm.list_commands(CommandId=ids[0])["Commands"]] == [ids[0]]
    page = site.ssm.list_commands(MaxResults=2)
    assert [each["CommandId"] for each in page["Commands"]] == [ids[2], ids[1]]
    rest = site.ssm.list_commands(MaxResults=2, NextToken=page["NextToken"])
    assert [each["CommandId"] for each in rest["Commands"]] == [ids[0]] and "NextToken" not in rest
    with refused("InvalidNextToken"):
        site.ssm.list_commands(NextToken="x")
    with refused("NotImplemented", "filter commands"):
        site.ssm.list_commands(Filters=[{"key": "Status", "value": "Success"}])


def test_managed_instances_are_described(site: Site) -> None:
    here, there = sorted(
        site.ssm.describe_instance_information()["InstanceInformationList"], key=lambda x: x["IPAddress"]
    )
    assert (here["InstanceId"], here["IPAddress"], here["ComputerName"]) == (
        site.here, "10.1.0.10", "ip-10-1-0-10.ec2.internal",
    )  # fmt: skip
    assert (there["PingStatus"], there["PlatformName"], there["PlatformVersion"]) == ("Online", "Amazon Linux", "2023")
    assert here["LastPingDateTime"].timestamp() == site.aws.clock.time()
    assert managed(site, Filters=[{"Key": "PingStatus", "Values": ["ConnectionLost"]}]) == []
    assert managed(site, Filters=[{"Key": "PingStatus", "Values": ["Online"]}]) == sorted([site.here, site.there])
    with refused("NotImplemented", "filter managed instances by PlatformTypes"):
        managed(site, Filters=[{"Key": "PlatformTypes", "Values": ["Linux"]}])
