"""Contrary accounts: another region, no default VPC, quotas, others' things, an identity that may not do everything."""

from __future__ import annotations

from typing import Any

import pytest

from labkit.embedded import EmbeddedAws, start
from labkit.embedded.api.contrary.quotas import Quotas
from labkit.embedded.api.service_quotas import ADDRESSES, VCPUS, VPCS
from tests.embedded.support import assign_public_addresses, client, new_vpc, refused, run, where

behaves = pytest.mark.behaves


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


def test_the_default_quotas_can_be_read(aws: EmbeddedAws) -> None:
    """https://docs.aws.amazon.com/servicequotas/2019-06-24/apireference/API_GetServiceQuota.html"""
    for service, code, value in (("vpc", VPCS, 5.0), ("ec2", ADDRESSES, 5.0), ("ec2", VCPUS, 5.0)):
        assert quota(aws, service, code)["Value"] == value
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
