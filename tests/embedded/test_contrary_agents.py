"""The agent registers, and user data ends, minutes after the launch.

https://docs.aws.amazon.com/systems-manager/latest/userguide/fleet-manager-troubleshooting-managed-nodes.html and
https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/user-data.html
"""

from __future__ import annotations

from typing import Any

import pytest

from labkit.embedded import EmbeddedAws
from tests.embedded.site import Site
from tests.embedded.support import refused, where

pytestmark = pytest.mark.behaves("agent-and-user-data")

INSTALL = "#!/bin/bash\ndnf install -y httpd nmap-ncat\nsystemctl enable --now httpd\n"


def managed(site: Site) -> set[str]:
    return {each["InstanceId"] for each in site.ssm.describe_instance_information()["InstanceInformationList"]}


def test_the_agent_registers_a_minute_or_so_after_the_launch(aws: EmbeddedAws, site: Site) -> None:
    assert not managed(site)
    with refused("InvalidInstanceId"):
        site.send("hostname")
    aws.clock.advance(60)
    assert not managed(site)
    aws.clock.advance(45)
    assert managed(site) == {site.here, site.there}
    assert site.send("hostname")["Status"] == "Success"


def test_a_tag_chooses_only_instances_whose_agents_have_registered(aws: EmbeddedAws, site: Site) -> None:
    site.ec2.create_tags(Resources=[site.here], Tags=[{"Key": "Name", "Value": "a"}])
    target = {"Targets": [{"Key": "tag:Name", "Values": ["a"]}], "DocumentName": "AWS-RunShellScript"}
    first = site.ssm.send_command(Parameters={"commands": ["hostname"]}, **target)["Command"]["CommandId"]
    aws.clock.advance(110)
    second = site.ssm.send_command(Parameters={"commands": ["hostname"]}, **target)["Command"]["CommandId"]
    counts = [site.ssm.list_commands(CommandId=each)["Commands"][0]["CompletedCount"] for each in (first, second)]
    assert counts == [0, 1]


def test_a_started_instance_registers_again(aws: EmbeddedAws, site: Site) -> None:
    aws.clock.advance(110)
    site.ec2.stop_instances(InstanceIds=[site.here])
    site.ec2.start_instances(InstanceIds=[site.here])
    assert managed(site) == {site.there}
    aws.clock.advance(110)
    assert managed(site) == {site.here, site.there}


@pytest.fixture
def installing(aws: EmbeddedAws, site: Site) -> str:
    """An instance whose agent has registered, and whose user data still installs; its id."""
    site.allow("tcp", 80, 80)
    made, _ = site.launch("10.1.0.30", UserData=INSTALL)
    aws.clock.advance(110)
    return made


def test_nothing_that_user_data_installs_is_there_before_it_ends(aws: EmbeddedAws, site: Site, installing: str) -> None:
    for here, url in ((installing, "http://localhost/"), (site.here, "http://10.1.0.30/")):
        answer = site.send(f"curl -sS {url}", to=here)
        assert answer["ResponseCode"] == 7, "connection refused"
    assert "nc: command not found" in site.send("nc -vz 10.1.0.20 80", to=installing)["StandardErrorContent"]
    assert site.send("cloud-init status", to=installing)["StandardOutputContent"] == "status: running\n"

    before = aws.clock.time()
    waited = site.send("cloud-init status --wait", to=installing)["StandardOutputContent"]
    assert waited.startswith("....") and waited.endswith("\nstatus: done\n")
    assert 10 < aws.clock.time() - before < 110
    assert "Hello from" in site.send("curl -s http://10.1.0.30/")["StandardOutputContent"]
    assert site.send("nc -z 10.1.0.20 80", to=installing)["ResponseCode"] == 0


def test_user_data_runs_at_the_first_boot_only(aws: EmbeddedAws, site: Site, installing: str) -> None:
    """https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/user-data.html: only during the boot cycle of the launch."""
    aws.clock.advance(110)
    site.ec2.stop_instances(InstanceIds=[installing])
    site.ec2.start_instances(InstanceIds=[installing])
    aws.clock.advance(110)
    assert site.send("cloud-init status", to=installing)["StandardOutputContent"] == "status: done\n"


def test_an_instance_without_user_data_is_set_up_at_once(aws: EmbeddedAws, site: Site) -> None:
    aws.clock.advance(110)
    assert site.send("cloud-init status --wait")["StandardOutputContent"] == "\nstatus: done\n"


def test_a_scanner_finds_the_web_server_only_once_it_listens(aws: EmbeddedAws, site: Site, installing: str) -> None:
    service = aws.dataplane.service
    assert service(installing, 6, 80) is None
    assert service(installing, 6, 22) is not None
    aws.clock.advance(110)
    assert service(installing, 6, 80) is not None


@pytest.mark.behaves()
def test_without_the_behavior_all_of_it_is_done_at_once(ec2: Any, site: Site) -> None:
    made, _ = site.launch("10.1.0.30", UserData=INSTALL)
    assert ec2.describe_instances(Filters=where("instance-id", made))["Reservations"]
    assert managed(site) == {site.here, site.there, made}
    assert site.send("cloud-init status", to=made)["StandardOutputContent"] == "status: done\n"
    assert site.send("curl -s http://localhost/", to=made)["ResponseCode"] == 0
