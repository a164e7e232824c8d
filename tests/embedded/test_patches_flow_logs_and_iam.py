"""Flow logs, and the roles and policies that let them be delivered, as AWS has them."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.embedded.support import refused, where

ROLE = "arn:aws:iam::123456789012:role/NimbusVPCFlowLogsRole"
MANAGED = "arn:aws:iam::aws:policy/AmazonSSMManagedInstanceCore"


def trust(**statement: Any) -> str:
    allowed = {"Effect": "Allow", "Principal": {"Service": "vpc-flow-logs.amazonaws.com"}, "Action": "sts:AssumeRole"}
    merged = {key: value for key, value in {**allowed, **statement}.items() if value is not None}
    return json.dumps({"Version": "2012-10-17", "Statement": [merged]})


POLICY = json.dumps(
    {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "logs:PutLogEvents", "Resource": "*"}]}
)


def role_and_policy(iam: Any) -> str:
    """Create a role named role and a policy; return the policy's ARN."""
    iam.create_role(RoleName="role", AssumeRolePolicyDocument=trust())
    return str(iam.create_policy(PolicyName="policy", PolicyDocument=POLICY)["Policy"]["Arn"])


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
def test_a_wrong_request_is_refused_as_a_whole(ec2: Any, vpc: str) -> None:
    wrong: list[tuple[dict[str, Any], str, str]] = [
        ({"LogFormat": "${version} ${srcadr}"}, "InvalidParameter", "Did you mean srcaddr"),
        ({"LogFormat": "${version}, ${srcaddr}"}, "InvalidParameter", "LogFormat is invalid"),
        ({"TrafficType": "SOME"}, "InvalidParameterValue", "Value (SOME) for parameter trafficType is invalid"),
        ({"TrafficType": None}, "MissingParameter", "trafficType"),
        ({"LogDestination": "arn:aws:logs:us-east-1:123456789012:log-group:g"}, "InvalidParameter", "only provide"),
        ({"LogDestinationType": "s3"}, "NotImplemented", "does not deliver flow logs to s3, only to CloudWatch Logs"),
        ({"ResourceType": "TransitGateway"}, "NotImplemented", "does not record the traffic of a TransitGateway"),
    ]
    for request, code, message in wrong:
        with refused(code, message):
            create(ec2, vpc, **request)
    assert ec2.describe_flow_logs()["FlowLogs"] == []


def test_interval_role_and_destination_are_required(ec2: Any, vpc: str) -> None:
    with refused("InvalidParameter", "Invalid Flow Log Max Aggregation Interval"):
        create(ec2, vpc, MaxAggregationInterval=61)
    with refused("InvalidParameter", "DeliverLogsPermissionArn can't be empty"):
        create(ec2, vpc, DeliverLogsPermissionArn=None)
    with refused("InvalidParameter", "LogDestination can't be empty if LogGroupName is not provided"):
        create(ec2, vpc, LogGroupName=None)


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
    by_arn = [{"LogGroupName": None, "LogDestination": arn} for arn in (group, f"{group}:*")]
    for again in ({}, *by_arn):
        with refused("FlowLogAlreadyExists", "There is an existing Flow Log with the same configuration"):
            create(ec2, vpc, **again)
    create(ec2, vpc, LogGroupName="another")


@pytest.mark.aws_does("flow-logs-are-checked")
def test_where_one_of_the_resources_has_the_flow_log_none_is_made(ec2: Any, vpc: str, other_vpc: str) -> None:
    create(ec2, vpc)
    with refused("FlowLogAlreadyExists"):
        create(ec2, vpc, ResourceIds=[other_vpc, vpc])
    assert [found["ResourceId"] for found in ec2.describe_flow_logs()["FlowLogs"]] == [vpc]


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
    filters = where("deliver-log-status", "FAILED")
    assert [found["FlowLogId"] for found in ec2.describe_flow_logs(Filter=filters)["FlowLogs"]] == [made[1]]


# --- roles: https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreateRole.html ---


@pytest.mark.aws_does("trust-policies-are-checked")
def test_a_wrong_trust_policy_is_refused(iam: Any) -> None:
    for document, message in (
        ("{not json", "This policy contains invalid Json"),
        (trust(Principal=None), "Missing required field Principal"),
        (trust(Principal={}), "Missing required field Principal"),
        (trust(Resource="*"), "Has prohibited field Resource"),
        (trust(Action="logs:PutLogEvents"), "Trust Policy statement actions can only be sts:AssumeRole"),
        ("{}", "Syntax errors in policy"),
    ):
        with refused("MalformedPolicyDocument", message):
            iam.create_role(RoleName="role", AssumeRolePolicyDocument=document)
    assert iam.list_roles()["Roles"] == []


@pytest.mark.aws_does("trust-policies-are-checked")
def test_a_service_that_does_not_exist_cannot_be_trusted(iam: Any) -> None:
    """https://github.com/hashicorp/terraform/issues/35086, https://github.com/aws-samples/aws-cdk-examples/issues/801"""
    for service in ("vpc-flow-log.amazonaws.com", "tagging.amazonaws.com", "amazonaws.com", "vpc-flow-logs", "ec2.aws"):
        for principals in (service, ["ec2.amazonaws.com", service]):
            with refused("MalformedPolicyDocument", f'Invalid principal in policy: "SERVICE":"{service}"'):
                iam.create_role(RoleName="role", AssumeRolePolicyDocument=trust(Principal={"Service": principals}))
    assert iam.list_roles()["Roles"] == []


@pytest.mark.aws_does("trust-policies-are-checked")
def test_a_principal_is_a_star_or_of_one_of_four_kinds(iam: Any) -> None:
    """https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_grammar.html"""
    service = "ec2.amazonaws.com"
    for wrong in (service, [service], ["*"], {"Srvice": service}, {"Service": {"Name": "ec2"}}, {"AWS": 123456789012}):
        for element in ("Principal", "NotPrincipal"):
            with refused("MalformedPolicyDocument", "Syntax errors in policy."):
                document = trust(**{"Principal": None, element: wrong})
                iam.create_role(RoleName="role", AssumeRolePolicyDocument=document)
    for right in ("*", {"Federated": "accounts.google.com"}, {"Service": [service], "CanonicalUser": "79a59df900b9"}):
        iam.create_role(RoleName="role", AssumeRolePolicyDocument=trust(Principal=right))
        iam.delete_role(RoleName="role")


@pytest.mark.aws_does("trust-policies-are-checked")
def test_an_identity_of_the_account_that_does_not_exist_cannot_be_trusted(iam: Any) -> None:
    """https://repost.aws/knowledge-center/iam-trust-policy-error"""
    account = "arn:aws:iam::123456789012:"
    iam.create_user(UserName="ana")
    iam.create_group(GroupName="admins")
    role = iam.create_role(RoleName="first", Path="/team/", AssumeRolePolicyDocument=trust())["Role"]["Arn"]
    for wrong in ("role/Nope", "role/first", "role/*", "user/nobody", "group/admins"):
        for principals in (account + wrong, [role, account + wrong]):
            with refused("MalformedPolicyDocument", f'Invalid principal in policy: "AWS":"{account}{wrong}"'):
                iam.create_role(RoleName="role", AssumeRolePolicyDocument=trust(Principal={"AWS": principals}))
    right = [role, f"{account}user/ana", f"{account}root", "123456789012", "*", "arn:aws:iam::210987654321:role/Any"]
    iam.create_role(RoleName="role", AssumeRolePolicyDocument=trust(Principal={"AWS": right}))


def test_the_caller_can_be_trusted(iam: Any, sts: Any) -> None:
    caller = sts.get_caller_identity()["Arn"]
    assert iam.create_role(RoleName="role", AssumeRolePolicyDocument=trust(Principal={"AWS": caller}))


@pytest.mark.aws_does("changed-trust-policies-are-checked")
def test_a_changed_trust_policy_is_checked_too(iam: Any) -> None:
    """https://docs.aws.amazon.com/IAM/latest/APIReference/API_UpdateAssumeRolePolicy.html"""
    iam.create_role(RoleName="role", AssumeRolePolicyDocument=trust())
    for wrong in (trust(Principal={"Service": "vpc-flow-log.amazonaws.com"}), trust(Principal=None)):
        with refused("MalformedPolicyDocument"):
            iam.update_assume_role_policy(RoleName="role", PolicyDocument=wrong)
    assert iam.get_role(RoleName="role")["Role"]["AssumeRolePolicyDocument"] == json.loads(trust())
    with refused("NoSuchEntity"):
        iam.update_assume_role_policy(RoleName="another", PolicyDocument=trust())


def test_a_trust_policy_is_kept_whichever_service_it_trusts(iam: Any) -> None:
    """Some principals have the name of neither an endpoint nor an API, or name a region or a part of the service."""
    for service in ("vpc-flow-logs", "ec2", "ssm", "ecs-tasks", "delivery.logs", "logs.us-east-1", "pods.eks"):
        document = trust(Principal={"Service": f"{service}.amazonaws.com"})
        made = iam.create_role(RoleName=service, AssumeRolePolicyDocument=document)["Role"]
        assert made["AssumeRolePolicyDocument"] == json.loads(document)


# --- policies ---


@pytest.mark.aws_does("identity-policies-have-no-principal")
def test_an_identitys_policy_names_no_principal(iam: Any) -> None:
    """https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_principal.html

    A trust policy in its place has no Resource either: https://github.com/hashicorp/terraform/issues/13449
    """
    policy = role_and_policy(iam)
    iam.create_user(UserName="ana")
    iam.create_group(GroupName="admins")
    inline = {"PolicyName": "inline"}
    for document in (trust(), trust(Resource="*"), trust(Resource="*", Principal=None, NotPrincipal="*")):
        for operation, parameters in (
            ("create_policy", {"PolicyName": "another"}),
            ("create_policy_version", {"PolicyArn": policy}),
            ("put_role_policy", {"RoleName": "role", **inline}),
            ("put_user_policy", {"UserName": "ana", **inline}),
            ("put_group_policy", {"GroupName": "admins", **inline}),
        ):
            with refused("MalformedPolicyDocument", "Policy document should not specify a principal."):
                getattr(iam, operation)(PolicyDocument=document, **parameters)
    with refused("MalformedPolicyDocument", "Policy statement must contain resources."):
        iam.create_policy(PolicyName="another", PolicyDocument=trust(Principal=None))


@pytest.mark.aws_does("attached-policy-stays")
def test_an_attached_policy_stays(iam: Any) -> None:
    """https://docs.aws.amazon.com/IAM/latest/APIReference/API_DeletePolicy.html"""
    policy = role_and_policy(iam)
    iam.attach_role_policy(RoleName="role", PolicyArn=policy)
    with refused("DeleteConflict", "Cannot delete a policy attached to entities."):
        iam.delete_policy(PolicyArn=policy)
    iam.detach_role_policy(RoleName="role", PolicyArn=policy)
    iam.create_policy_version(PolicyArn=policy, PolicyDocument=POLICY, SetAsDefault=True)
    with refused("DeleteConflict", "This policy has more than one version."):
        iam.delete_policy(PolicyArn=policy)
    iam.delete_policy_version(PolicyArn=policy, VersionId="v1")
    iam.delete_policy(PolicyArn=policy)


@pytest.mark.aws_does("policies-are-attached-once")
def test_a_policy_attached_twice_is_detached_by_one_call(iam: Any) -> None:
    """https://docs.aws.amazon.com/IAM/latest/APIReference/API_AttachRolePolicy.html"""
    policy = role_and_policy(iam)
    for _ in range(2):
        iam.attach_role_policy(RoleName="role", PolicyArn=policy)
    assert iam.get_policy(PolicyArn=policy)["Policy"]["AttachmentCount"] == 1
    iam.detach_role_policy(RoleName="role", PolicyArn=policy)
    iam.delete_policy(PolicyArn=policy)


def test_a_role_with_policies_or_an_instance_profile_stays(iam: Any) -> None:
    """https://docs.aws.amazon.com/IAM/latest/APIReference/API_DeleteRole.html; moto does this as AWS does."""
    policy = role_and_policy(iam)
    iam.attach_role_policy(RoleName="role", PolicyArn=policy)
    with refused("DeleteConflict", "must detach all policies first"):
        iam.delete_role(RoleName="role")
    iam.detach_role_policy(RoleName="role", PolicyArn=policy)
    iam.put_role_policy(RoleName="role", PolicyName="inline", PolicyDocument=POLICY)
    with refused("DeleteConflict", "must delete policies first"):
        iam.delete_role(RoleName="role")
    iam.delete_role_policy(RoleName="role", PolicyName="inline")
    iam.create_instance_profile(InstanceProfileName="profile")
    iam.add_role_to_instance_profile(InstanceProfileName="profile", RoleName="role")
    with refused("DeleteConflict", "must remove roles from instance profile first"):
        iam.delete_role(RoleName="role")
    iam.remove_role_from_instance_profile(InstanceProfileName="profile", RoleName="role")
    iam.delete_role(RoleName="role")


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
    version = iam.get_policy_version(PolicyArn=MANAGED, VersionId=policy["DefaultVersionId"])["PolicyVersion"]
    statements = version["Document"]["Statement"]
    assert any("ssm:UpdateInstanceInformation" in statement["Action"] for statement in statements)
    with refused("NoSuchEntity"):
        iam.get_policy(PolicyArn="arn:aws:iam::aws:policy/wrong/path/AmazonSSMManagedInstanceCore")


def test_managed_policies_are_listed(iam: Any) -> None:
    """https://docs.aws.amazon.com/IAM/latest/APIReference/API_ListPolicies.html"""
    listed = iam.list_policies(Scope="AWS", MaxItems=1000)["Policies"]
    assert len(listed) == 1000
    assert iam.list_policies(Scope="Local")["Policies"] == []


# --- tags: https://docs.aws.amazon.com/IAM/latest/UserGuide/id_tags.html ---

LAB = {"Key": "Lab", "Value": "nimbus"}


def test_roles_policies_and_instance_profiles_keep_their_tags(iam: Any) -> None:
    """moto does this as AWS does."""
    made = iam.create_role(RoleName="role", AssumeRolePolicyDocument=trust(), Tags=[LAB])["Role"]
    policy = iam.create_policy(PolicyName="policy", PolicyDocument=POLICY, Tags=[LAB])["Policy"]
    profile = iam.create_instance_profile(InstanceProfileName="profile", Tags=[LAB])["InstanceProfile"]
    for tagged in (
        made, policy, profile, iam.get_role(RoleName="role")["Role"], iam.get_policy(PolicyArn=policy["Arn"])["Policy"],
        iam.get_instance_profile(InstanceProfileName="profile")["InstanceProfile"], iam.list_role_tags(RoleName="role"),
        iam.list_policy_tags(PolicyArn=policy["Arn"]),
    ):  # fmt: skip
        assert tagged["Tags"] == [LAB]


@pytest.mark.aws_does("listed-instance-profiles-have-no-tags")
def test_what_is_listed_has_no_tags(iam: Any) -> None:
    """https://docs.aws.amazon.com/IAM/latest/APIReference/API_ListRoles.html, of policies and profiles likewise"""
    iam.create_role(RoleName="role", AssumeRolePolicyDocument=trust(), Tags=[LAB])
    iam.create_policy(PolicyName="policy", PolicyDocument=POLICY, Tags=[LAB])
    iam.create_instance_profile(InstanceProfileName="profile", Tags=[LAB])
    listed = [
        *iam.list_roles()["Roles"], *iam.list_policies(Scope="Local")["Policies"],
        *iam.list_instance_profiles()["InstanceProfiles"],
    ]  # fmt: skip
    assert len(listed) == 3 and not any("Tags" in each for each in listed)
    assert iam.get_instance_profile(InstanceProfileName="profile")["InstanceProfile"]["Tags"] == [LAB]


GROUP = "arn:aws:logs:us-east-1:123456789012:log-group:group"


@pytest.mark.aws_does("retention-is-one-of-aws-s")
def test_a_log_group_keeps_its_events_for_one_of_some_numbers_of_days(logs: Any) -> None:
    """https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutRetentionPolicy.html"""
    logs.create_log_group(logGroupName="group")
    for days in (1, 7, 3653):
        logs.put_retention_policy(logGroupName="group", retentionInDays=days)
    for days in (0, 8, 3654):
        with refused("InvalidParameterException", "Invalid retention value. Valid values are: [1, 3, 5, 7, 14, "):
            logs.put_retention_policy(logGroupName="group", retentionInDays=days)
    assert logs.describe_log_groups()["logGroups"][0]["retentionInDays"] == 3653


@pytest.mark.aws_does("tags-go-with-their-log-group")
def test_a_log_groups_tags_go_with_it(logs: Any) -> None:
    """https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_TagResource.html"""
    logs.create_log_group(logGroupName="group", tags={"Lab": "nimbus"})
    logs.tag_resource(resourceArn=GROUP, tags={"Name": "group"})
    assert logs.list_tags_for_resource(resourceArn=GROUP)["tags"] == {"Lab": "nimbus", "Name": "group"}
    logs.untag_resource(resourceArn=GROUP, tagKeys=["Name"])
    assert logs.list_tags_for_resource(resourceArn=GROUP)["tags"] == {"Lab": "nimbus"}
    logs.delete_log_group(logGroupName="group")
    logs.create_log_group(logGroupName="group")
    assert logs.list_tags_for_resource(resourceArn=GROUP)["tags"] == {}


@pytest.mark.aws_does("tags-are-listed-of-what-exists", "tags-are-given-to-what-exists")
def test_a_log_group_that_does_not_exist_has_no_tags(logs: Any, patch: str) -> None:
    """https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_ListTagsForResource.html"""
    with refused("ResourceNotFoundException", "The specified resource does not exist."):
        if patch == "tags-are-listed-of-what-exists":
            logs.list_tags_for_resource(resourceArn=GROUP)
        else:
            logs.tag_resource(resourceArn=GROUP, tags={"Name": "group"})
