"""The checks of chapter 02: unattempted, with the mistakes that are likely, and right."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from labkit.lab import Lab
from labkit.learn.checks import overview
from tests.lab.conftest import Built, fresh_lab
from tests.learn.checking import Until, only, wrong

STEPS = ["log-group", "policy", "delivery-role", "flow-logs", "delivery"]


def test_before_its_step_a_check_says_that_nothing_is_there(until: Until) -> None:
    lab = until("02").lab
    for name in STEPS:
        result = lab.check(name)
        assert not result.passed and not result.begun, name
        assert all(line.found and line.wanted and line.next for line in result.lines), name


def test_after_the_build_cells_and_some_traffic_all_is_right(until: Until) -> None:
    built = until("03")
    early = built.lab.check("delivery")
    assert not early.begun and "lab.wait_for_flow_logs()" in early.lines[0].next
    assert [f"lab.shell('instance-{n}', 'ping" in line.next for n, line in enumerate(early.lines, 1)] == [True, True]
    ping_and_wait(built.lab)
    for name in STEPS:
        assert built.lab.check(name).passed, built.lab.check(name)


ACCOUNT = "123456789012"
GROUP = f"arn:aws:logs:us-east-1:{ACCOUNT}:log-group:NimbusVPCFlowLogsGroup"
OTHER_GROUP = f"arn:aws:logs:us-east-1:{ACCOUNT}:log-group:SomeOtherGroup:*"
SERVICE = "the service vpc-flow-logs.amazonaws.com, the action sts:AssumeRole"
EVERYTHING = {"Effect": "Allow", "Action": "*", "Resource": "*"}


def document(*statements: dict[str, Any], **changed: Any) -> str:
    """A policy that allows all of CloudWatch Logs, but for what is changed, and has further statements."""
    statement = {"Effect": "Allow", "Action": "logs:*", "Resource": "*"}
    return json.dumps({"Version": "2012-10-17", "Statement": [{**statement, **changed}, *statements]})


def with_policy(built: Built, policy_document: str) -> Lab:
    built.iam.create_policy_version(PolicyArn=built.policy, PolicyDocument=policy_document, SetAsDefault=True)
    return built.lab


def with_trust(built: Built, **changed: Any) -> Lab:
    """The lab with a role whose trust policy is not quite that of the notebook."""
    statement = {**built.trust_flow_logs["Statement"][0], **changed}
    trust = json.dumps({"Version": "2012-10-17", "Statement": statement})
    built.iam.update_assume_role_policy(RoleName="NimbusVPCFlowLogsRole", PolicyDocument=trust)
    return built.lab


def ping_and_wait(lab: Lab) -> None:
    lab.shell("instance-1", "ping -c 3 8.8.8.8")
    lab.wait_for_flow_logs()


# The log group and the flow logs


def without_flow_logs(until: Until) -> Built:
    built = until("03")
    found = built.ec2.describe_flow_logs()["FlowLogs"]
    built.ec2.delete_flow_logs(FlowLogIds=[each["FlowLogId"] for each in found])
    return built


def with_flow_log(built: Built, **changed: Any) -> Lab:
    settings = {
        "ResourceType": "VPC", "ResourceIds": [built.vpc_1, built.vpc_2], "TrafficType": "ALL",
        "MaxAggregationInterval": 60, "LogGroupName": built.log_group, "DeliverLogsPermissionArn": built.role,
        "TagSpecifications": built.lab.tags("vpc-flow-log", "another"),
    }  # fmt: skip
    built.ec2.create_flow_logs(**{**settings, **changed})
    return built.lab


@pytest.mark.parametrize(
    ("changed", "found", "wanted"),
    [
        ({"TrafficType": "ACCEPT"}, "the traffic type ACCEPT, which leaves out what was refused", "ALL"),
        ({"TrafficType": "REJECT"}, "the traffic type REJECT, which leaves out what was let through", "ALL"),
        ({"MaxAggregationInterval": 600}, "an interval of 600 seconds", "60 (MaxAggregationInterval=60)"),
        ({"LogGroupName": "NimbusLogs"}, "the log group 'NimbusLogs'", "'NimbusVPCFlowLogsGroup'"),
    ],
)
def test_a_flow_log_that_is_not_as_it_should_be(until: Until, changed: dict[str, Any], found: str, wanted: str) -> None:
    lab = with_flow_log(without_flow_logs(until), **changed)
    one, two = wrong(lab.check("flow-logs"))
    assert (one.found, one.wanted) == (two.found, two.wanted) == (found, wanted)
    assert one.next.startswith("a flow log can't be changed: ec2.delete_flow_logs(FlowLogIds=['fl-")
    assert one.next.endswith("), then record(vpc_1).") and two.next.endswith("), then record(vpc_2).")


def test_a_flow_log_with_another_role(until: Until) -> None:
    built = without_flow_logs(until)
    arn = built.iam.create_role(RoleName="Other", AssumeRolePolicyDocument=json.dumps(built.trust_ec2))["Role"]["Arn"]
    lab = with_flow_log(built, DeliverLogsPermissionArn=arn)
    line = wrong(lab.check("flow-logs"))[0]
    assert (line.found, line.wanted) == ("the role Other", "NimbusVPCFlowLogsRole")


def test_a_flow_log_on_one_vpc_only_and_on_a_subnet_only(until: Until) -> None:
    built = without_flow_logs(until)
    assert only(with_flow_log(built, ResourceIds=[built.vpc_1]).check("flow-logs")).text == "flow log on vpc-2"
    with_flow_log(built, ResourceType="Subnet", ResourceIds=[built.subnet_2])
    assert only(built.lab.check("flow-logs")).found == "one on subnet-2 only"


def test_one_right_flow_log_among_others_is_enough(until: Until) -> None:
    built = until("03")
    assert with_flow_log(built, LogGroupName="Other", ResourceIds=[built.vpc_1]).check("flow-logs").passed


def test_a_log_group_with_nearly_the_name(lab: Lab) -> None:
    lab.client("logs").create_log_group(logGroupName="NimbusVpcFlowLogGroup")
    line = only(lab.check("log-group"))
    assert line.found == "one called 'NimbusVpcFlowLogGroup'"
    assert line.wanted == "'NimbusVPCFlowLogsGroup', to the letter"


def test_somebody_else_s_log_group_is_not_taken_for_a_misspelled_one(lab: Lab) -> None:
    lab.client("logs").create_log_group(logGroupName="NimbusVPCFlowLogsGroup")
    line = only(lab.check("log-group"))
    assert (line.text, line.found) == ("NimbusVPCFlowLogsGroup-2", "nothing of this name") and line.absent


def test_a_log_group_that_keeps_records_for_ever(lab: Lab) -> None:
    lab.client("logs").create_log_group(logGroupName="NimbusVPCFlowLogsGroup", tags={"Lab": "nimbus"})
    line = only(lab.check("log-group"))
    assert line.found.startswith("none: records are kept, and paid for")
    assert line.absent and line.next == "write step 2.a of notebook 02; lab.exercise('2.a').hint() helps."


def test_a_log_group_that_lost_its_retention(until: Until) -> None:
    built = until("03")
    built.logs.delete_retention_policy(logGroupName=built.log_group)
    line = only(built.lab.check("log-group"))
    assert not line.absent
    exec(line.next.removesuffix("."), {"logs": built.logs})
    assert built.lab.check("log-group").passed


@pytest.mark.parametrize(
    ("days", "more"), [(7, ""), (30, ". Step 2.a says 7; this will do"), (1, ". Step 2.a says 7: ")]
)
def test_another_retention_than_a_week_will_do_and_is_mentioned(lab: Lab, days: int, more: str) -> None:
    logs = lab.client("logs")
    logs.create_log_group(logGroupName="NimbusVPCFlowLogsGroup", tags={"Lab": "nimbus"})
    logs.put_retention_policy(logGroupName="NimbusVPCFlowLogsGroup", retentionInDays=days)
    result = lab.check("log-group")
    _, _, said = result.lines[-1].text.partition(f"retentionInDays={days}")
    assert result.passed and (said.startswith(more) if more else not said)


# The policy and the role


def test_a_policy_that_permits_more_or_is_written_another_way_will_do(until: Until) -> None:
    built = until("03")
    for actions in ("logs:*", "*", ["logs:create*", "logs:putlogevents", "logs:Describe*"]):
        lab = with_policy(built, document(Action=actions))
        assert lab.check("policy").passed and lab.check("delivery-role").passed, actions


def test_the_trust_policy_of_the_notebook_s_colleague(until: Until) -> None:
    built = until("03")
    trust = json.dumps(built.trust_ec2)
    built.iam.update_assume_role_policy(RoleName="NimbusVPCFlowLogsRole", PolicyDocument=trust)
    lab = built.lab
    line = only(lab.check("delivery-role"))
    assert line.found == "the principal ec2.amazonaws.com"
    assert line.wanted == SERVICE
    ping_and_wait(lab)
    failed = wrong(lab.check("delivery"))
    assert [each.found for each in failed] == ["ACTIVE, yet FAILED, 'Access error'"] * 2
    assert "lab.check('delivery-role')" in failed[0].next
    after = overview(lab).following
    assert after is not None and after.name == "delivery-role"


def test_a_role_without_a_policy_and_one_with_an_inline_one(until: Until) -> None:
    built = until("03")
    built.iam.detach_role_policy(RoleName="NimbusVPCFlowLogsRole", PolicyArn=built.policy)
    line = only(built.lab.check("delivery-role"))
    assert (line.found, line.wanted) == ("no policy attached", "NimbusVPCFlowLogsPolicy")
    built.iam.put_role_policy(
        RoleName="NimbusVPCFlowLogsRole", PolicyName="mine", PolicyDocument=json.dumps(built.may_write_logs)
    )
    assert built.lab.check("delivery-role").passed


# Why not: what IAM's evaluation finds must reach the student, whichever check is asked first.


@pytest.mark.parametrize(
    ("refusing", "reason"),
    [
        (document(Resource=OTHER_GROUP), f": statement 1 of NimbusVPCFlowLogsPolicy is for the Resource {OTHER_GROUP}"),
        (document(Resource=GROUP), f": statement 1 of NimbusVPCFlowLogsPolicy is for the Resource {GROUP}"),
        (
            document(Condition={"StringEquals": {"aws:RequestedRegion": "eu-west-1"}}),
            "asks for StringEquals aws:RequestedRegion eu-west-1, and it is us-east-1",
        ),
        (document(Condition={"Bool": {"aws:MultiFactorAuthPresent": "true"}}), "Present, which the request"),
        (document(Condition={"IpAddress": {"aws:SourceIp": "10.0.0.0/8"}}), "condition operator IpAddress"),
        (document(Action="logs:Create*"), " logs:PutLogEvents, logs:DescribeLogGroups, logs:DescribeLogStreams"),
        (document(Action=["logs:Create*", "logs:Describe*"]), " logs:PutLogEvents"),
        (
            document(Action="logs:PutLogEvents"),
            " logs:CreateLogGroup, logs:CreateLogStream, logs:DescribeLogGroups, logs:DescribeLogStreams",
        ),
        (document(EVERYTHING, Effect="Deny", Action="logs:PutLogEvents"), " logs:PutLogEvents"),
    ],
)
def test_a_policy_that_fails_delivery_fails_its_checks_with_the_reason(
    until: Until, refusing: str, reason: str
) -> None:
    """https://docs.aws.amazon.com/vpc/latest/userguide/flow-logs-iam-role.html"""
    built = until("03")
    with_policy(built, refusing)
    ping_and_wait(built.lab)
    policy_line, role_line = only(built.lab.check("policy")), only(built.lab.check("delivery-role"))
    (before, _, refused), (role_before, _, role_refused) = (
        policy_line.found.partition("no permission for"), role_line.found.partition(" without"),
    )  # fmt: skip
    assert (before, role_before) == ("", "NimbusVPCFlowLogsPolicy") and refused == role_refused
    assert refused.startswith(reason) if reason.startswith(" ") else reason in refused
    assert f"iam.create_policy_version(PolicyArn='{built.policy}'" in policy_line.next
    assert role_line.next == policy_line.next
    for line in wrong(built.lab.check("delivery")):
        assert line.found == "ACTIVE, yet FAILED, 'Access error'"
        assert any(words in line.next for words in ("Nothing allows logs:", "is unknown", "denies logs:PutLogEvents"))
    with_policy(built, json.dumps(built.may_write_logs))
    assert built.lab.check("policy").passed and built.lab.check("delivery-role").passed
    for line in wrong(built.lab.check("delivery")):
        assert line.next.startswith("the role NimbusVPCFlowLogsRole may write to NimbusVPCFlowLogsGroup now")
    ping_and_wait(built.lab)
    assert built.lab.check("delivery", "vpc-1").passed


def test_a_policy_for_the_log_group_alone_delivers_and_passes(until: Until) -> None:
    built = until("03")
    with_policy(built, document(Resource=f"{GROUP}:*"))
    ping_and_wait(built.lab)
    assert built.lab.check("policy").passed and built.lab.check("delivery-role").passed
    assert built.lab.check("delivery", "vpc-1").passed


def test_a_role_as_the_cdk_makes_it_delivers_and_passes_and_its_policy_is_told_what_aws_asks_for(until: Until) -> None:
    """https://github.com/aws/aws-cdk/blob/main/packages/aws-cdk-lib/aws-ec2/lib/vpc-flow-logs.ts"""
    built = until("03")
    write = ["logs:CreateLogStream", "logs:PutLogEvents", "logs:DescribeLogStreams"]
    with_policy(built, document(Action=write, Resource=f"{GROUP}:*"))
    ping_and_wait(built.lab)
    assert built.lab.check("delivery-role").passed and built.lab.check("delivery", "vpc-1").passed
    line = only(built.lab.check("policy"))
    assert line.found == "no permission for logs:CreateLogGroup, logs:DescribeLogGroups"
    built.logs.delete_log_group(logGroupName="NimbusVPCFlowLogsGroup")
    assert "logs:CreateLogGroup" in only(built.lab.check("delivery-role")).found


def test_a_deny_in_another_policy_is_found_and_named(until: Until) -> None:
    built = until("03")
    deny = document(Effect="Deny", Action="logs:PutLogEvents", Sid="Freeze")
    built.iam.put_role_policy(RoleName="NimbusVPCFlowLogsRole", PolicyName="freeze", PolicyDocument=deny)
    ping_and_wait(built.lab)
    assert built.lab.check("policy").passed
    line = only(built.lab.check("delivery-role"))
    assert line.found.endswith("without logs:PutLogEvents: statement 1 (Freeze) of freeze denies it")
    assert "iam.delete_role_policy" in line.next and "freeze" in line.next
    failed = wrong(built.lab.check("delivery"))[0]
    assert failed.next.startswith("Statement 1 (Freeze) of freeze denies logs:PutLogEvents on arn:aws:logs:")


#: What is changed in the trust policy, and how the line about it begins to say what is found and what is wanted.
TRUSTS: list[tuple[dict[str, Any], str, str]] = [
    ({"Action": "sts:TagSession"}, "the action sts:TagSession", SERVICE),
    ({"Effect": "Deny"}, "the principal nobody", SERVICE),
    ({"Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}}, f"the principal arn:aws:iam::{ACCOUNT}:root", SERVICE),
    (
        {"Condition": {"ArnLike": {"aws:SourceArn": f"arn:aws:ec2:eu-west-1:{ACCOUNT}:vpc-flow-log/*"}}},
        "a condition that does not hold: it asks for ArnLike aws:SourceArn arn:aws:ec2:eu-west-1:",
        f"no condition, or one that holds: aws:SourceArn is arn:aws:ec2:us-east-1:{ACCOUNT}:vpc-flow-log/fl-",
    ),
    (
        {"Condition": {"StringEquals": {"sts:ExternalId": "nimbus"}}},
        "a condition that does not hold: it asks for sts:ExternalId, which the request doesn't have",
        "no condition, or one that holds: sts:ExternalId is not given",
    ),
    (
        {"Condition": {"StringEquals": {"aws:SourceAccount": "999999999999"}}},
        "a condition for the account 999999999999",
        f"aws:SourceAccount {ACCOUNT}, which is lab.account",
    ),
]


def test_a_trust_policy_that_does_not_let_the_service_in(until: Until) -> None:
    built = until("03")
    for changed, found, wanted in TRUSTS:
        with_trust(built, **changed)
        ping_and_wait(built.lab)
        line = only(built.lab.check("delivery-role"))
        assert line.found.startswith(found) and line.wanted.startswith(wanted), line
        if "Condition" in changed:
            assert "statement 1 of the trust policy asks for" in wrong(built.lab.check("delivery"))[0].next


@pytest.mark.parametrize(
    ("condition", "missing"),
    [
        ({}, "aws:SourceAccount and aws:SourceArn"),
        ({"StringEquals": {"aws:sourceaccount": ACCOUNT}}, "aws:SourceArn"),
    ],
)
def test_a_role_that_delivers_without_the_conditions_that_are_asked_for(
    until: Until, condition: dict[str, Any], missing: str
) -> None:
    built = until("03")
    with_trust(built, Condition=condition)
    ping_and_wait(built.lab)
    assert built.lab.check("delivery").passed
    line = only(built.lab.check("delivery-role"))
    assert line.found == f"no condition for {missing}: others could have the service use this role"
    call = "iam.update_assume_role_policy(RoleName='NimbusVPCFlowLogsRole', PolicyDocument=json.dumps(trust_flow_logs))"
    assert line.next == f"correct trust_flow_logs, then {call}."
    exec(call, dict(built.names))
    assert built.lab.check("delivery-role").passed


def test_the_role_that_a_sandbox_gives_is_not_asked_for_conditions() -> None:
    with fresh_lab("sandbox") as lab:
        assert "Condition" not in str(lab.client("iam").get_role(RoleName="LabRole"))
        assert lab.check("delivery-role").passed


def test_the_conditions_that_aws_recommends_pass(until: Until) -> None:
    """https://docs.aws.amazon.com/vpc/latest/userguide/flow-logs-iam-role.html"""
    built = until("03")
    source_arn = "arn:aws:ec2:us-east-1:123456789012:vpc-flow-log/*"
    condition = {"StringEquals": {"aws:SourceAccount": "123456789012"}, "ArnLike": {"aws:SourceArn": source_arn}}
    with_trust(built, Condition=condition)
    ping_and_wait(built.lab)
    assert built.lab.check("delivery-role").passed and built.lab.check("delivery", "vpc-1").passed


def test_a_flow_log_to_another_group_than_the_role_may_write_to_is_sent_to_its_own_check(until: Until) -> None:
    built = without_flow_logs(until)
    with_policy(built, document(Resource=f"{GROUP}:*"))
    with_flow_log(built, LogGroupName="Elsewhere")
    ping_and_wait(built.lab)
    assert built.lab.check("delivery-role").passed
    line = wrong(built.lab.check("delivery"))[0]
    assert line.found == "a flow log to Elsewhere" and "lab.check('flow-logs')" in line.next


# Delivery is judged as it is now: records of yesterday are no proof of tomorrow's


def role_deleted(built: Built) -> None:
    built.iam.detach_role_policy(RoleName="NimbusVPCFlowLogsRole", PolicyArn=built.policy)
    built.iam.delete_role(RoleName="NimbusVPCFlowLogsRole")


def policy_detached(built: Built) -> None:
    built.iam.detach_role_policy(RoleName="NimbusVPCFlowLogsRole", PolicyArn=built.policy)


def trust_changed(built: Built) -> None:
    with_trust(built, Principal={"Service": "ec2.amazonaws.com"})


def flow_logs_deleted(built: Built) -> None:
    built.ec2.delete_flow_logs(FlowLogIds=built.flow_logs)


def flow_logs_made_again(built: Built) -> None:
    flow_logs_deleted(built)
    with_flow_log(built)


def log_group_deleted(built: Built) -> None:
    built.logs.delete_log_group(logGroupName=built.log_group)


def policy_deleted(built: Built) -> None:
    policy_detached(built)
    built.iam.delete_policy(PolicyArn=built.policy)


def log_group_made_again(built: Built) -> None:
    log_group_deleted(built)
    built.logs.create_log_group(logGroupName=built.log_group, tags={"Lab": "nimbus"})


NO_DELIVERY = "a role with which AWS can't deliver what comes next"


@pytest.mark.parametrize(
    ("change", "found", "next", "begun"),
    [
        (role_deleted, NO_DELIVERY, "There is no role NimbusVPCFlowLogsRole. lab.check('delivery-role')", True),
        (policy_detached, NO_DELIVERY, "lab.check('delivery-role') says what to change", True),
        (trust_changed, NO_DELIVERY, "lab.check('delivery-role') says what to change", True),
        (flow_logs_deleted, "no flow log", "lab.check('flow-logs')", True),
        (flow_logs_made_again, "no record of instance-1 from this flow log yet", "lab.wait_for_flow_logs()", True),
        (log_group_deleted, "no log group", "lab.check('log-group')", True),
        (log_group_made_again, "no record of instance-1 from this flow log yet", "lab.wait_for_flow_logs()", False),
    ],
)
def test_delivery_is_no_longer_right_once_something_of_it_is_gone(
    until: Until, change: Callable[[Built], None], found: str, next: str, begun: bool
) -> None:
    built = until("03")
    ping_and_wait(built.lab)
    assert built.lab.check("delivery", "vpc-1").passed
    change(built)
    result = built.lab.check("delivery", "vpc-1")
    line = only(result)
    assert line.found == found and next in line.next and result.begun == begun


@pytest.mark.parametrize(
    ("change", "name", "found", "next"),
    [
        (role_deleted, "delivery-role", "deleted, and the flow log fl-", "run the cell with iam.create_role again."),
        (policy_deleted, "policy", "nothing of this name, and NimbusVPCFlowLogsRole, which", "iam.create_policy again"),
        (
            log_group_deleted,
            "log-group",
            "nothing of this name, though the flow log fl-",
            "logs.create_log_group again",
        ),
        (flow_logs_deleted, "flow-logs", "deleted: there are records of instance-", "run the cell with record(vpc_1)."),
    ],
)
def test_what_was_deleted_while_something_needs_it_is_wrong_and_not_merely_not_begun(
    until: Until, change: Callable[[Built], None], name: str, found: str, next: str
) -> None:
    built = until("03")
    ping_and_wait(built.lab)
    change(built)
    result = built.lab.check(name)
    line = wrong(result)[0]
    assert result.wrong and not line.absent
    assert line.found.startswith(found) and next in line.next


@pytest.mark.parametrize("change", [flow_logs_made_again, log_group_made_again])
def test_what_was_made_again_delivers_again(until: Until, change: Callable[[Built], None]) -> None:
    built = until("03")
    ping_and_wait(built.lab)
    change(built)
    ping_and_wait(built.lab)
    assert built.lab.check("delivery", "vpc-1").passed
