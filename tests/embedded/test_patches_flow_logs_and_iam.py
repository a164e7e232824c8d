"""Flow logs, and the roles and policies that let them be delivered, as AWS has them."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.embedded.support import refused

ROLE = "arn:aws:iam::123456789012:role/NimbusVPCFlowLogsRole"
MANAGED = "arn:aws:iam::aws:policy/AmazonSSMManagedInstanceCore"


def trust(**statement: Any) -> str:
    allowed = {"Effect": "Allow", "Principal": {"Service": "vpc-flow-logs.amazonaws.com"}, "Action": "sts:AssumeRole"}
    merged = {key: value for key, value in {**allowed, **statement}.items() if value is not None}
    return json.dumps({"Version": "2012-10-17", "Statement": [merged]})


def create(ec2: Any, resource: str, **more: Any) -> dict[str, Any]:
    request: dict[str, Any] = {
        "ResourceType": "VPC",
        "ResourceIds": [resource],
        "TrafficType": "ALL",
        "LogGroupName": "NimbusVPCFlowLogsGroup",
        "DeliverLogsPermissionArn": ROLE,
        **more,
    }
    return dict(ec2.create_flow_logs(**{key: value for key, value in request.items() if value is not None}))


# --- CreateFlowLogs: https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateFlowLogs.html ---


@pytest.mark.aws_does("flow-logs-are-checked")
def test_a_flow_log_is_described_with_its_destination(ec2: Any, vpc: str) -> None:
    made = create(ec2, vpc, MaxAggregationInterval=60)["FlowLogIds"]
    found = ec2.describe_flow_logs()["FlowLogs"][0]
    assert [found["FlowLogId"]] == made
    assert found["LogDestinationType"] == "cloud-watch-logs"
    assert found["LogDestination"] == "arn:aws:logs:us-east-1:123456789012:log-group:NimbusVPCFlowLogsGroup"
    assert found["LogGroupName"] == "NimbusVPCFlowLogsGroup"
    assert (found["FlowLogStatus"], found["DeliverLogsStatus"]) == ("ACTIVE", "SUCCESS")
    assert (found["TrafficType"], found["MaxAggregationInterval"], found["ResourceId"]) == ("ALL", 60, vpc)
    assert found["LogFormat"].startswith("${version} ${account-id} ${interface-id} ${srcaddr}")


@pytest.mark.aws_does("flow-logs-are-checked")
@pytest.mark.parametrize(
    "wrong, code, message",
    [
        ({"LogFormat": "${version} ${srcadr}"}, "InvalidParameter", "Did you mean srcaddr"),
        ({"LogFormat": "${version}, ${srcaddr}"}, "InvalidParameter", "LogFormat is invalid"),
        ({"TrafficType": "SOME"}, "InvalidParameterValue", "Value (SOME) for parameter trafficType is invalid"),
        ({"TrafficType": None}, "MissingParameter", "trafficType"),
        ({"LogDestination": "arn:aws:logs:us-east-1:123456789012:log-group:g"}, "InvalidParameter", "only provide"),
        ({"LogDestinationType": "s3"}, "NotImplemented", "does not deliver flow logs to s3, only to CloudWatch Logs"),
        ({"ResourceType": "TransitGateway"}, "NotImplemented", "does not record the traffic of a TransitGateway"),
    ],
)
def test_a_wrong_request_is_refused_as_a_whole(ec2: Any, vpc: str, wrong: Any, code: str, message: str) -> None:
    with refused(code, message):
        create(ec2, vpc, **wrong)
    assert ec2.describe_flow_logs()["FlowLogs"] == []


@pytest.mark.parametrize(
    "wrong, message",
    [
        ({"MaxAggregationInterval": 61}, "Invalid Flow Log Max Aggregation Interval"),
        ({"DeliverLogsPermissionArn": None}, "DeliverLogsPermissionArn can't be empty"),
        ({"LogGroupName": None}, "LogDestination can't be empty if LogGroupName is not provided"),
    ],
)
def test_interval_role_and_destination_are_required(ec2: Any, vpc: str, wrong: dict[str, Any], message: str) -> None:
    with refused("InvalidParameter", message):
        create(ec2, vpc, **wrong)


@pytest.mark.aws_does("flow-logs-are-checked")
def test_the_resources_that_do_not_exist_are_told_apart(ec2: Any, vpc: str) -> None:
    answer = create(ec2, vpc, ResourceIds=["vpc-0123456789abcdef0", vpc])
    assert len(answer["FlowLogIds"]) == 1
    unsuccessful = answer["Unsuccessful"][0]
    assert unsuccessful["ResourceId"] == "vpc-0123456789abcdef0"
    assert unsuccessful["Error"] == {"Code": "400", "Message": "The vpc ID 'vpc-0123456789abcdef0' does not exist"}


@pytest.mark.aws_does("flow-logs-are-checked")
def test_the_same_flow_log_twice_is_refused_however_its_destination_is_named(ec2: Any, vpc: str) -> None:
    create(ec2, vpc)
    group = "arn:aws:logs:us-east-1:123456789012:log-group:NimbusVPCFlowLogsGroup"
    for again in (
        {},
        {"LogGroupName": None, "LogDestination": group},
        {"LogGroupName": None, "LogDestination": f"{group}:*"},
    ):
        with refused("FlowLogAlreadyExists", "There is an existing Flow Log with the same configuration"):
            create(ec2, vpc, **again)
    create(ec2, vpc, LogGroupName="another")


@pytest.mark.aws_does("flow-logs-are-checked")
def test_neither_group_nor_role_need_exist_yet(ec2: Any, vpc: str) -> None:
    """The group is made at the first delivery; what is wrong with the role shows then, as "Access error"."""
    create(ec2, vpc)
    assert ec2.describe_flow_logs()["FlowLogs"][0]["DeliverLogsStatus"] == "SUCCESS"


def test_a_flow_log_is_made_and_deleted_and_never_changed(ec2: Any) -> None:
    """https://docs.aws.amazon.com/vpc/latest/userguide/flow-logs-limitations.html"""
    actions = [name for name in ec2.meta.service_model.operation_names if name.endswith("FlowLogs")]
    assert actions == ["CreateFlowLogs", "DeleteFlowLogs", "DescribeFlowLogs"]


@pytest.mark.aws_does("flow-logs-are-described-in-pages")
def test_flow_logs_are_described_in_pages(ec2: Any, vpc: str) -> None:
    """https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeFlowLogs.html"""
    made = [create(ec2, vpc, LogGroupName=f"group-{number}")["FlowLogIds"][0] for number in range(5)]
    first = ec2.describe_flow_logs(MaxResults=2)
    assert [found["FlowLogId"] for found in first["FlowLogs"]] == made[:2]
    pages = ec2.get_paginator("describe_flow_logs").paginate(PaginationConfig={"PageSize": 2})
    assert [found["FlowLogId"] for page in pages for found in page["FlowLogs"]] == made
    with refused("InvalidNextToken"):
        ec2.describe_flow_logs(NextToken="nothing")


@pytest.mark.aws_does("flow-logs-are-found-by-their-delivery")
def test_flow_logs_are_found_by_the_status_of_their_delivery(ec2: Any, vpc: str) -> None:
    from moto.ec2.models import ec2_backends

    made = [create(ec2, vpc, LogGroupName=f"group-{number}")["FlowLogIds"][0] for number in range(2)]
    ec2_backends["123456789012"]["us-east-1"].flow_logs[made[1]].deliver_logs_status = "FAILED"
    filters = [{"Name": "deliver-log-status", "Values": ["FAILED"]}]
    assert [found["FlowLogId"] for found in ec2.describe_flow_logs(Filter=filters)["FlowLogs"]] == [made[1]]


# --- roles: https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreateRole.html ---


@pytest.mark.aws_does("trust-policies-are-checked")
@pytest.mark.parametrize(
    "document, message",
    [
        ("{not json", "This policy contains invalid Json"),
        (trust(Principal=None), "Missing required field Principal"),
        (trust(Resource="*"), "Has prohibited field Resource"),
        (trust(Action="logs:PutLogEvents"), "Trust Policy statement actions can only be sts:AssumeRole"),
        ("{}", "Syntax errors in policy"),
    ],
)
def test_a_wrong_trust_policy_is_refused(iam: Any, document: str, message: str) -> None:
    with refused("MalformedPolicyDocument", message):
        iam.create_role(RoleName="role", AssumeRolePolicyDocument=document)
    assert iam.list_roles()["Roles"] == []


@pytest.mark.parametrize("service", ["vpc-flow-logs.amazonaws.com", "ec2.amazonaws.com"])
def test_a_trust_policy_is_kept_whichever_service_it_trusts(iam: Any, service: str) -> None:
    document = trust(Principal={"Service": service})
    made = iam.create_role(RoleName="role", AssumeRolePolicyDocument=document)["Role"]
    assert made["AssumeRolePolicyDocument"] == json.loads(document)


# --- managed policies: https://docs.aws.amazon.com/IAM/latest/UserGuide/access_policies_managed-vs-inline.html ---


def test_a_managed_policy_can_be_attached(iam: Any) -> None:
    iam.create_role(RoleName="role", AssumeRolePolicyDocument=trust())
    iam.attach_role_policy(RoleName="role", PolicyArn=MANAGED)
    attached = iam.list_attached_role_policies(RoleName="role")["AttachedPolicies"]
    assert attached == [{"PolicyName": "AmazonSSMManagedInstanceCore", "PolicyArn": MANAGED}]
    iam.detach_role_policy(RoleName="role", PolicyArn=MANAGED)
    with refused("NoSuchEntity", "NoSuchPolicy"):
        iam.attach_role_policy(RoleName="role", PolicyArn="arn:aws:iam::aws:policy/NoSuchPolicy")


def test_a_managed_policy_can_be_read(iam: Any) -> None:
    policy = iam.get_policy(PolicyArn=MANAGED)["Policy"]
    document = iam.get_policy_version(PolicyArn=MANAGED, VersionId=policy["DefaultVersionId"])["PolicyVersion"][
        "Document"
    ]
    assert any("ssm:UpdateInstanceInformation" in statement["Action"] for statement in document["Statement"])
    with refused("NoSuchEntity"):
        iam.get_policy(PolicyArn="arn:aws:iam::aws:policy/wrong/path/AmazonSSMManagedInstanceCore")


def test_managed_policies_are_listed(iam: Any) -> None:
    """https://docs.aws.amazon.com/IAM/latest/APIReference/API_ListPolicies.html"""
    listed = iam.list_policies(Scope="AWS", MaxItems=1000)["Policies"]
    assert len(listed) == 1000
    assert iam.list_policies(Scope="Local")["Policies"] == []
