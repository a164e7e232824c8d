"""Contrary accounts: another region, no default VPC, quotas, others' things, an identity that may not do everything."""

from __future__ import annotations

import ast
import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from labkit import names
from labkit.embedded import EmbeddedAws, start
from labkit.embedded.api import contrary
from labkit.embedded.api.contrary.quotas import Quotas
from labkit.embedded.api.contrary.sandbox import Sandbox
from labkit.embedded.api.service_quotas import ADDRESSES, RAISED, VCPUS, VPCS
from labkit.iam import flow_log_delivery, managed_instance, read_role
from labkit.session import preflight
from tests.embedded.site import Site
from tests.embedded.support import assign_public_addresses, client, new_vpc, refused, run, where
from tests.neighbors import additions, changes, everything

behaves = pytest.mark.behaves


def test_an_unknown_behavior_starts_nothing() -> None:
    with pytest.raises(KeyError, match="another-continent"):
        start(behaviors=["another-continent"])


def test_what_several_of_them_need_is_written_once() -> None:
    """The families of standard instances, which the look before a lab counts, too; the document of a policy."""
    files = [*Path(contrary.__file__).parents[1].rglob("*.py"), Path(preflight.__file__)]
    texts = Counter(
        node.value
        for file in files
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
        if isinstance(node, ast.Constant)
    )
    assert texts[r"[acdhimrtz]\d"] == texts["2012-10-17"] == 1


# --- another-region ---


@behaves("another-region")
class TestAnotherRegion:
    """https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/using-regions-availability-zones.html"""

    def test_an_instance_has_the_regions_zone_image_and_names(self, ec2: Any, image: str, subnet: str) -> None:
        """https://docs.aws.amazon.com/vpc/latest/userguide/AmazonDNS-concepts.html"""
        vpc = ec2.describe_subnets(SubnetIds=[subnet])["Subnets"][0]["VpcId"]
        ec2.modify_vpc_attribute(VpcId=vpc, EnableDnsHostnames={"Value": True})
        assign_public_addresses(ec2, subnet)
        made = run(ec2, image, subnet)
        assert made["Placement"]["AvailabilityZone"].startswith("eu-central-1")
        assert made["PrivateDnsName"] == "ip-10-1-0-4.eu-central-1.compute.internal"
        public = f"ec2-{made['PublicIpAddress'].replace('.', '-')}.eu-central-1.compute.amazonaws.com"
        assert made["PublicDnsName"] == made["NetworkInterfaces"][0]["Association"]["PublicDnsName"] == public

    def test_the_image_of_another_region_is_unknown(self, ec2: Any, image: str, subnet: str) -> None:
        """https://docs.aws.amazon.com/linux/al2023/ug/ec2.html: each region has an id of its own for an image."""
        assert ec2.describe_images(ImageIds=[image])["Images"][0]["Architecture"] == "x86_64"
        with refused("InvalidAMIID.NotFound"):
            run(ec2, "ami-0fa3fe0fa7920f68e", subnet)

    def test_arns_name_the_region(self, ec2: Any, logs: Any, subnet: str) -> None:
        arn = ec2.describe_subnets(SubnetIds=[subnet])["Subnets"][0]["SubnetArn"]
        assert arn == f"arn:aws:ec2:eu-central-1:123456789012:subnet/{subnet}"
        logs.create_log_group(logGroupName="group")
        found = logs.describe_log_groups()["logGroups"][0]["logGroupArn"]
        assert found == "arn:aws:logs:eu-central-1:123456789012:log-group:group"

    def test_it_offers_instance_types_in_its_own_zones(self, ec2: Any) -> None:
        offered = ec2.describe_instance_type_offerings(
            LocationType="availability-zone", Filters=where("instance-type", "t3.micro")
        )["InstanceTypeOfferings"]
        assert {each["Location"] for each in offered} == {f"eu-central-1{letter}" for letter in "abc"}

    def test_records_are_delivered_and_queried_there(self, aws: EmbeddedAws, image: str) -> None:
        """https://docs.aws.amazon.com/vpc/latest/userguide/flow-log-records.html: region, az-id"""
        site = Site(aws, image)
        site.record(site.vpc, LogFormat="region az-id srcaddr dstaddr action")
        begin = int(aws.clock.time())
        assert "3 received" in site.send("ping -c 3 10.1.0.20")["StandardOutputContent"]
        site.settle()
        zone = site.ec2.describe_subnets(SubnetIds=[site.subnet])["Subnets"][0]["AvailabilityZoneId"]
        assert ["eu-central-1", zone, "10.1.0.10", "10.1.0.20", "ACCEPT"] in site.lines()
        query = site.logs.start_query(
            logGroupName="g", startTime=begin - 60, endTime=begin + 600, queryString="stats count(*) as n"
        )["queryId"]
        assert int(site.logs.get_query_results(queryId=query)["results"][0][0]["value"]) >= 4

    def test_any_other_region_is_refused(self, aws: EmbeddedAws) -> None:
        with refused("NotImplemented", "does not have the region us-east-1, only eu-central-1"):
            client(aws, "ec2", "us-east-1").describe_vpcs()

    def test_iam_is_the_same_for_all_regions(self, aws: EmbeddedAws) -> None:
        """https://docs.aws.amazon.com/general/latest/gr/iam-service.html"""
        for region in ("us-east-1", "eu-central-1"):
            assert client(aws, "iam", region).list_roles()["Roles"] == []


# --- no-default-vpc: https://docs.aws.amazon.com/vpc/latest/userguide/deleting-default-vpc.html ---


@behaves("no-default-vpc")
class TestNoDefaultVpc:
    def test_the_account_is_empty(self, ec2: Any) -> None:
        assert ec2.describe_vpcs()["Vpcs"] == ec2.describe_subnets()["Subnets"] == []
        assert ec2.describe_internet_gateways()["InternetGateways"] == []

    def test_what_names_no_vpc_is_refused(self, ec2: Any, image: str) -> None:
        """https://docs.aws.amazon.com/AWSEC2/latest/APIReference/errors-overview.html: VPCIdNotSpecified"""
        with refused("VPCIdNotSpecified", "No default VPC for this user"):
            ec2.run_instances(ImageId=image, InstanceType="t3.micro", MinCount=1, MaxCount=1)
        with refused("VPCIdNotSpecified", "No default VPC for this user"):
            ec2.create_security_group(GroupName="group", Description="group")

    def test_what_names_its_vpc_is_made(self, ec2: Any, image: str, vpc: str, subnet: str) -> None:
        assert ec2.create_security_group(GroupName="group", Description="group", VpcId=vpc)["GroupId"]
        assert run(ec2, image, subnet)["State"]["Name"] == "running"

    def test_it_can_be_made_again(self, ec2: Any) -> None:
        """https://docs.aws.amazon.com/vpc/latest/userguide/work-with-default-vpc.html"""
        assert ec2.create_default_vpc()["Vpc"]["IsDefault"] is True


# --- zone-a-lacks-t3-micro ---


@behaves("zone-a-lacks-t3-micro")
class TestZoneLacksT3Micro:
    """https://repost.aws/knowledge-center/ec2-instance-type-not-supported-az-error"""

    def subnet(self, ec2: Any, vpc: str, zone: str) -> str:
        made = ec2.create_subnet(VpcId=vpc, CidrBlock="10.1.0.0/20", AvailabilityZone=zone)
        return str(made["Subnet"]["SubnetId"])

    def test_a_launch_there_is_refused_and_the_others_are_named(self, ec2: Any, image: str, vpc: str) -> None:
        subnet = self.subnet(ec2, vpc, "us-east-1a")
        message = (
            "Your requested instance type (t3.micro) is not supported in your requested Availability Zone "
            "(us-east-1a). Please retry your request by not specifying an Availability Zone or choosing us-east-1b, "
            "us-east-1c, us-east-1d, us-east-1f."
        )
        with refused("Unsupported", message):
            run(ec2, image, subnet)
        interface = {"DeviceIndex": 0, "SubnetId": subnet}
        for where_to in ({"NetworkInterfaces": [interface]}, {"Placement": {"AvailabilityZone": "us-east-1a"}}):
            with refused("Unsupported", message):
                ec2.run_instances(ImageId=image, InstanceType="t3.micro", MinCount=1, MaxCount=1, **where_to)
        assert ec2.describe_instances()["Reservations"] == []

    def test_other_types_and_other_zones_are_launched(self, ec2: Any, image: str, vpc: str) -> None:
        run(ec2, image, self.subnet(ec2, vpc, "us-east-1a"), InstanceType="t3.small")
        run(
            ec2,
            image,
            str(ec2.describe_subnets(Filters=where("availability-zone", "us-east-1b"))["Subnets"][0]["SubnetId"]),
        )

    def test_without_a_zone_ec2_chooses_one_that_has_it(self, ec2: Any, image: str) -> None:
        made = ec2.run_instances(ImageId=image, InstanceType="t3.micro", MinCount=1, MaxCount=1)["Instances"][0]
        assert made["Placement"]["AvailabilityZone"] == "us-east-1b"

    def test_the_offerings_leave_it_out(self, ec2: Any) -> None:
        """https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeInstanceTypeOfferings.html"""
        for kind, zone, other in (
            ("availability-zone", "us-east-1a", "us-east-1b"), ("availability-zone-id", "use1-az6", "use1-az1"),
        ):  # fmt: skip
            both = [*where("instance-type", "t3.micro", "t3.small"), *where("location", zone, other)]
            answer = ec2.describe_instance_type_offerings(LocationType=kind, Filters=both)["InstanceTypeOfferings"]
            assert sorted((each["Location"], each["InstanceType"]) for each in answer) == sorted(
                [(zone, "t3.small"), (other, "t3.micro"), (other, "t3.small")]
            )


# --- quotas ---


def quota(aws: EmbeddedAws, service: str, code: str) -> Any:
    return client(aws, "service-quotas").get_service_quota(ServiceCode=service, QuotaCode=code)["Quota"]


@behaves("quotas", "no-default-vpc")
class TestQuotas:
    """https://docs.aws.amazon.com/vpc/latest/userguide/amazon-vpc-limits.html"""

    def test_three_vpcs_fit_beside_what_was_there(self, aws: EmbeddedAws, ec2: Any) -> None:
        made = [new_vpc(ec2, f"10.{number}.0.0/16") for number in range(3)]
        assert quota(aws, "vpc", VPCS)["Value"] == 3.0
        with refused("VpcLimitExceeded", "The maximum number of VPCs has been reached."):
            new_vpc(ec2, "10.9.0.0/16")
        ec2.delete_vpc(VpcId=made[0])
        new_vpc(ec2, "10.9.0.0/16")

    def test_no_elastic_address_fits(self, aws: EmbeddedAws, ec2: Any) -> None:
        """https://docs.aws.amazon.com/AWSEC2/latest/APIReference/errors-overview.html: AddressLimitExceeded"""
        with refused("AddressLimitExceeded", "The maximum number of addresses has been reached."):
            ec2.allocate_address(Domain="vpc")
        assert quota(aws, "ec2", ADDRESSES)["Value"] == 0.0

    def test_two_instances_of_two_vcpus_fit(self, aws: EmbeddedAws, ec2: Any, image: str, subnet: str) -> None:
        """https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/ec2-on-demand-instances.html"""
        with refused("VcpuLimitExceeded", "than your current vCPU limit of 4 allows"):
            run(ec2, image, subnet, InstanceType="t3.2xlarge")
        first = run(ec2, image, subnet)["InstanceId"]
        run(ec2, image, subnet)
        with refused("VcpuLimitExceeded"):
            run(ec2, image, subnet)
        ec2.terminate_instances(InstanceIds=[first])
        run(ec2, image, subnet)
        assert quota(aws, "ec2", VCPUS)["Value"] == 4.0

    def test_of_several_instances_as_many_are_launched_as_fit(self, ec2: Any, image: str, subnet: str) -> None:
        """https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_RunInstances.html: MaxCount"""
        ask = {"ImageId": image, "SubnetId": subnet, "InstanceType": "t3.micro", "MaxCount": 5}
        with refused("VcpuLimitExceeded"):
            ec2.run_instances(MinCount=3, **ask)
        assert len(ec2.run_instances(MinCount=1, **ask)["Instances"]) == 2

    def test_a_dry_run_asks_for_permission_only(self, ec2: Any) -> None:
        with refused("DryRunOperation"):
            ec2.allocate_address(Domain="vpc", DryRun=True)

    def test_what_is_no_instance_type_is_refused_as_that(self, ec2: Any, image: str, subnet: str) -> None:
        with refused("InvalidInstanceType.NotFound"):
            run(ec2, image, subnet, InstanceType="t3.tiny")


def test_a_quota_can_be_full_at_the_start(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Quotas, "spare", {VPCS: 0, ADDRESSES: 0, VCPUS: 0})
    with start(behaviors=["quotas"]) as aws:
        assert quota(aws, "vpc", VPCS)["Value"] == len(client(aws, "ec2").describe_vpcs()["Vpcs"]) == 1
        with refused("VpcLimitExceeded"):
            new_vpc(client(aws, "ec2"), "10.9.0.0/16")


# --- Service Quotas, with or without behaviors ---


def test_the_accounts_quotas_and_the_default_ones_can_be_read(aws: EmbeddedAws) -> None:
    """https://docs.aws.amazon.com/servicequotas/2019-06-24/apireference/API_GetServiceQuota.html"""
    for service, code, value in (("vpc", VPCS, 5.0), ("ec2", ADDRESSES, 5.0), ("ec2", VCPUS, 5.0)):
        assert quota(aws, service, code)["Value"] == value * RAISED
        default = client(aws, "service-quotas").get_aws_default_service_quota(ServiceCode=service, QuotaCode=code)
        assert default["Quota"]["Value"] == value
    found = quota(aws, "vpc", VPCS)
    assert found["QuotaArn"] == f"arn:aws:servicequotas:us-east-1:123456789012:vpc/{VPCS}"
    assert (found["QuotaName"], found["ServiceCode"]) == ("VPCs per Region", "vpc")


def test_any_other_quota_and_any_other_action_is_refused(aws: EmbeddedAws) -> None:
    with refused("NoSuchResourceException", "knows no quota L-A4707A72 of vpc"):
        quota(aws, "vpc", "L-A4707A72")
    with refused("NotImplemented", "The embedded AWS does not do servicequotas ListServiceQuotas"):
        client(aws, "service-quotas").list_service_quotas(ServiceCode="vpc")


# --- sandbox: https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_access-denied.html ---

ROLES = "arn:aws:iam::123456789012:role/"
STUDENT = "User: arn:aws:iam::123456789012:user/student is not authorized to perform: "


def flow_log(ec2: Any, *resources: str, role: str = f"{ROLES}LabRole", **more: Any) -> Any:
    return ec2.create_flow_logs(
        ResourceType="VPC", ResourceIds=resources, TrafficType="ALL", LogGroupName="group",
        DeliverLogsPermissionArn=role, **more,
    )  # fmt: skip


def make_role(iam: Any, name: str, service: str) -> str:
    trust = {"Effect": "Allow", "Principal": {"Service": service}, "Action": "sts:AssumeRole"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [trust]})
    return str(iam.create_role(RoleName=name, AssumeRolePolicyDocument=document)["Role"]["Arn"])


@behaves("sandbox")
class TestSandbox:
    def test_nothing_of_iam_can_be_made_changed_or_deleted(self, iam: Any) -> None:
        why = "because no identity-based policy allows the iam:CreateRole action"
        with refused("AccessDenied", f"{STUDENT}iam:CreateRole on resource: {ROLES}NimbusInstanceRole {why}"):
            make_role(iam, "NimbusInstanceRole", "ec2.amazonaws.com")
        policy = "arn:aws:iam::123456789012:policy/Any"
        for operation, subject, parameters in (
            ("create_policy", policy, {"PolicyName": "Any", "PolicyDocument": "{}"}),
            ("delete_role", f"{ROLES}LabRole", {"RoleName": "LabRole"}),
            ("tag_role", f"{ROLES}LabRole", {"RoleName": "LabRole", "Tags": []}),
            ("attach_role_policy", f"{ROLES}LabRole", {"RoleName": "LabRole", "PolicyArn": policy}),
            ("update_assume_role_policy", f"{ROLES}LabRole", {"RoleName": "LabRole", "PolicyDocument": "{}"}),
            ("create_instance_profile", ROLES.replace("role/", "instance-profile/Any"), {"InstanceProfileName": "Any"}),
            ("simulate_principal_policy", policy, {"PolicySourceArn": policy, "ActionNames": ["ec2:CreateVpc"]}),
        ):
            with refused("AccessDenied", f"on resource: {subject} because"):
                getattr(iam, operation)(**parameters)

    def test_it_is_answered_with_403(self, iam: Any) -> None:
        """https://docs.aws.amazon.com/IAM/latest/APIReference/CommonErrors.html"""
        with pytest.raises(ClientError) as caught:
            iam.delete_role(RoleName="LabRole")
        assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 403

    def test_there_is_a_role_that_may_deliver_flow_logs_and_be_managed(self, aws: EmbeddedAws, iam: Any) -> None:
        role = read_role(iam, "LabRole")
        assert role is not None
        asked = {"account": "123456789012", "region": aws.region, "flow_log_id": "fl-1", "log_group": "group"}
        for exists in (True, False):
            assert flow_log_delivery(role, **asked, log_group_exists=exists).allowed
        assert managed_instance(role).allowed
        assert "ssm.amazonaws.com" in role.trust["Statement"][0]["Principal"]["Service"]
        profile = iam.get_instance_profile(InstanceProfileName="LabInstanceProfile")["InstanceProfile"]
        assert [each["RoleName"] for each in profile["Roles"]] == ["LabRole"]

    def test_only_that_role_can_be_passed(self, aws: EmbeddedAws, ec2: Any, image: str, subnet: str, vpc: str) -> None:
        """https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_use_passrole.html"""
        inside = aws.client("iam")
        other = make_role(inside, "Other", "vpc-flow-logs.amazonaws.com")
        inside.create_instance_profile(InstanceProfileName="Other")
        inside.add_role_to_instance_profile(InstanceProfileName="Other", RoleName="Other")
        for dry_run in (False, True):
            message = f"{STUDENT}iam:PassRole on resource: {other}"
            with refused("UnauthorizedOperation", f"You are not authorized to perform this operation. {message}"):
                flow_log(ec2, vpc, role=other, DryRun=dry_run)
            with refused("UnauthorizedOperation", message):
                run(ec2, image, subnet, IamInstanceProfile={"Name": "Other"}, DryRun=dry_run)
        assert flow_log(ec2, vpc)["FlowLogIds"]
        made = run(ec2, image, subnet, IamInstanceProfile={"Name": "LabInstanceProfile"})
        with refused("UnauthorizedOperation", message):
            ec2.associate_iam_instance_profile(InstanceId=made["InstanceId"], IamInstanceProfile={"Name": "Other"})

    def test_a_dry_run_says_what_would_be_permitted(self, ec2: Any, vpc: str) -> None:
        with refused("DryRunOperation"):
            flow_log(ec2, vpc, DryRun=True)
        with refused("DryRunOperation"):
            ec2.create_vpc(CidrBlock="10.9.0.0/16", DryRun=True)

    def test_iam_can_be_read(self, iam: Any, sts: Any) -> None:
        assert [each["RoleName"] for each in iam.list_roles()["Roles"]] == ["LabRole"]
        assert sts.get_caller_identity()["Arn"] == "arn:aws:iam::123456789012:user/student"


def test_a_sandboxs_role_may_not_trust_the_flow_logs_service(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Sandbox, "trusted", ("ec2.amazonaws.com", "ssm.amazonaws.com"))
    with start(behaviors=["sandbox", "role-is-checked"]) as aws:
        ec2 = client(aws, "ec2")
        with refused("InvalidParameter", "Unable to assume given IAM role"):
            flow_log(ec2, new_vpc(ec2, "10.1.0.0/16"))


# --- role-is-checked: https://github.com/hashicorp/terraform-provider-aws/issues/29323 ---


@behaves("role-is-checked")
class TestRoleIsChecked:
    def test_a_role_that_trusts_the_service_is_taken(self, ec2: Any, iam: Any, vpc: str) -> None:
        assert flow_log(ec2, vpc, role=make_role(iam, "Flow", "vpc-flow-logs.amazonaws.com"))["FlowLogIds"]

    def test_any_other_is_refused_and_no_flow_log_is_made(self, ec2: Any, iam: Any, vpc: str) -> None:
        for role in (make_role(iam, "Instance", "ec2.amazonaws.com"), f"{ROLES}None"):
            with refused("InvalidParameter", "Unable to assume given IAM role"):
                flow_log(ec2, vpc, role=role)
            with refused("DryRunOperation"):
                flow_log(ec2, vpc, role=role, DryRun=True)
        assert ec2.describe_flow_logs()["FlowLogs"] == []


# --- one-flow-log-is-unsuccessful: https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateFlowLogs.html ---


@behaves("one-flow-log-is-unsuccessful")
class TestOneFlowLogIsUnsuccessful:
    def test_the_last_of_two_is_not_made_and_is_named(self, ec2: Any, vpc: str, other_vpc: str) -> None:
        answer = flow_log(ec2, vpc, other_vpc)
        (found,) = ec2.describe_flow_logs()["FlowLogs"]
        assert (answer["FlowLogIds"], found["ResourceId"]) == ([found["FlowLogId"]], vpc)
        (unsuccessful,) = answer["Unsuccessful"]
        assert unsuccessful["ResourceId"] == other_vpc
        assert unsuccessful["Error"]["Code"] == "InternalError" and unsuccessful["Error"]["Message"]
        again = flow_log(ec2, other_vpc)
        assert len(again["FlowLogIds"]) == 1 and again["Unsuccessful"] == []

    def test_of_one_none_is_made_and_the_same_call_again_makes_it(self, ec2: Any, vpc: str) -> None:
        answer = flow_log(ec2, vpc, ClientToken="token")
        assert answer["FlowLogIds"] == [] and answer["Unsuccessful"][0]["ResourceId"] == vpc
        assert ec2.describe_flow_logs()["FlowLogs"] == []
        assert len(flow_log(ec2, vpc, ClientToken="token")["FlowLogIds"]) == 1

    def test_a_refused_call_is_not_the_first(self, ec2: Any, vpc: str, other_vpc: str) -> None:
        with refused("InvalidParameter"):
            flow_log(ec2, vpc, other_vpc, MaxAggregationInterval=61)
        with refused("DryRunOperation"):
            flow_log(ec2, vpc, DryRun=True)
        assert flow_log(ec2, vpc, other_vpc)["Unsuccessful"]


# --- other-peoples-things: https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/Using_Tags.html ---


def names_of(things: dict[str, Any]) -> dict[str, str]:
    """The ids of things in EC2 by their names."""
    return {tag["Value"]: id for id, each in things.items() for tag in each.get("Tags", []) if tag["Key"] == "Name"}


@behaves("other-peoples-things")
class TestOtherPeoplesThings:
    def test_they_have_the_names_that_the_course_gives_and_no_tag_of_the_lab(self, aws: EmbeddedAws) -> None:
        there = everything(aws.client)
        assert names_of(there).keys() == {
            "vpc-1", "subnet-1", "igw-1", "route-table-1", "allow-icmp-1", "instance-1", "NimbusVPCFlowLog", "shop",
            "peering-1-2",
        }  # fmt: skip
        assert "nimbus" not in str(there)
        account = "arn:aws:iam::123456789012:"
        assert {id for id in there if id.startswith(account)} == {
            f"{account}role/{names.DELIVERY_ROLE}", f"{account}role/{names.INSTANCE_ROLE}",
            f"{account}policy/{names.POLICY}", f"{account}instance-profile/{names.INSTANCE_PROFILE}",
        }  # fmt: skip

    def test_their_instance_runs_with_their_key_and_profile(self, aws: EmbeddedAws) -> None:
        there = everything(aws.client)
        made = there[names_of(there)["instance-1"]]
        assert (made["State"]["Name"], made["KeyName"]) == ("running", "first")
        assert made["IamInstanceProfile"]["Arn"].endswith(f"/{names.INSTANCE_PROFILE}")

    def test_their_flow_log_delivers_to_a_group_with_records(self, aws: EmbeddedAws, logs: Any) -> None:
        (group,) = logs.describe_log_groups()["logGroups"]
        assert (group["logGroupName"], group["retentionInDays"]) == (names.LOG_GROUP, 30)
        assert len(logs.filter_log_events(logGroupName=names.LOG_GROUP)["events"]) == 5
        role = read_role(aws.client("iam"), names.DELIVERY_ROLE)
        assert role is not None
        flow_log_id = names_of(everything(aws.client))["NimbusVPCFlowLog"]
        asked = {"account": "123456789012", "region": aws.region, "flow_log_id": flow_log_id}
        assert flow_log_delivery(role, **asked, log_group=group["logGroupName"]).allowed

    def test_names_that_are_unique_are_taken(self, ec2: Any, iam: Any, logs: Any) -> None:
        """https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html"""
        for name in (names.DELIVERY_ROLE, names.INSTANCE_ROLE):
            with refused("EntityAlreadyExists"):
                make_role(iam, name, "ec2.amazonaws.com")
        with refused("EntityAlreadyExists"):
            iam.create_instance_profile(InstanceProfileName=names.INSTANCE_PROFILE)
        with refused("ResourceAlreadyExistsException"):
            logs.create_log_group(logGroupName=names.LOG_GROUP)
        with refused("InvalidKeyPair.Duplicate"):
            ec2.create_key_pair(KeyName="first")

    def test_names_in_ec2_are_not(self, ec2: Any) -> None:
        tags = [{"ResourceType": "vpc", "Tags": [{"Key": "Name", "Value": "vpc-1"}]}]
        ec2.create_vpc(CidrBlock="10.1.0.0/16", TagSpecifications=tags)
        assert len(ec2.describe_vpcs(Filters=where("tag:Name", "vpc-1"))["Vpcs"]) == 2

    def test_a_snapshot_shows_each_change(self, aws: EmbeddedAws, ec2: Any, iam: Any, logs: Any) -> None:
        before = everything(aws.client)
        named = names_of(before)
        aws.clock.advance(3600)
        assert changes(before, everything(aws.client)) == additions(before, everything(aws.client)) == {}
        policy = f"arn:aws:iam::123456789012:policy/{names.POLICY}"
        for change, id in (
            (lambda: ec2.create_tags(Resources=[named["igw-1"]], Tags=[{"Key": "Lab", "Value": "nimbus"}]), "igw-1"),
            (lambda: ec2.delete_vpc_peering_connection(VpcPeeringConnectionId=named["peering-1-2"]), "peering-1-2"),
            (lambda: ec2.stop_instances(InstanceIds=[named["instance-1"]]), "instance-1"),
            (lambda: logs.put_retention_policy(logGroupName=names.LOG_GROUP, retentionInDays=1), names.LOG_GROUP),
            (lambda: iam.detach_role_policy(RoleName=names.DELIVERY_ROLE, PolicyArn=policy), names.DELIVERY_ROLE),
            (lambda: ec2.delete_key_pair(KeyName="first"), "key-"),
        ):
            change()
            after = everything(aws.client)
            changed = changes(before, after)
            assert any(named.get(id, id) in each for each in changed), (id, changed)
            before = after
        ec2.create_internet_gateway()
        (added,) = additions(before, everything(aws.client))
        assert added.startswith("igw-")


@behaves(
    "other-peoples-things", "no-default-vpc", "quotas", "another-region", "zone-a-lacks-t3-micro", "sandbox",
    "role-is-checked", "one-flow-log-is-unsuccessful",
)  # fmt: skip
def test_all_together_what_the_course_makes_fits(aws: EmbeddedAws, ec2: Any, image: str) -> None:
    before = everything(aws.client)
    vpcs = [new_vpc(ec2, cidr) for cidr in ("10.1.0.0/16", "10.2.0.0/16", "10.1.0.0/16")]
    for number, vpc in enumerate(vpcs[:2], start=1):
        made = ec2.create_subnet(VpcId=vpc, CidrBlock=f"10.{number}.0.0/20", AvailabilityZone="eu-central-1b")
        subnet = made["Subnet"]["SubnetId"]
        assert run(ec2, image, subnet, IamInstanceProfile={"Name": "LabInstanceProfile"})["State"]["Name"] == "running"
    with refused("VcpuLimitExceeded"):
        run(ec2, image, subnet)
    with refused("VpcLimitExceeded"):
        new_vpc(ec2, "10.3.0.0/16")
    assert [each["ResourceId"] for each in flow_log(ec2, *vpcs[:2])["Unsuccessful"]] == vpcs[1:2]
    assert flow_log(ec2, vpcs[1])["Unsuccessful"] == []
    assert changes(before, everything(aws.client)) == {}
