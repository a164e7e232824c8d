"""What lacks the lab's tag is somebody else's: it is not found, and where it has a name of the lab's, the lab takes
another.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from labkit import names
from labkit.errors import LabError
from labkit.lab import Lab
from tests.lab.conftest import Built, refusal

TRUST = json.dumps({
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}],
})  # fmt: skip
POLICY = json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "logs:*", "Resource": "*"}]})


def makers(lab: Lab) -> dict[str, Callable[..., Any]]:
    """What makes a thing of each kind whose name is unique, given its name and tags."""
    iam, logs = lab.client("iam"), lab.client("logs")
    return {
        "log-group": lambda name, tags: logs.create_log_group(
            logGroupName=name, **({"tags": {each["Key"]: each["Value"] for each in tags}} if tags else {})
        ),
        "role": lambda name, tags: iam.create_role(RoleName=name, AssumeRolePolicyDocument=TRUST, Tags=tags),
        "policy": lambda name, tags: iam.create_policy(PolicyName=name, PolicyDocument=POLICY, Tags=tags),
        "instance-profile": lambda name, tags: iam.create_instance_profile(InstanceProfileName=name, Tags=tags),
    }


def test_among_things_of_the_same_name_the_lab_finds_its_own(lab: Lab) -> None:
    """EC2's names are tags, and any number of things may have the same:
    https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/Using_Tags.html
    """
    ec2 = lab.client("ec2")

    def vpc(*tags: tuple[str, str]) -> str:
        given = [{"ResourceType": "vpc", "Tags": [{"Key": key, "Value": value} for key, value in tags]}] if tags else []
        return str(ec2.create_vpc(CidrBlock="10.1.0.0/16", TagSpecifications=given)["Vpc"]["VpcId"])

    vpc(("Name", "vpc-1"))
    vpc(("Name", "vpc-1"), ("Lab", "other"))
    vpc(("Name", "nimbus"), ("Lab", "vpc-1"))
    vpc(("Lab", "nimbus"))
    assert lab.find("vpc-1") is None and lab.find("nimbus") is None
    own = vpc(("Name", "vpc-1"), ("Lab", "nimbus"))
    assert lab.find("vpc-1") == lab.find("vpc-1", "vpc") == own
    assert lab.find("vpc-1", "subnet") is None
    assert lab.find("vpc-*") is None


@pytest.mark.parametrize(("name", "kind"), names.KINDS.items())
def test_a_name_that_somebody_else_has_is_an_error_and_another_is_proposed(lab: Lab, name: str, kind: str) -> None:
    make = makers(lab)[kind]
    assert lab.find(name, kind) is None
    assert Lab(lab._account).name(name) == name
    make(name, [])
    with pytest.raises(LabError) as caught:
        lab.find(name, kind)
    message = str(caught.value)
    assert f"{name!r} that lacks the lab's tag (Lab: nimbus)" in message
    assert f"Use the name that lab.name('{name}') returns. If you made it for the lab, give it the tag: " in message
    make(f"{name}-2", [{"Key": "Lab", "Value": "other"}])
    other = lab.name(name)
    assert other == f"{name}-3" and lab.find(other, kind) is None
    make(other, [lab.tag])
    assert lab.find(other, kind)
    assert lab.name(name) == Lab(lab._account).name(name) == other
    context = {"lab": lab, "iam": lab.client("iam"), "logs": lab.client("logs")}
    exec(message.partition("give it the tag: ")[2].rstrip("."), context)
    assert lab.find(name, kind)
    assert Lab(lab._account).name(name) == name


def test_a_name_that_no_notebook_gives_is_refused_with_a_guess(lab: Lab) -> None:
    with pytest.raises(LabError) as caught:
        lab.name("NimbusVpcFlowLogsGroup")
    assert "name nothing 'NimbusVpcFlowLogsGroup'. Did you mean 'NimbusVPCFlowLogsGroup'?" in str(caught.value)


def test_the_records_of_another_log_group_may_be_read_whoever_made_it(lab: Lab) -> None:
    lab.client("logs").create_log_group(logGroupName="theirs")
    assert lab.records(log_group="theirs") == []
    with pytest.raises(LabError, match="There is no log group 'nobodys'"):
        lab.records(log_group="nobodys")


@pytest.fixture
def among_others(built: Built) -> tuple[Built, str, str]:
    """The lab beside somebody else's VPC and instance, of the same names and addresses; also their ids."""
    ec2 = built.ec2

    def named(kind: str, name: str) -> list[dict[str, Any]]:
        return [{"ResourceType": kind, "Tags": [{"Key": "Name", "Value": name}]}]

    def theirs(kind: str, **parameters: Any) -> Any:
        made = getattr(ec2, f"create_{kind.replace('-', '_')}")(
            **parameters, TagSpecifications=named(kind, f"{kind}-1")
        )
        return made[kind.title().replace("-", "")]

    vpc = theirs("vpc", CidrBlock="10.1.0.0/16")["VpcId"]
    subnet = theirs("subnet", VpcId=vpc, CidrBlock="10.1.0.0/20")["SubnetId"]
    table = theirs("route-table", VpcId=vpc)["RouteTableId"]
    ec2.associate_route_table(RouteTableId=table, SubnetId=subnet)
    instance = ec2.run_instances(
        ImageId=built.image, InstanceType="t3.micro", MinCount=1, MaxCount=1, SubnetId=subnet,
        PrivateIpAddress="10.1.15.80", TagSpecifications=named("instance", "instance-1"),
    )["Instances"][0]["InstanceId"]  # fmt: skip
    return built, vpc, instance


def test_a_name_in_the_network_means_the_labs_thing(among_others: tuple[Built, str, str]) -> None:
    built, vpc, instance = among_others
    lab, network = built.lab, built.lab.network
    assert network.vpcs[vpc].name == vpc and network.vpcs[built.vpc_1].name == "vpc-1"
    assert network.interface_of("instance-1").instance == built.instance_1
    assert network.interface_of(instance).vpc == vpc
    assert lab.trace("instance-1", "8.8.8.8").code is None
    for name in ("vpcs", "subnets", "internet", "security-groups", "instances", "flow-logs"):
        assert lab.check(name).passed, name  # type: ignore[union-attr]
    assert f"VPC {vpc[:12]}" in str(lab.map()) and "VPC vpc-1, 10.1.0.0/16" in str(lab.map())


@pytest.mark.parametrize("key", ["instance-1", "10.1.15.80"])
def test_a_command_runs_on_the_labs_instance(among_others: tuple[Built, str, str], key: str) -> None:
    built, _, _ = among_others
    assert "1 received" in built.lab.shell(key, "ping -c 1 8.8.8.8").stdout


def test_what_is_read_again_keeps_its_name(among_others: tuple[Built, str, str]) -> None:
    """A widget reads only what a cell can have changed."""
    built, _, _ = among_others
    before, known = built.lab.network, len(built.lab.changes)
    built.ec2.create_route(
        RouteTableId=built.route_table_1, DestinationCidrBlock="8.8.8.0/24", GatewayId=built.igw_1
    )  # fmt: skip
    after = before.reread(built.ec2, built.lab.changes[known:])
    assert after == built.lab.network != before


# A sandbox, such as AWS Academy's: nobody may create roles, and LabRole and LabInstanceProfile are there.


@pytest.fixture
def sandbox(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """The calls of CreateRole, each of which is refused."""
    asked: list[Any] = []

    def refuse(**parameters: Any) -> None:
        asked.append(parameters)
        raise refusal("AccessDenied", "User is not authorized to perform: iam:CreateRole", "CreateRole")

    for kind, name in names.GIVEN.items():
        makers(lab)[kind](name, [])
    monkeypatch.setattr(lab.client("iam"), "create_role", refuse)
    return asked


def test_in_a_sandbox_the_given_role_and_profile_take_the_place_of_the_labs(lab: Lab, sandbox: list[Any]) -> None:
    assert lab.name("NimbusVPCFlowLogsRole") == lab.name("NimbusInstanceRole") == "LabRole"
    assert lab.name("NimbusInstanceProfile") == "LabInstanceProfile"
    assert lab.find("LabRole", "role") == f"arn:aws:iam::{lab.account}:role/LabRole"
    assert lab.find("LabInstanceProfile", "instance-profile")
    assert lab.name("NimbusVPCFlowLogsGroup") == "NimbusVPCFlowLogsGroup"
    assert lab.name("NimbusVPCFlowLogsPolicy") == "NimbusVPCFlowLogsPolicy"
    assert len(sandbox) == 1, "IAM is asked once"
    assert sandbox[0]["AssumeRolePolicyDocument"] == "{}", "and not in a way in which it could make a role"


def test_in_a_sandbox_a_role_that_the_lab_has_already_is_used(lab: Lab, sandbox: list[Any]) -> None:
    iam = lab.client("iam")
    with pytest.MonkeyPatch.context() as patch:
        patch.delattr(iam, "create_role")
        makers(lab)["role"]("NimbusInstanceRole", [lab.tag])
    assert lab.name("NimbusInstanceRole") == "NimbusInstanceRole" and sandbox == []


def test_somebody_elses_LabRole_means_nothing_where_roles_may_be_created(lab: Lab) -> None:
    makers(lab)["role"]("LabRole", [])
    assert lab.name("NimbusVPCFlowLogsRole") == "NimbusVPCFlowLogsRole"
    assert lab.find("NimbusVPCFlowLogsRole", "role") is None, "asking whether one may has made none"
    with pytest.raises(LabError, match="'LabRole' that lacks the lab's tag .* Use another name. If you made it"):
        lab.find("LabRole", "role")


@pytest.mark.parametrize(("decision", "name"), [("implicitDeny", "LabRole"), ("allowed", "NimbusVPCFlowLogsRole")])
def test_where_iam_simulates_policies_its_answer_counts(
    lab: Lab, monkeypatch: pytest.MonkeyPatch, decision: str, name: str
) -> None:
    """https://docs.aws.amazon.com/IAM/latest/APIReference/API_SimulatePrincipalPolicy.html

    It takes the ARN of a role, which is not in the ARN of a session of the role:
    https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html
    """
    iam, sts = lab.client("iam"), lab.client("sts")
    makers(lab)["role"]("LabRole", [])
    iam.create_role(RoleName="voclabs", Path="/school/", AssumeRolePolicyDocument=TRUST)
    session = f"arn:aws:sts::{lab.account}:assumed-role/voclabs/user1=Ann"
    monkeypatch.setattr(sts, "get_caller_identity", lambda: {"Arn": session})

    def simulate(PolicySourceArn: str, ActionNames: list[str]) -> Any:
        assert PolicySourceArn == f"arn:aws:iam::{lab.account}:role/school/voclabs" and ActionNames == [
            "iam:CreateRole"
        ]
        return {"EvaluationResults": [{"EvalDecision": decision}]}

    monkeypatch.setattr(iam, "simulate_principal_policy", simulate)
    assert lab.name("NimbusVPCFlowLogsRole") == name
