"""The look before a lab is made: each blocker alone, with its fix; looking changes nothing; the unknown is said."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from typing import Any
from unittest.mock import Mock

import pytest
from botocore.exceptions import EndpointConnectionError

import labkit
from labkit import names
from labkit.errors import LabError
from labkit.lab import Lab
from labkit.session import preflight as looking
from labkit.session.findings import Finding, GivenRole, Offering, Outcome, Permission, Quota, Report
from labkit.session.kinds import KINDS
from labkit.session.preflight import preflight
from tests.lab.conftest import Built, inside, refusal
from tests.lab.conftest import elsewhere as elsewhere

#: What Service Quotas answers in a new account.
QUOTAS = {"L-F678F1CE": 5, "L-A4707A72": 5, "L-1216C47A": 32}

EC2_ACTIONS = ["".join(word.capitalize() for word in operation.split("_")) for operation, _ in looking._requests("arn")]

Answer = str | dict[str, Any] | Callable[[dict[str, Any]], "str | dict[str, Any] | None"]


class Account:
    """The lab's account, in which chosen operations answer as a test says: an error's code, or an answer.

    Service Quotas, DryRun and IAM's simulation answer as in an account that lets one do everything.
    """

    def __init__(self, lab: Lab) -> None:
        self.lab = lab
        self.asked: list[tuple[str, dict[str, Any]]] = []
        self.answers: dict[str, Answer] = {
            "service-quotas.GetServiceQuota": lambda asked: {"Quota": {"Value": float(QUOTAS[asked["QuotaCode"]])}},
            "iam.SimulatePrincipalPolicy": simulate(),
        }
        self._clients: list[Any] = []

    def client(self, service: str) -> Any:
        client = self.lab.client(service)
        if client not in self._clients:
            self._clients.append(client)
            client.meta.events.register("before-parameter-build", self._remember, unique_id="test-asked")
            client.meta.events.register("before-call", self._answer, unique_id="test-answer")
        return client

    def close(self) -> None:
        for client in self._clients:
            client.meta.events.unregister("before-parameter-build", unique_id="test-asked")
            client.meta.events.unregister("before-call", unique_id="test-answer")

    def look(self, **answers: Answer) -> Report:
        """Look, where operations such as `ec2__CreateVpc` answer in a certain way."""
        self.answers |= {name.replace("__", ".").replace("_", "-"): answer for name, answer in answers.items()}
        return preflight(self.client, self.lab.region)

    def _remember(self, params: dict[str, Any], context: dict[str, Any], **_: Any) -> None:
        context["asked"] = dict(params)

    def _answer(self, model: Any, context: dict[str, Any], **_: Any) -> Any:
        name, asked = f"{model.service_model.service_name}.{model.name}", context["asked"]
        self.asked.append((name, asked))
        answer = self.answers.get(name)
        if callable(answer):
            answer = answer(asked)
        if answer is None and asked.get("DryRun"):
            answer = "DryRunOperation"
        if answer is None:
            return None
        if isinstance(answer, str):
            return Mock(status_code=400), {"Error": {"Code": answer, "Message": "No."}, "ResponseMetadata": {}}
        return Mock(status_code=200), answer


def simulate(
    *denied: str, decision: str = "implicitDeny", **details: Any
) -> Callable[[dict[str, Any]], dict[str, Any]]:
    """IAM's simulation for somebody who may do everything but some actions."""

    def answer(asked: dict[str, Any]) -> dict[str, Any]:
        return {
            "EvaluationResults": [
                {"EvalActionName": action, "EvalResourceName": resource, "EvalDecision": decision, **details}
                if action in denied
                else {"EvalActionName": action, "EvalResourceName": resource, "EvalDecision": "allowed"}
                for action in asked["ActionNames"]
                for resource in asked.get("ResourceArns", ["*"])
            ]
        }

    return answer


def _raise(error: Exception) -> Answer:
    def answer(_: object) -> str:
        raise error

    return answer


@pytest.fixture
def account(lab: Lab) -> Iterator[Account]:
    made = Account(lab)
    yield made
    made.close()


def the(report: Report, kind: type[Finding], **attributes: Any) -> Any:
    """The one finding of a kind that has some attributes."""
    found = [
        each
        for each in report.findings
        if isinstance(each, kind) and all(getattr(each, key) == value for key, value in attributes.items())
    ]
    assert len(found) == 1, report.findings
    return found[0]


def only_blocker(report: Report) -> Finding:
    assert len(report.blockers) == 1, report.blockers
    blocker = report.blockers[0]
    assert blocker.what and blocker.fix
    with pytest.raises(LabError, match="nothing was made") as error:
        report.require()
    assert blocker.fix in str(error.value) and blocker.what[1:] in str(error.value)
    return blocker


# Nothing in the way


def test_an_account_in_which_everything_is_allowed(account: Account) -> None:
    report = account.look()
    report.require()
    assert not report.blockers and not report.unknown and not report.notes and not report.is_sandbox
    shown = str(report)
    for words in (
        "Looked at us-east-1 as arn:aws:iam::123456789012:user/student; nothing has been made yet.",
        "with the lab's tag (Lab: nimbus) there is already: nothing",
        "VPCs: 1 of 5 in use, 3 more needed",
        "vCPUs of standard instances: 0 of 32 in use, 4 more needed",
        "t3.micro is offered in us-east-1a, us-east-1b",
        "two roles, a policy and an instance profile",
        "by the price table of",
    ):
        assert words in shown
    assert "AWS does not tell" not in shown


def everything(lab: Lab) -> dict[str, Any]:
    """All that the account holds, read past the API's socket."""
    client = inside(lab)
    ec2, iam, logs = client("ec2"), client("iam"), client("logs")
    found = {kind.word: getattr(ec2, kind.operation)() for kind in KINDS}
    found["tags"] = ec2.describe_tags()
    found |= {"roles": iam.list_roles(), "policies": iam.list_policies(Scope="Local")}
    found |= {"profiles": iam.list_instance_profiles(), "groups": logs.describe_log_groups()}
    return {
        word: {key: part for key, part in answer.items() if key != "ResponseMetadata"} for word, answer in found.items()
    }


def test_looking_makes_and_changes_nothing(account: Account) -> None:
    before = json.dumps(everything(account.lab), default=str)
    account.look()
    assert json.dumps(everything(account.lab), default=str) == before
    for name, asked in account.asked:
        action = name.partition(".")[2]
        assert action.startswith(("Describe", "Get", "List", "Simulate")) or asked.get("DryRun") is True, name


def test_only_made_up_things_are_named_in_requests_that_would_change_something(account: Account) -> None:
    """Even if an AWS ignored DryRun, nobody's things could be deleted."""
    account.look()
    real = json.dumps(everything(account.lab), default=str)
    for name, asked in account.asked:
        if asked.get("DryRun"):
            ids = [value for key, value in asked.items() if key.endswith("Id") and key != "ImageId"]
            assert not any(id in real for id in ids), name


def test_what_the_lab_has_already_is_told_and_needed_no_more(built: Built) -> None:
    account = Account(built.lab)
    try:
        report = account.look()
    finally:
        account.close()
    assert report.there["VPC"] == 2 and report.there["instance"] == 2
    assert the(report, Quota, name="VPCs").needed == 1, "notebook 01's twin"
    assert the(report, Quota, name="vCPUs of standard instances").needed == 0
    assert "2 × VPC" in str(report) and not report.others


# Where


@pytest.mark.parametrize("operation", ["sts__GetCallerIdentity", "ec2__DescribeVpcs"])
@pytest.mark.parametrize("code", ["AuthFailure", "InvalidClientTokenId", "OptInRequired"])
def test_a_region_that_is_not_enabled(account: Account, operation: str, code: str) -> None:
    """https://docs.aws.amazon.com/accounts/latest/reference/manage-acct-regions.html"""
    blocker = only_blocker(account.look(**{operation: code}))
    assert f"us-east-1 is not enabled in this account ({code})" in blocker.what
    assert "AWS Regions" in blocker.fix and "region='us-east-1'" in blocker.fix
    assert all(name in ("sts.GetCallerIdentity", "ec2.DescribeVpcs") for name, _ in account.asked)


def test_a_region_that_does_not_exist(account: Account) -> None:
    error = EndpointConnectionError(endpoint_url="https://ec2.us-east-9.amazonaws.com/")
    assert "nothing answers for a region" in only_blocker(account.look(ec2__DescribeVpcs=_raise(error))).what


# Quotas


@pytest.mark.parametrize(
    ("quota", "limit", "words"),
    [
        ("L-F678F1CE", 3, "VPCs: 1 of 3 in use, 3 more needed"),
        ("L-A4707A72", 2, "internet gateways: 1 of 2 in use, 2 more needed"),
        ("L-1216C47A", 3, "vCPUs of standard instances: 0 of 3 in use, 4 more needed"),
    ],
)
def test_a_quota_that_is_too_low(account: Account, quota: str, limit: int, words: str) -> None:
    """The default VPC counts: https://docs.aws.amazon.com/vpc/latest/userguide/amazon-vpc-limits.html"""

    def limits(value: int) -> Answer:
        quotas = QUOTAS | {quota: value}
        return lambda asked: {"Quota": {"Value": float(quotas[asked["QuotaCode"]])}}

    blocker = only_blocker(account.look(service_quotas__GetServiceQuota=limits(limit)))
    assert blocker.what == words
    assert "https://console.aws.amazon.com/servicequotas/" in blocker.fix
    assert not account.look(service_quotas__GetServiceQuota=limits(limit + 1)).blockers, "one more is enough"


def test_vcpus_of_running_standard_instances_count_whoever_runs_them(account: Account) -> None:
    """https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/ec2-on-demand-instances.html"""
    others = [
        {"InstanceType": kind, "CpuOptions": {"CoreCount": 2, "ThreadsPerCore": 2}}
        for kind in ("m5.xlarge", "inf1.xlarge")
    ]

    def running(asked: dict[str, Any]) -> dict[str, Any] | None:
        of_all = {"Name": "instance-state-name", "Values": ["pending", "running"]} in asked["Filters"]
        return {"Reservations": [{"Instances": others}]} if of_all else None

    report = account.look(ec2__DescribeInstances=running)
    assert the(report, Quota, name="vCPUs of standard instances").used == 4


@pytest.mark.parametrize("code", ["AccessDeniedException", "NoSuchResourceException", "TooManyRequestsException"])
def test_quotas_that_aws_does_not_tell_are_unknown_and_block_nothing(account: Account, code: str) -> None:
    report = account.look(service_quotas__GetServiceQuota=code)
    assert not report.blockers
    assert [each.limit for each in report.unknown if isinstance(each, Quota)] == [None] * 3
    assert "VPCs: 1 in use, 3 more needed (quota not known)" in str(report)


# t3.micro


def test_a_region_without_t3_micro(account: Account) -> None:
    blocker = only_blocker(account.look(ec2__DescribeInstanceTypeOfferings={"InstanceTypeOfferings": []}))
    assert blocker.what == "no zone offers t3.micro" and "another region" in blocker.fix


def test_one_zone_is_enough(account: Account) -> None:
    """Zones differ between accounts: https://docs.aws.amazon.com/ram/latest/userguide/working-with-az-ids.html"""
    offered = [{"InstanceType": "t3.micro", "LocationType": "availability-zone", "Location": "us-east-1b"}]
    report = account.look(ec2__DescribeInstanceTypeOfferings={"InstanceTypeOfferings": offered})
    assert not report.blockers and "t3.micro is offered in us-east-1b" in str(report)


# Permissions: EC2's DryRun


@pytest.mark.parametrize("action", ["CreateVpc", "RunInstances", "DeleteVpc"])
def test_an_action_of_ec2_that_is_not_allowed(account: Account, action: str) -> None:
    """https://docs.aws.amazon.com/AWSEC2/latest/APIReference/CommonParameters.html"""
    blocker = only_blocker(account.look(**{f"ec2__{action}": "UnauthorizedOperation"}))
    assert blocker.what == f"you may not ec2:{action}"
    assert "Ask whoever looks after the account" in blocker.fix


def test_whoever_may_only_read(account: Account) -> None:
    """One line tells all of it, since all has the same fix."""
    report = account.look(**{f"ec2__{action}": "UnauthorizedOperation" for action in EC2_ACTIONS})
    assert {each.what for each in report.blockers} == {f"you may not ec2:{action}" for action in EC2_ACTIONS}
    with pytest.raises(LabError) as error:
        report.require()
    assert len(str(error.value).splitlines()) == 2


def test_what_dry_run_leaves_open_is_asked_of_iam(account: Account) -> None:
    report = account.look(ec2__CreateSubnet="InvalidVpcID.NotFound")
    assert the(report, Permission, action="ec2:CreateSubnet").outcome is Outcome.FINE
    report = account.look(iam__SimulatePrincipalPolicy=simulate("ec2:CreateSubnet"))
    assert the(report, Permission, action="ec2:CreateSubnet").outcome is Outcome.UNKNOWN
    assert not report.blockers, "a policy for some subnets refuses it on *, and still may allow it on the lab's"
    assert "does not tell whether you may ec2:CreateSubnet" in str(report)


def test_things_are_asked_for_with_the_labs_tag_since_policies_may_demand_one(account: Account) -> None:
    """https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/supported-iam-actions-tagging.html"""
    account.look()
    tagged = {name for name, asked in account.asked if "TagSpecifications" in asked and asked.get("DryRun")}
    assert {"ec2.CreateVpc", "ec2.RunInstances", "ec2.CreateFlowLogs"} <= tagged
    assert all(
        asked["TagSpecifications"][0]["Tags"] == [names.LAB_TAG]
        for _, asked in account.asked
        if "TagSpecifications" in asked
    )


@pytest.mark.parametrize(
    ("operation", "code", "action"),
    [
        ("ec2__DescribeInternetGateways", "UnauthorizedOperation", "ec2:DescribeInternetGateways"),
        ("ssm__GetParameter", "AccessDeniedException", "ssm:GetParameter"),
        ("logs__DescribeLogGroups", "AccessDeniedException", "logs:DescribeLogGroups"),
        ("iam__ListPolicies", "AccessDenied", "iam:ListPolicies"),
    ],
)
def test_what_the_course_reads_must_be_readable(account: Account, operation: str, code: str, action: str) -> None:
    assert only_blocker(account.look(**{operation: code})).what == f"you may not {action}"


# Permissions: IAM's simulation


@pytest.mark.parametrize("action", ["iam:CreateRole", "iam:DeletePolicy", "logs:CreateLogGroup", "ssm:SendCommand"])
def test_an_action_that_iam_says_is_not_allowed(account: Account, action: str) -> None:
    blocker = only_blocker(account.look(iam__SimulatePrincipalPolicy=simulate(action)))
    assert blocker.what == f"you may not {action}"


def test_all_actions_outside_ec2_are_asked_of_iam(account: Account) -> None:
    actions = {*looking._ROLES, *looking._POLICIES, *looking._PROFILES, *looking._LOGS, "ssm:SendCommand"}
    report = account.look(iam__SimulatePrincipalPolicy=simulate(*actions))
    assert {each.what for each in report.blockers} == {f"you may not {action}" for action in actions}


@pytest.mark.parametrize("action", ["logs:GetQueryResults", "ec2:CreateVpc"])
def test_an_explicit_deny_counts_for_all_resources(account: Account, action: str) -> None:
    """https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html"""
    denied = simulate(action, decision="explicitDeny")
    report = account.look(iam__SimulatePrincipalPolicy=denied, ec2__CreateVpc="VpcLimitExceeded")
    assert only_blocker(report).what == f"you may not {action}"


def test_a_role_that_may_not_be_passed(account: Account) -> None:
    """https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_use_passrole.html"""

    def only_to_ec2(asked: dict[str, Any]) -> dict[str, Any]:
        passed_to = [each["ContextKeyValues"] for each in asked.get("ContextEntries", ())]
        return simulate("iam:PassRole" if passed_to == [["vpc-flow-logs.amazonaws.com"]] else "")(asked)

    blocker = only_blocker(account.look(iam__SimulatePrincipalPolicy=only_to_ec2))
    assert blocker.what == "you may not iam:PassRole (NimbusVPCFlowLogsRole to vpc-flow-logs.amazonaws.com)"
    passed = {
        (asked["ResourceArns"][0], asked["ContextEntries"][0]["ContextKeyValues"][0])
        for name, asked in account.asked
        if name == "iam.SimulatePrincipalPolicy" and asked["ActionNames"] == ["iam:PassRole"]
    }
    assert passed == {
        ("arn:aws:iam::123456789012:role/NimbusVPCFlowLogsRole", "vpc-flow-logs.amazonaws.com"),
        ("arn:aws:iam::123456789012:role/NimbusInstanceRole", "ec2.amazonaws.com"),
    }


@pytest.mark.parametrize(
    "details",
    [
        {"MissingContextValues": ["aws:MultiFactorAuthPresent"]},
        {"OrganizationsDecisionDetail": {"AllowedByOrganizations": False}},
    ],
)
def test_a_simulation_that_does_not_know_enough_blocks_nothing(account: Account, details: dict[str, Any]) -> None:
    """https://docs.aws.amazon.com/IAM/latest/APIReference/API_EvaluationResult.html"""
    report = account.look(iam__SimulatePrincipalPolicy=simulate("iam:PassRole", decision="explicitDeny", **details))
    assert not report.blockers
    assert {each.what.partition(" ")[0] for each in report.unknown} == {"iam:PassRole"}


def test_whoever_may_not_simulate_is_told_what_is_not_known(account: Account) -> None:
    report = account.look(iam__SimulatePrincipalPolicy="AccessDenied")
    assert not report.blockers
    unknown = {each.action for each in report.unknown if isinstance(each, Permission)}
    assert {"iam:CreateRole", "iam:PassRole", "logs:CreateLogGroup", "ssm:SendCommand"} <= unknown
    assert not any(action.startswith("ec2:") for action in unknown), "DryRun has answered"
    assert "does not tell whether you may iam:PassRole (NimbusVPCFlowLogsRole to vpc-flow-logs" in str(report)


def identity(arn: str) -> Answer:
    return {"Arn": arn, "Account": "123456789012", "UserId": "A"}


def test_nobody_can_simulate_the_root_user(account: Account) -> None:
    """https://docs.aws.amazon.com/IAM/latest/APIReference/API_SimulatePrincipalPolicy.html"""
    report = account.look(sts__GetCallerIdentity=identity("arn:aws:iam::123456789012:root"))
    assert not report.blockers
    assert the(report, Permission, action="iam:CreateRole").outcome is Outcome.UNKNOWN


def test_a_session_is_simulated_as_its_role_with_the_roles_path(account: Account) -> None:
    inside(account.lab)("iam").create_role(
        RoleName="Student", Path="/aws-reserved/sso.amazonaws.com/", AssumeRolePolicyDocument=trust("ec2.amazonaws.com")
    )
    session = "arn:aws:sts::123456789012:assumed-role/Student/ana"
    assert not account.look(sts__GetCallerIdentity=identity(session)).unknown
    sources = {asked["PolicySourceArn"] for name, asked in account.asked if name == "iam.SimulatePrincipalPolicy"}
    assert sources == {"arn:aws:iam::123456789012:role/aws-reserved/sso.amazonaws.com/Student"}


# Other people's things


def test_others_things_with_the_labs_names(account: Account) -> None:
    ec2 = inside(account.lab)("ec2")
    tag = [{"ResourceType": "vpc", "Tags": [{"Key": "Name", "Value": "vpc-1"}]}]
    ec2.create_vpc(CidrBlock="192.168.0.0/16", TagSpecifications=tag)
    inside(account.lab)("logs").create_log_group(logGroupName=names.LOG_GROUP)
    report = account.look()
    assert report.others == ("vpc-1",) and not report.there
    assert "things without the tag are called vpc-1 too; the lab leaves them alone" in str(report)
    assert report.notes == [
        "Somebody else's things have names from the notebooks; the lab's are called NimbusVPCFlowLogsGroup-2 here."
    ]
    asked = [asked for name, asked in account.asked if name == "iam.SimulatePrincipalPolicy"]
    assert any("log-group:NimbusVPCFlowLogsGroup-2:" in arn for each in asked for arn in each.get("ResourceArns", ()))


# A sandbox


def trust(*services: str) -> str:
    statement = {"Effect": "Allow", "Principal": {"Service": list(services)}, "Action": "sts:AssumeRole"}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def sandbox(lab: Lab, trusted: str, action: str = "*") -> None:
    """Give the account the role and profile of AWS Academy's learner labs."""
    iam = inside(lab)("iam")
    iam.create_role(RoleName="LabRole", AssumeRolePolicyDocument=trusted)
    policy = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": action, "Resource": "*"}]}
    iam.put_role_policy(RoleName="LabRole", PolicyName="all", PolicyDocument=json.dumps(policy))
    iam.create_instance_profile(InstanceProfileName="LabInstanceProfile")
    iam.add_role_to_instance_profile(InstanceProfileName="LabInstanceProfile", RoleName="LabRole")


MAY_NOT_CREATE_ROLES = simulate(*looking._ROLES, *looking._POLICIES, *looking._PROFILES)
BOTH = ("ec2.amazonaws.com", "vpc-flow-logs.amazonaws.com")


def test_a_sandbox_whose_role_will_do(account: Account) -> None:
    sandbox(account.lab, trust(*BOTH))
    report = account.look(iam__SimulatePrincipalPolicy=MAY_NOT_CREATE_ROLES)
    assert not report.blockers and report.is_sandbox
    assert report.notes == [
        "You may not create roles here; the lab uses LabRole and LabInstanceProfile, which this sandbox gives."
    ]
    shown = str(report)
    assert "LabRole can write flow logs to CloudWatch Logs; LabRole can let Systems Manager run commands" in shown
    assert "their log group\n" in shown, "no roles will be made"


def test_a_sandbox_whose_role_does_not_trust_flow_logs(account: Account) -> None:
    """https://docs.aws.amazon.com/vpc/latest/userguide/flow-logs-iam-role.html"""
    sandbox(account.lab, trust("ec2.amazonaws.com"))
    blocker = only_blocker(account.look(iam__SimulatePrincipalPolicy=MAY_NOT_CREATE_ROLES))
    assert blocker.what.startswith("LabRole cannot write flow logs to CloudWatch Logs: ")
    assert "vpc-flow-logs.amazonaws.com" in blocker.what
    assert "Ask the sandbox's owner" in blocker.fix and "connect('embedded')" in blocker.fix


def test_a_sandbox_whose_role_may_not_write_logs(account: Account) -> None:
    sandbox(account.lab, trust(*BOTH), action="ssm:*")
    blocker = only_blocker(account.look(iam__SimulatePrincipalPolicy=MAY_NOT_CREATE_ROLES))
    assert blocker.what.startswith("LabRole cannot write flow logs") and "logs:CreateLogStream" in blocker.what


def test_a_sandbox_whose_role_systems_manager_cannot_use(account: Account) -> None:
    """https://docs.aws.amazon.com/systems-manager/latest/userguide/setup-instance-permissions.html"""
    sandbox(account.lab, trust(*BOTH), action="logs:*")
    blocker = only_blocker(account.look(iam__SimulatePrincipalPolicy=MAY_NOT_CREATE_ROLES))
    assert blocker.what.startswith("LabRole cannot let Systems Manager run commands: ")


@pytest.mark.parametrize(
    ("operation", "service"),
    [("ec2__RunInstances", "ec2.amazonaws.com"), ("ec2__CreateFlowLogs", "vpc-flow-logs.amazonaws.com")],
)
def test_a_sandbox_whose_role_may_not_be_passed(account: Account, operation: str, service: str) -> None:
    """DryRun checks iam:PassRole too: https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_access-denied.html"""
    sandbox(account.lab, trust(*BOTH))
    message = "User: ana is not authorized to perform: iam:PassRole on resource: LabRole because …"
    refused = refusal("UnauthorizedOperation", message)
    report = account.look(iam__SimulatePrincipalPolicy=MAY_NOT_CREATE_ROLES, **{operation: _raise(refused)})
    assert only_blocker(report).what == f"you may not iam:PassRole (LabRole to {service})"


def test_a_sandbox_whose_role_cannot_be_read(account: Account) -> None:
    sandbox(account.lab, trust(*BOTH))
    report = account.look(
        iam__SimulatePrincipalPolicy=MAY_NOT_CREATE_ROLES, iam__ListAttachedRolePolicies="AccessDenied"
    )
    assert not report.blockers
    assert [each.decision for each in report.unknown if isinstance(each, GivenRole)] == [None, None]
    assert "whether LabRole can write flow logs to CloudWatch Logs: its policies cannot be read" in str(report)


def test_what_labkit_cannot_evaluate_blocks_nothing(account: Account) -> None:
    document = json.loads(trust(*BOTH))
    document["Statement"][0]["Condition"] = {"DateGreaterThan": {"aws:CurrentTime": "2025-01-01T00:00:00Z"}}
    sandbox(account.lab, json.dumps(document))
    report = account.look(iam__SimulatePrincipalPolicy=MAY_NOT_CREATE_ROLES)
    assert not report.blockers and len(report.unknown) == 2
    assert "whether LabRole can write flow logs to CloudWatch Logs: " in str(report)


def test_an_account_that_gives_no_role_and_lets_nobody_make_one(account: Account) -> None:
    report = account.look(iam__SimulatePrincipalPolicy=MAY_NOT_CREATE_ROLES)
    assert {each.action for each in report.blockers if isinstance(each, Permission)} >= {"iam:CreateRole"}
    with pytest.raises(LabError, match=r"You may not iam:CreateRole; you may not iam:TagRole; .*Ask whoever looks"):
        report.require()


# The contrary AWS


@pytest.fixture
def contrary(elsewhere: None) -> Iterator[Callable[..., Lab]]:
    """Connects to an AWS with some contrary behaviors."""
    made: list[Lab] = []

    def connect(*behaviors: str) -> Lab:
        made.append(labkit.connect(f"contrary:{','.join(behaviors)}"))
        return made[-1]

    yield connect
    for lab in made:
        lab._account.close()  # type: ignore[attr-defined]


def test_another_region_without_a_default_vpc_and_with_tight_quotas(
    contrary: Callable[..., Lab], capsys: pytest.CaptureFixture[str]
) -> None:
    lab = contrary("another-region", "no-default-vpc", "quotas", "zone-a-lacks-t3-micro")
    assert capsys.readouterr().out.splitlines() == [f"Connected to {lab._account}."], "nothing else is worth a word"
    report = preflight(lab.client, lab.region)
    assert not report.blockers
    assert (report.region, report.quote and report.quote.prices.region) == ("eu-central-1", "eu-central-1")
    vpcs = the(report, Quota, name="VPCs")
    assert (vpcs.limit, vpcs.used, vpcs.needed) == (3, 0, 3)
    assert the(report, Offering).zones == ("eu-central-1b", "eu-central-1c")


def test_an_account_full_of_other_peoples_things(
    contrary: Callable[..., Lab], capsys: pytest.CaptureFixture[str]
) -> None:
    lab = contrary("other-peoples-things")
    shown = capsys.readouterr().out.splitlines()
    assert len(shown) == 2 and "NimbusVPCFlowLogsRole-2, NimbusVPCFlowLogsPolicy-2" in shown[0]
    report = preflight(lab.client, lab.region)
    assert {"vpc-1", "instance-1", "NimbusVPCFlowLog"} <= set(report.others)
    assert not report.there and not report.blockers


def test_a_sandbox_says_which_roles_are_used(contrary: Callable[..., Lab], capsys: pytest.CaptureFixture[str]) -> None:
    lab = contrary("sandbox")
    shown = capsys.readouterr().out.splitlines()
    assert shown[0].startswith("You may not create roles here; the lab uses LabRole and LabInstanceProfile")
    assert preflight(lab.client, lab.region).is_sandbox


def test_a_sandbox_that_cannot_deliver_stops_before_anything_is_made(
    contrary: Callable[..., Lab], monkeypatch: pytest.MonkeyPatch
) -> None:
    environment = dict(os.environ)
    monkeypatch.setattr("labkit.embedded.api.contrary.sandbox.Sandbox.trusted", ("ec2.amazonaws.com",))
    with pytest.raises(LabError, match="LabRole cannot write flow logs to CloudWatch Logs"):
        contrary("sandbox")
    assert dict(os.environ) == environment


def test_the_plain_embedded_aws_is_not_looked_at(elsewhere: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("labkit.lab._look", _raise(AssertionError()))
    labkit.connect()._account.close()  # type: ignore[attr-defined]
